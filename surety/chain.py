# SPDX-License-Identifier: MIT
"""Talk to an Ethereum node: a strict JSON-RPC client, fast typed calls, senders and receipts.

Addresses that leave this module are checksummed; balances and gas prices are in wei, times in
seconds.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self, TypeAlias

import urllib3
from eth_abi.decoding import AddressDecoder, ContextFramesBytesIO, TupleDecoder
from eth_abi.encoding import TupleEncoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import BaseEquals, registry
from eth_account.signers.local import LocalAccount
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

Abi: TypeAlias = Sequence[Mapping[str, Any]]
Block: TypeAlias = int | str

DEFAULT_TIMEOUT = 15.0
DEFAULT_GAS = 5_000_000
DEPLOY_GAS = 15_000_000
RECEIPT_SECONDS = 60.0
POOL_SECONDS = 5.0  # for transactions that are mined already to leave a pool
MISSED_SECONDS = 10.0  # a transaction that is mined at once takes milliseconds
MAX_BODY = 256 * 2**20
PRIORITY_FEE = 10**9
_WORD = 32

_PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "bad enum value",
    0x32: "index out of bounds",
}


class ChainError(Exception):
    """The root of every error of this module."""


class RpcError(ChainError):
    """The node answered with a JSON-RPC error object: it understood the request and refused it."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class TransportError(ChainError):
    """No trustworthy answer came, so the outcome is unknown: the request may have taken effect.

    `status` is the HTTP status where there was one, `retry_after` the seconds the node asked for.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Reverted(ChainError):
    """A call or transaction was executed and reverted; `reason` is "" when none was given."""

    def __init__(self, reason: str, data: bytes = b"", receipt: Receipt | None = None) -> None:
        super().__init__(reason or "reverted without a reason")
        self.reason = reason
        self.data = data
        self.receipt = receipt


class DecodeError(ChainError):
    """The returned bytes are not what the ABI promises; an address without code returns none."""


@lru_cache(maxsize=2**16)
def _checksum(raw: bytes) -> str:
    return str(to_checksum_address(raw))


def checksum(address: str) -> str:
    """Return the checksummed form of a hex address; raises ValueError when it is not one."""
    if not is_address(address):
        raise ValueError(f"not an address: {address!r}")
    return _checksum(bytes.fromhex(address[2:]))


def _hex_bytes(value: Any) -> bytes:
    """Read 0x-prefixed data of an answer."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise TransportError(f"the node sent no hex data: {value!r:.80}")
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        raise TransportError(f"the node sent broken hex data: {value!r:.80}") from None


def _quantity(value: Any) -> int:
    """Read a 0x-prefixed number of an answer."""
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return int(value, 16)
    except ValueError:
        pass
    raise TransportError(f"the node sent no number: {value!r:.80}")


def _block_tag(block: Block) -> str:
    return hex(block) if isinstance(block, int) else block


def revert_reason(data: bytes) -> str:
    """Decode revert data: Error(string), a named panic, a custom error's data, or ""."""
    if data[:4] == bytes.fromhex("08c379a0"):
        try:
            return str(Codec(("string",)).decode(data[4:])[0])
        except DecodeError:
            return f"malformed reason 0x{data.hex()}"
    if data[:4] == bytes.fromhex("4e487b71") and len(data) == 36:
        code = int.from_bytes(data[4:], "big")
        return f"panic 0x{code:02x}: {_PANICS.get(code, 'unknown')}"
    return f"custom error 0x{data.hex()}" if data else ""


def as_revert(error: RpcError) -> Reverted | None:
    """Return the revert that a node's error object describes, or None for another error."""
    if error.code != 3 and "revert" not in error.message.lower():
        return None
    data = error.data.get("data") if isinstance(error.data, dict) else error.data
    raw = b""
    if isinstance(data, str) and data.startswith("0x"):
        try:
            raw = bytes.fromhex(data[2:])
        except ValueError:
            raw = b""
    reason = revert_reason(raw)
    _, told, text = error.message.partition("reverted: ")
    return Reverted(reason if reason or not told else text, raw)


