# SPDX-License-Identifier: MIT
"""Operators by signature: good once, for one owner, one vault and one chain, until a deadline."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data, hash_domain

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, checksum, deploy_contract
from surety.compile import artifact
from tests.world import GENESIS, MAX, reverts

OWNER = Account.from_key("0x" + "a1" * 32)
OTHER = Account.from_key("0x" + "b2" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ZERO = "0x" + "00" * 20
OPERATOR = checksum("0x" + "0f" * 20)
CHAIN = 31_337
VAULT = checksum("0x" + "7a" * 20)
FIELDS = (
    "address vault",
    "address owner",
    "address operator",
    "uint256 bits",
    "uint256 nonce",
    "uint256 deadline",
)


class Book:
    """The list of operators, and the signatures it may be given."""

    def __init__(self, rpc):
        self.rpc = rpc
        self.accounts = rpc.call("eth_accounts")
        self.sender = UnlockedSender(rpc, self.accounts[0])
        self.bringer = self.accounts[1]
        self.contract = self.deploy("Operators")
        self.address = self.contract.address

    def deploy(self, name, *args):
        item = artifact(name)
        return self.at(name, deploy_contract(self.sender, item, *args))

    def at(self, name, address):
        return Contract(self.rpc, address, artifact(name).abi)

    def domain(self, **other):
        return {
            "name": "Surety Operators",
            "version": "1",
            "chainId": CHAIN,
            "verifyingContract": self.address,
        } | other

    def sign(
        self,
        bits=1,
        *,
        signer=OWNER,
        vault=VAULT,
        owner=OWNER.address,
        nonce=0,
        deadline=MAX,
        fields=FIELDS,
        **other,
    ) -> bytes:
        message = {
            "vault": vault,
            "owner": owner,
            "operator": OPERATOR,
            "bits": bits,
            "nonce": nonce,
            "deadline": deadline,
        }
        types = {
            "SetOperator": [
                dict(zip(("type", "name"), field.split(), strict=True)) for field in fields
            ]
        }
        typed = encode_typed_data(self.domain(**other), types, message)
        return bytes(signer.sign_message(typed).signature)

    def bring(
        self,
        signature,
        bits=1,
        *,
        vault=VAULT,
        owner=OWNER.address,
        operator=OPERATOR,
        deadline=MAX,
    ):
        return self.contract.transact(
            "set_operator_by_signature",
            vault,
            owner,
            operator,
            bits,
            deadline,
            signature,
            sender=self.bringer,
        )

    def refuse(self, signature, *args, reason="bad signature", **fields):
        owner = fields.get("owner", OWNER.address)
        before = self.state(owner)
        with reverts(reason):
            self.bring(signature, *args, **fields)
        assert self.state(owner) == before

    def state(self, owner=OWNER.address, vault=VAULT):
        epoch = self.contract.read("epoch", owner)
        bits = self.contract.read("operator", vault, owner, epoch, OPERATOR)
        return bits, self.contract.read("nonces", owner), epoch

    def may_act(self, sub, owner=OWNER.address, vault=VAULT):
        """Tell whether the operator passes the check for one sub-account."""
        return self.contract.read("is_authorised", vault, owner, sub, OPERATOR)

    def as_owner(self, method, *args):
        """Let OWNER, whose key the node does not hold, call the contract."""
        self.rpc.call("anvil_impersonateAccount", OWNER.address)
        self.rpc.call("anvil_setBalance", OWNER.address, hex(10**18))
        return self.contract.transact(method, *args, sender=OWNER.address)


@pytest.fixture(scope="module")
def base_book():
    with Anvil(timestamp=GENESIS, block_interval=1) as node:
        yield Book(Rpc(node.url))


@pytest.fixture
def book(base_book):
    mark = base_book.rpc.call("evm_snapshot")
    yield base_book
    base_book.rpc.call("evm_revert", mark)


@pytest.fixture
def wallet(book):
    """A contract that owns accounts and is signed for by OWNER's key."""
    return book.deploy("MockWallet", OWNER.address)


def test_domain(book):
    assert bytes(book.contract.read("DOMAIN_SEPARATOR")) == hash_domain(book.domain())


@pytest.mark.parametrize(
    ("bits", "allowed"),
    [(1, {0}), (1 << 255, {255}), (0b10 | 1 << 128, {1, 128}), (MAX, {0, 1, 128, 255}), (0, set())],
)
def test_set_operator_by_signature(book, bits, allowed):
    receipt = book.bring(book.sign(bits), bits)
    (event,) = book.contract.events(receipt)
    assert (event.name, event.args) == (
        "OperatorSet",
        {"vault": VAULT, "owner": OWNER.address, "operator": OPERATOR, "bits": bits},
    )
    assert book.state() == (bits, 1, 0)
    assert {sub for sub in (0, 1, 128, 255) if book.may_act(sub)} == allowed
    assert not book.may_act(0, OTHER.address)


def test_it_replaces_and_revokes(book):
    book.as_owner("set_operator", VAULT, OPERATOR, MAX)
    book.bring(book.sign(6), 6)
    assert book.state() == (6, 1, 0)
    book.bring(book.sign(0, nonce=1), 0)
    assert book.state() == (0, 2, 0)


