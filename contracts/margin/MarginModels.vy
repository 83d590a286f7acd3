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
@custom:freeze Empty a slot: its accounts fall back to slot 0, and where that is empty to the linear margin.
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

models: public(HashMap[uint256, address])


@deploy
def __init__(governor: address):
    governed.__init__(governor)


@external
def list_model(slot: uint256, model: address):
    """
    @notice Put a model into a slot, or empty it with the zero address. Governor only.
    """
    governed.check_governor()
    if slot >= MAX_SLOTS:
        reasons.fail(reasons.UNKNOWN_MODEL)
    if model != empty(address) and not model.is_contract:
        reasons.fail(reasons.NO_CODE)
    self.models[slot] = model
    log IMarginModels.MarginModelListed(slot=slot, model=model)


@external
def use_default(vault: address, used: bool):
    """
    @notice Let the accounts of `vault` that chose no model have the one in slot 0, or the linear margin. Governor only.
    """
    governed.check_governor()
    extcall IVault(vault).set_default_model(used)


@external
@view
@reentrant
def surcharges(account_: uint256, slot: uint256, sold_kind: uint256) -> IMarginModels.Surcharges:
    """
    @notice What the model in `slot` takes off the capacities of the calling vault's account, as it is stored now.
    @param sold_kind the kind that a take is about to sell, 255 for none
    """
    model: address = self.used_model(slot)
    if model == empty(address):
        return empty(IMarginModels.Surcharges)
    return self.answer_of(model, account_, self.exposures_of(msg.sender, account_), sold_kind)


@external
@view
@reentrant
def ask(
    account_: uint256,
    slot: uint256,
    exposures: DynArray[IMarginModel.Exposure, MAX_ENABLED],
    sold_kind: uint256,
) -> IMarginModels.Surcharges:
    """
    @notice What the model in `slot` would take off the capacities of an account with these exposures.
    """
    model: address = self.used_model(slot)
    if model == empty(address):
        return empty(IMarginModels.Surcharges)
    return self.answer_of(model, account_, exposures, sold_kind)


@external
@view
@reentrant
def is_listed(slot: uint256) -> bool:
    """
    @notice A model is in this slot.
    """
    return self.models[slot] != empty(address)


@external
@view
@reentrant
def model_of(slot: uint256) -> address:
    """
    @notice The model that accounts of this slot are asked about: the default's where the slot has been emptied.
    """
    return self.used_model(slot)


@internal
@view
def used_model(slot: uint256) -> address:
    model: address = self.models[slot]
    return model if model != empty(address) else self.models[0]


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
    initial: uint256 = 0
    target: uint256 = 0
    maintenance: uint256 = 0
    close_out: uint256 = 0
    for exposure: IMarginModel.Exposure in exposures:
        initial += exposure.initial
        target += exposure.target
        maintenance += exposure.maintenance
        close_out += exposure.close_out
    left: uint256 = margin_math.less(close_out, self.word_of(answer, 3))
    off.close_out = close_out - left
    left = min(left, margin_math.less(maintenance, self.word_of(answer, 2)))
    off.maintenance = maintenance - left
    left = min(left, margin_math.less(target, self.word_of(answer, 1)))
    off.target = target - left
    left = min(left, margin_math.less(initial, self.word_of(answer, 0)))
    off.initial = initial - left
    off.sold_bps = min(BPS, self.word_of(answer, 4))
    return off


@internal
@pure
def word_of(answer: Bytes[192], i: uint256) -> uint256:
    return convert(slice(answer, 32 * i, 32), uint256)
