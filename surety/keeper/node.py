# SPDX-License-Identifier: MIT
"""Batched questions to a node: single failures are values, lost answers are errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surety.chain import Rpc, RpcError, as_revert
from surety.keeper.codec import BadAnswer

Request = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Failure:
    """One item of a batch that the node answered with an error; `reverted`: the chain itself
    refused.
    """

    message: str
    reverted: bool = False


def ask(rpc: Rpc, requests: Sequence[Request]) -> list[Any]:
    """Send one batch; an item the node refused comes back as a Failure.

    Raises TransportError when the outcome is unknown, BadAnswer when the node refused the batch as
    a whole.
    """
    if not requests:
        return []
    try:
        answers = rpc.batch(requests, return_errors=True)
    except RpcError as error:
        raise BadAnswer(str(error)) from error
    return [_failure(answer) if isinstance(answer, RpcError) else answer for answer in answers]


def is_revert(answer: Any) -> bool:
    """Return whether a call was executed and reverted; raises BadAnswer when the node refused to
    say.
    """
    if not isinstance(answer, Failure):
        return False
    if not answer.reverted:
        raise BadAnswer(answer.message)
    return True


def _failure(error: RpcError) -> Failure:
    revert = as_revert(error)
    return Failure(error.message) if revert is None else Failure(str(revert), True)