class Rpc:
    """One JSON-RPC endpoint over HTTP with kept-alive connections; safe to share between threads.

    Every answer is checked (status, JSON, version, id). A JSON-RPC error raises RpcError; anything
    that leaves the outcome unknown raises TransportError. Nothing is retried here.
    `timeout` is the whole time one request may take, in seconds; `batch_size` the most calls in
    one HTTP request.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        batch_size: int = 2_000,
        connections: int = 4,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        try:
            parsed = urllib3.util.parse_url(url)
        except urllib3.exceptions.LocationParseError:
            parsed = None
        if parsed is None or parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("an RPC address starts with http:// or https:// and names a host")
        if batch_size < 1:
            raise ValueError("batch_size must be at least 1")
        self.url = url
        self.timeout = timeout
        self.batch_size = batch_size
        self.place = parsed.host + (f":{parsed.port}" if parsed.port else "")
        self._path = parsed.request_uri
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            **(urllib3.make_headers(basic_auth=parsed.auth) if parsed.auth else {}),
            **(headers or {}),
        }
        pool = (
            urllib3.HTTPSConnectionPool if parsed.scheme == "https" else urllib3.HTTPConnectionPool
        )
        self._pool = pool(parsed.host, parsed.port, maxsize=connections)
        self._ids = itertools.count(1)
        self._chain_id: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    def call(self, method: str, *params: Any) -> Any:
        """Make one call and return its result; raises RpcError or TransportError."""
        number = next(self._ids)
        answer = self._exchange(_request(number, method, params))
        outcome = self._outcome(answer, number)
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    def batch(
        self, calls: Iterable[tuple[str, Sequence[Any]]], *, return_errors: bool = False
    ) -> list[Any]:
        """Make many calls in few requests and return their results in their order.

        Raises the first RpcError, unless `return_errors` puts each in its place in the list.
        """
        todo = list(calls)
        results: list[Any] = []
        for start in range(0, len(todo), self.batch_size):
            results += self._batch(todo[start : start + self.batch_size])
        if not return_errors:
            for result in results:
                if isinstance(result, RpcError):
                    raise result
        return results

    def _batch(self, calls: list[tuple[str, Sequence[Any]]]) -> list[Any]:
        numbers = [next(self._ids) for _ in calls]
        answers = self._exchange(
            [
                _request(number, method, params)
                for number, (method, params) in zip(numbers, calls, strict=True)
            ]
        )
        if isinstance(answers, dict) and isinstance(answers.get("error"), dict):
            raise _error_object(answers["error"], self.place)
        if not isinstance(answers, list) or len(answers) != len(calls):
            raise TransportError(f"{self.place} answered a batch with something else")
        by_number = {
            answer["id"]: answer
            for answer in answers
            if isinstance(answer, dict) and type(answer.get("id")) is int
        }
        if by_number.keys() != set(numbers):
            raise TransportError(f"{self.place} answered a batch with wrong ids")
        return [self._outcome(by_number[number], number) for number in numbers]

    def _outcome(self, answer: Any, number: int) -> Any:
        """Return the result or the RpcError of one answer after checking that it is ours."""
        if not isinstance(answer, dict) or answer.get("jsonrpc") != "2.0":
            raise TransportError(f"{self.place} did not answer with JSON-RPC 2.0")
        error = answer.get("error")
        told = answer.get("id")
        if type(told) is not int or told != number:
            raise TransportError(f"{self.place} answered another request (id {told!r:.40})")
        if error is not None:
            return _error_object(error, self.place)
        if "result" not in answer:
            raise TransportError(f"{self.place} answered with neither result nor error")
        return answer["result"]

    def _exchange(self, body: Any) -> Any:
        """Send one HTTP request and return the parsed JSON of its answer."""
        deadline = time.monotonic() + self.timeout
        try:
            response = self._pool.urlopen(
                "POST",
                self._path,
                body=json.dumps(body, separators=(",", ":")).encode(),
                headers=self._headers,
                timeout=urllib3.Timeout(total=self.timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.NewConnectionError as error:
            reason = _cause(error.__context__ or error)
            raise TransportError(f"{self.place} cannot be reached: {reason}") from error
        except urllib3.exceptions.TimeoutError as error:
            raise TransportError(
                f"{self.place} did not answer in {self.timeout:g} seconds"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(f"{self.place} cannot be reached: {_cause(error)}") from error
        try:
            raw = _read_all(response, deadline, self.place)
            response.release_conn()
        except BaseException:
            response.close()
            raise
        try:
            parsed = json.loads(raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            parsed = None
        status = response.status
        if status != 200 and not (400 <= status < 500 and status != 429 and _is_refusal(parsed)):
            raise TransportError(
                f"{self.place} answered with HTTP status {status}",
                status=status,
                retry_after=_retry_after(response.headers.get("Retry-After")),
            )
        if parsed is None:
            raise TransportError(f"{self.place} did not answer with JSON", status=status)
        return parsed

    @property
    def chain_id(self) -> int:
        """The chain's id, asked for once."""
        if self._chain_id is None:
            self._chain_id = _quantity(self.call("eth_chainId"))
        return self._chain_id

    def block_number(self) -> int:
        """Return the number of the newest block."""
        return _quantity(self.call("eth_blockNumber"))

    def block(self, block: Block = "latest") -> Mapping[str, Any]:
        """Return one block's header as the node gives it; TransportError when unknown."""
        found = self.call("eth_getBlockByNumber", _block_tag(block), False)
        if not isinstance(found, dict):
            raise TransportError(f"{self.place} knows no block {block}")
        return found

    def timestamp(self, block: Block = "latest") -> int:
        """Return a block's time."""
        return _quantity(self.block(block).get("timestamp"))

    def balance(self, address: str, block: Block = "latest") -> int:
        """Return an address's wei."""
        return _quantity(self.call("eth_getBalance", address, _block_tag(block)))

    def code(self, address: str, block: Block = "latest") -> bytes:
        """Return an address's code."""
        return _hex_bytes(self.call("eth_getCode", address, _block_tag(block)))

    def eth_call(
        self,
        to: str,
        data: bytes,
        *,
        sender: str | None = None,
        block: Block = "latest",
        value: int = 0,
        gas: int | None = None,
    ) -> bytes:
        """Execute a call without a transaction; raises Reverted when it reverts."""
        request = _transaction(sender, to, data, value, gas)
        try:
            return _hex_bytes(self.call("eth_call", request, _block_tag(block)))
        except RpcError as error:
            raise as_revert(error) or error from None

    def receipt(self, tx: str) -> Receipt | None:
        """Return a transaction's receipt, or None while it has none."""
        found = self.call("eth_getTransactionReceipt", tx)
        return None if found is None else Receipt.parse(found)

    def wait_for_receipt(self, tx: str, seconds: float = RECEIPT_SECONDS) -> Receipt:
        """Poll for a receipt, ever more slowly; raises TransportError after `seconds`.

        An unanswered poll is asked again: the transaction itself is not touched by it.
        """
        deadline = time.monotonic() + seconds
        pause = 0.001
        while True:
            trouble = ""
            try:
                receipt = self.receipt(tx)
                if receipt is not None:
                    return receipt
            except TransportError as error:
                trouble = f" ({error})"
            if time.monotonic() + pause > deadline:
                raise TransportError(f"no receipt of {tx} within {seconds:g} seconds{trouble}")
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def failure(self, tx: str, receipt: Receipt) -> Reverted:
        """Return why a mined transaction reverted: from its trace, else from a replay."""
        try:
            trace = self.call(
                "debug_traceTransaction",
                tx,
                {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}},
            )
            data = _hex_bytes(trace.get("output") or "0x") if isinstance(trace, dict) else b""
            if not data and isinstance(trace, dict) and "gas" in str(trace.get("error")).lower():
                return Reverted("out of gas", b"", receipt)
            return Reverted(revert_reason(data), data, receipt)
        except RpcError:
            sent = self.call("eth_getTransactionByHash", tx)
        request = {
            key: sent[key] for key in ("from", "to", "input", "value", "gas") if sent.get(key)
        }
        try:
            self.call("eth_call", request, hex(receipt.block - 1))
        except RpcError as error:
            found = as_revert(error)
            return (
                Reverted(found.reason, found.data, receipt)
                if found
                else Reverted(error.message, b"", receipt)
            )
        return Reverted("", b"", receipt)

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks on a development node."""
        self.call("anvil_mine", hex(blocks))

    def set_next_timestamp(self, timestamp: int) -> None:
        """Set the time of the next block on a development node; it must not lie in the past."""
        self.call("evm_setNextBlockTimestamp", hex(timestamp))

    def set_balance(self, address: str, wei: int) -> None:
        """Give an address exactly `wei` on a development node."""
        self.call("anvil_setBalance", address, hex(wei))

    def impersonate(self, address: str) -> None:
        """Let a development node send from an address whose key it does not have."""
        self.call("anvil_impersonateAccount", address)

    def snapshot(self) -> str:
        """Remember a development node's state and return its handle, good for one revert."""
        return str(self.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Return to a snapshot; raises TransportError when the node does not know it.

        An Anvil that mines at once shows a receipt a moment before it takes the transaction out of
        its pool. A revert in between makes it mine that one again, or drop the next one of the same
        sender and nonce in its place, without a word: so its pool is waited for.
        """
        deadline = time.monotonic() + POOL_SECONDS
        while self._is_clearing_pool() and time.monotonic() < deadline:
            time.sleep(0.001)
        if self.call("evm_revert", snapshot) is not True:
            raise TransportError(f"{self.place} knows no snapshot {snapshot}")

    def _is_clearing_pool(self) -> bool:
        """Tell whether an Anvil that mines at once still has transactions it can mine."""
        try:
            status = self.call("txpool_status")
            waiting = isinstance(status, dict) and _quantity(status.get("pending")) > 0
            return waiting and self.call("anvil_getAutomine") is True
        except RpcError:
            return False


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _error_object(error: Any, place: str) -> RpcError:
    if (
        not isinstance(error, dict)
        or type(error.get("code")) is not int
        or not isinstance(error.get("message"), str)
    ):
        raise TransportError(f"{place} answered with a malformed error")
    return RpcError(error["code"], error["message"], error.get("data"))


def _is_refusal(parsed: Any) -> bool:
    return isinstance(parsed, dict) and isinstance(parsed.get("error"), dict)


def _cause(error: BaseException) -> str:
    """Name what went wrong without the address, which may hold a secret."""
    return getattr(error, "strerror", None) or type(error).__name__


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _retry_after(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _read_all(response: urllib3.BaseHTTPResponse, deadline: float, place: str) -> bytes:
    """Read a body to its end, giving up at the deadline however slowly bytes drip in."""
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.read1(2**20):
            parts.append(part)
            size += len(part)
            if size > MAX_BODY:
                raise TransportError(f"{place} sent more than {MAX_BODY} bytes")
            if time.monotonic() > deadline:
                raise TransportError(f"{place} was too slow with its answer")
    except urllib3.exceptions.TimeoutError as error:
        raise TransportError(f"{place} stopped in the middle of its answer") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransportError(f"{place} broke off its answer: {_cause(error)}") from error
    declared = response.headers.get("Content-Length")
    if declared is not None and declared.isdigit() and int(declared) != size:
        raise TransportError(f"{place} broke off its answer after {size} bytes")
    return b"".join(parts)


def _transaction(
    sender: str | None, to: str | None, data: bytes, value: int, gas: int | None
) -> dict[str, str]:
    request = {"data": "0x" + data.hex()}
    if sender is not None:
        request["from"] = sender
    if to is not None:
        request["to"] = to
    if value:
        request["value"] = hex(value)
    if gas is not None:
        request["gas"] = hex(gas)
    return request


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one transaction: `gas_price` is the effective one, `logs` are the raw ones."""

    hash: str
    block: int
    gas_used: int
    gas_price: int
    status: int
    logs: tuple[Mapping[str, Any], ...] = field(repr=False)
    contract_address: str | None = None

    @classmethod
    def parse(cls, raw: Any) -> Receipt:
        """Read a node's receipt; raises TransportError when it is none."""
        if not isinstance(raw, dict) or not isinstance(raw.get("logs"), list):
            raise TransportError("the node sent a malformed receipt")
        created = raw.get("contractAddress")
        return cls(
            hash=str(raw.get("transactionHash")),
            block=_quantity(raw.get("blockNumber")),
            gas_used=_quantity(raw.get("gasUsed")),
            gas_price=_quantity(raw.get("effectiveGasPrice")),
            status=_quantity(raw.get("status")),
            logs=tuple(raw["logs"]),
            contract_address=None if created is None else checksum(created),
        )


class _ChecksumDecoder(AddressDecoder):
    decoder_fn = staticmethod(_checksum)  # type: ignore[assignment]


_registry = registry.copy()  # type: ignore[no-untyped-call]
_registry.unregister_decoder("address")
_registry.register_decoder(
    BaseEquals("address"),  # type: ignore[no-untyped-call]
    _ChecksumDecoder,
    label="address",
)


def _encode_address(value: Any) -> bytes:
    text = value if isinstance(value, str | bytes) else getattr(value, "address", value)
    if isinstance(text, bytes) and len(text) == 20:
        return bytes(12) + text
    if isinstance(text, str) and len(text) == 42 and text[:2] == "0x":
        return bytes(12) + bytes.fromhex(text[2:])
    raise ValueError(f"not an address: {value!r:.80}")


def _decode_address(word: bytes) -> str:
    if any(word[:12]):
        raise ValueError("dirty address")
    return _checksum(word[12:])


def _encode_bool(value: Any) -> bytes:
    if value is not True and value is not False:
        raise ValueError(f"not a bool: {value!r:.80}")
    return int(value).to_bytes(_WORD, "big")


def _decode_bool(word: bytes) -> bool:
    number = int.from_bytes(word, "big")
    if number > 1:
        raise ValueError("neither true nor false")
    return number == 1


def _encode_bytes32(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != _WORD:
        raise ValueError(f"not 32 bytes: {value!r:.80}")
    return value


def _integer_coder(
    bits: int, signed: bool
) -> tuple[Callable[[Any], bytes], Callable[[bytes], int]]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)

    def encode(value: Any) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"not an integer: {value!r:.80}")
        if not low <= value < high:
            raise ValueError(f"{value} does not fit {bits} bits")
        return value.to_bytes(_WORD, "big", signed=signed)

    def decode(word: bytes) -> int:
        value = int.from_bytes(word, "big", signed=signed)
        if not low <= value < high:
            raise ValueError(f"does not fit {bits} bits")
        return value

    return encode, decode


