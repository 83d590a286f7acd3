# SPDX-License-Identifier: MIT
"""Every refusal has its own reason, is foretold by the preview, and leaves nothing half done."""

from __future__ import annotations

import re

import pytest

from surety.chain import RpcError, UnlockedSender, as_revert, deploy_contract
from surety.compile import artifact
from surety.paths import root
from tests.unit.listings.desk import (
    BALANCE,
    BURNS,
    DECIMALS,
    LIVE_PRICE,
    PRICE,
    REVERTS,
    WRITES,
    ZERO,
)
from tests.world import MAX, WAD, reverts

NOBODY = "0x" + "11" * 20


def check_refused(desk, reason: str, listing) -> None:
    """Assert that nothing in hub or vault changes, by a transaction that is really sent."""
    before = desk.storage()
    with reverts(reason):
        desk.preview(listing)
    with reverts(reason):
        desk.list(listing)
    assert desk.storage() == before


# fields of the listing


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("bad max age", {"max_age": 0}),
        ("bad max age", {"max_age": 2**24}),
        ("bad max age", {"max_age": MAX}),
        ("bad slew", {"slew_down": 0}),
        ("bad slew", {"slew_down": 2**24}),
        ("bad slew", {"slew_up": 0}),
        ("bad slew", {"slew_up": 2**24}),
        ("bad jump", {"jump_bps": 0}),
        ("bad jump", {"jump_bps": 49}),
        ("bad jump", {"jump_bps": 2_001}),
        ("bad jump", {"jump_bps": 12_800}),
        ("bad jump", {"jump_bps": MAX - MAX % 50}),
        ("bad sigma", {"sigma_ref": 0}),
        ("bad sigma", {"sigma_ref": 2**40}),
        ("bad bounds", {"min_price": 0}),
        ("bad bounds", {"min_price": 50_000 * WAD}),
        ("bad bounds", {"min_price": MAX}),
        ("bad bounds", {"max_price": 2**88}),
        ("bad bounds", {"max_price": MAX}),
        ("bounds too tight", {"min_price": PRICE * 60 // 100 + 1}),
        ("bounds too wide", {"min_price": PRICE // 1_000 - 1}),
        ("bounds too wide", {"min_price": 1}),
        ("bounds too wide", {"max_price": PRICE * 1_000 + 1}),
        ("bounds too wide", {"max_price": 2**88 - 1}),
        ("price outside bounds", {"max_price": PRICE}),
        ("price outside bounds", {"max_price": PRICE - 1}),
        ("price deviates", {"expected_price": PRICE * 100 // 105 - 1}),
        ("price deviates", {"expected_price": PRICE * 100 // 95 + 1}),
        ("price deviates", {"expected_price": 2**88}),
        ("price deviates", {"expected_price": MAX}),
        ("price deviates", {"expected_price": 0}),
        ("bad levels", {"initial_ltv": 8_000}),
        ("bad levels", {"maintenance_ltv": 8_500}),
        ("bad levels", {"close_out_ltv": 8_801}),
        ("bad levels", {"close_out_ltv": MAX}),
        ("bad factors", {"start_factor": 9_999}),
        ("bad factors", {"start_factor": 11_001}),
        ("bad factors", {"end_factor": 10_000}),
        ("bad factors", {"end_factor": MAX}),
        ("bad factors", {"maintenance_ltv": 8_381}),  # 8381 * 1.05 > 8800
        ("bad factors", {"maintenance_ltv": MAX - 1, "close_out_ltv": MAX, "end_factor": MAX}),
        ("zero cap", {"cap": 0}),
        ("cap too large", {"cap": 2**128}),
        ("cap too large", {"cap": MAX}),
        ("decimals differ", {"decimals": 8}),
        ("decimals differ", {"decimals": 17}),
        ("decimals differ", {"decimals": 0}),
        ("decimals differ", {"decimals": MAX}),
        ("token has no code", {"token": ZERO}),
        ("token has no code", {"token": NOBODY}),
        ("oracle has no code", {"oracle": ZERO}),
        ("oracle has no code", {"oracle": NOBODY}),
    ],
)
def test_list_reverts_when_a_field_is_bad(desk, reason, changes):
    check_refused(desk, reason, desk.good(**changes))


# the token


@pytest.mark.covers("T12")
@pytest.mark.parametrize("decimals", [0, 5, 19, 255])
def test_list_reverts_when_decimals_are_out_of_range(desk, decimals):
    desk.says(DECIMALS, decimals)
    check_refused(desk, "bad decimals", desk.good(token=desk.odd.address, decimals=decimals))


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        (REVERTS, (18).to_bytes(32, "big")),
        (BURNS, (18).to_bytes(32, "big")),
        (WRITES, (18).to_bytes(32, "big")),
        (0, b""),
        (0, b"\x12"),
        (0, (18).to_bytes(31, "big")),
        (0, (18).to_bytes(32, "big") + b"\0"),
        (0, (18).to_bytes(32, "big") * 2),
        (0, (18).to_bytes(32, "big") * 3),
        (0, (256 + 18).to_bytes(32, "big")),
        (0, b"\xff" * 32),
    ],
)
def test_list_reverts_when_decimals_are_no_number(desk, mode, answer):
    desk.answers(DECIMALS, answer, mode=mode)
    check_refused(desk, "decimals failed", desk.good(token=desk.odd.address))


def test_list_reverts_when_the_token_is_a_feed(desk):
    """An aggregator has decimals too: token and feed are easily swapped."""
    feed = desk.new("MockAggregator", 8, PRICE // 10**10).address
    check_refused(desk, "not a token", desk.good(token=feed, decimals=8))


@pytest.mark.parametrize("mode", [REVERTS, BURNS, WRITES])
def test_list_reverts_when_balances_fail(desk, mode):
    desk.says(BALANCE, 0, mode=mode)
    check_refused(desk, "not a token", desk.good(token=desk.odd.address))


@pytest.mark.parametrize("answer", [b"", b"\0", bytes(33), bytes(64)])
def test_list_reverts_when_balances_are_no_number(desk, answer):
    desk.answers(BALANCE, answer)
    check_refused(desk, "not a token", desk.good(token=desk.odd.address))


@pytest.mark.covers("T27")
def test_list_reverts_when_the_token_is_the_coin(desk):
    check_refused(desk, "the coin itself", desk.good(token=desk.world.coin.address))


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_list_reverts_when_the_token_is_listed(desk, kind):
    token = desk.world.tokens[kind].address
    check_refused(desk, "already listed", desk.good(token=token, decimals=(18, 8, 6)[kind]))


def test_list_reverts_when_the_token_was_listed_here(desk):
    desk.list(desk.good())
    check_refused(desk, "already listed", desk.good())


def test_list_reverts_when_only_the_hub_knows_the_token(desk):
    """Half a listing that a governor made by hand is finished by hand, not listed twice."""
    good = desk.good()
    fields = good.struct()
    args = (good.token, good.oracle, *fields[4:11])
    desk.world.hub.transact("list_kind", *args, sender=desk.world.governor)
    check_refused(desk, "already listed", good)


# the oracle


@pytest.mark.parametrize(
    ("reason", "mode", "words"),
    [
        ("oracle failed", REVERTS, (PRICE, 0)),
        ("oracle failed", BURNS, (PRICE, 0)),
        ("oracle failed", WRITES, (PRICE, 0)),
        ("oracle failed", 0, ()),
        ("oracle failed", 0, (PRICE,)),
        ("oracle failed", 0, (PRICE, 0, 0)),
        ("oracle failed", 0, (PRICE, 0, 0, 0)),
        ("no price", 0, (0, 0)),
        ("price from the future", 0, (PRICE, 60)),
        ("price is stale", 0, (PRICE, -3_600 - 60)),
        ("price outside bounds", 0, (100 * WAD, 0)),
        ("price outside bounds", 0, (100 * WAD - 1, 0)),
        ("price outside bounds", 0, (1, 0)),
        ("price outside bounds", 0, (50_000 * WAD, 0)),
        ("price outside bounds", 0, (MAX, 0)),
        ("price deviates", 0, (PRICE * 95 // 100 - 1, 0)),
        ("price deviates", 0, (PRICE * 105 // 100 + 1, 0)),
        ("price deviates", 0, (50_000 * WAD - 1, 0)),
    ],
)
def test_list_reverts_when_the_price_is_bad(desk, reason, mode, words):
    if len(words) > 1:
        words = (words[0], desk.world.now + words[1], *words[2:])
    desk.says(LIVE_PRICE, *words, mode=mode)
    check_refused(desk, reason, desk.good(oracle=desk.odd.address))


def test_list_reverts_when_a_time_is_from_the_far_future(desk):
    desk.says(LIVE_PRICE, PRICE, MAX)
    check_refused(desk, "price from the future", desk.good(oracle=desk.odd.address))


def test_list_reverts_when_the_oracle_is_a_feed(desk):
    """An aggregator where its adapter should be is the commonest slip."""
    feed = desk.new("MockAggregator", 8, PRICE // 10**10).address
    check_refused(desk, "oracle failed", desk.good(oracle=feed))


# two faces


@pytest.mark.parametrize("decimals", [6, 8, 17])
def test_list_reverts_when_the_vault_is_told_other_decimals(desk, decimals):
    """The preview cannot know: the token tells the vault alone. Nothing is kept."""
    desk.says(DECIMALS, decimals, to=desk.vault)
    listing = desk.good(token=desk.odd.address)
    assert desk.preview(listing)[0] == 18
    before = desk.storage()
    with reverts("not listed as asked"):
        desk.list(listing)
    assert desk.storage() == before
    desk.says(DECIMALS, 18, to=desk.vault)
    desk.list(listing)


def test_list_reverts_when_the_vault_is_told_nothing(desk):
    desk.says(DECIMALS, 18, mode=REVERTS, to=desk.vault)
    before = desk.storage()
    with reverts("says nothing"):
        desk.list(desk.good(token=desk.odd.address))
    assert desk.storage() == before


@pytest.mark.parametrize("price", [PRICE + 1, PRICE - 1, 101 * WAD, 49_999 * WAD])
def test_list_reverts_when_the_hub_is_told_another_price(desk, price):
    desk.says(LIVE_PRICE, price, desk.world.now, to=desk.world.hub.address)
    listing = desk.good(oracle=desk.odd.address)
    assert desk.preview(listing)[1] == PRICE
    before = desk.storage()
    with reverts("not listed as asked"):
        desk.list(listing)
    assert desk.storage() == before


@pytest.mark.parametrize("words", [(0, 0), (50_000 * WAD, 0), (PRICE,), (99 * WAD, 0)])
def test_list_reverts_with_the_hub_s_reason(desk, words):
    desk.says(LIVE_PRICE, *words, to=desk.world.hub.address)
    before = desk.storage()
    with reverts("price failed"):
        desk.list(desk.good(oracle=desk.odd.address))
    assert desk.storage() == before


# who, and on which vault


@pytest.mark.parametrize("who", ["owner", "keeper", "stranger"])
def test_list_reverts_when_not_governor(desk, who):
    before = desk.storage()
    with reverts("not the vault's governor"):
        desk.list(desk.good(), sender=getattr(desk.world, who))
    assert desk.storage() == before


def second_vault(desk, governor: str, hub: str | None = None) -> str:
    world, book = desk.world, desk.world.book
    args = (
        governor,
        world.coin.address,
        hub or world.hub.address,
        world.operators.address,
        world.system.margin_models,
        world.system.settlement,
        *book.numbers,
    )
    return deploy_contract(UnlockedSender(world.rpc, world.governor), artifact("Vault"), *args)


def test_list_reverts_when_governor_of_one_of_the_two(desk):
    """A vault of somebody else over this hub: neither its governor nor the hub's may list alone."""
    vault = second_vault(desk, desk.world.other)
    before = desk.storage()
    with reverts("not the hub's governor"):
        desk.list(desk.good(), sender=desk.world.other, vault=vault)
    with reverts("not the vault's governor"):
        desk.list(desk.good(), vault=vault)
    assert desk.storage() == before
    assert desk.world.contract("Vault", vault).read("collateral", 3) == 0


def test_list_reverts_when_the_governor_is_only_proposed(desk):
    for contract in (desk.world.vault, desk.world.hub):
        contract.transact("propose_governor", desk.world.other, sender=desk.world.governor)
    with reverts("not the vault's governor"):
        desk.list(desk.good(), sender=desk.world.other)
    desk.world.vault.transact("accept_governor", sender=desk.world.other)
    with reverts("not the hub's governor"):
        desk.list(desk.good(), sender=desk.world.other)
    with reverts("not the vault's governor"):
        desk.list(desk.good())
    desk.world.hub.transact("accept_governor", sender=desk.world.other)
    desk.list(desk.good(), sender=desk.world.other)


def test_list__a_second_book_over_the_same_hub(desk):
    """The numbers of a hub are shared: the second book's first kind is the hub's next."""
    vault = second_vault(desk, desk.world.governor)
    desk.list(desk.good(), vault=vault)
    assert desk.world.contract("Vault", vault).read("collateral", 3) == desk.good().word()
    assert desk.world.contract("Vault", vault).read("collateral", 0) == 0
    assert desk.world.vault.read("collateral", 3) == 0
    # the first book cannot list it again through here: the hub prices it already
    check_refused(desk, "already listed", desk.good())
    other = desk.good(token=desk.new("MockToken", "New", "NEW", 18).address)
    desk.list(other)
    assert desk.world.vault.read("collateral", 4) == other.word()


def test_list_reverts_when_the_hub_names_another_desk(desk):
    for listings in (ZERO, desk.new("Listings").address):
        world = desk.world
        hub = desk.new("PriceHub", world.governor, 60, 1_200, listings)
        vault = second_vault(desk, world.governor, hub.address)
        with reverts("not the hub's listings"):
            desk.preview(desk.good(), vault=vault)
        with reverts("not the hub's listings"):
            desk.list(desk.good(), vault=vault)
        assert hub.read("kind_count") == 0


@pytest.mark.parametrize("vault", [ZERO, NOBODY])
def test_list_reverts_when_the_vault_has_no_code(desk, vault):
    with reverts("vault has no code"):
        desk.preview(desk.good(), vault=vault)
    with reverts("vault has no code"):
        desk.list(desk.good(), vault=vault)


def test_list_reverts_when_the_hub_is_full(desk):
    for _ in range(3, 32):
        desk.list(desk.good(token=desk.new("MockToken", "New", "NEW", 18).address))
    check_refused(desk, "too many kinds", desk.good())


def fake_vault(desk, hub: str | None = None):
    return desk.new("MockBook", desk.world.stranger, hub or desk.world.hub.address)


def test_a_vault_that_lies_gets_nothing_out_of_the_hub(desk):
    """Anybody can deploy a vault that calls them its governor; the hub does not."""
    fake = fake_vault(desk)
    before = desk.storage()
    with reverts("not the hub's governor"):
        desk.list(desk.good(), sender=desk.world.stranger, vault=fake.address)
    assert desk.storage() == before


def test_a_hub_that_lies_gets_nothing_out_of_the_vault(desk):
    """A fake vault over a fake hub leads to no real one."""
    world = desk.world
    hub = desk.new("PriceHub", world.stranger, 60, 1_200, desk.contract.address)
    fake = fake_vault(desk, hub.address)
    before = desk.storage()
    desk.list(desk.good(), sender=world.stranger, vault=fake.address)
    assert hub.read("kind_count") == 1
    assert desk.storage() == before


def own_hub(desk):
    """Return a hub of the stranger and a made-up vault over it."""
    hub = desk.new("PriceHub", desk.world.stranger, 60, 1_200, desk.contract.address)
    return hub, fake_vault(desk, hub.address)


def test_list_reverts_when_the_number_is_taken_in_the_vault(desk):
    hub, fake = own_hub(desk)
    fake.transact("set_word", 0, int(NOBODY, 16), sender=desk.world.governor)
    with reverts("kind is taken"):
        desk.list(desk.good(), sender=desk.world.stranger, vault=fake.address)
    with reverts("kind is taken"):
        desk.preview(desk.good(), vault=fake.address)
    assert hub.read("kind_count") == 0


@pytest.mark.parametrize("number", [0, 5, 31])
def test_list_reverts_when_only_the_vault_knows_the_token(desk, number):
    hub, fake = own_hub(desk)
    word = desk.good().word()
    fake.transact("set_word", number, word, sender=desk.world.governor)
    with reverts("already listed"):
        desk.list(desk.good(), sender=desk.world.stranger, vault=fake.address)
    assert hub.read("kind_count") == 0


@pytest.mark.parametrize("bit", [0, 159, 160, 175, 192, 224, 241, 248, 255])
def test_list_reverts_when_the_vault_stores_something_else(desk, bit):
    hub, fake = own_hub(desk)
    fake.transact("set_mask", 1 << bit, sender=desk.world.governor)
    with reverts("not listed as asked"):
        desk.list(desk.good(), sender=desk.world.stranger, vault=fake.address)
    assert hub.read("kind_count") == 0
    fake.transact("set_mask", 0, sender=desk.world.governor)
    desk.list(desk.good(), sender=desk.world.stranger, vault=fake.address)
    assert hub.read("kind_count") == 1


# gas


def test_list__too_little_gas_never_looks_like_a_failure(desk):
    """Whoever starves the call gets no verdict about token or oracle, and changes nothing."""
    listing = desk.good()
    data = desk.contract.encode("list", desk.vault, listing.struct())
    call = {"from": desk.world.governor, "to": desk.contract.address, "data": "0x" + data.hex()}
    outcomes, starved = [], 0
    for gas in range(60_000, 1_400_000, 10_000):
        try:
            desk.world.rpc.call("eth_call", {**call, "gas": hex(gas)}, "latest")
        except RpcError as error:
            reverted = as_revert(error)
            outcomes.append(reverted.reason if reverted else "")
            starved = gas if outcomes[-1] == "gas too low" else starved
        else:
            outcomes.append("listed")
    assert set(outcomes) == {"", "gas too low", "listed"}
    assert outcomes == sorted(outcomes, key=["", "gas too low", "listed"].index)

    before = desk.storage()
    with reverts("gas too low"):
        UnlockedSender(desk.world.rpc, desk.world.governor).send(
            desk.contract.address, data, gas=starved
        )
    assert desk.storage() == before


def test_list__a_token_that_needs_gas_is_not_judged_without_it(desk):
    """What burns all of its gas has failed only once it had all of it to burn."""
    desk.says(DECIMALS, 18, mode=BURNS)
    data = desk.contract.encode("preview", desk.vault, desk.good(token=desk.odd.address).struct())
    call = {"to": desk.contract.address, "data": "0x" + data.hex()}
    outcomes = {}
    for gas in range(100_000, 600_000, 10_000):
        with pytest.raises(RpcError) as caught:
            desk.world.rpc.call("eth_call", {**call, "gas": hex(gas)}, "latest")
        reverted = as_revert(caught.value)
        outcomes[gas] = reverted.reason if reverted else ""
    assert set(outcomes.values()) == {"", "gas too low", "decimals failed"}
    assert min(gas for gas, reason in outcomes.items() if reason == "decimals failed") > 204_000
    assert max(gas for gas, reason in outcomes.items() if reason == "gas too low") > 204_000


# reasons


def test_every_reason_is_short_and_told_in_the_interface():
    source = (root() / "contracts" / "Listings.vy").read_text()
    told = (root() / "interfaces" / "IListings.vyi").read_text()
    reasons = set(re.findall(r'(?:assert [^"]*?|^\)), "([^"]+)"', source, re.MULTILINE))
    assert len(reasons) > 25
    assert {f'"{reason}"' for reason in reasons} == set(
        re.findall(r'"[^"]+"', told[told.index("Reasons") : told.index("struct Listing")])
    ) - {'"""'}
    assert all(len(reason) <= 32 and reason == reason.lower() for reason in reasons)
