# SPDX-License-Identifier: MIT
"""Typed calls, senders and receipts on a real Anvil."""

from __future__ import annotations

import json

import pytest
from eth_abi.abi import decode as reference_decode
from eth_abi.abi import encode as reference_encode
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st
from rlp.exceptions import SerializationError

from surety.anvil import Anvil
from surety.chain import (
    Codec,
    Contract,
    DecodeError,
    Interface,
    KeySender,
    Receipt,
    Reverted,
    Rpc,
    RpcError,
    TransportError,
    UnlockedSender,
    checksum,
    deploy_contract,
    topic,
)
from surety.compile import artifact

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
ZERO = "0x" + "00" * 20


def test_read__decodes_text_and_numbers(token: Contract) -> None:
    assert token.read("name") == "Token"
    assert token.read("decimals") == 6
    assert token.read("balanceOf", token.address) == 0


def test_transact__returns_receipt_and_event(token: Contract, users: list[str]) -> None:
    receipt = token.transact("mint", users[1], 10**18, sender=users[0])
    assert isinstance(receipt, Receipt)
    assert receipt.status == 1
    assert receipt.block == token.rpc.block_number()
    assert 21_000 < receipt.gas_used < 100_000
    assert receipt.gas_price > 0
    (event,) = token.events(receipt)
    assert event.name == "Transfer"
    assert event.args == {"sender": ZERO, "receiver": checksum(users[1]), "value": 10**18}
    assert (event.address, event.block, event.tx) == (token.address, receipt.block, receipt.hash)
    assert event.log_index == 0


def test_events__skip_other_contracts(token: Contract, raw: Rpc, users: list[str]) -> None:
    other = deploy_contract(UnlockedSender(raw, users[0]), artifact("MockToken"), "A", "B", 18)
    receipt = token.transact("mint", users[1], 1, sender=users[0])
    assert Contract(raw, other, artifact("MockToken").abi).events(receipt) == []
    assert len(token.events(list(receipt.logs))) == 1


def test_read__at_an_older_block(token: Contract, users: list[str]) -> None:
    before = token.rpc.block_number()
    token.transact("mint", users[1], 5, sender=users[0])
    assert token.read("balanceOf", users[1], block=before) == 0
    assert token.read("balanceOf", users[1]) == 5


def test_batch_of_requests__decodes_like_read(token: Contract, users: list[str]) -> None:
    token.transact("mint", users[2], 77, sender=users[0])
    answers = token.rpc.batch([token.request("balanceOf", user) for user in users])
    balances = [token.decode("balanceOf", answer) for answer in answers]
    assert balances == [token.read("balanceOf", user) for user in users]
    assert balances[2] == 77


def test_read_reverts_when_contract_says_why(raw: Rpc, token: Contract, users: list[str]) -> None:
    compiled = artifact("MockMarket")
    place = deploy_contract(UnlockedSender(raw, users[0]), compiled, token.address, 100)
    market = Contract(raw, place, compiled.abi)
    with pytest.raises(Reverted) as read:
        market.read("sell", token.address, 1, 1, users[0])
    with pytest.raises(Reverted) as sent:
        market.transact("sell", token.address, 1, 1, users[0], sender=users[0])
    assert read.value.reason == sent.value.reason == "no feed"
    assert read.value.receipt is None
    assert sent.value.receipt is not None
    assert sent.value.receipt.status == 0


def test_transact_reverts_when_there_is_no_reason(token: Contract, users: list[str]) -> None:
    with pytest.raises(Reverted) as caught:
        token.transact("burn", users[3], 1, sender=users[0])
    assert caught.value.reason == ""


def test_transact_reverts_when_gas_runs_out(token: Contract, users: list[str]) -> None:
    with pytest.raises(Reverted, match="out of gas") as caught:
        token.transact("mint", users[3], 1, sender=users[0], gas=25_000)
    assert caught.value.receipt is not None
    assert caught.value.receipt.gas_used == 25_000


def test_deploy_reverts_when_constructor_does(raw: Rpc, users: list[str]) -> None:
    with pytest.raises(Reverted):
        deploy_contract(UnlockedSender(raw, users[0]), artifact("MockMarket"), ZERO, 10_000)


def test_read__raises_decode_error_when_there_is_no_code(token: Contract, users: list[str]) -> None:
    nobody = Contract(token.rpc, users[5], token.interface)
    with pytest.raises(DecodeError, match=r"decimals\(\).*0 bytes"):
        nobody.read("decimals")


