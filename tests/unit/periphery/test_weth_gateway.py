# SPDX-License-Identifier: MIT
"""Native ETH in and out of an account's WETH, over the real WETH9."""

import pytest

from surety.chain import Reverted, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.unit.periphery.stage import ETH, WETH
from tests.world import MAX, WAD, check_books, reverts

ZERO = "0x" + "00" * 20


@pytest.fixture
def gateway(stage):
    """The gateway, an operator of all accounts of owner and stranger."""
    for who in (stage.owner, stage.stranger):
        stage.set_operator(stage.gateway.address, MAX, sender=who)
    return stage.gateway


def test_deposit__enables_weth_for_the_owner(stage, gateway):
    id = stage.id(stage.owner)
    gateway.transact("deposit", id, sender=stage.owner, value=3 * WAD)
    assert stage.balance(id, WETH) == 3 * WAD
    assert stage.account(id).collateral_mask == 1 << WETH
    assert stage.held(WETH, stage.vault.address) == 3 * WAD
    check_books(stage, [id, stage.id(stage.other, 255)])


def test_deposit__tops_up_anybodys_account_without_a_permission(stage):
    id = stage.open([(WETH, WAD)], 0, owner=stage.stranger)
    stage.set_operator(stage.gateway.address, 0, sender=stage.stranger)
    stage.gateway.transact("deposit", id, sender=stage.owner, value=1)
    assert stage.balance(id, WETH) == WAD + 1


def test_deposit__rescues_while_everything_is_paused(stage):
    id = stage.open([(WETH, WAD)], 0)
    stage.vault.transact("set_pauses", 15, sender=stage.governor)
    stage.gateway.transact("deposit", id, sender=stage.stranger, value=WAD)
    assert stage.balance(id, WETH) == 2 * WAD


def test_deposit_reverts_when_a_stranger_would_enable_weth(stage, gateway):
    id = stage.open([(ETH, WAD)], 0)
    stage.set_operator(stage.stranger, MAX, sender=stage.owner)
    with reverts("not the owner"):
        gateway.transact("deposit", id, sender=stage.stranger, value=WAD)
    for wrong in (id | 1 << 168, id | 1 << 255):
        with reverts("not the owner"):
            gateway.transact("deposit", wrong, sender=stage.owner, value=WAD)


def test_deposit_reverts_when_the_gateway_is_no_operator(stage):
    with reverts("not authorised"):
        stage.gateway.transact("deposit", stage.id(stage.owner), sender=stage.owner, value=WAD)


def test_deposit_reverts_when_nothing_is_sent(stage, gateway):
    with reverts("zero amount"):
        gateway.transact("deposit", stage.id(stage.owner), sender=stage.owner)


def test_withdraw__pays_ether_to_the_receiver(stage, gateway):
    id = stage.open([(WETH, 10 * WAD)], 5_000 * WAD)
    receiver = "0x" + "ab" * 20
    gateway.transact("withdraw", id, 2 * WAD, receiver, sender=stage.owner)
    assert stage.rpc.balance(receiver) == 2 * WAD
    assert stage.balance(id, WETH) == 8 * WAD
    with reverts("below initial margin"):
        gateway.transact("withdraw", id, 7 * WAD, receiver, sender=stage.owner)


def test_withdraw__pays_all_to_the_owner(stage, gateway):
    id = stage.open([(WETH, 10 * WAD)], 0)
    assert gateway.read("withdraw", id, MAX, stage.owner, sender=stage.owner) == 10 * WAD
    before = stage.rpc.balance(stage.owner)
    receipt = gateway.transact("withdraw", id, MAX, stage.owner, sender=stage.owner)
    paid = receipt.gas_used * receipt.gas_price
    assert stage.rpc.balance(stage.owner) == before + 10 * WAD - paid
    assert stage.account(id).collateral_mask == 0


@pytest.mark.parametrize("amount", [0, 10 * WAD + 1, MAX - 1])
def test_withdraw_refuses_an_amount(stage, gateway, amount):
    id = stage.open([(WETH, 10 * WAD)], 0)
    with reverts("above balance" if amount else "zero amount"):
        gateway.transact("withdraw", id, amount, stage.owner, sender=stage.owner)


