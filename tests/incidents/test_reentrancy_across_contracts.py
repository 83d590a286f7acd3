# SPDX-License-Identifier: MIT
"""Reentrancy across contracts: out of one contract's callback into another that relies on it.

A lock ends at the contract that holds it. Cream (2021), Rari (2022) and dForce (2023) were entered
through a sister contract, or read in the middle by one. Here everything that can be called in a
vault's callback, on every other contract of the system, either refuses or leaves what the same two
calls leave one after the other; and every view that answers there answers what it does before or
afterwards.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from surety.chain import Contract, Function
from surety.compile import Artifact, artifact
from tests.incidents.arena import BTC, ETH, HOUR, LENT, STABLE, Arena, guessed, open_at_the_limit
from tests.incidents.test_read_only_reentrancy import UNLOCKED
from tests.incidents.weak import weakened
from tests.unit.peg_stability.stage import Stage
from tests.world import MAX, WAD

pytestmark = pytest.mark.covers("incident: read-only reentrancy", "incident: hook token")

TURNS, DEEP_TURNS = 12, 40
ZERO = "0x" + "00" * 20
State = dict[str, Any]


class Scene:
    """Two books over one coin, a peg, a fund with a surplus and goods, and a contract among them.

    It has accounts in both books, and approvals everywhere; a victim is in auction in both.
    """

    def __init__(self, *weak: Artifact) -> None:
        self.arena = arena = Arena(*weak)
        world, governor = arena.world, arena.world.governor
        self.vault, self.fund, self.peg = arena.vault, world.fund, Stage(world).peg
        self.second = self._second_book()
        self.actor = arena.deploy("MockActor")
        self.me = self.actor.address
        arena.must(governor, arena.coin, "set_ceiling", self.fund.address, 10**6 * WAD)
        for kind, amount in ((ETH, 1_000 * WAD), (BTC, 10**10), (STABLE, 10**12)):
            world.give(self.me, kind, amount)
            token = arena.tokens[kind]
            for spender in (self.vault, self.second, self.peg):
                assert self.does(token, "approve", spender.address, MAX) is None
            for who in (arena.owner, world.other):
                arena.must(who, token, "approve", self.second.address, MAX)
        self._people()
        self.contracts: dict[str, tuple[str, Contract]] = {
            "second": ("Vault", self.second),
            "vault": ("Vault", self.vault),
            "fund": ("InsuranceFund", self.fund),
            "hub": ("PriceHub", arena.hub),
            "coin": ("Stablecoin", arena.coin),
            "peg": ("PegStability", self.peg),
            "settlement": ("Settlement", world.settlement),
            "operators": ("Operators", world.operators),
            "models": ("MarginModels", world.margin_models),
            "listings": ("Listings", world.listings),
            "lens": ("Lens", world.lens),
        }

    def _second_book(self) -> Contract:
        arena, system = self.arena, self.arena.world.system
        governor = arena.world.governor
        book = arena.deploy(
            "Vault", governor, system.coin, system.hub, system.operators, ZERO, system.settlement,
            *arena.world.book.numbers,
        )  # fmt: skip
        arena.must(governor, arena.coin, "set_ceiling", book.address, 10**9 * WAD)
        for kind, params in enumerate(arena.world.params.kinds):
            at = params.levels
            levels = (at.initial_ltv, at.maintenance_ltv, at.close_out_ltv)
            listing = (kind, params.token, *levels, at.start_factor, at.end_factor, 2**127, False)
            arena.must(governor, book, "list_collateral", *listing)
        arena.must(governor, book, "propose_fund", self.fund.address)
        arena.must(governor, self.fund, "add_book", book.address)
        return book

    def _people(self) -> None:
        arena, world = self.arena, self.arena.world
        self.mine = world.id(self.me)
        self.victim = open_at_the_limit(arena)
        world.give(arena.owner, ETH, 10 * WAD)
        legs = [(ETH, 10 * WAD)]
        call = ("adjust", self.victim, legs, LENT, arena.owner, b"")
        arena.must(arena.owner, self.second, *call)
        for book in (self.vault, self.second):
            mine = ("adjust", self.mine, [(ETH, 100 * WAD)], 50_000 * WAD, self.me, b"")
            assert self.does(book, *mine) is None
        assert self.does(self.peg, "mint", 10**10, self.me) is None
        world.open([(ETH, 100 * WAD)], 100_000 * WAD, owner=world.other)
        arena.must(world.other, arena.coin, "burn", world.other, 90_000 * WAD)  # a surplus
        world.give(self.fund.address, ETH, 10 * WAD)
        arena.follow(ETH, 1_750 * WAD)
        for book in (self.vault, self.second):
            arena.must(arena.keeper, book, "margin_call", self.victim)
        arena.wait(HOUR + 600)
        arena.refresh()

    def does(self, contract: Contract, fn: str, *args: Any) -> str | None:
        return self.calls(contract.address, contract.encode(fn, *args))

    def calls(self, target: str, data: bytes) -> str | None:
        """Let the actor make a call; return why it was refused."""
        return self.arena.try_(self.arena.attacker, self.actor, "execute", target, data)

    def within(self, *steps: tuple[str, bytes]) -> None:
        self.arena.must(self.arena.attacker, self.actor, "set_steps", list(steps))

    def entered(self) -> bool:
        """Tell whether the step made inside went through: else nothing has."""
        return True

    def outer(self) -> dict[str, tuple[str, bytes]]:
        """Return the three calls that call back: coins out, coins owed, and collateral out."""
        account = self.mine
        encode = self.vault.encode
        calls = {
            "borrow": encode(
                "adjust", account | 1, [(ETH, 50 * WAD)], 40_000 * WAD, self.me, b"\x01"
            ),
            "repay": encode("adjust", account, [], -20_000 * WAD, self.me, b"\x01"),
            "take": encode("take", self.victim, ETH, 3 * WAD, MAX, self.me, b"\x01"),
        }
        return {how: (self.vault.address, data) for how, data in calls.items()}

    def questions(self, views: bool, turns: int) -> Iterator[tuple[str, str, str, bytes]]:
        """Yield (contract, function, address, data) of everything that can be called."""
        dice = random.Random(5)
        arena = self.arena
        addresses = (
            self.second.address, self.vault.address, arena.tokens[ETH].address, self.me,
            arena.owner, self.fund.address, arena.coin.address,
        )  # fmt: skip
        numbers = (0, 1, WAD, self.mine, self.victim, 2, 100 * WAD, MAX)
        for name, (kind, contract) in self.contracts.items():
            for entry in artifact(kind).abi:
                if entry["type"] != "function" or entry["stateMutability"] == "payable":
                    continue
                if views == (entry["stateMutability"] == "nonpayable"):
                    continue
                function, inputs = Function.of(entry), entry.get("inputs", ())
                for _ in range(turns if inputs else 1):
                    args = [
                        guessed(item, dice.randrange(56), addresses, numbers) for item in inputs
                    ]
                    yield name, function.name, contract.address, function.encode(*args)

    def state(self) -> State:
        """Return all that the two calls could have changed and somebody could be paid by."""
        arena = self.arena
        found: State = {
            "solvency": tuple(self.fund.read("solvency")),
            "supply": arena.coin.read("totalSupply"),
            "coins": arena.coins(self.me),
            "tokens": [arena.held(self.me, kind) for kind in range(3)],
            "words": [arena.hub.read("words", kind) for kind in range(3)],
        }
        for book in (self.vault, self.second):
            found[book.address] = [
                (book.read("accounts", id), *(book.read("balances", id, kind) for kind in range(3)))
                for id in (self.mine, self.mine | 1, self.victim)
            ] + [book.read("deposited", kind) for kind in range(3)]
        return found

    def one_after_the_other(self, *calls: tuple[str, bytes]) -> State | None:
        """Return what these calls leave, None where one of them is refused."""
        with self.arena.snapshot():
            self.within()
            if any(self.calls(*call) is not None for call in calls):
                return None
            return self.state()


class Hooked(Scene):
    """The same, where a token that calls back is collateral, a reserve, and for sale.

    It lets the contract make its call in the middle of whatever moves the token.
    """

    def __init__(self) -> None:
        super().__init__()
        arena, governor = self.arena, self.arena.world.governor
        self.token = token = arena.list_token("ReentrantToken")
        kind = len(arena.tokens) - 1
        terms = (arena.coin.address, token.address, arena.hub.address, kind, 10, 10, WAD)
        self.hooked_peg = peg = arena.deploy("PegStability", governor, *terms)
        arena.must(governor, arena.coin, "set_ceiling", peg.address, 10**6 * WAD)
        arena.must(governor, self.fund, "add_reserve", peg.address)
        for who, amount in ((self.me, 10**9 * WAD), (self.fund.address, 100 * WAD)):
            arena.must(governor, token, "mint", who, amount)
        for spender in (self.vault, peg):
            assert self.does(token, "approve", spender.address, MAX) is None
        assert self.does(peg, "mint", 5_000 * WAD, self.me) is None
        assert self.does(self.vault, "deposit", self.mine, kind, 5_000 * WAD) is None
        arena.must(arena.keeper, self.fund, "start_auction", self.vault.address, kind)
        self.kind = kind
        self.contracts["hooked peg"] = ("PegStability", peg)

    def within(self, *steps: tuple[str, bytes]) -> None:
        target, call = ZERO, b""
        if steps:
            target, call = self.actor.address, self.actor.encode("execute", *steps[0])
        self.arena.must(self.arena.world.governor, self.token, "set_callback", target, call)

    def entered(self) -> bool:
        return self.token.read("successes") > 0

    def outer(self) -> dict[str, tuple[str, bytes]]:
        peg, vault, fund = self.hooked_peg, self.vault, self.fund
        amount = 100 * WAD
        out = vault.encode("withdraw", self.mine, self.kind, amount, self.me)
        return {
            "deposit": (vault.address, vault.encode("deposit", self.mine, self.kind, amount)),
            "withdraw": (vault.address, out),
            "buy": (fund.address, fund.encode("buy", self.token.address, 2 * WAD, MAX, self.me)),
            "mint": (peg.address, peg.encode("mint", amount, self.me)),
            "redeem": (peg.address, peg.encode("redeem", amount, self.me)),
        }

    def state(self) -> State:
        places = (self.me, self.vault.address, self.hooked_peg.address, self.fund.address)
        return super().state() | {
            "hooked": [self.token.read("balanceOf", who) for who in places],
            "reserves": [peg.read("reserve_held") for peg in (self.peg, self.hooked_peg)],
            "lots": [self.fund.read("auction_of", token.address) for token in self.arena.tokens],
        }


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def enter(scene: Scene, turns: int) -> tuple[Counter[str], set[tuple[str, str, str]]]:
    """Make every call inside every callback; return what went through, and what differs."""
    went: Counter[str] = Counter()
    different = set()
    for how, into in scene.outer().items():
        assert scene.one_after_the_other(into) is not None, how
        for name, fn, target, data in scene.questions(False, turns):
            found = None
            with scene.arena.snapshot():
                scene.within((target, data))
                if scene.calls(*into) is None and scene.entered():
                    found = scene.state()
            if found is None:
                continue
            went[f"{name}.{fn}"] += 1
            orders = ((into, (target, data)), ((target, data), into))
            if not any(scene.one_after_the_other(*order) == found for order in orders):
                different.add((how, name, fn))
    return went, different


@pytest.mark.covers("I65")
@pytest.mark.parametrize("turns", [TURNS, pytest.param(DEEP_TURNS, marks=pytest.mark.deep)])
def test_what_goes_through_inside_leaves_what_it_leaves_outside(scene, turns):
    went, different = enter(scene, turns)
    assert different == set()
    assert not any(call.startswith(("vault.", "listings.", "models.")) for call in went)
    assert len(went) >= 12
    asked = {
        "hub.poke",
        "hub.sync",
        "second.margin_calls",
        "second.takes",
        "peg.mint",
        "coin.approve",
    }
    assert asked <= set(went)


@pytest.mark.covers("I65", "T10")
@pytest.mark.parametrize("turns", [2, pytest.param(DEEP_TURNS, marks=pytest.mark.deep)])
def test_what_a_tokens_hook_gets_through_leaves_what_it_leaves_outside(turns):
    """Out of a book, a sale of the fund's and both ways of a peg, into everything else."""
    went, different = enter(Hooked(), turns)
    assert different == set()
    assert len(went) >= 10
    assert {"vault.margin_calls", "second.margin_calls", "fund.reap", "hub.sync"} <= set(went)


