# SPDX-License-Identifier: MIT
"""What must hold after every step, whatever the model says: assurance.md, by its numbers.

Each rule sees the move and the system before and after it, which agree with the chain word by word,
and where it can it judges the chain's own words. Those of prices are in `prices`, and what must be
possible in any state is in `probes`.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

from surety.formulas import margin_math
from surety.model import FixedHub, Levels
from surety.model import state as states
from surety.model.state import BPS, RAY
from surety.model.system import Foreseen
from tests.stateful.rules import STEP_RULES, holds
from tests.stateful.scene import LIARS, RESERVE, Move, Scene
from tests.stateful.tokens import FEE, SHORT, WORDS, WRITES
from tests.world import WAD

RISKY = ("withdraw", "borrow", "adjust")
SETTLES = ("settlement.settle", "settlement.settles")
SALES = ("take", "takes")
CALLS = ("margin_call", "margin_calls")
DRAWS = (
    "withdraw_absorbed", "fund.collect", "settlement.redeem", "settlement.claim",
    "settlement.sweep",
)  # fmt: skip
ENRICHING = (
    *SALES, *SETTLES, "coin.burn", "settlement.shutdown", "settlement.redeem",
    "fund.recapitalise", "fund.buy", "peg.mint", "peg.redeem", "fund.add_reserve",
)  # fmt: skip
LIQUIDATION = (*CALLS, *SALES, "cure", "absorb")
CENTURY = 100 * 365 * 86_400
# of whom a call is, where it is not anybody's
BY_GOVERNOR = (
    "set_pauses", "set_cap", "set_frozen", "set_rate", "set_levels", "propose_fund",
    "propose_governor", "list_collateral",
)  # fmt: skip
BY_OWNER = ("withdraw", "borrow", "move", "set_margin_model")
ANYBODY = (
    "deposit", "repay", "adjust", *CALLS, *SALES, "cure", "absorb", "accrue", "set_operator",
    "set_operator_by_signature", "lockdown", "coin.transfer", "coin.transferFrom", "coin.approve",
    "coin.permit", "coin.burn", "coin.flashLoan", "fund.reap", "fund.recapitalise", "fund.collect",
    "fund.start_auction", "fund.buy", "peg.mint", "peg.redeem", *SETTLES,
    "settlement.open_redemption", "settlement.redeem", "settlement.sweep", "settlement.claim",
    "governor.execute", "governor.advance", "governor.lapse",
)  # fmt: skip
# what under a Governor changes a parameter
ACTING = ("governor.execute", "governor.tighten", "governor.pause", "governor.lapse",
          "governor.advance")  # fmt: skip


@dataclass(slots=True)
class Step:
    """One move that went through, with what the rules look at."""

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
    def was(self) -> Any:
        return self.outcome.was

    @property
    def then(self) -> Any:
        return self.outcome.then

    @property
    def account(self) -> int:
        return int(self.move.args[0])

    @property
    def acts(self) -> set[str]:
        """What was called: the move, and what a flash borrower did inside of it."""
        if self.move.what != "coin.flashLoan":
            return {self.move.what}
        return {self.move.what, *(what for what, _ in self.scene.plan)}

    @property
    def parts(self) -> list[Step]:
        """The moves one by one: this one, or those inside of a flash loan, which alone change the
        book, the loan itself nothing of it."""
        if self.move.what != "coin.flashLoan":
            return [self]
        return [Step(self.scene, move, outcome) for move, outcome in self.scene.errands]

    def touched(self) -> list[int]:
        return [
            id for id in self.scene.ids if self.after.positions[id] != self.before.positions[id]
        ]

    def one_more(self) -> int:
        """An account that takes its turn to be looked at."""
        return self.scene.ids[len(self.scene.moves) % len(self.scene.ids)]

    def levels_before(self, id: int) -> Levels:
        """The levels at the prices that the step saw."""
        book = self.after.copy()
        book.positions[id] = self.before.positions[id].copy()
        found: Levels = book.levels(id, self.now)
        return found

    def opens(self, id: int) -> int:
        return int(self.before.opens_at(self.before.positions[id].auction_start))

    def lost(self, id: int) -> bool:
        """Whether an account has less of some kind than it had."""
        was, position = self.before.positions[id], self.after.positions[id]
        return any(position.balance(kind) < held for kind, held in was.balances.items())


@holds(1, "I01", "I02")
def i01_collateral_sums(step: Step) -> None:
    """Balances and what was absorbed sum up to the deposited total, which the vault holds."""
    scene = step.scene
    balances = [scene.stored(id)[1] for id in scene.ids]
    for kind in step.after.kinds:
        total = scene.word(f"deposited[{kind}]") % 2**128
        absorbed = scene.word(f"absorbed[{kind}]")
        assert sum(held[kind] for held in balances) + absorbed == total
        assert scene.word(f"token{kind}[{scene.vault.address}]") >= total


@holds(2, "I09")
def i02_masks(step: Step) -> None:
    """A mask bit is set iff the balance is above zero, and at most eight are."""
    for id in step.touched():
        word, balances = step.scene.stored(id)
        held = [kind for kind, balance in enumerate(balances) if balance]
        assert (word >> 104) % 2**32 == sum(1 << kind for kind in held)
        assert len(held) <= 8
        if not held:
            assert (word >> 136) % 2**40 == 0  # no clock


@holds(3, "I25")
def i03_collateral_leaves_by_four_doors(step: Step) -> None:
    """Collateral leaves an account by its owner, a sale or an absorb, and the fund's by the fund.

    The owner's calls end within the initial level, by i13. What leaves the book left an account or
    what was absorbed.
    """
    moved = {*RISKY, "move", *SALES, "absorb", *SETTLES}
    for id in step.touched():
        assert not step.lost(id) or moved & step.acts
    for kind in step.before.kinds:
        fell = step.before.absorbed[kind] - step.after.absorbed[kind]
        assert fell <= 0 or set(DRAWS) & step.acts
        had, have = (
            sum(position.balance(kind) for position in book.positions.values())
            for book in (step.before, step.after)
        )
        assert step.before.deposited[kind] - step.after.deposited[kind] == fell + had - have


@holds(4, "I54", each=True)
def i04_liquidation_is_local(step: Step) -> None:
    """A liquidation changes no other account by a wei, and pays the account's owner nothing.

    Of whom nothing changes that he holds, no code was run either that could take something.
    """
    what, args = step.move.what, step.move.args
    if what not in LIQUIDATION:
        return
    ids = {step.account} if what not in ("takes", "margin_calls") else (
        {order[0] for order in args[0]} if what == "takes" else set(args[0])
    )  # fmt: skip
    assert set(step.touched()) <= ids
    acting = {int(step.move.who, 16)}
    if what in SALES:
        acting.add(int(args[-2 if what == "take" else -1], 16))  # who receives what was sold
    for owner in {id >> 8 for id in ids} - acting:
        for (kind, who), held in step.before.held.items():
            assert int(who, 16) != owner or step.after.held[kind, who] == held
        had, has = (one.coin.balances.get(owner, 0) for one in (step.was, step.then))
        assert has == had


@holds(5, "I03", "I04")
def i05_debts_sum_up(step: Step) -> None:
    """The accounts' normalized debts sum up to the total, and their debts to hardly more."""
    scene, total = step.scene, step.scene.word("totals") % 2**112
    assert sum(scene.stored(id)[0] % 2**104 for id in scene.ids) == total
    debts = sum(step.after.debt(id, step.now) for id in scene.ids)
    assert 0 <= debts - step.after.total_debt(step.now) <= len(scene.ids)


