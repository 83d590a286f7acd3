# SPDX-License-Identifier: MIT
"""Coins for the reserve and back: exact amounts, fees, the ceiling, loops, and what redeems."""

from __future__ import annotations

import random

import pytest

from surety.model.state import BPS, WAD
from tests.incidents.weak import weakened
from tests.unit.peg_stability.rig import (
    ALICE,
    BOB,
    CAROL,
    CEILING,
    ENGINE,
    GOVERNOR,
    GUARD,
    STRANGER,
    Rig,
)

DECIMALS = (6, 8, 18)
MOCKS = ("MockToken", "NoReturnToken", "StrictApproveToken")
FAILED, CONFIRMING = 1, 2
LOOPS = 10_000


@pytest.mark.parametrize("mock", MOCKS)
@pytest.mark.parametrize("decimals", DECIMALS)
def test_a_token_is_a_coin_and_a_coin_is_a_token(decimals, mock):
    rig = Rig(decimals, mock=mock)
    assert rig.mint(ALICE, 100 * rig.unit, BOB) is None
    assert rig.coin.read("balanceOf", BOB) == rig.minted == 100 * WAD
    assert rig.token.read("balanceOf", rig.peg.address) == 100 * rig.unit
    assert rig.peg.read("backing") == 100 * WAD
    assert rig.redeem(BOB, 40 * WAD, CAROL) is None
    assert rig.token.read("balanceOf", CAROL) == (10**9 + 40) * rig.unit
    assert rig.peg.read("reserve_held") == 60 * rig.unit
    assert rig.minted == rig.peg.read("backing") == 60 * WAD


@pytest.mark.parametrize("decimals", DECIMALS)
def test_fees_stay_in_the_reserve_and_are_equity(decimals):
    """0.10 % in and 0.25 % out of a thousand: one coin, then what two and a half less are."""
    rig = Rig(decimals, 10, 25)
    rig.mint(ALICE, 1_000 * rig.unit)
    assert rig.coin.read("balanceOf", ALICE) == 999 * WAD
    assert rig.equity() == WAD
    rig.redeem(ALICE, 400 * WAD)
    assert rig.peg.read("reserve_held") == 601 * rig.unit  # 399 of 400 went out
    assert rig.equity() == 2 * WAD


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("fee", [0, 1, 33, 100])
def test_roundings_to_the_last_wei(decimals, fee):
    """Against fractions: what is paid is at most what is due, and less by under one unit."""
    rig, dice = Rig(decimals, fee, fee), random.Random(decimals + fee)
    scale = WAD // rig.unit
    rig.mint(ALICE, 10_000 * rig.unit)
    for _ in range(60):
        amount = dice.choice((1, 2, 3, 99, 101, dice.randrange(1, rig.unit)))
        if amount * scale * (BPS - fee) >= BPS:
            coins = rig.peg.read("preview_mint", amount)
            assert 0 <= amount * scale * (BPS - fee) - coins * BPS < BPS
            assert rig.mint(ALICE, amount) is None
        coins = dice.choice((scale, 2 * scale + 1, scale - 1, dice.randrange(1, WAD)))
        due = coins * (BPS - fee)
        if due < BPS * scale:
            assert rig.redeem(ALICE, coins) == "zero amount"
        else:
            amount = rig.peg.read("preview_redeem", coins)
            assert 0 <= due - amount * scale * BPS < BPS * scale
            assert rig.redeem(ALICE, coins) is None


# loops: with the tokens and coins of a person at par, it never gains and equity never falls


def loop(rig: Rig, loops: int = LOOPS) -> int:
    """Swap back and forth, mostly dust; return what the person lost. Past the model: for speed."""
    dice = random.Random(rig.unit)
    scale = WAD // rig.unit
    rig.lend(ALICE, 1_000 * WAD)
    rig.tell(rig.peg, "mint", 1_000 * rig.unit, BOB, sender=BOB)
    sizes = (1, 1, 2, 3, 7, 99, 101, 9_999, rig.unit - 1, rig.unit + 1)
    first = wealth, equity = rig.wealth(ALICE), rig.equity()
    swapped = 0
    for _ in range(loops):
        amount = dice.choice(sizes)
        if dice.random() < 0.5:
            ran = rig.send(rig.peg, "mint", amount, ALICE, sender=ALICE)
        else:
            coins = max(1, amount * scale + dice.choice((-1, 0, 0, 1, scale - 1)))
            ran = rig.send(rig.peg, "redeem", coins, ALICE, sender=ALICE)
        assert ran.reason in (None, "zero amount")
        swapped += ran.reason is None
        richer = rig.wealth(ALICE) > wealth
        assert not richer, "richer"
        assert rig.equity() >= equity
        wealth, equity = rig.wealth(ALICE), rig.equity()
    assert swapped > loops // 2
    # what the person lost is what equity won, to the wei
    assert first[0] - wealth == equity - first[1]
    return first[0] - wealth


