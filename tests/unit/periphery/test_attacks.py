# SPDX-License-Identifier: MIT
"""Who tries to come in while the zap works, or instead of the vault, and what comes of it.

The hook token makes one call of the attacker's on every transfer. Each attempt is one that succeeds
(or could) outside of a call of the zap: only what guards the inside refuses it.
"""

import pytest

from surety.chain import Codec, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.uniswap import FOREVER, ZERO
from tests.unit.periphery.stage import ETH, HOOK
from tests.world import INT_MIN, MAX, WAD, reverts

PLAN = b"\0" * 32
PLAN_TYPES = Codec(("(address,uint256,uint256,uint256,address,uint256,bytes)",))


@pytest.fixture
def hook(stage):
    """The hook token, which also owns an account, with eth and a debt, and uses the zap."""
    stage.open([(ETH, WAD)], 0, sub=5)  # the victim's
    token = stage.contract("ReentrantToken", stage.address(HOOK))
    me = token.address
    stage.rpc.impersonate(me)
    stage.rpc.set_balance(me, 10**20)
    stage.give(me, ETH, 30 * WAD)
    for target in (stage.vault.address, stage.zap.address, stage.uniswap.router.address):
        stage.tokens[ETH].transact("approve", target, MAX, sender=me)
        stage.coin.transact("approve", target, MAX, sender=me)
    stage.set_operator(stage.zap.address, MAX, sender=me)
    legs = [(ETH, 10 * WAD)]
    stage.vault.transact("adjust", stage.id(me), legs, 5_000 * WAD, me, b"", sender=me)
    return token


def attempts(stage, hook):
    """Return what the attacker calls, by name: (target, call data)."""
    zap, vault, router = stage.zap, stage.vault, stage.uniswap.router
    mine, victim = stage.id(hook.address), stage.id(stage.owner, 5)
    path = stage.path(ETH, None)
    # a plan that the zap could carry out as soon as the vault has paid it: sell for nothing
    plan = (hook.address, WAD, 0, 0, ZERO, 0, stage.path(HOOK, None))
    forged = zap.encode("on_adjust", victim, PLAN_TYPES.encode([plan]))
    return {
        "leverage": (
            zap,
            zap.encode("leverage", mine, ETH, WAD, 2_000 * WAD, 1, stage.path(None, ETH), FOREVER),
        ),
        "deleverage": (
            zap,
            zap.encode("deleverage", mine, ETH, WAD, 1_000 * WAD, 0, path, FOREVER),
        ),
        "close": (zap, zap.encode("close", mine, ETH, MAX, stage.path(None, ETH), FOREVER)),
        "callback": (zap, forged),
        "vault": (vault, vault.encode("withdraw", mine, ETH, 1, hook.address)),
        "victim": (vault, vault.encode("withdraw", victim, ETH, 1, hook.address)),
        "pull": (
            stage.coin,
            stage.coin.encode("transferFrom", zap.address, hook.address, 1),
        ),
        "router": (
            router,
            router.encode("exactInput", (path, hook.address, FOREVER, WAD, 0)),
        ),
    }


NAMES = ("leverage", "deleverage", "close", "callback", "vault", "victim", "pull", "router")
OWN_AFFAIRS = {
    "vault",
    "router",
}  # the attacker's own account and trade, where the vault is not busy


def attack(stage, hook, name):
    """Let the token make the attempt from now on."""
    target, data = attempts(stage, hook)[name]
    hook.transact("set_callback", target.address, data, sender=stage.governor)


@pytest.mark.parametrize("name", NAMES)
def test_an_attempt_from_outside_is_ordinary(stage, hook, name):
    """Those that the attacker may make do succeed outside: inside it is the guard that refuses."""
    target, data = attempts(stage, hook)[name]
    sender = UnlockedSender(stage.rpc, hook.address)
    if name == "callback":
        with reverts("not called back"):
            sender.send(target.address, data)
    elif name in ("victim", "pull"):
        with reverts("not authorised" if name == "victim" else "erc20: insufficient allowance"):
            sender.send(target.address, data)
    else:
        sender.send(target.address, data)


@pytest.mark.covers("T10")
@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_calls_back_in_changes_nothing(stage, hook, name):
    id = stage.id(stage.owner)
    stage.give(stage.owner, HOOK, 10 * WAD)
    attack(stage, hook, name)
    least = 9 * WAD
    bought = stage.bought(20_000 * WAD, None, HOOK)
    args = (id, HOOK, 10 * WAD, 20_000 * WAD, least, stage.path(None, HOOK))
    stage.do("leverage", *args)
    assert hook.read("calls") == 4  # in, bought, pulled, topped up
    assert (hook.read("successes") > 0) == (name in OWN_AFFAIRS)
    assert stage.balance(id, HOOK) == 10 * WAD + bought
    assert (stage.debt(id), stage.held(None), stage.held(HOOK)) == (20_000 * WAD, 0, 0)
    stage.check_empty()

    attack(stage, hook, name)
    coins = stage.bought(5 * WAD, HOOK, None)
    stage.do("deleverage", id, HOOK, 5 * WAD, 9_000 * WAD, 9_000 * WAD, stage.path(HOOK, None))
    assert hook.read("calls") == 2
    assert (stage.debt(id), stage.held(None)) == (11_000 * WAD, coins - 9_000 * WAD)
    stage.check_empty()

    attack(stage, hook, name)
    sold = stage.sold(11_000 * WAD, HOOK, None)
    stage.do("close", id, HOOK, MAX, stage.path(None, HOOK))
    assert hook.read("calls") == 3
    assert (hook.read("successes") > 0) == (name in OWN_AFFAIRS)
    assert stage.held(HOOK) == 5 * WAD + bought - sold
    assert stage.account(id).collateral_mask == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_token_on_the_path_costs_no_more_than_the_limit(stage, hook, name):
    amounts = {stage.address(HOOK): 100 * WAD, stage.address(ETH): 100 * WAD}
    stage.give(stage.keeper, HOOK, 100 * WAD)
    stage.give(stage.keeper, ETH, 100 * WAD)
    pool = stage.uniswap.pool(amounts, stage.keeper)
    stage.pools[frozenset(amounts)] = pool
    id = stage.open([(ETH, 20 * WAD)], 5_000 * WAD)
    attack(stage, hook, name)
    coins = stage.bought(2 * WAD, ETH, HOOK, None)
    path = stage.path(ETH, HOOK, None)
    stage.do("deleverage", id, ETH, 2 * WAD, 3_000 * WAD, coins, path)
    assert hook.read("calls") == 2
    assert stage.held(None) == 5_000 * WAD + coins - 3_000 * WAD


