# SPDX-License-Identifier: MIT
"""What the governor and the fund may do, and nobody else: list, cap, freeze, pause, name a fund."""

import pytest

from surety.chain import UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR
from tests.world import MAX, WAD, reverts

ZERO = "0x" + "00" * 20
WEEK = 7 * 86_400
LEVELS = (7_500, 8_000, 8_500, 10_100, 8_800)


@pytest.fixture
def priced(world):
    """Deploy a token that the hub prices under the next kind; returns (kind, token)."""

    def make(decimals=18, token=None):
        sender = UnlockedSender(world.rpc, world.governor)
        if token is None:
            token = deploy_contract(sender, artifact("MockToken"), "New", "NEW", decimals)
        feed = deploy_contract(sender, artifact("MockAggregator"), 8, 10**9)
        oracle = deploy_contract(sender, artifact("ChainlinkOracle"), feed)
        kind = world.hub.read("kind_count")
        world.hub.transact(
            "list_kind", token, oracle, 9_000, 1, 2**88 - 1, 1, 1, 50, 1, sender=world.governor
        )
        return kind, token

    return make


def list_kind(world, kind, token, levels=LEVELS, cap=10**24, isolated=False, sender=None):
    return world.vault.transact(
        "list_collateral", kind, token, *levels, cap, isolated, sender=sender or world.governor
    )


# list_collateral


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("decimals", [6, 8, 18])
def test_list_collateral(world, priced, decimals, isolated):
    kind, token = priced(decimals)
    receipt = list_kind(world, kind, token, isolated=isolated)
    word = int(token, 16) | decimals << 240
    for shift, value in zip((160, 176, 192, 208, 224), LEVELS, strict=True):
        word |= value << shift
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("CollateralListed", {"kind": kind, "token": token, "word": word, "cap": 10**24})
    ]
    assert world.vault.read("collateral", kind) == word
    assert world.vault.read("deposited", kind) == 10**24 << 128
    assert world.vault.read("totals") >> 168 == (1 << kind if isolated else 0)


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ((8_000, 8_000, 8_500, 10_100, 8_800), "bad levels"),
        ((8_001, 8_000, 8_500, 10_100, 8_800), "bad levels"),
        ((7_500, 8_500, 8_500, 10_100, 8_925), "bad levels"),
        ((7_500, 8_000, 8_801, 10_100, 8_800), "bad levels"),
        ((7_500, MAX - 1, MAX, 10_100, MAX), "bad factors"),
        ((MAX, MAX, MAX, MAX, MAX), "bad levels"),
        ((7_500, 8_000, 8_500, 9_999, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 11_001, 8_800), "bad factors"),
        ((7_500, 8_000, 8_500, 10_100, 10_000), "bad factors"),
        ((7_500, 8_381, 8_500, 10_100, 8_800), "bad factors"),  # 8381 * 1.05 > 8800
    ],
)
def test_list_collateral_refuses_levels(world, priced, levels, reason):
    kind, token = priced()
    with reverts(reason):
        list_kind(world, kind, token, levels)


@pytest.mark.parametrize(
    "levels",
    [
        (0, 1, 2, 10_000, 2),
        (7_500, 8_380, 8_800, 11_000, 8_800),  # 8380 * 1.05 = 8799
        (9_521, 9_522, 9_999, 10_000, 9_999),
    ],
)
def test_list_collateral_accepts_the_widest_levels(world, priced, levels):
    kind, token = priced()
    list_kind(world, kind, token, levels)
    assert world.vault.read("collateral", kind) >> 160 & 0xFFFF == levels[0]


@pytest.mark.parametrize("decimals", [0, 5, 19, 255])
def test_list_collateral_refuses_decimals(world, priced, decimals):
    kind, token = priced(decimals)
    with reverts("bad decimals"):
        list_kind(world, kind, token)