@pytest.mark.parametrize(
    ("decimals", "fees"), [(6, (0, 0)), (6, (10, 25)), (8, (1, 0)), (18, (0, 0)), (18, (10, 25))]
)
def test_ten_thousand_swaps_never_profit(decimals, fees):
    lost = loop(Rig(decimals, *fees))
    # without fees and with as many decimals as the coin nothing is ever rounded
    assert (lost == 0) == (decimals == 18 and fees == (0, 0))


ROUNDINGS = {
    "coins up": (
        "coins: uint256 = margin_math.mul_div_down(worth, BPS - (settings >> MINT_FEE & FEE_MASK)",
        "coins: uint256 = margin_math.mul_div_up(worth, BPS - (settings >> MINT_FEE & FEE_MASK)",
    ),
    "amount up": (
        "amount: uint256 = margin_math.mul_div_down(worth, 10**reserve_decimals, WAD)",
        "amount: uint256 = margin_math.mul_div_up(worth, 10**reserve_decimals, WAD)",
    ),
}


@pytest.mark.parametrize(
    ("name", "decimals", "fees"), [("coins up", 18, (1, 0)), ("amount up", 6, (0, 0))]
)
def test_a_swap_rounded_up_is_found(name, decimals, fees):
    """The control: the same loop convicts a peg with one rounding turned round."""
    rig = Rig(decimals, *fees, peg=weakened("PegStability", ROUNDINGS[name]))
    if name == "amount up":
        with pytest.raises(AssertionError, match="richer"):
            loop(rig)
        return
    # one wei of a fee is forgiven each time: nobody is richer, but dust swaps for nothing
    assert rig.send(rig.peg, "mint", 1, ALICE, sender=ALICE).reason is None
    assert rig.wealth(ALICE) == 10**9 * WAD
    sound = Rig(decimals, *fees)
    assert sound.mint(ALICE, 1) == "zero amount"


# the ceiling


@pytest.mark.parametrize("decimals", DECIMALS)
@pytest.mark.parametrize("fee", [0, 7, 100])
def test_the_ceiling_is_reached_and_never_passed(decimals, fee):
    rig = Rig(decimals, fee)
    most = rig.peg.read("mintable")
    assert rig.mint(ALICE, most + 1) == "above ceiling"
    assert rig.mint(ALICE, most) is None
    assert CEILING - WAD // rig.unit < rig.minted <= CEILING
    assert rig.mint(ALICE, rig.unit) == "above ceiling"
    assert rig.redeem(ALICE, 10 * WAD) is None
    assert rig.mint(ALICE, 9 * rig.unit) is None
    rig.set_ceiling(rig.peg.address, 0)
    assert rig.peg.read("mintable") == 0
    assert rig.mint(ALICE, rig.unit) == "above ceiling"
    assert rig.redeem(ALICE, rig.coin.read("balanceOf", ALICE)) is None


def test_coins_of_a_vault_redeem_too__until_the_reserve_is_empty():
    """Who bought coins for less redeems them: what is out falls, and then the coin is short."""
    rig = Rig(6, 100, 0)
    rig.mint(ALICE, 1_000 * rig.unit)
    assert rig.minted == 990 * WAD
    rig.lend(BOB, 5_000 * WAD)
    assert rig.peg.read("redeemable") == 1_000 * WAD + 10**12 - 1
    assert rig.redeem(BOB, 1_001 * WAD) == "reserve too low"
    assert rig.redeem(BOB, 1_000 * WAD) is None
    assert (rig.minted, rig.peg.read("reserve_held")) == (0, 0)
    assert rig.coin.read("burned_beyond") == 10 * WAD  # the fee of the mint
    assert rig.redeem(ALICE, WAD) == "reserve too low"
    assert rig.peg.read("redeemable") == rig.peg.read("backing") == 0


# prices


