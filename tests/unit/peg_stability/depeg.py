# SPDX-License-Identifier: MIT
"""A reserve that loses its peg for a working day: what the market says and what people do.

`PATH` and `ACTS` are told to the real contracts by tests/integration/test_peg.py; `replay` tells
them to the models, whose numbers docs/peg.md shows and `python -m
tests.unit.peg_stability.depeg` draws into docs/peg-depeg.svg.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from surety.deploy import STABLE_LIMITS, widest_bounds
from surety.model import FeedHub, Guard, Price, Refused
from surety.model.coin import Stablecoin
from surety.model.peg import Peg
from surety.model.state import WAD
from tests import svg
from tests.stateful.node import DEV_ADDRESSES
from tests.svg import tenths, words
from tests.world import GENESIS

FILE = svg.file("peg-depeg.svg")
GOVERNOR, ALICE, BOB, CAROL = DEV_ADDRESSES[:4]  # Bob has a loan from a book; Carol trades
PEG, BOOK = "0x" + "77" * 20, "0x" + "88" * 20
FRESH_FOR, CONFIRM_PERIOD = 60, 1_200
GUARD = 995 * WAD // 1_000
CEILING = 1_000_000 * WAD
FEES = (5, 5)
LOAN = 200_000 * WAD
UNIT = 10**6
STEP = 2  # minutes between two pokes: what the slew limits count at most
END = 480
SILENCE = range(242, 272)  # minutes in which the feed has no answer
# minute and market price in hundredths of a percent; straight between them
PATH = (
    (0, 10_000), (50, 10_000), (60, 9_975), (80, 9_970), (90, 9_900), (118, 9_750), (120, 9_300),
    (180, 8_800), (240, 9_000), (272, 9_100), (350, 9_450), (398, 9_480), (400, 9_985),
    (END, 10_000),
)  # fmt: skip


class Act(NamedTuple):
    """What somebody does at a minute, in whole coins, and why it is refused if it is."""

    minute: int
    who: str
    what: str  # "mint" or "redeem"
    whole: int
    reason: str | None = None


ACTS = (
    Act(0, ALICE, "mint", 600_000),
    Act(70, CAROL, "mint", 200_000),  # bought at 0.997 and a bit: what the guard allows
    Act(100, CAROL, "mint", 1, "below guard"),
    Act(124, CAROL, "mint", 1, "price confirming"),
    Act(130, ALICE, "redeem", 300_000),
    Act(190, CAROL, "redeem", 150_000),
    Act(250, CAROL, "mint", 1, "price failed"),
    Act(252, ALICE, "redeem", 50_000),
    Act(276, CAROL, "mint", 1, "price confirming"),
    Act(300, BOB, "redeem", 100_000),  # coins of his loan
    Act(396, CAROL, "mint", 1, "below guard"),
    Act(404, CAROL, "mint", 100_000, "price confirming"),  # the price is back; for how long?
    Act(430, CAROL, "mint", 100_000),
)


def market(minute: int) -> int | None:
    """Return the market price (WAD, in steps of a feed with 8 decimals); None in the silence."""
    if minute in SILENCE:
        return None
    for (start, first), (stop, last) in pairwise(PATH):
        if minute <= stop:
            scaled = (first * (stop - minute) + last * (minute - start)) * 10**4
            return scaled // (stop - start) * 10**10
    raise ValueError(f"the story ends at minute {END}")


def minutes() -> Iterator[int]:
    """Yield the minutes at which the hub is poked."""
    yield from range(0, END + 1, STEP)


def acts_at(minute: int) -> list[Act]:
    """Return what is done at a minute, after the poke."""
    return [act for act in ACTS if act.minute == minute]


def argument(act: Act) -> int:
    """Return the amount of an act as the contract takes it."""
    return act.whole * (UNIT if act.what == "mint" else WAD)


@dataclass(frozen=True, slots=True)
class Moment:
    """What is so at a minute, after all that is done in it."""

    minute: int
    market: int | None
    price: Price
    held: int
    minted: int
    backing: int
    is_open: bool

    @property
    def held_value(self) -> int:
        """What is held, at par."""
        return self.held * WAD // UNIT

    @property
    def equity(self) -> int:
        """What the peg adds to the system's equity."""
        return self.backing - self.minted