@pytest.mark.covers("I60")
def test_it_reverts_when_replayed(book):
    signature = book.sign()
    book.bring(signature)
    book.refuse(signature)
    book.as_owner("set_operator", VAULT, OPERATOR, 0)
    book.refuse(signature)
    assert book.state() == (0, 1, 0)


@pytest.mark.covers("I60")
def test_it_reverts_after_a_lockdown(book):
    unused = book.sign()
    book.bring(unused)
    unused, ahead = book.sign(nonce=1), book.sign(nonce=2)
    book.as_owner("lockdown")
    assert book.state() == (0, 1 << 128, 1)
    book.refuse(unused)
    book.refuse(ahead)
    book.bring(book.sign(nonce=1 << 128))
    assert book.state() == (1, (1 << 128) + 1, 1)
    book.refuse(ahead)


@pytest.mark.covers("P07", "I60")
@pytest.mark.parametrize("nonce", [1, 2, MAX])
def test_it_reverts_when_the_nonce_is_another(book, nonce):
    book.refuse(book.sign(nonce=nonce))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"chainId": 1}, id="chain"),
        pytest.param({"verifyingContract": OTHER.address}, id="contract"),
        pytest.param({"version": "2"}, id="version"),
        pytest.param({"name": "Surety Vault"}, id="name"),
    ],
)
def test_it_reverts_when_signed_for_another_domain(book, other):
    book.refuse(book.sign(**other))


def test_it_is_good_for_one_vault(book):
    other = checksum("0x" + "7b" * 20)
    signature = book.sign()
    before = book.state(vault=other)
    with reverts("bad signature"):
        book.bring(signature, vault=other)
    assert book.state(vault=other) == before == (0, 0, 0)
    book.bring(signature)
    assert (book.state(), book.state(vault=other)) == ((1, 1, 0), (0, 1, 0))
    assert (book.may_act(0), book.may_act(0, vault=other)) == (True, False)
    # one nonce for all vaults: what was signed for another one with this nonce is spent too
    with reverts("bad signature"):
        book.bring(book.sign(vault=other), vault=other)
    book.bring(book.sign(vault=other, nonce=1), vault=other)
    assert (book.state(), book.state(vault=other)) == ((1, 2, 0), (1, 2, 0))


@pytest.mark.parametrize("fields", [FIELDS[1:], (FIELDS[1], FIELDS[0], *FIELDS[2:])])
def test_it_reverts_when_the_vault_was_not_signed_first(book, fields):
    book.refuse(book.sign(fields=fields))


def test_one_lockdown_drops_operators_and_signatures_of_every_vault(book):
    other = checksum("0x" + "7b" * 20)
    for vault in (VAULT, other):
        book.as_owner("set_operator", vault, OPERATOR, MAX)
    unused = book.sign(vault=other)
    assert book.may_act(0)
    assert book.may_act(0, vault=other)
    book.as_owner("lockdown")
    assert not book.may_act(0)
    assert not book.may_act(0, vault=other)
    with reverts("bad signature"):
        book.bring(unused, vault=other)
    assert book.state(vault=other) == (0, 1 << 128, 1)


@pytest.mark.covers("I60")
def test_it_follows_the_chain_id(book):
    old = book.sign()
    usual = book.bringer
    book.bringer = checksum("0x" + "b1" * 20)  # the node's own keys sign for its first chain id
    book.rpc.call("anvil_impersonateAccount", book.bringer)
    book.rpc.call("anvil_setBalance", book.bringer, hex(10**18))
    book.rpc.call("anvil_setChainId", 99)
    try:
        separator = bytes(book.contract.read("DOMAIN_SEPARATOR"))
        assert separator == hash_domain(book.domain(chainId=99))
        book.refuse(old)
        book.bring(book.sign(chainId=99))
        assert book.state() == (1, 1, 0)
    finally:
        book.rpc.call("anvil_setChainId", CHAIN)
        book.bringer = usual


def test_it_reverts_when_expired(book):
    deadline = GENESIS + 10_000
    signature = book.sign(deadline=deadline)
    book.rpc.call("evm_setNextBlockTimestamp", deadline + 1)
    book.rpc.call("evm_mine")
    book.refuse(signature, deadline=deadline, reason="signature expired")
    book.refuse(signature, deadline=0, reason="signature expired")


def test_it_is_good_at_its_deadline(book):
    deadline = GENESIS + 10_000
    signature = book.sign(deadline=deadline)
    book.rpc.call("evm_setNextBlockTimestamp", deadline)
    receipt = book.bring(signature, deadline=deadline)
    block = book.rpc.call("eth_getBlockByNumber", "latest", False)
    assert int(block["timestamp"], 16) == deadline
    assert len(book.contract.events(receipt)) == 1


def test_it_reverts_when_signed_by_another(book):
    book.refuse(book.sign(signer=OTHER))


