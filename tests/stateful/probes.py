# SPDX-License-Identifier: MIT
"""What must be possible, or must not, in whatever state a campaign has reached.

Each probe tries something on a copy of the chain, which is thrown away. revm in this process only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_abi.abi import encode

from surety.chain import Contract
from surety.compile import artifact
from tests.stateful import views
from tests.stateful.node import DEV_ADDRESSES, RevmNode
from tests.stateful.rules import can
from tests.stateful.scene import ALL_KINDS, LIARS, Scene
from tests.world import MAX, WAD

CENTURY = 100 * 365 * 86_400
REVERTS = b"\x5f\x5f\xfd"  # code of a contract that answers nothing any more
ANSWERS = (0, 1, -1, -(2**255), 2**255 - 1, 2**191, 10**8)  # of a feed
AGES = (0, 10**6, -(10**6), None)  # seconds; None is a round that was never made


@contextmanager
def on_copy(scene: Scene) -> Iterator[RevmNode]:
    """Let everything that happens inside be undone."""
    node = scene.node
    assert isinstance(node, RevmNode)
    kept, clock = node.evm.snapshot(), (node.time, node.number)
    codes = {
        contract.address: bytes(node.evm.get_code(contract.address))
        for contract in (scene.hub, scene.vault, scene.world.coin, *scene.feeds)
    }
    try:
        yield node
    finally:
        node.evm.revert(kept)
        node.restore(*clock)
        for address, code in codes.items():  # which the journal of states knows nothing of
            if bytes(node.evm.get_code(address)) != code:
                put(node, address, code)


def put(node: RevmNode, address: str, code: bytes = REVERTS) -> None:
    """Put other code at an address."""
    import pyrevm

    node.evm.insert_account_info(address, pyrevm.AccountInfo(nonce=1, code=code))


def did(scene: Scene, who: str, contract: Contract, fn: str, *args: Any) -> str | None:
    """Send a call at the present second and return why it was refused, None where it was not."""
    node, to, data = scene.node, contract.address, contract.encode(fn, *args)
    assert isinstance(node, RevmNode)
    for address, proxy in scene.proxies.items():  # a contract sends nothing by itself
        if int(who, 16) == int(address, 16):
            who, to, data = scene.governor, address, proxy.encode("execute", to, data)
    return node.run(who, to, data, node.time).reason


@can(9, "I10", "I56", "I57")
def i09_leaving_is_always_possible(scene: Scene) -> None:
    """After a century, all paused and the hub dead, every debt is repaid and everything withdrawn.

    What a token refuses that has turned against its holders is left out.
    """
    vault, book = scene.vault, scene.book
    with on_copy(scene) as node:
        if not book.is_shut and not scene.setup.governed:
            assert did(scene, book.governor, vault, "set_pauses", 31) is None
        put(node, scene.hub.address)
        node.restore(node.time + CENTURY, node.number + 1)
        rich = int.from_bytes(node.view(vault.address, vault.encode("total_debt"))) + 10**6 * WAD
        assert did(scene, scene.governor, scene.backed, "give", scene.keeper, rich) is None
        for id, position in book.positions.items():
            if position.normalized_debt:
                assert did(scene, scene.keeper, vault, "repay", id, MAX) is None
            owner = f"0x{id >> 8:040x}"
            for kind in position.balances:
                if kind not in LIARS:
                    reason = did(scene, owner, vault, "withdraw", id, kind, MAX, owner)
                    assert reason is None, (reason, hex(id), kind)
        for kind, total in book.deposited.items():
            if kind not in LIARS:
                word = node.words(
                    [(vault.address, scene.slots[scene.places[f"deposited[{kind}]"]][1])]
                )
                assert word[0] % 2**128 == book.absorbed[kind] <= total


@can(33, "I64")
def i33_no_answer_makes_a_sync_revert(scene: Scene) -> None:
    """Whatever price and time a source answers, or none, the hub refreshes every kind."""
    if scene.setup.hub != "feeds":
        return
    masks = [
        2 ** min(first + 8, len(ALL_KINDS)) - 2**first for first in range(0, len(ALL_KINDS), 8)
    ]
    with on_copy(scene) as node:
        for place, answer in enumerate(ANSWERS):
            at = AGES[place % len(AGES)]
            for feed in scene.feeds:
                stamp = 0 if at is None else max(0, node.time - at)
                reason = did(scene, scene.governor, feed, "set_round", answer, stamp, 9, 9)
                assert reason is None
            node.restore(node.time + 200, node.number + 1)
            for mask in masks:
                assert did(scene, scene.keeper, scene.hub, "poke", mask) is None, (answer, at)
        for feed in scene.feeds:
            put(node, feed.address)
        node.restore(node.time + 200, node.number + 1)
        for mask in masks:
            assert did(scene, scene.keeper, scene.hub, "poke", mask) is None


@can(41)
def i41_a_lens_in_place_answers_as_the_lens(scene: Scene) -> None:
    """The lens as code of the vault's own address says of every account what the lens says."""
    vault, lens = scene.vault.address, scene.world.lens
    found = artifact("LensInPlace")
    in_place = Contract(scene.world.rpc, vault, found.abi)

    with on_copy(scene) as node:
        maker = node.evm.deploy(DEV_ADDRESSES[0], found.bytecode + encode(["address"], [vault]))
        # each answer of the lens first: afterwards there is no vault that it could ask
        asked = [("states_of", vault, scene.ids), ("levels_of", vault, scene.ids)]
        asked += [("account_of", vault, id) for id in scene.ids]
        told = [views.read(scene, lens, fn, *args) for fn, *args in asked]
        put(node, in_place.address, bytes(node.evm.get_code(maker)))
        for (fn, *args), wanted in zip(asked, told, strict=True):
            assert views.read(scene, in_place, fn, *args) == wanted, fn