def test_list_collateral_refuses_what_the_hub_does_not_price(world, priced):
    kind, token = priced()
    with reverts("token not priced"):
        list_kind(world, kind + 1, token)
    with reverts("token not priced"):
        list_kind(world, kind, world.tokens[0].address)
    with reverts("token not priced"):
        list_kind(world, 31, ZERO)
    for number in (32, 255, MAX):
        with reverts("unknown kind"):
            list_kind(world, number, token)


def test_list_collateral_refuses_the_coin_itself(world, priced):
    kind, token = priced(token=world.coin.address)
    with reverts("the coin itself"):
        list_kind(world, kind, token)


def test_list_collateral_refuses_a_second_listing(world, priced):
    kind, token = priced()
    list_kind(world, kind, token)
    for again, same in ((0, world.tokens[0].address), (kind, token)):
        with reverts("already listed"):
            list_kind(world, again, same)
    for number in (0, kind + 1, 31):  # the hub prices it under its own kind only
        with reverts("token not priced"):
            list_kind(world, number, token)
    assert world.vault.read("collateral", kind + 1) == 0


def test_list_collateral_refuses_an_immense_cap(world, priced):
    kind, token = priced()
    with reverts("cap too large"):
        list_kind(world, kind, token, cap=2**128)
    list_kind(world, kind, token, cap=2**128 - 1)
    assert world.vault.read("deposited", kind) == 2**128 - 1 << 128


# set_cap, set_frozen


@pytest.mark.parametrize("cap", [0, 5, 2**128 - 1])
def test_set_cap(world, cap):
    account = world.open([(0, 10)], 0)
    receipt = world.vault.transact("set_cap", 0, cap, sender=world.governor)
    word = world.vault.read("collateral", 0)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("CollateralChanged", {"kind": 0, "word": word, "cap": cap})
    ]
    assert world.vault.read("deposited", 0) == 10 | cap << 128
    # a cap below what is inside stops deposits only
    world.vault.transact("withdraw", account, 0, 1, world.owner, sender=world.owner)
    if cap < 10:
        with reverts("above cap"):
            world.vault.transact("deposit", account, 0, 1, sender=world.owner)


def test_set_cap_refuses_an_immense_cap_and_an_unknown_kind(world):
    with reverts("cap too large"):
        world.vault.transact("set_cap", 0, 2**128, sender=world.governor)
    for kind in (3, 31, 32, MAX):
        with reverts("unknown kind"):
            world.vault.transact("set_cap", kind, 1, sender=world.governor)
        with reverts("unknown kind"):
            world.vault.transact("set_frozen", kind, True, sender=world.governor)


def test_set_frozen(world):
    for frozen, mask in ((True, 0b10), (True, 0b10), (False, 0)):
        receipt = world.vault.transact("set_frozen", 1, frozen, sender=world.governor)
        assert [(e.name, e.args) for e in world.events(receipt)] == [
            ("KindFrozen", {"kind": 1, "frozen": frozen})
        ]
        assert world.vault.read("totals") >> 200 == mask
        assert world.vault.read("interest") >> 254 == frozen  # the guard bit


def test_freezing_makes_nobody_callable(world):
    account = world.open([(0, 10 * WAD)], 15_000 * WAD - 10)
    before = world.levels(account)
    world.vault.transact("set_frozen", 0, True, sender=world.governor)
    after = world.levels(account)
    assert (before[2], after[2]) == (15_000 * WAD, 0)
    assert after[3:] == before[3:]
    with reverts("account is covered"):
        world.vault.transact("margin_call", account, sender=world.keeper)


# set_pauses


def resumes_at(world):
    return (world.vault.read("totals") >> 112) % 2**40


@pytest.mark.parametrize("bits", [*range(8), *range(16, 24)])
def test_set_pauses_without_the_take_bit_holds_no_clock(world, bits):
    receipt = world.vault.transact("set_pauses", bits, sender=world.governor)
    assert [(e.name, e.args) for e in world.events(receipt)] == [("Paused", {"bits": bits})]
    assert (world.vault.read("totals") >> 152) % 2**16 == bits
    assert resumes_at(world) == 0
    assert world.vault.read("interest") >> 254 == (bits > 0)  # the guard bit


