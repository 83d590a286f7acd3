# SPDX-License-Identifier: MIT
"""A share of an ERC-4626 vault: growth along a line, falls at once, over a real vault.

The reference is `Line`, in exact integers; the vault under it holds real tokens, so that donations,
losses and first depositors are what they are on a live chain.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import exp
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surety.chain import Reverted
from tests.stateful.node import RevmNode
from tests.unit.oracles.rig import FAULTS, USUAL, WAD, Bench, Report
from tests.world import GENESIS, MAX

BPS = 10_000
RAY = 10**27
HOUR, DAY, WEEK, YEAR = 3_600, 86_400, 604_800, 31_536_000
GROWTH = 2_000  # bps a year
GAS = 140_000
MAX_RATIO = 2**128 - 1


@dataclass(slots=True)
class Line:
    """The snapshot and what it allows; ratios are RAY, whole assets for a whole share."""

    ratio: int
    at: int
    growth: int = GROWTH
    period: int = DAY

    def cap(self, now: int) -> int:
        return self.ratio + self.ratio * self.growth * (now - self.at) // (BPS * YEAR)

    def refresh(self, found: int, now: int) -> str | None:
        """Move the snapshot along, or return why not."""
        if now < self.at + self.period:
            return "too early"
        if not found:
            return "no share price"
        if found < self.ratio:
            return "below the snapshot"
        self.ratio, self.at = min(found, self.cap(now)), now
        return None

    def price(self, found: int, underlying: int, now: int) -> int:
        return underlying * min(found, self.cap(now)) // RAY


class Shares:
    """A real vault over a real token, 1,000 assets in it, and its oracle."""

    def __init__(
        self,
        bench: Bench,
        *,
        share: int = 18,
        asset: int = 18,
        deposited: int = 1_000,
        growth: int = GROWTH,
        period: int = DAY,
    ) -> None:
        self.bench = bench
        self.unit, self.share_unit = 10**asset, 10**share
        self.token = bench.deploy("MockToken", "Asset", "AST", asset)
        self.vault = bench.deploy("MockShareVault", self.token.address, share)
        self.below = bench.deploy("MockOracle", USUAL)
        bench.send(self.token, "approve", self.vault.address, MAX)
        if deposited:
            self.deposit(deposited * self.unit)
        self.oracle = bench.deploy(
            "ShareOracle", self.vault.address, self.below.address, GAS, growth, period, RAY
        )
        self.line = Line(*self.oracle.read("snapshot"), growth, period)

    def deposit(self, assets: int) -> None:
        self.donate(assets, to=self.bench.governor)
        self.bench.send(self.vault, "deposit", assets, self.bench.governor)

    def donate(self, assets: int, to: str | None = None) -> None:
        self.bench.send(self.token, "mint", to or self.vault.address, assets)

    def lose(self, assets: int) -> None:
        self.bench.send(self.token, "burn", self.vault.address, assets)

    def refresh(self) -> None:
        """Refresh contract and model."""
        self.bench.send(self.oracle, "refresh")
        assert self.line.refresh(self.found, self.bench.now) is None
        assert self.oracle.read("snapshot") == (self.line.ratio, self.line.at)

    @property
    def found(self) -> int:
        """What the vault says: whole assets for a whole share, RAY."""
        assets = self.token.read("balanceOf", self.vault.address)
        supply = self.vault.read("totalSupply")
        each = self.share_unit * assets // supply if supply else self.unit
        return each * (RAY // self.unit)

    @property
    def price(self) -> int:
        """The price now, which must be the model's."""
        now = self.bench.now
        report = self.bench.read(self.oracle)
        assert report is not None
        assert self.oracle.read("ratio") == (self.found, self.line.cap(now))
        assert report.price == self.line.price(self.found, self.below.read("price_wad"), now)
        return report.price


@pytest.fixture
def shares(bench):
    return Shares(bench)


# the price