@lru_cache(maxsize=512)
def _word_coder(kind: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]] | None:
    """Return the coder of a type that is exactly one word, or None for any other type."""
    if kind == "address":
        return _encode_address, _decode_address
    if kind == "bool":
        return _encode_bool, _decode_bool
    if kind == "bytes32":
        return _encode_bytes32, bytes
    for name, signed in (("uint", False), ("int", True)):
        if kind.startswith(name) and kind[len(name) :].isdigit():
            return _integer_coder(int(kind[len(name) :]), signed)
    return None


class Codec:
    """Encodes and decodes one list of ABI types; plain words take a path of their own, ~10x faster.

    Encoding raises ValueError on a value that does not fit, decoding raises DecodeError.
    """

    __slots__ = ("_array", "_decoder", "_encoder", "_words", "types")

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types
        coders = [_word_coder(kind) for kind in types]
        self._words = [coder for coder in coders if coder is not None]
        self._encoder: Any = None
        self._decoder: Any = None
        self._array: Callable[[bytes], Any] | None = None
        if len(self._words) == len(types):
            return
        self._words = []
        encoders = [_registry.get_encoder(kind) for kind in types]
        decoders = [_registry.get_decoder(kind) for kind in types]
        self._encoder = TupleEncoder(encoders=encoders)  # type: ignore[no-untyped-call]
        self._decoder = TupleDecoder(decoders=decoders)  # type: ignore[no-untyped-call]
        if len(types) == 1 and types[0].endswith("[]"):
            coder = _word_coder(types[0][:-2])
            self._array = None if coder is None else coder[1]

    def encode(self, values: Sequence[Any]) -> bytes:
        """Return the ABI encoding of `values`."""
        if len(values) != len(self.types):
            raise ValueError(f"{len(self.types)} values are needed, not {len(values)}")
        if self._encoder is None:
            return b"".join(
                [encode(value) for (encode, _), value in zip(self._words, values, strict=True)]
            )
        try:
            return bytes(self._encoder(values))
        except EncodingError as error:
            raise ValueError(str(error)) from None

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Return the values in `data`; bytes after the last one are ignored."""
        try:
            if self._decoder is None:
                if len(data) < _WORD * len(self._words):
                    raise ValueError("too short")
                return tuple(
                    [
                        decode(data[_WORD * i : _WORD * (i + 1)])
                        for i, (_, decode) in enumerate(self._words)
                    ]
                )
            if self._array is not None:
                return (self._decode_array(data, self._array),)
            stream = ContextFramesBytesIO(data)  # type: ignore[no-untyped-call]
            return tuple(self._decoder(stream))
        except (ValueError, OverflowError, DecodingError) as error:
            wanted = ",".join(self.types)
            raise DecodeError(
                f"({wanted}) cannot be read from {len(data)} bytes: {error}"
            ) from None

    @staticmethod
    def _decode_array(data: bytes, decode: Callable[[bytes], Any]) -> tuple[Any, ...]:
        start = int.from_bytes(data[:_WORD], "big") + _WORD
        if len(data) < start:
            raise ValueError("too short")
        count = int.from_bytes(data[start - _WORD : start], "big")
        if len(data) < start + _WORD * count:
            raise ValueError("too short")
        return tuple(
            [decode(data[at : at + _WORD]) for at in range(start, start + _WORD * count, _WORD)]
        )


def _types(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(collapse_if_tuple(dict(item)) for item in items)


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry.get('inputs', ())))})"


def topic(abi_event: Mapping[str, Any]) -> str:
    """Return the first topic of an event, from its ABI entry."""
    return "0x" + keccak(text=_signature(abi_event)).hex()


@dataclass(frozen=True, slots=True)
class Function:
    """One function of an ABI with its ready coders."""

    name: str
    signature: str
    selector: bytes
    inputs: Codec
    outputs: Codec

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Function:
        """Prepare an ABI entry."""
        signature = _signature(entry)
        return cls(
            entry["name"],
            signature,
            keccak(text=signature)[:4],
            Codec(_types(entry.get("inputs", ()))),
            Codec(_types(entry.get("outputs", ()))),
        )

    def encode(self, *args: Any) -> bytes:
        """Return call data; raises ValueError when an argument does not fit."""
        try:
            return self.selector + self.inputs.encode(args)
        except ValueError as error:
            raise ValueError(f"{self.signature}: {error}") from None

    def decode(self, data: bytes) -> Any:
        """Return the one value of returned bytes, or a tuple of several."""
        try:
            values = self.outputs.decode(data)
        except DecodeError as error:
            raise DecodeError(f"{self.signature}: {error}") from None
        return values[0] if len(values) == 1 else (values or None)


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded log; an indexed text or list appears as its hash."""

    name: str
    args: dict[str, Any]
    address: str
    block: int
    log_index: int
    tx: str


