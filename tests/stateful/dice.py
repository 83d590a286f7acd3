# SPDX-License-Identifier: MIT
"""Choose what happens next: mostly what matters to somebody now, at the edges of what is allowed.

The model says in what plight each account is; the dice press on it. Amounts come from what is owed,
held and supported, and now and then from a pool of powers and constants and their neighbours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import Any

from coincurve import PrivateKey

from surety.formulas import Revert
from surety.model import Levels, Position, Refused
from surety.model.governor import Call
from surety.model.settlement import LIVE, REDEEMING, SETTLEMENT_PERIOD, SETTLING, SWEPT, Ending
from surety.model.signature import operator_digest, permit_digest
from surety.model.state import (
    INT_MAX,
    INT_MIN,
    PAUSE_BORROW,
    PAUSE_CALL,
    PAUSE_CALLBACKS,
    PAUSE_TAKE,
    PAUSE_WITHDRAW,
    ZERO_ADDRESS,
)
from surety.model.system import foresee, levels_of
from tests.stateful.node import DEV_ADDRESSES, DEV_KEYS
from tests.stateful.pools import pool
from tests.stateful.prices import market_of
from tests.stateful.scene import (
    ALL_KINDS,
    BASE,
    FEED_SCALE,
    GUARD,
    ISOLATED,
    KINDS,
    LIARS,
    LOOKS,
    RESERVE,
    SPARES,
    UNIT,
    Move,
    Scene,
)
from tests.stateful.tokens import (
    CALLS,
    FALSE,
    FEE,
    HONEST,
    REVERTS,
    SHORT,
    SILENT,
    TWO,
    VIEWS,
    WORDS,
    WRITES,
)
from tests.world import BPS, MAX, RAY, WAD

KEYS = {who: PrivateKey.from_hex(key) for who, key in zip(DEV_ADDRESSES, DEV_KEYS, strict=True)}
MAIN = (0, 1, 2)
YEAR = 365 * 86_400
POKE_EACH = 61  # seconds: a word is too old by one
CONFIRMING, FAILED = 2, 1
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1
# how likely each move is on an account in a plight
LIKELY: dict[str, dict[str, int]] = {
    "calm": {
        "deposit": 8, "withdraw": 7, "borrow": 14, "repay": 4, "adjust": 12, "move": 7,
        "margin_call": 1, "margin_calls": 1, "take": 1, "takes": 1, "cure": 1, "absorb": 1,
        "set_margin_model": 2,
    },
    "callable": {
        "margin_call": 22, "margin_calls": 9, "take": 3, "takes": 2, "cure": 2, "absorb": 2,
        "deposit": 1, "repay": 1, "borrow": 1, "withdraw": 1, "adjust": 1, "move": 1,
    },
    "called": {
        "margin_call": 7, "margin_calls": 2, "take": 3, "takes": 2, "cure": 5, "absorb": 3,
        "deposit": 3, "repay": 4, "borrow": 1, "withdraw": 1, "adjust": 3, "move": 2,
    },
    "in auction": {
        "margin_call": 2, "margin_calls": 1, "take": 26, "takes": 14, "cure": 6, "absorb": 2,
        "deposit": 1, "repay": 2, "borrow": 1, "withdraw": 1, "adjust": 1, "move": 1,
    },
    "dormant": {
        "margin_call": 2, "take": 5, "takes": 2, "cure": 14, "absorb": 2, "deposit": 2,
        "repay": 1, "borrow": 3, "withdraw": 2, "adjust": 3, "move": 2, "margin_calls": 1,
    },
    "absorbable": {
        "margin_call": 9, "margin_calls": 2, "take": 3, "takes": 2, "cure": 2, "absorb": 24,
        "deposit": 1, "repay": 1, "borrow": 1, "withdraw": 1, "adjust": 1, "move": 1,
    },
}  # fmt: skip
GOVERNANCE = {
    "set_pauses": 6, "set_cap": 4, "set_frozen": 4, "set_rate": 3, "list_collateral": 12,
    "withdraw_absorbed": 5, "propose_fund": 2, "accept_fund": 2, "use_default": 3,
    "set_levels": 9, "set_default_model": 1, "shutdown": 1, "settle": 1,
    "list_model": 5, "set_operator": 6, "set_operator_by_signature": 6, "lockdown": 2,
    "accrue": 2, "propose_governor": 4, "accept_governor": 2,
}  # fmt: skip
# what people do with their coins beside paying debts
MONEY = {
    "coin.transfer": 3, "coin.approve": 3, "coin.transferFrom": 4, "coin.permit": 4,
    "coin.burn": 3, "coin.set_ceiling": 3, "coin.set_flash": 3, "coin.flashLoan": 7,
    "fund.reap": 8, "fund.recapitalise": 4, "fund.collect": 4, "fund.start_auction": 7,
    "fund.buy": 8, "fund.accept_book": 4, "fund.set_buffer": 2, "fund.set_reaping_paused": 2,
    "fund.set_auction": 2, "fund.set_treasury": 2, "fund.add_reserve": 3, "fund.remove_reserve": 3,
    "peg.mint": 6, "peg.redeem": 6, "peg.set_fees": 2, "peg.set_guard": 2,
    "peg.set_minting_paused": 2,
}  # fmt: skip
# what is done through a Governor, where one governs the vault
GOVERN = {
    "governor.propose": 8, "governor.execute": 8, "governor.tighten": 4, "governor.lapse": 3,
    "governor.advance": 14, "governor.halt": 3, "governor.pause": 2, "governor.cancel": 3,
    "governor.veto": 3, "governor.keep": 2,
}  # fmt: skip
# how a book ends, by what comes next: settling debts, opening the pool, redeeming, sweeping
ENDING = {
    LIVE: {"shutdown": 1, "settle": 1, "settles": 1, "open_redemption": 1, "redeem": 1, "sweep": 1,
           "claim": 1},
    SETTLING: {"shutdown": 1, "settle": 10, "settles": 8, "open_redemption": 5, "redeem": 1,
               "sweep": 1, "claim": 1},
    REDEEMING: {"shutdown": 1, "settle": 1, "settles": 1, "open_redemption": 1, "redeem": 20,
                "sweep": 2, "claim": 5},
    SWEPT: {"shutdown": 1, "settle": 1, "settles": 1, "open_redemption": 1, "redeem": 2, "sweep": 2,
            "claim": 1},
}  # fmt: skip


class Dice:
    """A seeded source of moves for one scene."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.random, self.seed = scene, random.Random(seed), seed
        self.calmed = []
        rules = scene.book.rules
        terms = (rules.debt_floor, rules.call_tip, rules.grace_period, rules.auction_duration)
        own = [term + step for term in terms for step in (-1, 0, 1)]
        # of what is special to this book as often as of all that is special to some contract
        self.pools = ([0, 1, 2, MAX, *own], pool())

    # what is

    @property
    def ending(self) -> Ending:
        """What is remembered of the book's end."""
        found: Ending = self.scene.system.settlement.ending(self.book)
        return found

    @property
    def book(self) -> Any:
        return self.scene.book

    @property
    def backed_so_far(self) -> int:
        """What a reserve must say for the book to end solvent, or every other one short of it."""
        told = self.scene.system.told[self.scene.backed.address]
        wanted = -(10**6) * WAD if self.seed % 2 else 10**6 * WAD
        backing: int = told + wanted - self.scene.system.equity(self.scene.now)
        return backing

    @property
    def minted(self) -> int:
        """What the vault has minted."""
        return int(self.scene.coin.minted[int(self.scene.vault.address, 16)])

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def plight(self, position: Position, levels: Levels, now: int) -> str:
        """Name what an account is in."""
        opens = self.book.opens_at(position.auction_start)
        closes = opens + self.book.rules.auction_duration
        if levels.debt <= levels.maintenance:
            return "dormant" if opens else "calm"
        if not opens:
            return "callable"
        if now < opens:
            return "called"
        if now <= closes:
            return "in auction"
        duration = self.book.rules.auction_duration
        return "absorbable" if levels.debt > levels.close_out and now <= closes + duration else (
            "callable"
        )  # fmt: skip

    # when

    def moment(self) -> int:
        """Choose the second of the next move: soon, or at the edge of somebody's clock."""
        now, roll = self.scene.now, self.random.random()
        if roll < 0.3:
            lots = [lot for lot in self.scene.system.fund.lots.values() if lot.is_running(now)]
            if lots:
                lot = self.random.choice(lots)
                closes = lot.started_at + lot.duration
                return self.random.choice((now, now + 60, closes, self.random.randint(now, closes)))
        ending = self.ending
        if ending.phase == SETTLING and roll > 0.97:
            return max(now, ending.shut_at + SETTLEMENT_PERIOD + self.random.randint(-1, 1))
        if ending.phase == REDEEMING and roll > 0.97 and len(self.scene.moves) % 4 == 0:
            return max(now, ending.opened_at + YEAR + self.random.randint(-1, 1))
        if roll < 0.06:
            return now
        if roll < 0.68:
            return now + self.random.choice((1, 1, 1, 12, 59, 60, 61, 300, 600))
        if roll < 0.74:
            return now + self.random.choice((1_800, 3_599, 3_600, 3_601, 7_200))
        if roll < 0.745:
            return now + self.random.randint(20_000, 400_000)
        if roll < 0.7465:
            return now + self.random.randint(400_000, YEAR)
        clocks = [p.auction_start for p in self.book.positions.values() if p.auction_start]
        if not clocks:
            return now + 1
        opens = self.book.opens_at(self.random.choice(clocks))
        rules = self.book.rules
        duration = rules.auction_duration
        edges = [
            opens - 1,
            opens,
            opens + self.random.randint(0, duration),
            opens + self.random.randint(0, duration),
            opens + duration,
            opens + duration + 1,
            opens + duration + 1,
            opens + duration * 3 // 2,
            opens + 2 * duration,
            opens + 2 * duration + 1,
        ]
        if self.chance(0.1):
            edges = [opens + duration + rules.call_cool_down + self.random.randint(0, 1)]
        ahead = [edge for edge in edges if now <= edge < now + 14 * 86_400]
        return self.random.choice(ahead) if ahead else now + 1

    # the world around

    def surroundings(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Choose what changes around the vault before the next move."""
        if self.calmed:
            changes, self.calmed = self.calmed, []
            return changes
        turned = self.turn()
        if turned:
            return turned
        roll = self.random.random()
        if roll < 0.29:
            return [self.price_move()]
        if roll < (0.34 if self.scene.setup.hub == "feeds" else 0.31):
            return self.flag_move()
        if roll < 0.344:
            room = self.random.choice((0, 1, WAD, 5 * WAD, 3_000 * WAD, 10**9 * WAD))
            return [("ceiling", (min(max(0, self.minted + room), 2**120 - 1),))]
        if roll < 0.38 and self.book.coin.headroom < 10**8 * WAD:
            return [("ceiling", (min(self.minted + 10**9 * WAD, 2**120 - 1),))]
        if roll < 0.385:
            return [self.model_move()]
        if roll < 0.395:
            return [("steps", (self.steps(),))]
        if roll < 0.399:
            fund, kind = self.scene.world.fund.address, self.random.choice(MAIN)
            return [("tokens", (kind, fund, UNIT[kind] * self.random.randint(1, 20)))]
        if self.ending.phase == SETTLING and self.chance(0.1):
            return [("told", (max(1, self.backed_so_far),))]  # whatever people burn and lose
        if roll < 0.402:
            told = self.scene.system.told[self.scene.backed.address]
            return [("told", (told * self.random.choice((9_900, 9_999, 10_001, 10_100)) // BPS,))]
        if self.scene.coin.balance_of(self.scene.keeper) < 10**7 * WAD:
            return [("coins", (self.scene.keeper, 10**9 * WAD))]
        return []

    def turn(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Let a token turn, or block somebody, for a while."""
        dice, kind, scene = self.random, self.random.choice(LIARS), self.scene
        token = self.book.turning[kind]
        if token.nature != HONEST and self.chance(0.05):
            return [("turn", (kind, HONEST, 0, "totals"))]
        if token.blocked and self.chance(0.06):
            return [("block", (kind, dice.choice(sorted(token.blocked)), False))]
        if self.chance(0.05 if self.ending.phase == REDEEMING else 0.02):
            nature = dice.choice((FALSE, SILENT, TWO, FEE, REVERTS, CALLS, CALLS, SHORT))
            fee = dice.choice((1, 1, 100, BPS)) if nature == FEE else 0
            attempt = dice.choice((*WRITES, *VIEWS, *WORDS, *WORDS))
            return [("turn", (kind, nature, fee, attempt))]
        if self.chance(0.006):
            vault, fund = scene.vault.address, scene.world.fund.address
            return [("block", (kind, dice.choice((*scene.redeemers, vault, fund)), True))]
        return []

    def market(self, kind: int) -> int:
        """Return the market price of a kind."""
        if self.scene.setup.hub == "words":
            return int(self.book.hub.prices[kind].hi) or 1
        feed = self.book.hub.feeds[kind]
        if feed and BASE[kind] // 10 <= feed[0] <= BASE[kind] * 4:
            return int(feed[0])
        return int(self.book.hub.prices[kind].hi)

    def kind(self) -> int:
        if self.chance(0.3):
            owing = [p for p in self.book.positions.values() if p.normalized_debt]
            if owing:
                return self.random.choice(list(self.random.choice(owing).balances))
        if self.chance(0.88):
            return self.random.choice(MAIN)
        return self.random.choice(list(self.book.kinds))

    def price_move(self) -> tuple[str, tuple[Any, ...]]:
        kind, dice = self.kind(), self.random
        size = dice.choice((3, 3, 10, 30, 30))
        if self.scene.setup.usual:  # mostly quiet, so that volatility comes and goes
            size = dice.choice((1, 1, 1, 3, 10, 30))
        if kind == 2:
            size = min(size, 10)
        now, base = self.market(kind), BASE[kind]
        lean = 1 if now < base * 6 // 10 else -1 if now > base * 15 // 10 else 0
        percent = dice.randint(-size, size) if not lean else lean * dice.randint(0, size)
        price = max(base // 5, now * (1_000 + percent * 10 + dice.randint(-4, 4)) // 1_000)
        return self.told(kind, price)

    def told(self, kind: int, price: int, flags: int | None = None) -> tuple[str, tuple[Any, ...]]:
        """Return the move that makes `price` the price of a kind."""
        if self.scene.setup.hub == "feeds":
            return "answer", (kind, price)
        dice = self.random
        if flags is None:
            flags = dice.choices((0, CONFIRMING, FAILED), (30, 4, 1))[0]
        lo = price * dice.choice((BPS, BPS, BPS, 9_900, 9_500, 8_000)) // BPS
        initial = dice.choice((BPS, BPS, 12_500, 25_000, dice.randint(BPS, 25_000)))
        maintenance = dice.choice((BPS, BPS, 10_500, 12_500, dice.randint(BPS, 12_500)))
        return "say", (kind, 0 if flags & FAILED else lo, price, initial, maintenance, flags)

    def flag_move(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Let a source of prices fail or come back, or somebody turn a screw of the hub."""
        kind = self.kind()
        if self.scene.setup.hub == "words":
            flags = self.random.choice((0, 0, CONFIRMING, FAILED))
            if self.chance(0.5):
                return self.forge()
            return [self.told(kind, self.market(kind), flags)]
        dice, hub, now = self.random, self.book.hub, self.scene.now
        broken = [k for k in range(len(KINDS)) if not market_of(hub, k, now)]
        uptime = hub.sequencer
        if (uptime.answer or now - uptime.started_at < 1_200) and self.chance(0.6):
            return [("uptime", (0, dice.choice((0, 60, 1_200, 86_400))))]
        if broken and self.chance(0.7):
            kind = dice.choice(broken)
            mended = [("break_feed", (kind, False)), self.told(kind, self.market(kind))]
            if self.chance(0.3):
                mended.append(("set_bounds", (kind, BASE[kind] // 10, BASE[kind] * 4)))
            return mended
        base, market = BASE[kind] // FEED_SCALE, self.market(kind) // FEED_SCALE
        what = dice.choice(
            ("break", "break", "odd", "odd", "old", "uptime", "switch", "switch", "limits",
             "limits", "bounds", "bounds", "age", "poke")
        )  # fmt: skip
        if what == "break":
            return [("break_feed", (kind, dice.randint(1, 8)))]
        if what == "odd":
            answers = (0, -1, INT_MIN, base // 10 - 1, base // 10, base * 4, base * 40, INT_MAX)
            return [("report", (kind, dice.choice(answers), 0))]
        if what == "old":
            ages = (89_999, 90_000, 90_001, -1, -3_600, now)
            return [("report", (kind, market, dice.choice(ages)))]
        if what == "uptime":
            answer, age = dice.choice(((1, 0), (1, 600), (0, 0), (0, 1_190), (2, 60), (0, -60)))
            return [("uptime", (answer, age))]
        if what == "switch":
            kind = dice.choice(SPARES)
            market = self.market(kind)
            ratio = dice.choice((BPS, BPS, 9_990, 10_300, 9_500, 10_500, 9_499, 10_501, 0))
            return [("set_oracle", (kind, market * ratio // BPS))]
        if what == "limits":
            limits = self.scene.limits_of(ALL_KINDS[kind].levels)
            up, jump, sigma = limits.slew_up, limits.jump_bps, limits.sigma_ref
            odd = dice.choice(((0, up, jump, sigma), (1, up, 49, sigma), (1, up, jump, 0)))
            near = (2_000_000, 500_000, dice.choice((50, 500, 3_000)), dice.choice((10**6, 10**8)))
            return [("set_limits", (kind, *dice.choice((*[astuple(limits)] * 3, near, odd, odd))))]
        if what == "bounds":
            low, high = BASE[kind] // 10, BASE[kind] * 4
            price = self.market(kind)
            odd_bounds = ((low, high), (low, high), (price + 1, high), (low, price), (low, low))
            return [("set_bounds", (kind, *dice.choice(odd_bounds)))]
        if what == "age":
            return [("set_max_age", (kind, dice.choice((90_000, 90_000, 600, 2**24 - 1, 0))))]
        return [("poke", (dice.choice((0b111, 2 ** len(ALL_KINDS) - 1, 1 << 31, 0)),))]

    forged: int | None = None  # an account within its target whose call comes next
    calmed: list[tuple[str, tuple[Any, ...]]]  # what is said again after that

    def forge(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Say wild multipliers of the kinds of an account within its target, and call it."""
        now = self.scene.now
        safe = []
        for id, position in self.book.positions.items():
            if position.normalized_debt:
                levels = self.book.levels(id, now)
                if levels.debt <= levels.target:
                    safe.append(id)
        if not safe:
            return []
        dice, self.forged = self.random, self.random.choice(safe)
        told = []
        for kind in self.book.positions[self.forged].balances:
            price = self.book.hub.prices[kind]
            multipliers = (price.initial_multiplier, price.maintenance_multiplier)
            self.calmed.append(("say", (kind, price.lo, price.hi, *multipliers, price.flags)))
            wild = [
                dice.choice((BPS, 12_500, 25_000, 65_535, dice.randint(BPS, 65_535))) for _ in "im"
            ]
            told.append(("say", (kind, price.lo, price.hi, *wild, price.flags)))
        return told

    def model_move(self) -> tuple[str, tuple[Any, ...]]:
        """Change what a margin model asks for."""
        dice, which, kind = self.random, self.random.randrange(2), self.kind()
        if self.chance(0.4):
            held = self.book.deposited.get(kind, 0)
            if self.chance(0.3) or held >= 2**118:
                return "scale", (which, kind, 0, 0, 0)
            lo = held // dice.choice((1, 2, 4))
            return "scale", (which, kind, lo, lo + held // 2 + 1, dice.choice((500, 2_000, 10_000)))
        if self.chance(0.3):
            return "brackets", (which, kind, (), ())
        bounds = sorted(dice.sample((1, 1_000, 3_000, 10_000, 20_000, 40_000), dice.randint(0, 3)))
        rates = sorted(dice.choices((0, 100, 500, 1_500, 5_000), k=len(bounds) + 1))
        rates[-1] = rates[-1] or 1
        return "brackets", (which, kind, tuple(bound * WAD for bound in bounds), tuple(rates))

    def steps(self) -> tuple[tuple[str, int, int], ...]:
        kind = self.random.choice(MAIN)
        tokens = ("tokens", kind, self.random.randint(0, 100) * UNIT[kind])
        coins = ("coins", 0, self.random.randint(0, 10**5) * WAD)
        return self.random.choice(((), (tokens,), (coins,), (tokens, coins)))

    def pokes(self, seconds: int) -> int:
        """Choose how often the hub is poked in this time, so that slow prices follow the market.

        A hub that is told its words has none to follow.
        """
        if not self.scene.setup.usual or self.scene.setup.hub == "words":
            return 0
        return min(self.random.choice((0, 0, 0, 1, 3)), max(0, seconds // POKE_EACH - 1))

    def refresh_prices(self) -> list[tuple[str, tuple[Any, ...]]]:
        """After a long time every feed answers anew, so that not everything is stale."""
        if self.scene.setup.hub == "words":
            return []
        held = {kind for position in self.book.positions.values() for kind in position.balances}
        return [self.told(kind, self.market(kind)) for kind in sorted(held | set(MAIN))]

    def warm_up(self) -> Iterator[Move]:
        """Open every account near its limit, let prices fall, and have some of them called."""
        scene = self.scene
        for id in scene.ids:
            owner = self.owner(id)
            kinds = self.random.sample(MAIN, self.random.choice((1, 1, 2, 3)))
            for kind in [0] if id in scene.ids[2:4] else kinds:
                worth = self.random.randint(16, 60) * 500 * WAD
                if id in scene.ids[2:4]:
                    worth = self.book.rules.debt_floor * 135 // 100
                amount = worth * UNIT[kind] // BASE[kind]
                yield Move(scene.now + 1, owner, "deposit", (id, kind, amount))
            levels = self.book.levels(id, scene.now + 1)
            debt = levels.initial * self.random.randint(90, 99) // 100
            if id in scene.ids[2:4]:  # no more than the floor, for what may leave dust
                debt = self.book.rules.debt_floor
            yield Move(scene.now + 1, owner, "borrow", (id, debt, owner))
        yield Move(scene.now + 61, scene.governor, *self.told(0, BASE[0] * 85 // 100, 0))
        yield Move(scene.now, scene.governor, *self.told(1, BASE[1] * 80 // 100, 0))
        for id in scene.ids:
            yield Move(scene.now + 1, scene.keeper, "margin_call", (id,))
        for id in scene.ids[2:4]:
            amount = self.book.positions[id].balance(0) // 3
            args = (id, 0, amount, MAX, scene.keeper, b"")
            yield Move(scene.now + 1, scene.keeper, "take", args)

    # the moves

    def choose(self, now: int) -> Move:
        """Choose a move for second `now`."""
        dice = self.random
        if self.forged is not None:
            id, self.forged = self.forged, None
            return Move(now, self.scene.keeper, "margin_call", (id,))
        if self.scene.setup.governed and self.chance(0.2):
            name = dice.choices(list(GOVERN), list(GOVERN.values()))[0]
            return Move(now, *getattr(self, "_" + name.replace(".", "_"))(now))
        governing = 0.13 if self.book.pauses or self.book.frozen else 0.10
        if self.chance(governing):
            names = dict(GOVERNANCE)
            if self.book.pauses:
                names["set_pauses"] = 30
            name = dice.choices(list(names), list(names.values()))[0]
            if name == "shutdown":  # the settlement's alone
                return Move(now, self.ruler(), name, ())
            if name == "settle":
                return Move(now, self.caller(), name, (dice.choice(self.scene.ids), RAY, 0))
            return Move(now, *getattr(self, f"_{name}")(now))
        lots = self.scene.system.fund.lots.values()
        if any(lot.is_running(now) for lot in lots) and self.chance(0.15):
            return Move(now, *self._fund_buy(now))
        if any(self.book.absorbed.values()) and self.chance(0.06):
            if self.book.fund in self.scene.people[:7] and not self.book.is_shut:
                return Move(now, *self._withdraw_absorbed(now))
            return Move(now, *self._fund_collect(now))
        if self.chance(0.13):
            name = dice.choices(list(MONEY), list(MONEY.values()))[0]
            return Move(now, *getattr(self, "_" + name.replace(".", "_"))(now))
        if self.book.is_shut and self.chance(0.03):
            return Move(now, *self._fund_reap(now))
        if self.ending.phase == LIVE and self.chance(0.01):
            who, args = self._shutdown(now)
            return Move(now, who, "settlement.shutdown", (self.scene.vault.address, *args))
        if self.chance(0.006 if self.ending.phase == LIVE else 0.55):
            names = ENDING[self.ending.phase]
            name = dice.choices(list(names), list(names.values()))[0]
            who, args = getattr(self, f"_{name}")(now)
            return Move(now, who, f"settlement.{name}", (self.scene.vault.address, *args))
        if self.chance(0.02):
            return self._one_more_kind(now)
        self.levels = {id: self.book.levels(id, now) for id in self.scene.ids}
        plights = {
            id: self.plight(self.book.positions[id], levels, now)
            for id, levels in self.levels.items()
        }
        covered = [id for id in self.scene.ids if self.is_covered_in_auction(id, now)]
        if covered and self.chance(0.4):  # whose auction a cure restarts
            return Move(now, self.caller(), "cure", (dice.choice(covered),))
        pressing = sorted(set(plights.values()) - {"calm"})
        plight, id = "calm", dice.choice(self.scene.ids)
        if pressing and self.chance(0.7):
            urgent = [name for name in ("in auction", "absorbable") if name in pressing]
            plight = dice.choice(pressing + 2 * urgent)
            id = dice.choice([id for id, found in plights.items() if found == plight])
        names = LIKELY[plight]
        name = dice.choices(list(names), list(names.values()))[0]
        self.plights = plights
        poor = max(map(self.room, self.scene.ids)) < self.book.rules.debt_floor
        if name == "borrow" and poor and self.chance(0.8):
            name = "deposit"
        who, args = getattr(self, f"_{name}")(id, now)
        if self.chance(0.002):
            args = (2**168 + 5, *args[1:]) if isinstance(args[0], int) else args
        return Move(now, who, name, args)

    def is_covered_in_auction(self, id: int, now: int) -> bool:
        """Whether an account is for sale, though its price has come back over maintenance."""
        levels, opens = self.levels[id], self.book.opens_at(self.book.positions[id].auction_start)
        running = opens and opens <= now <= opens + self.book.rules.auction_duration
        return bool(running and levels.target < levels.debt <= levels.maintenance)

    def owner(self, id: int) -> str:
        number = id >> 8
        return next(who for who in self.scene.owners if int(who, 16) == number)

    def who(self, id: int) -> str:
        """The owner, or now and then somebody else, who may be an operator."""
        return self.owner(id) if self.chance(0.88) else self.random.choice(self.scene.owners)

    def receiver(self, who: str) -> str:
        if self.chance(0.03):
            return self.random.choice((ZERO_ADDRESS, self.scene.vault.address))
        return who if self.chance(0.9) else self.scene.keeper

    def odd(self, amount: int) -> int:
        """An amount, or now and then one of the pool."""
        if not self.chance(0.03):
            return amount
        return self.random.choice(self.random.choice(self.pools))

    def data(self, who: str) -> bytes:
        if who == self.scene.actor.address:
            return b"" if self.chance(0.3) else self.random.randbytes(self.random.randint(1, 40))
        return b"x" if self.chance(0.02) else b""

    def amount_in(self, id: int, kind: int) -> int:
        small = self.scene.ids.index(id) % 3 == 0
        worth = self.random.randint(1, 12 if small else 100) * 250 * WAD
        if kind > ISOLATED:
            worth //= 10
        return worth * UNIT[kind] // BASE[kind]

    def amount_out(self, balance: int) -> int:
        choice = self.random.choice
        return choice((balance, balance // 2, balance // 5, balance // 20, balance // 20, 1,
                       balance + 1))  # fmt: skip

    def in_kind(self, id: int) -> int:
        held = list(self.book.positions[id].balances)
        if held and self.chance(0.02):
            return ISOLATED
        if held and self.chance(0.6) and self.scene.ids.index(id) != 1:
            return self.random.choice(held)
        if self.scene.ids.index(id) == 1 and self.chance(0.9):  # the one with many kinds
            return self.random.choice([kind for kind in self.book.kinds if kind != ISOLATED])
        return self.kind()

    def out_kind(self, id: int) -> int:
        held = list(self.book.positions[id].balances)
        return self.random.choice(held) if held and self.chance(0.95) else self.kind()

    def room(self, id: int) -> int:
        levels = self.levels[id]
        return max(0, levels.initial - levels.debt)

    def _deposit(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        kind = self.in_kind(id)
        amount = self.odd(self.amount_in(id, kind))
        cap = self.book.caps[kind]
        if cap < 2**127 and self.chance(0.5):
            amount = max(0, cap - self.book.deposited[kind] + self.random.randint(0, 1))
        return self.who(id), (id, kind if self.chance(0.99) else 31, amount)

    def _one_more_kind(self, now: int) -> Move:
        """Let the account with many kinds have one more of them."""
        id = self.scene.ids[1]
        lacking = [
            kind
            for kind in self.book.kinds
            if kind != ISOLATED and not self.book.positions[id].balance(kind)
        ]
        kind = self.random.choice(lacking or [0])
        return Move(now, self.owner(id), "deposit", (id, kind, UNIT[kind] // 10 + 1))

    def _withdraw(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        kind, who = self.out_kind(id), self.who(id)
        amount = self.amount_out(self.book.positions[id].balance(kind))
        amount = MAX if self.chance(0.08) else self.odd(amount)
        return who, (id, kind, amount, self.receiver(who))

    def coins(self, id: int) -> int:
        """About what an account may still borrow."""
        if self.chance(0.12):
            floor = self.book.rules.debt_floor
            return self.random.choice((floor - 1, floor, floor, floor * 115 // 100))
        return max(
            1, self.room(id) * self.random.choice((100, 100, 100, 99, 99, 95, 90, 101)) // 100
        )

    def _borrow(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        if self.chance(0.6 if self.room(id) else 0.92):
            id = max(self.scene.ids, key=self.room)
        who = self.who(id)
        return who, (id, self.odd(self.coins(id)), self.receiver(who))

    def back(self, id: int) -> int:
        debt = self.levels[id].debt
        return max(0, self.random.choice((debt // 10, debt // 20, debt - 1, debt, 1, MAX)))

    def payer(self, id: int) -> str:
        return self.random.choice((self.owner(id), self.scene.keeper, self.random.choice(
            self.scene.owners)))  # fmt: skip

    def _repay(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        return self.payer(id), (id, self.odd(self.back(id)))

    def _adjust(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        dice, position = self.random, self.book.positions[id]
        kinds = sorted(
            {self.in_kind(id) if self.chance(0.6) else self.out_kind(id)
             for _ in range(dice.choice((0, 1, 1, 2, 2, 3)))}
        )  # fmt: skip
        legs = []
        for kind in kinds:
            balance = position.balance(kind)
            if balance and self.chance(0.4):
                delta = INT_MIN if self.chance(0.1) else -self.amount_out(balance)
            else:
                delta = self.amount_in(id, kind)
            legs.append((kind, delta))
        if self.chance(0.02) and legs:
            legs = legs[::-1] if len(legs) > 1 else legs * 2
        inflow = sum(
            delta * self.market(kind) // UNIT[kind] * 7 // 10 for kind, delta in legs if delta > 0
        )
        debt = dice.choice((0, self.coins(id), (self.room(id) + inflow) * 95 // 100, INT_MIN,
                            -self.back(id)))  # fmt: skip
        debt = max(INT_MIN, min(INT_MAX, debt))
        who = self.who(id)
        return who, (id, legs, debt, self.receiver(who), self.data(who))

    def _move(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        dice = self.random
        same = [other for other in self.scene.ids if other >> 8 == id >> 8 and other != id]
        other = dice.choice(same if same and self.chance(0.85) else self.scene.ids)
        if self.chance(0.5):
            id, other = other, id
        position = self.book.positions[id]
        legs = []
        if self.chance(0.1):  # all of an account
            return self.who(id), (id, other, [(k, INT_MAX) for k in sorted(position.balances)], MAX)
        for kind in sorted(position.balances):
            if self.chance(0.5):
                amount = self.amount_out(position.balance(kind))
                legs.append((kind, INT_MAX if self.chance(0.3) else amount))
        if self.chance(0.03):
            legs = [(kind, -1) for kind, _ in legs] or [(0, 0)]
        if self.chance(0.02):
            legs = legs[::-1] if len(legs) > 1 else legs * 2
        debt = dice.choice((0, MAX, MAX, self.levels[id].debt // 2, self.room(other)))
        return self.who(id), (id, other, legs[:8], self.odd(debt))

    def _set_margin_model(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        listed = [slot for slot, model in self.book.slots.models.items() if model != ZERO_ADDRESS]
        slot = self.random.choice((0, 0, *listed, *listed, 7, 256))
        return self.who(id), (id, slot)

    def caller(self) -> str:
        return self.random.choice((self.scene.keeper, *self.scene.owners))

    def _margin_call(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        return self.caller(), (id,)

    def _margin_calls(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        ids = [other for other, plight in self.plights.items() if plight in ("callable", "called")]
        ids = (ids if self.chance(0.7) else list(self.scene.ids)) or [id]
        self.random.shuffle(ids)
        if self.chance(0.2):
            ids += ids[:2]
        if self.chance(0.05):
            ids.append(2**168)
        return self.caller(), (ids,)

    _cure = _absorb = _margin_call

    def order(self, id: int, now: int) -> tuple[int, int, int, int]:
        dice, kind = self.random, self.out_kind(id)
        balance = self.book.positions[id].balance(kind)
        shares = (balance // 3, balance // 10, balance // 2, balance, 1, 10**5, MAX, MAX)
        amount = 0 if self.chance(0.03) else self.odd(dice.choice(shares))
        limit = MAX if self.chance(0.92) else self.market(kind) * dice.choice((85, 90, 95)) // 100
        return id, kind, amount, limit

    def taker(self) -> str:
        scene = self.scene
        return self.random.choices((scene.keeper, scene.actor.address, scene.owners[3]), (7, 3, 1))[
            0
        ]

    def _take(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        who = self.taker()
        return who, (*self.order(id, now), self.receiver(who), self.data(who))

    def _takes(self, id: int, now: int) -> tuple[str, tuple[Any, ...]]:
        ids = [other for other, plight in self.plights.items() if plight == "in auction"] or [id]
        if self.chance(0.2):
            ids.append(self.random.choice(self.scene.ids))
        count = self.random.choice((1, 2, 3, 4, 6))
        orders = [self.order(self.random.choice(ids), now) for _ in range(count)]
        if self.chance(0.5):
            orders.sort(key=lambda order: order[1])
        if self.chance(0.01):
            orders.append((2**168, 0, 1, MAX))
        who = self.taker()
        return who, (orders if self.chance(0.98) else [], self.receiver(who))

    # governance and operators: who, what, args

    def ruler(self) -> str:
        if self.scene.setup.governed:  # whom nobody can speak for
            return self.random.choice(self.scene.people[:6])
        return (
            self.book.governor if self.chance(0.76) else self.random.choice(self.scene.people[:6])
        )

    def _set_pauses(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        bits = self.random.choice(
            (PAUSE_BORROW, PAUSE_WITHDRAW, PAUSE_CALL, PAUSE_TAKE, PAUSE_TAKE, PAUSE_CALLBACKS,
             PAUSE_CALLBACKS, 31, 32)
        )  # fmt: skip
        if self.book.pauses:
            bits = bits if self.chance(0.15) else 0
        return self.ruler(), "set_pauses", (bits,)

    def _set_cap(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        kind = self.kind()
        total = self.book.deposited[kind]
        cap = self.random.choice((2**128 - 1, 2**128 - 1, 2**128, total, total + UNIT[kind], 0))
        if self.book.caps[kind] < 2**127:
            cap = 2**128 - 1
        return self.ruler(), "set_cap", (kind if self.chance(0.95) else 31, cap)

    def _set_levels(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Move a kind's levels by what governance may in a day, or to where they may not be."""
        dice, kind = self.random, self.kind()
        listed, usual = self.book.kinds[kind], ALL_KINDS[kind].levels
        levels = list(astuple(usual)) if self.chance(0.3) else [
            listed.initial_ltv, listed.maintenance_ltv, listed.close_out_ltv,
            listed.start_factor, listed.end_factor,
        ]  # fmt: skip
        for place in range(3):
            levels[place] += dice.choice((0, 0, -200, -50, -8, 8, 50, 200))
        levels[3 + dice.randrange(2)] += dice.choice((0, 0, -100, -4, 4, 100))
        odd = (0, 2**16, *levels)
        if self.chance(0.15):
            levels[dice.randrange(5)] = dice.choice(odd)
        levels = [max(0, level) for level in levels]
        return self.ruler(), "set_levels", (kind if self.chance(0.95) else 31, *levels)

    def _set_frozen(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        frozen = [kind for kind in self.book.kinds if self.book.frozen >> kind & 1]
        if frozen and self.chance(0.8):
            return self.ruler(), "set_frozen", (self.random.choice(frozen), False)
        return self.ruler(), "set_frozen", (self.kind() if self.chance(0.95) else 32, True)

    def _set_rate(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        most = RAY // YEAR + 1
        rates = (0, most // 20, most // 20, most // 5, most, most + 1)
        return self.ruler(), "set_rate", (self.random.choice(rates),)

    def _list_collateral(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Try to list what may not be listed, and at last what may."""
        dice, tokens = self.random, [token.address for token in self.scene.tokens]
        kind = dice.choice((0, len(KINDS), len(KINDS), len(KINDS) + 1, 31, 32))
        token = tokens[kind] if kind < len(tokens) else ZERO_ADDRESS
        if self.chance(0.2):
            token = dice.choice((tokens[0], self.scene.world.coin.address, ZERO_ADDRESS))
        levels = dice.choice((
            *[(7_500, 8_000, 8_500, 10_100, 8_800)] * 4,
            *[(7_500, 7_500, 8_500, 10_100, 8_800)] * 2,
            *[(7_500, 8_000, 8_500, 11_001, 8_800)] * 2,
            *[(8_400, 8_500, 8_700, 10_100, 8_800)] * 2,
        ))  # fmt: skip
        cap = dice.choice((10**30, 2**128))
        return self.ruler(), "list_collateral", (kind, token, *levels, cap, False)

    def _withdraw_absorbed(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        kind = self.random.choice([k for k, held in self.book.absorbed.items() if held] or [0])
        held = self.book.absorbed[kind]
        amount = self.random.choice((held, held // 2, held // 3, held + 1, 0))
        fund = self.book.fund if self.book.fund in self.scene.people[:7] else self.scene.keeper
        who = fund if self.chance(0.75) else self.ruler()
        receiver = self.receiver(self.scene.keeper)
        return who, "withdraw_absorbed", (kind if self.chance(0.97) else 31, amount, receiver)

    def _propose_fund(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        ours = self.scene.world.fund.address
        fund = ours if self.chance(0.6) else self.random.choice(self.scene.people[:7])
        return self.ruler(), "propose_fund", (fund,)

    def _accept_fund(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        pending = self.book.pending_fund
        known = pending in self.scene.people[:7]
        return (pending if known and self.chance(0.9) else self.caller()), "accept_fund", ()

    def _propose_governor(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.ruler(), "propose_governor", (self.random.choice(self.scene.people[:7]),)

    def _accept_governor(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        pending = self.book.pending_governor
        known = pending in self.scene.people[:7]
        return (pending if known and self.chance(0.8) else self.ruler()), "accept_governor", ()

    def _set_default_model(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Try to do what only the list of margin models may."""
        return self.ruler(), "set_default_model", (self.chance(0.5),)

    def _use_default(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        who = self.scene.governor if self.chance(0.9) else self.random.choice(self.scene.owners)
        return who, "use_default", (self.book.rules.vault, self.chance(0.5))

    def _list_model(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        dice, scene = self.random, self.scene
        models = [model.address for model in scene.tiered]
        model = dice.choice((*models, *models, scene.actor.address, ZERO_ADDRESS, scene.keeper))
        who = scene.governor if self.chance(0.9) else dice.choice(scene.owners)
        return who, "list_model", (dice.choice((0, 0, 1, 2, 2, 3, 256)), model)

    def _set_operator(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        bits = self.random.choice((0, 1, 3, 1 << 7, 1 << 255, MAX))
        who = self.random.choice(self.scene.owners)
        vault = self.scene.vault.address if self.chance(0.9) else self.scene.keeper
        return who, "set_operator", (vault, self.random.choice(self.scene.owners), bits)

    def _set_operator_by_signature(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        dice, scene = self.random, self.scene
        signers = [*(who for who in scene.owners if who in KEYS), scene.actor.address]
        owner, operator = dice.choice(signers), dice.choice(scene.owners)
        bits, deadline = dice.choice((0, 1, 3, MAX)), now + dice.choice((0, 0, 3_600, -1))
        rules, nonce = self.book.rules, self.book.nonces.get(int(owner, 16), 0)
        signed = (owner, operator, bits, nonce + (1 if self.chance(0.1) else 0), deadline)
        vault = scene.vault.address if self.chance(0.9) else scene.keeper
        digest = operator_digest(rules.operators, rules.chain_id, vault, *signed)
        if owner == scene.actor.address:
            if self.chance(0.8):
                scene.make(Move(scene.now, scene.governor, "sign", (digest,)))
            signature = dice.randbytes(dice.randint(0, 70))
        else:
            key = KEYS[owner if self.chance(0.9) else dice.choice(list(KEYS))]
            raw = key.sign_recoverable(digest, hasher=None)
            signature = raw[:64] + bytes([raw[64] + dice.choice((27, 27, 27, 27, 0))])
        args = (vault, owner, operator, bits, deadline, signature)
        return self.caller(), "set_operator_by_signature", args

    def _lockdown(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.random.choice(self.scene.owners), "lockdown", ()

    # coin

    def purse(self, who: str) -> int:
        """About what somebody spends."""
        held = self.scene.coin.balance_of(who)
        return self.odd(
            self.random.choice((held, held // 2, held // 1_000, held // 10**5, held + 1))
        )

    def holder(self) -> str:
        return self.random.choice((self.scene.keeper, *self.scene.owners))

    def _coin_transfer(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        who = self.holder()
        to = self.random.choice((*self.scene.people, ZERO_ADDRESS))
        amount = self.purse(who)
        return who, "coin.transfer", (to, amount if self.chance(0.15) else amount // 1_000)

    def _coin_approve(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        spender = self.random.choice((*self.scene.spenders, *self.scene.spenders, ZERO_ADDRESS))
        who = self.random.choice(self.scene.owners)
        return who, "coin.approve", (spender, self.purse(who))

    def _coin_transferFrom(self, now: int) -> tuple[str, str, tuple[Any, ...]]:  # noqa: N802
        """Spend an allowance, or a little more than there is."""
        dice, scene, coin = self.random, self.scene, self.scene.coin
        pairs = [(one, by) for one in scene.owners for by in scene.spenders]
        known = [pair for pair in pairs if coin.allowance(*pair)]
        owner, spender = dice.choice(known if known and self.chance(0.9) else pairs)
        most = min(coin.allowance(owner, spender), coin.balance_of(owner))
        amount = dice.choice((most, most // 2, most // 10, 0, coin.allowance(owner, spender) + 1))
        to = dice.choice((*scene.people, ZERO_ADDRESS))
        return spender, "coin.transferFrom", (owner, to, min(self.odd(amount), MAX))

    def _coin_permit(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Bring a permit that was signed, or that was used, is too late or of somebody else."""
        dice, scene, coin = self.random, self.scene, self.scene.coin
        owner = dice.choice([who for who in scene.owners if who in KEYS])
        spender, amount = dice.choice(scene.spenders), self.purse(owner)
        deadline = now + dice.choice((0, 0, 3_600, -1))
        nonce = coin.nonces.get(int(owner, 16), 0) + (1 if self.chance(0.1) else 0)
        digest = permit_digest(coin.domain_separator, owner, spender, amount, nonce, deadline)
        key = KEYS[owner if self.chance(0.9) else dice.choice(list(KEYS))]
        raw = key.sign_recoverable(digest, hasher=None)
        s, v = int.from_bytes(raw[32:64]), raw[64] + 27
        if self.chance(0.08):  # the other signature of the same digest: EIP-2 forbids it
            s, v = ORDER - s, 55 - v
        if self.chance(0.05):
            v = 0
        signature = (v, raw[:32], s.to_bytes(32))
        return self.caller(), "coin.permit", (owner, spender, amount, deadline, *signature)

    def _coin_burn(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        who = self.holder()
        holder = who if self.chance(0.8) else self.holder()
        amount = self.purse(holder)
        return who, "coin.burn", (holder, amount if self.chance(0.15) else amount // 1_000)

    def _coin_set_flash(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        fee, most = self.random.choice((0, 1, 5, 9, 100, 101)), 2**112
        ceilings = (0, 10**6 * WAD, 10**9 * WAD, 10**9 * WAD, most, most + 1)
        who = self.scene.governor if self.chance(0.9) else self.holder()
        return who, "coin.set_flash", (fee, self.random.choice(ceilings))

    def _coin_set_ceiling(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Bound a minter anew, or name one."""
        dice, scene, coin = self.random, self.scene, self.scene.coin
        minter = dice.choice((scene.peg.address, scene.world.fund.address, ZERO_ADDRESS))
        minted = coin.minted.get(int(minter, 16), 0)
        ceiling = dice.choice((10**7 * WAD, 10**7 * WAD, minted, minted // 2, 2**120))
        return self.master(), "coin.set_ceiling", (minter, ceiling)

    def _coin_flashLoan(self, now: int) -> tuple[str, str, tuple[Any, ...]]:  # noqa: N802
        """Lend to somebody who does up to eight things with it, and mostly can pay in the end."""
        dice, scene, coin = self.random, self.scene, self.scene.coin
        most = coin.flash_ceiling
        amount = dice.choice((most, most // 2, 10**5 * WAD, 1, 0, most + 1))
        amount = min(amount, most) if self.chance(0.85) else amount
        borrower, keeper = scene.borrower.address, scene.keeper
        fee = coin.flash_fee(coin.address, min(amount, 2**112))
        plan, left = self.errands(amount, now, dice.choice((0, 1, 1, 2, 5, 8)))
        if left < amount + fee and self.chance(0.9):
            plan.append(("give", (borrower, amount + fee - left)))
        scene.make(Move(scene.now, scene.governor, "plan", (tuple(plan), self.chance(0.92))))
        receiver = borrower if self.chance(0.9) else dice.choice((scene.actor.address, keeper))
        token = coin.address if self.chance(0.93) else scene.tokens[0].address
        return self.holder(), "coin.flashLoan", (receiver, token, amount, dice.randbytes(3))

    def errands(
        self, amount: int, now: int, count: int
    ) -> tuple[list[tuple[str, tuple[Any, ...]]], int]:
        """Return what a flash borrower does, and what coins it has then.

        Each errand is tried in the model, so that most of them go through one after the other.
        """
        borrower, trial = self.scene.borrower.address, self.scene.system.copy()
        plan: list[tuple[str, tuple[Any, ...]]] = []
        trial.coin.flash_minted = min(amount, 2**112)
        trial.coin.balances[int(borrower, 16)] = trial.coin.balance_of(borrower) + amount
        for _ in range(2 * count):
            if len(plan) == count:
                break
            what, args = self.errand(trial, amount, now)
            after = trial.copy()
            try:
                if what not in LOOKS:
                    after.act(now, borrower, what, *args)
            except (Refused, Revert):
                if what != "coin.flashLoan" and self.chance(0.97):
                    continue
            else:
                trial = after
            plan.append((what, args))
        return plan, trial.coin.balance_of(borrower)

    def errand(self, trial: Any, amount: int, now: int) -> tuple[str, tuple[Any, ...]]:
        """Return what a flash borrower may do next: a move and its arguments."""
        dice, scene, book = self.random, self.scene, trial.book
        borrower, keeper, vault = scene.borrower.address, scene.keeper, scene.vault.address
        own, id = scene.world.id(borrower, 0), dice.choice(scene.ids)
        purse = trial.coin.balance_of(borrower)
        kind = self.kind()
        mine = book.positions[own]
        held = dice.choice(list(mine.balances) or [kind])
        levels = book.levels(own, now)
        room = max(0, levels.initial - levels.debt)
        lots = [token for token, lot in trial.fund.lots.items() if lot.is_running(now)]
        bought = f"0x{dice.choice(lots or [0]):040x}"
        reserve = trial.peg.held * 10**12
        errands: list[tuple[str, tuple[Any, ...]]] = [
            ("coin.burn", (borrower, purse // dice.choice((1, 2, 10**6)))),
            ("coin.transfer", (keeper, purse // 10**6)),
            ("coin.totalSupply", ()),
            ("fund.equity", ()),
            ("fund.reap", ()),
            ("fund.recapitalise", (purse // 2,)),
            ("fund.collect", (vault, kind)),
            ("fund.start_auction", (vault, kind)),
            ("fund.buy", (bought, MAX, MAX, borrower)),
            ("peg.redeem", (min(purse, reserve) // 3, borrower)),
            ("peg.mint", (10**3 * UNIT[RESERVE], borrower)),
            ("settlement.redeem", (vault, purse // 10, borrower)),
            ("repay", (id, dice.choice((book.debt(id, now) // 10, MAX)))),
            ("margin_call", (id,)),
            ("cure", (id,)),
            ("absorb", (id,)),
            ("take", (id, self.out_kind(id), MAX, MAX, borrower, b"")),
            ("coin.flashLoan", (borrower, trial.coin.address, 1, b"")),
        ]
        around = [
            ("deposit", (own, kind, self.amount_in(own, kind))),
            ("deposit", (own, held, self.amount_in(own, held))),
            ("borrow", (own, room * dice.choice((100, 99, 50)) // 100, borrower)),
            ("repay", (own, dice.choice((levels.debt // 2, MAX)))),
            ("withdraw", (own, held, mine.balance(held) // dice.choice((1, 2, 10)), borrower)),
            ("withdraw", (own, held, MAX, borrower)),
        ]
        return dice.choice(around if self.chance(0.5) else errands)

    # fund and peg

    def master(self) -> str:
        """Who governs coin, fund and peg, or now and then somebody else."""
        return self.scene.governor if self.chance(0.8) else self.holder()

    def _fund_reap(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.caller(), "fund.reap", ()

    def _fund_recapitalise(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        """Burn what is missing to the buffer and a little more, or anything."""
        system = self.scene.system
        sheet = system.sheet(now)
        lacking = max(0, system.fund.buffer(sheet) - sheet.equity)
        who = self.scene.keeper if self.chance(0.8) else self.holder()
        amounts = (lacking, lacking + 10**5 * WAD, 10**3 * WAD, 1, 0, self.purse(who) // 100)
        return who, "fund.recapitalise", (self.random.choice(amounts),)

    def held_kind(self, who: str) -> int:
        """A kind of which somebody holds something, or any."""
        kinds = [kind for kind in range(len(ALL_KINDS)) if self.book.held[kind, who]]
        return self.random.choice(kinds) if kinds and self.chance(0.9) else self.kind()

    def _fund_collect(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        absorbed = [kind for kind, held in self.book.absorbed.items() if held]
        kind = self.random.choice(absorbed or [0]) if self.chance(0.85) else self.kind()
        return self.caller(), "fund.collect", (self.counted(), kind if self.chance(0.97) else 32)

    def counted(self) -> str:
        """The vault, or now and then one that the fund does not count."""
        scene = self.scene
        return scene.vault.address if self.chance(0.95) else scene.world.vault.address

    def _fund_start_auction(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        kind = self.held_kind(self.scene.world.fund.address)
        lots = self.scene.system.fund.lots
        keys = [int(token.address, 16) for token in self.scene.tokens]
        running = [k for k, key in enumerate(keys) if key in lots and lots[key].is_running(now)]
        kind = self.random.choice(running) if running and self.chance(0.4) else kind
        kind = kind if self.chance(0.95) else 31
        return self.caller(), "fund.start_auction", (self.counted(), kind)

    def _fund_buy(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        dice, scene, lots = self.random, self.scene, self.scene.system.fund.lots
        keys = [int(token.address, 16) for token in scene.tokens]
        kinds = [k for k, key in enumerate(keys) if key in lots and lots[key].is_running(now)]
        kind = dice.choice(kinds) if kinds and self.chance(0.95) else self.kind()
        lot = lots.get(int(scene.tokens[kind].address, 16))
        left = lot.left if lot else 1
        amount = dice.choice((left, left // 2, left // 10, 1, left + 1, MAX, 0))
        limit = MAX if self.chance(0.9) else self.market(kind) * 9 // 10
        who = self.taker()
        receiver = self.receiver(who) if self.chance(0.95) else scene.tokens[kind].address
        return who, "fund.buy", (scene.tokens[kind].address, amount, limit, receiver)

    def _fund_accept_book(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.master(), "fund.accept_book", (self.counted(),)

    def _fund_set_buffer(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.master(), "fund.set_buffer", (self.random.choice((100, 100, 200, 99, 5_001)),)

    def _fund_set_reaping_paused(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        paused = not self.scene.system.fund.is_reaping_paused and self.chance(0.5)
        return self.master(), "fund.set_reaping_paused", (paused,)

    def _fund_set_auction(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        terms = (
            (21_600, 10_300, 8_000), (3_600, 10_000, 9_999), (86_400, 11_000, 5_000),
            (3_599, 10_300, 8_000), (21_600, 9_999, 8_000), (21_600, 10_300, 4_999),
        )  # fmt: skip
        return self.master(), "fund.set_auction", self.random.choice(terms)

    def _fund_set_treasury(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        scene = self.scene
        others = (scene.governor, scene.keeper, ZERO_ADDRESS, scene.world.fund.address)
        return self.master(), "fund.set_treasury", (self.random.choice(others),)

    def _fund_add_reserve(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        scene = self.scene
        others = (
            scene.peg.address, scene.vault.address, scene.keeper, scene.backed.address,
            *[scene.idle.address] * 5,
        )  # fmt: skip
        return self.master(), "fund.add_reserve", (self.random.choice(others),)

    def _fund_remove_reserve(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        scene = self.scene
        others = (
            scene.peg.address, scene.backed.address, scene.keeper, *[scene.idle.address] * 4,
        )  # fmt: skip
        if scene.peg.address not in scene.system.fund.reserves:
            return self.master(), "fund.add_reserve", (scene.peg.address,)
        return self.master(), "fund.remove_reserve", (self.random.choice(others),)

    def _peg_mint(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        who = self.random.choice(self.scene.owners)
        room = self.scene.coin.headroom(self.scene.peg.address) * UNIT[RESERVE] // WAD
        amounts = (
            10**3 * UNIT[RESERVE], 10**5 * UNIT[RESERVE], 1, 0, room // 2, room + room // 10, 2**128
        )  # fmt: skip
        receiver = self.receiver(who) if self.chance(0.95) else self.scene.peg.address
        if self.market(RESERVE) < GUARD and self.chance(0.6):
            par = self.told(RESERVE, BASE[RESERVE], 0)
            self.scene.make(Move(self.scene.now, self.scene.governor, *par))
        return who, "peg.mint", (self.odd(self.random.choice(amounts)), receiver)

    def _peg_redeem(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        rich = [who for who in self.scene.redeemers if self.scene.coin.balance_of(who)]
        who = self.random.choice(rich or self.scene.redeemers)
        there = self.scene.system.peg.held * WAD // UNIT[RESERVE]
        amounts = (
            there // 2,
            there // 10,
            there // 10,
            10**3 * WAD,
            10**12,
            1,
            0,
            there + there // 50,
        )
        receiver = self.receiver(who) if self.chance(0.95) else self.scene.peg.address
        return who, "peg.redeem", (self.odd(self.random.choice(amounts)), receiver)

    def _peg_set_fees(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        fees = (0, 5, 10, 100, 101)
        return self.master(), "peg.set_fees", (self.random.choice(fees), self.random.choice(fees))

    def _peg_set_guard(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        guards = (GUARD, GUARD, WAD, 9 * WAD // 10, 9 * WAD // 10 - 1, WAD + 1)
        return self.master(), "peg.set_guard", (self.random.choice(guards),)

    def _peg_set_minting_paused(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        paused = not self.scene.system.peg.is_minting_paused and self.chance(0.5)
        return self.master(), "peg.set_minting_paused", (paused,)

    # governor

    def act(self) -> Call:
        """Return an act that may come up: to caps, freezes, rate, pauses and levels."""
        dice, kind = self.random, self.random.choice(MAIN)
        what = dice.choice(
            ("set_cap", "set_frozen", "set_rate", "set_pause", "ramp", "ramp", "ramp")
        )
        if what == "set_cap":
            cap, total = self.book.caps[kind], self.book.deposited[kind]
            if self.chance(0.4):
                return what, (kind, cap * 3 // 2)
            return what, (
                kind,
                dice.choice((cap // 2, 2 * cap, 2 * cap + 1, total, cap, 2**127, 2**128)),
            )
        if what == "set_frozen":
            return what, (kind, self.book.frozen >> kind & 1 == (1 if self.chance(0.1) else 0))
        if what == "set_rate":
            most = RAY // YEAR // 20
            return what, (max(0, self.book.rate + dice.choice((most, -most, most + 1, 0, 10**15))),)
        if what == "set_pause":
            bit = dice.choice((1, 2, 4, 8, 16, 3))
            return what, (bit, not self.book.pauses & bit if self.chance(0.8) else self.chance(0.5))
        levels, usual = levels_of(self.book.kinds[kind]), astuple(ALL_KINDS[kind].levels)
        goal = list(usual if self.chance(0.4) else levels)
        change = dice.choice((-300, -60, -9, 9, 60, 150))
        goal = [goal[0] + change, goal[1] + change, goal[2] + change // 2, *goal[3:]]
        if self.chance(0.2):
            goal[3] += dice.choice((-20, 20))
        if self.chance(0.1):
            goal[0] = goal[1]
        return "ramp", (kind, *goal)

    def _governor_propose(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.admin(), "governor.propose", (self.act(),)

    def admin(self) -> str:
        return self.scene.governor if self.chance(0.9) else self.caller()

    def guardian(self) -> str:
        return self.scene.keeper if self.chance(0.75) else self.admin()

    def pending(self) -> int:
        """The number of an act that waits, mostly of one that is ready."""
        now = self.scene.now
        acts = list(enumerate(self.scene.system.governor.acts, 1))
        ready = [id for id, act in acts if act.state == 1 and act.ready_at <= now <= act.expires_at]
        late = [id for id, act in acts if act.state == 1 and act.expires_at < now]
        if late and self.chance(0.2):
            return self.random.choice(late)
        if ready and self.chance(0.85):
            return self.random.choice(ready)
        waiting = [id for id, act in acts if act.state == 1]
        return self.random.choice(waiting or [0, 1])

    def _governor_execute(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        id, acts = self.pending(), self.scene.system.governor.acts
        call = acts[id - 1].call if 0 < id <= len(acts) and self.chance(0.9) else self.act()
        return self.caller(), "governor.execute", (id, call)

    def _governor_cancel(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        who = self.admin() if self.chance(0.7) else self.caller()
        return who, "governor.cancel", (self.pending(),)

    def _governor_veto(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.guardian(), "governor.veto", (self.pending(),)

    def _governor_tighten(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        waiting = [act.call for act in self.scene.system.governor.acts if act.state == 1]
        caps = [args[0] for fn, args in waiting if fn == "set_cap"]
        if caps and self.chance(0.4):  # what is announced to be raised
            kind = self.random.choice(caps)
            call = ("set_cap", (kind, self.book.caps[kind] * 9 // 10))
            return self.scene.keeper, "governor.tighten", (call,)
        return self.guardian(), "governor.tighten", (self.act(),)

    def _governor_pause(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.guardian(), "governor.pause", (self.random.choice((1, 4, 8, 16, 31, 0, 32)),)

    def _governor_lapse(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        guards = self.scene.system.governor.guards
        over = [key for key, guard in guards.items() if guard.undo is not None or self.chance(0.1)]
        return self.caller(), "governor.lapse", (self.random.choice(over or [("set_cap", 0)]),)

    def _governor_keep(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.admin(), "governor.keep", self._governor_lapse(now)[2]

    def _governor_advance(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        ramps = list(self.scene.system.governor.ramps)
        kind = self.random.choice(ramps if ramps and self.chance(0.95) else MAIN)
        return self.caller(), "governor.advance", (kind,)

    def _governor_halt(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        ramps = list(self.scene.system.governor.ramps)
        who = self.admin() if self.chance(0.7) else self.caller()
        return who, "governor.halt", (self.random.choice(ramps or MAIN),)

    # the end of a book: who, arguments after the vault

    def end(self) -> Iterator[Move]:
        """Mend every price, let some of them fall, and shut the book down."""
        scene, governor = self.scene, self.scene.governor
        feeds = scene.setup.hub == "feeds"
        start = scene.now + 1
        if feeds:
            yield Move(start, governor, "uptime", (0, 86_400))
        fall = self.random.choice((100, 95, 60, 40))
        for kind, base in enumerate(BASE):
            price = max(base // 5, min(self.market(kind), base * 3))
            if feeds:
                yield Move(start, governor, "break_feed", (kind, False))
                yield Move(start, governor, "set_bounds", (kind, base // 10, base * 4))
                yield Move(start, governor, "set_max_age", (kind, 90_000))
            price = price * fall // 100 if kind in MAIN[:2] else price
            yield Move(start, governor, *self.told(kind, max(price, base // 10), 0))
        for number in range(400 if feeds else 0):
            at = start + POKE_EACH * (number + 1)
            yield Move(at, scene.keeper, "poke", (2 ** len(ALL_KINDS) - 1,))
            if not any(price.flags for price in self.book.hub.prices):
                break
        yield Move(scene.now, governor, "told", (max(0, self.backed_so_far),))
        yield Move(scene.now + 1, self.book.governor, "propose_fund", (scene.world.fund.address,))
        vault = (scene.vault.address,)
        yield Move(scene.now + 1, governor, "fund.accept_book", vault)
        yield Move(scene.now + 1, self.book.governor, "settlement.shutdown", vault)

    def _shutdown(self, now: int) -> tuple[str, tuple[Any, ...]]:
        """Try what only the governor may: it comes at the end of a campaign, by `end`."""
        others = [who for who in self.scene.people[:6] if who != self.book.governor]
        early = self.ending.phase == LIVE
        if early and not self.scene.setup.governed:  # the governor where it cannot be yet
            vault, governor = self.scene.vault.address, self.book.governor
            what = "settlement.shutdown"
            if foresee(self.scene.system, what, (vault,), governor, now).reason is not None:
                return governor, ()
        return self.random.choice(others) if early else self.ruler(), ()

    def _settle(self, now: int) -> tuple[str, tuple[Any, ...]]:
        owing = [id for id, position in self.book.positions.items() if position.normalized_debt]
        id = self.random.choice(owing if owing and self.chance(0.9) else self.scene.ids)
        return self.who(id) if self.chance(0.3) else self.caller(), (id,)

    def _settles(self, now: int) -> tuple[str, tuple[Any, ...]]:
        ids = self.random.sample(self.scene.ids, self.random.randint(0, len(self.scene.ids)))
        return self.caller(), (ids + ids[:1],)

    def _open_redemption(self, now: int) -> tuple[str, tuple[Any, ...]]:
        return self.caller(), ()

    def _redeem(self, now: int) -> tuple[str, tuple[Any, ...]]:
        claims = self.ending.claims
        rich = [who for who in self.scene.redeemers if self.scene.coin.balance_of(who)]
        who = self.random.choice(rich or self.scene.redeemers)
        shares = (claims // 3, claims // 10, claims // 50, claims // 1_000, 1, 10**12, 0)
        amount = claims + 1 if self.chance(0.03) else self.odd(self.random.choice(shares))
        if self.chance(0.9):
            amount = min(amount, self.scene.coin.balance_of(who))
        bad = self.scene.world.system.settlement
        return who, (amount, bad if self.chance(0.06) else self.receiver(who))

    def _sweep(self, now: int) -> tuple[str, tuple[Any, ...]]:
        return self.caller(), ()

    def _claim(self, now: int) -> tuple[str, tuple[Any, ...]]:
        who, owed = self.caller(), self.scene.system.settlement.owed
        holder, kind = who if self.chance(0.5) else self.caller(), self.kind()
        if owed and self.chance(0.9):
            _, kind, holder = self.random.choice(list(owed))
            who = holder if holder in self.scene.redeemers and self.chance(0.8) else who
        return who, (kind, holder, self.receiver(holder if self.chance(0.5) else who))

    def _accrue(self, now: int) -> tuple[str, str, tuple[Any, ...]]:
        return self.caller(), "accrue", ()


def pressing(plights: Sequence[str]) -> list[str]:
    """Return the plights in which something may happen."""
    return sorted(set(plights) - {"calm"})