@holds(6, "I17", "I19", "I20")
def i06_index_rises(step: Step) -> None:
    """The index never falls, compounds exactly, and has saturated at most after a century.

    Worked out in decimals it is that of continuous compounding to 1e-13, twice that for each time
    that the growth is halved to 1/1000; and no call that asks for it or writes it makes it another.
    """
    before, after = step.before, step.after
    assert after.index >= before.index >= RAY
    assert before.accrued_at <= after.accrued_at <= step.now
    live = after.live_index(step.now)
    assert live == before.live_index(step.now)  # whether this step wrote it or not
    assert live >= before.live_index(before.accrued_at)
    with localcontext(prec=60):
        x = min(Decimal(before.rate) * (step.now - before.accrued_at) / RAY, Decimal(20))
        exact = min(Decimal(2**128 - 1), before.index * x.exp())
        assert abs(live - exact) <= 2 + exact * max(1, 2_000 * x) / 10**13
    late = margin_math.index_up(after.index, after.rate, step.now - after.accrued_at + CENTURY)
    assert live <= late < 2**128


@holds(6, "I22")
def i06_a_debt_is_at_least_normalized(step: Step) -> None:
    """What is owed is at least the stored normalized debt, and zero only together with it."""
    for id in {*step.touched(), step.one_more()}:
        word, _ = step.scene.stored(id)
        debt = step.after.debt(id, step.now)
        assert debt >= word % 2**104
        assert (debt == 0) == (word % 2**104 == 0)


@holds(7, "I08")
def i07_no_debt_without_collateral(step: Step) -> None:
    """A debt above zero implies a mask above zero."""
    for id in step.touched():
        word, _ = step.scene.stored(id)
        assert not word % 2**104 or (word >> 104) % 2**32


