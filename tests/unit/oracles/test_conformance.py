# SPDX-License-Identifier: MIT
"""What every adapter must do, run over every adapter: `rig.py` says how one takes part."""

from __future__ import annotations

import pytest

from surety import paths
from surety.compile import artifact
from tests.unit.conftest import Word
from tests.unit.oracles.rig import FAULTS, FOREVER, HUB_GAS, PRICE, USUAL, Report
from tests.unit.oracles.rigs import RIGS

CASES = [
    pytest.param((rig, variant), id=f"{rig.NAME}-{variant}" if variant else rig.NAME)
    for rig in RIGS
    for variant in rig.VARIANTS
]
SURVIVORS = [case for case in CASES if case.values[0][0].SURVIVES]
ADAPTERS = [pytest.param((rig, rig.VARIANTS[0]), id=rig.NAME) for rig in RIGS]
FAILED = 1
FRESH_FOR = 60


@pytest.fixture
def rig(bench, request):
    made, variant = request.param
    return made(bench, variant)


@pytest.fixture
def real_rig(real_bench, request):
    made, variant = request.param
    return made(real_bench, variant)


every_variant = pytest.mark.parametrize("rig", CASES, indirect=True)
every_adapter = pytest.mark.parametrize("rig", ADAPTERS, indirect=True)


def no_price(report: Report | None) -> bool:
    return report is None or report.price == 0


def test_every_adapter_has_a_rig():
    folder = paths.contracts() / "oracles"
    assert {source.stem for source in folder.glob("*.vy")} == {rig.NAME for rig in RIGS}


@every_variant
def test_price__is_exact(bench, rig):
    for price in rig.PRICES:
        expected = rig.show(price, bench.now)
        assert bench.read(rig.oracle) == expected


@every_variant
def test_price__is_near_what_the_sources_say(bench, rig):
    """The rig's own arithmetic is not free to be anything."""
    expected = rig.show(USUAL, bench.now)
    assert abs(expected.price - USUAL) * 50 <= USUAL
    assert bench.read(rig.oracle) == expected


@every_variant
def test_price__passes_on_the_time_of_its_source(bench, rig):
    bench.forward(10_000)
    for age in (9_999, 3_600, 1, 0):
        at = bench.now - age
        expected = rig.show(USUAL, at)
        assert expected.updated_at == at
        assert bench.read(rig.oracle) == expected


@every_variant
def test_price__grows_old_when_nothing_happens(bench, rig):
    expected = rig.show(USUAL, bench.now)
    bench.forward(3_000)
    assert bench.read(rig.oracle) == expected


@every_variant
def test_price__does_not_revert_when_it_is_stale(bench, rig):
    expected = rig.show(USUAL, bench.now - 10 * FOREVER)
    found = bench.read(rig.oracle)
    assert found == expected
    assert (expected.price == 0) == rig.JUDGES_AGE


@every_variant
@pytest.mark.parametrize("fault", FAULTS)
def test_no_price__when_too_many_sources_are_broken(bench, rig, fault):
    good = rig.show(USUAL, bench.now)
    count = len(rig.sources)
    for start in range(count):
        broken = [rig.sources[(start + i) % count] for i in range(rig.SURVIVES + 1)]
        with bench.broken(FAULTS[fault], *broken):
            assert no_price(bench.read(rig.oracle))
        assert bench.read(rig.oracle) == good


