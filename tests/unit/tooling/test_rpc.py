# SPDX-License-Identifier: MIT
"""The JSON-RPC client against a node that breaks every rule of its protocol."""

from __future__ import annotations

import socket
import time

import pytest

from surety.chain import Rpc, RpcError, TransportError, as_revert, revert_reason
from tests.unit.tooling.conftest import FaultyNode, ok

pytestmark = pytest.mark.chaos

HTML = b"<html><body>502 Bad Gateway</body></html>"


def test_call__keeps_one_connection(faulty: FaultyNode) -> None:
    with Rpc(faulty.url) as rpc:
        assert [rpc.call("eth_blockNumber") for _ in range(5)] == ["0x1"] * 5
    assert faulty.requests == 5
    assert len(faulty.connections) == 1


def test_call_raises_rpc_error_when_node_refuses(faulty: FaultyNode) -> None:
    error = {"code": -32601, "message": "no such method", "data": {"x": 1}}
    faulty.answer = lambda body: {"jsonrpc": "2.0", "id": body["id"], "error": error}
    with Rpc(faulty.url) as rpc, pytest.raises(RpcError, match="no such method") as caught:
        rpc.call("eth_foo")
    assert (caught.value.code, caught.value.data) == (-32601, {"x": 1})


def test_call_raises_rpc_error_when_refusal_comes_with_status_400(faulty: FaultyNode) -> None:
    faulty.status = 400
    error = {"code": -32602, "message": "bad parameter"}
    faulty.answer = lambda body: {"jsonrpc": "2.0", "id": body["id"], "error": error}
    with Rpc(faulty.url) as rpc, pytest.raises(RpcError, match="bad parameter"):
        rpc.call("eth_foo")


@pytest.mark.parametrize("status", [301, 404, 429, 500, 502, 503])
def test_call_raises_transport_error_when_status_is_bad(faulty: FaultyNode, status: int) -> None:
    faulty.status = status
    faulty.headers = {"Retry-After": "3", "Location": "http://127.0.0.1:1/"}
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError, match=str(status)) as caught:
        rpc.call("eth_blockNumber")
    assert (caught.value.status, caught.value.retry_after) == (status, 3.0)
    assert faulty.requests == 1


@pytest.mark.parametrize(
    "body",
    [HTML, b"", b"{", b"null", b"[]", b"7", b'{"jsonrpc":"2.0","id":1,"result":NaN}', b"\xff\xfe"],
)
def test_call_raises_transport_error_when_body_is_no_answer(
    faulty: FaultyNode, body: bytes
) -> None:
    faulty.raw = body
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError):
        rpc.call("eth_blockNumber")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 99},
        {"id": None},
        {"id": "1"},
        {"id": True},
        {"jsonrpc": "1.0"},
        {"error": "text"},
        {"error": {"code": "x", "message": "y"}},
    ],
)
def test_call_raises_transport_error_when_answer_is_not_ours(
    faulty: FaultyNode, wrong: dict[str, object]
) -> None:
    faulty.answer = lambda body: {**ok(body), **wrong}
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError):
        rpc.call("eth_blockNumber")


def test_call_raises_transport_error_when_body_is_cut(faulty: FaultyNode) -> None:
    faulty.cut = 10
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError, match="broke off"):
        rpc.call("eth_blockNumber")


def test_call_raises_transport_error_when_body_drips(faulty: FaultyNode) -> None:
    faulty.drip = 0.05
    started = time.monotonic()
    with Rpc(faulty.url, timeout=0.3) as rpc, pytest.raises(TransportError, match=r"slow|stopped"):
        rpc.call("eth_blockNumber")
    assert time.monotonic() - started < 1.5


def test_call_raises_transport_error_when_nobody_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Rpc(url, timeout=0.2) as rpc, pytest.raises(TransportError, match="did not answer"):
            rpc.call("eth_blockNumber")
    with Rpc(url, timeout=0.2) as rpc, pytest.raises(TransportError, match="cannot be reached"):
        rpc.call("eth_blockNumber")


def test_call__works_again_after_a_failure(faulty: FaultyNode) -> None:
    with Rpc(faulty.url) as rpc:
        faulty.cut = 5
        with pytest.raises(TransportError):
            rpc.call("eth_blockNumber")
        faulty.cut = 0
        assert rpc.call("eth_blockNumber") == "0x1"


