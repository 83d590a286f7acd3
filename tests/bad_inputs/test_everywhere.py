# SPDX-License-Identifier: MIT
"""Three bad things that happen to every call of every contract: dead oracles, repetition, hunger.

Each begins with a call that goes through, made by somebody who may (tests/access).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest

from surety.chain import RpcError
from tests.access.seeds import Seed, plant
from tests.access.stage import Stage
from tests.bad_inputs.live import CONTRACTS, Call, good_calls
from tests.unit.oracles.rig import FAULTS

BELOW, FAILED = "below initial margin", "price failed"
# what cannot be done while no price of anything is to be had, and what each case is told then:
# None where the case goes through, since it raises no risk on a price
WITHOUT_PRICES: dict[str, tuple[str | None, ...]] = {
    "Vault.deposit": (None, FAILED),  # an enabled kind; a new one
    "Vault.withdraw": (None, BELOW),  # without debt; with debt
    "Vault.borrow": (BELOW,),
    "Vault.adjust": (None, FAILED, BELOW, BELOW, None),
    "Vault.move": (BELOW, FAILED),
    "Vault.set_margin_model": (BELOW,),
    "Vault.take": (FAILED, FAILED),
    "Vault.absorb": (FAILED,),
    "InsuranceFund.start_auction": (FAILED,),
    "InsuranceFund.buy": (FAILED,),
    "PegStability.mint": (FAILED,),
    "Settlement.shutdown": (FAILED,),
    "LeverageZap.leverage": (BELOW,),
    "LeverageZap.deleverage": (BELOW,),
    "LeverageZap.swap_collateral": (FAILED,),
    "WethGateway.deposit": (None, FAILED),
    "WethGateway.withdraw": (None, BELOW),
}


@pytest.mark.covers("O08", "I36", "I56", "I57", "I64")
@pytest.mark.parametrize("contract", CONTRACTS)
def test_without_any_price(live, contract):
    """Every word is old and every oracle burns all its gas; everything not named goes through."""
    said: dict[str, list[str | None]] = {}
    for call in good_calls(live, contract):
        live.world.forward(61)
        assert call.outcome()[0] is None, f"{call.name}: a minute later"
        hub = live.world.hub
        for kind in range(hub.read("kind_count")):
            live.set_code(hub.read("config_of", kind)[0], FAULTS["burns its gas"])
        said.setdefault(call.name, []).append(call.outcome()[0])
    found = {name: tuple(reasons) for name, reasons in said.items() if any(reasons)}
    assert found == {
        name: reasons for name, reasons in WITHOUT_PRICES.items() if name.startswith(f"{contract}.")
    }


# what can be done once only, and what it is told again
ONCE: dict[str, tuple[str | None, ...]] = {
    "Vault.accept_governor": ("not proposed",),
    "Vault.margin_call": ("already called",),
    "Vault.take": ("account is covered",) * 2,  # the first has brought it to its target
    "Vault.cure": ("not curable",),
    "Vault.absorb": ("not absorbable",),
    "Vault.shutdown": ("shut down",),
    "Vault.settle": ("not settleable",),
    "Vault.list_collateral": ("already listed",),
    "Vault.accept_fund": ("not proposed",),
    "Stablecoin.accept_governor": ("not proposed",),
    "Stablecoin.transferFrom": ("erc20: insufficient allowance",),
    "Stablecoin.permit": ("erc20: invalid signature",),
    "InsuranceFund.accept_governor": ("not proposed",),
    "InsuranceFund.collect": ("nothing absorbed",),
    "InsuranceFund.start_auction": ("auction is running",),
    "InsuranceFund.reap": ("reaped lately",),
    "InsuranceFund.add_book": ("book already known",),
    "InsuranceFund.accept_book": ("not proposed",),
    "InsuranceFund.retire_book": ("unknown book",),
    "InsuranceFund.add_reserve": ("reserve already known",),
    "InsuranceFund.remove_reserve": ("unknown reserve",),
    "PegStability.accept_governor": ("not proposed",),
    "Settlement.shutdown": ("already shut down",),
    "Settlement.settle": ("no debt",) * 2,
    "Settlement.open_redemption": ("not settling",),
    "Settlement.relieve": ("nothing to relieve",),
    "Settlement.claim": ("nothing owed",) * 2,
    "Settlement.sweep": ("not redeeming",),
    "PriceHub.accept_governor": ("not proposed",),
    "PriceHub.list_kind": ("kind already listed",),
    "Listings.list": ("already listed",),
    "MarginModels.accept_governor": ("not proposed",),
    "TieredMargin.accept_governor": ("not proposed",),
    "Operators.set_operator_by_signature": ("bad signature",),
    "LeverageZap.close": ("no debt",),
    "Governor.execute": ("not pending",),
    "Governor.execute_expecting": ("not pending",),
    "Governor.cancel": ("not pending",),
    "Governor.veto": ("not pending",),
    "Governor.tighten": ("nothing changes",),
    "Governor.keep": ("nothing to keep",),
    "Governor.lapse": ("nothing to lapse",),
    "Governor.advance": ("too early",),
    "Governor.halt": ("no ramp",),
    "Governor.adopt": ("not proposed",),
    "Governor.accept_admin": ("not proposed",),
    "Governor.register": ("already registered",),
    "ShareOracle.refresh": ("too early",),
}


@pytest.mark.covers("P02", "P06", "I55", "I60", "I62")
@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_same_call_a_second_time(live, contract):
    """Signatures, acts, nominations, rewards and losses count once; all else may be repeated."""
    said: dict[str, list[str | None]] = {}
    for call in good_calls(live, contract):
        at, value = live.world.now + 1, call.attempt.value
        ran = live.node.run(call.sender, call.contract.address, call.data, at, value)
        assert ran.reason is None
        said.setdefault(call.name, []).append(call.outcome()[0])
    found = {name: tuple(reasons) for name, reasons in said.items() if any(reasons)}
    assert found == {
        name: reasons for name, reasons in ONCE.items() if name.startswith(f"{contract}.")
    }


# hunger


def result(stage: Stage, call: Call, gas: int, at: int) -> tuple[int, Any]:
    """Make a call with so much gas and undo it; return what it used and changed, or None."""
    request = {
        "from": call.sender,
        "to": call.contract.address,
        "data": "0x" + call.data.hex(),
        "gas": hex(gas),
        "value": hex(call.attempt.value),
    }
    with stage.undone():
        stage.rpc.set_next_timestamp(at)
        try:
            tx = str(stage.rpc.call("eth_sendTransaction", request))
        except RpcError:
            return gas, None
        receipt = stage.rpc.wait_for_receipt(tx, 30)
        if receipt.status != 1:
            return gas, None
        logs = [(log["address"], log["topics"], log["data"]) for log in receipt.logs]
        return receipt.gas_used, (stage.changed(), logs)


def starved(
    stage: Stage, contract: str, levels: Sequence[int], only: Collection[str] = ()
) -> tuple[set[str], int, int]:
    """Make every call with these amounts of gas more than it uses, every price being old.

    Return which of them did something else than with plenty, and how many did it all and nothing.
    """
    found, whole, nothing = set(), 0, 0
    for call in good_calls(stage, contract, only):
        stage.world.forward(61)
        at = stage.world.now + 1
        used, wanted = result(stage, call, 15_000_000, at)
        assert wanted is not None, call.name
        least = 21_000 + 16 * len(call.data) + 1_000  # with less it is no transaction at all
        for gas in (used + more for more in levels if used + more >= least):
            _, changes = result(stage, call, gas, at)
            whole += changes == wanted
            nothing += changes is None
            if changes not in (None, wanted):
                found.add(call.name)
    return found, whole, nothing


# whose calls give gas to contracts that are not trusted, and go on when those fail
CAREFUL = ("PriceHub", "MarginModels", "InsuranceFund", "PegStability", "Settlement", "Vault")
FEW = (-40_000, 30_000)
MANY = (*range(-120_000, 0, 20_000), -3_000, -1, *range(0, 700_000, 20_000))


@pytest.mark.covers("O08")
@pytest.mark.parametrize("contract", [pytest.param(name, id=f"O08-{name}") for name in CAREFUL])
def test_hunger_changes_no_outcome(live, contract):
    """With less gas a call does what it does with plenty, or nothing."""
    assert starved(live, contract, FEW)[0] == set()


@pytest.mark.deep
@pytest.mark.parametrize("contract", CONTRACTS)
def test_hunger_changes_no_outcome__at_any_amount(live, contract):
    found, whole, nothing = starved(live, contract, MANY)
    assert found == set()
    assert whole > 0
    assert nothing > 0


HUNGRY = Seed(
    "a hub that takes hunger for failure",
    "PriceHub",
    "poke",
    "PriceHub.vy",
    '    assert msg.gas - msg.gas // 64 > ORACLE_GAS + CALL_GAS, "gas too low"\n',
    "",
)


@pytest.mark.covers("O08")
def test_a_hub_that_takes_hunger_for_failure_is_found(live, tmp_path):
    """The other side: without the check a starved oracle is a failed one, and it is stored."""
    with live.undone():
        live.infect("PriceHub", plant(tmp_path, HUNGRY), tmp_path)
        found, _, _ = starved(live, "PriceHub", range(-40_000, 0, 4_000), {"PriceHub.poke"})
    assert found == {"PriceHub.poke"}
