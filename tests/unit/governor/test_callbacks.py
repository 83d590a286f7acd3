# SPDX-License-Identifier: MIT
"""A registered contract that calls back into the governor while the governor calls it."""

from __future__ import annotations

import pytest

from tests.unit.governor.rig import (
    CONTROL,
    DAY,
    EXECUTED,
    GUARD_PERIOD,
    PENDING,
    WAD,
    Act,
    Rig,
)
from tests.unit.price_hub.rig import deploy_code

CAP = 10_000 * WAD


def calling(target: str, data: bytes) -> bytes:
    """Return code that answers any call by this one, and reverts with what that reverts with."""
    size = f"61{len(data):04x}"
    copy = size + "61{offset:04x}" + "5f39"  # codecopy(0, offset, size)
    call = "5f5f" + size + "5f5f73" + target[2:] + "5af1"  # call(gas, target, 0, 0, size, 0, 0)
    fail = "3d5f5f3e" + "3d5ffd"  # returndatacopy(0, 0, returndatasize), revert with it
    before = (len(copy.format(offset=0)) + len(call)) // 2 + 3
    code = copy + call + f"60{before + len(fail) // 2:02x}57" + fail + "5b00"
    return bytes.fromhex(code.format(offset=len(code.format(offset=0)) // 2)) + data


def hostile(rig: Rig, fn: str, *args: object) -> str:
    """Deploy a registered contract that calls this of the governor whenever it is called."""
    address = deploy_code(rig.node, calling(rig.gov.address, rig.gov.encode(fn, *args)))
    rig.enact(Act(rig.gov, "register", (address, 9)))
    return address


def test_the_code_calls_back(rig):
    """The control: called by anybody else it does what it says, and says why it cannot."""
    act = Act(rig.vault, "set_cap", (0, 2 * CAP))
    id = rig.propose(act)
    rig.wait(DAY)
    args = (id, rig.vault.address, act.data)
    address = deploy_code(rig.node, calling(rig.gov.address, rig.gov.encode("execute", *args)))
    assert rig.node.run(rig.stranger, address, b"", rig.now).reason is None
    assert rig.vault.read("deposited", 0) >> 128 == 2 * CAP
    assert rig.node.run(rig.stranger, address, b"", rig.now).reason == "not pending"


@pytest.mark.parametrize("way", ["adopt", "execute"])
@pytest.mark.parametrize(
    "what", ["execute", "lapse", "advance", "adopt", "propose", "tighten", "pause"]
)
def test_nothing_is_done_while_the_governor_calls(rig, way, what):
    """What anybody may do at any time, and what nobody may: all refused under the lock."""
    act = Act(rig.vault, "set_cap", (1, 15_000 * 10**8))
    rig.wait(1)
    lower = Act(rig.vault, "set_cap", (0, 1))
    key = rig.preview(lower)[1]
    assert rig.tighten_reason(lower) is None
    goal = (7_400, 7_900, 8_400, 10_100, 8_800)
    rig.enact(Act(rig.gov, "ramp", (rig.vault.address, 0, *goal)))
    id = rig.propose(act)
    args = {
        "execute": (id, rig.vault.address, act.data),
        "lapse": (key,),
        "advance": (rig.vault.address, 0),
        "adopt": (rig.vault.address,),
        "propose": (rig.vault.address, act.data),
        "tighten": (rig.vault.address, lower.data),
        "pause": (rig.vault.address, 1),
    }[what]
    address = hostile(rig, what, *args)
    rig.wait(GUARD_PERIOD)
    before = (rig.gov.read("act_count"), rig.vault.read("collateral", 0), rig.vault.read("totals"))
    if way == "adopt":
        reason = rig.reason(rig.gov, "adopt", address, sender=rig.stranger)
    else:
        call = rig.vault.encode("propose_governor", rig.rules.address)
        rig.must(rig.gov, "propose", address, call, sender=rig.admin)
        before = (before[0] + 1, *before[1:])
        mine = rig.gov.read("act_count")
        rig.wait(CONTROL)
        reason = rig.reason(rig.gov, "execute", mine, address, call, sender=rig.stranger)
        assert rig.gov.read("acts", mine)[4] == PENDING
    assert reason == ""  # the lock has no words
    assert rig.gov.read("acts", id)[4] == PENDING != EXECUTED
    assert rig.vault.read("deposited", 0) >> 128 == 1
    after = (rig.gov.read("act_count"), rig.vault.read("collateral", 0), rig.vault.read("totals"))
    assert after == before


@pytest.mark.parametrize("fn", ["set_guardian", "propose_admin"])
def test_a_target_is_not_the_governor_itself(rig, fn):
    """What only the governor may call of itself is open to no target, though it has no lock."""
    address = hostile(rig, fn, rig.stranger)
    reason = rig.reason(rig.gov, "adopt", address, sender=rig.stranger)
    assert reason == "not itself"
    assert rig.gov.read("guardian") == rig.guardian


def test_no_ether_comes_in_and_none_goes_out(rig):
    rig.node.evm.set_balance(rig.stranger, 10**18)
    with pytest.raises(RuntimeError):
        rig.node.evm.message_call(
            rig.admin, rig.gov.address, calldata=rig.gov.encode("accept_admin"), value=1
        )
    with pytest.raises(RuntimeError):
        rig.node.evm.message_call(rig.admin, rig.gov.address, calldata=b"", value=1)
