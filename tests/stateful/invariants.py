# SPDX-License-Identifier: MIT
"""What must hold after every step, whatever the model says: assurance.md, by its numbers.

Each rule sees the move and the books before and after it, which agree with the chain word by word.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from surety.formulas import margin_math
from surety.model import FixedHub, Levels
from surety.model.state import BPS, RAY
from surety.model.system import Foreseen
from tests.stateful.scene import RESERVE, Move, Scene
from tests.world import WAD

RISKY = ("withdraw", "borrow", "adjust")
SETTLES = ("settlement.settle", "settlement.settles")
ENRICHING = (
    "take", "takes", "coin.burn", "coin.flashLoan", "settlement.shutdown", "settlement.redeem",
    *SETTLES, "fund.recapitalise", "fund.buy", "peg.mint", "peg.redeem",
    "fund.add_reserve",
)  # fmt: skip
LIQUIDATION = ("margin_call", "take", "cure", "absorb")


@dataclass(slots=True)
class Step:
    """One vault move that went through, with what the rules look at."""

    scene: Scene
    move: Move
    outcome: Foreseen

    @property
    def now(self) -> int:
        return self.move.at

    @property
    def before(self) -> Any:
        return self.outcome.before

    @property
    def after(self) -> Any:
        return self.outcome.after

    @property
    def after_fund(self) -> Any:
        return self.outcome.then.fund

    @property
    def account(self) -> int:
        return int(self.move.args[0])

    def touched(self) -> list[int]:
        return [
            id for id in self.scene.ids if self.after.positions[id] != self.before.positions[id]
        ]

    def levels_before(self, id: int) -> Levels:
        """The levels at the prices that the step saw."""
        book = self.after.copy()
        book.positions[id] = self.before.positions[id].copy()
        found: Levels = book.levels(id, self.now)
        return found

    def opens(self, id: int) -> int:
        return int(self.before.opens_at(self.before.positions[id].auction_start))


def i01_collateral_sums(step: Step) -> None:
    """Balances and what was absorbed sum up to the deposited total, which the vault holds."""
    step.after.check()


def i02_masks(step: Step) -> None:
    """A mask bit is set iff the balance is above zero, and at most eight are."""
    for id in step.touched():
        word, balances = step.scene.stored(id)
        held = [kind for kind, balance in enumerate(balances) if balance]
        assert (word >> 104) % 2**32 == sum(1 << kind for kind in held)
        assert len(held) <= 8


def i04_liquidation_is_local(step: Step) -> None:
    """A liquidation changes no other account by a wei."""
    if step.move.what in LIQUIDATION:
        assert set(step.touched()) <= {step.account}


def i06_index_rises(step: Step) -> None:
    """The index never falls, written or live."""
    assert step.after.index >= step.before.index
    assert step.after.live_index(step.now) >= step.before.live_index(step.before.accrued_at)


def i08_debt_floor(step: Step) -> None:
    """A debt is zero or at least the floor, but after the sale of a whole balance, or below."""
    floor = step.before.rules.debt_floor
    for id in step.touched():
        left, had = step.after.debt(id, step.now), step.before.debt(id, step.now)
        if 0 < left < floor and left < had:
            was, now = step.before.positions[id].balances, step.after.positions[id].balances
            assert had < floor or set(now) < set(was), (had, left)
            assert step.move.what in ("take", "takes") or had <= floor


def i11_levels_are_nested(step: Step) -> None:
    """Initial ≤ target ≤ maintenance ≤ close-out."""
    for id in step.touched():
        levels = step.after.levels(id, step.now)
        assert levels.initial <= levels.target <= levels.maintenance <= levels.close_out
        assert levels.close_out <= levels.value


def i12_target_is_safe(step: Step) -> None:
    """Who satisfies the target level is not called, whatever the multipliers say."""
    for id in step.touched():
        if step.after.positions[id].auction_start > step.before.positions[id].auction_start:
            levels = step.levels_before(id)
            assert levels.debt > levels.target


def i12_no_multiplier_calls_who_is_within_target(step: Step) -> None:
    """Levels are nested, and target keeps from a call, under any reading of volatility at all."""
    ids = step.touched()[:2]
    ids.append(step.scene.ids[step.now % len(step.scene.ids)])
    for id in ids:
        position = step.after.positions[id]
        if not position.normalized_debt:
            continue
        words = step.after.hub.read(position.mask, step.now)
        book = copy(step.after)
        for reading in (BPS, BPS + step.now % (2**16 - BPS), 2**16 - 1):
            book.hub = FixedHub(
                {
                    kind: replace(price, initial_multiplier=reading, maintenance_multiplier=reading)
                    for kind, price in words.items()
                }
            )
            levels = book.levels(id, step.now)
            assert levels.initial <= levels.target <= levels.maintenance <= levels.close_out
            if levels.debt <= levels.target:
                assert levels.debt <= levels.maintenance


def i13_risk_needs_the_initial_level(step: Step) -> None:
    """A call that raised risk ends within the capacity at the initial level."""
    for id in step.touched():
        was, position = step.before.positions[id], step.after.positions[id]
        fell = any(position.balance(kind) < held for kind, held in was.balances.items())
        if step.move.what in (*RISKY, "move", "set_margin_model") and position.normalized_debt:
            if fell or position.normalized_debt > was.normalized_debt:
                levels = step.after.levels(id, step.now)
                assert levels.debt <= levels.initial
        elif fell:
            assert step.move.what in ("take", "takes", "absorb", *RISKY, "move", *SETTLES)


def i14_only_who_may_lowers_an_account(step: Step) -> None:
    """Nobody but owner, operator, taker or absorber takes collateral out or adds debt."""
    for id in step.touched():
        was, position = step.before.positions[id], step.after.positions[id]
        lost = any(position.balance(kind) < held for kind, held in was.balances.items())
        if lost and step.move.what not in ("take", "takes", "absorb", *SETTLES):
            assert step.before.is_authorised(step.move.who, id)
        if position.normalized_debt > was.normalized_debt:
            called = step.move.what in ("margin_call", "margin_calls")
            assert called or step.before.is_authorised(step.move.who, id)


def i17_only_the_uncovered_get_a_clock(step: Step) -> None:
    """Only an account with D > M gets a clock."""
    for id in step.touched():
        if step.after.positions[id].auction_start and not step.before.positions[id].auction_start:
            levels = step.levels_before(id)
            assert step.move.what in ("margin_call", "margin_calls")
            assert levels.debt > levels.maintenance


def i18_a_running_clock_stays(step: Step) -> None:
    """A running auction's clock moves only by a cure at D ≤ M; a grace is never renewed."""
    duration = step.before.rules.auction_duration
    for id in step.touched():
        was, start = step.before.positions[id].auction_start, step.after.positions[id].auction_start
        opens = step.opens(id)
        if not was or start in (was, 0):
            continue
        if opens <= step.now <= opens + duration:
            levels = step.levels_before(id)
            assert step.move.what == "cure"
            assert levels.debt <= levels.maintenance
        elif step.now < opens:
            assert start == step.now  # a close-out only shortens the grace
        elif step.now <= opens + duration + step.before.rules.call_cool_down:
            assert start == step.now