def test_errors__never_show_the_secret_in_the_address(faulty: FaultyNode) -> None:
    faulty.status = 500
    with Rpc(f"{faulty.url}/v3/secret-key") as rpc, pytest.raises(TransportError) as caught:
        rpc.call("eth_blockNumber")
    assert "secret" not in str(caught.value)


def test_batch__orders_results_by_call(faulty: FaultyNode) -> None:
    faulty.answer = lambda body: [ok(item, item["params"][0]) for item in reversed(body)]
    with Rpc(faulty.url, batch_size=3) as rpc:
        assert rpc.batch([("echo", [i]) for i in range(8)]) == list(range(8))
        assert rpc.batch([]) == []
    assert faulty.requests == 3


def test_batch__returns_errors_in_place_when_asked(faulty: FaultyNode) -> None:
    def answer(body):
        wrong = {"jsonrpc": "2.0", "id": body[1]["id"], "error": {"code": 3, "message": "no"}}
        return [ok(body[0]), wrong, ok(body[2])]

    faulty.answer = answer
    calls = [("a", []), ("b", []), ("c", [])]
    with Rpc(faulty.url) as rpc:
        first, second, third = rpc.batch(calls, return_errors=True)
        with pytest.raises(RpcError, match="no"):
            rpc.batch(calls)
    assert (first, third) == ("0x1", "0x1")
    assert isinstance(second, RpcError)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answers: answers[:-1],
        lambda answers: [*answers[:-1], answers[0]],
        lambda answers: [*answers, answers[0]],
        lambda answers: [{**answers[0], "id": 10**9}, *answers[1:]],
        lambda answers: answers[0],
        lambda answers: ["x", *answers[1:]],
    ],
    ids=["missing", "twice", "extra", "foreign", "single", "text"],
)
def test_batch_raises_transport_error_when_ids_do_not_match(faulty: FaultyNode, spoil) -> None:
    faulty.answer = lambda body: spoil([ok(item) for item in body])
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError):
        rpc.batch([("a", []), ("b", [])])


def test_batch_raises_rpc_error_when_node_refuses_all_of_it(faulty: FaultyNode) -> None:
    error = {"code": -32600, "message": "batch too large"}
    faulty.answer = lambda body: {"jsonrpc": "2.0", "id": None, "error": error}
    with Rpc(faulty.url) as rpc, pytest.raises(RpcError, match="batch too large"):
        rpc.batch([("a", []), ("b", [])])


@pytest.mark.parametrize("url", ["", "localhost:8545", "ftp://x", "http://", "ws://x", "http://["])
def test_rpc_refuses_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        Rpc(url)


def test_wait_for_receipt__survives_an_outage_and_ends(faulty: FaultyNode) -> None:
    faulty.status = 503
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError, match=r"no receipt.*503"):
        rpc.wait_for_receipt("0x" + "11" * 32, seconds=0.1)
    assert faulty.requests > 2


@pytest.mark.parametrize("answer", ["0x", "0xzz", 7, None, {"number": 1}])
def test_numbers_raise_transport_error_when_malformed(faulty: FaultyNode, answer: object) -> None:
    faulty.answer = lambda body: ok(body, answer)
    with Rpc(faulty.url) as rpc, pytest.raises(TransportError):
        rpc.block_number()


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_revert_reason__reads_every_kind() -> None:
    text = bytes.fromhex("08c379a0") + word(32) + word(6) + b"paused".ljust(32, b"\0")
    assert revert_reason(text) == "paused"
    assert revert_reason(text[:40]).startswith("malformed reason")
    assert (
        revert_reason(bytes.fromhex("4e487b71") + word(0x11)) == "panic 0x11: arithmetic overflow"
    )
    assert revert_reason(bytes.fromhex("4e487b71") + word(0x99)) == "panic 0x99: unknown"
    assert revert_reason(b"\x01\x02\x03\x04") == "custom error 0x01020304"
    assert revert_reason(b"") == ""


def test_as_revert__tells_reverts_from_other_errors() -> None:
    assert as_revert(RpcError(-32000, "nonce too low")) is None
    told = as_revert(RpcError(-32000, "execution reverted: below floor"))
    assert told is not None
    assert told.reason == "below floor"
    bare = as_revert(RpcError(3, "execution reverted", "0x"))
    assert bare is not None
    assert bare.reason == ""