def test_it_reverts_when_a_field_was_changed(book):
    signature = book.sign(deadline=MAX)
    book.refuse(signature, 3)
    book.refuse(signature, deadline=MAX - 1)
    book.refuse(signature, operator="0x" + "1f" * 20)
    book.refuse(signature, owner=OTHER.address)
    book.bring(signature)
    assert book.state() == (1, 1, 0)


def test_it_reverts_when_s_is_high(book):
    signature = book.sign()
    s = int.from_bytes(signature[32:64], "big")
    book.refuse(signature[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - signature[64]]))


@pytest.mark.parametrize("v", [0, 1, 26, 29, 59, 60, 91, 92, 155, 156, 255])
def test_it_reverts_when_v_is_neither_27_nor_28(book, v):
    book.refuse(book.sign()[:64] + bytes([v]))


def test_v_is_27_and_28_in_turn(book):
    """Both parities are met and only the right one is good."""
    seen = set()
    for nonce in range(12):
        signature = book.sign(nonce=nonce)
        seen.add(signature[64])
        book.refuse(signature[:64] + bytes([55 - signature[64]]))
        book.bring(signature)
    assert seen == {27, 28}


def test_it_reverts_when_the_length_is_another(book):
    signature = book.sign()
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64] - 27
    compact = r + (s | v << 255).to_bytes(32, "big")  # EIP-2098
    for other in (b"", signature[:64], compact, signature + b"\x00", b"\x00" + signature):
        book.refuse(other)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 65, b"\x00" * 64 + b"\x1b", b"\xff" * 65])
def test_it_reverts_when_owner_is_zero(book, signature):
    book.refuse(signature, owner=ZERO)


@pytest.mark.parametrize("number", range(1, 18))
def test_a_precompile_owns_nothing(book, number):
    book.refuse(b"\x00" * 65, owner=f"0x{number:040x}")


# EIP-1271


@pytest.mark.covers("P07")
def test_a_wallet_is_asked(book, wallet):
    receipt = book.bring(book.sign(9, owner=wallet.address), 9, owner=wallet.address)
    assert [event.args["bits"] for event in book.contract.events(receipt)] == [9]
    assert book.state(wallet.address) == (9, 1, 0)
    assert book.state() == (0, 0, 0)
    assert [sub for sub in range(6) if book.may_act(sub, wallet.address)] == [0, 3]
    book.refuse(book.sign(9, owner=wallet.address), 9, owner=wallet.address)


def test_a_wallet_reverts_when_signed_by_another(book, wallet):
    book.refuse(book.sign(owner=wallet.address, signer=OTHER), owner=wallet.address)


@pytest.mark.parametrize("length", [66, 96, 1024])
def test_a_wallet_may_take_other_signatures_than_65_bytes(book, wallet, length):
    signature = book.sign(owner=wallet.address).ljust(length, b"\x5a")
    book.bring(signature, owner=wallet.address)
    assert book.state(wallet.address) == (1, 1, 0)


@pytest.mark.covers("P07")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(1, id="another word"),
        pytest.param(2, id="a revert with the right word"),
        pytest.param(3, id="all gas burned"),
        pytest.param(5, id="four bytes"),
        pytest.param(6, id="dirt after four bytes"),
        pytest.param(7, id="nothing"),
        pytest.param(8, id="the right word second"),
        pytest.param(9, id="a write"),
    ],
)
def test_a_wallet_is_not_believed(book, wallet, answer):
    wallet.transact("set_answer", answer, sender=book.accounts[0])
    book.refuse(book.sign(owner=wallet.address), owner=wallet.address)
    wallet.transact("set_answer", 0, sender=book.accounts[0])
    book.bring(book.sign(owner=wallet.address), owner=wallet.address)
    assert book.state(wallet.address) == (1, 1, 0)


@pytest.mark.parametrize("answer", [4, 10])
def test_a_wallets_longer_answer_counts_by_its_first_word(book, wallet, answer):
    wallet.transact("set_answer", answer, sender=book.accounts[0])
    book.bring(book.sign(owner=wallet.address), owner=wallet.address)
    assert book.state(wallet.address) == (1, 1, 0)


def test_a_contract_without_eip_1271_reverts(book):
    book.refuse(book.sign(owner=book.address), owner=book.address)


# EIP-7702: an account with a key and code


def delegate(book, wallet):
    code = "0xef0100" + wallet.address.removeprefix("0x")
    book.rpc.call("anvil_setCode", OTHER.address, code)


@pytest.mark.covers("P07")
def test_a_delegating_account_signs_with_its_key(book, wallet):
    delegate(book, wallet)
    wallet.transact("set_answer", 3, sender=book.accounts[0])
    book.bring(book.sign(signer=OTHER, owner=OTHER.address), owner=OTHER.address)
    assert book.state(OTHER.address) == (1, 1, 0)


@pytest.mark.covers("P07")
def test_a_delegating_account_is_asked_when_its_key_did_not_sign(book, wallet):
    signature = book.sign(signer=OWNER, owner=OTHER.address)
    book.refuse(signature, owner=OTHER.address)
    delegate(book, wallet)
    book.bring(signature, owner=OTHER.address)
    assert book.state(OTHER.address) == (1, 1, 0)
    assert book.state() == (0, 0, 0)
