# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: MIT
"""
@title HostileToken: an ERC-20 that is a plain one until it is told to turn
@notice For tests only; anyone may mint, burn and turn it. `transferFrom` and `transfer` are turned apart (IN and OUT), so is what
        it answers about itself. It counts what a careful holder must never ask of it: moves of nothing, approvals, and a
        `transferFrom` of one's own tokens.
"""
from ethereum.ercs import IERC20

# what a move does
PLAIN: constant(uint256) = 0
NOTHING: constant(uint256) = 1  # moves, and answers no byte
REFUSE: constant(uint256) = 2  # moves nothing and says so
LIE: constant(uint256) = 3  # moves nothing and says true
DENY: constant(uint256) = 4  # moves and says false
RAW: constant(uint256) = 5  # moves and answers the bytes of `set_raw`
LONG: constant(uint256) = 6  # moves and answers true and 100 kB
REVERT: constant(uint256) = 7
SHOUT: constant(uint256) = 8  # reverts with 100 kB
BURN: constant(uint256) = 9  # burns all gas
FEE: constant(uint256) = 10  # the receiver gets less
TOLL: constant(uint256) = 11  # the sender pays more
SHORT: constant(uint256) = 12  # moves one unit less
HOOK_AFTER: constant(uint256) = 13  # calls somebody once it has moved
HOOK_BEFORE: constant(uint256) = 14  # calls somebody before it moves
ALL: constant(uint256) = 15  # max_value(uint256) stands for the whole balance
NARROW: constant(uint256) = 16  # refuses what does not fit 96 bits
STRICT: constant(uint256) = 17  # refuses to move nothing
FREE_SELF: constant(uint256) = 18  # one's own tokens need no allowance

# what `balanceOf` says
HONEST: constant(uint256) = 0
MUTE: constant(uint256) = 1  # reverts
HUNGRY: constant(uint256) = 2  # burns all gas
POOR: constant(uint256) = 3
ENDLESS: constant(uint256) = 4
BYTES: constant(uint256) = 5  # the bytes of `set_raw`

WORDS: constant(uint256) = 3_125  # of 100 kB

decimals: public(uint8)
totalSupply: public(uint256)
allowance: public(HashMap[address, HashMap[address, uint256]])
held: public(HashMap[address, uint256])  # the truth behind `balanceOf`

mode_in: public(uint256)
mode_out: public(uint256)
mode_balance: public(uint256)
fee_bps: public(uint256)
is_blocked: public(HashMap[address, bool])
raw: Bytes[128]
named: Bytes[10_304]
is_nameless: bool
alias: address

target: address
data: Bytes[2048]
calls: public(uint256)
successes: public(uint256)
response: public(Bytes[256])
_inside: transient(bool)

moves_of_nothing: public(uint256)
moves_of_self: public(uint256)
approvals: public(HashMap[address, uint256])


@deploy
def __init__(name: String[32], symbol: String[16], decimals: uint8):
    self.decimals = decimals
    self.named = abi_encode(name)


# what it is told


