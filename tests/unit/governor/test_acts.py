# SPDX-License-Identifier: MIT
"""The timelock: who proposes, when an act may be executed, and that it is executed once."""

from __future__ import annotations

import re

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from surety.chain import Contract, Interface
from surety.compile import artifact
from surety.harness import decode_revert
from tests.unit.governor.acts import BY_ADMIN, CATALOGUE, stray
from tests.unit.governor.rig import (
    CANCELLED,
    CONTROL,
    DAY,
    EXECUTED,
    EXPIRY,
    PARAMETER,
    PENDING,
    STRUCTURE,
    VETOED,
    WAD,
    ZERO,
    Act,
)

CAP = 10_000 * WAD


@pytest.fixture
def raise_cap(rig):
    return Act(rig.vault, "set_cap", (0, 2 * CAP))


def cap(rig, kind: int = 0) -> int:
    return rig.vault.read("deposited", kind) >> 128


def test_propose(rig, raise_cap):
    args = (rig.vault.address, raise_cap.data)
    ran = rig.must(rig.gov, "propose", *args, sender=rig.admin)
    assert rig.gov.decode("propose", ran.output) == 1 == rig.gov.read("act_count")
    digest = keccak(encode(["address", "bytes"], args))
    ready = rig.now + PARAMETER
    assert rig.gov.read("acts", 1) == (digest, rig.now, ready, ready + EXPIRY, PENDING, True)
    (event,) = rig.events(ran)
    key = rig.preview(raise_cap)[1]
    assert event.name == "Proposed"
    assert event.args == {
        "id": 1,
        "target": rig.vault.address,
        "data": raise_cap.data,
        "key": key,
        "ready_at": ready,
        "expires_at": ready + EXPIRY,
    }
    assert cap(rig) == CAP


def test_propose_reverts_when_not_admin(rig, raise_cap):
    for who in (rig.guardian, rig.deployer, rig.stranger):
        args = (rig.vault.address, raise_cap.data)
        assert rig.reason(rig.gov, "propose", *args, sender=who) == "not admin"
    assert rig.gov.read("act_count") == 0


@pytest.mark.covers("I62")
def test_anyone_executes_after_the_delay_and_once(rig, raise_cap):
    id = rig.propose(raise_cap)
    assert rig.execute_reason(id, raise_cap) == "too early"
    rig.wait(PARAMETER - 1)
    assert rig.execute_reason(id, raise_cap) == "too early"
    rig.wait(1)
    ran = rig.must(rig.gov, "execute", id, rig.vault.address, raise_cap.data, sender=rig.stranger)
    assert cap(rig) == 2 * CAP
    (event,) = rig.events(ran)
    assert (event.name, event.args["id"], event.args["expected"]) == ("Executed", id, 0)
    assert rig.gov.read("changed_at", event.args["key"]) == rig.now
    assert rig.gov.read("acts", id)[4] == EXECUTED
    for _ in range(2):
        assert rig.execute_reason(id, raise_cap) == "not pending"
        rig.wait(DAY)
    assert cap(rig) == 2 * CAP


@pytest.mark.covers("I62")
@pytest.mark.parametrize("late", [False, True])
def test_an_act_expires(rig, raise_cap, late):
    id = rig.propose(raise_cap)
    rig.wait(PARAMETER + EXPIRY + late)
    assert rig.execute_reason(id, raise_cap) == ("expired" if late else None)
    assert cap(rig) == (CAP if late else 2 * CAP)


def test_an_act_is_what_was_announced(rig, raise_cap):
    id = rig.propose(raise_cap)
    rig.wait(PARAMETER)
    others = [
        Act(rig.vault, "set_cap", (0, 2 * CAP - 1)),
        Act(rig.vault, "set_cap", (1, 2 * CAP)),
        Act(rig.second, "set_cap", (0, 2 * CAP)),
    ]
    for other in others:
        assert rig.execute_reason(id, other) == "wrong act"
    args = (id, rig.vault.address, raise_cap.data + bytes(32))
    assert rig.reason(rig.gov, "execute", *args, sender=rig.stranger) == "wrong act"
    for unknown in (0, id + 1, 2**256 - 1):
        assert rig.execute_reason(unknown, raise_cap) == "not pending"
    assert rig.execute_reason(id, raise_cap) is None