def test_pausing_takes_holds_every_clock(world):
    grace = world.book.grace_period
    start = world.now + 10
    steps = (
        (0, 8, start + WEEK + grace),  # paused: at most a week, and a grace
        (100, 15, start + WEEK + grace),  # still paused: not longer for it
        (200, 9, start + WEEK + grace),
        (300, 1, start + 300 + grace),  # resumed: one grace
        (400, 0, start + 300 + grace),  # other bits move nothing
        (500, 8, start + 500 + WEEK + grace),
        (500 + 30 * 86_400, 0, start + 500 + WEEK + grace),  # forgotten: it ended by itself
    )
    for after, bits, expected in steps:
        world.next_at(start + after)
        world.vault.transact("set_pauses", bits, sender=world.governor)
        assert resumes_at(world) == expected


def test_no_clock_runs_out_while_nobody_could_buy(world):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_700 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    at = world.account(account).auction_start + 1
    world.next_at(at)
    world.vault.transact("set_pauses", 8, sender=world.governor)
    world.next_at(at + 86_400)
    world.vault.transact("set_pauses", 0, sender=world.governor)
    assert world.state(account) == 4  # called, not absorbable
    view = world.lens.read("account_of", world.vault.address, account)
    opens = at + 86_400 + world.book.grace_period
    assert view[5:7] == (opens, opens + world.book.auction_duration)


@pytest.mark.parametrize("bits", [32, 63, 2**16, 2**248, MAX])
def test_set_pauses_refuses_unknown_bits(world, bits):
    with reverts("bad pauses"):
        world.vault.transact("set_pauses", bits, sender=world.governor)
    assert world.vault.read("totals") == 0


@pytest.mark.parametrize(
    ("bits", "name", "reason"),
    [
        (4, "margin_call", "calling paused"),
        (8, "take", "taking paused"),
        (8, "absorb", "taking paused"),
    ],
)
def test_pauses_stop_liquidations_bit_by_bit(world, bits, name, reason):
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    args = (account, 0, 1, MAX, world.keeper, b"") if name == "take" else (account,)
    world.vault.transact("set_pauses", bits, sender=world.governor)
    with reverts(reason):
        world.vault.transact(name, *args, sender=world.keeper)
    world.vault.transact("set_pauses", 31 - bits, sender=world.governor)
    expected = {"margin_call": "account is covered", "take": "not in auction"}
    with reverts(expected.get(name, "not absorbable")):
        world.vault.transact(name, *args, sender=world.keeper)


# the fund


def name_fund(world, fund):
    """Propose a fund and let it accept."""
    world.vault.transact("propose_fund", fund, sender=world.governor)
    return world.vault.transact("accept_fund", sender=fund)


def test_the_fund_changes_in_two_steps(world):
    vault, old = world.vault, world.fund.address
    receipt = vault.transact("propose_fund", world.other, sender=world.governor)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("FundProposed", {"fund": world.other})
    ]
    assert (vault.read("fund"), vault.read("pending_fund")) == (old, world.other)
    for who in (world.governor, world.owner, world.stranger):
        with reverts("not proposed"):
            vault.transact("accept_fund", sender=who)
    receipt = vault.transact("accept_fund", sender=world.other)
    assert [(e.name, e.args) for e in world.events(receipt)] == [("FundSet", {"fund": world.other})]
    assert (vault.read("fund"), vault.read("pending_fund")) == (world.other, ZERO)
    with reverts("not proposed"):  # once only
        vault.transact("accept_fund", sender=world.other)


def test_a_proposed_fund_can_be_withdrawn(world):
    for pending in (world.other, ZERO):
        world.vault.transact("propose_fund", pending, sender=world.governor)
    with reverts("not proposed"):
        world.vault.transact("accept_fund", sender=world.other)
    assert world.vault.read("fund") == world.fund.address


