# SPDX-License-Identifier: MIT
"""Every rule of the demo catches what it is for: a good block passes, a bent one does not."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from surety.demo.invariants import RULES, check_all
from surety.formulas import margin_math
from surety.keeper import words


def broken(run, rule, state=None, watch=None, mirror=None):
    """Return what one rule says about the last block, after it was bent."""
    mirror = mirror or copy.deepcopy(run.mirror)
    watch = copy.deepcopy(watch or run.watch)
    _, found = check_all(state or run.state, mirror, watch, {rule: RULES[rule]})
    return found


def bent(run, **changes):
    return dataclasses.replace(run.state, **changes)


def indebted(run):
    """Return an account that has debt."""
    return next(a for a, word in run.state.words.items() if words.normalized_debt(word))


@pytest.mark.parametrize("rule", RULES)
def test_the_real_block_passes(short_run, rule):
    assert broken(short_run, rule) == []


def test_rules_say_what_they_are_in_one_sentence():
    for name, rule in RULES.items():
        assert rule.__doc__, name
        assert rule.__doc__.strip().split("\n\n")[0].endswith("."), name


def test_a_lost_balance_is_caught(short_run):
    (account, kind), balance = max(short_run.state.balances.items(), key=lambda item: item[1])
    balances = {**short_run.state.balances, (account, kind): balance - 1}
    state = bent(short_run, balances=balances)
    assert broken(short_run, "collateral sums", state)
    assert broken(short_run, "events tell all", state)


def test_a_vault_that_holds_too_little_is_caught(short_run):
    kind = max(short_run.state.held, key=short_run.state.held.__getitem__)
    total = short_run.state.deposited[kind] % 2**128
    state = bent(short_run, held={**short_run.state.held, kind: total - 1})
    assert len(broken(short_run, "collateral sums", state)) == 1


def test_absorbed_collateral_counts(short_run):
    state = bent(
        short_run, absorbed={**short_run.state.absorbed, 0: short_run.state.absorbed[0] + 1}
    )
    assert broken(short_run, "collateral sums", state)


def test_a_wrong_total_of_debt_is_caught(short_run):
    assert broken(short_run, "debt sums", bent(short_run, totals=short_run.state.totals + 1))
    higher = short_run.state.total_debt + len(short_run.state.levels) + 1
    assert broken(short_run, "debt sums", bent(short_run, total_debt=higher))
    lower = short_run.state.total_debt - len(short_run.state.levels) - 2
    assert broken(short_run, "debt sums", bent(short_run, total_debt=lower))


def test_a_wrong_mask_and_bare_debt_are_caught(short_run):
    account = indebted(short_run)
    word = short_run.state.words[account]
    flipped = {**short_run.state.words, account: word ^ (1 << 104 + 5)}
    assert broken(short_run, "masks", bent(short_run, words=flipped))
    bare = {
        key: 0 if key[0] == account else balance
        for key, balance in short_run.state.balances.items()
    }
    assert len(broken(short_run, "masks", bent(short_run, balances=bare))) == 2


def test_levels_out_of_order_are_caught(short_run):
    account = indebted(short_run)
    at = short_run.state.levels[account]
    for wrong in (
        dataclasses.replace(at, initial=at.target + 1),
        dataclasses.replace(at, maintenance=at.target - 1),
        dataclasses.replace(at, close_out=at.value + 1),
    ):
        levels = {**short_run.state.levels, account: wrong}
        assert broken(short_run, "levels nested", bent(short_run, levels=levels))


def test_an_index_that_falls_or_strays_is_caught(short_run):
    state = bent(short_run, live_index=short_run.state.live_index + 1)
    assert len(broken(short_run, "index", state)) == 1
    watch = copy.deepcopy(short_run.watch)
    watch.index = short_run.state.live_index + 1
    assert len(broken(short_run, "index", watch=watch)) == 1


def test_a_silent_change_of_an_account_is_caught(short_run):
    account = indebted(short_run)
    silent = {**short_run.state.words, account: short_run.state.words[account] + 1}
    assert broken(short_run, "events tell all", bent(short_run, words=silent))
    assert broken(short_run, "events tell all", bent(short_run, supply=short_run.state.supply + 1))
    mirror = copy.deepcopy(short_run.mirror)
    mirror.words[1] = 5
    assert broken(short_run, "events tell all", mirror=mirror)


def test_equity_that_nobody_can_explain_is_caught(short_run):
    surplus, deficit = short_run.state.equity
    assert deficit == 0
    state = bent(short_run, equity=(surplus + 1, 0))
    assert len(broken(short_run, "equity identity", state)) == 2
    assert broken(short_run, "equity identity", bent(short_run, equity=(surplus, 1)))
    for change in (-(10**6), 10**6):
        state = bent(short_run, equity=(surplus + change, 0))
        assert broken(short_run, "equity explained", state)


def test_an_account_left_below_close_out_is_caught(short_run):
    account = indebted(short_run)
    at = short_run.state.levels[account]
    sunk = {**short_run.state.levels, account: dataclasses.replace(at, close_out=at.debt - 1)}
    clear = {
        **short_run.state.words,
        account: short_run.state.words[account] & ~((2**40 - 1) << 136),
    }
    state = bent(short_run, levels=sunk, words=clear)
    watch = copy.deepcopy(short_run.watch)
    assert broken(short_run, "close-out watched", state, watch) == []
    since = state.now - watch.grace - watch.patience - 1
    watch.exposed[account] = since
    assert len(broken(short_run, "close-out watched", state, watch)) == 1
    watch.unresolved[account] = since - 2 * watch.duration - 2 * watch.patience
    assert len(broken(short_run, "close-out watched", state, watch)) == 2
    # a clock, or a price that recovers, ends the count
    assert broken(short_run, "close-out watched", short_run.state, watch) == []


def test_a_price_that_no_event_told_is_caught(short_run):
    mirror = copy.deepcopy(short_run.mirror)
    mirror.prices[1] ^= 1
    assert len(broken(short_run, "events tell all", mirror=mirror)) == 1


def priced(run, **changes):
    """Return the last block with another word of kind 0 in use."""
    first, *others = run.state.quotes
    return bent(run, quotes=(dataclasses.replace(first, **changes), *others))


def test_a_market_outside_of_its_guards_is_caught(short_run):
    price, market = short_run.state.quotes[0], short_run.state.market[0]
    now = short_run.state.now
    for changes in (
        {"hi": market - 1, "lo": market - 1, "updated_at": now},
        {"lo": market + 1, "hi": market + 1, "updated_at": now},
        {"lo": price.hi + 1},
        {"lo": 0},
        {"flags": price.flags | 1},
        {"maintenance_multiplier": 12_501},
        {"initial_multiplier": 9_999},
    ):
        assert len(broken(short_run, "prices guarded", priced(short_run, **changes))) == 1, changes
    # a word of before is used as it is while it is fresh
    older = priced(short_run, hi=market - 1, lo=market - 1, updated_at=now - 30)
    assert broken(short_run, "prices guarded", older) == []


def test_a_word_that_outruns_its_limits_is_caught(short_run):
    watch = copy.deepcopy(short_run.watch)
    first, *others = short_run.state.stored
    watch.stored = short_run.state.stored
    limits = watch.limits[0]

    def moved(seconds, hi, lo):
        word = dataclasses.replace(first, hi=hi, lo=lo, updated_at=first.updated_at + seconds)
        state = bent(short_run, stored=(word, *others))
        mirror = copy.deepcopy(short_run.mirror)
        _, found = check_all(
            state, mirror, copy.deepcopy(watch), {"prices guarded": RULES["prices guarded"]}
        )
        return found

    for seconds in (0, 60, 120, 10_000):
        hi = margin_math.slew_hi_up(first.hi, 0, limits.slew_down, seconds)
        lo = margin_math.slew_lo_down(first.lo, 2**88 - 1, limits.slew_up, seconds)
        assert moved(seconds, hi, lo) == []
        assert len(moved(seconds, hi - 1, lo)) == 1
        assert len(moved(seconds, hi, lo + 1)) == 1
