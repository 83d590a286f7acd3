# SPDX-License-Identifier: MIT
"""Numbers at their ends, and call data that is none: rows N01-N18 of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from surety.compile import artifact
from tests.bad_inputs.calldata import (
    Item,
    lists_behind_the_end,
    unreadable,
    words_of,
)
from tests.bad_inputs.live import CONTRACTS, good_calls

ZERO = "0x" + "00" * 20
# the gateway alone takes ether without call data, from wrapped ether alone
BARE = {"WethGateway": "only weth sends ether"}
PAYABLE = {"WethGateway.deposit", "PythOracle.update"}


def each_contract(row: str) -> Any:
    """Run a test for every contract that can be called to change something."""
    return pytest.mark.parametrize(
        "contract", [pytest.param(name, id=f"{row}-{name}") for name in CONTRACTS]
    )


# N01


def nothing(item: Item) -> Any:
    """Return zero, false, nobody or an empty list of a type."""
    kind = item["type"]
    if kind.endswith("]"):
        assert kind.endswith("[]")
        return []
    if kind == "tuple":
        return tuple(nothing(part) for part in item["components"])
    if kind == "address":
        return ZERO
    if kind == "bool":
        return False
    if kind == "string":
        return ""
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return 0


# what each function with arguments says when all of them are zero and its caller may make it;
# None: it goes through, as a price refresh of kind 0, a setting that may be 0 (cap, rate, fees,
# pauses, flash terms, no guardian, no ramp's target), a nomination taken back, or for no items
OF_ZEROS: dict[str | None, str] = {
    None: """
        Vault.propose_governor Vault.margin_calls Vault.set_cap Vault.set_frozen Vault.set_pauses
        Vault.set_rate Vault.set_default_model Vault.propose_fund
        Stablecoin.propose_governor Stablecoin.set_flash
        InsuranceFund.propose_governor InsuranceFund.set_reaping_paused
        PegStability.propose_governor PegStability.set_fees PegStability.set_minting_paused
        PriceHub.propose_governor PriceHub.sync PriceHub.sync_one PriceHub.poke
        PriceHub.set_sequencer
        MarginModels.propose_governor MarginModels.list_model
        TieredMargin.propose_governor TieredMargin.set_brackets TieredMargin.set_scale
        Operators.set_operator
        Governor.set_guardian Governor.propose_admin Governor.ramp
        PythOracle.update""",
    # no code answers at the zero address
    "": """
        InsuranceFund.add_book Settlement.shutdown MarginModels.use_default Governor.retire
        Governor.set_pause""",
    "zero amount": "Vault.deposit Vault.withdraw InsuranceFund.recapitalise WethGateway.deposit",
    "nothing to change": "Vault.borrow Vault.repay Vault.adjust",
    "same account": "Vault.move",
    "not authorised": "Vault.set_margin_model",
    "account is covered": "Vault.margin_call",
    "bad receiver": """
        Vault.take Vault.takes Vault.withdraw_absorbed InsuranceFund.buy PegStability.mint
        PegStability.redeem""",
    "not curable": "Vault.cure",
    "not absorbable": "Vault.absorb",
    "not settleable": "Vault.settle",
    "token not priced": "Vault.list_collateral",
    "bad levels": "Vault.set_levels",
    "mint to zero": "Stablecoin.mint",
    "not minter": "Stablecoin.burn",
    "zero minter": "Stablecoin.set_ceiling",
    "erc20: transfer to the zero address": "Stablecoin.transfer",
    "erc20: approve from the zero address": "Stablecoin.transferFrom",
    "erc20: approve to the zero address": "Stablecoin.approve",
    "erc20: expired deadline": "Stablecoin.permit",
    "unsupported token": "Stablecoin.flashLoan",
    "unknown book": """
        InsuranceFund.collect InsuranceFund.start_auction InsuranceFund.accept_book
        InsuranceFund.retire_book""",
    "no reserve": "InsuranceFund.add_reserve",
    "unknown reserve": "InsuranceFund.remove_reserve",
    "bad treasury": "InsuranceFund.set_treasury",
    "bad buffer": "InsuranceFund.set_buffer",
    "bad duration": "InsuranceFund.set_auction",
    "bad guard": "PegStability.set_guard",
    "not settling": "Settlement.settle Settlement.settles Settlement.open_redemption",
    "not redeeming": "Settlement.relieve Settlement.redeem Settlement.sweep",
    "nothing owed": "Settlement.claim",
    "token has no code": "PriceHub.list_kind",
    "oracle has no code": "PriceHub.set_oracle",
    "bad bounds": "PriceHub.set_bounds",
    "bad max age": "PriceHub.set_max_age",
    "bad slew": "PriceHub.set_limits",
    "vault has no code": "Listings.list",
    "signature expired": "Operators.set_operator_by_signature",
    "too late": """
        LeverageZap.leverage LeverageZap.deleverage LeverageZap.close
        LeverageZap.swap_collateral""",
    "not the owner": "WethGateway.withdraw",
    "bad length": "Governor.propose Governor.tighten",
    "not pending": "Governor.execute Governor.cancel Governor.veto",
    "needs a price": "Governor.execute_expecting",
    "bad pauses": "Governor.pause",
    "nothing to keep": "Governor.keep",
    "nothing to lapse": "Governor.lapse",
    "no ramp": "Governor.advance Governor.halt",
    "not registered": "Governor.adopt",
    "no code": "Governor.register",
}
REASONS_OF_ZEROS = {name: reason for reason, names in OF_ZEROS.items() for name in names.split()}
# of those that go through: what anybody may call, which must then have done nothing
NO_OPS = {"Vault.margin_calls", "PriceHub.sync", "PriceHub.poke", "PythOracle.update"}


@each_contract("N01")
def test_nothing_but_zeros(live, contract):
    said: dict[str, str | None] = {}
    for call in good_calls(live, contract, first=True):
        inputs = call.entry["inputs"]
        if not inputs:
            continue
        data = call.with_args(*(nothing(item) for item in inputs))
        said[call.name], _ = call.outcome(data, value=0)
        if call.name in NO_OPS:
            ran = live.node.run(call.sender, call.contract.address, data, live.world.now + 1)
            assert (ran.reason, live.changed()) == (None, {})
    expected = {
        name: reason for name, reason in REASONS_OF_ZEROS.items() if name.split(".")[0] == contract
    }
    assert said == expected


def test_a_call_that_does_something_is_seen_to(live):
    """The other side of the no-ops: the same question finds what a refresh writes."""
    for call in good_calls(live, "PriceHub", {"PriceHub.poke"}):
        ran = live.node.run(call.sender, call.contract.address, call.data, live.world.now + 1)
        assert ran.reason is None
        assert live.changed().keys() == {call.contract.address.lower()}


# N15


# who is refused as a receiver beside the zero address: the contract that pays, and the vault
BAD = "bad receiver"
REFUSED_RECEIVERS: dict[str, tuple[str, str | None, str | None]] = {
    "Vault.withdraw": (BAD, BAD, BAD),
    "Vault.borrow": (BAD, BAD, BAD),
    "Vault.adjust": (BAD, BAD, BAD),
    "Vault.take": (BAD, BAD, BAD),
    "Vault.takes": (BAD, BAD, BAD),
    "Vault.withdraw_absorbed": (BAD, BAD, BAD),
    # an ERC-20 whose vaults, funds and pools hold it like anybody
    "Stablecoin.mint": ("mint to zero", None, None),
    "Stablecoin.transfer": ("erc20: transfer to the zero address", None, None),
    "Stablecoin.transferFrom": ("erc20: transfer to the zero address", None, None),
    "InsuranceFund.buy": (BAD, BAD, None),
    "PegStability.mint": (BAD, BAD, None),
    "PegStability.redeem": (BAD, BAD, None),
    "Settlement.redeem": (BAD, BAD, BAD),
    "Settlement.claim": (BAD, BAD, BAD),
    "WethGateway.withdraw": (BAD, BAD, BAD),
}


def paid(entry: Item) -> int | None:
    """Return the number of the argument that says who is paid, None when nobody is."""
    names = [item["name"] for item in entry["inputs"]]
    return next((names.index(name) for name in ("receiver", "to") if name in names), None)


def test_every_function_that_pays_is_asked():
    paying = {
        f"{name}.{entry['name']}"
        for name in CONTRACTS
        for entry in artifact(name).abi
        if entry["type"] == "function" and paid(entry) is not None
    }
    # the receiver of a loan must answer, and pay it back
    assert paying == REFUSED_RECEIVERS.keys() | {"Stablecoin.flashLoan"}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(name, id=f"N15-{name}")
        for name in CONTRACTS
        if any(key.startswith(f"{name}.") for key in REFUSED_RECEIVERS)
    ],
)
def test_a_receiver_that_is_nobody_or_the_contract_itself(live, contract):
    """An adjust that pays nothing out asks for no receiver, and a claim first who claims."""
    found: dict[str, set[tuple[str | None, ...]]] = {}
    for call in good_calls(live, contract, REFUSED_RECEIVERS):
        number = paid(call.entry)
        assert number is not None
        said = []
        for receiver in (ZERO, call.contract.address, live.world.vault.address):
            args = list(call.attempt.args)
            args[number] = receiver
            said.append(call.outcome(call.with_args(*args))[0])
        found.setdefault(call.name, set()).add(tuple(said))
    expected: dict[str, set[tuple[str | None, ...]]] = {
        name: {reasons}
        for name, reasons in REFUSED_RECEIVERS.items()
        if name.startswith(f"{contract}.")
    }
    if contract == "Vault":
        expected["Vault.adjust"].add((None, None, None))
    if contract == "Settlement":
        expected["Settlement.claim"].add(("not holder",) * 3)
    assert found == expected


# N17


@each_contract("N17")
def test_call_data_that_is_none_is_refused(live, contract):
    """Beside every spoiled call stands the good one, which goes through.

    A list that begins behind the end of the call data is an empty list, and a byte that is missing
    there is a zero: so the compiler reads it, and so it is.
    """
    tried = 0
    for call in good_calls(live, contract):
        inputs, good = call.entry["inputs"], call.outcome()
        for what, data in unreadable(inputs, call.data):
            bare = BARE.get(contract, "") if len(data) < 4 or "selector" in what else ""
            assert call.outcome(data) == (bare, b""), f"{call.name}: {what}"
            tried += 1
        for more in (b"\x00", b"\xff" * 33):
            assert call.outcome(call.data + more) == good, f"{call.name}: more than was asked for"
        for number, what, data in lists_behind_the_end(inputs, call.data):
            args = list(call.attempt.args)
            args[number] = type(args[number])()
            empty = call.outcome(call.with_args(*args))
            assert call.outcome(data) == empty, f"{call.name}: {what}"
            tried += 1
        if any(words_of(item) is None for item in inputs):
            cut = call.data[:-1]
            assert call.outcome(cut) == call.outcome(cut + b"\x00"), f"{call.name}: cut"
    assert tried >= 2


# N18


@each_contract("N18")
def test_ether_that_nobody_asked_for(live, contract):
    """What takes no ether refuses a wei, bare or with a call; what is forced in changes nothing."""
    for call in good_calls(live, contract):
        good = call.outcome()
        if call.name in PAYABLE:
            assert call.attempt.value > 0
            assert call.outcome(value=call.attempt.value + 1)[0] is None
        else:
            assert call.attempt.value == 0
            assert call.outcome(value=1) == ("", b""), call.name
        assert call.outcome(b"", value=1) == (BARE.get(contract, ""), b""), call.name
        for target in live.contracts.values():
            live.rpc.set_balance(target.address, 10**20)
        assert call.outcome() == good, call.name
