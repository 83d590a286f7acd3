# SPDX-License-Identifier: MIT
"""Every rounding of margin_math.vy, proven over the integers: see docs/proofs.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surety.formulas import Revert, load, margin_math, margin_math_path
from surety.paths import contracts
from tests.proofs import lemmas, symbolic
from tests.proofs.lemmas import LEMMAS
from tests.proofs.symbolic import (
    Lemma,
    Overlay,
    Sym,
    Symbolic,
    find,
    flipped,
    holds,
    prove,
)
from tests.proofs.symbolic import (
    Path as Walk,
)

FLIPS = [
    pytest.param(lemma, flip, id=f"{lemma.name}-{number}")
    for lemma in LEMMAS
    for number, flip in enumerate(lemma.flips)
]
# catalogue ids: what a lemma proves of the formula that the contract computes with
COVERS = {
    "debt_up__is_the_ceiling": ("I15",),
    "borrowed_up__is_the_ceiling": ("I13", "I15"),
    "borrowed_up__owes_at_least_what_was_borrowed": ("I13",),
    "borrowed_up__and_repaid_at_once_is_no_free_lunch": ("I16",),
    "borrowed_up__in_parts_is_never_cheaper": ("I21",),
    "repaid_down__lowers_the_debt_by_at_most_what_was_paid": ("I14",),
    "repaid_down__in_parts_never_removes_more": ("I21",),
    "total_debt_down__is_never_more_than_the_accounts_owe": ("I04",),
    "index_up__never_falls_saturates_and_never_reverts": ("I17", "I19"),
    "value_down__is_the_floor": ("I15",),
    "capacities__are_nested": ("I26",),
    "capacities__at_target_and_close_out_never_fall_with_value": ("I28",),
    "maintenance_capacity__is_that_from_the_target": ("I27",),
    "account_state__is_that_of_the_table": ("I31", "I32"),
    "call_tip_down__is_at_most_a_400th_of_the_debt": ("I55",),
    "auction_factor__never_rises": ("I41",),
    "auction_price_up__is_the_ceiling_and_never_nothing": ("I41",),
    "take_amounts__stays_inside_its_bounds": ("I42",),
    "take_amounts__costs_at_least_the_price": ("I15", "I48"),
    "take_amounts__charges_the_penalty": ("I48",),
    "take_amounts__leaves_no_dust": ("I44",),
    "take_amounts__never_sells_past_the_target": ("I46",),
    "next_multiplier__moves_by_its_steps_and_no_further": ("I33",),
    "slew_hi_up__falls_at_most_by_the_slew": ("I63",),
    "slew_lo_down__rises_at_most_by_the_slew": ("I63",),
}
LEMMA_PARAMS = [
    pytest.param(
        each,
        id=each.name,
        marks=[pytest.mark.covers(*COVERS[each.name])] if each.name in COVERS else [],
    )
    for each in LEMMAS
]


@pytest.fixture(scope="module")
def formulas() -> Symbolic:
    return Symbolic(margin_math)


@pytest.fixture(scope="module")
def source() -> str:
    return margin_math_path().read_text()


@pytest.mark.parametrize("lemma", LEMMA_PARAMS)
def test_lemma_holds_for_all_integers(lemma: Lemma, formulas: Symbolic) -> None:
    proof = prove(lemma, formulas)
    assert proof.broken is None, f"{proof.broken}: {proof.example}"
    assert proof.paths >= 1
    assert proof.claims + proof.decided >= 1


@pytest.mark.parametrize(("lemma", "flip"), FLIPS)
def test_lemma_fails_once_a_rounding_is_flipped(
    lemma: Lemma, flip: tuple[str, str, str], formulas: Symbolic, source: str, tmp_path: Path
) -> None:
    """The control: on some integers the changed formula fails and the real one holds, and told
    these integers, the machine that proves finds the same.

    They are looked for among plain integers, and only then by z3, to which a change of one unit in
    many may be a long search.
    """
    changed = tmp_path / "margin_math.vy"
    changed.write_text(flipped(source, flip))
    other = load(changed)
    both, terms = Overlay(other, margin_math), Overlay(Symbolic(other), formulas)
    example = find(lemma, both, margin_math) or prove(lemma, terms).example
    assert example is not None
    example = {name: example.get(name, lo) for name, (lo, _) in lemma.domains.items()}
    assert not holds(lemma, both, example)
    assert holds(lemma, margin_math, example)
    proof = prove(lemma, terms, example)
    assert proof.broken is not None
    assert proof.example is not None
    assert proof.example.items() <= example.items()
    assert prove(lemma, formulas, example).broken is None


def test_the_domains_are_those_that_the_contracts_allow() -> None:
    """Read from their sources: a bound that is widened there must be proven for as well."""

    def bound(file: str, text: str) -> tuple[int, ...]:
        found = re.findall(text, (contracts() / file).read_text())
        assert len(found) == 1, (file, text, found)
        return tuple(int(each) for each in re.findall(r"\d+", found[0].replace("_", "")))

    assert (0, *bound("Vault.vy", r"assert liquidation_penalty_ <= ([\d_]+)")) == lemmas.PENALTY
    start = r"MAX_START_FACTOR: constant\(uint256\) = ([\d_]+)"
    for file in ("Vault.vy", "InsuranceFund.vy"):
        assert (1, *bound(file, start)) == lemmas.FACTOR
    initial, maintenance = bound("PriceHub.vy", r"MAX_MULTIPLIERS.* = \[([\d_]+, [\d_]+)\]")
    assert (lemmas.BPS, initial) == lemmas.INITIAL_MULTIPLIER
    assert (lemmas.BPS, maintenance) == lemmas.MAINTENANCE_MULTIPLIER
    base, bits, less = bound("modules/price_word.vy", r"PRICE_MASK: .* = (2\*\*\d+ - 1)")
    assert (1, base**bits - less) == lemmas.PRICE


def test_every_function_has_a_lemma_of_its_own_name() -> None:
    proven = {name for lemma in LEMMAS for name in lemma.functions}
    assert proven == set(margin_math.functions)


def test_every_lemma_has_a_control_and_a_sentence() -> None:
    assert COVERS.keys() <= {lemma.name for lemma in LEMMAS}
    assert len({lemma.name for lemma in LEMMAS}) == len(LEMMAS)
    for lemma in LEMMAS:
        assert lemma.flips, lemma.name
        assert lemma.doc.endswith("."), lemma.name
        assert {name for name, _, _ in lemma.flips} <= set(margin_math.functions)


def test_the_machine__a_wrap_a_revert_and_a_false_claim_are_found(tmp_path: Path) -> None:
    """What is proven of a toy that is wrong in three known ways: exactly these are found."""
    toy = tmp_path / "toy.vy"
    toy.write_text(
        "\n".join(
            [
                "# pragma version 0.4.3",
                "@internal",
                "@pure",
                "def wraps(a: uint256, b: uint256) -> uint256:",
                "    return unsafe_sub(a, b)",
                "",
                "@internal",
                "@pure",
                "def reverts(a: uint256, b: uint256) -> uint256:",
                "    return a // b",
                "",
                "@internal",
                "@pure",
                "def splits(a: uint256, b: uint256) -> uint256:",
                "    if a > b:",
                "        return a",
                "    return a + 1 if a == 41 else b",
            ]
        )
    )
    found = load(toy)

    def lemma(total: bool, says: object) -> Lemma:
        domains = {"a": (0, 2**256 - 1), "b": (0, 99)}
        return Lemma("toy", ("toy",), says, domains, (), total)  # type: ignore[arg-type]

    wrapped = prove(lemma(False, lambda m, a, b: m.wraps(a, b) == a - b), Symbolic(found))
    assert wrapped.broken == "does not wrap"
    assert wrapped.example is not None
    assert wrapped.example["a"] < wrapped.example["b"]
    divided = lemma(True, lambda m, a, b: m.reverts(a, b) <= a)
    proof = prove(divided, Symbolic(found))
    assert proof.broken == "does not revert"
    assert proof.example is not None
    assert proof.example["b"] == 0
    with pytest.raises(Revert):
        found.reverts(1, 0)
    assert prove(lemma(False, lambda m, a, b: m.reverts(a, b) <= a), Symbolic(found)).broken is None
    largest = lemma(True, lambda m, a, b: m.splits(a, b) == symbolic.larger(a, b))
    proof = prove(largest, Symbolic(found))
    assert proof.example is not None
    assert proof.example["a"] == 41  # of 2**256 numbers the only one at which it is wrong
    assert proof.example["b"] >= 41
    assert not holds(largest, found, proof.example)
    assert holds(largest, found, {"a": 40, "b": 41})


def test_the_machine__bounds_and_ints_agree() -> None:
    """Arithmetic on unknowns that are known to a unit is arithmetic on ints."""
    walk = Walk((), total=True)
    symbolic._path.append(walk)
    try:
        for a in (0, 1, 7, 10**30):
            for b in (1, 3, 10**18):
                x, y = Sym(symbolic.z3.IntVal(a), a, a), Sym(symbolic.z3.IntVal(b), b, b)
                for found, wanted in ((x + y, a + b), (x * y, a * b), (x // y, a // b)):
                    assert (found.lo, found.hi) == (wanted, wanted)
                assert bool(x < y) == (a < b)
                assert bool(x == y) == (a == b)
    finally:
        symbolic._path.pop()
    assert walk.made == []