def replay() -> list[Moment]:
    """Tell the story to the models; every act must end as it says."""
    hub = FeedHub(FRESH_FOR, CONFIRM_PERIOD, updates=[])
    limits = STABLE_LIMITS
    guard = Guard(
        90_000, *widest_bounds(WAD), limits.slew_down, limits.slew_up, limits.jump_bps,
        limits.sigma_ref,
    )  # fmt: skip
    hub.list_kind(guard, WAD, GENESIS, "0x" + "99" * 20)
    coin = Stablecoin("0x" + "66" * 20, GOVERNOR)
    for minter in (PEG, BOOK):
        coin.set_ceiling(GOVERNOR, minter, CEILING)
    coin.mint(BOOK, BOB, LOAN)
    peg = Peg(PEG, GOVERNOR, coin, 6, Price(WAD, WAD), *FEES, GUARD)
    peg.balances = {int(who, 16): 10**7 * UNIT for who in (ALICE, BOB, CAROL)}
    moments = []
    for minute in minutes():
        now, price = GENESIS + 86_400 + 60 * minute, market(minute)
        hub.feeds[0] = None if price is None else (price, now - 1)
        hub.poke(1, now)
        peg.price = hub.read(1, now)[0]
        for act in acts_at(minute):
            try:
                getattr(peg, act.what)(act.who, argument(act), act.who)
                found = None
            except Refused as refused:
                found = refused.reason
            assert found == act.reason, f"{act}: {found}"
        moments.append(
            Moment(
                minute, price, peg.price, peg.held, coin.minted[int(PEG, 16)], peg.backing,
                is_open(peg),
            )
        )  # fmt: skip
    return moments


def is_open(peg: Peg) -> bool:
    """Tell whether a coin can be minted now."""
    try:
        peg.preview_mint(UNIT)
    except Refused:
        return False
    return True


# the picture

LEFT, RIGHT = 70, 950
TOP, MIDDLE = 92, 272  # of the prices
LOWER, BOTTOM = 318, 468  # of the sums
LOW, HIGH = 86 * WAD // 100, 101 * WAD // 100
MOST = 900_000 * WAD

HEAD = (
    svg.head(
        "tests/unit/peg_stability/depeg.py",
        530,
        "A reserve loses its peg and finds it again",
        """Above: the market price of the reserve falls from 1 to 0.88 within three hours, its \
feed is silent for half an hour, and it comes back to 0.9985; the price that the hub gives out \
follows. Minting is closed from the moment that price is below 0.995 until it is back above and \
confirmed. Below: what the peg holds falls as coins are redeemed at par, what it counts for in \
equity falls further, and both meet again at the end.""",
        """.p{fill:#ffffff}
.c{fill:#fdecd8;stroke:none}
.u{stroke:#8a94a1;stroke-width:1.2;stroke-dasharray:6 4;fill:none}
.k{stroke:#16202c;stroke-width:1.3;fill:none}
.l{stroke:#1f6fc4;stroke-width:2;fill:none}
.w{stroke:#c2602a;stroke-width:2;fill:none}
.t{stroke:#16855b;stroke-width:2;fill:none}
.f{fill:#d33a2c;fill-opacity:.14;stroke:none}
@media (prefers-color-scheme:dark){.p{fill:#12171e}.h{fill:#e8edf3}.s{fill:#98a4b3}
.a{stroke:#5d6875}.g{stroke:#28303a}.c{fill:#4a3413}.k{stroke:#e8edf3}.l{stroke:#5aa9f5}
.w{stroke:#f28a4b}.t{stroke:#4cc394}.f{fill:#f0614f;fill-opacity:.25}}
""",
    )
    + '<rect class="p" width="980" height="530"/>\n'
)


