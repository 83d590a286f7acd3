# SPDX-License-Identifier: MIT
"""A token that turns again and again, in the middle of everything that anybody can do with it.

Each step of a run is one call by an owner, a keeper or a contract that answers callbacks, on a
token that has just become something else; its hooks, and the callbacks of the contract, make other
calls inside. Whatever is done, books add up, other kinds are all there, and equity falls by nothing
but what an absorb or a loss says it has struck off.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from surety.chain import Contract
from tests.bad_inputs.stage import ETH, GOLD, ODD, TROUBLED, Stage
from tests.bad_inputs.tokens import Mode
from tests.incidents.weak import weakened
from tests.stateful.node import as_json
from tests.world import INT_MIN, MAX, WAD

Move = tuple[Contract, str, tuple[Any, ...]]
# turns that take nothing from whoever holds the token: its books must be true all the while
QUIET = (
    Mode.NOTHING, Mode.REFUSE, Mode.DENY, Mode.LIE, Mode.REVERT, Mode.FEE, Mode.SHORT, Mode.ALL,
    Mode.NARROW,
)  # fmt: skip
HOOKS = (Mode.HOOK_AFTER, Mode.HOOK_BEFORE)
AMOUNTS = (0, 1, 2, 10**6, WAD, 7 * WAD, 50 * WAD, 100 * WAD, 333 * WAD, 1_000 * WAD, MAX)


class Run:
    """One run by a seed: people, what they do, and what must hold after each step."""

    def __init__(self, seed: int, stage: Stage) -> None:
        self.stage, self.dice = stage, random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.inner: Counter[str] = Counter()
        actor = stage.actor.address
        stage.world.give(actor, GOLD, 10 * WAD)
        for token, spender in (
            (stage.odd, stage.vault), (stage.odd, stage.peg),
            (stage.world.tokens[GOLD], stage.vault), (stage.coin, stage.settlement),
        ):  # fmt: skip
            self.by_actor(token, "approve", spender.address, MAX)
        self.by_actor(stage.vault, "deposit", stage.id(0, actor), GOLD, 5 * WAD)
        self.by_actor(stage.vault, "deposit", stage.id(0, actor), ODD, 1_000 * WAD)
        self.own = [stage.id(sub, actor) for sub in range(2)]
        self.ids = [stage.id(sub) for sub in range(9)] + self.own
        # those that are in no step: they are only counted
        self.idle = [stage.id(0, stage.keeper)]
        self.people = (
            stage.owner, stage.other, stage.keeper, stage.stranger, actor,
            stage.world.governor, *stage.places().values(),
        )  # fmt: skip
        self.moves: dict[str, Callable[[bool], Move]] = {
            name.removeprefix("_make_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_make_")
        }

    def by_actor(self, contract: Contract, fn: str, *args: Any) -> None:
        data = contract.encode(fn, *args)
        self.stage.do(self.stage.stranger, self.stage.actor, "execute", contract.address, data)

    # what can be done, by the contract itself or by somebody else

    def amount(self) -> int:
        return self.dice.choice(AMOUNTS)

    def account(self, is_actor: bool) -> int:
        return self.dice.choice(self.own if is_actor else self.ids[:9])

    def troubled(self) -> int:
        """Return an account that may be in some state of a liquidation."""
        return self.dice.choice([self.stage.id(sub) for sub in TROUBLED])

    def receiver(self, is_actor: bool) -> str:
        stage = self.stage
        return stage.actor.address if is_actor else self.dice.choice((stage.owner, stage.other))

    def _make_deposit(self, is_actor: bool) -> Move:
        id, kind = self.account(is_actor), self.dice.choice((ODD, ODD, GOLD))
        return self.stage.vault, "deposit", (id, kind, self.amount())

    def _make_withdraw(self, is_actor: bool) -> Move:
        id, kind = self.account(is_actor), self.dice.choice((ODD, ODD, GOLD))
        args = (id, kind, self.amount(), self.receiver(is_actor))
        return self.stage.vault, "withdraw", args

    def _make_borrow(self, is_actor: bool) -> Move:
        args = (self.account(is_actor), self.amount(), self.receiver(is_actor))
        return self.stage.vault, "borrow", args

    def _make_repay(self, is_actor: bool) -> Move:
        return self.stage.vault, "repay", (self.dice.choice(self.ids), self.amount())

    def _make_adjust(self, is_actor: bool) -> Move:
        def delta() -> int:
            amount = min(self.amount(), 2**255 - 1)
            return self.dice.choice((amount, -amount, INT_MIN))

        kinds = self.dice.choice(((ODD,), (ODD, GOLD), ()))
        legs = [(kind, delta()) for kind in kinds]
        data = b"x" if is_actor and self.dice.random() < 0.5 else b""
        args = (self.account(is_actor), legs, delta(), self.receiver(is_actor), data)
        return self.stage.vault, "adjust", args

    def _make_move(self, is_actor: bool) -> Move:
        one, other = self.account(is_actor), self.account(is_actor)
        amount = min(self.amount(), 2**255 - 1)
        return self.stage.vault, "move", (one, other, [(ODD, amount)], self.amount())

    def _make_margin_call(self, _is_actor: bool) -> Move:
        return self.stage.vault, "margin_call", (self.troubled(),)

    def _make_take(self, is_actor: bool) -> Move:
        data = b"x" if is_actor and self.dice.random() < 0.5 else b""
        kind = self.dice.choice((ODD, ODD, ETH))
        args = (self.troubled(), kind, self.amount(), MAX, self.receiver(is_actor), data)
        return self.stage.vault, "take", args

    def _make_takes(self, is_actor: bool) -> Move:
        orders = [(self.troubled(), kind, self.amount(), MAX) for kind in (ETH, ODD, ODD)]
        return self.stage.vault, "takes", (orders, self.receiver(is_actor))

    def _make_cure(self, _is_actor: bool) -> Move:
        return self.stage.vault, "cure", (self.troubled(),)

    def _make_absorb(self, _is_actor: bool) -> Move:
        return self.stage.vault, "absorb", (self.troubled(),)

    def _make_collect(self, _is_actor: bool) -> Move:
        return self.stage.fund, "collect", (self.stage.vault.address, self.dice.choice((ETH, ODD)))

    def _make_start_auction(self, _is_actor: bool) -> Move:
        return self.stage.fund, "start_auction", (self.stage.vault.address, ODD)

    def _make_buy(self, is_actor: bool) -> Move:
        args = (self.stage.odd.address, self.amount(), MAX, self.receiver(is_actor))
        return self.stage.fund, "buy", args

    def _make_recapitalise(self, _is_actor: bool) -> Move:
        return self.stage.fund, "recapitalise", (min(self.amount(), WAD),)

    def _make_mint(self, is_actor: bool) -> Move:
        return self.stage.peg, "mint", (self.amount(), self.receiver(is_actor))

    def _make_redeem(self, is_actor: bool) -> Move:
        return self.stage.peg, "redeem", (self.amount(), self.receiver(is_actor))

    def _make_poke(self, _is_actor: bool) -> Move:
        return self.stage.world.hub, "poke", (7,)

    # a step

    def choose(self, is_actor: bool) -> tuple[str, Move]:
        name = self.dice.choice(list(self.moves))
        return name, self.moves[name](is_actor)

    def act(self, contract: Contract, fn: str, args: tuple[Any, ...]) -> bytes:
        """Return the call by which the contract makes a move itself."""
        return self.stage.actor.encode("execute", contract.address, contract.encode(fn, *args))

    def step(self) -> None:
        stage, dice = self.stage, self.dice
        if dice.random() < 0.05:
            stage.wait(dice.choice((1, 60, 60, 600, 3_600, 7_201)))
            stage.world.set_price(ETH, dice.choice((800, 900, 1_000, 1_100, 1_300)) * WAD)
            stage.world.set_price(ODD, WAD)
            stage.world.set_price(GOLD, 1_000 * WAD)
        # what happens inside
        _, (contract, fn, args) = self.choose(is_actor=True)
        stage.tell("set_callback", stage.actor.address, self.act(contract, fn, args))
        steps = []
        if dice.random() < 0.5:
            within, (place, what, given) = self.choose(is_actor=True)
            steps = [(place.address, place.encode(what, *given))]
            self.inner[within] += 1
        stage.do(stage.stranger, stage.actor, "set_steps", steps)
        stage.tell("set_fee", dice.choice((1, 100, 10_000)))
        stage.modes(*(dice.choice(dice.choice((QUIET, HOOKS, HOOKS))) for _ in range(2)))
        # and what is done
        is_actor = dice.random() < 0.4
        name, (contract, fn, args) = self.choose(is_actor)
        before = self.equity()
        if is_actor:
            call = (contract.address, contract.encode(fn, *args))
            ran = stage.run(stage.stranger, stage.actor, "execute", *call)
        else:
            who = stage.keeper if name.startswith("take") else stage.owner
            ran = stage.run(who, contract, fn, *args)
        self.seen[f"{name}: {'done' if ran.reason is None else 'refused'}"] += 1
        if ran.reason is None and stage.odd.read("calls"):
            came = "got in" if stage.odd.read("successes") else "was locked out"
            self.seen[f"hook: {came}"] += 1
        self.check(before, ran.logs)

    def equity(self) -> int:
        """Return what is owed and booked as a reserve, less all coins."""
        owed = self.stage.vault.read("total_debt") + self.stage.peg.read("reserve_held")
        return int(owed) - int(self.stage.coin.read("totalSupply"))

    def check(self, before: int, logs: Any) -> None:
        stage, vault = self.stage, self.stage.vault
        struck = 0
        for at, log in enumerate(logs):
            for event in vault.events([as_json(log, 1, at, "0x")]):
                # an absorb says its whole debt; the loss that a take leaves is said alone
                if event.name == "Absorbed":
                    struck += event.args["debt"] - event.args["shortfall"]
                elif event.name == "BadDebt":
                    struck += event.args["amount"]
        assert self.equity() >= before - struck, "equity fell"
        for kind, token in enumerate(stage.world.tokens):
            balances = [int(vault.read("balances", id, kind)) for id in (*self.ids, *self.idle)]
            assert sum(balances) + vault.read("absorbed", kind) == stage.booked(kind)
            there = token.read("balanceOf", vault.address)
            assert there >= stage.booked(kind), f"kind {kind}: {stage.booked(kind) - there} missing"
        assert stage.held(stage.peg) >= stage.peg.read("reserve_held"), "the peg is short"
        supply = int(stage.coin.read("totalSupply"))
        assert sum(stage.coins(who) for who in self.people) == supply


def turning(*weak: Any) -> Stage:
    stage = Stage(*weak)
    stage.trouble()
    return stage


def play(seed: int, steps: int, stage: Stage) -> Run:
    run = Run(seed, stage)
    for _ in range(steps):
        run.step()
    return run


@pytest.mark.covers("I01", "I02", "I05", "T10", "T11", "T22")
@pytest.mark.parametrize("seed", [pytest.param(seed, id=f"T22-seed-{seed}") for seed in range(2)])
def test_no_turn_of_a_token_takes_anything_out_of_the_books(seed):
    run = play(seed, 500, turning())
    done = {name for name in run.moves if run.seen[f"{name}: done"]}
    assert run.seen["hook: got in"] > 5
    assert run.seen["hook: was locked out"] > 20
    assert len(done) >= len(run.moves) - 5, sorted(set(run.moves) - done)


BELIEVES = ("    transfers.check_solvent(reserve, held)\n", "")
UNLOCKED = ("@external\ndef mint(", "@external\n@reentrant\ndef mint(")


@pytest.mark.parametrize(
    ("change", "found"),
    [(BELIEVES, "the peg is short"), (UNLOCKED, "equity fell")],
    ids=["believes", "unlocked"],
)
def test_a_run_convicts_a_peg_without_a_guard(change, found):
    """The control: a peg that believes transfers, and one that can be entered in the middle."""
    stages = [turning(weakened("PegStability", change)) for _ in range(4)]
    with pytest.raises(AssertionError, match=found):
        play_all(stages)


def play_all(stages: list[Stage]) -> None:
    for seed, stage in enumerate(stages):
        play(seed, 300, stage)


@pytest.mark.deep
def test_no_turn_of_a_token_takes_anything_out_of_the_books__at_length():
    seen: Counter[str] = Counter()
    for seed in range(100, 120):
        seen += play(seed, 500, turning()).seen
    for name in Run(0, turning()).moves:
        assert seen[f"{name}: done"] > 2, name
        # a poke has nothing to refuse, and a batch skips
        assert seen[f"{name}: refused"] > 2 or name in ("poke", "takes"), name
