# SPDX-License-Identifier: MIT
"""What a model is told, and what is made of its answer: it can only raise requirements."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from surety.chain import Reverted, RpcError
from tests.unit.margin_models.mock import BROKEN, NOBODY, Exposure, Off, exposures_of
from tests.world import MAX, WAD, reverts

ETH = Exposure(0, 10 * WAD, 20_000, 14_000, 15_000, 16_000, 17_000)
BTC = Exposure(1, 10**8, 4_000, 2_900, 3_000, 3_200, 3_400)
FLOOR = 2_000 * WAD
LEVELS = ("initial", "target", "maintenance", "close_out")


def cut(exposures, words):
    """Work out what is taken off: no capacity falls below 0 or stays above a looser one."""
    sums = [sum(getattr(leg, name) for leg in exposures) for name in LEVELS]
    left = None
    off = []
    for total, word in zip(reversed(sums), reversed(words[:4]), strict=True):
        left = max(total - word, 0) if left is None else min(left, max(total - word, 0))
        off.append(total - left)
    return Off(False, *reversed(off), min(words[4], 10_000))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
        ((1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
        ((16_900, 18_000, 19_200, 20_400, 10_000), (16_900, 18_000, 19_200, 20_400, 10_000)),
        ((MAX,) * 5, (16_900, 18_000, 19_200, 20_400, 10_000)),
        ((16_901, 0, 0, 0, 10_001), (16_900, 0, 0, 0, 10_000)),
        # a level is never left above a looser one
        ((0, 0, 0, 2_400, 0), (0, 0, 1_200, 2_400, 0)),
        ((0, 0, 0, 20_400, 0), (16_900, 18_000, 19_200, 20_400, 0)),
        ((0, 5_000, 0, 0, 0), (3_900, 5_000, 0, 0, 0)),
        ((0, 0, MAX, 0, 0), (16_900, 18_000, 19_200, 0, 0)),
    ],
)
def test_the_answer_is_cut(models, mock, words, expected):
    mock.says(*words)
    assert models.ask(3, [ETH, BTC]) == Off(False, *expected)
    assert cut([ETH, BTC], words) == Off(False, *expected)


word = st.one_of(st.integers(0, 25_000), st.integers(0, MAX), st.just(MAX))


@pytest.mark.covers("I29", "P10")
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.tuples(word, word, word, word, word))
@example(words=(0, 0, 0, 1, 10_001))
def test_a_model_only_raises_requirements_and_levels_stay_nested(models, mock, words):
    mock.says(*words)
    off = models.ask(3, [ETH, BTC])
    assert off == cut([ETH, BTC], words)
    sums = [16_900, 18_000, 19_200, 20_400]
    taken = [off.initial, off.target, off.maintenance, off.close_out]
    left = [total - gone for total, gone in zip(sums, taken, strict=True)]
    assert left == sorted(left)
    for gone, asked, total in zip(taken, words[:4], sums, strict=True):
        assert min(asked, total) <= gone <= total


def test_nothing_is_taken_from_nothing(models, mock):
    mock.says(MAX, MAX, MAX, MAX, MAX)
    assert models.ask(3, []) == Off(sold_bps=10_000)


@pytest.mark.parametrize("how", BROKEN)
def test_an_unusable_answer_takes_nothing_off_and_is_said(world, models, mock, how):
    account = world.open([(0, 10 * WAD)], 0)
    mock.says(1, 2, 3, 4, 5)
    mock.set_mode(BROKEN[how])
    assert models.ask(3, [ETH, BTC]) == Off(failed=True)
    assert models.surcharges(3, account) == Off(failed=True)
    mock.set_mode(0)
    assert models.ask(3, [ETH, BTC]) == Off(False, 1, 2, 3, 4, 5)


def test_a_model_whose_code_is_gone_has_failed(world, models, mock):
    world.rpc.call("anvil_setCode", mock.address, "0x")
    assert models.ask(3, [ETH]) == Off(failed=True)


@pytest.mark.parametrize(("name", "works"), [("totals", True), ("list_model", False)])
def test_a_model_may_read_and_not_write(world, models, mock, name, works):
    mock.says(7)
    if works:
        mock.calls(world.vault, name)
    else:
        mock.calls(models.contract, name, 3, world.vault.address)
        models.contract.transact("propose_governor", mock.address, sender=world.governor)
        data = models.contract.encode("accept_governor")
        mock.contract.transact(  # as the governor itself
            "set_call", models.contract.address, data, sender=world.governor
        )
    assert models.ask(3, [ETH]) == (Off(initial=7) if works else Off(failed=True))


# what it is told


def test_a_model_is_told_the_accounts_linear_capacities(world, models, mock):
    account = world.open([(0, 3 * WAD + 1), (1, 10**7), (2, 77)], FLOOR, sub=9)
    world.open([(0, 5 * WAD)], 0, owner=world.other)
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    world.vault.transact("set_cap", 2, 5, sender=world.governor)
    told = exposures_of(world, account)
    assert [leg.kind for leg in told] == [0, 1, 2]
    assert [leg.deposited for leg in told] == [8 * WAD + 1, 10**7, 77]
    assert told[1].initial == 0 < told[1].target  # frozen
    for sold_kind in (0, 1, 2, NOBODY):
        mock.expect(account, told, sold_kind)
        assert models.surcharges(3, account, sold_kind) == Off()
        assert models.surcharges(3, account, 7) == Off(failed=True)
    # by `ask` it is told what the asker says
    mock.expect(11, [ETH], 0)
    assert models.ask(3, [ETH], 0, 11) == Off()
    assert models.ask(3, [ETH], 0, 12) == Off(failed=True)
    assert models.ask(3, [BTC], 0, 11) == Off(failed=True)


def test_a_failed_price_leaves_no_initial_capacity(world, models, mock):
    account = world.open([(0, 3 * WAD), (2, 10**9)], 0)
    world.feeds[0].transact("set_reverts", True, sender=world.governor)
    world.forward(100)
    told = exposures_of(world, account)
    assert told[0].initial == 0 < told[0].target
    mock.expect(account, told, NOBODY)
    assert models.surcharges(3, account) == Off()


def test_an_account_without_collateral_has_no_exposure(world, models, mock):
    mock.expect(world.id(world.owner), [], NOBODY)
    assert models.surcharges(3, world.id(world.owner)) == Off()


def test_only_a_vault_has_accounts(world, models, mock):
    for who in (world.stranger, world.coin.address):
        with reverts(""):
            models.contract.read("surcharges", 0, 3, NOBODY, sender=who)
    assert mock.address == models.contract.read("models", 3)


# gas


def test_a_model_gets_its_gas_to_the_unit(models, mock):
    mock.says(0, 0, 0, 0, 0)
    mock.set_mode(10)
    rich = Exposure(0, 0, 10**9, 10**9, 10**9, 10**9, 10**9)
    off = models.ask(3, [rich])
    assert 299_000 < off.initial <= 300_000


def asked_with(models, exposures, gas):
    """Ask with so much gas; the answer, or the reason of the refusal ("" out of gas)."""
    legs = [astuple(leg) for leg in exposures]
    data = models.contract.encode("ask", models.world.vault.address, 0, 3, legs, NOBODY)
    try:
        answer = models.world.rpc.eth_call(models.contract.address, data, gas=gas)
    except Reverted as error:
        return error.reason
    except RpcError as error:
        if "OutOfGas" not in str(error):
            raise
        return ""
    return Off(*models.contract.decode("ask", answer))


@pytest.mark.parametrize("count", [1, 8])
def test_nobody_fakes_a_failure_by_starving_a_model(models, mock, count):
    """A model that spends nearly all of its gas is heard, or the call reverts."""
    mock.says(7)
    mock.set_mode(13)
    legs = [Exposure(kind, 0, 9, 9, 9, 9, 9) for kind in range(count)]
    steps = [*range(50_000, 400_000, 10_000), *range(310_000, 360_000, 250)]
    outcomes = {asked_with(models, legs, gas) for gas in steps}
    assert {"gas too low", Off(initial=7)} <= outcomes <= {"", "gas too low", Off(initial=7)}


@pytest.mark.parametrize("count", [0, 1, 8])
def test_with_the_least_gas_that_is_enough_a_model_still_gets_all_of_its_own(models, mock, count):
    mock.says()
    mock.set_mode(10)
    legs = [Exposure(kind, 0, *[2**100] * 5) for kind in range(count)]
    short, enough = 100_000, 600_000
    assert isinstance(asked_with(models, legs, enough), Off)
    while enough - short > 1:
        middle = (short + enough) // 2
        if isinstance(asked_with(models, legs, middle), Off):
            enough = middle
        else:
            short = middle
    assert asked_with(models, legs, short) == "gas too low"
    least, plenty = asked_with(models, legs, enough), asked_with(models, legs, 5_000_000)
    assert least == plenty
    assert count == 0 or plenty.initial > 299_000


def test_a_model_that_burns_all_gas_costs_no_more_than_its_share(models, mock):
    mock.set_mode(2)
    assert asked_with(models, [ETH], 400_000) == Off(failed=True)
