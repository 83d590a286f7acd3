# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title Governor: a timelock that can change nothing by surprise
@notice Every contract of the system ends under this one. The admin announces acts, which anyone executes after a delay that
        the rules (GovernanceRules) give, within their bounds; the guardian vetoes, and tightens at once for seven days.
        Levels of a kind move by ramps that anyone advances. How each function of each contract is judged, in a table:
        docs/governance.md.
@custom:security An act is judged when it is proposed and again when it is executed, against the values on chain at that time.
        It is marked before its call, which carries no ether and whose answer is dropped. The rules are immutable and
        hold no state; other rules mean another governor, to which contracts are handed in seven days.
@custom:freeze The guardian vetoes acts; one that names another guardian it cannot stop. Ramps are halted by the admin.
"""
from ..interfaces import IGovernanceRules
from ..interfaces import IGovernor
from ..interfaces import IVault
from .modules import ledger
from .modules import margin_math

implements: IGovernor

interface Governed:
    def accept_governor(): nonpayable

interface Coin:
    def set_ceiling(minter: address, ceiling: uint256): nonpayable

MAX_CONTRACTS: constant(uint256) = 64
MAX_DATA: constant(uint256) = 1_024
MAX_KINDS: constant(uint256) = 32
PAUSE_BITS: constant(uint256) = 5
DAY: constant(uint256) = 86_400
EXPIRY: constant(uint256) = 14 * DAY  # after an act was ready
GUARD_PERIOD: constant(uint256) = 7 * DAY
STEP_SECONDS: constant(uint256) = 450  # for one bps: 8 an hour, so that 24 hours and a late call bring at most 200
FACTOR_STEP_SECONDS: constant(uint256) = 900  # at most 100
MOST_AT_ONCE: constant(uint256) = 3_600  # seconds of a ramp that one call makes up for
EXPECTED_PRICE: constant(uint256) = 132  # where it stands in the call data of a listing

COIN: constant(uint256) = 1
MODEL: constant(uint256) = 9
GOVERNOR: constant(uint256) = 10
LISTINGS: constant(uint256) = 8

PENDING: constant(uint256) = 1
EXECUTED: constant(uint256) = 2
CANCELLED: constant(uint256) = 3
VETOED: constant(uint256) = 4

rules: public(reentrant(immutable(address)))

admin: public(reentrant(address))
pending_admin: public(reentrant(address))
guardian: public(reentrant(address))
role_of: public(reentrant(HashMap[address, uint256]))
is_retired: public(reentrant(HashMap[address, bool]))
act_count: public(reentrant(uint256))
changed_at: public(reentrant(HashMap[bytes32, uint256]))
_acts: HashMap[uint256, IGovernor.Act]
_guards: HashMap[bytes32, IGovernor.Guard]
_ramps: HashMap[address, HashMap[uint256, IGovernor.Ramp]]
_contracts: DynArray[address, MAX_CONTRACTS]


@deploy
def __init__(
    admin: address,
    guardian: address,
    rules_: address,
    contracts: DynArray[IGovernor.Contract, MAX_CONTRACTS],
):
    """
    @notice Register what there is. Each contract's governor then proposes this one, and `adopt` accepts.
    @param admin who proposes: a Safe, a DAO
    @param guardian who vetoes, and tightens at once
    @param rules_ a GovernanceRules
    @param contracts target and role of each contract that acts may call: governed ones, Listings and Settlement
    """
    assert admin != empty(address) and guardian != empty(address), "the zero address"
    assert rules_.is_contract, "no code"
    rules = rules_
    self.admin = admin
    self.guardian = guardian
    log IGovernor.AdminSet(admin=admin)
    log IGovernor.GuardianSet(guardian=guardian)
    self.role_of[self] = GOVERNOR
    for one: IGovernor.Contract in contracts:
        self._register(one.target, one.role)


# acts


@external
def propose(target: address, data: Bytes[MAX_DATA]) -> uint256:
    assert msg.sender == self.admin, "not admin"
    verdict: IGovernanceRules.Verdict = self._judge(target, data, 0, False)
    id: uint256 = self.act_count + 1
    self.act_count = id
    ready_at: uint256 = block.timestamp + verdict.delay
    self._acts[id] = IGovernor.Act(
        digest=self._digest(target, data),
        proposed_at=block.timestamp,
        ready_at=ready_at,
        expires_at=ready_at + EXPIRY,
        state=PENDING,
        is_vetoable=not self._names_guardian(target, data),
    )
    log IGovernor.Proposed(
        id=id, target=target, data=data, key=verdict.key, ready_at=ready_at, expires_at=ready_at + EXPIRY
    )
    return id


@external
def execute(id: uint256, target: address, data: Bytes[MAX_DATA]):
    self._execute(id, target, data, 0)


@external
def execute_expecting(id: uint256, target: address, data: Bytes[MAX_DATA], price: uint256):
    assert msg.sender == self.admin, "not admin"
    assert price != 0, "needs a price"
    self._execute(id, target, data, price)


@internal
def _execute(id: uint256, target: address, data: Bytes[MAX_DATA], price: uint256):
    act: IGovernor.Act = self._acts[id]
    assert act.state == PENDING, "not pending"
    assert act.digest == self._digest(target, data), "wrong act"
    assert block.timestamp >= act.ready_at, "too early"
    assert block.timestamp <= act.expires_at, "expired"
    verdict: IGovernanceRules.Verdict = self._judge(target, data, price, True)
    assert not verdict.is_admins or msg.sender == self.admin, "not admin"
    assert block.timestamp >= act.proposed_at + verdict.delay, "too early"
    if verdict.delay != 0:
        # what was announced before the guardian tightened does not undo that
        assert self._guards[verdict.key].guarded_at < act.proposed_at, "tightened since"
        assert block.timestamp >= self.changed_at[verdict.key] + DAY, "one change a day"
    self._acts[id].state = EXECUTED
    self._take_over(verdict.key)
    log IGovernor.Executed(id=id, key=verdict.key, expected=price)
    if price != 0 and self.role_of[target] == LISTINGS:
        raw_call(target, self._expecting(data, price))  # check: allow raw-call-outsize - refusals revert
    else:
        raw_call(target, data)  # check: allow raw-call-outsize - refusals revert


@internal
@pure
def _expecting(data: Bytes[MAX_DATA], price: uint256) -> Bytes[MAX_DATA]:
    """
    @notice The call data of a listing with another expected price. The rules have found 19 words in it.
    """
    return concat(
        slice(data, 0, EXPECTED_PRICE),
        convert(price, bytes32),
        slice(data, EXPECTED_PRICE + 32, 612 - EXPECTED_PRICE - 32),
    )


@external
def cancel(id: uint256):
    assert msg.sender == self.admin, "not admin"
    assert self._acts[id].state == PENDING, "not pending"
    self._acts[id].state = CANCELLED
    log IGovernor.Cancelled(id=id)


@external
def veto(id: uint256):
    assert msg.sender == self.guardian, "not guardian"
    act: IGovernor.Act = self._acts[id]
    assert act.state == PENDING, "not pending"
    assert act.is_vetoable, "not vetoable"
    self._acts[id].state = VETOED
    log IGovernor.Vetoed(id=id)


# tightening at once


@external
def tighten(target: address, data: Bytes[MAX_DATA]):
    assert self._tighten(target, data), "guarded lately"


@external
def pause(vault: address, bits: uint256):
    assert bits != 0 and bits >> PAUSE_BITS == 0, "bad pauses"
    assert self.role_of[vault] != 0, "not registered"
    in_force: uint256 = staticcall IGovernanceRules(rules).pauses_of(vault)
    refused: bool = False
    done: bool = False
    for i: uint256 in range(PAUSE_BITS):
        bit: uint256 = 1 << i
        if bits & ~in_force & bit != 0:
            # in an emergency one bit that the guardian has used up must not hold up the others
            if self._tighten(
                self, abi_encode(vault, bit, True, method_id=method_id("set_pause(address,uint256,bool)"))
            ):
                done = True
            else:
                refused = True
    assert done or not refused, "guarded lately"


@internal
def _tighten(target: address, data: Bytes[MAX_DATA]) -> bool:
    """
    @return False, with nothing done, where the guardian has tightened the same too lately
    """
    is_admin: bool = msg.sender == self.admin
    assert is_admin or msg.sender == self.guardian, "not guardian"
    verdict: IGovernanceRules.Verdict = self._judge(target, data, 0, True)
    assert verdict.delay == 0, "not tighter"
    lapses_at: uint256 = 0
    if is_admin:
        self._take_over(verdict.key)
    else:
        guard: IGovernor.Guard = self._guards[verdict.key]
        if guard.target != empty(address) and block.timestamp >= guard.guarded_at + 2 * GUARD_PERIOD:
            # nobody has let it lapse: what was before it, and not what it left, is what comes back after this
            self._lapse(verdict.key)
            guard.target = empty(address)
            verdict = self._judge(target, data, 0, True)
        if guard.guarded_at == 0 or block.timestamp >= guard.guarded_at + 2 * GUARD_PERIOD:
            guard.guarded_at = block.timestamp
            self._guards[verdict.key] = IGovernor.Guard(
                guarded_at=block.timestamp,
                target=target,
                undo=staticcall IGovernanceRules(rules).undo_of(target, data),
            )
        elif guard.target == empty(address) or block.timestamp >= guard.guarded_at + GUARD_PERIOD:
            return False
        # else within its time: it may be tightened further, and lapses as a whole
        lapses_at = guard.guarded_at + GUARD_PERIOD
    log IGovernor.Tightened(key=verdict.key, target=target, data=data, by=msg.sender, lapses_at=lapses_at)
    raw_call(target, data)  # check: allow raw-call-outsize - refusals revert
    return True


@external
def keep(key: bytes32):
    assert msg.sender == self.admin, "not admin"
    assert self._guards[key].target != empty(address), "nothing to keep"
    self._take_over(key)
    log IGovernor.Kept(key=key)


@external
def lapse(key: bytes32):
    guard: IGovernor.Guard = self._guards[key]
    assert guard.target != empty(address), "nothing to lapse"
    assert block.timestamp >= guard.guarded_at + GUARD_PERIOD, "too early"
    self._lapse(key)


@internal
def _lapse(key: bytes32):
    guard: IGovernor.Guard = self._guards[key]
    self._guards[key].target = empty(address)
    restored: bool = staticcall IGovernanceRules(rules).restorable(guard.target, guard.undo)
    log IGovernor.Lapsed(key=key, restored=restored)
    if restored:
        raw_call(guard.target, guard.undo)  # check: allow raw-call-outsize - refusals revert


@internal
def _take_over(key: bytes32):
    """
    @notice Note a change by governance: what the guardian did to the same parameter is not taken back any more.
    """
    self.changed_at[key] = block.timestamp
    if self._guards[key].target != empty(address):
        self._guards[key].target = empty(address)


# ramps


@external
def advance(vault: address, kind: uint256):
    ramp: IGovernor.Ramp = self._ramps[vault][kind]
    assert ramp.moved_at != 0, "no ramp"
    now: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
    seconds: uint256 = STEP_SECONDS
    if now.start_factor != ramp.start_factor or now.end_factor != ramp.end_factor:
        seconds = FACTOR_STEP_SECONDS
    from_: uint256 = max(ramp.moved_at, block.timestamp - MOST_AT_ONCE)
    step: uint256 = (block.timestamp - from_) // seconds  # down: what is left counts for the next step
    assert step != 0, "too early"

    initial: uint256 = 0
    maintenance: uint256 = 0
    close_out: uint256 = 0
    start: uint256 = 0
    end: uint256 = 0
    initial, maintenance, close_out, start, end = margin_math.next_levels(
        now.initial_ltv,
        now.maintenance_ltv,
        now.close_out_ltv,
        now.start_factor,
        now.end_factor,
        ramp.initial_ltv,
        ramp.maintenance_ltv,
        ramp.close_out_ltv,
        ramp.start_factor,
        ramp.end_factor,
        staticcall IVault(vault).liquidation_penalty(),
        step,
    )
    arrived: bool = (
        initial == ramp.initial_ltv
        and maintenance == ramp.maintenance_ltv
        and close_out == ramp.close_out_ltv
        and start == ramp.start_factor
        and end == ramp.end_factor
    )
    self._ramps[vault][kind].moved_at = from_ + step * seconds
    if arrived:
        self._ramps[vault][kind] = empty(IGovernor.Ramp)
    log IGovernor.RampAdvanced(vault=vault, kind=kind, step=step, arrived=arrived)
    extcall IVault(vault).set_levels(kind, initial, maintenance, close_out, start, end)


@external
def halt(vault: address, kind: uint256):
    assert msg.sender == self.admin, "not admin"
    assert self._ramps[vault][kind].moved_at != 0, "no ramp"
    self._drop_ramp(vault, kind)


@internal
def _drop_ramp(vault: address, kind: uint256):
    # check: allow write-after-call - reached unlocked from `retire` alone, which only an act calls, and the coin is ours
    self._ramps[vault][kind] = empty(IGovernor.Ramp)
    log IGovernor.RampHalted(vault=vault, kind=kind)


# contracts and people


@external
def adopt(target: address):
    assert self.role_of[target] != 0, "not registered"
    log IGovernor.Adopted(target=target)
    extcall Governed(target).accept_governor()


@external
def accept_admin():
    assert msg.sender == self.pending_admin, "not proposed"
    self.admin = msg.sender
    self.pending_admin = empty(address)
    log IGovernor.AdminSet(admin=msg.sender)


# acts upon this contract: reached only through its own calls, under the lock that those hold


@external
@reentrant
def register(target: address, role: uint256):
    self._check_self()
    self._register(target, role)


@external
@reentrant
def set_guardian(guardian: address):
    self._check_self()
    self.guardian = guardian
    log IGovernor.GuardianSet(guardian=guardian)


@external
@reentrant
def propose_admin(pending: address):
    self._check_self()
    self.pending_admin = pending
    log IGovernor.AdminProposed(pending=pending)


# check: allow unlocked-call - only this contract calls it, inside an act that holds the lock
@external
@reentrant
def set_pause(vault: address, bit: uint256, paused: bool):
    self._check_self()
    in_force: uint256 = staticcall IGovernanceRules(rules).pauses_of(vault)
    extcall IVault(vault).set_pauses(in_force | bit if paused else in_force & ~bit)


@external
@reentrant
def ramp(
    vault: address,
    kind: uint256,
    initial_ltv: uint256,
    maintenance_ltv: uint256,
    close_out_ltv: uint256,
    start_factor: uint256,
    end_factor: uint256,
):
    self._check_self()
    self._ramps[vault][kind] = IGovernor.Ramp(
        initial_ltv=initial_ltv,
        maintenance_ltv=maintenance_ltv,
        close_out_ltv=close_out_ltv,
        start_factor=start_factor,
        end_factor=end_factor,
        moved_at=block.timestamp,
    )
    log IGovernor.RampSet(
        vault=vault,
        kind=kind,
        initial_ltv=initial_ltv,
        maintenance_ltv=maintenance_ltv,
        close_out_ltv=close_out_ltv,
        start_factor=start_factor,
        end_factor=end_factor,
    )


@external
@reentrant
def retire(vault: address):
    self._check_self()
    self.is_retired[vault] = True
    log IGovernor.Retired(vault=vault)
    extcall Coin(staticcall IVault(vault).coin()).set_ceiling(vault, 0)
    for kind: uint256 in range(MAX_KINDS):
        if self._ramps[vault][kind].moved_at != 0:
            self._drop_ramp(vault, kind)
        if staticcall IVault(vault).collateral(kind) != 0:
            extcall IVault(vault).set_cap(kind, 0)
    in_force: uint256 = staticcall IGovernanceRules(rules).pauses_of(vault)
    if in_force & ledger.SHUT == 0:  # a vault that is shut down is paused for good
        extcall IVault(vault).set_pauses(in_force | ledger.PAUSE_BORROW)


@internal
@view
def _check_self():
    assert msg.sender == self, "not itself"


@internal
def _register(target: address, role: uint256):
    assert target.is_contract, "no code"
    assert COIN <= role and role <= MODEL, "bad role"
    assert self.role_of[target] == 0, "already registered"
    assert len(self._contracts) < MAX_CONTRACTS, "too many contracts"
    self.role_of[target] = role
    self._contracts.append(target)
    log IGovernor.ContractRegistered(target=target, role=role)


# views


@external
@view
@reentrant
def preview(target: address, data: Bytes[MAX_DATA], expected: uint256, executing: bool) -> (uint256, bytes32):
    verdict: IGovernanceRules.Verdict = self._judge(target, data, expected, executing)
    return verdict.delay, verdict.key


@internal
@view
def _judge(
    target: address, data: Bytes[MAX_DATA], expected: uint256, executing: bool
) -> IGovernanceRules.Verdict:
    return staticcall IGovernanceRules(rules).judge(target, data, expected, executing)


@internal
@pure
def _digest(target: address, data: Bytes[MAX_DATA]) -> bytes32:
    return keccak256(abi_encode(target, data))


@internal
@view
def _names_guardian(target: address, data: Bytes[MAX_DATA]) -> bool:
    return target == self and slice(data, 0, 4) == method_id("set_guardian(address)")


@external
@view
@reentrant
def acts(id: uint256) -> IGovernor.Act:
    return self._acts[id]


# check: allow stale-view - all that is called before the write is our own: no stranger runs in between
@external
@view
@reentrant
def guards(key: bytes32) -> IGovernor.Guard:
    return self._guards[key]


# check: allow stale-view - all that is called before the write is our own: no stranger runs in between
@external
@view
@reentrant
def former(key: bytes32) -> uint256:
    guard: IGovernor.Guard = self._guards[key]
    if guard.target == empty(address):
        return 0
    return convert(slice(guard.undo, len(guard.undo) - 32, 32), uint256)  # the last word of the call


# check: allow stale-view - all that is called before the write is our own: no stranger runs in between
@external
@view
@reentrant
def ramps(vault: address, kind: uint256) -> IGovernor.Ramp:
    return self._ramps[vault][kind]


@external
@view
@reentrant
def contracts() -> DynArray[address, MAX_CONTRACTS]:
    return self._contracts