def i19_sales_are_in_time_and_fair(step: Step) -> None:
    """No sale outside the auction, of a covered account, or under end_factor times hi."""
    for name, args in step.outcome.logs:
        if name != "Taken":
            continue
        opens = step.opens(args["account"])
        assert opens
        assert opens <= step.now <= opens + step.before.rules.auction_duration
        kind = step.after.kinds[args["kind"]]
        price = step.after.hub.read(1 << args["kind"], step.now)[args["kind"]]
        assert not price.has_failed
        assert price.hi * kind.end_factor <= args["price"] * 10_000
        assert args["price"] * 10_000 < price.hi * kind.start_factor + 10_000


def i20_takes_stop_at_target(step: Step) -> None:
    """A take ends no lower than target by more than a unit, and never raises D - M.

    The price of a whole token is rounded up, so that a wei more is repaid for each token sold.
    """
    if step.move.what != "take":
        return
    id, kind = step.account, step.move.args[1]
    levels, left = step.levels_before(id), step.after.levels(id, step.now)
    assert levels.debt > levels.maintenance
    price = step.after.hub.read(1 << kind, step.now)[kind]
    whole_token = 10 ** step.after.kinds[kind].decimals
    sold = step.outcome.log("Taken")["amount"]
    slack = price.hi // whole_token + sold // whole_token + 5
    whole = not step.after.positions[id].balance(kind)
    assert whole or left.debt == 0 or left.debt + slack >= left.target
    assert left.debt - left.maintenance <= levels.debt - levels.maintenance + slack