def test_key_sender__signs_pays_and_counts(token: Contract, raw: Rpc) -> None:
    account = Account.create()
    raw.set_balance(account.address, 10**18)
    sender = KeySender(raw, account)
    first = token.transact("mint", account.address, 3, sender=sender)
    second = token.transact("mint", account.address, 4, sender=sender)
    assert token.read("balanceOf", account.address) == 7
    paid = first.gas_used * first.gas_price + second.gas_used * second.gas_price
    assert raw.balance(account.address) == 10**18 - paid
    place = deploy_contract(sender, artifact("MockToken"), "A", "B", 18)
    assert len(raw.code(place)) == artifact("MockToken").runtime_size


def test_key_sender__finds_a_revert_before_it_pays(token: Contract, raw: Rpc) -> None:
    account = Account.create()
    raw.set_balance(account.address, 10**18)
    sender = KeySender(raw, account)
    with pytest.raises(Reverted):
        token.transact("transfer", ZERO, 1, sender=sender)
    assert raw.balance(account.address) == 10**18
    with pytest.raises(Reverted) as caught:
        token.transact("transfer", ZERO, 1, sender=sender, gas=100_000)
    assert caught.value.receipt is not None
    assert raw.call("eth_getTransactionCount", account.address, "pending") == "0x1"


def test_key_sender__loses_no_nonce_when_it_cannot_sign(token: Contract, raw: Rpc) -> None:
    account = Account.create()
    raw.set_balance(account.address, 10**18)
    sender = KeySender(raw, account)
    with pytest.raises(SerializationError):
        sender.send(token.address, b"", value=-1, gas=50_000)
    receipt = token.transact("mint", account.address, 3, sender=sender)
    assert receipt.status == 1
    assert raw.call("eth_getTransactionCount", account.address, "latest") == "0x1"


def test_transact__from_an_impersonated_address(token: Contract, raw: Rpc) -> None:
    owner = "0x" + "ab" * 20
    raw.set_balance(owner, 10**18)
    with pytest.raises(RpcError):
        token.transact("mint", owner, 1, sender=owner)
    raw.impersonate(owner)
    assert token.transact("mint", owner, 1, sender=owner).status == 1


def test_time__is_what_it_is_set_to(raw: Rpc) -> None:
    start = raw.timestamp()
    raw.mine()
    assert raw.timestamp() == start + 12
    raw.set_next_timestamp(start + 1_000)
    raw.mine(3)
    assert raw.timestamp() == start + 1_000 + 2 * 12
    snapshot = raw.snapshot()
    height = raw.block_number()
    raw.mine(2)
    raw.revert(snapshot)
    assert raw.block_number() == height
    with pytest.raises(TransportError, match="knows no snapshot"):
        raw.revert(snapshot)


def test_receipt__is_none_for_an_unknown_transaction(raw: Rpc) -> None:
    assert raw.receipt("0x" + "00" * 32) is None
    with pytest.raises(TransportError, match="no receipt"):
        raw.wait_for_receipt("0x" + "00" * 32, seconds=0.05)


def test_topic__is_the_event_signature_hash() -> None:
    entries = [e for e in artifact("MockToken").abi if e["type"] == "event"]
    assert TRANSFER in {topic(entry) for entry in entries}


def test_encode__names_the_function_that_a_value_does_not_fit(token: Contract) -> None:
    for bad in (-1, 2**256, True, "1", 1.0):
        with pytest.raises(ValueError, match=r"mint\(address,uint256\)"):
            token.encode("mint", ZERO, bad)
    with pytest.raises(ValueError, match="not an address"):
        token.encode("mint", "0x12", 1)
    with pytest.raises(ValueError, match=r"no function mint with 1 arguments; it takes \[2\]"):
        token.encode("mint", ZERO)
    with pytest.raises(ValueError, match="no function nothing"):
        token.decode("nothing", b"")


def test_interface__is_prepared_once_for_an_abi() -> None:
    abi = artifact("MockToken").abi
    assert Interface.of(abi) is Interface.of(abi)
    assert Interface.of(json.loads(json.dumps(abi))) is not Interface.of(abi)


