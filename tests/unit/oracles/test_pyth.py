# SPDX-License-Identifier: MIT
"""A pull oracle: what its prices are worth, how updates are paid for, and who may choose which."""

from __future__ import annotations

from fractions import Fraction

import pytest

from surety.chain import Contract, Receipt, Reverted, Rpc
from tests.unit.conftest import Word
from tests.unit.oracles.pyth import FEED, KEY, ORDER, PUBLISHER, Message
from tests.unit.oracles.rig import WAD, Bench, Report, answers
from tests.world import World, anvil_world, reverts

CONFIDENCE = 200  # bps
FEE = 10**12  # wei an update
LEAD = 15
ETHER = 10**18
FAILED, CONFIRMING = 1, 2
DOLLAR = 10**8  # at the usual exponent


class Feed:
    """A pull oracle, its adapter, and the key that it believes."""

    def __init__(self, bench: Bench, fee: int = FEE) -> None:
        self.bench, self.rpc = bench, bench.rpc
        self.pyth = bench.deploy("MockPyth", PUBLISHER, fee)
        self.oracle = bench.deploy("PythOracle", self.pyth.address, FEED, CONFIDENCE)

    def sign(self, message: Message, key: str = KEY) -> bytes:
        return message.sign(self.pyth.address, self.rpc.chain_id, key)

    def update(
        self, *messages: Message | bytes, value: int | None = None, who: str = ""
    ) -> Receipt:
        """Bring updates by the adapter, as the stranger, with their fee."""
        updates = [self.sign(m) if isinstance(m, Message) else m for m in messages]
        value = FEE * len(updates) if value is None else value
        sender = who or self.bench.stranger
        return self.oracle.transact("update", updates, sender=sender, value=value)

    def read(self) -> Report | None:
        return self.bench.read(self.oracle)


@pytest.fixture
def bench(real_bench):
    """An Anvil: updates are paid for in ether."""
    return real_bench


@pytest.fixture
def feed(bench):
    return Feed(bench)


# the price


@pytest.mark.parametrize("expo", [-36, -30, -19, -18, -17, -8, -5, -1, 0, 1, 8, 36])
def test_price__is_exact_for_every_exponent(feed, expo):
    """Rounded down below a wei, never above the price."""
    for number in (1, 7, 10**9 + 7, 123_456_789_012_345_678, 2**63 - 1):
        at = feed.bench.now + 1
        feed.update(Message(number, at, expo=expo))
        assert feed.read() == Report(int(Fraction(10) ** (18 + expo) * number), at)


@pytest.mark.parametrize("expo", [-(2**31), -255, -37, 37, 255, 2**31 - 1])
def test_price_is_zero__when_the_exponent_is_absurd(feed, expo):
    at = feed.bench.now + 1
    feed.update(Message(2_000, at, expo=expo))
    assert feed.read() == Report(0, at)


@pytest.mark.parametrize("number", [0, -1, -2_000 * DOLLAR, -(2**63)])
def test_price_is_zero__when_it_is_not_above_zero(feed, number):
    at = feed.bench.now + 1
    feed.update(Message(number, at))
    assert feed.read() == Report(0, at)


@pytest.mark.parametrize(
    ("conf", "is_price"),
    [(0, True), (40 * DOLLAR, True), (40 * DOLLAR + 1, False), (2**64 - 1, False)],
)
def test_price_is_zero__when_the_confidence_interval_is_too_wide(feed, conf, is_price):
    """2 % of 2,000 are 40."""
    at = feed.bench.now + 1
    feed.update(Message(2_000 * DOLLAR, at, conf))
    assert feed.read() == Report(2_000 * WAD * is_price, at)


def test_the_price_of_20_september_2021_is_none(feed):
    """Pyth told 5,402 dollars for a bitcoin at 43,500, give or take 21,623, and was believed."""
    at = feed.bench.now + 1
    feed.update(Message(5_402 * DOLLAR, at, 21_623 * DOLLAR))
    assert feed.read() == Report(0, at)