@pytest.mark.parametrize(
    ("lo", "hi", "flags", "reason"),
    [
        (GUARD, WAD, 0, None),
        (GUARD - 1, WAD, 0, "below guard"),  # the higher price does not help
        (WAD // 2, WAD // 2, 0, "below guard"),
        (WAD, WAD, CONFIRMING, "price confirming"),
        (0, WAD, FAILED, "price failed"),
        (0, WAD, FAILED | CONFIRMING, "price failed"),
        (3 * WAD, 3 * WAD, 0, None),
    ],
)
def test_only_minting_asks_for_the_price(lo, hi, flags, reason):
    rig = Rig(6)
    rig.mint(ALICE, 500 * rig.unit)
    rig.price(lo, hi, flags)
    assert rig.mint(ALICE, rig.unit) == reason
    assert (rig.peg.read("mintable") == 0) == (reason is not None)
    assert rig.redeem(ALICE, 100 * WAD) is None
    held = rig.peg.read("reserve_held") * 10**12
    assert rig.peg.read("backing") == held * min(lo, WAD) // WAD
    # it pays as many tokens as ever
    assert held == (400 if reason else 401) * WAD


def test_a_broken_hub_stops_minting_and_not_redeeming():
    """Whatever has become of the hub: redeeming never asks it."""
    rig = Rig(6)
    rig.mint(ALICE, 500 * rig.unit)
    pyrevm = pytest.importorskip("pyrevm")
    code = pyrevm.AccountInfo(code=bytes.fromhex("5f5ffd"))  # reverts, whatever it is asked
    rig.node.evm.insert_account_info(rig.hub.address, code)
    assert rig.send(rig.peg, "mint", rig.unit, ALICE, sender=ALICE).reason == ""
    assert rig.send(rig.peg, "redeem", 500 * WAD, ALICE, sender=ALICE).reason is None
    assert rig.peg.read("reserve_held") == 0


def test_redeeming_at_a_depeg_takes_the_loss_away():
    """A coin burned for a token worth less than a coin: the loss leaves with who redeems."""
    rig = Rig(6)
    rig.mint(ALICE, 1_000 * rig.unit)
    rig.price(8 * WAD // 10)
    assert rig.equity() == -200 * WAD
    rig.redeem(ALICE, 600 * WAD)
    assert rig.equity() == -80 * WAD
    rig.redeem(ALICE, 400 * WAD)
    assert rig.equity() == 0


def test_a_token_worth_more_than_a_coin_counts_as_one():
    rig = Rig(6)
    rig.mint(ALICE, 1_000 * rig.unit)
    rig.price(12 * WAD // 10)
    assert rig.peg.read("backing") == 1_000 * WAD
    assert rig.equity() == 0


# pause, and who may do what


def test_a_pause_stops_minting_and_not_redeeming():
    rig = Rig(6)
    rig.mint(ALICE, 500 * rig.unit)
    assert rig.make(GOVERNOR, "set_minting_paused", True) is None
    assert rig.mint(ALICE, rig.unit) == "minting paused"
    assert rig.redeem(ALICE, 500 * WAD) is None
    assert rig.make(GOVERNOR, "set_minting_paused", False) is None
    assert rig.mint(ALICE, rig.unit) is None


@pytest.mark.parametrize("who", [ALICE, ENGINE, STRANGER])
def test_only_the_governor_governs(who):
    rig = Rig(6)
    for call in (("set_fees", 0, 0), ("set_guard", WAD), ("set_minting_paused", True)):
        assert rig.make(who, *call) == "not governor"
    for call, reason in (
        (("propose_governor", who), "not governor"),
        (("accept_governor",), "not proposed"),
    ):
        assert rig.send(rig.peg, *call, sender=who).reason == reason


def test_the_governor_hands_over_in_two_steps():
    rig = Rig(6)
    rig.tell(rig.peg, "propose_governor", BOB)
    assert rig.peg.read("governor") == GOVERNOR
    rig.tell(rig.peg, "accept_governor", sender=BOB)
    assert rig.peg.read("governor") == BOB
    assert rig.send(rig.peg, "set_guard", WAD, sender=GOVERNOR).reason == "not governor"
    rig.tell(rig.peg, "set_guard", WAD, sender=BOB)
    assert rig.peg.read("guard_price") == WAD


def test_settings_do_not_touch_each_other():
    rig = Rig(6)
    rig.make(GOVERNOR, "set_fees", 100, 99)
    rig.make(GOVERNOR, "set_minting_paused", True)
    rig.make(GOVERNOR, "set_guard", 9 * WAD // 10)
    rig.make(GOVERNOR, "set_fees", 1, 2)
    read = rig.peg.read
    assert (read("mint_fee_bps"), read("redeem_fee_bps")) == (1, 2)
    assert read("guard_price") == 9 * WAD // 10
    assert read("is_minting_paused") is True


def test_a_peg_that_is_no_minter_does_nothing():
    rig = Rig(6)
    other = rig.deploy(
        weakened("PegStability"), GOVERNOR, rig.coin.address, rig.token.address, rig.hub.address,
        rig.peg.read("kind"), 0, 0, GUARD,
    )  # fmt: skip
    rig.tell(rig.token, "approve", other.address, WAD, sender=ALICE)
    assert rig.send(other, "mint", rig.unit, ALICE, sender=ALICE).reason == "not minter"
    assert rig.send(other, "redeem", WAD, ALICE, sender=ALICE).reason == "reserve too low"


# the oracle's word of this very moment


def test_minting_at_a_word_that_is_older_than_the_depeg():
    """A word may be a minute old and at par: what the oracle says now counts as well."""
    rig = Rig()
    assert rig.peg.read("mintable") > 0
    for live in (880 * WAD // 1_000, GUARD - 1):
        rig.say_live(live)
        assert rig.mint(ALICE, 100 * rig.unit) == "below guard"
        assert rig.peg.read("mintable") == 0
    rig.say_live(0)
    assert rig.mint(ALICE, 100 * rig.unit) == "price failed"
    assert rig.peg.read("mintable") == 0
    rig.say_live(GUARD)
    assert rig.mint(ALICE, 100 * rig.unit) is None
    rig.say_live(0)
    assert rig.redeem(ALICE, 100 * WAD) is None
