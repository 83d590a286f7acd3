# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: MIT
"""
@title LeverageZap: leverage, deleverage and exchange collateral in one transaction over Uniswap v3
@notice An owner who has made this contract an operator of an account buys collateral with borrowed coins, repays with
        the proceeds of collateral, or replaces one collateral by another, without a flash loan: the vault pays out
        first, calls back, and pulls in last. Only the owner of an account may use the zap on it, no other operator.
        What it holds at the end of a call, of the tokens of that call, goes to the owner.
        Reasons: "too late" · "not the owner" · "unknown kind" · "bad path" · "wrong path ends" · "no debt" ·
        "not called back" · "approve failed"; at construction "no code"; and those of the vault, the tokens and the router
        ("Too little received"; "STF" when a `close` would have to sell more than it may).
@custom:security One zap serves one vault and one router, both immutable: no caller can name a contract to be trusted, and the
        only code it calls that nobody vouches for are the tokens on the caller's path. It has no owner and no storage;
        between calls it holds nothing and has approved nothing. Tokens are pulled from the caller only. A path and a
        limit are the owner's choice: the limits bound what a sandwich or a bad path can cost.
@custom:freeze Nothing to freeze: owners revoke it with `set_operator(vault, zap, 0)`; the vault's pauses of borrowing, withdrawing
        and callbacks hold for it too.
"""
from ethereum.ercs import IERC20

from ...interfaces import IVault
from ..modules import transfers

struct ExactInput:
    path: Bytes[MAX_PATH]
    recipient: address
    deadline: uint256
    amount_in: uint256
    amount_out_minimum: uint256

struct ExactOutput:
    path: Bytes[MAX_PATH]
    recipient: address
    deadline: uint256
    amount_out: uint256
    amount_in_maximum: uint256

interface SwapRouter:
    def exactInput(params: ExactInput) -> uint256: nonpayable
    def exactOutput(params: ExactOutput) -> uint256: nonpayable

MAX_KINDS: constant(uint256) = 32
MAX_DELTA: constant(uint256) = 2**255 - 1
HALF_MASK: constant(uint256) = 2**128 - 1
ADDRESS_BYTES: constant(uint256) = 20
HOP_BYTES: constant(uint256) = 23  # a fee and the next token
MAX_PATH: constant(uint256) = 135  # five hops: 20 + 5 * 23
MAX_LEGS: constant(uint256) = 8
MAX_DATA: constant(uint256) = 1_024

struct Plan:
    sold: address
    most: uint256  # to be sold: exactly, or at most when `exact` is above zero
    least: uint256  # to be bought for exactly `most`
    exact: uint256  # to be bought for at most `most`; 0: sell exactly `most`
    pulled: address  # what the vault pulls in afterwards; zero for coins, which it burns
    amount: uint256  # how much of it
    path: Bytes[MAX_PATH]

vault: public(immutable(address))
router: public(immutable(address))
coin: public(immutable(address))

is_expected: transient(bool)  # a callback, once


@deploy
def __init__(vault_: address, router_: address):
    """
    @notice Serve one vault over one Uniswap v3 SwapRouter (of v3-periphery, whose calls carry a deadline).
    """
    assert vault_.is_contract and router_.is_contract, "no code"
    vault = vault_
    router = router_
    coin = staticcall IVault(vault_).coin()


@external
def leverage(
    account: uint256,
    kind: uint256,
    own_amount: uint256,
    debt: uint256,
    min_bought: uint256,
    path: Bytes[MAX_PATH],
    deadline: uint256,
) -> uint256:
    """
    @notice Borrow `debt` coins, buy collateral with all of them and deposit it together with the caller's `own_amount`.
            The initial level must hold for `own_amount + min_bought`; what is bought above that is deposited as well, as far
            as the deposit cap leaves room, and else paid to the owner.
    @param own_amount base units that the caller has approved to this contract; may be 0
    @param debt coins, WAD
    @param min_bought base units; less is not accepted
    @param path from the coin to the collateral: token, fee (3 bytes), token, ...
    @param deadline unix seconds, inclusive
    @return base units deposited
    """
    token: address = self.check(account, kind, deadline)
    self.check_path(path, coin, token)
    if own_amount > 0:
        transfers.pull(token, msg.sender, own_amount)
    amount: uint256 = own_amount + min_bought
    self.run(
        account,
        [IVault.Leg(kind=kind, delta=self.signed(amount))],
        self.signed(debt),
        Plan(
            sold=coin,
            most=debt,
            least=min_bought,
            exact=0,
            pulled=token,
            amount=amount,
            path=path,
        ),
    )
    amount += self.deposit_rest(account, kind, token)
    self.pay_out(token)
    self.pay_out(coin)
    return amount