@pytest.mark.parametrize(
    ("lead", "is_price"), [(-(10**6), True), (0, True), (1, True), (LEAD, True), (LEAD + 1, False)]
)
def test_time__a_publishers_clock_may_run_ahead_a_little(feed, lead, is_price):
    now = feed.bench.now + 5
    feed.rpc.set_next_timestamp(now)
    feed.update(Message(2_000 * DOLLAR, now + lead))
    told = now + lead if lead < 0 or not is_price else now
    assert feed.read() == Report(2_000 * WAD * is_price, told)
    if lead > 0:
        feed.bench.forward(lead)
        assert feed.read() == Report(2_000 * WAD, now + lead)


def test_time__at_its_end(feed):
    feed.update(Message(2_000 * DOLLAR, 2**64 - 1))
    assert feed.read() == Report(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("size", "report"),
    [(96, Report(0, 0)), (127, Report(0, 0)), (128, Report(7 * WAD, 9)), (160, Report(0, 0))],
)
def test_price_is_zero__when_the_answer_is_not_four_words(feed, size, report):
    words = b"".join(n.to_bytes(32) for n in (7, 0, 0, 9, 0))
    with feed.bench.broken(answers(words[:size]), feed.pyth.address):
        assert feed.read() == report


def test_price_reverts_when_the_feed_was_never_brought(feed):
    with reverts("price feed not found"):
        feed.oracle.read("price")
    feed.update(Message(2_000 * DOLLAR, feed.bench.now, feed=b"\x01" * 32))
    with reverts("price feed not found"):
        feed.oracle.read("price")


# updates


def test_update__pays_the_fee_and_returns_the_rest(feed):
    who, at = feed.bench.stranger, feed.bench.now + 1
    before = feed.rpc.balance(who)
    receipt = feed.update(Message(2_000 * DOLLAR, at), value=ETHER)
    assert feed.rpc.balance(who) == before - FEE - receipt.gas_used * receipt.gas_price
    assert feed.rpc.balance(feed.pyth.address) == FEE
    assert feed.rpc.balance(feed.oracle.address) == 0
    (event,) = feed.pyth.events(receipt)
    assert event.args == {"id": FEED, "publish_time": at, "price": 2_000 * DOLLAR, "conf": 0}
    assert feed.read() == Report(2_000 * WAD, at)


def test_update__keeps_no_ether_and_gives_none_away(feed):
    """What was forced in stays where it is."""
    feed.rpc.set_balance(feed.oracle.address, 5 * ETHER)
    for value in (FEE, ETHER):
        feed.update(Message(DOLLAR, feed.bench.now + 1), value=value)
        assert feed.rpc.balance(feed.oracle.address) == 5 * ETHER


def test_update__of_several_feeds_costs_several_fees(feed):
    at = feed.bench.now + 1
    other = Message(7, at, feed=b"\x02" * 32)
    with reverts("fee too low"):
        feed.update(Message(DOLLAR, at), other, value=2 * FEE - 1)
    feed.update(Message(DOLLAR, at), other)
    assert feed.read() == Report(WAD, at)
    assert feed.pyth.read("getPriceUnsafe", other.feed)[0] == 7
    assert feed.rpc.balance(feed.pyth.address) == 2 * FEE


def test_update__of_nothing_costs_nothing(feed):
    feed.update(value=0)
    before = feed.rpc.balance(feed.pyth.address)
    feed.update(value=ETHER)
    assert feed.rpc.balance(feed.pyth.address) == before


def test_update_reverts_when_the_fee_has_risen(feed):
    message = Message(DOLLAR, feed.bench.now)
    feed.bench.send(feed.pyth, "set_fee", FEE + 1)
    with reverts("fee too low"):
        feed.update(message)
    feed.update(message, value=2 * FEE)  # who sends a little more is not stopped by it
    assert feed.rpc.balance(feed.pyth.address) == FEE + 1


def test_update_reverts_when_the_rest_cannot_be_returned(feed):
    payer = feed.bench.deploy("MockEtherReceiver")
    feed.bench.send(payer, "set_refuses", True)
    update = feed.sign(Message(DOLLAR, feed.bench.now))
    call = feed.oracle.address, feed.oracle.encode("update", [update])
    with reverts("refund failed"):
        payer.transact("execute", *call, sender=feed.bench.stranger, value=FEE + 1)
    with reverts("price feed not found"):
        feed.oracle.read("price")
    payer.transact("execute", *call, sender=feed.bench.stranger, value=FEE)
    assert feed.read().price == WAD


