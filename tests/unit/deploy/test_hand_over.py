# SPDX-License-Identifier: MIT
"""A system ends under its timelock, provably, and the way there can be gone in two goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surety.chain import KeySender, UnlockedSender, checksum
from surety.deploy import (
    DeployError,
    ParamsError,
    PegParams,
    SystemParams,
    check_handed_over,
    deploy_system,
    hand_over,
)

ZERO = "0x" + "00" * 20
WAD = 10**18


@pytest.fixture(scope="module")
def people(rpc):
    """Admin and guardian; who else there is comes after them."""
    return [checksum(address) for address in rpc.call("eth_accounts")[4:8]]


@pytest.fixture(scope="module")
def params(kinds):
    peg = PegParams("stable", 10**6 * WAD, 10, 20, WAD * 99 // 100)
    return SystemParams(kinds=kinds, peg=peg, fund_ceiling=10**5 * WAD, flash_fee_bps=5)


@pytest.fixture(scope="module")
def deployed(sender, params):
    return deploy_system(sender, params)


@pytest.fixture
def system(rpc, deployed):
    """The same deployed system for every test."""
    taken = rpc.snapshot()
    yield deployed
    rpc.revert(taken)


def test_every_contract_ends_at_the_governor(bind, sender, system, people):
    admin, guardian, *_ = people
    steps: list[str] = []
    done = hand_over(sender, system, admin, guardian, steps.append)
    governor = bind("Governor", done.governor)
    assert (governor.read("admin"), governor.read("guardian")) == (admin, guardian)
    assert governor.read("rules") == done.rules
    assert len(done.governed) == 6
    for name, address in done.governed:
        contract = bind(name, address)
        assert contract.read("governor") == done.governor
        assert contract.read("pending_governor") == ZERO
    assert list(governor.read("contracts")) == [
        done.coin,
        done.hub,
        done.vault,
        done.fund,
        done.margin_models,
        done.peg,
        done.settlement,
        done.listings,
    ]
    assert [governor.read("role_of", at) for at in governor.read("contracts")] == [*range(1, 9)]
    assert done.gas_used > system.gas_used
    assert done == replace(system, governor=done.governor, rules=done.rules, gas_used=done.gas_used)
    # a proposal can be taken back, an adoption cannot
    adoptions = [i for i, step in enumerate(steps) if step.startswith("Governor.adopt")]
    proposals = [i for i, step in enumerate(steps) if step.endswith("propose_governor")]
    assert len(adoptions) == len(proposals) == 6
    assert max(proposals) < min(adoptions)


def test_the_reserve_is_counted_before_its_minter_has_a_ceiling(rpc, params, people):
    steps: list[str] = []
    deploy_system(UnlockedSender(rpc, people[3]), params, steps.append)
    after = steps[steps.index("deploy PegStability") :]
    assert after.index("InsuranceFund.add_reserve") < after.index("Stablecoin.set_ceiling")


def test_deploy_system_hands_over_when_it_is_told_who_governs(bind, rpc, params, people):
    admin, guardian, _, deployer = people
    told = replace(params, admin=admin, guardian=guardian)
    system = deploy_system(UnlockedSender(rpc, deployer), told)
    check_handed_over(rpc, system, admin, guardian)
    fund, coin = bind("InsuranceFund", system.fund), bind("Stablecoin", system.coin)
    assert fund.read("treasury") == admin
    assert list(fund.read("reserves")) == [system.peg]
    assert coin.read("ceiling", system.peg) == 10**6 * WAD
    assert coin.read("ceiling", system.fund) == 10**5 * WAD
    assert (coin.read("flash_fee_bps"), coin.read("flash_ceiling")) == (5, 0)
    peg = bind("PegStability", system.peg)
    assert (peg.read("mint_fee_bps"), peg.read("redeem_fee_bps")) == (10, 20)
    assert peg.read("guard_price") == WAD * 99 // 100
    assert peg.read("reserve") == system.kind("stable").token
    # the deployer is met like anybody
    for name, address in system.governed:
        with pytest.raises(Exception, match="not governor"):
            bind(name, address).transact("propose_governor", deployer, sender=deployer)


@pytest.mark.parametrize(
    ("admin", "guardian", "message"),
    [
        (ZERO, None, "admin: must not be the zero address"),
        (None, ZERO, "guardian: must not be the zero address"),
        ("deployer", None, "admin: .* must have no right afterwards"),
        (None, "deployer", "guardian: .* must have no right afterwards"),
        (None, "admin", "guardian: must not be the admin"),
    ],
)
def test_nobody_and_the_deployer_and_one_for_both_are_refused(
    sender, system, people, sent, admin, guardian, message
):
    known = {"deployer": sender.address, "admin": people[0].lower()}
    named = [
        known.get(who, who) or usual for who, usual in zip((admin, guardian), people, strict=False)
    ]
    before = sent()
    with pytest.raises(ParamsError, match=message):
        hand_over(sender, system, *named)
    assert sent() == before


def test_who_does_not_govern_hands_nothing_over(rpc, system, people):
    stranger = people[3]
    with pytest.raises(ParamsError, match=f"Stablecoin: {stranger} is not its governor"):
        hand_over(UnlockedSender(rpc, stranger), system, *people[:2])


class _Stop(Exception):
    pass


def test_a_hand_over_that_stopped_goes_on(bind, rpc, sender, system, people):
    def stop(step: str) -> None:
        if step == "Governor.adopt InsuranceFund":
            raise _Stop

    with pytest.raises(_Stop):
        hand_over(sender, system, *people[:2], stop)
    governor = bind("PriceHub", system.hub).read("governor")
    assert governor != sender.address
    assert bind("InsuranceFund", system.fund).read("governor") == sender.address
    steps: list[str] = []
    done = hand_over(sender, system, *people[:2], steps.append, governor.lower())
    assert done.governor == governor
    check_handed_over(rpc, done, *people[:2])
    assert not any(step.startswith("deploy") for step in steps)
    assert [step for step in steps if "adopt" in step] == [
        f"Governor.adopt {name}"
        for name in ("InsuranceFund", "MarginModels", "Vault", "PegStability")
    ]


def test_a_governor_of_other_people_is_not_gone_on_with(bind, sender, system, people, sent):
    admin, guardian, other, _ = people
    done = hand_over(sender, system, admin, guardian)
    before = sent()
    with pytest.raises(DeployError, match=f"Governor.admin is {admin}, not {other}"):
        hand_over(sender, system, other, guardian, governor=done.governor)
    assert sent() == before
    assert bind("Vault", system.vault).read("governor") == done.governor


@pytest.mark.parametrize(
    ("name", "call", "message"),
    [
        ("Stablecoin", ("set_ceiling", "?", 1), "Stablecoin.minters holds"),
        ("Vault", ("propose_fund", "?"), "Vault.pending_fund is"),
        ("InsuranceFund", ("remove_reserve", "peg"), "InsuranceFund.reserves lacks"),
    ],
)
def test_what_is_not_the_systems_own_is_found_before_anything_is_sent(
    bind, sender, system, people, sent, name, call, message
):
    function, *args = call
    known = {"?": people[3], "peg": system.peg}
    given = [known.get(arg, arg) for arg in args]
    bind(name, dict(system.governed)[name]).transact(function, *given, sender=sender.address)
    before = sent()
    with pytest.raises(ParamsError, match=message):
        hand_over(sender, system, *people[:2])
    assert sent() == before


# the margin models in use


@pytest.fixture
def list_model(bind, sender, system):
    """Put a model into a slot."""
    models = bind("MarginModels", system.margin_models)
    return lambda slot, model: models.transact("list_model", slot, model, sender=sender.address)


def test_the_margin_models_in_use_end_at_the_governor_too(
    bind, sender, new, system, people, list_model
):
    """In the last slot as in the first; one that nobody governs stays as it is."""
    first, last = new("TieredMargin", sender.address), new("TieredMargin", sender.address)
    nobodys = new("MockModel")
    for slot, model in ((0, first), (7, nobodys), (255, last)):
        list_model(slot, model)
    done = hand_over(sender, system, *people[:2])
    governor = bind("Governor", done.governor)
    for model in (first, last):
        assert bind("TieredMargin", model).read("governor") == done.governor
    assert {governor.read("role_of", model) for model in (first, nobodys, last)} == {9}


@pytest.mark.parametrize("replaced", [False, True])
def test_a_margin_model_of_somebody_else_is_refused(
    bind, rpc, sender, new, system, people, sent, list_model, replaced
):
    """One that another took the place of has a say for seven days more."""
    theirs = new("TieredMargin", people[3])
    list_model(3, theirs)
    if replaced:
        list_model(3, new("MockModel"))
    before = sent()
    message = f"TieredMargin: {sender.address} is not its governor at {theirs}, {people[3]} is"
    with pytest.raises(ParamsError, match=message):
        hand_over(sender, system, *people[:2])
    assert sent() == before
    if replaced:
        rpc.set_next_timestamp(rpc.timestamp() + 7 * 86_400)
        rpc.mine()
        done = hand_over(sender, system, *people[:2])
        assert theirs not in bind("Governor", done.governor).read("contracts")


def test_the_proof_finds_a_margin_model_of_the_deployer(bind, rpc, sender, new, system, people):
    done = hand_over(sender, system, *people[:2])
    model = new("TieredMargin", sender.address)
    rpc.impersonate(done.governor)
    rpc.set_balance(done.governor, 10**20)
    for name, at, call in (
        ("Governor", done.governor, ("register", model, 9)),
        ("MarginModels", done.margin_models, ("list_model", 0, model)),
    ):
        bind(name, at).transact(*call, sender=done.governor)
    with pytest.raises(DeployError, match=f"TieredMargin.governor is {sender.address}"):
        check_handed_over(rpc, done, *people[:2])


# the proof at the end


@pytest.mark.parametrize(
    ("name", "call", "message"),
    [
        ("Stablecoin", ("propose_governor", "?"), "Stablecoin.pending_governor is"),
        ("Stablecoin", ("set_ceiling", "?", 1), "Stablecoin.minters holds"),
        ("Vault", ("propose_fund", "?"), "Vault.pending_fund is"),
        ("InsuranceFund", ("remove_reserve", "peg"), "InsuranceFund.reserves lacks"),
        ("Governor", ("propose_admin", "?"), "Governor.pending_admin is"),
        ("Governor", ("set_guardian", "?"), "Governor.guardian is"),
        ("Governor", ("register", "lens", 9), "Governor: acts may call"),
    ],
)
def test_the_proof_finds_what_is_not_as_it_should_be(
    bind, rpc, sender, system, people, name, call, message
):
    done = hand_over(sender, system, *people[:2])
    function, *args = call
    known = {"?": people[3], "peg": done.peg, "lens": done.lens}
    places = {**dict(done.governed), "Governor": done.governor}
    rpc.impersonate(done.governor)
    rpc.set_balance(done.governor, 10**20)
    given = [known.get(arg, arg) for arg in args]
    bind(name, places[name]).transact(function, *given, sender=done.governor)
    with pytest.raises(DeployError, match=message):
        check_handed_over(rpc, done, *people[:2])


def test_a_system_without_a_governor_is_not_handed_over(rpc, system, people):
    with pytest.raises(DeployError, match="has no governor"):
        check_handed_over(rpc, system, *people[:2])


def test_a_key_can_hand_over(rpc, kinds, people):
    from eth_account import Account

    key = Account.create()
    rpc.set_balance(key.address, 10**20)
    told = SystemParams(kinds=kinds[:1], admin=people[0], guardian=people[1])
    check_handed_over(rpc, deploy_system(KeySender(rpc, key), told), *people[:2])