WORDS = {
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
    "int128": st.integers(-(2**127), 2**127 - 1),
    "bool": st.booleans(),
    "bytes32": st.binary(min_size=32, max_size=32),
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: checksum("0x" + raw.hex())),
}
OTHERS = {
    "string": st.text(max_size=40),
    "bytes": st.binary(max_size=70),
    "uint256[]": st.lists(WORDS["uint256"], max_size=5),
    "address[]": st.lists(WORDS["address"], max_size=3),
    "(uint256,address)": st.tuples(WORDS["uint256"], WORDS["address"]),
    "uint256[2]": st.tuples(WORDS["uint256"], WORDS["uint256"]),
}
ALL = {**WORDS, **OTHERS}


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[tuple[str, ...], tuple[object, ...]]:
    kinds = tuple(draw(st.lists(st.sampled_from(sorted(ALL)), max_size=4)))
    return kinds, tuple(draw(ALL[kind]) for kind in kinds)


def lowered(value: object) -> object:
    """Spell addresses as eth_abi does and lists as tuples."""
    if isinstance(value, str) and value.startswith("0x") and len(value) == 42:
        return value.lower()
    if isinstance(value, list | tuple):
        return tuple(lowered(item) for item in value)
    return value


@settings(max_examples=150)
@given(typed_values())
def test_codec__agrees_with_eth_abi(case: tuple[tuple[str, ...], tuple[object, ...]]) -> None:
    kinds, values = case
    codec = Codec(kinds)
    data = codec.encode(values)
    assert data == reference_encode(kinds, values)
    decoded = codec.decode(data)
    assert lowered(decoded) == lowered(reference_decode(kinds, data))
    assert lowered(decoded) == lowered(values)
    if data:
        with pytest.raises(DecodeError):
            codec.decode(data[: len(data) // 64 * 32])


@pytest.mark.parametrize(
    ("kind", "word"),
    [("uint8", 256), ("bool", 2), ("address", 2**160), ("int128", 2**127), ("uint256[]", 2**200)],
)
def test_codec_refuses_a_word_that_does_not_fit(kind: str, word: int) -> None:
    with pytest.raises(DecodeError):
        Codec((kind,)).decode(word.to_bytes(32, "big"))


def test_codec_refuses_a_list_that_is_cut() -> None:
    data = reference_encode(("uint256[]",), ([1, 2, 3],))
    for size in (0, 31, 32, 63, 64, 96, 159):
        with pytest.raises(DecodeError):
            Codec(("uint256[]",)).decode(data[:size])


class Forgetful(Rpc):
    """A node that does not mine what it is sent, and says that it does."""

    says = True

    def call(self, method: str, *params: object) -> object:
        if method == "anvil_getAutomine":
            return self.says
        return super().call(method, *params)


@pytest.mark.parametrize("says", [True, False])
def test_a_transaction_that_an_anvil_forgot_is_mined(monkeypatch, says: bool) -> None:
    """foundry-rs/foundry#10122; a node that mines by order is left alone."""
    monkeypatch.setattr("surety.chain.MISSED_SECONDS", 0.2)
    monkeypatch.setattr("surety.chain.RECEIPT_SECONDS", 0.5)
    with Anvil() as node, Forgetful(node.url) as rpc:
        rpc.says = says
        rpc.call("evm_setAutomine", False)
        payer, payee = rpc.call("eth_accounts")[:2]
        sender = UnlockedSender(rpc, payer)
        if not says:
            with pytest.raises(TransportError, match="no receipt"):
                sender.send(payee, b"", 1)
            assert rpc.block_number() == 0
            return
        assert sender.send(payee, b"", 1).status == 1
        assert rpc.block_number() == 1


class Slow(Rpc):
    """A node whose pool still holds what it has mined, for some questions more."""

    automines = True
    left = 3

    def call(self, method: str, *params: object) -> object:
        if method == "txpool_status":
            self.left -= 1
            return {"pending": hex(max(self.left, 0)), "queued": "0x0"}
        if method == "anvil_getAutomine":
            return self.automines
        if method == "evm_revert":
            assert self.left <= 0 or not self.automines
        return super().call(method, *params)


@pytest.mark.parametrize("automines", [True, False])
def test_a_revert_waits_until_what_was_mined_has_left_the_pool(automines: bool) -> None:
    """A transaction after a hasty revert was dropped, or the undone one was mined again.

    What waits in the pool of a node that mines by order is meant to wait there.
    """
    with Anvil() as node, Slow(node.url) as rpc:
        rpc.automines = automines
        payer, payee = rpc.call("eth_accounts")[:2]
        taken, before = rpc.snapshot(), rpc.balance(payee)
        UnlockedSender(rpc, payer).send(payee, b"", 1)
        rpc.revert(taken)
        assert rpc.balance(payee) == before
        assert rpc.left == (0 if automines else 2)