def test_update__is_locked_while_the_rest_is_returned(feed):
    """A caller that updates again out of its refund is refused, and paid once."""
    payer, who = feed.bench.deploy("MockEtherReceiver"), feed.bench.stranger
    now = feed.bench.now
    feed.bench.send(feed.pyth, "set_fee", 0)
    feed.rpc.set_balance(feed.oracle.address, ETHER)
    again = feed.oracle.encode("update", [feed.sign(Message(2 * DOLLAR, now + 1))])
    feed.bench.send(payer, "set_attempt", feed.oracle.address, again)
    call = feed.oracle.address, feed.oracle.encode("update", [feed.sign(Message(DOLLAR, now))])
    payer.transact("execute", *call, sender=who, value=3)
    assert (payer.read("attempts"), payer.read("successes")) == (1, 0)
    assert feed.rpc.balance(payer.address) == 3
    assert feed.rpc.balance(feed.oracle.address) == ETHER
    assert feed.read().price == WAD


def test_update_reverts_when_the_signature_is_not_the_publishers(feed):
    message = Message(2_000 * DOLLAR, feed.bench.now)
    good = feed.sign(message)
    v, r, s = (int.from_bytes(good[at : at + 32]) for at in (192, 224, 256))
    twin = good[:192] + b"".join(n.to_bytes(32) for n in (55 - v, r, ORDER - s))
    forged = {
        "another key": feed.sign(message, "0x" + "5b" * 32),
        "another price": message.but(price=1).words(feed.rpc.chain_id) + good[192:],
        "another time": message.but(time=message.time + 1).words(feed.rpc.chain_id) + good[192:],
        "the same key's twin": twin,
        "no signature": good[:192] + bytes(96),
        "another contract's": message.sign(feed.oracle.address, feed.rpc.chain_id),
    }
    for name, update in forged.items():
        with pytest.raises(Reverted) as caught:
            feed.update(update)
        assert caught.value.reason == "bad signature", name
    with reverts("wrong chain"):
        feed.update(message.sign(feed.pyth.address, feed.rpc.chain_id + 1))
    for size in (0, 287, 289, 4_096):
        with reverts("bad update"):
            feed.update(good[:size] + bytes(max(0, size - 288)))
    with reverts("price feed not found"):
        feed.oracle.read("price")
    feed.update(good)
    assert feed.read().price == 2_000 * WAD


@pytest.mark.parametrize(("count", "size"), [(5, 288), (1, 4_097)])
def test_update_reverts_when_there_is_too_much_of_it(feed, count, size):
    with pytest.raises(Reverted):
        feed.update(*[bytes(size)] * count, value=ETHER)


def test_update__an_older_one_is_paid_for_and_ignored(feed):
    now = feed.bench.now
    feed.update(Message(2_000 * DOLLAR, now))
    for late in (now - 1, now):
        feed.update(Message(3_000 * DOLLAR, late))
        assert feed.read() == Report(2_000 * WAD, now)
    assert feed.rpc.balance(feed.pyth.address) == 3 * FEE


def test_update_gas(feed):
    """One update by the adapter against one straight to the oracle."""
    feed.update(Message(DOLLAR, feed.bench.now))
    feed.bench.forward(10)
    ours = feed.update(Message(DOLLAR, feed.bench.now), value=2 * FEE).gas_used
    feed.bench.forward(10)
    updates = [feed.sign(Message(DOLLAR, feed.bench.now))]
    straight = feed.pyth.transact(
        "updatePriceFeeds", updates, sender=feed.bench.stranger, value=FEE
    ).gas_used
    print(f"PythOracle.update: {ours}, straight to the oracle: {straight}")
    assert ours - straight < 30_000


# construction


def test_deploy(feed):
    assert feed.oracle.read("pyth") == feed.pyth.address
    assert feed.oracle.read("feed_id") == FEED
    assert feed.oracle.read("max_confidence_bps") == CONFIDENCE


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, "0x" + "11" * 20, "pyth has no code"),
        (1, bytes(32), "zero feed id"),
        (2, 0, "bad confidence"),
        (2, 1_001, "bad confidence"),
    ],
)
def test_deploy_reverts_when_an_argument_is_wrong(feed, place, value, reason):
    args = [feed.pyth.address, FEED, CONFIDENCE]
    args[place] = value
    with reverts(reason):
        feed.bench.deploy("PythOracle", *args)


# the whole way