@pytest.fixture
def absorbed(world):
    """Let an account be absorbed and name the keeper as the fund; returns eth absorbed."""
    account = world.open([(0, 10 * WAD)], 14_000 * WAD)
    world.follow(1_000 * WAD)
    world.vault.transact("margin_call", account, sender=world.keeper)
    world.forward(world.book.auction_duration + 1)
    world.set_price(0, 1_000 * WAD)
    world.vault.transact("absorb", account, sender=world.keeper)
    name_fund(world, world.keeper)
    amount = world.vault.read("absorbed", 0)
    assert amount == 10 * WAD
    return amount


def test_withdraw_absorbed(world, absorbed):
    receipt = world.vault.transact(
        "withdraw_absorbed", 0, absorbed - 1, world.other, sender=world.keeper
    )
    told = {"kind": 0, "receiver": world.other, "amount": absorbed - 1}
    assert [(e.name, e.args) for e in world.events(receipt)] == [("AbsorbedWithdrawn", told)]
    assert world.tokens[0].read("balanceOf", world.other) == absorbed - 1
    assert world.tokens[0].read("balanceOf", world.vault.address) == 1
    assert world.vault.read("absorbed", 0) == 1
    assert world.total(0) == 1


def test_withdraw_absorbed_takes_nobodys_collateral(world, absorbed):
    world.open([(0, 50 * WAD)], 0, owner=world.other)
    with reverts("above balance"):
        world.vault.transact("withdraw_absorbed", 0, absorbed + 1, world.other, sender=world.keeper)
    with reverts("above balance"):
        world.vault.transact("withdraw_absorbed", 1, 1, world.other, sender=world.keeper)
    with reverts("zero amount"):
        world.vault.transact("withdraw_absorbed", 0, 0, world.other, sender=world.keeper)
    for receiver in (ZERO, world.vault.address):
        with reverts("bad receiver"):
            world.vault.transact("withdraw_absorbed", 0, 1, receiver, sender=world.keeper)
    for kind in (3, 32, MAX):
        with reverts("unknown kind"):
            world.vault.transact("withdraw_absorbed", kind, 1, world.other, sender=world.keeper)


def test_only_the_fund_withdraws_what_was_absorbed(world, absorbed):
    for who in (world.governor, world.owner, world.stranger):
        with reverts("not fund"):
            world.vault.transact("withdraw_absorbed", 0, 1, who, sender=who)


# who


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("list_collateral", (3, "0x" + "11" * 20, *LEVELS, 1, False)),
        ("set_cap", (0, 1)),
        ("set_frozen", (0, True)),
        ("set_pauses", (1,)),
        ("set_rate", (0,)),
        ("set_levels", (0, *LEVELS)),
        ("propose_fund", ("0x" + "11" * 20,)),
        ("propose_governor", ("0x" + "11" * 20,)),
    ],
)
def test_only_the_governor_governs(world, name, args):
    for who in (world.owner, world.keeper, world.stranger):
        with reverts("not governor"):
            world.vault.transact(name, *args, sender=who)


def test_the_governor_changes_in_two_steps(world):
    vault = world.vault
    receipt = vault.transact("propose_governor", world.other, sender=world.governor)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("GovernorProposed", {"pending": world.other})
    ]
    assert vault.read("governor") == world.governor
    with reverts("not governor"):
        vault.transact("set_pauses", 1, sender=world.other)
    with reverts("not proposed"):
        vault.transact("accept_governor", sender=world.stranger)
    receipt = vault.transact("accept_governor", sender=world.other)
    assert [(e.name, e.args) for e in world.events(receipt)] == [
        ("GovernorChanged", {"governor": world.other})
    ]
    with reverts("not governor"):
        vault.transact("set_pauses", 1, sender=world.governor)
    vault.transact("set_pauses", 1, sender=world.other)
    with reverts("not proposed"):  # once only
        vault.transact("accept_governor", sender=world.other)


def test_the_default_levels_are_listed(world):
    word = world.vault.read("collateral", 0)
    found = [(word >> shift) % 2**16 for shift in (160, 176, 192, 208, 224)]
    assert found == [
        MAJOR.initial_ltv,
        MAJOR.maintenance_ltv,
        MAJOR.close_out_ltv,
        MAJOR.start_factor,
        MAJOR.end_factor,
    ]