@external
def mint(to: address, amount: uint256):
    self.totalSupply += amount
    self.held[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def burn(holder: address, amount: uint256):
    """
    @notice Burn from anyone, by anyone: a downward rebase.
    """
    self.totalSupply -= amount
    self.held[holder] -= amount
    log IERC20.Transfer(sender=holder, receiver=empty(address), value=amount)


@external
def set_modes(mode_in: uint256, mode_out: uint256, mode_balance: uint256):
    """
    @notice Turn `transferFrom`, `transfer` and `balanceOf`.
    """
    self.mode_in = mode_in
    self.mode_out = mode_out
    self.mode_balance = mode_balance


@external
def set_fee(fee_bps: uint256):
    assert fee_bps <= 10_000
    self.fee_bps = fee_bps


@external
def set_blocked(who: address, blocked: bool):
    """
    @notice Let nothing move from, to or by somebody.
    """
    self.is_blocked[who] = blocked


@external
def set_raw(raw: Bytes[128]):
    self.raw = raw


@external
def set_decimals(decimals: uint8):
    self.decimals = decimals


@external
def set_named(named: Bytes[10_304]):
    """
    @notice Answer these bytes to whoever asks for name or symbol.
    """
    self.named = named


@external
def set_nameless(nameless: bool):
    """
    @notice Revert when asked for name or symbol.
    """
    self.is_nameless = nameless


@external
def set_alias(alias: address):
    """
    @notice Name the contract that is this token under another address.
    """
    self.alias = alias


@external
def set_callback(target: address, data: Bytes[2048]):
    """
    @notice What a hook calls; the zero address: nobody. Resets the counters.
    """
    self.target = target
    self.data = data
    self.calls = 0
    self.successes = 0
    self.response = b""


# what it says of itself


@external
@view
@raw_return
def name() -> Bytes[10_304]:
    return self._name()


@external
@view
@raw_return
def symbol() -> Bytes[10_304]:
    return self._name()


@internal
@view
def _name() -> Bytes[10_304]:
    assert not self.is_nameless, "no name"
    return self.named


@external
@view
@raw_return
def balanceOf(owner: address) -> Bytes[128]:
    mode: uint256 = self.mode_balance
    if mode == MUTE:
        raise "balance is mute"
    if mode == HUNGRY:
        self._waste()
    if mode == POOR:
        return abi_encode(empty(uint256))
    if mode == ENDLESS:
        return abi_encode(max_value(uint256))
    if mode == BYTES:
        return self.raw
    return abi_encode(self.held[owner])


@internal
@pure
def _waste():
    waste: bytes32 = empty(bytes32)
    for _: uint256 in range(10_000_000):
        waste = keccak256(waste)


# moves


@external
def approve(spender: address, amount: uint256) -> bool:
    if self.mode_in == STRICT:
        assert amount != 0 and self.allowance[msg.sender][spender] == 0, "strict approval"
    self.approvals[msg.sender] += 1
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[100_000]:
    return self._act(self.mode_out, msg.sender, to, amount, msg.sender)


@external
@raw_return
def transferFrom(owner: address, to: address, amount: uint256) -> Bytes[100_000]:
    mode: uint256 = self.mode_in
    if owner == msg.sender:
        self.moves_of_self += 1
    if mode != FREE_SELF or owner != msg.sender:
        self._spend(owner, msg.sender, amount)
    return self._act(mode, owner, to, amount, msg.sender)


@external
def move_for(owner: address, to: address, amount: uint256, by: address, spends: bool) -> bool:
    """
    @notice What the alias calls for whoever called it.
    """
    assert msg.sender == self.alias, "not the alias"
    if spends:
        self._spend(owner, by, amount)
    self._move(owner, to, amount, by)
    return True


@internal
def _spend(owner: address, spender: address, amount: uint256):
    allowed: uint256 = self.allowance[owner][spender]
    if allowed != max_value(uint256):
        self.allowance[owner][spender] = allowed - amount


@internal
def _act(mode: uint256, owner: address, to: address, amount: uint256, by: address) -> Bytes[100_000]:
    if amount == 0:
        self.moves_of_nothing += 1
        assert mode != STRICT, "zero amount refused"
    if mode == REFUSE:
        return abi_encode(False)
    if mode == LIE:
        return abi_encode(True)
    if mode == REVERT:
        raise "token is paused"
    if mode == BURN:
        self._waste()
    loud: uint256[WORDS] = empty(uint256[WORDS])
    loud[0] = 1
    if mode == SHOUT:
        raw_revert(abi_encode(loud))
    moved: uint256 = amount
    if mode == ALL and amount == max_value(uint256):
        moved = self.held[owner]
    if mode == NARROW:
        assert amount < 2**96, "above 96 bits"
    if mode == HOOK_BEFORE:
        self._call()
    if mode == SHORT:
        moved -= 1
    if mode == TOLL:
        toll: uint256 = amount * self.fee_bps // 10_000
        self.held[owner] -= toll
        self.totalSupply -= toll
    fee: uint256 = amount * self.fee_bps // 10_000 if mode == FEE else 0
    self._move(owner, to, moved, by)
    if fee > 0:
        self.held[to] -= fee
        self.totalSupply -= fee
    if mode == HOOK_AFTER:
        self._call()
    if mode == NOTHING:
        return b""
    if mode == DENY:
        return abi_encode(False)
    if mode == RAW:
        return self.raw
    if mode == LONG:
        return abi_encode(loud)
    return abi_encode(True)


@internal
def _move(owner: address, to: address, amount: uint256, by: address):
    assert not (self.is_blocked[owner] or self.is_blocked[to] or self.is_blocked[by]), "blocked"
    self.held[owner] -= amount
    self.held[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)


@internal
def _call():
    """
    @notice Make the call once, however deep the move is that it makes itself.
    """
    if self.target == empty(address) or self._inside:
        return
    self._inside = True
    success: bool = False
    response: Bytes[256] = b""
    success, response = raw_call(self.target, self.data, max_outsize=256, revert_on_failure=False)
    self._inside = False
    self.calls += 1
    if success:
        self.successes += 1
    self.response = response
