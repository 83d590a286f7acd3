# SPDX-License-Identifier: MIT
"""Hold the views of vault and lens against the model."""

from __future__ import annotations

from typing import Any

from surety.chain import Contract
from tests.stateful.scene import Scene, plain


def read(scene: Scene, contract: Contract, fn: str, *args: Any) -> Any:
    function = contract.interface.function(fn, len(args))
    return function.decode(scene.node.view(contract.address, function.encode(*args)))


def check_account(scene: Scene, id: int) -> None:
    """Compare every view of one account."""
    book, now = scene.book, scene.now
    levels = book.levels(id, now)
    scene.same("debt_of", read(scene, scene.vault, "debt_of", id), levels.debt)


def check_book(scene: Scene) -> None:
    """Compare the sums of the book."""
    book, now = scene.book, scene.now
    scene.same("total_debt", read(scene, scene.vault, "total_debt"), book.total_debt(now))
    scene.same("live_index", read(scene, scene.vault, "live_index"), book.live_index(now))


def check_all(scene: Scene) -> None:
    """Compare every view there is."""
    for id in scene.ids:
        check_account(scene, id)
    scene.same("governor", plain(read(scene, scene.vault, "governor")), scene.book.governor)