# the callback


@pytest.mark.covers("P08")
def test_the_callback_is_refused_outside_of_a_call(stage):
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    stage.rpc.impersonate(stage.vault.address)
    stage.rpc.set_balance(stage.vault.address, 10**20)
    for sender in (stage.vault.address, stage.owner, stage.uniswap.router.address):
        stage.rpc.impersonate(sender)
        stage.rpc.set_balance(sender, 10**20)
        with reverts("not called back"):
            stage.zap.transact("on_adjust", id, PLAN, sender=sender)
    # a call before leaves nothing open
    stage.do("leverage", id, ETH, 0, 2_000 * WAD, 1, stage.path(None, ETH))
    with reverts("not called back"):
        stage.zap.transact("on_adjust", id, PLAN, sender=stage.vault.address)


@pytest.mark.covers("P08", "A08")
def test_the_vault_calls_nobody_but_its_caller(stage):
    """An adjust of somebody else's, with data made for the zap, calls that somebody."""
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    call = ("adjust", id, [(ETH, -1)], 0, stage.zap.address)
    with reverts(""):  # the owner has no code to be called back
        stage.vault.transact(*call, PLAN, sender=stage.owner)
    stage.vault.transact(*call, b"", sender=stage.owner)
    stage.do("leverage", id, ETH, 0, 2_000 * WAD, 1, stage.path(None, ETH))  # takes the stray unit


@pytest.fixture
def hostile(stage):
    """A vault that reports what it likes and calls back twice, and a zap deployed over it."""
    sender = UnlockedSender(stage.rpc, stage.governor)
    address = deploy_contract(sender, artifact("MockHostileVault"), stage.vault.address)
    vault = stage.contract("MockHostileVault", address)
    zap = deploy_contract(sender, artifact("LeverageZap"), address, stage.uniswap.router.address)
    return vault, stage.contract("LeverageZap", zap)


def test_a_hostile_vault_gets_no_more_than_its_own_caller_brought(stage, hostile):
    """A zap over a bad vault can rob those who use that zap, and nobody else."""
    vault, zap = hostile
    stage.give(stage.stranger, ETH, 10 * WAD)
    stage.tokens[ETH].transact("approve", zap.address, MAX, sender=stage.stranger)
    stage.give(stage.owner, ETH, 10 * WAD)
    stage.tokens[ETH].transact("approve", zap.address, MAX, sender=stage.owner)
    id = stage.id(stage.owner)
    args = (id, ETH, WAD, 2_000 * WAD, 1, stage.path(None, ETH), FOREVER)
    stage.give_coins(vault.address, 4_000 * WAD)
    vault.transact("set_callbacks", 2, sender=stage.governor)
    with reverts("not called back"):
        zap.transact("leverage", *args, sender=stage.owner)
    vault.transact("set_callbacks", 1, sender=stage.governor)
    zap.transact("leverage", *args, sender=stage.owner)
    assert stage.held(ETH, stage.stranger) == 10 * WAD
    for token in (stage.coin, *stage.tokens):
        assert token.read("balanceOf", zap.address) == 0
        for spender in (vault.address, stage.uniswap.router.address):
            assert token.read("allowance", zap.address, spender) == 0


def test_a_pull_that_leaves_an_allowance_is_taken_back(stage, hostile):
    vault, zap = hostile
    stage.give(stage.owner, ETH, 10 * WAD)
    stage.tokens[ETH].transact("approve", zap.address, MAX, sender=stage.owner)
    stage.give_coins(vault.address, 4_000 * WAD)
    vault.transact("set_callbacks", 1, sender=stage.governor)
    vault.transact("set_pulls", False, sender=stage.governor)
    bought = stage.bought(2_000 * WAD, None, ETH)
    args = (stage.id(stage.owner), ETH, WAD, 2_000 * WAD, 1, stage.path(None, ETH), FOREVER)
    zap.transact("leverage", *args, sender=stage.owner)
    # nothing was pulled: everything is the owner's again
    assert stage.held(ETH) == 10 * WAD + bought
    assert stage.tokens[ETH].read("allowance", zap.address, vault.address) == 0


def test_operators_and_owners_keep_their_own_ways(stage):
    """The bit is for the zap alone: revoked, the account is the owner's as before."""
    id = stage.open([(ETH, 10 * WAD)], 4_000 * WAD)
    stage.set_operator(stage.zap.address, 0, sender=stage.owner)
    with reverts("not authorised"):
        stage.do("close", id, ETH, MAX, stage.path(None, ETH))
    stage.vault.transact(
        "adjust", id, [(ETH, INT_MIN)], INT_MIN, stage.owner, b"", sender=stage.owner
    )
    assert stage.held(ETH) == 10 * WAD
