# SPDX-License-Identifier: MIT
"""The recorder of branches sees what it should, in made-up traces and on the coin's bytecode."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from surety.compile import artifact
from tests.proofs import coverage
from tests.proofs.coverage import Contract, Recorder

STEP = '{{"pc":{pc},"op":{op},"gas":"0x1","stack":[{stack}],"depth":{depth},"opName":"X"}}\n'


class Codes:
    """Stands for an EVM: two addresses with code, of which one belongs to the core."""

    def get_code(self, address: str) -> bytes:
        return {"0x" + "0" * 39 + "a": b"\x01" * 2_000}.get(address, b"\x02" * 2_000)


def record(*steps: tuple[int, int, str, int]) -> Recorder:
    recorder = Recorder({"Vault": (b"\x00" + b"\x01" * 2_000, 2_000)})
    text = "".join(STEP.format(pc=a, op=b, stack=c, depth=d) for a, b, c, d in steps)
    recorder.read(text, Codes(), "0x" + "0" * 39 + "A", {})
    return recorder


def test_recorder__takes_both_ends_of_a_jump() -> None:
    found = record((0, 0x60, "", 1), (2, 0x57, '"0x1","0x9"', 1), (9, 0x5B, "", 1))
    assert found.jumps["Vault"] == {(2, 9)}
    assert found.pcs["Vault"] == {0, 2, 9}


def test_recorder__leaves_out_what_other_contracts_do() -> None:
    """A call of another address: its jumps are not the core's, those after its return are."""
    found = record(
        (0, 0xF1, '"0x0","0x0","0x0","0x0","0x0","0xb","0xff"', 1),
        (5, 0x57, '"0x1","0x9"', 2),
        (9, 0x5B, "", 2),
        (1, 0x57, '"0x0","0x9"', 1),
        (2, 0x5B, "", 1),
    )
    assert found.jumps["Vault"] == {(1, 2)}
    assert found.pcs["Vault"] == {0, 1, 2}


def test_recorder__follows_a_call_into_the_core() -> None:
    found = record(
        (0, 0xFA, '"0x0","0x0","0x0","0x0","0xa","0xff"', 1),
        (7, 0x57, '"0x1","0x9"', 2),
        (9, 0x5B, "", 2),
        (1, 0x00, "", 1),
    )
    assert found.jumps["Vault"] == {(7, 9)}


def test_coverage__of_the_coin__is_what_was_called(monkeypatch) -> None:
    """Two refused calls and one that works: exactly these sides of `mint` and `set_ceiling`."""
    pyrevm = pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")
    monkeypatch.setattr(pyrevm, "EVM", pyrevm.EVM)  # put back what `install` replaces
    coin = artifact("Stablecoin")
    recorder = Recorder({"Stablecoin": (coin.bytecode, coin.runtime_size)})
    coverage.install(recorder)
    evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=2**40)
    governor, minter, zero = (f"0x{byte:02x}" * 1 + "00" * 19 for byte in (1, 2, 0))
    evm.set_balance(governor, 10**18)
    terms = encode(["string", "string", "address"], ["Coin", "COIN", governor])
    address = evm.deploy(governor, coin.bytecode + terms)

    def call(sender: str, name: str, types: list[str], *args: object) -> None:
        data = selector(f"{name}({','.join(types)})") + encode(types, args)
        evm.message_call(sender, address, calldata=data, gas=10**7)

    def taken(function: str) -> set[tuple[str, str]]:
        found, _ = contract.branches(recorder.jumps["Stablecoin"])
        return {(one.text, one.side) for one in found if one.function == function and one.taken}

    contract = Contract("Stablecoin")
    known, minted = 'assert word != 0, "not minter"', "assert receiver != empty(address)"
    with pytest.raises(RuntimeError):
        call(minter, "mint", ["address", "uint256"], minter, 5)
    assert taken("mint") == {(known, "fails")}
    call(governor, "set_ceiling", ["address", "uint256"], minter, 100)
    assert ('assert minter != empty(address), "zero minter"', "holds") in taken("set_ceiling")
    with pytest.raises(RuntimeError):
        call(minter, "mint", ["address", "uint256"], zero, 5)
    assert taken("mint") == {
        (known, "fails"),
        (known, "holds"),
        (minted + ', "mint to zero"', "fails"),
    }
    call(minter, "mint", ["address", "uint256"], minter, 5)
    assert (minted + ', "mint to zero"', "holds") in taken("mint")
    assert not any(side == "then" for _, side in taken("mint"))  # never above the ceiling
    call(minter, "mint", ["address", "uint256"], minter, 500)
    assert any(side == "then" for _, side in taken("mint"))
