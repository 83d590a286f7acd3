# SPDX-License-Identifier: MIT
"""The probes tell exactly what calls of the real coin did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from surety.compile import artifact
from tests.proofs import coverage
from tests.proofs.coverage import Contract, Recorder
from tests.proofs.probed import (
    CORE,
    EACH,
    MARKS,
    build,
    footless,
    instructions,
    marks_of,
    seen_in,
    target_of,
)

COIN = CORE.index("Stablecoin") * EACH
GOVERNOR, MINTER, NOBODY = "0x" + "01" * 20, "0x" + "02" * 20, "0x" + "00" * 20
JUMPI, JUMPDEST, DUP2, PUSH2, PUSH5 = 0x57, 0x5B, 0x81, 0x61, 0x64
KNOWN, TO_SOMEBODY = 'assert word != 0, "not minter"', "assert receiver != empty(address)"


def opcodes(code: bytes) -> list[tuple[int, int]]:
    return [(each.op, each.pushed) for each in instructions(code)]


def unprobed(found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Leave out the probes."""
    at = 0
    while at < len(found):
        ops = bytes(op for op, _ in found[at : at + 7])
        if ops == bytes((DUP2, 0x15, PUSH5, 0x01, 0x31, 0x50, JUMPI)):
            assert MARKS + COIN <= found[at + 2][1] < MARKS + COIN + EACH
            at += 6
        yield found[at]
        at += 1
        if found[at - 1][0] == JUMPDEST:
            assert bytes(op for op, _ in found[at : at + 3]) == bytes((PUSH5, 0x31, 0x50))
            at += 3


def test_probed__is_the_artifact_and_probes() -> None:
    """Instruction by instruction; only what points into the code, always by PUSH2, is moved."""
    made = build("Stablecoin")
    assert made.code == artifact("Stablecoin").bytecode
    tables = len(footless(made.code)) - max(each.after for each in made.instructions.values())
    plain = opcodes(footless(made.code)[:-tables])
    rest = list(unprobed(opcodes(footless(made.probed)[:-tables])))
    assert [op for op, _ in rest] == [op for op, _ in plain]
    moved = {plain[at][0] for at in range(len(plain)) if plain[at] != rest[at]}
    assert moved == {PUSH2}
    assert len(made.jumps) == sum(op == JUMPI for op, _ in plain) > 100


def test_marks__are_told_from_other_accounts() -> None:
    mark = f"0x{'0' * 30}E7C0De0003"
    assert marks_of([mark, "0x" + "1" * 40, f"0x1{'0' * 29}E7C0De0003", NOBODY]) == {3}


def test_seen__names_both_ways_and_the_begin_of_a_block() -> None:
    made = build("Stablecoin")
    first, entry = made.jumps[0], COIN + 2 * len(made.jumps)
    after = made.instructions[first].after
    assert seen_in({COIN}, "Stablecoin") == ({(first, target_of(made, first))}, set())
    assert seen_in({COIN + 1}, "Stablecoin") == ({(first, after)}, set())
    assert seen_in({entry + 4}, "Stablecoin") == (set(), {made.entries[4]})
    assert seen_in({COIN - 1, COIN + EACH}, "Stablecoin") == (set(), set())  # of others


class Coin:
    """The coin with probes, on an EVM that a recorder watches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pyrevm = pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")
        monkeypatch.setattr(pyrevm, "EVM", pyrevm.EVM)  # put back what `watch` replaces
        self.recorder = Recorder()
        self.recorder.watch()
        self.contract = Contract("Stablecoin")
        self.evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=2**40)
        self.evm.set_balance(GOVERNOR, 10**18)
        terms = encode(["string", "string", "address"], ["Coin", "COIN", GOVERNOR])
        self.address = self.evm.deploy(GOVERNOR, self.contract.build.probed + terms)

    def call(self, sender: str, name: str, types: list[str], *args: object) -> None:
        data = selector(f"{name}({','.join(types)})") + encode(types, args)
        self.evm.message_call(sender, self.address, calldata=data, gas=10**7)

    def mint(self, amount: int, receiver: str = MINTER) -> None:
        self.call(MINTER, "mint", ["address", "uint256"], receiver, amount)

    def taken(self, function: str) -> set[tuple[str, str]]:
        jumped, _ = seen_in(self.recorder.all(), "Stablecoin")
        found, _ = self.contract.branches(jumped)
        return {(one.text, one.side) for one in found if one.function == function and one.taken}

    def lines(self) -> tuple[int, int]:
        return self.contract.lines(self.contract.ran(*seen_in(self.recorder.all(), "Stablecoin")))


@pytest.fixture
def coin(monkeypatch: pytest.MonkeyPatch) -> Coin:
    return Coin(monkeypatch)


def test_coverage__of_the_coin__is_what_was_called(coin: Coin) -> None:
    """Two refused calls and one that works: exactly these sides of `mint` and `set_ceiling`."""
    with pytest.raises(RuntimeError):
        coin.mint(5)
    assert coin.taken("mint") == {(KNOWN, "fails")}
    coin.call(GOVERNOR, "set_ceiling", ["address", "uint256"], MINTER, 100)
    assert ('assert minter != empty(address), "zero minter"', "holds") in coin.taken("set_ceiling")
    with pytest.raises(RuntimeError):
        coin.mint(5, NOBODY)
    to_nobody = TO_SOMEBODY + ', "mint to zero"'
    assert coin.taken("mint") == {(KNOWN, "fails"), (KNOWN, "holds"), (to_nobody, "fails")}
    coin.mint(5)
    assert (to_nobody, "holds") in coin.taken("mint")
    assert not any(side == "then" for _, side in coin.taken("mint"))  # never above the ceiling
    coin.mint(500)
    assert any(side == "then" for _, side in coin.taken("mint"))


def test_coverage__counts_the_constructor_and_lines(coin: Coin) -> None:
    zero = 'assert governor != empty(address), "zero governor"'
    assert coin.taken("__init__") == {(zero, "holds")}
    all_lines, before = coin.lines()
    assert 0 < before < all_lines
    with pytest.raises(RuntimeError):
        coin.mint(5)
    assert before < coin.lines()[1] < all_lines


def test_recorder__reads_an_evm_that_is_gone(coin: Coin) -> None:
    """Also what was undone by a snapshot of its own."""
    kept = coin.evm.snapshot()
    with pytest.raises(RuntimeError):
        coin.mint(5)
    coin.evm.revert(kept)
    del coin.evm
    assert coin.taken("mint") == {(KNOWN, "fails")}
    assert len(coin.recorder.living) == 0


def test_dump__adds_to_another_run_of_the_same_code(coin: Coin, tmp_path) -> None:
    place = tmp_path / "seen.json"
    seen = coin.recorder.all()
    coin.recorder.dump(place)
    again = Recorder()
    again.marks = {1}
    again.dump(place)
    assert set(coverage.json.loads(place.read_text())["marks"]) == seen | {1}
    again.codes = {**again.codes, "Vault": ""}
    with pytest.raises(pytest.UsageError, match="is of other code: remove it"):
        again.dump(place)
