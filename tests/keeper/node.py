# SPDX-License-Identifier: MIT
"""A node on loopback that misbehaves: an HTTP server before a scripted chain or an Anvil."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_abi.abi import encode

from surety.keeper import codec

VAULT = "0x" + "aa" * 20
COIN = "0x" + "c0" * 20
HUB = "0x" + "b0" * 20
TOKEN = "0x" + "70" * 20

FAULTS = ("429", "500", "html", "truncated", "null", "drop", "slow", "wrong_id", "error")


class ScriptedChain:
    """A chain of blocks with vault logs, answered as a node would, in limited ranges."""

    def __init__(self, seed: int = 0, max_range: int = 300) -> None:
        self.random = random.Random(seed)
        self.max_range = max_range
        self.blocks: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.prices: dict[int, int] = {}
        self.calls: dict[str, int] = {}
        self.branch = 0

    def mine(self, events: list[tuple[list[int], list[int]]]) -> None:
        """Add a block with events given as (topics, data words)."""
        number = len(self.blocks)
        parent = self.blocks[-1]["hash"] if self.blocks else "0x" + "00" * 32
        digest = f"0x{number:032x}{self.branch:032x}"
        self.blocks.append(
            {
                "number": hex(number),
                "hash": digest,
                "parentHash": parent,
                "timestamp": hex(1_000_000 + 12 * number),
                "baseFeePerGas": hex(10**9),
            }
        )
        for index, (topics, data) in enumerate(events):
            self.logs.append(
                {
                    "address": VAULT,
                    "topics": [f"0x{topic:064x}" for topic in topics],
                    "data": "0x" + "".join(f"{word:064x}" for word in data),
                    "blockNumber": hex(number),
                    "blockHash": digest,
                    "logIndex": hex(index),
                    "removed": False,
                }
            )

    def rewind(self, number: int) -> None:
        """Drop all blocks from `number` on; what is mined next belongs to another branch."""
        self.branch += 1
        self.blocks = self.blocks[:number]
        self.logs = [log for log in self.logs if int(log["blockNumber"], 16) < number]

    def answer(self, body: bytes) -> bytes:
        """Answer one HTTP body: a call or a batch."""
        request = json.loads(body)
        if isinstance(request, list):
            return json.dumps([self._one(item) for item in request]).encode()
        return json.dumps(self._one(request)).encode()

    def _one(self, request: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            reply["result"] = self._result(request["method"], request["params"])
        except ValueError as error:
            reply["error"] = {"code": -32005, "message": str(error)}
        return reply

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return "0x7a69"
        if method == "eth_getCode":
            return "0x60" if params[0] == VAULT else "0x"
        if method == "eth_getBlockByNumber":
            at = len(self.blocks) - 1 if params[0] == "latest" else int(params[0], 16)
            return self.blocks[at] if at < len(self.blocks) else None
        if method == "eth_getLogs":
            first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
            if last - first >= self.max_range:
                raise ValueError("query returned more than 10000 results")
            found = [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]
            again = self.random.sample(found, len(found) // 10)
            mixed = [*found, *again]
            self.random.shuffle(mixed)
            return mixed
        if method == "eth_call":
            return self._view(params[0])
        raise ValueError(f"unknown method {method}")

    def _view(self, call: dict[str, str]) -> str:
        selector = bytes.fromhex(call["data"][2:10])
        words = {
            codec.LIVE_INDEX: 10**27,
            codec.TOTALS: 0,
            codec.COIN: int(COIN, 16),
            codec.HUB: int(HUB, 16),
            codec.GRACE_PERIOD: 3_600,
            codec.AUCTION_DURATION: 7_200,
            codec.CALL_COOL_DOWN: 86_400,
            codec.DEBT_FLOOR: 2_000 * 10**18,
            codec.CALL_TIP: 5 * 10**18,
            codec.LIQUIDATION_PENALTY: 500,
            codec.BALANCE_OF: 0,
        }
        if selector == codec.HUB_READ.selector:
            mask = int(call["data"][10:], 16)
            kinds = [kind for kind in range(32) if mask >> kind & 1]
            return "0x" + encode(["uint256[]"], [[self.prices[kind] for kind in kinds]]).hex()
        if selector == codec.HUB_WORDS.selector:
            return f"0x{self.prices[int(call['data'][10:], 16)]:064x}"
        for fn, value in words.items():
            if fn.selector == selector:
                return f"0x{value:064x}"
        raise ValueError("execution reverted")


def forward_to(url: str) -> Callable[[bytes], bytes]:
    """Return an answerer that passes bodies on to a real node."""

    def answer(body: bytes) -> bytes:
        request = urllib.request.Request(
            url, data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return bytes(response.read())

    return answer


class FaultyNode:
    """The server's state: how often it fails, how, and how many requests it saw."""

    def __init__(self, answer: Callable[[bytes], bytes], seed: int) -> None:
        self.answer = answer
        self.random = random.Random(seed)
        self.rate = 0.0
        self.faults: tuple[str, ...] = FAULTS
        self.requests = 0
        self.failed: dict[str, int] = {}
        self.most_slow = 5
        self.url = ""


@contextmanager
def faulty_node(answer: Callable[[bytes], bytes], seed: int = 1) -> Iterator[FaultyNode]:
    """Run a faulty node on a free loopback port while the context lasts."""
    node = FaultyNode(answer, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            node.requests += 1
            if node.random.random() >= node.rate:
                self.reply(200, node.answer(body))
                return
            fault = node.random.choice(node.faults)
            if fault == "slow" and node.failed.get("slow", 0) >= node.most_slow:
                fault = "drop"
            node.failed[fault] = node.failed.get(fault, 0) + 1
            if fault in ("429", "500"):
                self.reply(int(fault), b"slow down")
            elif fault == "html":
                self.reply(200, b"<html><body>Bad Gateway</body></html>")
            elif fault == "error":
                self.reply(
                    200,
                    json.dumps(
                        {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "busy"}}
                    ).encode(),
                )
            elif fault == "lost":
                # the node did the work, the answer never arrives
                node.answer(body)
                self.close_connection = True
            elif fault == "drop":
                self.close_connection = True
            elif fault == "slow":
                time.sleep(0.15)
                self.close_connection = True
            else:
                self.reply(200, self.spoiled(fault, node.answer(body)))

        def spoiled(self, fault: str, sound: bytes) -> bytes:
            if fault == "truncated":
                return sound[: len(sound) // 2]
            parsed = json.loads(sound)
            for item in parsed if isinstance(parsed, list) else [parsed]:
                if fault == "wrong_id":
                    item["id"] = 10**9
                elif "result" in item:
                    item["result"] = None
            return json.dumps(parsed).encode()

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
