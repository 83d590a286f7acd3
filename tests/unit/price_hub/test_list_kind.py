# SPDX-License-Identifier: MIT
"""Listing a kind: a token, a live oracle, sane bounds."""

import pytest

from tests.unit.conftest import ZERO, Word
from tests.unit.price_hub.conftest import (
    CONFIRM_PERIOD,
    FRESH_FOR,
    JUMP,
    MAX_AGE,
    MAX_PRICE,
    MIN_PRICE,
    PRICE,
    SIGMA_REF,
    SLEW_DOWN,
    SLEW_UP,
)

USUAL = (MAX_AGE, MIN_PRICE, MAX_PRICE, SLEW_DOWN, SLEW_UP, JUMP, SIGMA_REF)


def test_list_kind(new_hub, list_kind, governor, good_word, new_token, new_oracle):
    hub = new_hub(60)
    token, oracle = new_token(), new_oracle()
    arguments = (token, oracle, *USUAL)
    assert hub.list_kind.call(*arguments, sender=governor) == 0

    receipt = hub.list_kind(*arguments, sender=governor)

    assert hub.kind_count() == 1
    assert hub.token_of(0) == token
    assert Word.unpack(hub.words(0)) == good_word(PRICE, receipt.timestamp)
    assert tuple(hub.config_of(0)) == (oracle, MAX_AGE, SLEW_DOWN, SLEW_UP)
    assert tuple(hub.bounds_of(0)) == (MIN_PRICE, MAX_PRICE)
    assert tuple(hub.limits_of(0)) == (JUMP, SIGMA_REF, 0)
    assert tuple(hub.volatility_of(0)) == (0, PRICE, receipt.timestamp)
    listed, named, limited, updated = receipt.events
    assert (listed.event_name, listed.kind, listed.token) == ("KindListed", 0, token)
    assert named.event_name == "OracleSet"
    assert (named.kind, named.oracle, named.max_age) == (0, oracle, MAX_AGE)
    assert (named.min_price, named.max_price) == (MIN_PRICE, MAX_PRICE)
    assert (limited.event_name, limited.kind) == ("LimitsSet", 0)
    assert (limited.slew_down, limited.slew_up) == (SLEW_DOWN, SLEW_UP)
    assert (limited.jump_bps, limited.sigma_ref) == (JUMP, SIGMA_REF)
    assert (updated.event_name, updated.kind, updated.word) == ("PriceUpdated", 0, hub.words(0))


def test_list_kind__at_the_edges_of_every_field(new_hub, list_kind):
    hub = new_hub(60)
    largest = 2**24 - 1
    added = list_kind(
        hub,
        max_age=largest,
        min_price=1,
        max_price=2**88 - 1,
        slew_down=largest,
        slew_up=largest,
        jump_bps=12_750,
        sigma_ref=2**40 - 1,
    )
    assert tuple(hub.config_of(0)) == (added.oracle, largest, largest, largest)
    assert tuple(hub.bounds_of(0)) == (1, 2**88 - 1)
    assert tuple(hub.limits_of(0)) == (12_750, 2**40 - 1, 0)
    list_kind(
        hub,
        max_age=1,
        min_price=PRICE,
        max_price=PRICE + 1,
        slew_down=1,
        slew_up=1,
        jump_bps=50,
        sigma_ref=1,
    )
    assert tuple(hub.config_of(1))[1:] == (1, 1, 1)
    assert tuple(hub.limits_of(1)) == (50, 1, 0)
    assert tuple(hub.volatility_of(1))[:2] == (0, PRICE)
    assert Word.unpack(hub.words(1)).lo == PRICE


def test_list_kind__until_there_are_32(
    new_hub, list_kind, new_token, new_oracle, reverts_with, governor
):
    hub = new_hub(60)
    for kind in range(32):
        assert hub.kind_count() == kind
        list_kind(hub)
    assert Word.unpack(hub.read(1 << 31)[0]).lo == PRICE
    reverts_with(
        "too many kinds", hub.list_kind, new_token(), new_oracle(), *USUAL, sender=governor
    )


def test_list_kind_reverts_when_not_governor(hub, new_token, oracle, stranger, reverts_with):
    reverts_with("not governor", hub.list_kind, new_token(), oracle, *USUAL, sender=stranger)