def x(minute: int) -> str:
    """Return the place of a minute."""
    return tenths(LEFT * 10 + minute * (RIGHT - LEFT) * 10 // END)


def price_y(price: int) -> str:
    """Return the height of a price."""
    return tenths(MIDDLE * 10 - (price - LOW) * (MIDDLE - TOP) * 10 // (HIGH - LOW))


def sum_y(value: int) -> str:
    """Return the height of a sum of coins."""
    return tenths(BOTTOM * 10 - value * (BOTTOM - LOWER) * 10 // MOST)


def line(kind: str, points: list[tuple[str, str]]) -> str:
    """Draw a line; of a level stretch its two ends are enough."""
    kept = [
        point
        for at, point in enumerate(points)
        if at in (0, len(points) - 1) or not points[at - 1][1] == point[1] == points[at + 1][1]
    ]
    return f'<path class="{kind}" d="M{"L".join(" ".join(point) for point in kept)}"/>'


def stairs(kind: str, moments: list[Moment], value: str) -> str:
    """Draw a sum that stays what it is until somebody acts or the price moves."""
    points = []
    for before, moment in zip([moments[0], *moments], moments, strict=False):
        points.append((x(moment.minute), sum_y(getattr(before, value))))
        points.append((x(moment.minute), sum_y(getattr(moment, value))))
    return line(kind, points)


def closed(moments: list[Moment]) -> tuple[int, int]:
    """Return the first and the last minute at which minting was closed."""
    shut = [moment.minute for moment in moments if not moment.is_open]
    return shut[0], shut[-1]


def drawing() -> str:
    """Return the text of the picture."""
    moments = replay()
    start, stop = closed(moments)
    parts = [
        words("h", str(LEFT), "30", "A reserve loses its peg and finds it again"),
        f'<path class="c" d="M{x(start)} {TOP}V{BOTTOM}H{x(stop)}V{TOP}Z"/>',
        f'<path class="f" d="M{x(SILENCE.start)} {TOP}V{BOTTOM}H{x(SILENCE.stop)}V{TOP}Z"/>',
        words("s m", x((start + stop) // 2), str(TOP - 8), "minting closed"),
        words("s m", x((SILENCE.start + SILENCE.stop) // 2), str(MIDDLE - 8), "feed silent"),
    ]
    at = LEFT
    for kind, text in (
        ("k", "market"), ("l", "hub, the lower price"), ("u", "guard"),
        ("w", "reserve held, at par"), ("t", "what it counts for"),
    ):  # fmt: skip
        parts.append(f'<path class="{kind}" d="M{at} 54h22"/>')
        parts.append(words("s", str(at + 28), "58", text))
        at += 62 + 7 * len(text)
    for percent in (88, 92, 96, 100):
        y = price_y(percent * WAD // 100)
        parts.append(f'<path class="g" d="M{LEFT} {y}H{RIGHT}"/>')
        parts.append(
            words("s r", str(LEFT - 8), tenths(int(float(y) * 10) + 40), f"{percent / 100:.2f}")
        )
    for thousands in (0, 200, 400, 600, 800):
        y = sum_y(thousands * 1_000 * WAD)
        parts.append(f'<path class="g" d="M{LEFT} {y}H{RIGHT}"/>')
        parts.append(words("s r", str(LEFT - 8), tenths(int(float(y) * 10) + 40), f"{thousands} k"))
    parts += [
        words("s m", x(60 * hour), str(BOTTOM + 20), f"{hour} h") for hour in range(END // 60 + 1)
    ]
    parts.append(words("s", str(LEFT), str(MIDDLE + 30), "coins"))
    before = [m for m in moments if m.minute < SILENCE.start]
    after = [m for m in moments if m.minute >= SILENCE.stop]
    parts += [
        f'<path class="u" d="M{LEFT} {price_y(GUARD)}H{RIGHT}"/>',
        *(
            line("k", [(x(m.minute), price_y(m.market)) for m in part if m.market is not None])
            for part in (before, after)
        ),
        *(
            line("l", [(x(m.minute), price_y(m.price.lo)) for m in part])
            for part in (before, after)
        ),
        stairs("w", moments, "held_value"),
        stairs("t", moments, "backing"),
        f'<path class="a" d="M{LEFT} {TOP}V{MIDDLE}H{RIGHT}M{LEFT} {LOWER}V{BOTTOM}H{RIGHT}"/>',
        words("s", str(LEFT), str(BOTTOM + 46), story(moments)),
        "</svg>\n",
    ]
    return HEAD + "\n".join(parts)


def story(moments: list[Moment]) -> str:
    """Say in a line what was worst and what was left of it."""
    worst = min((m for m in moments if m.market is not None), key=lambda m: m.equity)
    time = f"{worst.minute // 60} h {worst.minute % 60:02}"
    return f"At {time}: {counted(worst)}. At the end: {counted(moments[-1])}."


def counted(moment: Moment) -> str:
    """Say what is held and what it counts for."""
    return f"{moment.held_value // WAD:,} held count for {moment.backing // WAD:,}"


if __name__ == "__main__":
    FILE.write_text(drawing(), "utf-8")