@pytest.mark.parametrize("asset", [6, 8, 18])
@pytest.mark.parametrize("share", [6, 8, 18])
def test_price__is_exact_for_all_decimals(bench, share, asset):
    shares = Shares(bench, share=share, asset=asset)
    bench.forward(YEAR // 4)
    shares.donate(43 * shares.unit + 21)
    shares.deposit(77 * shares.unit + 1)
    found = shares.share_unit * (1_120 * shares.unit + 22) // shares.vault.read("totalSupply")
    assert shares.price == USUAL * found // shares.unit
    assert shares.price // WAD == 2_086


def test_price__has_the_time_of_the_underlying(bench, shares):
    for age in (0, 1, DAY, YEAR):
        at = bench.now - age
        bench.send(shares.below, "set_report", 7 * WAD, at)
        assert bench.read(shares.oracle) == Report(7 * WAD, at)


def test_price__rounds_down(bench, shares):
    shares.lose(1)  # a share is now worth a little less than an asset
    bench.send(shares.below, "set_price", 10)
    assert shares.price == 9
    bench.send(shares.below, "set_price", 1)
    assert bench.read(shares.oracle).price == 0


def test_price__does_not_fit_a_word(bench, shares):
    fits = MAX // RAY
    bench.send(shares.below, "set_price", fits)
    assert shares.price == fits
    bench.send(shares.below, "set_price", fits + 1)
    assert bench.read(shares.oracle).price == 0


# donations


@pytest.mark.covers("T28", "N14", "O20")
def test_a_donation_of_a_thousand_times_the_vault_stays_within_the_cap(bench, shares):
    """The whole of it in one transaction, an hour after the last refresh."""
    bench.forward(DAY)
    shares.refresh()
    bench.forward(HOUR)
    before = shares.price
    assert before == USUAL
    shares.donate(1_000_000 * shares.unit)
    assert shares.found == 1_001 * RAY
    now = bench.now
    # 20 % a year, an hour and a second
    assert shares.price - before <= USUAL * GROWTH * (now - shares.line.at) // (BPS * YEAR)
    assert shares.price - before <= USUAL // 40_000
    assert shares.price > before


@pytest.mark.covers("O20", "T28")
def test_a_donation_that_is_refreshed_again_and_again_climbs_the_line_and_no_faster(bench, shares):
    start, began = shares.line.ratio, bench.now
    shares.donate(1_000_000 * shares.unit)
    for _ in range(30):
        bench.forward(DAY)
        shares.refresh()
    elapsed = bench.now - began
    assert shares.line.ratio < start + start * GROWTH * elapsed * 101 // (BPS * YEAR * 100)
    assert shares.line.ratio < start * 1_018 // 1_000


@pytest.mark.covers("N14", "T28")
def test_the_first_depositor_cannot_set_the_price(bench):
    """One base unit of shares, then a donation: a share is worth 10**21 times more at once."""
    shares = Shares(bench, deposited=0)
    assert shares.price == USUAL
    shares.deposit(1)
    shares.donate(1_000 * shares.unit)
    # beyond what can be told: no price rather than the cap
    assert bench.read(shares.oracle).price == 0
    shares.lose(1_000 * shares.unit - 10**9)
    assert shares.found == (10**9 + 1) * RAY
    assert USUAL <= shares.price <= USUAL + USUAL // 10**6


@pytest.mark.covers("N14")
def test_the_line_cannot_be_set_by_a_donation_before_deployment(bench, shares):
    args = shares.vault.address, shares.below.address, GAS, GROWTH, DAY
    edge = shares.unit * 1_000 // 100  # 1 %
    shares.donate(edge)
    bench.deploy("ShareOracle", *args, RAY)
    shares.donate(10**6)
    with pytest.raises(Reverted, match="ratio deviates"):
        bench.deploy("ShareOracle", *args, RAY)
    with pytest.raises(Reverted, match="ratio deviates"):
        bench.deploy("ShareOracle", *args, MAX)


# losses


@pytest.mark.covers("T28", "O20")
@pytest.mark.parametrize("percent", [1, 30, 99])
def test_a_loss_passes_at_once(bench, shares, percent):
    shares.lose(10 * percent * shares.unit)
    assert shares.price == USUAL * (100 - percent) // 100


def test_a_loss_is_made_good_no_further_than_the_old_line(bench, shares):
    bench.forward(DAY)
    shares.refresh()
    shares.lose(300 * shares.unit)
    assert shares.price == USUAL * 7 // 10
    kept = shares.oracle.read("snapshot")
    for _ in range(3):
        bench.forward(DAY)
        with pytest.raises(Reverted, match="below the snapshot"):
            bench.send(shares.oracle, "refresh")
        assert shares.oracle.read("snapshot") == kept
    shares.donate(10**6 * shares.unit)
    assert shares.price == USUAL * shares.line.cap(bench.now) // RAY
    assert shares.price <= USUAL * (BPS + 17) // BPS  # three days at 20 % a year


def test_dips_hold_no_price_under_the_true_one__whoever_refreshes_in_them(bench, shares):
    """Lend everything out, refresh, take it back, every day: the yield is followed all the same."""
    for _ in range(60):
        bench.forward(DAY)
        shares.donate(shares.unit // 10)  # a day of yield at 3.65 %
        shares.lose(900 * shares.unit)
        with pytest.raises(Reverted, match="below the snapshot"):
            bench.send(shares.oracle, "refresh")
        shares.donate(900 * shares.unit)
        assert shares.price == USUAL * shares.found // RAY
    shares.refresh()
    assert shares.line.ratio == shares.found == RAY * 1_006 // 1_000


@pytest.mark.covers("T28")
def test_nothing_left_is_price_zero(bench, shares):
    shares.lose(1_000 * shares.unit)
    assert bench.read(shares.oracle).price == 0
    bench.forward(DAY)
    kept = shares.oracle.read("snapshot")
    with pytest.raises(Reverted, match="no share price"):
        bench.send(shares.oracle, "refresh")
    assert shares.oracle.read("snapshot") == kept


# yield


def test_a_weekly_reward_is_followed_along_the_line(bench, shares):
    """10 % a year paid once a week, believed at up to 20 %: half a week behind at the most."""
    reward = 1_000 * shares.unit * 1_000 * WEEK // (BPS * YEAR)
    seen = shares.price
    for _ in range(6):
        bench.forward(WEEK // 2)
        shares.refresh()
        shares.donate(reward)
        behind = USUAL * shares.found // RAY - shares.price
        assert 0 < behind <= USUAL * 2 // 1_000
        for _ in range(14):
            bench.forward(WEEK // 28)
            assert shares.price >= seen
            seen = shares.price
        assert shares.price == USUAL * shares.found // RAY


def test_a_year_without_a_refresh_leaves_a_year_of_slack(bench, shares):
    """Why keepers refresh: the line goes on, and a donation can use all of it."""
    bench.forward(YEAR)
    assert shares.price == USUAL
    shares.donate(10**6 * shares.unit)
    elapsed = bench.now - shares.line.at
    assert shares.price == USUAL + USUAL * GROWTH * elapsed // (BPS * YEAR)
    assert shares.price // WAD == 2_400


@given(
    steps=st.lists(st.tuples(st.integers(1, 10 * DAY), st.booleans()), min_size=1, max_size=30),
    growth=st.sampled_from((1, 7, 1_000, BPS)),
)
def test_growth_below_the_line_is_never_capped_however_it_is_refreshed(steps, growth):
    """Aave, March 2026: a cap whose time ran ahead of its ratio told 2.85 % too little."""
    now = 0
    line = Line(RAY + 1, now, growth, HOUR)
    for seconds, is_refreshed in steps:
        now += seconds
        true = RAY + RAY * growth * now // (BPS * YEAR)  # simple interest at the line's own rate
        assert line.price(true, USUAL, now) == USUAL * true // RAY
        if is_refreshed:
            line.refresh(true, now)


# refresh


def test_refresh__at_most_once_a_period(bench, shares):
    bench.rpc.set_next_timestamp(shares.line.at + DAY - 1)
    with pytest.raises(Reverted, match="too early"):
        bench.send(shares.oracle, "refresh")
    bench.rpc.set_next_timestamp(shares.line.at + DAY)
    shares.refresh()
    bench.rpc.set_next_timestamp(bench.now + 1)
    with pytest.raises(Reverted, match="too early"):
        bench.send(shares.oracle, "refresh")


def test_refresh__writes_ratio_and_time_in_one_word(bench, shares):
    slots = [(shares.oracle.address, slot) for slot in range(64)]
    before = words(bench, slots)
    bench.forward(3 * DAY)
    shares.donate(shares.unit)
    receipt = shares.oracle.transact("refresh", sender=bench.stranger)
    now = bench.now
    ratio = RAY * 1_001 // 1_000
    after = words(bench, slots)
    assert [slot for slot in range(64) if before[slot] != after[slot]] == [0]
    assert after[0] == ratio | now << 128
    (event,) = shares.oracle.events(receipt)
    assert event.name == "Refreshed"
    assert event.args == {"ratio": ratio, "at": now}


def words(bench, slots):
    if isinstance(bench.rpc, RevmNode):
        return bench.rpc.words(slots)
    asked = [("eth_getStorageAt", [to, hex(slot), "latest"]) for to, slot in slots]
    return [int(word, 16) for word in bench.rpc.batch(asked)]


@pytest.mark.parametrize("fault", FAULTS)
def test_refresh__changes_nothing_when_the_vault_is_broken(bench, shares, fault):
    bench.forward(DAY)
    kept = shares.oracle.read("snapshot")
    with bench.broken(FAULTS[fault], shares.vault.address):
        with pytest.raises((Reverted, AssertionError)):  # revm halts without gas
            bench.send(shares.oracle, "refresh")
        assert shares.oracle.read("snapshot") == kept
    shares.refresh()


def test_refresh__needs_no_price_of_the_underlying(bench, shares):
    bench.forward(DAY)
    bench.send(shares.below, "set_mode", 1)
    shares.refresh()
    assert bench.read(shares.oracle) == Report(0, 0)


@pytest.fixture
def false_shares(bench):
    """A vault that says anything, of a share and an asset with 18 decimals."""
    token = bench.deploy("MockToken", "Asset", "AST", 18)
    vault = bench.deploy("FalseShareVault", token.address, 18, WAD)
    below = bench.deploy("MockOracle", USUAL)
    oracle = bench.deploy("ShareOracle", vault.address, below.address, GAS, GROWTH, DAY, RAY)
    return SimpleNamespace(vault=vault, oracle=oracle)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64, 65, 128])
def test_price_is_zero__when_the_answer_is_not_one_word(bench, false_shares, size):
    bench.send(false_shares.vault, "set_raw", b"\x00" * (size - 1) + b"\x01" * (size > 0))
    assert bench.read(false_shares.oracle).price == 0


def test_price_reverts_when_the_vault_reverts(bench, false_shares):
    bench.send(false_shares.vault, "set_mode", 1)
    with pytest.raises(Reverted, match="vault is down"):
        false_shares.oracle.read("price")


def test_price__at_the_largest_ratio(bench, false_shares):
    largest = MAX_RATIO // 10**9
    bench.send(false_shares.vault, "set_assets", largest)
    assert bench.read(false_shares.oracle).price >= USUAL
    bench.send(false_shares.vault, "set_assets", largest + 1)
    assert bench.read(false_shares.oracle).price == 0


# histories

ACTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 40 * DAY)),
    st.tuples(st.just("refresh"), st.sampled_from((0, 0, HOUR, DAY, 9 * DAY))),
    st.tuples(st.just("donate"), st.integers(1, 10**10)),
    st.tuples(st.just("lose"), st.sampled_from((1, 10, 50, 99, 100))),
    st.tuples(st.just("deposit"), st.integers(1, 10**6)),
    st.tuples(st.just("withdraw"), st.integers(1, 100)),
    st.tuples(st.just("reprice"), st.integers(0, 10**24)),
)