@pytest.mark.parametrize("rig", SURVIVORS, indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_price__survives_one_broken_source(bench, rig, fault):
    rig.show(USUAL, bench.now)
    for index, address in enumerate(rig.sources):
        with bench.broken(FAULTS[fault], address):
            assert bench.read(rig.oracle) == rig.without(index)


@every_variant
def test_no_price__when_sources_say_what_cannot_be_true(bench, rig):
    lies = rig.lies()
    assert lies
    for name in lies:
        fresh = type(rig)(bench, rig.variant)
        good = fresh.show(USUAL, bench.now)
        assert bench.read(fresh.oracle) == good, name
        fresh.lies()[name]()
        assert no_price(bench.read(fresh.oracle)), name


@every_variant
def test_price__is_the_same_twice_in_one_second(bench, rig):
    expected = rig.show(USUAL, bench.now)
    first = bench.read(rig.oracle)
    bench.rpc.set_next_timestamp(bench.now)
    bench.probe.transact("measure", rig.oracle.address, PRICE, sender=bench.stranger)
    assert bench.read(rig.oracle) == first == expected


@every_variant
def test_price__writes_nothing(bench, rig):
    """A static call answers, and an ordinary one leaves neither logs nor storage behind."""
    expected = rig.show(USUAL, bench.now)
    assert tuple(rig.oracle.read("price")) == expected
    addresses = [rig.oracle.address, *rig.sources]
    slots = [(address, slot) for address in addresses for slot in range(16)]
    before = _words(bench, slots)
    receipt = rig.oracle.transact("price", sender=bench.stranger)
    assert receipt.logs == ()
    assert _words(bench, slots) == before


def _words(bench, slots):
    if hasattr(bench.rpc, "words"):
        return bench.rpc.words(slots)
    asked = [("eth_getStorageAt", [to, hex(slot), "latest"]) for to, slot in slots]
    return [int(word, 16) for word in bench.rpc.batch(asked)]


@every_adapter
def test_price__is_a_view(rig):
    (entry,) = [item for item in artifact(rig.NAME).abi if item.get("name") == "price"]
    assert entry["stateMutability"] == "view"
    assert [item["type"] for item in entry["outputs"]] == ["uint256", "uint256"]
    assert entry["inputs"] == []


@every_variant
def test_price__is_the_same_or_reverts_with_any_gas(bench, rig):
    """Nobody makes an adapter say something else by calling it with too little gas."""
    expected = rig.show(USUAL, bench.now)
    grid = [*range(1, 4_000, 97), *range(4_000, 320_000, 701)]
    _check_any_gas(bench, rig, grid, expected)


@every_variant
@pytest.mark.parametrize("fault", ["burns its gas", "reverts", "answers nothing"])
def test_price__is_the_same_or_reverts_with_any_gas_over_a_broken_source(bench, rig, fault):
    rig.show(USUAL, bench.now)
    grid = range(1, 320_000, 2_003)
    for index, address in enumerate(rig.sources):
        with bench.broken(FAULTS[fault], address):
            expected = rig.without(index) if rig.SURVIVES else bench.read(rig.oracle)
            assert rig.SURVIVES or no_price(expected)
            _check_any_gas(bench, rig, grid, expected)


def _check_any_gas(bench, rig, grid, expected):
    answered = {gas for gas in grid if _same_or_nothing(bench.read(rig.oracle, gas), expected)}
    assert (expected is None) or answered
    # once there is enough, more is enough too
    assert expected is None or all(gas in answered for gas in grid if gas >= min(answered))
    assert 1 not in answered


def _same_or_nothing(found, expected):
    assert found is None or found == expected
    return found is not None


# with the hub in front


@pytest.fixture
def new_hub(bench):
    """A hub with the rig's adapter as kind 0 and a healthy oracle as kind 1."""

    def make(rig):
        hub = bench.deploy("PriceHub", bench.governor, FRESH_FOR, 1_200, "0x" + "00" * 20)
        beside = bench.deploy("MockOracle", USUAL)
        for oracle in (rig.oracle, beside):
            token = bench.deploy("MockToken", "Token", "TOK", 18)
            limits = (FOREVER, 1, 2**88 - 1, 2**24 - 1, 2**24 - 1, 12_750, 2**40 - 1)
            bench.send(hub, "list_kind", token.address, oracle.address, *limits)
        return hub

    return make


def _poke(bench, hub):
    bench.forward(FRESH_FOR)
    bench.send(hub, "poke", 0b11)
    return [Word.unpack(hub.read("words", kind)) for kind in (0, 1)]


@every_adapter
def test_hub__lists_it_and_follows_it(bench, rig, new_hub):
    expected = rig.show(USUAL, bench.now)
    hub = new_hub(rig)
    ours, beside = (Word.unpack(hub.read("words", kind)) for kind in (0, 1))
    assert ours.lo == ours.hi == expected.price
    assert (ours.flags, beside.flags) == (0, 0)


@every_adapter
@pytest.mark.parametrize("fault", FAULTS)
def test_hub__contains_a_broken_source_and_recovers(bench, rig, new_hub, fault):
    rig.show(USUAL, bench.now)
    hub = new_hub(rig)
    before = Word.unpack(hub.read("words", 0))
    with bench.broken(FAULTS[fault], *rig.sources):
        ours, beside = _poke(bench, hub)
        seen = Word.unpack(hub.read("read_one", 0))
    assert ours.flags & FAILED
    assert (ours.lo, ours.hi, ours.updated_at) == (before.lo, before.hi, before.updated_at)
    assert seen.lo == 0
    assert seen.hi == before.hi
    assert beside.flags == 0
    assert beside.lo == beside.hi == USUAL
    assert beside.updated_at == bench.now

    ours, _ = _poke(bench, hub)
    assert not ours.flags & FAILED
    assert ours.updated_at == bench.now
    assert ours.lo <= before.hi


@every_variant
def test_hub__contains_every_lie(bench, rig, new_hub):
    for name in rig.lies():
        fresh = type(rig)(bench, rig.variant)
        fresh.show(USUAL, bench.now)
        hub = new_hub(fresh)
        fresh.lies()[name]()
        ours, beside = _poke(bench, hub)
        assert ours.flags & FAILED, name
        assert beside.flags == 0, name


@pytest.mark.parametrize("real_rig", CASES, indirect=True)
def test_gas__leaves_room_beneath_the_hub(real_bench, real_rig):
    real_rig.show(USUAL, real_bench.now)
    receipt = real_bench.probe.transact(
        "measure", real_rig.oracle.address, PRICE, sender=real_bench.stranger
    )
    (measured,) = real_bench.probe.events(receipt)
    print(f"{real_rig.NAME} {real_rig.variant}: {measured.args['gas']}")
    assert measured.args["gas"] < HUB_GAS