@external
def deleverage(
    account: uint256,
    kind: uint256,
    sold: uint256,
    debt: uint256,
    min_bought: uint256,
    path: Bytes[MAX_PATH],
    deadline: uint256,
) -> uint256:
    """
    @notice Take collateral out, sell all of it for coins, repay at most `debt` and pay the rest of the coins to the owner.
            The initial level must hold afterwards if a debt is left. `sold` and `debt` both at max_value(uint256) close
            the kind and the debt.
    @param sold base units; max_value(uint256) = the whole balance
    @param debt coins to repay: more than owed repays all, and a rest below the debt floor is never left, as by `repay`
    @param min_bought coins; less is not accepted. What is repaid must be bought
    @param path from the collateral to the coin
    @return coins paid to the owner
    """
    token: address = self.check(account, kind, deadline)
    self.check_path(path, token, coin)
    amount: uint256 = self.resolve(account, kind, sold)
    self.run(
        account,
        [IVault.Leg(kind=kind, delta=-self.signed(amount))],
        -self.signed(debt),
        Plan(
            sold=token,
            most=amount,
            least=min_bought,
            exact=0,
            pulled=empty(address),
            amount=0,
            path=path,
        ),
    )
    self.pay_out(token)
    return self.pay_out(coin)


@external
def close(
    account: uint256,
    kind: uint256,
    max_sold: uint256,
    path: Bytes[MAX_PATH],
    deadline: uint256,
) -> uint256:
    """
    @notice Repay the whole debt by selling as little of one kind as that takes, and pay the rest of that kind to the owner.
            Other kinds stay in the account, without debt.
    @param max_sold base units; more is not accepted, nor is more than the balance
    @param path from the coin to the collateral: Uniswap reads the path of an exact output backwards
    @return base units of collateral paid to the owner
    """
    token: address = self.check(account, kind, deadline)
    self.check_path(path, coin, token)
    owed: uint256 = staticcall IVault(vault).debt_of(account)
    assert owed > 0, "no debt"
    amount: uint256 = self.resolve(account, kind, max_value(uint256))
    self.run(
        account,
        [IVault.Leg(kind=kind, delta=min_value(int256))],
        min_value(int256),
        Plan(
            sold=token,
            most=min(max_sold, amount),
            least=0,
            exact=owed,
            pulled=empty(address),
            amount=0,
            path=path,
        ),
    )
    self.pay_out(coin)
    return self.pay_out(token)


@external
def swap_collateral(
    account: uint256,
    kind_out: uint256,
    amount_out: uint256,
    kind_in: uint256,
    min_in: uint256,
    path: Bytes[MAX_PATH],
    deadline: uint256,
) -> uint256:
    """
    @notice Replace collateral of one kind by another with the debt unchanged. With debt, the initial level must hold for
            `min_in`; what is bought above that is deposited as well, as far as the deposit cap leaves room, and else paid out.
    @param amount_out base units to sell; max_value(uint256) = the whole balance
    @param min_in base units; less is not accepted
    @param path from `kind_out` to `kind_in`
    @return base units of `kind_in` deposited
    """
    token_out: address = self.check(account, kind_out, deadline)
    token_in: address = self.token_of(kind_in)
    self.check_path(path, token_out, token_in)
    sold: uint256 = self.resolve(account, kind_out, amount_out)
    leg_out: IVault.Leg = IVault.Leg(kind=kind_out, delta=-self.signed(sold))
    leg_in: IVault.Leg = IVault.Leg(kind=kind_in, delta=self.signed(min_in))
    legs: DynArray[IVault.Leg, MAX_LEGS] = [leg_out, leg_in]
    if kind_in < kind_out:
        legs = [leg_in, leg_out]
    self.run(
        account,
        legs,
        0,
        Plan(
            sold=token_out,
            most=sold,
            least=min_in,
            exact=0,
            pulled=token_in,
            amount=min_in,
            path=path,
        ),
    )
    bought: uint256 = min_in + self.deposit_rest(account, kind_in, token_in)
    self.pay_out(token_out)
    self.pay_out(token_in)
    return bought


