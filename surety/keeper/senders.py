# SPDX-License-Identifier: MIT
"""How transactions leave: signed with a key and a nonce lane of our own, or only written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from surety.chain import Rpc, TransportError
from surety.keeper.chain import Head
from surety.keeper.codec import BadAnswer, Call
from surety.keeper.node import Failure, Request, ask

# heads after which an unmined transaction is broadcast again, and after which its fee is raised
REBROADCAST_AFTER = 2
BUMP_AFTER = 5
BUMP_PERCENT = 125


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call to send, the tag by which its outcome is known again, and the caller's own note about
    it.
    """

    tag: str
    call: Call
    action: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a transaction: mined, reverted, refused by the node, or lost to another of
    its nonce.
    """

    tag: str
    status: str
    reason: str = ""
    block: int = 0
    gas_used: int = 0
    fee: int = 0
    logs: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Fees in wei: the tip, and the most a gas may ever cost."""

    tip: int = 10**9
    cap: int = 10**12


class Sender(Protocol):
    """The way out for transactions of one address."""

    @property
    def address(self) -> str:
        """The address that sends."""
        ...

    def requests(self, head: Head) -> list[Request]:
        """Return what to ask about the transactions that are out."""
        ...

    def settle(self, head: Head, answers: Sequence[Any]) -> list[Outcome]:
        """Judge the answers to `requests` and return what has been decided."""
        ...

    def busy(self) -> set[str]:
        """Return the tags of transactions that are out."""
        ...

    def submit(self, items: Sequence[Outgoing], head: Head) -> list[Outcome]:
        """Send calls in this order; returns only what was refused at once. Never raises
        TransportError.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Pending:
    nonce: int
    outgoing: Outgoing
    fee: int
    tip: int
    raw: str
    hashes: tuple[str, ...]
    sent_at: int
    bumped_at: int


class KeySender:
    """Signs with a local key and manages its nonces itself.

    A transaction stays pending until the chain shows its receipt or that its nonce was used by
    another; until then the same bytes are broadcast again, later with a higher fee, so a lost
    broadcast never blocks the lane. A nonce that the node refused is used by the next transaction,
    or by an empty one.
    """

    def __init__(
        self, rpc: Rpc, account: LocalAccount, chain_id: int, fees: FeePolicy | None = None
    ) -> None:
        self._rpc = rpc
        self._account = account
        self._chain_id = chain_id
        self._fees = fees or FeePolicy()
        self._pending: dict[int, _Pending] = {}
        self._chain_nonce: int | None = None

    @property
    def address(self) -> str:
        """The address of the key."""
        return str(self._account.address)

    def requests(self, head: Head) -> list[Request]:
        """Ask for the nonce at the head and for a receipt of every version of every transaction
        out.
        """
        asked: list[Request] = [("eth_getTransactionCount", [self.address, "latest"])]
        for pending in self._pending.values():
            asked += [("eth_getTransactionReceipt", [digest]) for digest in pending.hashes]
        return asked

    def settle(self, head: Head, answers: Sequence[Any]) -> list[Outcome]:
        """Close what has a receipt or lost its nonce; unknown stays pending."""
        count, *receipts = answers
        if isinstance(count, Failure):
            return []
        try:
            chain_nonce = int(count, 16)
        except (TypeError, ValueError) as error:
            raise BadAnswer("not a nonce") from error
        decided: dict[int, Outcome] = {}
        at = 0
        for pending in self._pending.values():
            found = receipts[at : at + len(pending.hashes)]
            at += len(pending.hashes)
            receipt = next((item for item in found if isinstance(item, dict)), None)
            outcome = None if receipt is None else _outcome(pending.outgoing.tag, receipt)
            if outcome is not None:
                # a block that came while asking is judged with its own logs, at the next head
                if outcome.block <= head.number:
                    decided[pending.nonce] = outcome
            elif pending.nonce < chain_nonce and head.number > pending.sent_at + BUMP_AFTER:
                # nonce used and no receipt of ours for several heads: another sender of this key
                decided[pending.nonce] = Outcome(
                    pending.outgoing.tag, "lost", "nonce used elsewhere"
                )
        # nothing is forgotten before every answer has been understood
        self._chain_nonce = chain_nonce
        for nonce in decided:
            del self._pending[nonce]
        return list(decided.values())

    def busy(self) -> set[str]:
        """Return the tags of transactions that are out."""
        return {pending.outgoing.tag for pending in self._pending.values()}

    def submit(self, items: Sequence[Outgoing], head: Head) -> list[Outcome]:
        """Sign and send everything in one batch, with what has to be broadcast again.

        A refusal is final for that call only; a lost answer leaves all of them pending.
        """
        if self._chain_nonce is None:
            return [Outcome(item.tag, "refused", "nonce unknown") for item in items]
        again = [self._refreshed(pending, head) for pending in self._pending.values()]
        lane = {pending.nonce: pending for pending in again if pending is not None}
        queue = list(items)
        nonce = self._chain_nonce
        while queue:
            if nonce not in self._pending:
                lane[nonce] = self._signed(nonce, queue.pop(0), head)
            nonce += 1
        for gap in range(self._chain_nonce, max(self._pending, default=0)):
            if gap not in self._pending and gap not in lane:
                filler = Outgoing(f"fill:{gap}", Call(self.address, b"", gas=21_000))
                lane[gap] = self._signed(gap, filler, head)
        self._pending.update(lane)
        order = sorted(lane)
        try:
            answers = ask(self._rpc, [("eth_sendRawTransaction", [lane[n].raw]) for n in order])
        except (TransportError, BadAnswer):
            return []
        refused: list[Outcome] = []
        for n, answer in zip(order, answers, strict=True):
            if isinstance(answer, Failure) and not _harmless(answer.message):
                if len(lane[n].hashes) > 1 or lane[n].sent_at != head.number:
                    continue  # an earlier version may still be mined
                del self._pending[n]
                refused.append(Outcome(lane[n].outgoing.tag, "refused", answer.message))
        return refused

    def _signed(self, nonce: int, outgoing: Outgoing, head: Head) -> _Pending:
        tip = min(self._fees.tip, self._fees.cap)
        fee = min(2 * head.base_fee + tip, self._fees.cap)
        fresh = _Pending(nonce, outgoing, fee, min(tip, fee), "", (), head.number, head.number)
        return self._sign(fresh)

    def _sign(self, pending: _Pending) -> _Pending:
        call = pending.outgoing.call
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": pending.nonce,
                "to": to_checksum_address(call.to),
                "data": call.data,
                "value": 0,
                "gas": call.gas,
                "maxFeePerGas": pending.fee,
                "maxPriorityFeePerGas": pending.tip,
            }
        )
        digest = "0x" + bytes(signed.hash).hex()
        return replace(
            pending,
            raw="0x" + bytes(signed.raw_transaction).hex(),
            hashes=(*pending.hashes, digest),
        )

    def _refreshed(self, pending: _Pending, head: Head) -> _Pending | None:
        if pending.nonce < (self._chain_nonce or 0):
            return None
        if head.number >= pending.bumped_at + BUMP_AFTER and pending.fee < self._fees.cap:
            fee = max(pending.fee * BUMP_PERCENT // 100 + 1, 2 * head.base_fee + pending.tip)
            tip = pending.tip * BUMP_PERCENT // 100 + 1
            fee = min(fee, self._fees.cap)
            raised = replace(pending, fee=fee, tip=min(tip, fee), bumped_at=head.number)
            return self._sign(raised)
        return pending if head.number >= pending.sent_at + REBROADCAST_AFTER else None


class DrySender:
    """Sends nothing and remembers what it would have sent."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.sent: list[Outgoing] = []

    @property
    def address(self) -> str:
        """The address that would send."""
        return self._address

    def requests(self, head: Head) -> list[Request]:
        """Nothing is ever out."""
        return []

    def settle(self, head: Head, answers: Sequence[Any]) -> list[Outcome]:
        """Nothing is ever decided."""
        return []

    def busy(self) -> set[str]:
        """Nothing is ever out."""
        return set()

    def submit(self, items: Sequence[Outgoing], head: Head) -> list[Outcome]:
        """Write down what would be sent."""
        self.sent.extend(items)
        return []


def _outcome(tag: str, receipt: dict[str, Any]) -> Outcome:
    try:
        gas_used = int(receipt["gasUsed"], 16)
        return Outcome(
            tag=tag,
            status="mined" if int(receipt["status"], 16) == 1 else "reverted",
            block=int(receipt["blockNumber"], 16),
            gas_used=gas_used,
            fee=gas_used * int(receipt.get("effectiveGasPrice") or "0x0", 16),
            logs=tuple(receipt["logs"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("not a receipt") from error


def _harmless(message: str) -> bool:
    """Return whether a refusal only says that the node has the transaction already."""
    text = message.lower()
    known = ("already known", "already imported", "known transaction", "alreadyknown")
    return any(part in text for part in known)