def test_the_same_act_twice_has_two_ids_and_is_judged_anew(rig, raise_cap):
    """The second finds the cap raised already: what was a doubling then is none now."""
    first, second = rig.propose(raise_cap), rig.propose(raise_cap)
    assert (first, second) == (1, 2)
    assert rig.gov.read("acts", 1)[0] == rig.gov.read("acts", 2)[0]
    rig.wait(PARAMETER)
    assert rig.execute_reason(second, raise_cap) is None
    assert rig.execute_reason(first, raise_cap) == "nothing changes"
    assert rig.gov.read("acts", 1)[4] == PENDING
    assert rig.execute_reason(second, raise_cap) == "not pending"


@pytest.mark.covers("I62")
def test_one_change_of_a_parameter_a_day(rig):
    """Two rises announced together do not come together; another kind is another parameter."""
    again = Act(rig.vault, "set_cap", (0, 2 * CAP))
    raise_cap = Act(rig.vault, "set_cap", (0, CAP * 3 // 2))
    other = Act(rig.vault, "set_cap", (1, 15_000 * 10**8))
    ids = [rig.propose(act) for act in (raise_cap, again, other)]
    rig.wait(PARAMETER)
    assert rig.execute_reason(ids[0], raise_cap) is None
    assert rig.execute_reason(ids[1], again) == "one change a day"
    assert rig.execute_reason(ids[2], other) is None
    rig.wait(DAY - 1)
    assert rig.execute_reason(ids[1], again) == "one change a day"
    rig.wait(1)
    assert rig.execute_reason(ids[1], again) is None
    assert cap(rig) == 2 * CAP


def test_a_step_is_measured_against_what_is_there_at_execution(rig, raise_cap):
    """Doubling from 10,000 was announced; the admin lowers to 4,000 meanwhile."""
    id = rig.propose(raise_cap)
    lower = Act(rig.vault, "set_cap", (0, CAP * 4 // 10))
    assert rig.tighten_reason(lower, rig.admin) is None
    rig.wait(2 * DAY)
    # worth more than a listing may start with, and more than twice what is there
    assert rig.execute_reason(id, raise_cap) == "step too large"
    up = Act(rig.vault, "set_cap", (0, CAP * 8 // 10))
    rig.enact(up)
    assert cap(rig) == CAP * 8 // 10


def test_a_longer_delay_at_execution_counts(rig):
    """Twice the ceiling waits a day; of a lower one it is a fresh start, which waits three."""
    minter, ceiling = rig.vault.address, rig.coin.read("ceiling", rig.vault.address)
    small = 10**6 * WAD
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (minter, small)), rig.admin) is None
    act = Act(rig.coin, "set_ceiling", (minter, 2 * small))
    id = rig.propose(act)
    assert rig.gov.read("acts", id)[2] == rig.now + PARAMETER
    assert rig.tighten_reason(Act(rig.coin, "set_ceiling", (minter, 1)), rig.admin) is None
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, act) == "too early"
    rig.wait(STRUCTURE - PARAMETER - 1)
    assert rig.execute_reason(id, act) == "too early"
    rig.wait(1)
    assert rig.execute_reason(id, act) is None
    assert rig.coin.read("ceiling", minter) == 2 * small < ceiling


def test_cancel(rig, raise_cap):
    id = rig.propose(raise_cap)
    for who in (rig.guardian, rig.stranger, rig.deployer):
        assert rig.reason(rig.gov, "cancel", id, sender=who) == "not admin"
    ran = rig.must(rig.gov, "cancel", id, sender=rig.admin)
    assert [(e.name, e.args) for e in rig.events(ran)] == [("Cancelled", {"id": id})]
    assert rig.gov.read("acts", id)[4] == CANCELLED
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, raise_cap) == "not pending"
    for fn, who in (("cancel", rig.admin), ("veto", rig.guardian)):
        assert rig.reason(rig.gov, fn, id, sender=who) == "not pending"
        assert rig.reason(rig.gov, fn, 99, sender=who) == "not pending"


def test_veto(rig, raise_cap):
    id = rig.propose(raise_cap)
    for who in (rig.admin, rig.stranger, rig.deployer):
        assert rig.reason(rig.gov, "veto", id, sender=who) == "not guardian"
    ran = rig.must(rig.gov, "veto", id, sender=rig.guardian)
    assert [(e.name, e.args) for e in rig.events(ran)] == [("Vetoed", {"id": id})]
    assert rig.gov.read("acts", id)[4] == VETOED
    rig.wait(PARAMETER)
    assert rig.execute_reason(id, raise_cap) == "not pending"
    assert rig.reason(rig.gov, "cancel", id, sender=rig.admin) == "not pending"


def test_the_guardian_cannot_veto_its_own_replacement(rig, raise_cap):
    """A guardian that vetoes everything is replaced in three days, and then vetoes nothing."""
    act = Act(rig.gov, "set_guardian", (rig.next,))
    id = rig.propose(act)
    assert rig.reason(rig.gov, "veto", id, sender=rig.guardian) == "not vetoable"
    others = [rig.propose(Act(rig.gov, "propose_admin", (rig.next,))), rig.propose(raise_cap)]
    for other in others:
        rig.must(rig.gov, "veto", other, sender=rig.guardian)
    left = rig.propose(raise_cap)
    rig.wait(STRUCTURE)
    ran = rig.must(rig.gov, "execute", id, rig.gov.address, act.data, sender=rig.stranger)
    assert ("GuardianSet", {"guardian": rig.next}) in [(e.name, e.args) for e in rig.events(ran)]
    assert rig.reason(rig.gov, "veto", left, sender=rig.guardian) == "not guardian"
    rig.must(rig.gov, "veto", left, sender=rig.next)


def test_the_admin_changes_in_two_steps(rig):
    act = Act(rig.gov, "propose_admin", (rig.next,))
    id = rig.propose(act)
    rig.wait(CONTROL - 1)
    assert rig.execute_reason(id, act) == "too early"
    rig.wait(1)
    assert rig.reason(rig.gov, "accept_admin", sender=rig.next) == "not proposed"
    assert rig.execute_reason(id, act) is None
    assert (rig.gov.read("admin"), rig.gov.read("pending_admin")) == (rig.admin, rig.next)
    for who in (rig.admin, rig.stranger, rig.guardian):
        assert rig.reason(rig.gov, "accept_admin", sender=who) == "not proposed"
    ran = rig.must(rig.gov, "accept_admin", sender=rig.next)
    assert [(e.name, e.args) for e in rig.events(ran)] == [("AdminSet", {"admin": rig.next})]
    assert (rig.gov.read("admin"), rig.gov.read("pending_admin")) == (rig.next, ZERO)
    assert rig.reason(rig.gov, "accept_admin", sender=rig.next) == "not proposed"
    cap_act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    assert rig.propose_reason(cap_act) == "not admin"


def test_no_admin_can_be_withdrawn_to(rig):
    """The zero address takes a nomination back, and nobody accepts for it."""
    rig.enact(Act(rig.gov, "propose_admin", (rig.next,)))
    rig.enact(Act(rig.gov, "propose_admin", (ZERO,)))
    rig.node.evm.set_balance(ZERO, 10**18)
    assert rig.reason(rig.gov, "accept_admin", sender=rig.next) == "not proposed"
    assert rig.gov.read("admin") == rig.admin


def test_what_the_governor_does_to_itself_nobody_else_can(rig):
    """Not even the admin, and not by a call of a target either."""
    calls = {
        "register": (stray(rig), 9),
        "set_guardian": (rig.next,),
        "propose_admin": (rig.next,),
        "set_pause": (rig.vault.address, 1, True),
        "ramp": (rig.vault.address, 0, 1, 2, 3, 10_000, 9_000),
        "retire": (rig.vault.address,),
    }
    for fn, args in calls.items():
        for who in (rig.admin, rig.guardian, rig.stranger, rig.deployer):
            assert rig.reason(rig.gov, fn, *args, sender=who) == "not itself", fn


def test_construction_refuses_nobody_and_nothing(rig):
    rules = rig.rules.address
    good = (rig.admin, rig.guardian, rules, [(rig.vault.address, 3)])
    cases = [
        ((ZERO, *good[1:]), "the zero address"),
        ((rig.admin, ZERO, *good[2:]), "the zero address"),
        ((*good[:2], rig.stranger, good[3]), "no code"),
        ((*good[:3], [(rig.stranger, 3)]), "no code"),
        ((*good[:3], [(ZERO, 3)]), "no code"),
        ((*good[:3], [(rig.vault.address, 0)]), "bad role"),
        ((*good[:3], [(rig.vault.address, 10)]), "bad role"),
        ((*good[:3], [(rig.vault.address, 3)] * 2), "already registered"),
    ]
    for args, reason in cases:
        assert deploying_reason(rig, *args) == reason
    gov = rig.deploy("Governor", *good)
    assert (gov.read("admin"), gov.read("guardian"), gov.read("rules")) == good[:3]
    assert gov.read("contracts") == (rig.vault.address,)
    assert (gov.read("role_of", gov.address), gov.read("role_of", rig.coin.address)) == (10, 0)


def test_sixty_four_contracts_and_no_more(rig):
    some = [(rig.deploy("MockModel").address, 9) for _ in range(65)]
    gov = rig.deploy("Governor", rig.admin, rig.guardian, rig.rules.address, some[:64])
    assert gov.read("contracts") == tuple(address for address, _ in some[:64])
    act = Act(gov, "register", some[64])
    rig.must(gov, "propose", gov.address, act.data, sender=rig.admin)
    rig.wait(STRUCTURE)
    args = (1, gov.address, act.data)
    assert rig.reason(gov, "execute", *args, sender=rig.admin) == "too many contracts"


def test_register_and_adopt(rig):
    """A new book: announced, registered, then adopted by anyone."""
    vault = rig.deploy(
        "Vault", rig.deployer, rig.coin.address, rig.hub.address, rig.world.operators.address,
        rig.models.address, ZERO, *rig.world.book.numbers,
    )  # fmt: skip
    vault.transact("propose_governor", rig.gov.address, sender=rig.deployer)
    adopt = (rig.gov, "adopt", vault.address)
    assert rig.reason(*adopt, sender=rig.admin) == "not registered"
    act = Act(rig.gov, "register", (vault.address, 3))
    rig.enact(act)
    assert rig.gov.read("role_of", vault.address) == 3
    ran = rig.must(*adopt, sender=rig.stranger)
    assert ("Adopted", {"target": vault.address}) in [(e.name, e.args) for e in rig.events(ran)]
    assert vault.read("governor") == rig.gov.address
    assert rig.reason(*adopt, sender=rig.stranger) == "not proposed"
    assert rig.propose_reason(act) == "already registered"


def test_a_contract_is_handed_to_a_successor(rig):
    """One contract alone, in seven days; the others stay, and the successor's rules are its own."""
    rules = rig.deploy("GovernanceRules")
    successor = rig.deploy(
        "Governor", rig.next, rig.guardian, rules.address, [(rig.vault.address, 3)]
    )
    for bad in (rig.stranger, rig.gov.address):
        assert rig.propose_reason(Act(rig.vault, "propose_governor", (bad,))) == "no code"
    act = Act(rig.vault, "propose_governor", (successor.address,))
    assert rig.delay(act) == CONTROL
    rig.enact(act)
    assert rig.vault.read("governor") == rig.gov.address
    rig.must(successor, "adopt", rig.vault.address, sender=rig.stranger)
    assert rig.vault.read("governor") == successor.address
    assert rig.coin.read("governor") == rig.gov.address
    assert rig.tighten_reason(Act(rig.vault, "set_cap", (0, 1))) == "not governor"
    assert rig.propose_reason(Act(rig.vault, "propose_governor", (ZERO,))) is None


@pytest.mark.parametrize("sample", CATALOGUE, ids=lambda s: f"{s.name} {s.delay} {s.note}")
def test_every_act_has_its_delay_and_is_done_after_it(rig, sample):
    act = sample.make(rig)
    assert rig.preview(act)[0] == sample.delay
    if sample.delay == 0:
        assert rig.tighten_reason(act) is None
        return
    assert rig.tighten_reason(act) == "not tighter"
    id = rig.propose(act)
    rig.wait(sample.delay - 1)
    rig.node.set_next_timestamp(rig.now)
    assert rig.execute_reason(id, act) == "too early"
    rig.refresh()
    sender = rig.admin if sample.name in BY_ADMIN else rig.stranger
    assert rig.execute_reason(id, act, sender=sender) is None


@pytest.mark.parametrize("sample", CATALOGUE, ids=lambda s: f"{s.name} {s.delay} {s.note}")
def test_call_data_is_exact(rig, sample):
    """Too short, too long, cut, or with bits where the ABI leaves none."""
    act = sample.make(rig)
    target, data = act.target.address, act.data
    for bad in (
        data[:4],
        data[:-1],
        data[:-32],
        data + b"\x00",
        data + bytes(32),
        data + bytes(384),
    ):
        reason = rig.reason(rig.gov, "propose", target, bad, sender=rig.admin)
        assert reason == "bad length", (len(data), len(bad))
    for bad in (b"", data[:3]):
        assert rig.reason(rig.gov, "propose", target, bad, sender=rig.admin) == "bad length"
    for at, kind in enumerate(words_of(act.target, act.fn, len(act.args))):
        if kind in ("address", "bool"):
            dirty = bytearray(data)
            dirty[4 + 32 * at] |= 0x80
            reason = rig.reason(rig.gov, "propose", target, bytes(dirty), sender=rig.admin)
            assert reason == "dirty word"


def words_of(contract: Contract, fn: str, count: int) -> list[str]:
    """Return the type of each word of a call's arguments, those of a static struct one by one."""
    types = contract.interface.function(fn, count).inputs.types
    return [word for kind in types for word in kind.strip("()").split(",")]


def deploying_reason(rig, *args) -> str:
    """Return why a governor refuses to be deployed."""
    found = artifact("Governor")
    data = found.bytecode + Interface.of(found.abi).constructor.encode(args)
    with pytest.raises(RuntimeError) as caught:
        rig.node.evm.deploy(rig.deployer, data)
    output = re.search(r"output: 0x([0-9a-f]+)", str(caught.value))
    assert output is not None
    return decode_revert(bytes.fromhex(output[1])).reason


def test_a_selector_without_a_rule_is_refused(rig):
    """Every other function of every contract, the setters of a margin model among them."""
    known = {(s.name.split(".")[1]) for s in CATALOGUE} | {
        "set_reaping_paused", "set_auction", "set_buffer", "set_treasury", "accept_book",
        "add_reserve", "retire_book", "remove_reserve", "set_fees", "set_guard",
        "set_minting_paused",
    }  # fmt: skip
    tried = 0
    for contract in {c.address: c for c, _ in [*rig.roles(), (rig.gov, 10)]}.values():
        for (name, _), function in contract.interface.functions.items():
            if name in known:
                continue
            for words in range(20):
                data = function.selector + bytes(32 * words)
                args = (contract.address, data)
                reason = rig.reason(rig.gov, "propose", *args, sender=rig.admin)
                assert reason in ("no rule", "bad length"), (name, reason)
                tried += reason == "no rule"
    assert tried > 150


def test_a_stranger_cannot_be_a_target(rig):
    for address in (stray(rig), rig.stranger, ZERO, rig.rules.address):
        args = (address, rig.vault.encode("set_cap", 0, 0))
        assert rig.reason(rig.gov, "propose", *args, sender=rig.admin) == "not registered"
        assert rig.reason(rig.gov, "tighten", *args, sender=rig.guardian) == "not registered"
        assert rig.reason(rig.gov, "adopt", address, sender=rig.admin) == "not registered"
