# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title MarginModels: the margin models of a book, and the one way to ask them
@notice Slot 0 is the default of a book that uses one, slots 1 to 255 are open to accounts by choice; the governor lists. A vault
        asks about one of its accounts, a lens about any position. The answer can only raise requirements and keeps the
        levels nested, whatever the model says.
@custom:security A vault trusts this contract and never a model: a model gets exactly MODEL_GAS by a static call or the
        call reverts with "gas too low", so that nobody can fake its failure by starving it. Reads a vault's raw
        words, which answer while the vault is locked; nothing here writes while one is asked.
@custom:freeze Empty a slot: its accounts fall back to slot 0 (within a week), and where that is empty to the linear margin (at once;
        what fades out already goes on).
"""
from ...interfaces import IMarginModel
from ...interfaces import IMarginModels
from ...interfaces import IPriceHub
from ...interfaces import IVault
from ..modules import account
from ..modules import governed
from ..modules import ledger
from ..modules import margin_math
from ..modules import price_word
from ..modules import reasons

implements: IMarginModels

initializes: governed

exports: (
    governed.governor,
    governed.pending_governor,
    governed.propose_governor,
    governed.accept_governor,
)

BPS: constant(uint256) = 10_000
MAX_SLOTS: constant(uint256) = 256
MAX_KINDS: constant(uint256) = 32
MAX_ENABLED: constant(uint256) = 8
MODEL_GAS: constant(uint256) = 300_000
CALL_GAS: constant(uint256) = 6_000  # what is spent between the check and the model's first step
FADE_PERIOD: constant(uint256) = 7 * 86_400
LONG_AGO: constant(uint256) = 1  # a change that needs no fading

# how the model of a slot came to be
struct Fade:
    former: address  # what it took the place of; zero: the default of the book, in slot 0 the linear margin
    changed_at: uint256  # 0: the slot has never been listed

# an account's linear capacities, coin units (WAD)
struct Sums:
    initial: uint256
    target: uint256
    maintenance: uint256
    close_out: uint256

models: public(HashMap[uint256, address])
_fades: HashMap[uint256, Fade]
_defaulted_at: HashMap[address, uint256]  # when a vault with debts began to use the default
has_reliers: public(bool)  # a vault has used the default, or a slot was emptied: somebody may rely on slot 0


@deploy
def __init__(governor: address):
    governed.__init__(governor)


# governance


@external
def list_model(slot: uint256, model: address):
    governed.check_governor()
    if slot >= MAX_SLOTS:
        reasons.fail(reasons.UNKNOWN_MODEL)
    if model != empty(address) and not model.is_contract:
        reasons.fail(reasons.NO_CODE)
    old: address = self.models[slot]
    if model != old:  # naming the same again must not start over
        self.change_slot(slot, old, model)
    log IMarginModels.MarginModelListed(slot=slot, model=model)


@internal
def change_slot(slot: uint256, old: address, model: address):
    fade: Fade = self._fades[slot]
    self.models[slot] = model
    # whoever is in a slot that is emptied falls back to slot 0: to nothing, where that is empty
    if model == empty(address) and (slot == 0 or self.models[0] == empty(address)):
        self._fades[slot] = Fade(former=empty(address), changed_at=LONG_AGO)
    elif fade.changed_at == 0 and (slot != 0 or not self.has_reliers):
        self._fades[slot] = Fade(former=empty(address), changed_at=LONG_AGO)  # nobody is in it yet
    else:
        # a third model would begin from between two
        assert block.timestamp >= fade.changed_at + FADE_PERIOD, "still fading"
        self._fades[slot] = Fade(former=old, changed_at=block.timestamp)
    if model == empty(address):
        self.has_reliers = True


@external
def use_default(vault: address, used: bool):
    governed.check_governor()
    if used:
        self.has_reliers = True
        is_used: bool = staticcall IVault(vault).interest() >> ledger.HAS_DEFAULT_MODEL & 1 != 0
        if not is_used:
            # where nobody owes, nobody has to be given time
            owed: uint256 = staticcall IVault(vault).totals() & ledger.TOTAL_DEBT_MASK
            self._defaulted_at[vault] = block.timestamp if owed != 0 else LONG_AGO
    extcall IVault(vault).set_default_model(used)


# asking


@external
@view
@reentrant
def surcharges(account_: uint256, slot: uint256, sold_kind: uint256) -> IMarginModels.Surcharges:
    if self.used_model(slot) == empty(address):
        return empty(IMarginModels.Surcharges)
    return self.answer_in(msg.sender, account_, slot, self.exposures_of(msg.sender, account_), sold_kind)


@external
@view
@reentrant
def ask(
    vault: address,
    account_: uint256,
    slot: uint256,
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED],
    sold_kind: uint256,
) -> IMarginModels.Surcharges:
    if self.used_model(slot) == empty(address):
        return empty(IMarginModels.Surcharges)
    return self.answer_in(vault, account_, slot, exposures, sold_kind)


@external
@view
@reentrant
def is_listed(slot: uint256) -> bool:
    return self.models[slot] != empty(address)


@external
@view
@reentrant
def model_of(slot: uint256) -> address:
    return self.used_model(slot)


@external
@view
@reentrant
def fade_of(slot: uint256) -> (address, uint256):
    fade: Fade = self._fades[slot]
    return fade.former, fade.changed_at


@external
@view
@reentrant
def defaulted_at(vault: address) -> uint256:
    return self._defaulted_at[vault]


@internal
@view
def used_model(slot: uint256) -> address:
    """
    @notice One that has a say about accounts of this slot; zero: none has, and the linear margin holds.
    """
    model: address = self.models[slot]
    if model == empty(address):
        model = self.models[0]
    if model == empty(address) and block.timestamp < self._fades[slot].changed_at + FADE_PERIOD:
        # were it passed over while the default is empty, the next default would bring back what is left of it at once
        model = self._fades[slot].former
    return model


@internal
@view
def answer_in(
    vault: address,
    id: uint256,
    slot: uint256,
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED],
    sold_kind: uint256,
) -> IMarginModels.Surcharges:
    """
    @notice What holds for an account of this slot now: models that took another's place, and a default that a vault with
            debts began to use, fade in over a week. The initial level has all of it at once.
    """
    sums: Sums = empty(Sums)
    for exposure: IMarginModel.Exposure in exposures:
        sums.initial += exposure.initial
        sums.target += exposure.target
        sums.maintenance += exposure.maintenance
        sums.close_out += exposure.close_out

    model: address = self.models[slot] if slot != 0 else empty(address)
    fade: Fade = self._fades[slot] if slot != 0 else empty(Fade)
    is_fading: bool = slot != 0 and block.timestamp < fade.changed_at + FADE_PERIOD
    fallback: IMarginModels.Surcharges = empty(IMarginModels.Surcharges)
    if model == empty(address) or (is_fading and fade.former == empty(address)):
        fallback = self.answer_of_default(id, exposures, sold_kind, sums)
    off: IMarginModels.Surcharges = fallback
    if model != empty(address):
        off = self.answer_of(model, id, exposures, sold_kind, sums)
    if is_fading:
        former: IMarginModels.Surcharges = fallback
        if fade.former != empty(address):
            former = self.answer_of(fade.former, id, exposures, sold_kind, sums)
        off = self.faded(former, off, fade.changed_at, sums)
    if slot == 0:
        off = self.faded(empty(IMarginModels.Surcharges), off, self._defaulted_at[vault], sums)
    return off


@internal
@view
def answer_of_default(
    id: uint256, exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED], sold_kind: uint256, sums: Sums
) -> IMarginModels.Surcharges:
    off: IMarginModels.Surcharges = empty(IMarginModels.Surcharges)
    model: address = self.models[0]
    if model == empty(address):
        return off
    off = self.answer_of(model, id, exposures, sold_kind, sums)
    fade: Fade = self._fades[0]
    former: IMarginModels.Surcharges = empty(IMarginModels.Surcharges)
    if fade.former != empty(address) and block.timestamp < fade.changed_at + FADE_PERIOD:
        former = self.answer_of(fade.former, id, exposures, sold_kind, sums)
    return self.faded(former, off, fade.changed_at, sums)


@internal
@view
def faded(
    former: IMarginModels.Surcharges, present: IMarginModels.Surcharges, changed_at: uint256, sums: Sums
) -> IMarginModels.Surcharges:
    """
    @notice Between two answers by the time since a change, at every level but the initial one, which is then kept inside
            the target level. Capacities stay nested: what is taken off them is rounded up alike. A present model that
            fails takes nothing off itself; the former one fades out all the same, or it would be back once another answers.
    """
    elapsed: uint256 = block.timestamp - changed_at
    if elapsed >= FADE_PERIOD:
        return present
    off: IMarginModels.Surcharges = present
    off.target = margin_math.faded_up(former.target, present.target, elapsed, FADE_PERIOD)
    off.maintenance = margin_math.faded_up(former.maintenance, present.maintenance, elapsed, FADE_PERIOD)
    off.close_out = margin_math.faded_up(former.close_out, present.close_out, elapsed, FADE_PERIOD)
    off.initial = sums.initial - min(sums.initial - off.initial, sums.target - off.target)
    off.sold_bps = max(former.sold_bps, present.sold_bps)  # sizes a take smaller, never past the target level
    return off


@internal
@view
def exposures_of(vault: address, id: uint256) -> DynArray[IMarginModel.Exposure, MAX_ENABLED]:
    """
    @notice An account's linear capacities, kind by kind, at the prices that the vault would see now.
    """
    hub: address = staticcall IVault(vault).hub()
    frozen: uint256 = staticcall IVault(vault).totals() >> ledger.FROZEN
    mask: uint256 = staticcall IVault(vault).accounts(id) >> account.COLLATERAL_MASK & account.KINDS_MASK
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED] = []
    for kind: uint256 in range(MAX_KINDS):
        rest: uint256 = mask >> kind
        if rest == 0:
            break
        if rest & 1 == 0:
            continue
        price: price_word.Price = price_word.unpack(staticcall IPriceHub(hub).read_one(kind))
        config: ledger.Collateral = ledger.unpack_collateral(staticcall IVault(vault).collateral(kind))
        balance: uint256 = staticcall IVault(vault).balances(id, kind)
        worth: uint256 = margin_math.value_down(balance, price.hi, config.decimals)
        target: uint256 = margin_math.target_capacity(worth, config.initial_ltv)
        exposures.append(
            IMarginModel.Exposure(
                kind=kind,
                deposited=staticcall IVault(vault).deposited(kind) & ledger.HALF_MASK,
                value=worth,
                initial=margin_math.initial_capacity(
                    margin_math.value_down(balance, price.lo, config.decimals),
                    config.initial_ltv,
                    price.initial_multiplier,
                    frozen >> kind & 1,
                ),
                target=target,
                maintenance=margin_math.maintenance_capacity_from(
                    worth, target, config.maintenance_ltv, price.maintenance_multiplier
                ),
                close_out=margin_math.close_out_capacity(worth, config.close_out_ltv),
            )
        )
    return exposures


@internal
@view
def answer_of(
    model: address,
    id: uint256,
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED],
    sold_kind: uint256,
    sums: Sums,
) -> IMarginModels.Surcharges:
    """
    @notice The model's answer, cut so that no capacity falls below zero and the levels stay nested.
    """
    if msg.gas - msg.gas // 64 < MODEL_GAS + CALL_GAS:
        reasons.fail(reasons.GAS_TOO_LOW)
    success: bool = False
    answer: Bytes[192] = b""
    success, answer = raw_call(
        model,
        abi_encode(
            id,
            exposures,
            sold_kind,
            method_id=method_id(
                "surcharges(uint256,(uint256,uint256,uint256,uint256,uint256,uint256,uint256)[],uint256)"
            ),
        ),
        max_outsize=192,  # one word more than is right, so that a longer answer shows
        gas=MODEL_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    off: IMarginModels.Surcharges = empty(IMarginModels.Surcharges)
    if not success or len(answer) != 160:
        off.failed = True
        return off
    left: uint256 = margin_math.less(sums.close_out, self.word_of(answer, 3))
    off.close_out = sums.close_out - left
    left = min(left, margin_math.less(sums.maintenance, self.word_of(answer, 2)))
    off.maintenance = sums.maintenance - left
    left = min(left, margin_math.less(sums.target, self.word_of(answer, 1)))
    off.target = sums.target - left
    left = min(left, margin_math.less(sums.initial, self.word_of(answer, 0)))
    off.initial = sums.initial - left
    off.sold_bps = min(BPS, self.word_of(answer, 4))
    return off


@internal
@pure
def word_of(answer: Bytes[192], i: uint256) -> uint256:
    return convert(slice(answer, 32 * i, 32), uint256)