@holds(8, "I44")
def i08_debt_floor(step: Step) -> None:
    """A debt is zero or at least the floor, but after the sale of a whole balance, or below."""
    floor = step.before.rules.debt_floor
    for id in step.touched():
        left, had = step.after.debt(id, step.now), step.before.debt(id, step.now)
        if 0 < left < floor and left < had:
            was, now = step.before.positions[id].balances, step.after.positions[id].balances
            assert had < floor or set(now) < set(was), (had, left)
            assert set(SALES) & step.acts or had <= floor


@holds(10)
def i10_rounding_is_for_the_protocol(step: Step) -> None:
    """No call but a named loss lowers what is owed and held for coins, by not even a wei."""
    change = step.then.equity(step.now) - step.was.equity(step.now)
    if losses_of(step) == 0:
        assert change >= 0, change


@holds(10, "I13", "I14", each=True)
def i10_debts_round_up(step: Step) -> None:
    """Borrowing adds what was paid out and a unit of the index at most; repaying less by as much.

    Who repays as much as there was owes nothing any more.
    """
    what, args = step.move.what, step.move.args
    if what not in ("borrow", "repay", "adjust"):
        return
    was, now = (one.debt(step.account, step.now) for one in (step.before, step.after))
    unit = -(-step.after.live_index(step.now) // RAY)
    if what == "repay":
        (who, paid) = int(step.move.who, 16), step.then.returned
        had, has = (one.coin.balance_of(f"0x{who:040x}") for one in (step.was, step.then))
        assert had - has == paid
        assert paid - unit <= was - now <= paid
        assert now or paid == was
        assert paid < was or not now
    elif (borrowed := args[1] if what == "borrow" else args[2]) > 0:
        assert borrowed <= now - was <= borrowed + unit


@holds(11, "I26")
def i11_levels_are_nested(step: Step) -> None:
    """Initial ≤ target ≤ maintenance ≤ close-out."""
    for id in step.touched():
        levels = step.after.levels(id, step.now)
        assert levels.initial <= levels.target <= levels.maintenance <= levels.close_out
        assert levels.close_out <= levels.value


@holds(12, each=True)
def i12_target_is_safe(step: Step) -> None:
    """Who satisfies the target level is not called, whatever the multipliers say."""
    for id in step.touched():
        if step.after.positions[id].auction_start > step.before.positions[id].auction_start:
            levels = step.levels_before(id)
            assert levels.debt > levels.target


@holds(12, "I27")
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


@holds(13, "I23", each=True)
def i13_risk_needs_the_initial_level(step: Step) -> None:
    """A call that raised risk ends within the capacity at the initial level."""
    raising = {*RISKY, "move", "set_margin_model"} & step.acts
    selling = {*SALES, "absorb", *SETTLES} & step.acts
    for id in step.touched():
        was, position = step.before.positions[id], step.after.positions[id]
        fell, rose = step.lost(id), position.normalized_debt > was.normalized_debt
        assert not fell or raising or selling
        called = set(CALLS) & step.acts  # a tip is added to the debt
        if position.normalized_debt and ((fell and not selling) or (rose and not called)):
            levels = step.after.levels(id, step.now)
            assert levels.debt <= levels.initial


@holds(14, "I24", "I25")
def i14_only_who_may_lowers_an_account(step: Step) -> None:
    """Nobody but owner, operator, taker or absorber takes collateral out or adds debt."""
    who = step.move.who if step.move.what != "coin.flashLoan" else step.scene.borrower.address
    for id in step.touched():
        was, position = step.before.positions[id], step.after.positions[id]
        if step.lost(id) and not {*SALES, "absorb", *SETTLES} & step.acts:
            assert step.before.is_authorised(who, id)
        if position.normalized_debt > was.normalized_debt:
            assert set(CALLS) & step.acts or step.before.is_authorised(who, id)
    id = step.one_more()
    is_linear = not step.after.positions[id].margin_model and not step.after.has_default_model
    if is_linear and id not in step.touched() and step.move.what in set(ANYBODY) - set(ACTING):
        had, has = (book.levels(id, step.now) for book in (step.before, step.after))
        for level in ("initial", "target", "maintenance", "close_out"):
            assert getattr(has, level) - has.debt >= getattr(had, level) - had.debt, level


@holds(15, "I28")
def i15_more_collateral_adds_capacity(step: Step) -> None:
    """Adding collateral of some kind lowers no capacity of the linear margin."""
    id = step.one_more()
    position = step.after.positions[id]
    if not position.balances:
        return
    kinds = sorted(position.balances)
    kind = kinds[step.now % len(kinds)]
    book = copy(step.after)
    book.positions, book.deposited = dict(book.positions), dict(book.deposited)
    book.positions[id] = more = position.copy()
    more.margin_model, book.has_default_model = 0, False
    was = book.levels(id, step.now)
    extra = position.balances[kind] // 10 + 1
    more.set_balance(kind, position.balances[kind] + extra)
    book.deposited[kind] += extra
    now = book.levels(id, step.now)
    for name in ("value", "initial", "target", "maintenance", "close_out"):
        assert getattr(now, name) >= getattr(was, name), name


@holds(16, "I31", "I67")
def i16_states_are_those_of_the_table(step: Step) -> None:
    """Exactly one row of protocol.md, section 7, fits an account, and the lens says which."""
    from tests.stateful import views

    ids = [*step.touched()[:1], step.one_more()]
    duration, now = step.after.rules.auction_duration, step.now
    wanted = []
    for id in ids:
        levels, position = step.after.levels(id, now), step.after.positions[id]
        opens = step.after.opens_at(position.auction_start)
        closes = opens + duration
        callable_, below = levels.debt > levels.maintenance, levels.debt > levels.close_out
        late = opens != 0 and closes < now <= closes + duration
        bought = opens != 0 and opens <= now <= closes
        ending = step.after.is_shut and levels.debt > 0
        empty = levels.debt == 0 and not position.balances
        rows = {
            states.EMPTY: empty,
            states.HEALTHY: not ending and not empty and levels.debt <= levels.target,
            states.AT_RISK: not ending and levels.target < levels.debt <= levels.maintenance,
            states.CALLED: not ending and callable_ and opens != 0 and now < opens,
            states.IN_AUCTION: not ending and callable_ and bought,
            states.ABSORBABLE: not ending and below and late,
            states.CALLABLE: not ending and callable_ and (
                opens == 0 or now > closes + duration or (late and not below)
            ),
            states.SETTLING: ending,
        }  # fmt: skip
        fitting = [state for state, fits in rows.items() if fits]
        assert len(fitting) == 1, (id, fitting)
        wanted += fitting
    assert list(views.lens(step.scene, "states_of", ids)) == wanted


@holds(17, "I32", "I37", each=True)
def i17_only_the_uncovered_get_a_clock(step: Step) -> None:
    """Only an account with D > M gets a clock."""
    for id in step.touched():
        if step.after.positions[id].auction_start and not step.before.positions[id].auction_start:
            levels = step.levels_before(id)
            assert set(CALLS) & step.acts
            assert levels.debt > levels.maintenance
            start, grace = step.after.positions[id].auction_start, step.before.rules.grace_period
            assert start in (step.now, step.now + grace)
            if start == step.now:  # without a grace only below close-out, and not at once
                assert levels.debt > levels.close_out
                assert step.before.positions[id].touched_at < step.now


@holds(18, "I38", "I39", each=True)
def i18_a_running_clock_stays(step: Step) -> None:
    """A running auction's clock moves only by a cure at D ≤ M; a grace is never renewed.

    A clock clears at the target, at no debt or by the initial check, and by nothing else.
    """
    duration = step.before.rules.auction_duration
    for id in step.touched():
        was, start = step.before.positions[id].auction_start, step.after.positions[id].auction_start
        opens = step.opens(id)
        if not was or start == was:
            continue
        if start == 0:
            if not step.after.positions[id].normalized_debt:
                continue
            levels = step.after.levels(id, step.now)
            if {*SALES, "cure"} & step.acts:
                assert levels.debt <= levels.target
            else:
                assert {*RISKY, "move", "set_margin_model"} & step.acts
                assert levels.debt <= levels.initial
            continue
        assert {*CALLS, "cure"} & step.acts
        if opens <= step.now <= opens + duration:
            levels = step.levels_before(id)
            assert "cure" in step.acts
            assert start == step.now
            assert levels.target < levels.debt <= levels.maintenance
        elif step.now < opens:
            assert start == step.now  # a close-out only shortens the grace
        elif step.now <= opens + duration + step.before.rules.call_cool_down:
            assert start == step.now


@holds(19, "I40", "I41", each=True)
def i19_sales_are_in_time_and_fair(step: Step) -> None:
    """No sale outside the auction, of a covered account, or under end_factor times hi."""
    for name, args in step.outcome.logs:
        if name != "Taken":
            continue
        opens = step.opens(args["account"])
        if not opens and set(CALLS) & step.acts:
            opens = step.now  # called in the same transaction
        assert opens
        assert opens <= step.now <= opens + step.before.rules.auction_duration
        kind = step.after.kinds[args["kind"]]
        price = step.after.hub.read(1 << args["kind"], step.now)[args["kind"]]
        assert not price.has_failed
        assert price.hi * kind.end_factor <= args["price"] * 10_000
        assert args["price"] * 10_000 < price.hi * kind.start_factor + 10_000


@holds(20, "I42", "I46", each=True)
def i20_takes_stop_at_target(step: Step) -> None:
    """A take ends no lower than target by more than a unit, and never raises D - M.

    Each sells at most what was held and asked, and costs at least what it repays. The price of a
    whole token is rounded up, so that a wei more is repaid for each token sold.
    """
    if step.move.what not in SALES:
        return
    orders = step.move.args[0] if step.move.what == "takes" else [step.move.args[:4]]
    sales = [args for name, args in step.outcome.logs if name == "Taken"]
    slack, whole, asked = Counter[int](), set(), Counter[tuple[int, int]]()
    for id, kind, amount, _ in orders:
        asked[id, kind] += amount
    sold = Counter[tuple[int, int]]()
    for sale in sales:
        id, kind = sale["account"], sale["kind"]
        price = step.after.hub.read(1 << kind, step.now)[kind]
        whole_token = 10 ** step.after.kinds[kind].decimals
        slack[id] += price.hi // whole_token + sale["amount"] // whole_token + 5
        sold[id, kind] += sale["amount"]
        if not step.after.positions[id].balance(kind):
            whole.add(id)
        assert sale["cost"] >= sale["debt_repaid"]
    for (id, kind), amount in sold.items():
        had, left = (one.positions[id].balance(kind) for one in (step.before, step.after))
        assert amount <= asked[id, kind]
        assert had - left == amount
    assert set(step.touched()) == {id for id, _ in sold}
    for id in step.touched():
        levels, left = step.levels_before(id), step.after.levels(id, step.now)
        assert levels.debt > levels.maintenance
        repaid = sum(sale["debt_repaid"] for sale in sales if sale["account"] == id)
        count = sum(sale["account"] == id for sale in sales)
        unit = step.after.index // RAY + 1  # by which each lowers a debt less than it repays
        assert repaid <= levels.debt + (count - 1) * unit
        assert id in whole or left.debt == 0 or left.debt + slack[id] >= left.target
        assert left.debt - left.maintenance <= levels.debt - levels.maintenance + slack[id]


@holds(21, "I55", each=True)
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
            ids = [one["account"] for name, one in step.outcome.logs if name == "MarginCalled"]
            assert ids.count(id) == 1


@holds(22, each=True)
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


def losses_of(step: Step) -> int:
    """What the logs of a step allow equity to fall by."""
    lost = 0
    for name, args in step.outcome.logs:
        if name == "Absorbed":
            lost += args["debt"]
        elif name == "BadDebt" and "absorb" not in step.acts:  # which strikes off a whole debt
            lost += args["amount"]
    for name, args in step.outcome.logs_of("settlement"):
        if name == "Swept":
            lost += args["written_off"]
        elif name == "Redeemed":  # the pool's worth is rounded down once more
            lost += 1
    for name, args in step.outcome.logs_of("fund"):
        if name == "Reaped":
            lost += args["amount"]
    if "peg.mint" in step.acts:  # at par, of a reserve that is worth less
        lo = step.after.hub.read(1 << RESERVE, step.now)[RESERVE].lo
        lo = lo if step.scene.peg.address in step.then.fund.reserves else 0
        for name, args in step.outcome.logs_of("peg"):
            if name == "Minted":
                lost += args["coins"] * max(0, WAD - lo) // WAD + 1
    return lost


@holds(24, "I05")
def i24_equity_is_what_it_is_made_of(step: Step) -> None:
    """The fund's equity is, to the wei, debt, pools and reserves less the coins in circulation."""
    scene, now = step.scene, step.now
    word = scene.word("interest")
    index = margin_math.index_up(word % 2**128, (word >> 168) % 2**66, now - (word >> 128) % 2**40)
    debt = (scene.word("totals") % 2**112) * index // RAY
    system = step.then
    pool = system.settlement.backing_of(step.after)
    reserves = 0
    for reserve in system.fund.reserves:
        if reserve == scene.peg.address:
            price = step.after.hub.read(1 << RESERVE, now)[RESERVE]
            lo = 0 if price.has_failed else min(price.lo, WAD)
            there = min(scene.word("peg.reserve_held"),
                        scene.word(f"token{RESERVE}[{reserve}]"))  # fmt: skip
            reserves += there * lo // 10**system.peg.decimals
        else:
            reserves += system.told[reserve]
    equity = debt + pool + reserves - scene.supply
    assert scene.solvency == (max(0, equity), max(0, -equity))


@holds(25, "I05")
def i25_equity_falls_only_by_losses(step: Step) -> None:
    """Equity falls by debt that is struck off or by what is reaped, and by all of that.

    It rises by payments: a sale's by what it costs beyond the debt that it repays.
    """
    lost = losses_of(step)
    change = step.then.equity(step.now) - step.was.equity(step.now)
    assert change >= -lost, (change, lost)
    slack = (1 + len(step.outcome.logs)) * (step.after.index // RAY + 2)  # roundings of debts
    if not {*ENRICHING, "coin.flashLoan"} - {*SALES} & step.acts:
        for name, args in step.outcome.logs:
            if name == "Taken":
                lost -= args["cost"] - args["debt_repaid"]
        assert change <= slack - lost, (change, lost)


@holds(25, "I52", each=True)
def i25_bad_debt_is_logged_once_and_exactly(step: Step) -> None:
    """Bad debt is what an account owed beyond what was paid for it, logged once, and nothing else.

    Of a sale, what is left of a debt when nothing is held any more; of an absorb, what all that
    was held does not cover at the end factors; of a settlement, what it says itself.
    """
    told = [(args["account"], args["amount"]) for name, args in step.outcome.logs
            if name == "BadDebt"]  # fmt: skip
    assert len(told) == len(dict(told))
    unit, expected = step.after.index // RAY + 1, {}
    if {*SALES, "absorb"} & step.acts:
        for id in step.touched():
            debt = step.before.debt(id, step.now)
            covered = slack = 0
            if step.move.what == "absorb":
                prices = step.after.hub.read(step.before.positions[id].mask, step.now)
                for kind, balance in step.before.positions[id].balances.items():
                    facts = step.before.kinds[kind]
                    worth = balance * prices[kind].hi // 10**facts.decimals
                    covered += worth * facts.end_factor
                covered //= BPS
            else:
                if step.after.positions[id].balances:
                    continue
                for name, args in step.outcome.logs:
                    if name == "Taken" and args["account"] == id:
                        covered += args["debt_repaid"]
                        slack += unit
            expected[id] = (debt - covered, slack)
    elif set(SETTLES) & step.acts:
        for name, args in step.outcome.logs_of("settlement"):
            if name == "AccountSettled":
                expected[args["account"]] = (args["shortfall"], 0)
    for id, amount in told:
        assert id in expected
        missing, slack = expected.pop(id)
        assert amount > 0
        assert abs(amount - missing) <= slack
    for missing, slack in expected.values():
        assert missing <= slack


@holds(26, "I06")
def i26_minters_are_bounded(step: Step) -> None:
    """Minters mint below their ceilings, supply is at most all minted, no flash is left."""
    coin, had = step.then.coin, step.was.coin
    for minter, minted in coin.minted.items():
        assert minted <= max(had.minted[minter], coin.ceilings[minter])
    assert step.scene.supply == sum(coin.balances.values()) <= sum(coin.minted.values())
    assert coin.flash_minted == 0


@holds(27, "I53", each=True)
def i27_reaping_leaves_the_buffer(step: Step) -> None:
    """What is paid out leaves the buffer, is a hundredth of it a day, and not after a loss."""
    for name, args in step.outcome.logs_of("fund"):
        if name != "Reaped":
            continue
        was, now = step.was, step.now
        assert args["surplus"] >= args["buffer"]
        if step.move.what != "fund.reap":
            continue  # what else a borrower of nothing did before is in the equity as well
        sheet = was.sheet(now)
        buffer = -(-sheet.circulating * was.fund.buffer_bps // BPS)
        assert step.then.equity(now) == sheet.equity - args["amount"] >= buffer
        assert 0 < args["amount"] <= buffer // 100
        assert now >= was.fund.reaped_at + 86_400
        assert now >= was.book.lost_at + 86_400
        assert not was.book.is_shut or was.settlement.has_ended(was.book)
        had, has = (one.coin.balance_of(was.fund.treasury) for one in (was, step.then))
        assert has - had == args["amount"]


@holds(28, "I60")
def i28_transfers_make_no_coins(step: Step) -> None:
    """A transfer conserves the supply, and a permit, and nothing else, uses up one nonce."""
    was, then = step.was.coin, step.then.coin
    if step.move.what in ("coin.transfer", "coin.transferFrom", "coin.approve", "coin.permit"):
        assert then.total_supply == was.total_supply
        assert sum(then.balances.values()) == sum(was.balances.values())
    for owner in {*was.nonces, *then.nonces}:
        rise = then.nonces.get(owner, 0) - was.nonces.get(owner, 0)
        permitted = step.move.what == "coin.permit" and int(step.move.args[0], 16) == owner
        assert rise == (1 if permitted else 0)


@holds(34, "I58", "I59")
def i34_callers_are_those_of_the_table(step: Step) -> None:
    """What is not anybody's to call went through for nobody but who is named for it."""
    what, who, was = step.move.what, int(step.move.who, 16), step.was
    book, acting = step.before, was.governor
    part, _, name = what.rpartition(".")
    allowed: tuple[str, ...]
    if what in ANYBODY:
        return
    if what in BY_OWNER:
        assert book.is_authorised(step.move.who, step.account)
        assert what != "move" or book.is_authorised(step.move.who, step.move.args[1])
        return
    if what in BY_GOVERNOR or what == "settlement.shutdown":
        allowed = (book.governor,)
    elif what == "accept_governor":
        allowed = (book.pending_governor,)
    elif what == "accept_fund":
        allowed = (book.pending_fund,)
    elif what == "withdraw_absorbed":
        allowed = (book.fund,)
    elif what in ("list_model", "use_default"):
        allowed = (book.models_governor,)
    elif what in ("governor.propose", "governor.cancel", "governor.halt", "governor.keep"):
        allowed = (acting.admin,)
    elif what == "governor.veto":
        allowed = (acting.guardian,)
    elif what == "governor.pause" and step.before.pauses == step.after.pauses:
        return  # what is in force already is nobody's to refuse
    elif what in ("governor.tighten", "governor.pause"):
        allowed = (acting.admin, acting.guardian)
    else:
        assert name.startswith(("set_", "add_", "remove_", "accept_")), f"{what} has no row"
        allowed = (getattr(was, part).governor,)
    assert who in [int(one, 16) for one in allowed]


@holds(35, "I34")
def i35_no_act_makes_callable(step: Step) -> None:
    """No act but a call makes an account callable that is healthy by 0.12 % of its value."""
    if not step.move.what.startswith("governor."):
        return
    for id in step.scene.ids:
        was, now = step.before.levels(id, step.now), step.after.levels(id, step.now)
        if was.debt and was.debt + was.value * 12 // 10_000 <= was.maintenance:
            assert now.debt <= now.maintenance, (was, now)


@holds(28, "I07")
def i28_tokens_stay_among_those_who_are_known(step: Step) -> None:
    """Vault, fund, peg, settlement and people hold together what they held."""
    if step.scene.steps and step.move.what in ("adjust", "take"):
        return  # the actor finds tokens while it is called back
    burned = {kind for kind, token in step.after.turning.items() if token.nature in (FEE, SHORT)}
    was, then = dict.fromkeys(range(64), 0), dict.fromkeys(range(64), 0)
    for sums, book in ((was, step.before), (then, step.after)):
        for (kind, _), held in book.held.items():
            sums[kind] += 0 if kind in burned else held
    assert was == then


@holds(26)
def i26_the_peg_holds_what_it_minted(step: Step) -> None:
    """Coins outstanding through the peg are at most its reserve at par, and that is there."""
    peg, book = step.then.peg, step.after
    par = peg.held * 10 ** (18 - peg.decimals)
    assert step.then.coin.minted[int(peg.address, 16)] <= par
    assert book.held[RESERVE, peg.address] >= peg.held


@holds(42)
def i42_holders_are_paid_pro_rata(step: Step) -> None:
    """Coins buy the same share of every kind, rounded down: what is left for each never falls."""
    if step.move.what != "settlement.redeem":
        return
    was, left = (one.settlement.ending(one.book) for one in (step.was, step.then))
    burned = step.then.returned
    assert was.claims - left.claims == burned
    for kind, held in was.pool.items():
        paid = held - left.pool[kind]
        assert paid * was.claims <= held * burned < (paid + 1) * was.claims
        assert left.pool[kind] * was.claims >= held * left.claims
    if not left.claims:
        assert not any(left.pool.values())


@holds(42)
def i42_an_end_is_final(step: Step) -> None:
    """A book that is shut down stays so: no interest, no new debt, no frozen price ever moves."""
    if not step.before.is_shut:
        return
    assert step.after.is_shut
    assert (step.after.rate, step.after.pauses) == (0, 63)
    assert step.after.live_index(step.now) == step.before.live_index(step.before.accrued_at)
    assert step.after.total_normalized_debt <= step.before.total_normalized_debt
    was, now = (one.settlement.ending(one.book) for one in (step.was, step.then))
    assert now.prices == was.prices
    assert now.phase >= was.phase


@holds(42)
def i42_settling_costs_what_is_owed(step: Step) -> None:
    """An account gives up no more than its debt is worth, rounded up, and keeps the rest."""
    for name, args in step.outcome.logs_of("settlement"):
        if name != "AccountSettled":
            continue
        id, prices = args["account"], step.then.settlement.ending(step.after).prices
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


@holds(36)
def i36_a_guardian_only_tightens(step: Step) -> None:
    """What a guardian does at once only tightens, and is remembered so that it lapses in a week."""
    acting = step.was.governor
    if step.move.what not in ("governor.tighten", "governor.pause"):
        return
    before, after = step.before, step.after
    assert after.rate == before.rate
    assert after.kinds == before.kinds
    assert all(after.caps[kind] <= cap for kind, cap in before.caps.items())
    assert before.frozen & ~after.frozen == 0
    in_force = before.pauses
    if step.now >= before.take_resumes_at:
        in_force &= ~states.PAUSE_TAKE
    assert in_force & ~after.pauses == 0
    same = (before.caps, before.frozen, before.pauses) == (after.caps, after.frozen, after.pauses)
    if step.move.who == acting.guardian != acting.admin and not same:
        was, guards = acting.guards, step.then.governor.guards
        if step.move.what == "governor.tighten":
            (fn, args), *_ = step.move.args
            keys = [(fn, *args[:-1])]
        else:
            newly = after.pauses & ~in_force
            keys = [("set_pause", 1 << at) for at in range(5) if newly >> at & 1]
            assert keys
        for key in keys:
            assert key in guards
            guard, old = guards[key], was.get(key)
            assert guard.undo is not None
            if guard != old:
                assert guard.guarded_at == step.now
                assert old is None or step.now >= old.guarded_at + 14 * 86_400
            assert step.now < guard.guarded_at + 7 * 86_400
            if guard.undo[0] == "set_cap":  # which gives back at least what was taken
                assert guard.undo[1][-1] >= before.caps[key[1]]
            else:
                assert guard.undo == (key[0], (*key[1:], False))
        assert {key for key in {*was, *guards} if was.get(key) != guards.get(key)} <= set(keys)


@holds(37, "I62")
def i37_acts_wait_and_happen_once(step: Step) -> None:
    """A timelocked act is executed once, after its delay, before it expires, and none besides."""
    acting = step.was.governor
    if acting is None:
        return
    if step.move.what == "governor.execute":
        number, call = step.move.args
        act = acting.acts[number - 1]
        assert act.state == 1
        assert act.call == call
        assert act.proposed_at <= act.ready_at <= step.now <= act.expires_at
        assert step.then.governor.acts[number - 1].state != 1
    elif step.move.what not in ACTING:
        before, after = step.before, step.after
        for name in ("rate", "caps", "frozen", "pauses", "kinds"):
            same = getattr(before, name) == getattr(after, name)
            assert same or after.is_shut or "list_collateral" in step.acts, name


@holds(38, "I06")
def i38_nobody_mints_beside_the_minters(step: Step) -> None:
    """Coins come into being only through named minters, and no account changes its owner."""
    was, then = step.was.coin, step.then.coin
    if "coin.set_ceiling" not in step.acts:
        assert list(then.minted) == list(was.minted)
        assert then.ceilings == was.ceilings
    minted = sum(max(0, now - was.minted[minter]) for minter, now in then.minted.items())
    assert then.total_supply - was.total_supply <= minted
    assert set(step.after.positions) >= set(step.before.positions)


@holds(39, "I65", "I66")
def i39_nothing_runs_inside_a_callback(step: Step) -> None:
    """A token that calls the vault from inside a transfer changes nothing and sees final words."""
    for kind in LIARS:
        was, now = (one.turning[kind] for one in (step.before, step.after))
        scene, name = step.scene, f"token{kind}"
        made = scene.word(f"{name}.calls") - was.calls
        went_well = scene.word(f"{name}.successes") - was.successes
        if not made:
            assert not went_well
        elif now.attempt in WORDS:
            assert went_well == made
            assert scene.word(f"{name}.answer") == scene.word(now.attempt)
        elif now.attempt in WRITES or "fund.buy" not in step.acts:
            assert not went_well  # and of views, but where the fund sells, which locks itself only


@holds(40, "I69", "I71")
def i40_who_listens_knows_every_account(step: Step) -> None:
    """Whoever only reads the vault's events knows the word and the balances of every account."""
    scene = step.scene
    scene.listen()
    for id in step.touched():
        word, held = scene.stored(id)
        assert scene.heard[id] == word
        assert [scene.heard_balances.get((id, kind), 0) for kind in range(len(held))] == held


def judge(rule: Any, step: Step) -> None:
    """Hold a step against one rule, or each move inside of it."""
    for part in step.parts if rule.each else [step]:
        rule(part)


def hold(step: Step) -> None:
    """Hold a step against every rule."""
    if step.move.what == "coin.flashLoan" and step.parts:
        last = step.parts[-1].after  # nothing but what is judged has changed an account
        assert last.positions == step.after.positions
    for rule in STEP_RULES:
        judge(rule, step)
