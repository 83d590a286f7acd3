# SPDX-License-Identifier: MIT
"""One governor, handed over in two steps: the same in every governed contract."""

import pytest

from tests.unit.conftest import ZERO


@pytest.fixture(params=["Stablecoin", "PriceHub", "InsuranceFund", "MarginModels", "TieredMargin"])
def governed(request, project, coin):
    """A governed contract class and the arguments of its constructor, by first governor."""
    arguments = {
        "Stablecoin": lambda first: ("Coin", "COIN", first),
        "PriceHub": lambda first: (first, 60, 1_200, ZERO),
        "InsuranceFund": lambda first: (first, coin, first, 100),
        "MarginModels": lambda first: (first,),
        "TieredMargin": lambda first: (first,),
    }[request.param]
    return getattr(project, request.param), arguments


@pytest.fixture
def contract(governed, governor):
    container, arguments = governed
    return governor.deploy(container, *arguments(governor))


def test_governor__changes_in_two_steps(contract, governor, alice, bob, reverts_with):
    assert (contract.governor(), contract.pending_governor()) == (governor, ZERO)
    reverts_with("not governor", contract.propose_governor, alice, sender=alice)

    receipt = contract.propose_governor(alice, sender=governor)
    assert [(e.event_name, e.pending) for e in receipt.events] == [("GovernorProposed", alice)]
    assert (contract.governor(), contract.pending_governor()) == (governor, alice)
    reverts_with("not proposed", contract.accept_governor, sender=bob)

    receipt = contract.accept_governor(sender=alice)
    assert [(e.event_name, e.governor) for e in receipt.events] == [("GovernorChanged", alice)]
    assert (contract.governor(), contract.pending_governor()) == (alice, ZERO)
    reverts_with("not governor", contract.propose_governor, governor, sender=governor)


def test_a_proposal_can_be_withdrawn(contract, governor, alice, reverts_with):
    contract.propose_governor(alice, sender=governor)
    contract.propose_governor(ZERO, sender=governor)
    reverts_with("not proposed", contract.accept_governor, sender=alice)
    assert contract.governor() == governor


def test_deploy_reverts_when_governor_is_zero(governed, refuses_to_deploy):
    container, arguments = governed
    refuses_to_deploy("zero governor", container, *arguments(ZERO))
