# SPDX-License-Identifier: MIT
"""For each rule a source with seeded bugs, each line that is one marked `#!`, and a clean twin."""

from __future__ import annotations

from typing import NamedTuple

HEAD = "# pragma version ^0.4.0\n"
LOCKED = HEAD + "# pragma nonreentrancy on\n"
TOKEN = "from ethereum.ercs import IERC20\n"


class Seed(NamedTuple):
    bad: str
    clean: str


SEEDS = {
    "dropped-result": Seed(
        LOCKED
        + TOKEN
        + """
@external
def pay(token: IERC20, to: address):
    extcall token.transfer(to, 1)  #!
    ok: bool = extcall token.approve(to, 1)  #!
    ok = False
""",
        LOCKED
        + TOKEN
        + """
interface Pool:
    def sync(): nonpayable
    def mint(amount: uint256) -> uint256: nonpayable

@external
def pay(token: IERC20, pool: Pool, to: address) -> bool:
    assert extcall token.transfer(to, 1, default_return_value=True)
    ok: bool = extcall token.approve(to, 1)
    if not ok:
        raise "no"
    extcall pool.sync()
    extcall pool.mint(1)
    return extcall token.transferFrom(msg.sender, to, 1)
""",
    ),
    "write-after-call": Seed(
        HEAD
        + TOKEN
        + """
held: public(HashMap[address, uint256])
total: uint256
names: DynArray[address, 5]

@external
def leave(token: IERC20):
    assert extcall token.transfer(msg.sender, self.held[msg.sender])
    self.held[msg.sender] = 0  #!
    self._forget()

@internal
def _forget():
    self.total -= 1  #!
    self.names.pop()  #!

@external
@payable
def refund(to: address):
    for i: uint256 in range(3):
        self.total = i  #!
        raw_call(to, b"", value=1)

@external
def odd(token: IERC20, deep: bool):
    if deep:
        assert extcall token.transfer(msg.sender, 1)
        return
    self.total = 1
""",
        LOCKED
        + TOKEN
        + """
held: public(HashMap[address, uint256])

@external
def leave(token: IERC20):
    amount: uint256 = self.held[msg.sender]
    assert extcall token.transfer(msg.sender, amount)
    self.held[msg.sender] = 0

@reentrant
@external
def go(token: IERC20):
    amount: uint256 = self.held[msg.sender]
    self.held[msg.sender] = staticcall token.balanceOf(self)
    assert extcall token.transfer(msg.sender, amount)
""",
    ),
    "unlocked-call": Seed(
        LOCKED
        + TOKEN
        + """
held: HashMap[address, uint256]

@reentrant
@external
def go(token: IERC20):  #!
    self.held[msg.sender] = 0
    self._pay(token)

@internal
def _pay(token: IERC20):
    assert extcall token.transfer(msg.sender, 1)
""",
        LOCKED
        + TOKEN
        + """
held: HashMap[address, uint256]

@external
def go(token: IERC20):
    self.held[msg.sender] = 0
    assert extcall token.transfer(msg.sender, 1)

@reentrant
@external
def ask(token: IERC20):
    self.held[msg.sender] = staticcall token.balanceOf(msg.sender)

@reentrant
@external
def never(token: IERC20):
    if msg.sender == self:
        assert extcall token.transfer(msg.sender, 1)
        raise "no"
    self.held[msg.sender] = 1
""",
    ),
    "stale-view": Seed(
        LOCKED
        + TOKEN
        + """
total: uint256
fee: uint256

@external
def leave(token: IERC20, amount: uint256):
    assert extcall token.transfer(msg.sender, amount)
    self.total -= amount

@internal
@view
def _rate() -> uint256:
    return self.total * 2

@reentrant
@external
@view
def rate() -> uint256:  #!
    return self._rate()
""",
        LOCKED
        + TOKEN
        + """
total: uint256
fee: uint256

@external
def leave(token: IERC20, amount: uint256):
    self.fee = amount
    assert extcall token.transfer(msg.sender, amount)
    self.total -= amount

@external
@view
def rate() -> uint256:
    return self.total * 2

@reentrant
@external
@view
def fee_now() -> uint256:
    return self.fee
""",
    ),
    "no-lock-pragma": Seed(
        HEAD.rstrip("\n")
        + """  #!
x: uint256

@external
@nonreentrant
def set():
    self.x = 1

@external
@view
def get() -> uint256:
    return self.x
""",
        HEAD
        + """
x: uint256

@external
@nonreentrant
def set():
    self.x = 1

@external
@pure
def one() -> uint256:
    return 1
""",
    ),
    "open-setter": Seed(
        LOCKED
        + """
event Set:
    who: address

owner: address
fee: uint256
paused: bool
last: address
limits: HashMap[uint256, uint256]

@external
def set_owner(owner: address):  #!
    self.owner = owner

@external
def set_fee(fee: uint256):  #!
    self._store(min(fee, 100))
    log Set(who=msg.sender)

@internal
def _store(fee: uint256):
    twice: uint256 = 2 * fee
    self.fee = twice

@external
def pause():  #!
    self.paused = True
    self.last = msg.sender

@external
def set_limit(kind: uint256, limit: uint256):  #!
    if limit > 5:
        self.limits[kind] = limit
""",
        LOCKED
        + """
interface Feed:
    def level(kind: uint256) -> uint256: view

owner: address
fee: uint256
closed: bool
limits: HashMap[uint256, uint256]
mine: HashMap[address, uint256]
nonces: HashMap[address, uint256]
feed: Feed
index: uint256

@external
def set_owner(owner: address):
    assert msg.sender == self.owner
    self.owner = owner

@external
def set_fee(fee: uint256):
    self._check(msg.sender)
    self.fee = fee

@internal
@view
def _check(who: address):
    if who != self.owner:
        raise "not the owner"

@external
def choose(limit: uint256):
    self.mine[msg.sender] = limit

@external
def sync(kind: uint256):
    self.limits[kind] = staticcall self.feed.level(kind)

@external
def accrue():
    self.index += block.timestamp

@external
def close():
    assert self.index > 5
    self.closed = True

@external
def permit(owner: address, fee: uint256, v: uint256, r: uint256, s: uint256):
    assert owner != empty(address)
    assert ecrecover(keccak256(convert(fee, bytes32)), v, r, s) == owner
    self.fee = fee
""",
    ),
    "zero-signer": Seed(
        LOCKED
        + """
owner: address

@external
@view
def proves(digest: bytes32, v: uint256, r: uint256, s: uint256) -> bool:
    signer: address = ecrecover(digest, v, r, s)  #!
    return signer == self.owner
""",
        LOCKED
        + """
owner: address

@external
@view
def proves(digest: bytes32, v: uint256, r: uint256, s: uint256) -> bool:
    signer: address = ecrecover(digest, v, r, s)
    return signer != empty(address) and signer == self.owner

@external
@view
def of(who: address, digest: bytes32, v: uint256, r: uint256, s: uint256) -> bool:
    assert who != empty(address)
    return ecrecover(digest, v, r, s) == who
""",
    ),
    "stale-price": Seed(
        LOCKED
        + """
struct Price:
    price: int64
    publish_time: uint256

interface Feed:
    def latestAnswer() -> int256: view
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view
    def price() -> (uint256, uint256): view
    def get_price_unsafe() -> Price: view

@external
@view
def value(feed: Feed) -> int256:
    last: int256 = staticcall feed.latestAnswer()  #!
    id: uint80 = 0
    answer: int256 = 0
    started: uint256 = 0
    made: uint256 = 0
    same: uint80 = 0
    (id, answer, started, made, same) = staticcall feed.latestRoundData()  #!
    assert started <= block.timestamp
    wad: uint256 = 0
    at: uint256 = 0
    (wad, at) = staticcall feed.price()  #!
    found: Price = staticcall feed.get_price_unsafe()  #!
    return last + answer + convert(wad, int256) + convert(found.price, int256)
""",
        LOCKED
        + """
struct Price:
    price: int64
    publish_time: uint256

interface Feed:
    def latestRoundData() -> (uint80, int256, uint256, uint256, uint80): view
    def price() -> (uint256, uint256): view
    def get_price_unsafe() -> Price: view
    def price_of_admission() -> uint256: view

@external
@view
def value(feed: Feed) -> int256:
    id: uint80 = 0
    answer: int256 = 0
    started: uint256 = 0
    made: uint256 = 0
    same: uint80 = 0
    (id, answer, started, made, same) = staticcall feed.latestRoundData()
    assert made + 3600 > block.timestamp
    found: Price = staticcall feed.get_price_unsafe()
    assert found.publish_time + 60 > block.timestamp
    return answer + convert(found.price, int256)

@external
@view
def both(feed: Feed) -> (uint256, uint256):
    return staticcall feed.price()

@external
@view
def ticket(feed: Feed) -> uint256:
    return staticcall feed.price_of_admission()
""",
    ),
    "divide-before-multiply": Seed(
        LOCKED
        + """
@external
@pure
def fee_down(amount: uint256, bps: uint256, days: uint256) -> uint256:
    part: uint256 = amount // 10_000
    daily: uint256 = unsafe_mul(unsafe_div(amount, 365), days)  #!
    return part * bps + amount // 365 * days + daily  #!
""",
        LOCKED
        + """
@external
@pure
def fee_down(amount: uint256, bps: uint256, step: uint256) -> uint256:
    part: uint256 = amount * bps // 10_000
    part += 5
    return part * 2 + amount // step * step + 10 // 3 * 7
""",
    ),
    "bare-division": Seed(
        LOCKED
        + """
@external
@pure
def shares_of(amount: uint256, index: uint256) -> uint256:
    halved: uint256 = unsafe_div(amount, 2)  #!
    return halved + amount * 10**18 // index  #!
""",
        LOCKED
        + """
@internal
@pure
def shares_down(amount: uint256, index: uint256) -> uint256:
    return amount * 10**18 // index

@external
@pure
def shares_of(amount: uint256, index: uint256, elapsed: uint256) -> uint256:
    hours: uint256 = elapsed // 3_600 + max_value(uint256) // elapsed
    assert amount <= index // 4
    return amount * hours // index  # down
""",
    ),
    "unsafe-math": Seed(
        LOCKED
        + """
@external
@pure
def less(a: uint256, b: uint256) -> uint256:
    if a > b:
        b_more: uint256 = unsafe_sub(b, a)  #!

    # nothing that bounds it
    c: uint256 = a
    # both below 2**128, in another paragraph

    return unsafe_add(a, b)  #!
""",
        LOCKED
        + """
@external
@pure
def less(a: uint256, b: uint256) -> uint256:
    # both come from 16-bit fields
    sum: uint256 = unsafe_add(a, b)
    twice: uint256 = unsafe_mul(2, sum)  # below 2**18

    # two fields of 16 bits
    low: uint256 = a
    high: uint256 = unsafe_mul(low, low)
    if a < b:
        raise "below"
    left: uint256 = unsafe_sub(a, b)
    some: uint256 = unsafe_sub(b, min(a, b))
    half: uint256 = unsafe_div(a, 2)
    return unsafe_sub(half, left) if half > left else sum + twice + some
""",
    ),
    "signed-division": Seed(
        LOCKED
        + """
@external
@pure
def mean(ticks: int256, period: int256) -> int256:
    rest: int256 = ticks % period  #!
    return ticks // period + rest  #!
""",
        LOCKED
        + """
@external
@pure
def mean(ticks: uint256, period: uint256) -> uint256:
    return ticks // period + ticks % period
""",
    ),
    "exact-balance": Seed(
        LOCKED
        + TOKEN
        + """
booked: uint256

@external
@view
def check(token: IERC20):
    assert staticcall token.balanceOf(self) == self.booked  #!
    assert self.booked != self.balance  #!
""",
        LOCKED
        + TOKEN
        + """
booked: uint256

@external
@view
def check(token: IERC20, who: address):
    assert staticcall token.balanceOf(self) >= self.booked
    assert staticcall token.balanceOf(who) == self.booked
    assert staticcall token.balanceOf(self) != 0
""",
    ),
    "unbounded-loop": Seed(
        LOCKED
        + """
users: DynArray[address, 1_000]
sum: uint256

@external
def all():
    for user: address in self.users:  #!
        self.sum += 1
    for i: uint256 in range(self.sum, bound=10**12):  #!
        self.sum += i
    for i: uint256 in range(100):
        for j: uint256 in range(10, 30):  #!
            self.sum += i * j
""",
        LOCKED
        + """
users: DynArray[address, 100]
sum: uint256

@external
def all(page: DynArray[address, 500]):
    for user: address in self.users:
        self.sum += 1
    for user: address in page:
        self.sum += 1
    for i: uint256 in range(30):
        for j: uint256 in range(10, 40):
            self.sum += i * j
""",
    ),
    "raw-call-success": Seed(
        LOCKED
        + """
@external
def go(to: address):
    sent: bool = raw_call(to, b"", revert_on_failure=False)  #!
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(to, b"abcd", max_outsize=32, revert_on_failure=False)  #!
    assert len(answer) == 32
""",
        LOCKED
        + """
@external
def go(to: address) -> bool:
    raw_call(to, b"")
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(to, b"abcd", max_outsize=32, revert_on_failure=False)
    assert ok and len(answer) == 32
    return raw_call(to, b"", revert_on_failure=False)
""",
    ),
    "raw-call-outsize": Seed(
        LOCKED
        + """
@external
def go(to: address):
    raw_call(to, abi_encode(to, method_id=method_id("pay(address)")))  #!
""",
        LOCKED
        + """
@external
def go(to: address):
    raw_call(to, b"", value=1)
    raw_call(to, method_id("ping()"), max_outsize=0)
    answer: Bytes[32] = raw_call(to, method_id("ping()"), max_outsize=32)
    assert convert(answer, bool)
""",
    ),
    "skip-contract-check": Seed(
        LOCKED
        + TOKEN
        + """
@external
def pay(token: IERC20):
    assert extcall token.transfer(msg.sender, 1, skip_contract_check=True)  #!
""",
        LOCKED
        + TOKEN
        + """
@external
def pay(token: IERC20):
    assert extcall token.transfer(msg.sender, 1, skip_contract_check=False)
""",
    ),
    "tx-origin": Seed(
        LOCKED
        + """
owner: address

@external
@view
def check():
    assert tx.origin == self.owner  #!
""",
        LOCKED
        + """
owner: address

@external
@view
def check():
    assert msg.sender == self.owner
    assert tx.gasprice < 10**12
""",
    ),
    "delegatecall": Seed(
        LOCKED
        + """
@external
def run(code: address, data: Bytes[100]):
    raw_call(code, data, is_delegate_call=True)  #!
""",
        LOCKED
        + """
@external
def run(code: address, data: Bytes[100]):
    raw_call(code, data, is_static_call=True)
""",
    ),
}
