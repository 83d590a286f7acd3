# SPDX-License-Identifier: MIT
"""ERC-2612: a signature is good once, for one owner, on one chain, until its deadline."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data, hash_domain

from tests.unit.conftest import WAD, ZERO

OWNER = Account.from_key("0x" + "a1" * 32)
OTHER = Account.from_key("0x" + "b2" * 32)
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FOREVER = 2**256 - 1


@pytest.fixture
def domain(coin, chain):
    return {
        "name": "Surety Dollar",
        "version": "1",
        "chainId": chain.chain_id,
        "verifyingContract": coin.address,
    }


@pytest.fixture
def sign(domain, bob):
    """Sign a permit of OWNER to bob; any field may be another."""

    def make(
        signer=OWNER,
        value=5 * WAD,
        nonce=0,
        deadline=FOREVER,
        owner=OWNER.address,
        spender=bob.address,
        **other,
    ):
        message = {
            "owner": owner,
            "spender": spender,
            "value": value,
            "nonce": nonce,
            "deadline": deadline,
        }
        types = {
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        }
        signed = signer.sign_message(encode_typed_data(domain | other, types, message))
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    return make


@pytest.fixture
def refused(coin, bob, stranger, reverts_with):
    def check(signature, *, value=5 * WAD, deadline=FOREVER, owner=OWNER.address, reason):
        reverts_with(reason, coin.permit, owner, bob, value, deadline, *signature, sender=stranger)

    return check


INVALID = "erc20: invalid signature"


@pytest.mark.covers("P06")
def test_permit__by_anyone_who_brings_the_signature(coin, sign, bob, stranger):
    receipt = coin.permit(OWNER.address, bob, 5 * WAD, FOREVER, *sign(), sender=stranger)
    assert coin.allowance(OWNER.address, bob) == 5 * WAD
    assert coin.nonces(OWNER.address) == 1
    (event,) = receipt.events
    assert (event.owner, event.spender, event.value) == (OWNER.address, bob, 5 * WAD)


def test_permit__then_the_spender_spends(coin, sign, minter, bob):
    coin.mint(OWNER.address, 5 * WAD, sender=minter)
    coin.permit(OWNER.address, bob, 5 * WAD, FOREVER, *sign(), sender=bob)
    coin.transferFrom(OWNER.address, bob, 5 * WAD, sender=bob)
    assert (coin.balanceOf(bob), coin.allowance(OWNER.address, bob)) == (5 * WAD, 0)


@pytest.mark.covers("P06", "I60")
def test_permit_reverts_when_replayed(coin, sign, bob, refused):
    coin.permit(OWNER.address, bob, 5 * WAD, FOREVER, *sign(), sender=bob)
    refused(sign(), reason=INVALID)
    refused(sign(nonce=2), reason=INVALID)
    coin.permit(OWNER.address, bob, 7, FOREVER, *sign(nonce=1, value=7), sender=bob)
    assert coin.allowance(OWNER.address, bob) == 7


@pytest.mark.covers("P06")
def test_permit_reverts_when_expired(coin, sign, bob, clock, refused):
    deadline = clock.now + 100
    signature = sign(deadline=deadline)
    clock.forward(101)
    refused(signature, deadline=deadline, reason="erc20: expired deadline")


def test_permit__at_its_deadline_exactly(coin, sign, bob, clock):
    deadline = clock.now + 100
    clock.next_at(deadline)
    coin.permit(OWNER.address, bob, 5 * WAD, deadline, *sign(deadline=deadline), sender=bob)
    assert coin.allowance(OWNER.address, bob) == 5 * WAD


def test_permit_reverts_when_signed_by_another(sign, refused):
    refused(sign(signer=OTHER), reason=INVALID)


@pytest.mark.covers("P06")
@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"chainId": 1}, id="chain"),
        pytest.param({"verifyingContract": OTHER.address}, id="contract"),
        pytest.param({"version": "2"}, id="version"),
        pytest.param({"name": "Surety"}, id="name"),
    ],
)
def test_permit_reverts_when_signed_for_another_domain(sign, refused, other):
    refused(sign(**other), reason=INVALID)


def test_permit_reverts_when_a_field_was_changed(sign, refused):
    refused(sign(), value=5 * WAD + 1, reason=INVALID)
    refused(sign(), deadline=FOREVER - 1, reason=INVALID)
    refused(sign(), owner=OTHER.address, reason=INVALID)


@pytest.mark.covers("P06")
def test_permit_reverts_when_owner_is_zero(refused):
    junk = (27, b"\x00" * 32, b"\x00" * 32)
    refused(junk, owner=ZERO, reason="ecdsa: invalid signature")


@pytest.mark.covers("P06")
def test_permit_reverts_when_the_signature_is_malleated(sign, refused):
    v, r, s = sign()
    high_s = (CURVE_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    refused((55 - v, r, high_s), reason="ecdsa: invalid signature `s` value")


def test_permit_reverts_when_s_is_above_half_the_order(sign, refused):
    v, r, _ = sign()
    half = CURVE_ORDER // 2
    refused((v, r, half.to_bytes(32, "big")), reason=INVALID)
    for s in (half + 1, CURVE_ORDER, FOREVER):
        high_s = s.to_bytes(32, "big")
        refused((v, r, high_s), reason="ecdsa: invalid signature `s` value")


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_permit_reverts_when_v_is_neither_27_nor_28(sign, refused, v):
    _, r, s = sign()
    refused((v, r, s), reason="ecdsa: invalid signature")


def test_a_refused_permit_uses_no_nonce(coin, sign, bob, refused):
    refused(sign(signer=OTHER), reason=INVALID)
    assert coin.nonces(OWNER.address) == 0
    coin.permit(OWNER.address, bob, 5 * WAD, FOREVER, *sign(), sender=bob)
    assert (coin.nonces(OWNER.address), coin.nonces(OTHER.address)) == (1, 0)


def test_permit_reverts_when_spender_is_zero(coin, sign, stranger, reverts_with):
    signature = sign(spender=ZERO)
    reverts_with(
        "erc20: approve to the zero address",
        coin.permit, OWNER.address, ZERO, 5 * WAD, FOREVER, *signature, sender=stranger,
    )  # fmt: skip


def test_permit__again_lowers_the_allowance(coin, sign, bob):
    coin.permit(OWNER.address, bob, 5 * WAD, FOREVER, *sign(), sender=bob)
    coin.permit(OWNER.address, bob, 0, FOREVER, *sign(nonce=1, value=0), sender=bob)
    assert (coin.allowance(OWNER.address, bob), coin.nonces(OWNER.address)) == (0, 2)


def test_a_signature_does_not_hold_on_a_fork(coin, chain, clock, domain, sign, bob, refused):
    """The domain follows the chain's id, it is no constant of the deployment."""
    signature, before = sign(), chain.chain_id
    clock.rpc("anvil_setChainId", 4_242)
    try:
        assert int(clock.rpc("eth_chainId"), 16) == 4_242
        assert bytes(coin.DOMAIN_SEPARATOR()) == hash_domain(domain | {"chainId": 4_242})
        assert coin.eip712Domain()[3] == 4_242
        refused(signature, reason=INVALID)
        there = sign(chainId=4_242)
        assert coin.permit.call(OWNER.address, bob, 5 * WAD, FOREVER, *there, sender=bob) is None
    finally:
        clock.rpc("anvil_setChainId", before)
    refused(there, reason=INVALID)


def test_domain(coin, domain):
    reported = coin.eip712Domain()
    assert tuple(reported)[1:5] == (
        domain["name"],
        domain["version"],
        domain["chainId"],
        domain["verifyingContract"],
    )
    assert bytes(reported[0]) == b"\x0f"
    assert bytes(coin.DOMAIN_SEPARATOR()) == hash_domain(domain)
