# SPDX-License-Identifier: MIT
"""Hold the views of vault and lens against the model: every field, by its name in the ABI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from surety.chain import Contract, Reverted
from surety.compile import artifact
from surety.formulas import margin_math
from surety.model import Refused, views
from surety.model.state import MAX
from tests.stateful.scene import ALL_KINDS, Scene


def read(scene: Scene, contract: Contract, fn: str, *args: Any) -> Any:
    function = contract.interface.function(fn, len(args))
    return function.decode(scene.node.view(contract.address, function.encode(*args)))


def named(outputs: Sequence[Mapping[str, Any]], value: Any) -> Any:
    """Return a decoded struct, or list of structs, as dicts by the names in the ABI."""
    if len(outputs) == 1 and outputs[0]["type"].startswith("tuple"):
        parts = outputs[0]["components"]
        if outputs[0]["type"] != "tuple":
            return [named([{"type": "tuple", "components": parts}], one) for one in value]
        return {part["name"]: named([part], one) for part, one in zip(parts, value, strict=True)}
    return value


def lens(scene: Scene, fn: str, *args: Any) -> Any:
    (entry,) = [item for item in artifact("Lens").abi if item.get("name") == fn]
    answer = read(scene, scene.world.lens, fn, scene.vault.address, *args)
    return named(entry["outputs"], answer)


def same(scene: Scene, what: str, found: Any, expected: Any) -> None:
    """Compare a struct's fields with those of the model's dataclass that have the same name."""
    if isinstance(found, dict) and is_dataclass(expected):
        known = {item.name for item in fields(expected)} & found.keys()
        assert known, what
        for name in known:
            same(scene, f"{what}.{name}", found[name], getattr(expected, name))
        return
    if isinstance(found, str) and isinstance(expected, int):
        found = int(found, 16)
    scene.same(what, found, expected)


def check_account(scene: Scene, id: int) -> None:
    """Compare what vault and lens say of one account."""
    book, now, vault = scene.book, scene.now, scene.vault
    view = views.account_of(book, id, now)
    scene.same("debt_of", read(scene, vault, "debt_of", id), view.levels.debt)
    scene.same("health_factor", read(scene, vault, "health_factor", id), view.health_factor)
    same(scene, "account_of", lens(scene, "account_of", id), view)


def check_sale(scene: Scene, id: int) -> None:
    """Compare what the lens says of an account's collateral, and of selling it."""
    book, now = replace(scene.book, turning={}), scene.now  # a preview asks no token
    expected = views.holdings_of(book, id, now)
    for found, holding in zip(lens(scene, "holdings_of", id), expected, strict=True):
        same(scene, "holdings_of", found, holding)
    for holding in expected:
        for amount in (0, MAX, holding.balance // 3):
            try:
                wanted: Any = views.preview_take(book, id, holding.kind, amount, now)
            except Refused as refused:
                wanted = refused.reason
            try:
                told: Any = tuple(lens(scene, "preview_take", id, holding.kind, amount))
            except Reverted as reverted:
                told = reverted.reason
            scene.same("preview_take", told, wanted)


def check_book(scene: Scene) -> None:
    """Compare the sums of the book."""
    book, now = scene.book, scene.now
    scene.same("total_debt", read(scene, scene.vault, "total_debt"), book.total_debt(now))
    scene.same("live_index", read(scene, scene.vault, "live_index"), book.live_index(now))


def check_prices(scene: Scene) -> None:
    """Compare what the hub would say of every kind now, whatever its source answers: i33."""
    hub = scene.book.hub
    for first in range(0, len(ALL_KINDS), 8):
        mask = 2 ** min(first + 8, len(ALL_KINDS)) - 2**first
        found = list(read(scene, scene.hub, "read", mask))
        expected = [price.word for price in hub.read(mask, scene.now).values()]
        scene.same("read", found, expected)


def check_money(scene: Scene) -> None:
    """Compare what the fund says of solvency, and the views of peg and settlement."""
    system, book, now = scene.system, scene.book, scene.now
    (entry,) = [item for item in artifact("InsuranceFund").abi if item.get("name") == "solvency"]
    found = named(entry["outputs"], read(scene, scene.world.fund, "solvency"))
    sheet = system.sheet(now)

    def worth(kind: int, amount: int) -> int:
        price = book.hub.read(1 << kind, now)[kind]
        value: int = margin_math.value_down(amount, price.lo, ALL_KINDS[kind].decimals)
        return value

    fund = system.fund.address
    inventory = sum(
        worth(source.kind, book.held[source.kind, fund]) for source in system.fund.sources.values()
    )
    absorbed = 0
    if not book.is_shut:
        absorbed = sum(worth(kind, amount) for kind, amount in book.absorbed.items())
    expected = {
        "debt": sheet.debt,
        "pools": sheet.pools,
        "reserves": sheet.reserves,
        "assets": sheet.debt + sheet.pools + sheet.reserves,
        "supply": sheet.circulating,
        "flash_minted": 0,
        "surplus": sheet.surplus,
        "deficit": sheet.deficit,
        "buffer": system.fund.buffer(sheet),
        "inventory": inventory,
        "absorbed": absorbed,
        "open_deficit": max(0, sheet.deficit - inventory - absorbed),
        "unread": 0,
    }
    scene.same("solvency", found, expected)
    peg, ending = system.peg, system.settlement.ending(book)
    scene.same("peg.reserve_held", read(scene, scene.peg, "reserve_held"), peg.held)
    settlement, vault = scene.parts["settlement"], scene.vault.address
    for view, wanted in (
        ("phase_of", ending.phase),
        ("claims_of", ending.claims),
        ("backing_of", system.settlement.backing_of(book)),
        ("shut_at", ending.shut_at),
        ("opened_at", ending.opened_at),
    ):
        scene.same(view, read(scene, settlement, view, vault), wanted)
    for amount in (1, ending.claims // 3, MAX):
        burned, payouts = read(scene, settlement, "preview_redeem", vault, amount)
        would_burn, would_pay = system.settlement.quote(book, amount)
        paid = [would_pay.get(kind, 0) for kind in range(32)]
        scene.same("preview_redeem", (burned, list(payouts)), (would_burn, paid))


def check_all(scene: Scene) -> None:
    """Compare every view there is."""
    book = scene.book
    check_prices(scene)
    check_money(scene)
    for id in scene.ids:
        check_account(scene, id)
        check_sale(scene, id)
    found = lens(scene, "book_of")
    scene.same("book_of.total_debt", found["total_debt"], book.total_debt(scene.now))
    scene.same("book_of.pauses", found["pauses"], book.pauses)
    states = list(lens(scene, "states_of", scene.ids))
    scene.same("states_of", states, [book.state(id, scene.now) for id in scene.ids])
    for name in ("governor", "fund", "pending_governor", "pending_fund"):
        if (name, 0) in scene.vault.interface.functions:
            scene.same(name, read(scene, scene.vault, name), getattr(book, name))
    operators = scene.operators
    for (vault, owner, epoch, operator), bits in book.operators.items():
        names = [f"0x{number:040x}" for number in (vault, owner, operator)]
        found = read(scene, operators, "operator", names[0], names[1], epoch, names[2])
        scene.same("operator", found, bits)
    for owner, epoch in book.epochs.items():
        scene.same("epoch", read(scene, operators, "epoch", f"0x{owner:040x}"), epoch)
    for owner, nonce in book.nonces.items():
        scene.same("nonces", read(scene, operators, "nonces", f"0x{owner:040x}"), nonce)
    for slot, model in book.slots.models.items():
        scene.same("models", read(scene, scene.models, "models", slot), model)
    for slot, fade in book.slots.fades.items():
        scene.same("fade_of", read(scene, scene.models, "fade_of", slot), fade)
    scene.same("has_reliers", read(scene, scene.models, "has_reliers"), book.slots.has_reliers)
    vault = scene.vault.address
    found = read(scene, scene.models, "defaulted_at", vault)
    scene.same("defaulted_at", found, book.slots.defaulted_at)
    index = book.live_index(scene.now)
    assert margin_math.total_debt_down(book.total_normalized_debt, index) == book.total_debt(
        scene.now
    )
