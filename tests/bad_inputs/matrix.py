# SPDX-License-Identifier: MIT
"""Every hostile token against every operation, found out by doing it: `docs/tokens.md`.

    python -m tests.bad_inputs.matrix --write

Each cell is one transaction on revm against the real contracts, made twice from the same state:
with a plain token, and with one that has turned the moment before. What is booked, who has paid and
who has got must be the same both times, or nothing at all may have happened; whatever else is found
is said in the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import click

from surety.chain import Contract
from surety.compile import Artifact
from surety.files import write_atomically
from surety.paths import root
from tests.bad_inputs.stage import (
    ABSORBABLE,
    AUCTIONED,
    CALLABLE,
    CURABLE,
    ETH,
    FRESH,
    GOLD,
    ODD,
    SAFE,
    SMALL,
    Call,
    Stage,
)
from tests.bad_inputs.tokens import PLAIN, TRAITS, Mode, Trait
from tests.unit.listings.desk import Listing
from tests.world import MAX, WAD

PAGE = root() / "docs" / "tokens.md"
YEAR = 365 * 86_400
SOLVENCY = (
    "debt", "pools", "reserves", "assets", "supply", "flash_minted", "surplus", "deficit", "buffer",
    "inventory", "absorbed", "open_deficit", "unread",
)  # fmt: skip
HOOKS = ("T10", "T11")
USUAL = "as usual"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do: in which place, prepared how, and by which call.

    `place` names the contract that holds the token, `receiver` who is paid. `again` names a call
    that a hook tries in the middle, and that succeeds at any other time. `fields` are those of what
    a view answers.
    """

    name: str
    group: str
    call: Callable[[Stage], Call]
    place: str = "vault"
    receiver: str = ""
    prepare: Callable[[Stage], None] = lambda _stage: None
    again: str = ""
    fields: tuple[str, ...] = ()


def _vault(who: str, fn: str, *args: Any) -> Callable[[Stage], Call]:
    """Return a call of the vault; arguments that are functions are asked with the stage."""

    def call(stage: Stage) -> Call:
        found = tuple(arg(stage) if callable(arg) else arg for arg in args)
        return getattr(stage, who), stage.vault, fn, found

    return call


def _id(sub: int) -> Callable[[Stage], int]:
    return lambda stage: stage.id(sub)


def _units(amount: int) -> Callable[[Stage], int]:
    return lambda stage: amount * stage.unit


def _who(name: str) -> Callable[[Stage], str]:
    return lambda stage: getattr(stage, name)


def _legs(*legs: tuple[int, int]) -> Callable[[Stage], list[tuple[int, int]]]:
    return lambda stage: [
        (kind, amount * stage.unit if kind == ODD else amount) for kind, amount in legs
    ]


def _inventory(stage: Stage) -> None:
    stage.do(stage.stranger, stage.fund, "start_auction", stage.vault.address, ODD)


def _owed(stage: Stage) -> None:
    """Let the token refuse a payment, so that the pool keeps it for the receiver."""
    stage.modes(0, Mode.REVERT)
    stage.do(stage.other, stage.settlement, "redeem", stage.vault.address, WAD * 1_000, stage.other)
    stage.behave()