class Book(World):
    """A system whose first kind is priced by a pull oracle, a minute at the most behind."""

    MAX_AGE = 60

    def __init__(self, rpc: Rpc) -> None:
        super().__init__(rpc)
        self.feed = Feed(Bench(rpc))
        self.bring(2_000)
        adapter: Contract = self.feed.oracle
        self.hub.transact("set_oracle", 0, adapter.address, sender=self.governor)
        self.hub.transact("set_max_age", 0, self.MAX_AGE, sender=self.governor)
        self.id0 = self.id(self.owner)
        self.give(self.owner, 0, 10 * ETHER)
        self.vault.transact("deposit", self.id0, 0, 10 * ETHER, sender=self.owner)

    def bring(self, price: int, time: int | None = None) -> None:
        """Sign a price in dollars and bring it."""
        made = self.now if time is None else time
        self.feed.update(Message(price * DOLLAR, made), who=self.stranger)

    def poke(self) -> Word:
        self.hub.transact("poke", 1, sender=self.stranger)
        return self.word()

    def word(self) -> Word:
        return Word.unpack(self.hub.read("words", 0))

    def borrow(self, amount: int) -> None:
        self.vault.transact("borrow", self.id0, amount * WAD, self.owner, sender=self.owner)


@pytest.fixture(scope="module")
def base_book():
    with anvil_world() as world:
        yield Book(world.rpc)


@pytest.fixture
def book(base_book):
    with base_book.snapshot():
        yield base_book


def test_sign_update_poke_borrow(book):
    """No price, no credit; whoever brings a signed one gets it in the next block."""
    book.forward(3_600)
    with pytest.raises(Reverted):
        book.borrow(10_000)
    assert book.poke().flags & FAILED

    book.bring(2_000)
    assert book.poke().flags == CONFIRMING
    book.borrow(10_000)
    assert book.coin.read("balanceOf", book.owner) == 10_000 * WAD
    assert 10_000 * WAD <= book.debt(book.id0) <= 10_000 * WAD + 1

    book.forward(book.params.fresh_for)
    with pytest.raises(Reverted):  # a minute later that price is old
        book.borrow(3_000)
    book.bring(2_000)
    book.borrow(3_000)
    assert 13_000 * WAD <= book.debt(book.id0) < 13_001 * WAD


def test_a_bad_signature_moves_nothing(book):
    book.forward(3_600)
    update = book.feed.sign(Message(9_000 * DOLLAR, book.now), "0x" + "66" * 32)
    with reverts("bad signature"):
        book.feed.update(update)
    assert book.poke().flags & FAILED


def test_who_brings_updates_picks_one_of_the_last_minute_and_no_older(book):
    """The market fell from 2,000 to 1,700 in five minutes; the borrower holds every signed price of
    that time and nobody else has brought one. The best that counts is a minute old.
    """
    began = book.now
    book.forward(300)
    prices = {began + second: 2_000 - second for second in range(0, 301, 10)}
    assert prices[book.now] == 1_700

    # four minutes old and newer than the stored one: the oracle takes it, the hub does not
    book.bring(prices[began + 60], began + 60)
    assert book.feed.read() == Report(1_940 * WAD, began + 60)
    assert book.poke().flags & FAILED
    with pytest.raises(Reverted):
        book.borrow(14_000)

    # the best pick: just young enough when the hub reads it
    picked = began + 250
    book.bring(prices[picked], picked)
    word = book.poke()
    assert book.now - picked <= book.MAX_AGE
    assert not word.flags & FAILED
    market = prices[began + 300]
    assert market * WAD < word.lo <= prices[picked] * WAD
    assert prices[picked] - market == 50  # what a minute of this fall is worth, 3 %

    # nothing older than the pick can ever come back, and an honest update ends it
    book.bring(2_000, began + 240)
    assert book.feed.read().price == prices[picked] * WAD
    book.forward(book.params.fresh_for)
    book.bring(market)
    assert book.poke().lo == market * WAD


def test_a_clock_ahead_cannot_be_used_to_fail_the_kind_and_start_a_confirmation(book):
    """Signed a few seconds after the block's time, as proposers can include it."""
    book.bring(2_000)
    book.forward(book.params.confirm_period + 60)
    book.bring(2_000, book.now + LEAD)
    assert book.poke().flags == 0