def ask(scene: Scene) -> tuple[set[str], set[tuple[str, str, str]]]:
    """Ask every view inside every callback; return what answered, and what lied.

    The actor asks and keeps the answer, as its return data: a step that only asks changes nothing.
    """
    answered, lies = set(), set()
    node = scene.arena.world.rpc
    asker = scene.arena.deploy("ReentrantToken", "A", "A", 18)
    for how, into in scene.outer().items():
        for name, fn, target, data in scene.questions(True, 3):
            if (name, fn) in EXPECTED:
                continue
            with scene.arena.snapshot():
                scene.arena.must(scene.arena.attacker, asker, "set_callback", target, data)
                # a transfer of nothing makes the token ask
                step = (asker.address, asker.encode("transfer", scene.me, 0))
                scene.within(step)
                assert scene.calls(*into) is None
                if not asker.read("successes"):
                    continue
                inside = bytes(asker.read("last_response"))
                after = bytes(node.view(target, data))[: len(inside)]
            before = bytes(node.view(target, data))[: len(inside)]
            answered.add(f"{name}.{fn}")
            if inside not in (before, after):
                lies.add((how, name, fn))
    return answered, lies


# who has what at that moment, by their own tokens; and the fund's sheet, which says what it read
EXPECTED = {("coin", "balanceOf"), ("coin", "totalSupply"), ("fund", "solvency")}


@pytest.mark.covers("I66")
def test_every_view_that_answers_inside_tells_what_is_or_will_be(scene):
    answered, lies = ask(scene)
    assert lies == set()
    assert {"vault.accounts", "vault.totals", "second.total_debt", "hub.read_one"} <= answered
    assert "vault.total_debt" not in answered
    assert "fund.equity" not in answered
    assert len(answered) > 80


def test_a_book_that_answers_too_early_is_found():
    """The control: its debt without the lock, and equity is off by what is about to be burned."""
    _, lies = ask(Scene(weakened("Vault", UNLOCKED)))
    assert ("repay", "fund", "equity") in lies