def test_withdraw_reverts_for_anybody_else(stage, gateway):
    id = stage.open([(WETH, 10 * WAD)], 0)
    stage.set_operator(stage.stranger, MAX, sender=stage.owner)
    for wrong in (id, id | 1 << 168):
        with reverts("not the owner"):
            gateway.transact("withdraw", wrong, WAD, stage.stranger, sender=stage.stranger)
    stage.set_operator(gateway.address, 0, sender=stage.owner)
    with reverts("not authorised"):
        gateway.transact("withdraw", id, WAD, stage.owner, sender=stage.owner)


def test_withdraw_reverts_when_the_receiver_cannot_be_paid(stage, gateway):
    id = stage.open([(WETH, 10 * WAD)], 0)
    for receiver in (ZERO, gateway.address, stage.vault.address):
        with reverts("bad receiver"):
            gateway.transact("withdraw", id, WAD, receiver, sender=stage.owner)
    with reverts("payment failed"):  # a contract that takes no ether
        gateway.transact("withdraw", id, WAD, stage.coin.address, sender=stage.owner)


def test_withdraw_reverts_when_the_receiver_calls_back_in(stage, gateway):
    sender = UnlockedSender(stage.rpc, stage.governor)
    hostile = stage.contract(
        "MockEtherReceiver", deploy_contract(sender, artifact("MockEtherReceiver"))
    )
    id = stage.id(hostile.address)
    stage.give(stage.owner, WETH, 5 * WAD)

    def act(contract, fn, *args):
        call = contract.encode(fn, *args)
        return hostile.transact("execute", contract.address, call, sender=stage.governor)

    stage.weth.transact("transfer", hostile.address, 5 * WAD, sender=stage.owner)
    act(stage.weth, "approve", stage.vault.address, MAX)
    act(stage.vault, "deposit", id, WETH, 5 * WAD)
    act(stage.operators, "set_operator", stage.vault.address, gateway.address, MAX)
    again = gateway.encode("withdraw", id, WAD, hostile.address)
    hostile.transact("set_attempt", gateway.address, again, sender=stage.governor)
    act(gateway, "withdraw", id, WAD, hostile.address)
    assert (hostile.read("attempts"), hostile.read("successes")) == (1, 0)
    assert stage.rpc.balance(hostile.address) == WAD
    assert stage.balance(id, WETH) == 4 * WAD
    # it was the lock: the same call goes through afterwards
    hostile.transact("set_attempt", ZERO, b"", sender=stage.governor)
    hostile.transact("execute", gateway.address, again, sender=stage.governor)
    assert stage.balance(id, WETH) == 3 * WAD


@pytest.mark.parametrize("data", [b"", b"\x12\x34\x56\x78"])
def test_stray_ether_is_refused(stage, gateway, data):
    with reverts("only weth sends ether"):
        UnlockedSender(stage.rpc, stage.owner).send(gateway.address, data, 1)
    with pytest.raises(Reverted):
        UnlockedSender(stage.rpc, stage.owner).send(stage.zap.address, data, 1)
    with pytest.raises(Reverted):
        gateway.transact(
            "withdraw", stage.id(stage.owner), 1, stage.owner, sender=stage.owner, value=1
        )


def test_deploy_reverts_when_something_is_not_what_it_says(stage):
    sender = UnlockedSender(stage.rpc, stage.governor)
    vault, weth = stage.vault.address, stage.weth.address
    for args, reason in (
        ((stage.owner, weth, WETH), "no code"),
        ((vault, stage.owner, WETH), "no code"),
        ((vault, weth, ETH), "not weth"),
        ((vault, stage.address(ETH), WETH), "not weth"),
    ):
        with reverts(reason):
            deploy_contract(sender, artifact("WethGateway"), *args)
    for args in ((stage.owner, vault), (vault, stage.owner)):
        with reverts("no code"):
            deploy_contract(sender, artifact("LeverageZap"), *args)
    with pytest.raises(Reverted):  # no vault
        deploy_contract(sender, artifact("LeverageZap"), weth, vault)