class _EventCodec:
    """Decodes the logs of one event."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name = str(entry["name"])
        self.topic = topic(entry)
        inputs = list(entry.get("inputs", ()))
        kinds = _types(inputs)
        self._names = [item["name"] for item in inputs]
        self._indexed = [bool(item.get("indexed")) for item in inputs]
        self._topics = [
            Codec((kind if _word_coder(kind) or _is_short_bytes(kind) else "bytes32",))
            for kind, indexed in zip(kinds, self._indexed, strict=True)
            if indexed
        ]
        self._data = Codec(
            tuple(kind for kind, indexed in zip(kinds, self._indexed, strict=True) if not indexed)
        )

    def decode(self, log: Mapping[str, Any]) -> Event:
        topics = [_hex_bytes(word) for word in log["topics"][1:]]
        if len(topics) != len(self._topics):
            raise DecodeError(f"{self.name}: a log with {len(topics)} indexed values")
        indexed = iter(
            [codec.decode(word)[0] for codec, word in zip(self._topics, topics, strict=True)]
        )
        plain = iter(self._data.decode(_hex_bytes(log["data"])))
        return Event(
            name=self.name,
            args={
                name: next(indexed if is_indexed else plain)
                for name, is_indexed in zip(self._names, self._indexed, strict=True)
            },
            address=checksum(log["address"]),
            block=_quantity(log["blockNumber"]),
            log_index=_quantity(log["logIndex"]),
            tx=str(log["transactionHash"]),
        )


def _is_short_bytes(kind: str) -> bool:
    return kind.startswith("bytes") and kind[5:].isdigit()


class Interface:
    """An ABI prepared for use: functions by name and count of arguments, events by topic."""

    def __init__(self, abi: Abi) -> None:
        self.functions: dict[tuple[str, int], Function] = {}
        self.by_signature: dict[str, Function] = {}
        self.events: dict[str, _EventCodec] = {}
        self.constructor = Codec(())
        for entry in abi:
            if entry["type"] == "function":
                function = Function.of(entry)
                self.functions[function.name, len(function.inputs.types)] = function
                self.by_signature[function.signature] = function
            elif entry["type"] == "event":
                event = _EventCodec(entry)
                self.events[event.topic] = event
            elif entry["type"] == "constructor":
                self.constructor = Codec(_types(entry.get("inputs", ())))

    def function(self, name: str, count: int) -> Function:
        """Return the function of a name (or full signature) that takes `count` arguments."""
        found = self.functions.get((name, count)) or self.by_signature.get(name)
        if found is None:
            known = sorted(has for key, has in self.functions if key == name)
            hint = f"; it takes {known}" if known else ""
            raise ValueError(f"no function {name} with {count} arguments{hint}")
        return found

    @staticmethod
    def of(abi: Abi | Interface) -> Interface:
        """Return the prepared form of an ABI, made once for each list object."""
        if isinstance(abi, Interface):
            return abi
        kept = _interfaces.get(id(abi))
        if kept is None or kept[0] is not abi:
            if len(_interfaces) >= 1_024:
                _interfaces.clear()
            kept = _interfaces[id(abi)] = (abi, Interface(abi))
        return kept[1]


_interfaces: dict[int, tuple[Abi, Interface]] = {}


class Sender(Protocol):
    """Somebody who can send transactions and wait for them; a reverted one raises Reverted."""

    @property
    def address(self) -> str:
        """The address that pays."""

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Send one transaction (`to` None deploys) and return its receipt."""


