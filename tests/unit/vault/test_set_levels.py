# SPDX-License-Identifier: MIT
"""Levels and factors of a kind, changed by the governor: at once, under the rules of listing."""

import pytest

from surety.deploy import MAJOR
from tests.world import AT_RISK, CALLABLE, HEALTHY, MAX, WAD, reverts

BEFORE = (
    MAJOR.initial_ltv,
    MAJOR.maintenance_ltv,
    MAJOR.close_out_ltv,
    MAJOR.start_factor,
    MAJOR.end_factor,
)
AFTER = (7_000, 7_600, 8_200, 10_200, 8_700)
SHIFTS = (160, 176, 192, 208, 224)


def set_levels(world, levels, kind=0, sender=None):
    return world.vault.transact("set_levels", kind, *levels, sender=sender or world.governor)


def word_of(levels):
    return sum(value << shift for shift, value in zip(SHIFTS, levels, strict=True))


@pytest.mark.parametrize(("kind", "decimals"), [(0, 18), (1, 8)])
def test_set_levels(world, kind, decimals):
    world.vault.transact("set_cap", kind, 10**24, sender=world.governor)
    identity = int(world.tokens[kind].address, 16) | decimals << 240
    assert world.vault.read("collateral", kind) == identity | word_of(BEFORE)
    others = [world.vault.read("collateral", other) for other in range(3) if other != kind]
    receipt = set_levels(world, AFTER, kind)
    word = identity | word_of(AFTER)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("CollateralChanged", {"kind": kind, "word": word, "cap": 10**24})
    ]
    assert world.vault.read("collateral", kind) == word
    assert world.vault.read("deposited", kind) == 10**24 << 128
    assert [world.vault.read("collateral", o) for o in range(3) if o != kind] == others


def test_levels_count_at_once_and_for_everybody(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    price = world.price(0)
    worth = 10 * price
    assert world.state(account) == HEALTHY
    set_levels(world, (6_900, 7_100, 7_300, 10_100, 8_800))
    levels = world.levels(account)
    assert levels[1:] == (worth, *(worth * ltv // 10_000 for ltv in (6_900, 6_900, 7_100, 7_300)))
    assert world.state(account) == (CALLABLE if levels[0] > levels[4] else AT_RISK)
    with reverts("below initial margin"):
        world.vault.transact("borrow", account, 1, world.owner, sender=world.owner)
    set_levels(world, BEFORE)
    assert world.state(account) == HEALTHY


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ((8_000, 8_000, 8_500, 10_100, 8_800), "bad levels"),
        ((7_500, 8_500, 8_500, 10_100, 8_925), "bad levels"),
        ((7_500, 8_000, 8_801, 10_100, 8_800), "bad levels"),
        ((MAX, MAX, MAX, MAX, MAX), "bad levels"),
        ((7_500, MAX - 1, MAX, 10_100, MAX), "bad factors"),
        ((7_500, 8_000, 8_500, 9_999, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 11_001, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 10_100, 10_000), "bad factors"),
        ((7_500, 8_381, 8_500, 10_100, 8_800), "bad factors"),  # 8381 * 1.05 > 8800
    ],
)
def test_set_levels_refuses_what_listing_would(world, levels, reason):
    before = world.vault.read("collateral", 0)
    with reverts(reason):
        set_levels(world, levels)
    assert world.vault.read("collateral", 0) == before


@pytest.mark.parametrize(
    "levels",
    [
        (0, 1, 2, 10_000, 2),
        (7_500, 8_380, 8_800, 11_000, 8_800),  # 8380 * 1.05 = 8799
        (9_400, 9_522, 9_999, 10_000, 9_999),
    ],
)
def test_set_levels_takes_the_extremes(world, levels):
    set_levels(world, levels)
    assert (world.vault.read("collateral", 0) >> 160) % 2**80 == word_of(levels) >> 160


@pytest.mark.parametrize("kind", [3, 31, 32, MAX])
def test_set_levels_reverts_when_the_kind_is_not_listed(world, kind):
    with reverts("unknown kind"):
        set_levels(world, AFTER, kind)


def test_set_levels_is_the_governors(world):
    for who in (world.owner, world.keeper, world.stranger, world.other):
        with reverts("not governor"):
            set_levels(world, AFTER, sender=who)