# check: allow unlocked-call - only the vault calls it, once, inside a call of this contract that holds the lock
@external
@reentrant
def on_adjust(account: uint256, data: Bytes[MAX_DATA]):
    """
    @notice The vault's callback between pay-out and pull-in: swap, then approve what the vault pulls. Only the vault, only
            inside an `adjust` that this contract has just called, and once. Open while the lock is held.
    """
    assert msg.sender == vault and self.is_expected, "not called back"
    self.is_expected = False
    plan: Plan = abi_decode(data, Plan)
    self.approve(plan.sold, router, plan.most)
    if plan.exact > 0:
        extcall SwapRouter(router).exactOutput(
            ExactOutput(
                path=plan.path,
                recipient=self,
                deadline=block.timestamp,
                amount_out=plan.exact,
                amount_in_maximum=plan.most,
            )
        )
    else:
        extcall SwapRouter(router).exactInput(
            ExactInput(
                path=plan.path,
                recipient=self,
                deadline=block.timestamp,
                amount_in=plan.most,
                amount_out_minimum=plan.least,
            )
        )
    self.clear(plan.sold, router)
    if plan.pulled != empty(address):
        self.approve(plan.pulled, vault, plan.amount)


@internal
def run(account: uint256, legs: DynArray[IVault.Leg, MAX_LEGS], debt_delta: int256, plan: Plan):
    """
    @notice The one adjustment of every call; everything is paid out to this contract.
    """
    self.is_expected = True
    extcall IVault(vault).adjust(account, legs, debt_delta, self, abi_encode(plan))
    if plan.pulled != empty(address):
        self.clear(plan.pulled, vault)


@internal
def deposit_rest(account: uint256, kind: uint256, token: address) -> uint256:
    """
    @notice Top the account up with what was bought above the least, as far as the deposit cap leaves room.
    @return base units deposited
    """
    held: uint256 = staticcall IERC20(token).balanceOf(self)
    if held == 0:
        return 0
    word: uint256 = staticcall IVault(vault).deposited(kind)
    total: uint256 = word & HALF_MASK
    cap: uint256 = word >> 128
    if cap <= total:
        return 0
    amount: uint256 = min(held, cap - total)
    self.approve(token, vault, amount)
    extcall IVault(vault).deposit(account, kind, amount)
    self.clear(token, vault)
    return amount


@internal
def pay_out(token: address) -> uint256:
    """
    @notice Pay to the owner whatever is held of a token.
    """
    held: uint256 = staticcall IERC20(token).balanceOf(self)
    if held > 0:
        transfers.push(token, msg.sender, held)
    return held


@internal
def approve(token: address, spender: address, amount: uint256):
    assert extcall IERC20(token).approve(spender, amount, default_return_value=True), "approve failed"


@internal
def clear(token: address, spender: address):
    """
    @notice Take back what was approved and not used; tokens that refuse an approval of 0 are not asked without need.
    """
    if staticcall IERC20(token).allowance(self, spender) > 0:
        self.approve(token, spender, 0)


@internal
@view
def check(account: uint256, kind: uint256, deadline: uint256) -> address:
    """
    @notice Assert that the caller owns the account and is in time.
    @return token of the kind
    """
    assert block.timestamp <= deadline, "too late"
    assert account >> 8 == convert(msg.sender, uint256), "not the owner"
    return self.token_of(kind)


@internal
@view
def token_of(kind: uint256) -> address:
    assert kind < MAX_KINDS, "unknown kind"
    token: address = convert(staticcall IVault(vault).collateral(kind) & (2**160 - 1), address)
    assert token != empty(address), "unknown kind"
    return token


@internal
@pure
def check_path(path: Bytes[MAX_PATH], first: address, last: address):
    """
    @notice Assert that a path is whole hops from one token to another.
    """
    size: uint256 = len(path)
    assert size > ADDRESS_BYTES and (size - ADDRESS_BYTES) % HOP_BYTES == 0, "bad path"
    assert (
        convert(slice(path, 0, ADDRESS_BYTES), address) == first
        and convert(slice(path, size - ADDRESS_BYTES, ADDRESS_BYTES), address) == last
    ), "wrong path ends"


@internal
@view
def resolve(account: uint256, kind: uint256, amount: uint256) -> uint256:
    """
    @notice The amount meant: max_value(uint256) stands for the whole balance.
    """
    if amount != max_value(uint256):
        return amount
    return staticcall IVault(vault).balances(account, kind)


@internal
@pure
def signed(amount: uint256) -> int256:
    """
    @notice An amount as a delta; what does not fit is far above what the vault accepts.
    """
    return convert(min(amount, MAX_DELTA), int256)
