# SPDX-License-Identifier: MIT
"""An Anvil without Ape, and a node on loopback that answers whatever it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact

GENESIS = 1_600_000_000


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    with Anvil(timestamp=GENESIS, block_interval=12) as anvil:
        yield anvil


@pytest.fixture(scope="module")
def raw(node: Anvil) -> Iterator[Rpc]:
    with Rpc(node.url) as rpc:
        yield rpc


@pytest.fixture(scope="module")
def users(raw: Rpc) -> list[str]:
    return raw.call("eth_accounts")


@pytest.fixture
def token(raw: Rpc, users: list[str]) -> Contract:
    compiled = artifact("MockToken")
    sender = UnlockedSender(raw, users[0])
    return Contract(raw, deploy_contract(sender, compiled, "Token", "TOK", 6), compiled.abi)


class FaultyNode:
    """Answers every request with what `answer` makes of its JSON body."""

    def __init__(self) -> None:
        self.answer: Callable[[Any], Any] = echo
        self.status = 200
        self.headers: dict[str, str] = {}
        self.raw: bytes | None = None
        self.cut = 0
        self.drip = 0.0
        self.connections: set[int] = set()
        self.requests = 0
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                faulty.requests += 1
                faulty.connections.add(self.client_address[1])
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sent = faulty.raw
                if sent is None:
                    sent = json.dumps(faulty.answer(body)).encode()
                self.send_response(faulty.status)
                for name, value in faulty.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent) + faulty.cut))
                self.end_headers()
                self._write(sent)
                if faulty.cut:
                    self.close_connection = True

            def _write(self, sent: bytes) -> None:
                if not faulty.drip:
                    self.wfile.write(sent)
                    return
                for at in range(len(sent)):
                    try:
                        self.wfile.write(sent[at : at + 1])
                    except OSError:
                        return
                    time.sleep(faulty.drip)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def ok(request: dict[str, Any], result: Any = "0x1") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": result}


def echo(body: Any) -> Any:
    return [ok(item) for item in body] if isinstance(body, list) else ok(body)


@pytest.fixture
def faulty() -> Iterator[FaultyNode]:
    node = FaultyNode()
    thread = threading.Thread(target=node.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield node
    node.server.shutdown()
    node.server.server_close()
    thread.join()
