# SPDX-License-Identifier: MIT
"""What exceeds the buffer goes to the treasury: slowly, and not after a loss."""

import pytest

from tests.world import WAD, reverts

PRICES = (2_000 * WAD, 40_000 * WAD, WAD)
DAY = 86_400


@pytest.fixture
def rich(world, fund):
    """A book without further interest, whose surplus is well above the buffer; returns both."""
    fund.transact("set_treasury", world.other, sender=world.governor)
    world.coin.transact("set_ceiling", fund.address, 10**6 * WAD, sender=world.governor)
    world.open([(0, 100 * WAD)], 100_000 * WAD, sub=9)
    world.forward(365 * DAY)
    world.vault.transact("set_rate", 0, sender=world.governor)
    surplus, deficit = fund.read("equity")
    buffer = fund.read("buffer_target")
    assert (deficit, buffer) == (0, 1_000 * WAD)
    assert surplus > 5_000 * WAD
    return surplus, buffer


def reap(world):
    return world.fund.transact("reap", sender=world.stranger)


def test_reap(world, fund, rich):
    surplus, buffer = rich
    amount = buffer // 100
    receipt = reap(world)
    (event,) = fund.events(receipt)
    assert (event.name, event.args) == (
        "Reaped",
        {
            "treasury": world.other,
            "amount": amount,
            "surplus": surplus - amount,
            "buffer": buffer,
        },
    )
    assert world.coin.read("balanceOf", world.other) == amount
    assert world.coin.read("minted", fund.address) == amount
    assert fund.read("equity") == (surplus - amount, 0)
    assert fund.read("reaped_at") == world.now


def test_reap_is_once_a_day(world, fund, rich):
    reap(world)
    at = world.now
    world.next_at(at + DAY - 1)
    with reverts("reaped lately"):
        reap(world)
    world.next_at(at + DAY)
    reap(world)
    assert fund.read("reaped_at") == at + DAY


@pytest.mark.parametrize("excess", [0, 1, 7])
def test_reap_leaves_the_buffer(world, fund, rich, excess):
    """Down to the wei: what is reaped is the excess, when that is less than a day's most."""
    surplus, _ = rich
    # mint coins until equity exceeds the buffer by just so much: x coins take x and raise it by 1 %
    supply = world.coin.read("totalSupply")
    minter = world.keeper
    world.coin.transact("set_ceiling", minter, 2**119, sender=world.governor)
    low, high = 0, surplus
    while low < high:  # the most that may be minted with equity still `excess` above the buffer
        half = (low + high + 1) // 2
        if surplus - half >= -(-(supply + half) // 100) + excess:
            low = half
        else:
            high = half - 1
    world.coin.transact("mint", minter, low, sender=minter)
    (now, _), buffer = fund.read("equity"), fund.read("buffer_target")
    assert now - buffer == excess
    if excess == 0:
        with reverts("nothing to reap"):
            reap(world)
        return
    reap(world)
    assert world.coin.read("balanceOf", world.other) == excess
    assert fund.read("equity")[0] == buffer


def test_nothing_is_reaped_under_the_buffer(world, fund):
    world.coin.transact("set_ceiling", fund.address, 10**6 * WAD, sender=world.governor)
    with reverts("nothing to reap"):
        reap(world)
    world.open([(0, 100 * WAD)], 100_000 * WAD)
    world.forward(30 * DAY)  # 0.4 %
    assert 0 < fund.read("equity")[0] < fund.read("buffer_target")
    with reverts("nothing to reap"):
        reap(world)


def test_nothing_is_reaped_within_a_day_of_a_loss(world, fund, rich, absorb):
    reap(world)
    world.follow(*PRICES)
    absorb([(1, 10**8)], prices=PRICES, fall=30)
    lost_at = ((world.vault.read("interest") >> 234) % 2**20) * 3_600
    assert 0 <= lost_at - world.now <= 3_600
    world.coin.transact("burn", world.owner, 60_000 * WAD, sender=world.owner)
    surplus, _ = fund.read("equity")
    assert surplus > fund.read("buffer_target")
    world.forward(lost_at + DAY - 2 - world.now)
    with reverts("loss too recent"):
        reap(world)
    world.next_at(lost_at + DAY)
    reap(world)


def test_reaping_can_be_paused(world, fund, rich):
    receipt = fund.transact("set_reaping_paused", True, sender=world.governor)
    assert [(e.name, e.args) for e in fund.events(receipt)] == [("ReapingPaused", {"paused": True})]
    with reverts("reaping paused"):
        reap(world)
    fund.transact("set_reaping_paused", False, sender=world.governor)
    reap(world)


def test_reap_stays_below_the_funds_ceiling(world, fund, rich):
    _, buffer = rich
    world.coin.transact("set_ceiling", fund.address, 2 * buffer // 100 - 1, sender=world.governor)
    reap(world)
    world.forward(DAY)
    with reverts("above ceiling"):
        reap(world)
    # what is burned through the fund makes room again
    fund.transact("recapitalise", WAD, sender=world.owner)
    second = fund.read("buffer_target") // 100
    reap(world)
    assert world.coin.read("minted", fund.address) == buffer // 100 - WAD + second


def test_a_month_of_reaping_is_bounded(world, fund, rich):
    """At most 1 % of the buffer a day, whoever asks and however often."""
    surplus, _ = rich
    for _ in range(30):
        reap(world)
        with reverts("reaped lately"):
            reap(world)
        world.forward(DAY)
    reaped = world.coin.read("minted", fund.address)
    assert reaped == world.coin.read("balanceOf", world.other)
    # the buffer grows by a hundredth of what is reaped
    assert 30 * 10 * WAD <= reaped <= 30 * 10 * WAD * 1_002 // 1_000
    assert fund.read("equity") == (surplus - reaped, 0)