@pytest.mark.parametrize(
    ("reason", "other"),
    [
        ("bad max age", {"max_age": 0}),
        ("bad max age", {"max_age": 2**24}),
        ("bad bounds", {"min_price": 0}),
        ("bad bounds", {"min_price": MAX_PRICE}),
        ("bad bounds", {"min_price": MAX_PRICE + 1}),
        ("bad bounds", {"max_price": 2**88}),
        ("bad slew", {"slew_down": 0}),
        ("bad slew", {"slew_down": 2**24}),
        ("bad slew", {"slew_up": 0}),
        ("bad slew", {"slew_up": 2**24}),
        ("bad jump", {"jump_bps": 0}),
        ("bad jump", {"jump_bps": 49}),
        ("bad jump", {"jump_bps": 2_001}),
        ("bad jump", {"jump_bps": 12_800}),
        ("bad jump", {"jump_bps": 2**256 - 1}),
        ("bad sigma", {"sigma_ref": 0}),
        ("bad sigma", {"sigma_ref": 2**40}),
        ("price failed", {"min_price": PRICE + 1}),
        ("price failed", {"max_price": PRICE}),
        ("price failed", {"max_price": PRICE - 1}),
        ("oracle has no code", {"oracle": ZERO}),
        ("token has no code", {"token": ZERO}),
    ],
)
def test_list_kind_reverts_when_a_parameter_is_bad(
    hub, new_token, oracle, governor, reverts_with, reason, other
):
    usual = {
        "token": other.get("token") or new_token(),
        "oracle": oracle,
        "max_age": MAX_AGE,
        "min_price": MIN_PRICE,
        "max_price": MAX_PRICE,
        "slew_down": SLEW_DOWN,
        "slew_up": SLEW_UP,
        "jump_bps": JUMP,
        "sigma_ref": SIGMA_REF,
    }
    reverts_with(reason, hub.list_kind, *(usual | other).values(), sender=governor)


def test_list_kind_reverts_when_there_is_no_code(
    hub, new_token, oracle, governor, alice, reverts_with
):
    reverts_with("token has no code", hub.list_kind, alice, oracle, *USUAL, sender=governor)
    reverts_with("oracle has no code", hub.list_kind, new_token(), alice, *USUAL, sender=governor)


def test_list_kind_reverts_when_the_token_has_a_kind(hub, market, oracle, governor, reverts_with):
    for kind in market.kinds:
        reverts_with(
            "kind already listed", hub.list_kind, kind.token, oracle, *USUAL, sender=governor
        )


def test_list_kind_reverts_when_the_oracle_fails(
    hub, new_token, new_oracle, governor, reverts_with
):
    oracle = new_oracle()
    oracle.set_mode(2, sender=governor)
    reverts_with("price failed", hub.list_kind, new_token(), oracle, *USUAL, sender=governor)


def test_list_kind__by_the_desk_that_the_hub_was_built_with(
    project, governor, stranger, new_token, new_oracle, reverts_with
):
    desk = governor.deploy(project.MockActor)
    hub = governor.deploy(project.PriceHub, governor, FRESH_FOR, CONFIRM_PERIOD, desk)
    assert hub.listings() == desk
    token, oracle = new_token(), new_oracle()
    data = hub.list_kind.encode_input(token, oracle, *USUAL)
    desk.execute(hub, data, sender=stranger)
    assert hub.token_of(0) == token
    for function, arguments in (
        ("set_oracle", (0, oracle)),
        ("set_limits", (0, 1, 1, 50, 1)),
        ("set_bounds", (0, 1, 2)),
        ("set_max_age", (0, 1)),
        ("set_sequencer", (ZERO,)),
    ):
        data = getattr(hub, function).encode_input(*arguments)
        reverts_with("not governor", desk.execute, hub, data, sender=stranger)


def test_deploy_reverts_when_a_period_is_bad(project, governor, new_hub, refuses_to_deploy):
    hub = new_hub(120, 2**24 - 1)
    assert (hub.fresh_for(), hub.confirm_period(), hub.listings()) == (120, 2**24 - 1, ZERO)
    assert (new_hub(0, 1).fresh_for(), new_hub(0, 1).confirm_period()) == (1, 1)
    refuses_to_deploy("fresh_for too long", project.PriceHub, governor, 121, 1, ZERO)
    for period in (0, 2**24):
        refuses_to_deploy("bad confirm period", project.PriceHub, governor, 1, period, ZERO)
