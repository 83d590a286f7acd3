# SPDX-License-Identifier: MIT
"""Every hostile token against every operation, again, and compared with `docs/tokens.md`."""

from __future__ import annotations

import pytest

from tests.bad_inputs.matrix import GROUPS, OPERATIONS, PAGE, UNTOUCHED, USUAL, Operation, Page
from tests.bad_inputs.stage import GOLD
from tests.bad_inputs.tokens import PLAIN, TRAITS, Trait
from tests.incidents.weak import weakened
from tests.world import WAD


@pytest.fixture(scope="module")
def page() -> Page:
    return Page()


@pytest.mark.covers("I02", "I07", "I66")
@pytest.mark.parametrize("trait", [pytest.param(each, id=each.id) for each in TRAITS])
def test_a_token_does_what_its_page_says_and_nothing_else(page, trait):
    """Whatever is not a difference that the page states is as with a plain token, to the wei."""
    told = PAGE.read_text().splitlines()
    lines = page.rows(trait)
    for line in lines.values():
        assert line in told
    beginning = f"| {trait.id[:3]} {trait.text} |"
    assert sum(line.startswith(beginning) for line in told) == len(lines)
    assert {page.cell(each, trait) for each in UNTOUCHED} == {USUAL}
    if not trait.id.startswith("T21"):
        assert "receiver gets" not in lines.get("in", ""), "credited without having come in"


def test_the_page_is_what_was_found(page):
    assert page.text() == PAGE.read_text(), "run `python -m tests.bad_inputs.matrix --write`"


def test_a_plain_token_does_everything(page):
    """The control: with no trait at all each operation goes through, and is as usual."""
    for operation in (*OPERATIONS, *UNTOUCHED):
        assert page.matrix.usual(operation).reason is None
        assert page.matrix.cell(operation, PLAIN) == USUAL
    assert {each.group for each in OPERATIONS} == set(GROUPS)


@pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.name) for each in OPERATIONS if each.again]
)
def test_what_a_hook_tries_succeeds_at_any_other_time(page, operation):
    """The control of the cells of T10 and T11: the same call, by the same actor, outside."""
    with page.matrix.prepared(operation) as (stage, _, data):
        gold = stage.world.tokens[GOLD]
        before = stage.balances(), gold.read("balanceOf", stage.actor.address)
        stage.node.evm.message_call(stage.stranger, stage.actor.address, calldata=data)
        stage.node.evm.reset_transient_storage()
        assert (stage.balances(), gold.read("balanceOf", stage.actor.address)) != before


# the controls of the cells themselves: contracts without their guards are told apart

TRANSFERS = "modules/transfers.vy"
BELIEVES = (
    'assert staticcall IERC20(token).balanceOf(self) >= total, "token kept a fee"',
    "pass",
)
DROPS_IN = (
    'default_return_value=True), "transfer in failed"',
    'default_return_value=True) or True, "transfer in failed"',
)
DROPS_OUT = (
    'default_return_value=True), "transfer out failed"',
    'default_return_value=True) or True, "transfer out failed"',
)


@pytest.mark.parametrize(
    ("name", "trait", "found"),
    [
        ("deposit", "T02-false-and-moves", "as usual"),
        ("withdraw", "T02-false", "the payer pays nothing, the receiver gets nothing"),
    ],
    ids=["drops-an-answer-in", "drops-an-answer-out"],
)
def test_a_vault_that_drops_an_answer_is_told_apart(unguarded, name, trait, found):
    """Each cell turns on one guard alone, so that one copy without all three shows each."""
    operation, hostile = chosen(name, trait)
    assert unguarded.cell(operation, hostile) == found
    assert f"| {hostile.id[:3]} {hostile.text} | refused: t" in PAGE.read_text()


def test_a_vault_that_believes_is_told_apart(unguarded):
    """What has been booked and did not come is missing, to the unit: one percent of a hundred."""
    with pytest.raises(AssertionError, match=f": {WAD} are missing"):
        unguarded.cell(*chosen("deposit", "T07-fee-1-percent"))


def chosen(name: str, trait: str) -> tuple[Operation, Trait]:
    (operation,) = (each for each in OPERATIONS if each.name == name)
    (hostile,) = (each for each in TRAITS if each.id == trait)
    return operation, hostile


@pytest.fixture(scope="module")
def unguarded() -> Page:
    return Page(weakened("Vault", BELIEVES, DROPS_IN, DROPS_OUT, file=TRANSFERS))