def _listing(stage: Stage) -> Call:
    """A listing of a second token that is as hostile as the first."""
    oracle = stage.deploy("MockOracle", WAD)
    listing = Listing(
        token=stage.odd.address, oracle=oracle.address, decimals=stage.decimals, expected_price=WAD
    )
    desk = stage.world.listings
    bounds = replace(listing, min_price=WAD // 10, max_price=10 * WAD)
    return stage.world.governor, desk, "list", (stage.vault.address, bounds.struct())


def _takes(stage: Stage) -> Call:
    orders = [
        (stage.id(AUCTIONED), ETH, WAD // 20, MAX),
        (stage.id(AUCTIONED), ODD, 50 * stage.unit, MAX),
    ]
    return stage.keeper, stage.vault, "takes", (orders, stage.keeper)


def _leverage(stage: Stage) -> Call:
    path = _path(stage, stage.coin, stage.odd)
    amounts = (1_000 * stage.unit, 500 * WAD, 450 * stage.unit)
    return stage.owner, stage.zap, "leverage", (stage.id(FRESH), ODD, *amounts, path, 2**40)


def _deleverage(stage: Stage) -> Call:
    path = _path(stage, stage.odd, stage.coin)
    amounts = (500 * stage.unit, 400 * WAD, 450 * WAD)
    return stage.owner, stage.zap, "deleverage", (stage.id(SAFE), ODD, *amounts, path, 2**40)


def _close(stage: Stage) -> Call:
    path = _path(stage, stage.coin, stage.odd)
    return stage.owner, stage.zap, "close", (stage.id(SMALL), ODD, 500 * stage.unit, path, 2**40)


def _path(stage: Stage, first: Contract, last: Contract) -> bytes:
    one, other = (bytes.fromhex(token.address[2:]) for token in (first, last))
    return one + (3_000).to_bytes(3) + other


OPERATIONS = (
    Operation(
        "deposit", "in", _vault("owner", "deposit", _id(FRESH), ODD, _units(100)), again="withdraw"
    ),
    Operation(
        "top up", "in", _vault("other", "deposit", _id(SAFE), ODD, _units(100)), again="withdraw"
    ),
    Operation(
        "open",
        "in",
        _vault("owner", "adjust", _id(FRESH), _legs((ODD, 1_000)), 500 * WAD, _who("owner"), b""),
        again="withdraw",
    ),
    Operation(
        "peg mint",
        "in",
        lambda s: (s.owner, s.peg, "mint", (100 * s.unit, s.owner)),
        place="peg",
        again="mint",
    ),
    Operation(
        "withdraw",
        "out",
        _vault("owner", "withdraw", _id(SAFE), ODD, _units(100), _who("owner")),
        again="withdraw",
    ),
    Operation(
        "withdraw to another",
        "out",
        _vault("owner", "withdraw", _id(SAFE), ODD, _units(100), _who("other")),
        receiver="other",
        again="withdraw",
    ),
    Operation(
        "swap kinds",
        "out",
        _vault("owner", "adjust", _id(SAFE), _legs((ETH, WAD), (ODD, -100)), 0, _who("owner"), b""),
        prepare=lambda s: s.world.give(s.owner, ETH, WAD),
        again="withdraw",
    ),
    Operation(
        "peg redeem",
        "out",
        lambda s: (s.owner, s.peg, "redeem", (100 * WAD, s.owner)),
        place="peg",
        again="swap back",
    ),
    Operation(
        "take",
        "sale",
        _vault("keeper", "take", _id(AUCTIONED), ODD, _units(50), MAX, _who("keeper"), b""),
        again="withdraw",
    ),
    Operation(
        "take for another",
        "sale",
        _vault("keeper", "take", _id(AUCTIONED), ODD, _units(50), MAX, _who("other"), b""),
        receiver="other",
        again="withdraw",
    ),
    Operation("takes", "sale", _takes, again="withdraw"),
    Operation(
        "collect",
        "sale",
        lambda s: (s.keeper, s.fund, "collect", (s.vault.address, ODD)),
        receiver="fund",
        again="withdraw",
    ),
    Operation(
        "buy",
        "sale",
        lambda s: (s.keeper, s.fund, "buy", (s.odd.address, 10 * s.unit, MAX, s.keeper)),
        place="fund",
        prepare=_inventory,
        again="buy",
    ),
    Operation(
        "redeem",
        "end",
        lambda s: (s.other, s.settlement, "redeem", (s.vault.address, 1_000 * WAD, s.other)),
        again="redeem",
    ),
    Operation(
        "claim",
        "end",
        lambda s: (s.keeper, s.settlement, "claim", (s.vault.address, ODD, s.other, s.other)),
        receiver="other",
        prepare=_owed,
        again="redeem",
    ),
    Operation(
        "sweep",
        "end",
        lambda s: (s.keeper, s.settlement, "sweep", (s.vault.address,)),
        receiver="fund",
        prepare=lambda s: s.wait(YEAR),
        again="redeem",
    ),
    Operation("leverage", "zap", _leverage, place="zap", again="close"),
    Operation("deleverage", "zap", _deleverage, place="zap", again="close"),
    Operation("close", "zap", _close, place="zap", again="close"),
    Operation("list", "asked", _listing),
    Operation(
        "start_auction",
        "asked",
        lambda s: (s.stranger, s.fund, "start_auction", (s.vault.address, ODD)),
        place="fund",
    ),
    Operation(
        "backing", "asked", lambda s: (s.stranger, s.peg, "backing", ()), fields=("backing",)
    ),
    Operation(
        "equity",
        "asked",
        lambda s: (s.stranger, s.fund, "equity", ()),
        fields=("surplus", "deficit"),
    ),
    Operation("solvency", "asked", lambda s: (s.stranger, s.fund, "solvency", ()), fields=SOLVENCY),
)

# what touches no token of the kind, and so goes on whatever that does
UNTOUCHED = (
    Operation("borrow", "none", _vault("owner", "borrow", _id(SAFE), 10 * WAD, _who("owner"))),
    Operation("repay", "none", _vault("other", "repay", _id(SAFE), 10 * WAD)),
    Operation(
        "deposit another kind",
        "none",
        _vault("owner", "deposit", _id(SAFE), GOLD, WAD),
        prepare=lambda s: s.world.give(s.owner, GOLD, WAD),
    ),
    Operation(
        "withdraw another kind",
        "none",
        _vault("owner", "withdraw", _id(SAFE), GOLD, WAD, _who("owner")),
    ),
    Operation(
        "move",
        "none",
        _vault("owner", "move", _id(SAFE), _id(FRESH), _legs((ODD, 3_000)), 1_000 * WAD),
    ),
    Operation("margin_call", "none", _vault("keeper", "margin_call", _id(CALLABLE))),
    Operation(
        "margin_calls",
        "none",
        _vault("keeper", "margin_calls", lambda s: [s.id(CALLABLE), s.id(SAFE)]),
    ),
    Operation("cure", "none", _vault("stranger", "cure", _id(CURABLE))),
    Operation(
        "take another kind",
        "none",
        _vault("keeper", "take", _id(AUCTIONED), ETH, WAD // 20, MAX, _who("keeper"), b""),
    ),
    Operation("absorb", "none", _vault("keeper", "absorb", _id(ABSORBABLE))),
    Operation("accrue", "none", _vault("keeper", "accrue")),
    Operation("recapitalise", "none", lambda s: (s.other, s.fund, "recapitalise", (WAD,))),
    Operation("poke", "none", lambda s: (s.keeper, s.world.hub, "poke", (7,))),
    Operation("freeze", "none", lambda s: (s.world.governor, s.vault, "set_frozen", (ODD, True))),
    Operation("lower the cap", "none", lambda s: (s.world.governor, s.vault, "set_cap", (ODD, 0))),
    Operation(
        "shut the book down",
        "none",
        lambda s: (s.world.governor, s.settlement, "shutdown", (s.vault.address,)),
    ),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one call: a reason, or what it answered and what has changed by it."""

    reason: str | None
    answer: Any
    books: dict[str, int]
    tokens: dict[str, int]
    coins: dict[str, int]
    others: tuple[int, int]  # what the vault has of the other two kinds
    owed: int
    hooked: tuple[int, int]
    missing: int  # of what vault and peg have booked

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing has changed for anybody."""
        changes = (*self.books.values(), *self.tokens.values(), *self.coins.values(), *self.others)
        return not any(changes) and not self.owed


class Matrix:
    """The stages on which cells are tried, and what a plain token does in each operation."""

    def __init__(self, *weak: Artifact) -> None:
        """Try it on a system that has `weak` contracts in place of some."""
        self.weak = weak
        self.stages: dict[str, Stage] = {}
        self.plain: dict[str, Seen] = {}

    def stage(self, group: str) -> Stage:
        """Return the stage that a group of operations needs, in its one state."""
        key = group if group in ("end", "zap", "calm") else "trouble"
        if key not in self.stages:
            stage = self.stages[key] = Stage(*self.weak)
            if key == "end":
                stage.shut()
            elif key == "zap":
                stage.swap_desk()
            elif key == "trouble":
                stage.trouble()
        return self.stages[key]

    @contextmanager
    def prepared(self, operation: Operation) -> Iterator[tuple[Stage, Call, bytes]]:
        """Give the stage just before an operation, its call, and what a hook will try."""
        is_calm = operation.name in ("list", "shut the book down")
        stage = self.stage("calm" if is_calm else operation.group)
        with stage.undone():
            operation.prepare(stage)
            if operation.name == "list":
                stage = _Unlisted(stage)
            yield stage, operation.call(stage), _arm(stage, operation)

    def run(self, operation: Operation, trait: Trait) -> Seen:
        """Do it once, with a token that has turned the moment before."""
        with self.prepared(operation) as (stage, call, _):
            who = call[0]
            place = stage.zap.address if operation.place == "zap" else ""
            place = place or stage.places()[operation.place]
            receivers = {"": who, "fund": stage.fund.address, "other": stage.other}
            receiver = place if operation.group == "in" else receivers[operation.receiver]
            stage.turn(trait, place=place, caller=who, receiver=receiver)
            return _seen(stage, trait, *call)

    def usual(self, operation: Operation) -> Seen:
        """Return what a plain token does."""
        if operation.name not in self.plain:
            self.plain[operation.name] = self.run(operation, PLAIN)
        return self.plain[operation.name]

    def cell(self, operation: Operation, trait: Trait) -> str:
        """Say what becomes of an operation; asserts all that no token may change."""
        seen, usual = self.run(operation, trait), self.usual(operation)
        assert usual.reason is None, f"{operation.name}: {usual.reason}"
        if seen.reason is not None:
            assert seen.is_nothing, f"{operation.name}, {trait.id}: refused, and yet {seen}"
            is_readable = seen.reason and not seen.reason.startswith("custom error")
            return f"refused: {seen.reason}" if is_readable else "refused"
        if trait.id.startswith(HOOKS) and operation.again:
            calls, successes = seen.hooked
            assert calls > 0, f"{operation.name}: {trait.id} was not called"
            assert successes == 0, f"{operation.name}: {trait.id} got in"
        if not trait.takes:
            assert seen.missing == 0, f"{operation.name}, {trait.id}: {seen.missing} are missing"
        if operation.fields:
            return _answered(operation.fields, seen.answer, usual.answer)
        return _compared(operation, trait, seen, usual)


def _compared(operation: Operation, trait: Trait, seen: Seen, usual: Seen) -> str:
    """Say how a call that went through differs from the usual one, for those who move tokens."""
    where = f"{operation.name}, {trait.id}"
    if seen.owed > usual.owed:
        wanted = {name: change for name, change in usual.books.items() if name != "deposited"}
        found = {name: change for name, change in seen.books.items() if name != "deposited"}
        wanted["absorbed"] = found["absorbed"] = 0
        assert (found, seen.coins, seen.others) == (wanted, usual.coins, usual.others), where
        assert not any(seen.tokens.values()), where
        return "kept for the receiver"
    assert seen.others == usual.others, where
    assert seen.coins == usual.coins, where
    if seen.books != usual.books:
        # a lot is what the token says the fund has; a token of lies alone is booked for nothing
        assert operation.name == "start_auction" or trait.moves is Mode.LIE, where
        return "booked: " + ", ".join(
            f"{name} {seen.books[name] // WAD:,} for {change // WAD:,}"
            for name, change in usual.books.items()
            if seen.books[name] != change
        )
    if seen.tokens == usual.tokens:
        return USUAL
    parts = []
    for who, change in usual.tokens.items():
        found = seen.tokens[who]
        if found != change:
            assert change != 0, f"{where}: {who} {found:+}"
            name = "receiver gets" if change > 0 else "payer pays"
            parts.append(f"the {name} {_part(found, change)}")
    return ", ".join(parts)


def _part(found: int, usual: int) -> str:
    """Say how much of the usual amount was found, to a hundredth of a percent."""
    if found == 0:
        return "nothing"
    if abs(found - usual) == 1:
        return "a unit less"
    return f"{(abs(found) * 10_000 + abs(usual) // 2) // abs(usual) / 100:g} %"


def _answered(fields: Sequence[str], seen: Any, usual: Any) -> str:
    """Say which fields of an answer differ, in whole coins."""
    seen, usual = ((each,) if isinstance(each, int) else each for each in (seen, usual))
    return (
        ", ".join(
            f"{name} {new // WAD:,} for {old // WAD:,}"
            for name, new, old in zip(fields, seen, usual, strict=True)
            if new != old
        )
        or USUAL
    )


class _Unlisted(Stage):
    """The same stage over a second token, which is not listed yet."""

    def __init__(self, stage: Stage) -> None:
        self.__dict__.update(stage.__dict__)
        self.odd = self.deploy("HostileToken", "New", "NEW", stage.decimals)


def _arm(stage: Stage, operation: Operation) -> bytes:
    """Give the token's hooks a call to make, which succeeds at any other time; return it."""
    actor, vault = stage.actor, stage.vault
    own = stage.id(0, actor.address)

    def now(contract: Contract, fn: str, *args: Any) -> None:
        data = contract.encode(fn, *args)
        stage.do(stage.stranger, actor, "execute", contract.address, data)

    again: tuple[Contract, str, tuple[Any, ...]]
    if operation.again == "withdraw":
        stage.world.give(actor.address, GOLD, 2 * WAD)
        now(stage.world.tokens[GOLD], "approve", vault.address, MAX)
        now(vault, "deposit", own, GOLD, 2 * WAD)
        again = vault, "withdraw", (own, GOLD, WAD, actor.address)
    elif operation.again == "mint":
        now(stage.odd, "approve", stage.peg.address, MAX)
        again = stage.peg, "mint", (stage.unit, actor.address)
    elif operation.again == "swap back":
        again = stage.peg, "redeem", (WAD, actor.address)
    elif operation.again == "buy":
        again = stage.fund, "buy", (stage.odd.address, stage.unit, MAX, actor.address)
    elif operation.again == "redeem":
        now(stage.coin, "approve", stage.settlement.address, MAX)
        again = stage.settlement, "redeem", (vault.address, WAD, actor.address)
    elif operation.again == "close":
        now(stage.odd, "approve", vault.address, MAX)
        legs = [(ODD, 1_000 * stage.unit)]
        now(vault, "adjust", own, legs, 300 * WAD, actor.address, b"")
        now(stage.world.operators, "set_operator", vault.address, stage.zap.address, MAX)
        path = _path(stage, stage.coin, stage.odd)
        again = stage.zap, "close", (own, ODD, 500 * stage.unit, path, 2**40)
    else:
        return b""
    contract, fn, args = again
    data = actor.encode("execute", contract.address, contract.encode(fn, *args))
    stage.tell("set_callback", actor.address, data)
    return data


def _seen(
    stage: Stage, trait: Trait, who: str, contract: Contract, fn: str, args: Sequence[Any]
) -> Seen:
    """Make the call and return everything that it has changed."""
    if trait.is_gone:
        stage.become()
    before = _state(stage)
    if trait.is_gone:
        stage.vanish()
    ran = stage.run(who, contract, fn, *args)
    if trait.is_gone:
        stage.become()
    after = _state(stage)
    answer = None
    if ran.output:
        answer = contract.decode(fn, ran.output)
    books, tokens, coins = (
        {name: after[at][name] - before[at][name] for name in after[at]} for at in range(3)
    )
    others = tuple(new - old for new, old in zip(after[3], before[3], strict=True))
    return Seen(
        ran.reason,
        answer,
        books,
        tokens,
        coins,
        (others[0], others[1]),
        after[4] - before[4],
        (int(stage.odd.read("calls")), int(stage.odd.read("successes"))),
        0 if isinstance(stage, _Unlisted) else stage.missing() + _missing_of_the_peg(stage),
    )


def _missing_of_the_peg(stage: Stage) -> int:
    return max(0, int(stage.peg.read("reserve_held")) - stage.held(stage.peg))


def _state(stage: Stage) -> tuple[dict[str, int], dict[str, int], dict[str, int], Any, int]:
    """Return books, tokens, coins, the vault's other kinds, and what is owed out of the pool."""
    names = {address: name for name, address in stage.places().items()}
    names |= {
        stage.owner: "owner", stage.other: "other", stage.keeper: "keeper",
        stage.stranger: "stranger", stage.actor.address: "actor",
    }  # fmt: skip
    if hasattr(stage, "pool"):
        names |= {stage.pool.address: "pool", stage.zap.address: "zap"}
    tokens = {name: stage.held(who) for who, name in names.items()}
    coins = {name: stage.coins(who) for who, name in names.items()}
    others = tuple(
        stage.world.tokens[kind].read("balanceOf", stage.vault.address) for kind in (ETH, GOLD)
    )
    owed = sum(
        stage.settlement.read("owed_to", stage.vault.address, ODD, who)
        for who in (stage.other, stage.fund.address)
    )
    return stage.books(), tokens, coins, others, owed


# the page


GROUPS = {
    "in": (
        "What comes in",
        "A first deposit, a stranger's top-up, a deposit and a debt at once; a peg's reserve.",
    ),
    "out": (
        "What its owner takes out",
        "Of the vault; and of the reserve of a peg, for coins.",
    ),
    "sale": (
        "Liquidations",
        "`takes` sells two kinds in one call; `collect` pays the fund, which sells by `buy`.",
    ),
    "end": (
        "The end of a book",
        "The pool holds a second kind, which every call pays as well.",
    ),
    "zap": (
        "Leverage in one transaction",
        "By the zap, over a real Uniswap v3 pool, where the token has turned as well.",
    ),
    "asked": (
        "Where it is only asked",
        "Of the views what they say instead, in whole coins.",
    ),
}


class Page:
    """The page `docs/tokens.md`, out of cells that are tried when they are asked for."""

    def __init__(self, *weak: Artifact) -> None:
        self.matrix = Matrix(*weak)
        self._cells: dict[tuple[str, str], str] = {}

    def cell(self, operation: Operation, trait: Trait) -> str:
        key = operation.name, trait.id
        if key not in self._cells:
            self._cells[key] = self.matrix.cell(operation, trait)
        return self._cells[key]

    def rows(self, trait: Trait) -> dict[str, str]:
        """Return the line of a trait in each group in which it is not as usual throughout."""
        lines = {}
        for group in GROUPS:
            cells = [self.cell(each, trait) for each in OPERATIONS if each.group == group]
            if set(cells) != {USUAL}:
                lines[group] = f"| {trait.id[:3]} {trait.text} | {' | '.join(cells)} |"
        return lines

    def text(self) -> str:
        """Return the whole page."""
        parts = [HEAD]
        for group, (title, note) in GROUPS.items():
            parts.append(self._table(group, title, note))
        exceptions = [
            f"{operation.name}, {trait.id}: {cell}"
            for operation in UNTOUCHED
            for trait in TRAITS
            if (cell := self.cell(operation, trait)) != USUAL
        ]
        assert not exceptions, exceptions
        names = ", ".join(f"`{each.name}`" if "_" in each.name else each.name for each in UNTOUCHED)
        cells = len(TRAITS) * (len(OPERATIONS) + len(UNTOUCHED))
        parts.append(UNTOUCHED_TEXT.format(names=names, count=len(TRAITS), cells=cells))
        parts.append(TAIL)
        return "\n".join(parts)

    def _table(self, group: str, title: str, note: str) -> str:
        names = [each.name for each in OPERATIONS if each.group == group]
        lines = [f"## {title}", "", note, ""]
        lines.append(f"| the token | {' | '.join(names)} |")
        lines.append("|---" * (len(names) + 1) + "|")
        usual = []
        for trait in TRAITS:
            line = self.rows(trait).get(group)
            if line is None:
                usual.append(f"{trait.id[:3]} {trait.text}")
            else:
                lines.append(line)
        lines += ["", f"As usual throughout: {'; '.join(usual)}.", ""]
        return "\n".join(lines)


HEAD = """<!-- SPDX-License-Identifier: MIT -->
<!-- generated by `python -m tests.bad_inputs.matrix --write`; do not edit -->
# Hostile tokens

What becomes of every operation when a listed token turns. Each cell below is one transaction
against the real contracts, made from the same state with a plain token and with one that has become
hostile the moment before (`tests/bad_inputs/matrix.py`); a test makes all of them again and
compares this page. The numbers in front are rows of the catalogue of bad inputs.

* **as usual**: booked, paid and received to the wei what a plain token gives.
* **refused**: nothing has changed for anybody, and this is the reason; there is none where the
  token's answer was no answer, or it burned its gas.
* **the receiver gets**, **the payer pays** so much of the usual amount, while what is *booked* is
  as usual: a token that keeps a part of what leaves takes it from its receiver, one that charges
  the sender takes it from all the others who hold that kind.
* **kept for the receiver**: the other kinds are paid, and this one can be claimed once it moves.

Where a token calls back (T10, T11), the call is one that succeeds at any other time, by somebody
with money and rights: it was refused in each cell. Nobody is ever credited with what has not come
in, with one exception (T21): a token that says it has moved, and that everybody has everything, is
one that its maker can mint at will, and what bounds that is its cap.
"""
UNTOUCHED_TEXT = """## What goes on whatever a token does

{names}: as usual with each of the {count} tokens, in accounts that hold the hostile kind. With the
tables above that makes {cells} cells.
"""
TAIL = """## What a lister has to know

* **A listed token can take its own kind hostage, and nothing else.** Repaying, calling, curing,
  absorbing, freezing and shutting down ask no token; other kinds of the same account are sold and
  paid.
* **What leaves is paid nominally.** A fee on the way out is its receiver's. A taker of a token that
  may turn should look at what arrived, in the callback or in the same transaction: a token that
  says true and moves nothing costs the taker its coins.
* **A token that charges its sender, or shrinks, is first come, first served** among those who hold
  that kind: the book is short of it, `balanceOf(vault) < deposited` shows it, and deposits are
  refused. Freeze the kind and lower its cap to 0.
* **What lies in a contract unbooked belongs to nobody**, and may pay the fee of whoever comes next.
* **A batch of `takes` with a token that refuses is refused as a whole**: leave that kind out. A
  redemption is not: it keeps what one token refuses and pays the rest.
* **Decimals are read once**, at listing; a change afterwards changes nothing here.
* **The gateway for ether** knows one WETH, chosen when it is deployed, and is in no table.
* **One token under two addresses can be listed twice**: no code can tell. Each kind is then held
  against the same balance, so that a fee or a lie of one address is paid out of the other. Review
  that before listing, as everything on this page; the cap bounds what a review misses.
"""


@click.command()
@click.option("--write", is_flag=True, help="Write docs/tokens.md instead of printing it.")
def main(write: bool) -> None:
    """Try every hostile token against every operation and say what became of it."""
    text = Page().text()
    if write:
        write_atomically(PAGE, text)
    else:
        click.echo(text, nl=False)


if __name__ == "__main__":
    main()