def test_any_history_is_the_model():
    """Deposits, donations, losses, refreshes and time in any order, each step to the last unit."""
    seen = Counter()

    @given(
        acts=st.lists(ACTS, min_size=3, max_size=40),
        decimals=st.sampled_from([(18, 18), (18, 6), (6, 18), (8, 8), (6, 6)]),
        growth=st.sampled_from((1, 500, GROWTH, BPS)),
    )
    def run(acts, decimals, growth):
        history(seen, acts, decimals, growth)

    run()
    assert (
        min(seen[what] for what in ("capped", "free", "none", "too early", "raised", "kept")) >= 5
    )


def history(seen, acts, decimals, growth):
    bench = Bench(RevmNode(GENESIS))
    shares = Shares(bench, share=decimals[0], asset=decimals[1], growth=growth, period=HOUR)
    first, began = shares.line.ratio, shares.line.at
    for act, amount in acts:
        held = shares.token.read("balanceOf", shares.vault.address)
        kept = shares.line.ratio
        if act == "wait":
            bench.forward(amount)
        elif act == "refresh":
            bench.forward(amount)
            why = shares.line.refresh(shares.found, bench.now + 1)
            seen[why or ("raised" if shares.line.ratio > kept else "kept")] += 1
            if why:
                with pytest.raises(Reverted, match=why):
                    bench.send(shares.oracle, "refresh")
            else:
                bench.send(shares.oracle, "refresh")
        elif act == "donate":
            shares.donate(amount * shares.unit // 1_000)
        elif act == "lose":
            shares.lose(held * amount // 100)
        elif act == "deposit" and held:
            if amount * shares.unit // 1_000 * shares.vault.read("totalSupply") // held:
                shares.deposit(amount * shares.unit // 1_000)
        elif act == "withdraw":
            mine = shares.vault.read("balanceOf", bench.governor)
            who = bench.governor
            bench.send(shares.vault, "redeem", mine * amount // 100, who, who)
        elif act == "reprice":
            bench.send(shares.below, "set_price", amount)

        assert shares.oracle.read("snapshot") == (shares.line.ratio, shares.line.at)
        assert shares.line.ratio >= kept
        below = shares.below.read("price_wad")
        if not below or not shares.found or shares.found > MAX_RATIO:
            seen["none"] += 1
            assert bench.read(shares.oracle).price == 0
            continue
        price = shares.price
        seen["capped" if shares.found > shares.line.cap(bench.now) else "free"] += 1
        assert price <= below * shares.found // RAY
        # never above what compound growth from the first day allows
        years = (bench.now - began) / YEAR
        assert shares.line.cap(bench.now) <= first * exp(growth * years / BPS) * (1 + 1e-9)


# construction


def test_deploy(bench, shares):
    oracle = shares.oracle
    assert oracle.read("vault") == shares.vault.address
    assert oracle.read("underlying") == shares.below.address
    assert oracle.read("max_growth_bps") == GROWTH
    assert (oracle.read("period"), oracle.read("source_gas")) == (DAY, GAS)
    assert oracle.read("snapshot")[0] == RAY


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, "0x" + "11" * 20, "vault has no code"),
        (1, "0x" + "11" * 20, "source has no code"),
        (2, 9_999, "bad source gas"),
        (2, 300_000, "bad source gas"),
        (3, 0, "bad growth"),
        (3, BPS + 1, "bad growth"),
        (4, HOUR - 1, "bad period"),
        (4, WEEK + 1, "bad period"),
        (5, 0, "ratio deviates"),
        (5, RAY * 100 // 99 + RAY // 1_000, "ratio deviates"),
        (5, RAY * 98 // 100, "ratio deviates"),
    ],
)
def test_deploy_reverts_when_an_argument_is_wrong(bench, shares, place, value, reason):
    args = [shares.vault.address, shares.below.address, GAS, GROWTH, DAY, RAY]
    bench.deploy("ShareOracle", *args)
    args[place] = value
    with pytest.raises(Reverted, match=reason):
        bench.deploy("ShareOracle", *args)


@pytest.mark.parametrize(("share", "asset"), [(5, 18), (19, 18), (18, 5), (18, 19), (18, 255)])
def test_deploy_reverts_when_decimals_are_out_of_range(bench, share, asset):
    below = bench.deploy("MockOracle", USUAL)
    token = bench.deploy("MockToken", "Asset", "AST", asset)
    vault = bench.deploy("FalseShareVault", token.address, share, 10 ** min(asset, 18))
    with pytest.raises(Reverted, match="bad decimals"):
        bench.deploy("ShareOracle", vault.address, below.address, GAS, GROWTH, DAY, RAY)


def test_deploy_reverts_when_there_is_no_price(bench, shares):
    args = shares.vault.address, shares.below.address, GAS, GROWTH, DAY, RAY
    shares.lose(1_000 * shares.unit)
    with pytest.raises(Reverted, match="no share price"):
        bench.deploy("ShareOracle", *args)
    shares.donate(1_000 * shares.unit)
    bench.send(shares.below, "set_price", 0)
    with pytest.raises(Reverted, match="source has no price"):
        bench.deploy("ShareOracle", *args)


# the vault in the tests is one


def test_the_mock_vault_is_a_vault(bench):
    """Shares for assets and back, rounded against whoever moves."""
    shares = Shares(bench, share=18, asset=6)
    vault, token, who = shares.vault, shares.token, bench.governor
    shares.donate(333_333_333)
    assets = vault.read("totalAssets")
    assert assets == 1_333_333_333
    assert vault.read("convertToShares", assets) == vault.read("totalSupply") == 1_000 * WAD
    bench.send(vault, "withdraw", 1, who, who)
    assert token.read("balanceOf", who) == 1
    taken = 1_000 * WAD - vault.read("totalSupply")
    assert taken == -(-1_000 * WAD // assets)
    with pytest.raises(Reverted):
        vault.transact("redeem", 1, bench.stranger, who, sender=bench.stranger)
    bench.send(vault, "redeem", vault.read("balanceOf", who), who, who)
    assert vault.read("totalSupply") == 0
    assert token.read("balanceOf", who) == assets
