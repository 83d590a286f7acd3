# SPDX-License-Identifier: MIT
"""Brackets and scales: who sets them, what is refused, what is stored and told."""

import pytest

from tests.unit.conftest import BPS, WAD
from tests.unit.tiered_margin.conftest import BRACKETS, SCALE, M, exposure

MOST = 2**40 - 1  # whole coins


def bounds_of(model, kind):
    return tuple(list(words) for words in model.contract.brackets_of(kind))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_set_brackets(model, count):
    bounds, rates = BRACKETS.bounds[: count - 1], [50, 1_000, 3_000, BPS][:count]
    receipt = model.set_brackets(31, bounds, rates)
    (event,) = receipt.events
    assert event.event_name == "BracketsSet"
    assert (event.kind, list(event.bounds), list(event.rates)) == (31, bounds, rates)
    assert bounds_of(model, 31) == (bounds, rates)
    assert bounds_of(model, 30) == ([], [])
    assert tuple(model.contract.scale_of(31)) == (0, 0, 0)


def test_set_brackets__replaces_all_of_them(eth):
    eth.set_brackets(0, [7 * M], [0, 1])
    assert bounds_of(eth, 0) == ([7 * M], [0, 1])
    receipt = eth.set_brackets(0, [], [])
    (event,) = receipt.events
    assert (event.kind, list(event.bounds), list(event.rates)) == (0, [], [])
    assert bounds_of(eth, 0) == ([], [])
    assert tuple(eth.contract.scale_of(0)) == SCALE


def test_set_brackets__at_the_widths(model):
    bounds = [(MOST - 2) * WAD, (MOST - 1) * WAD, MOST * WAD]
    for kind in (0, 1, 2):
        model.set_brackets(kind, bounds, [BPS, BPS, BPS, BPS])
        model.set_scale(kind, 2**120 - 2, 2**120 - 1, BPS)
    model.set_brackets(1, [], [])
    assert bounds_of(model, 0) == bounds_of(model, 2) == (bounds, [BPS] * 4)
    assert bounds_of(model, 1) == ([], [])
    assert tuple(model.contract.scale_of(1)) == (2**120 - 2, 2**120 - 1, BPS)


def test_set_brackets__may_repeat_a_rate(model):
    model.set_brackets(0, [M, 2 * M], [0, 500, 500])
    assert bounds_of(model, 0) == ([M, 2 * M], [0, 500, 500])


@pytest.mark.parametrize(
    ("bounds", "rates", "reason"),
    [
        ([], [0], "bad brackets"),
        ([M], [0, 0], "bad brackets"),
        ([M], [], "bad brackets"),
        ([], [1, 2], "bad brackets"),
        ([M], [1], "bad brackets"),
        ([M], [1, 2, 3], "bad brackets"),
        ([M, 2 * M, 3 * M], [1, 2, 3], "bad brackets"),
        ([0], [1, 2], "bad brackets"),
        ([M, M], [1, 2, 3], "bad brackets"),
        ([2 * M, M], [1, 2, 3], "bad brackets"),
        ([M, 2 * M, M], [1, 2, 3, 4], "bad brackets"),
        ([M], [2, 1], "bad brackets"),
        ([M, 2 * M], [1, 3, 2], "bad brackets"),
        ([], [BPS + 1], "bad brackets"),
        ([M], [0, BPS + 1], "bad brackets"),
        ([], [2**16], "bad brackets"),
        ([], [2**256 - 1], "bad brackets"),
        ([(MOST + 1) * WAD], [1, 2], "bad brackets"),
        ([2**256 - 1], [1, 2], "bound not in whole coins"),
        ([M + 1], [1, 2], "bound not in whole coins"),
        ([M, 2 * M - 1], [1, 2, 3], "bound not in whole coins"),
        ([1], [1, 2], "bound not in whole coins"),
    ],
)
def test_set_brackets_reverts_when_they_are_not_convex(
    eth, governor, reverts_with, bounds, rates, reason
):
    reverts_with(reason, eth.contract.set_brackets, 0, bounds, rates, sender=governor)
    assert bounds_of(eth, 0) == BRACKETS


@pytest.mark.parametrize(
    ("lo", "hi", "bps"), [(0, 1, 1), (5, 6, BPS), (2**120 - 2, 2**120 - 1, BPS), SCALE]
)
def test_set_scale(model, lo, hi, bps):
    receipt = model.set_scale(31, lo, hi, bps)
    (event,) = receipt.events
    assert event.event_name == "ScaleSet"
    assert (event.kind, event.lo, event.hi, event.bps) == (31, lo, hi, bps)
    assert tuple(model.contract.scale_of(31)) == (lo, hi, bps)
    assert tuple(model.contract.scale_of(30)) == (0, 0, 0)
    assert bounds_of(model, 31) == ([], [])


def test_set_scale__clears(eth):
    (event,) = eth.set_scale(0, 0, 0, 0).events
    assert (event.kind, event.lo, event.hi, event.bps) == (0, 0, 0, 0)
    assert tuple(eth.contract.scale_of(0)) == (0, 0, 0)
    assert bounds_of(eth, 0) == BRACKETS


@pytest.mark.parametrize(
    ("lo", "hi", "bps"),
    [
        (0, 0, 1),
        (5, 5, 1),
        (6, 5, 1),
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, BPS + 1),
        (0, 1, 2**16),
        (0, 1, 2**256 - 1),
        (0, 2**120, 1),
        (2**120, 2**120 + 1, 1),
        (2**256 - 1, 2**256 - 1, 1),
    ],
)
def test_set_scale_reverts_when_it_is_no_scale(eth, governor, reverts_with, lo, hi, bps):
    reverts_with("bad scale", eth.contract.set_scale, 0, lo, hi, bps, sender=governor)
    assert tuple(eth.contract.scale_of(0)) == SCALE


@pytest.mark.parametrize("kind", [32, 255, 2**256 - 1])
def test_reverts_when_the_kind_cannot_be(model, governor, reverts_with, kind):
    contract = model.contract
    reverts_with("bad kind", contract.set_brackets, kind, [], [1], sender=governor)
    reverts_with("bad kind", contract.set_scale, kind, 0, 1, 1, sender=governor)
    reverts_with("bad kind", contract.brackets_of, kind)
    reverts_with("bad kind", contract.scale_of, kind)


def test_reverts_when_it_is_not_the_governor(eth, alice, reverts_with):
    reverts_with("not governor", eth.contract.set_brackets, 0, [], [], sender=alice)
    reverts_with("not governor", eth.contract.set_scale, 0, 0, 0, 0, sender=alice)
    assert bounds_of(eth, 0) == BRACKETS
    assert tuple(eth.contract.scale_of(0)) == SCALE


def test_a_new_governor_sets_and_the_old_one_no_more(eth, alice, governor, reverts_with):
    eth.contract.propose_governor(alice, sender=governor)
    eth.contract.accept_governor(sender=alice)
    reverts_with("not governor", eth.contract.set_scale, 0, 0, 0, 0, sender=governor)
    eth.contract.set_scale(0, 0, 0, 0, sender=alice)
    assert tuple(eth.contract.scale_of(0)) == (0, 0, 0)


def test_an_act_of_the_governor_counts_at_once(eth):
    leg = exposure(0, 5 * M)
    before = eth.check([leg])
    eth.set_brackets(0, [], [BPS])
    assert eth.check([leg])[1:] == (leg.target, leg.maintenance, leg.close_out, 0)
    assert eth.check([leg])[1] > before[1]