class UnlockedSender:
    """Sends from an account whose key the node holds, or that it impersonates."""

    def __init__(self, rpc: Rpc, address: str) -> None:
        self.rpc = rpc
        self.address = checksum(address)

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Send with a fixed gas limit, wait for the receipt and raise Reverted with the reason."""
        limit = gas or (DEPLOY_GAS if to is None else DEFAULT_GAS)
        try:
            tx = self.rpc.call(
                "eth_sendTransaction", _transaction(self.address, to, data, value, limit)
            )
        except RpcError as error:
            raise as_revert(error) or error from None
        return _checked(self.rpc, str(tx), self._receipt(str(tx)))

    def _receipt(self, tx: str) -> Receipt:
        """Wait for a receipt; have a block mined when an Anvil that mines at once has not.

        Once in some ten thousand times it leaves a transaction in its pool until something else
        moves it: https://github.com/foundry-rs/foundry/issues/10122. Other nodes are left alone.
        """
        try:
            return self.rpc.wait_for_receipt(tx, MISSED_SECONDS)
        except TransportError:
            pass
        try:
            if self.rpc.call("anvil_getAutomine") is True and self.rpc.receipt(tx) is None:
                self.rpc.call("evm_mine")
        except RpcError:
            pass
        return self.rpc.wait_for_receipt(tx, RECEIPT_SECONDS - MISSED_SECONDS)


class KeySender:
    """Signs with a local key (EIP-1559); the nonce is the chain's pending one, so none is lost.

    Without an explicit gas limit the node's estimate plus a quarter is used, which also finds a
    revert before anything is paid. `priority_fee` is in wei for each gas; the fee cap is twice the
    base fee plus it.
    """

    def __init__(
        self,
        rpc: Rpc,
        account: LocalAccount,
        *,
        priority_fee: int = PRIORITY_FEE,
        receipt_seconds: float = RECEIPT_SECONDS,
    ) -> None:
        self.rpc = rpc
        self.address = str(account.address)
        self._account = account
        self._priority_fee = priority_fee
        self._receipt_seconds = receipt_seconds
        self._lock = threading.Lock()

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Sign, send, wait for the receipt and raise Reverted with the reason."""
        with self._lock:
            tx = self._submit(to, data, value, gas)
        return _settled(self.rpc, tx, self._receipt_seconds)

    def _submit(self, to: str | None, data: bytes, value: int, gas: int | None) -> str:
        request = _transaction(self.address, to, data, value, gas)
        calls: list[tuple[str, list[Any]]] = [
            ("eth_getTransactionCount", [self.address, "pending"]),
            ("eth_getBlockByNumber", ["latest", False]),
        ]
        if gas is None:
            calls.append(("eth_estimateGas", [request]))
        try:
            nonce, head, *estimate = self.rpc.batch(calls)
        except RpcError as error:
            raise as_revert(error) or error from None
        base_fee = _quantity(head.get("baseFeePerGas") if isinstance(head, dict) else None)
        transaction: dict[str, Any] = {
            "chainId": self.rpc.chain_id,
            "nonce": _quantity(nonce),
            "gas": gas if gas is not None else _quantity(estimate[0]) * 5 // 4,
            "maxFeePerGas": 2 * base_fee + self._priority_fee,
            "maxPriorityFeePerGas": self._priority_fee,
            "value": value,
            "data": "0x" + data.hex(),
        }
        if to is not None:
            transaction["to"] = checksum(to)
        signed = self._account.sign_transaction(transaction)
        return str(self.rpc.call("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def _settled(rpc: Rpc, tx: str, seconds: float = RECEIPT_SECONDS) -> Receipt:
    return _checked(rpc, tx, rpc.wait_for_receipt(tx, seconds))


def _checked(rpc: Rpc, tx: str, receipt: Receipt) -> Receipt:
    """Return the receipt of a transaction that succeeded; raises Reverted with the reason."""
    if receipt.status != 1:
        raise rpc.failure(tx, receipt)
    return receipt


class Contract:
    """A deployed contract with an ABI.

    A function is named by its name or its full signature; among variants with default arguments the
    count of `args` decides.
    """

    def __init__(self, rpc: Rpc, address: str, abi: Abi | Interface) -> None:
        self.rpc = rpc
        self.address = checksum(address)
        self.interface = Interface.of(abi)

    def __repr__(self) -> str:
        return f"Contract({self.address})"

    def encode(self, fn: str, *args: Any) -> bytes:
        """Return the call data of a function."""
        return self.interface.function(fn, len(args)).encode(*args)

    def decode(self, fn: str, data: bytes | str) -> Any:
        """Return the value, or tuple of values, that a function's returned bytes hold."""
        found = self.interface.by_signature.get(fn) or next(
            (item for (name, _), item in self.interface.functions.items() if name == fn), None
        )
        if found is None:
            raise ValueError(f"no function {fn}")
        return found.decode(_hex_bytes(data) if isinstance(data, str) else data)

    def read(self, fn: str, *args: Any, block: Block = "latest", sender: str | None = None) -> Any:
        """Call a function without a transaction; raises Reverted, DecodeError or Rpc's errors."""
        function = self.interface.function(fn, len(args))
        data = function.encode(*args)
        return function.decode(self.rpc.eth_call(self.address, data, sender=sender, block=block))

    def request(
        self, fn: str, *args: Any, block: Block = "latest", sender: str | None = None
    ) -> tuple[str, list[Any]]:
        """Return the `eth_call` of a function for `Rpc.batch`; decode its result with `decode`."""
        call = _transaction(sender, self.address, self.encode(fn, *args), 0, None)
        return "eth_call", [call, _block_tag(block)]

    def transact(
        self,
        fn: str,
        *args: Any,
        sender: str | Sender,
        gas: int | None = None,
        value: int = 0,
    ) -> Receipt:
        """Send a transaction and return its receipt; raises Reverted with the reason.

        A `sender` given as an address is one that the node holds unlocked or impersonates.
        """
        data = self.encode(fn, *args)
        if isinstance(sender, str):
            sender = UnlockedSender(self.rpc, sender)
        return sender.send(self.address, data, value, gas)

    def events(self, source: Receipt | Iterable[Mapping[str, Any]]) -> list[Event]:
        """Decode this contract's own logs out of a receipt or a list of raw logs, in order."""
        logs = source.logs if isinstance(source, Receipt) else source
        mine = self.address.lower()
        found = []
        for log in logs:
            if not log["topics"] or str(log["address"]).lower() != mine:
                continue
            codec = self.interface.events.get(log["topics"][0])
            if codec is not None:
                found.append(codec.decode(log))
        return found


class Deployable(Protocol):
    """What can be deployed: an ABI and creation bytecode."""

    @property
    def abi(self) -> Abi:
        """The ABI."""

    @property
    def bytecode(self) -> bytes:
        """The creation code, without constructor arguments."""


def deploy_contract(
    sender: Sender, artifact: Deployable, *args: Any, gas: int | None = None
) -> str:
    """Deploy a contract and return its address; raises Reverted when the constructor reverts."""
    data = artifact.bytecode + Interface.of(artifact.abi).constructor.encode(args)
    receipt = sender.send(None, data, 0, gas)
    if receipt.contract_address is None:
        raise TransportError(f"the receipt of deployment {receipt.hash} names no contract")
    return receipt.contract_address