def i21_tips_are_bounded(step: Step) -> None:
    """A tip is at most D/400, comes once an episode, and never moves an account over close-out."""
    rules = step.before.rules
    for name, args in step.outcome.logs:
        if name == "MarginCalled" and args["tip"]:
            id = args["account"]
            levels, left = step.levels_before(id), step.after.levels(id, step.now)
            assert args["tip"] <= min(rules.call_tip, levels.debt // 400)
            assert left.debt <= left.close_out
            closed = step.opens(id) + rules.auction_duration
            assert not step.opens(id) or step.now > closed + rules.call_cool_down


def i22_absorbs_are_last(step: Step) -> None:
    """An absorb needs D > L and an auction that ended less than one duration ago."""
    if step.move.what == "absorb":
        levels, opens = step.levels_before(step.account), step.opens(step.account)
        duration = step.before.rules.auction_duration
        assert opens
        assert opens + duration < step.now <= opens + 2 * duration
        assert levels.debt > levels.close_out
        assert step.after.positions[step.account].normalized_debt == 0
        assert step.after.held == step.before.held


def i24_equity_is_explained(step: Step) -> None:
    """Equity falls only by debt that is struck off, and rises only by what is paid or burned."""
    lost = 0
    for name, args in step.outcome.logs:
        if name == "Absorbed":
            lost += args["debt"]
        elif name == "BadDebt" and step.move.what != "absorb":  # which strikes off a whole debt
            lost += args["amount"]
    slack = (1 + len(step.outcome.logs)) * (step.after.index // RAY + 2)  # roundings of debts
    for name, args in step.outcome.logs_of("settlement"):
        if name == "Swept":
            lost += args["written_off"]
    for name, args in step.outcome.logs_of("fund"):
        if name == "Reaped":
            lost += args["amount"]
    if step.move.what == "peg.mint":  # at par, of a reserve that is worth less
        lo = step.after.hub.read(1 << RESERVE, step.now)[RESERVE].lo
        lo = lo if step.scene.peg.address in step.after_fund.reserves else 0
        (minted,) = (args["coins"] for _, args in step.outcome.logs_of("peg"))
        lost += minted * max(0, WAD - lo) // WAD + 1
    change = step.outcome.then.equity(step.now) - step.outcome.was.equity(step.now)
    assert change >= -lost - slack, (change, lost)
    if step.move.what not in ENRICHING:
        assert change <= slack, (change, lost)


def i27_reaping_leaves_the_buffer(step: Step) -> None:
    """What is paid out leaves the buffer, is a hundredth of it a day, and not after a loss."""
    for name, args in step.outcome.logs_of("fund"):
        if name != "Reaped":
            continue
        was, now = step.outcome.was, step.now
        sheet = was.sheet(now)
        buffer = -(-sheet.circulating * was.fund.buffer_bps // BPS)
        assert step.outcome.then.equity(now) == sheet.equity - args["amount"] >= buffer
        assert 0 < args["amount"] <= buffer // 100
        assert now >= was.fund.reaped_at + 86_400
        assert now >= was.book.lost_at + 86_400
        assert not was.book.is_shut or was.settlement.has_ended(was.book)
        had, has = (one.coin.balance_of(was.fund.treasury) for one in (was, step.outcome.then))
        assert has - had == args["amount"]


def i28_transfers_make_no_coins(step: Step) -> None:
    """What nobody mints or burns does not change the supply; a flash loan only by its fee."""
    was, then = step.outcome.was.coin, step.outcome.then.coin
    if step.move.what == "coin.transfer":
        assert then.total_supply == was.total_supply
    assert then.flash_minted == 0


def i35_no_act_makes_callable(step: Step) -> None:
    """No act but a call makes an account callable that is healthy by 0.12 % of its value."""
    if not step.move.what.startswith("governor."):
        return
    for id in step.scene.ids:
        was, now = step.before.levels(id, step.now), step.after.levels(id, step.now)
        if was.debt and was.debt + was.value * 12 // 10_000 <= was.maintenance:
            assert now.debt <= now.maintenance, (was, now)


def i40_tokens_stay_among_those_who_are_known(step: Step) -> None:
    """Vault, fund, peg, settlement and people hold together what they held."""
    if step.scene.steps and step.move.what in ("adjust", "take"):
        return  # the actor finds tokens while it is called back
    was, then = dict.fromkeys(range(64), 0), dict.fromkeys(range(64), 0)
    for sums, book in ((was, step.before), (then, step.after)):
        for (kind, _), held in book.held.items():
            sums[kind] += held
    assert was == then


def i41_the_peg_holds_what_it_minted(step: Step) -> None:
    """Coins outstanding through the peg are at most its reserve at par, and that is there."""
    peg, book = step.outcome.then.peg, step.after
    par = peg.held * 10 ** (18 - peg.decimals)
    assert step.outcome.then.coin.minted[int(peg.address, 16)] <= par
    assert book.held[RESERVE, peg.address] >= peg.held


def i42_holders_are_paid_pro_rata(step: Step) -> None:
    """Coins buy the same share of every kind, rounded down: what is left for each never falls."""
    if step.move.what != "settlement.redeem":
        return
    was, left = (one.settlement.ending(one.book) for one in (step.outcome.was, step.outcome.then))
    burned = step.outcome.then.returned
    assert was.claims - left.claims == burned
    for kind, held in was.pool.items():
        paid = held - left.pool[kind]
        assert paid * was.claims <= held * burned < (paid + 1) * was.claims
        assert left.pool[kind] * was.claims >= held * left.claims
    if not left.claims:
        assert not any(left.pool.values())


def i43_an_end_is_final(step: Step) -> None:
    """A book that is shut down stays so: no interest, no new debt, no frozen price ever moves."""
    if not step.before.is_shut:
        return
    assert step.after.is_shut
    assert (step.after.rate, step.after.pauses) == (0, 63)
    assert step.after.live_index(step.now) == step.before.live_index(step.before.accrued_at)
    assert step.after.total_normalized_debt <= step.before.total_normalized_debt
    was, now = (one.settlement.ending(one.book) for one in (step.outcome.was, step.outcome.then))
    assert now.prices == was.prices
    assert now.phase >= was.phase


def i44_settling_costs_what_is_owed(step: Step) -> None:
    """An account gives up no more than its debt is worth, rounded up, and keeps the rest."""
    for name, args in step.outcome.logs_of("settlement"):
        if name != "AccountSettled":
            continue
        id, prices = args["account"], step.outcome.then.settlement.ending(step.after).prices
        had, kept = step.before.positions[id].balances, step.after.positions[id].balances
        slack = given = 0
        for kind, balance in had.items():
            price, decimals = prices.get(kind, (0, 0))
            given += (balance - kept.get(kind, 0)) * price // 10**decimals
            slack += price // 10**decimals + balance // 10**24 + 2
        assert given <= args["debt"] + slack
        assert given + args["shortfall"] + slack >= args["debt"]
        assert step.after.positions[id].normalized_debt == 0
        if args["shortfall"]:
            assert not kept


def i26_minter_is_bounded(step: Step) -> None:
    """The vault mints only below its ceiling."""
    coin, had = step.outcome.then.coin, step.outcome.was.coin
    for minter, minted in coin.minted.items():
        if minted > had.minted.get(minter, 0):
            assert minted <= coin.ceilings[minter]
    assert margin_math.total_debt_down(
        step.after.total_normalized_debt, step.after.live_index(step.now)
    ) == step.after.total_debt(step.now)


RULES = [
    rule for name, rule in sorted(globals().items()) if name[:1] == "i" and name[1:3].isdigit()
]
