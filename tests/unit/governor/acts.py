# SPDX-License-Identifier: MIT
"""Every act that the rules know, as it may be done to a fresh rig, with its delay; 0: at once.

`CATALOGUE` names them; docs/governance.md has a row for each function in it, and test_cliff.py
walks all of them with accounts at the edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surety.chain import Contract
from tests.unit.governor.rig import (
    CHOSEN,
    CONTROL,
    MARGIN,
    PARAMETER,
    SLOT,
    STRUCTURE,
    WAD,
    ZERO,
    Act,
    Rig,
)
from tests.unit.listings.desk import Listing

LEVELS = (7_500, 8_000, 8_500, 10_100, 8_800)  # of kind 0
TIGHTER = (6_500, 7_000, 7_500, 10_100, 8_800)


BY_ADMIN = {"Settlement.shutdown"}  # executed by nobody else


@dataclass(frozen=True, slots=True)
class Sample:
    """One act as it may be done to a fresh rig."""

    name: str  # of its contract and function
    delay: int
    make: Callable[[Rig], Act]
    note: str = ""


def new_listing(rig: Rig, **changes: object) -> tuple[object, ...]:
    """Return what to list: a token and an oracle of their own."""
    token = rig.deploy("MockToken", "New", "NEW", 18).address
    oracle = rig.deploy("MockOracle", 2_000 * WAD)
    rig.oracles.append((oracle, 2_000 * WAD))
    fields = {"token": token, "oracle": oracle.address, "cap": 1_000 * WAD, "jump_bps": 1_000}
    return Listing(**(fields | changes)).struct()  # type: ignore[arg-type]


def other_oracle(rig: Rig, kind: int = 0, bps: int = 10_000) -> str:
    """Deploy an oracle that says so many bps of what the present one says."""
    feed = rig.world.feeds[kind]
    answer = feed.read("latestRoundData")[1]
    spare = rig.deploy("MockAggregator", 8, answer * bps // 10_000)
    rig.spares.append(spare)
    return rig.deploy("ChainlinkOracle", spare.address).address


def stray(rig: Rig) -> str:
    """Deploy something with code that nobody has registered."""
    return rig.deploy("MockToken", "Stray", "STRAY", 18).address


def of(name: str, contract: str, delay: int, *args: object, note: str = "") -> Sample:
    """Describe an act; an argument that can be called is asked for its value on the rig."""
    _, fn = name.split(".")
    return Sample(
        name,
        delay,
        lambda rig: Act(
            getattr(rig, contract),
            fn,
            tuple(arg(rig) if callable(arg) else arg for arg in args),
        ),
        note,
    )


def vault_of(rig: Rig) -> str:
    return rig.vault.address


def ceiling_of(rig: Rig) -> int:
    return int(rig.coin.read("ceiling", rig.vault.address))


def hi(rig: Rig, kind: int = 0) -> int:
    return rig.world.price(kind)


def flash(rig: Rig) -> int:
    return int(rig.coin.read("flash_fee_bps"))


# what must have been done before: each brings the rig there, and returns the argument


def tightened(rig: Rig, contract: Contract, fn: str, *args: object) -> None:
    assert rig.tighten_reason(Act(contract, fn, args), rig.admin) is None


def reaping_off(rig: Rig) -> bool:
    tightened(rig, rig.fund, "set_reaping_paused", True)
    return False


def minting_off(rig: Rig) -> bool:
    tightened(rig, rig.peg, "set_minting_paused", True)
    return False


def thawed(rig: Rig) -> bool:
    tightened(rig, rig.vault, "set_frozen", 0, True)
    return False


def opened(rig: Rig) -> bool:
    rig.must(rig.gov, "pause", rig.vault.address, 4, sender=rig.admin)
    return False


def closed_book(rig: Rig) -> str:
    book = rig.second.address
    rig.enact(Act(rig.coin, "set_ceiling", (book, 0)))  # a minter, which alone can be retired
    rig.enact(Act(rig.fund, "add_book", (book,)))
    rig.enact(Act(rig.gov, "retire", (book,)))
    return book


def known_book(rig: Rig) -> str:
    rig.enact(Act(rig.fund, "add_book", (rig.second.address,)))
    rig.enact(Act(rig.second, "propose_fund", (rig.fund.address,)))
    return rig.second.address


def reserve_of(rig: Rig) -> str:
    rig.enact(Act(rig.fund, "add_reserve", (rig.peg.address,)))
    return rig.peg.address


def closed_kind(rig: Rig) -> int:
    tightened(rig, rig.vault, "set_cap", 0, 0)
    return 0


def lent(rig: Rig) -> int:
    rig.enact(Act(rig.coin, "set_flash", (flash(rig), 10**6 * WAD)))
    return flash(rig)


CATALOGUE: tuple[Sample, ...] = (
    of("Stablecoin.set_ceiling", "coin", 0, vault_of, lambda r: ceiling_of(r) // 2, note="lower"),
    of("Stablecoin.set_ceiling", "coin", PARAMETER, vault_of, lambda r: 2 * ceiling_of(r)),
    of("Stablecoin.set_ceiling", "coin", STRUCTURE, lambda r: r.second.address, 10**7 * WAD),
    of("Stablecoin.set_flash", "coin", PARAMETER, lambda r: flash(r) + 5, 0),
    of("Stablecoin.set_flash", "coin", STRUCTURE, lambda r: flash(r), 10**6 * WAD),
    of("Stablecoin.set_flash", "coin", 0, lent, 0, note="stop"),
    of("Stablecoin.propose_governor", "coin", CONTROL, stray),
    of("Vault.set_cap", "vault", 0, 0, 0, note="lower"),
    of("Vault.set_cap", "vault", PARAMETER, 0, lambda r: 20_000 * WAD),
    of("Vault.set_cap", "vault", STRUCTURE, closed_kind, 1_000 * WAD, note="afresh"),
    of("Vault.set_frozen", "vault", 0, 0, True, note="freeze"),
    of("Vault.set_frozen", "vault", PARAMETER, 0, thawed, note="thaw"),
    of("Vault.set_rate", "vault", PARAMETER, 10**27 * 4 // 100 // (365 * 86_400)),
    of("Vault.propose_fund", "vault", STRUCTURE, lambda r: r.fund.address),
    of(
        "Vault.list_collateral", "second", STRUCTURE, 0,
        lambda r: r.world.tokens[0].address, *LEVELS, 1_000 * WAD, False,
    ),
    of("Vault.propose_governor", "vault", CONTROL, stray),
    of("PriceHub.set_oracle", "hub", STRUCTURE, 0, lambda r: other_oracle(r, bps=9_991)),
    of(
        "PriceHub.set_bounds", "hub", STRUCTURE, 0,
        lambda r: hi(r) * 50 // 100, lambda r: hi(r) * 102 // 100,
    ),
    of("PriceHub.set_max_age", "hub", PARAMETER, 0, 50_000),
    of("PriceHub.set_limits", "hub", MARGIN, 0, 2_000_000, 300_000, 1_500, 14_000_000),
    of(
        "PriceHub.set_sequencer", "hub", STRUCTURE,
        lambda r: r.deploy("MockAggregator", 0, 0).address,
    ),
    of("PriceHub.propose_governor", "hub", CONTROL, stray),
    of("InsuranceFund.add_book", "fund", STRUCTURE, lambda r: r.second.address),
    of("InsuranceFund.accept_book", "fund", STRUCTURE, known_book),
    of("InsuranceFund.retire_book", "fund", STRUCTURE, closed_book),
    of("InsuranceFund.add_reserve", "fund", STRUCTURE, lambda r: r.peg.address),
    of("InsuranceFund.remove_reserve", "fund", STRUCTURE, reserve_of),
    of("InsuranceFund.set_buffer", "fund", PARAMETER, 150),
    of("InsuranceFund.set_treasury", "fund", STRUCTURE, lambda r: r.next),
    of("InsuranceFund.set_auction", "fund", PARAMETER,
        lambda r: r.fund.read("auction_duration") * 2,
        lambda r: r.fund.read("start_factor") + 50,
        lambda r: r.fund.read("end_factor") - 100,
    ),
    of("InsuranceFund.set_reaping_paused", "fund", 0, True, note="on"),
    of("InsuranceFund.set_reaping_paused", "fund", PARAMETER, reaping_off, note="off"),
    of("InsuranceFund.propose_governor", "fund", CONTROL, stray),
    of("MarginModels.list_model", "models", STRUCTURE, SLOT, lambda r: r.tiered[0].address),
    of("MarginModels.list_model", "models", STRUCTURE, 0, lambda r: r.tiered[0].address),
    of(
        "MarginModels.list_model", "models", STRUCTURE, CHOSEN + 1,
        lambda r: r.tiered[1].address, note="replaced",
    ),
    of("MarginModels.list_model", "models", STRUCTURE, CHOSEN, ZERO, note="emptied"),
    of("MarginModels.use_default", "models", MARGIN, vault_of, True),
    of("MarginModels.propose_governor", "models", CONTROL, stray),
    of("TieredMargin.propose_governor", "model", CONTROL, stray),
    of("PegStability.set_fees", "peg", PARAMETER, 15, 0),
    of("PegStability.set_guard", "peg", PARAMETER, 98 * WAD // 100),
    of("PegStability.set_minting_paused", "peg", 0, True, note="on"),
    of("PegStability.set_minting_paused", "peg", PARAMETER, minting_off, note="off"),
    of("PegStability.propose_governor", "peg", CONTROL, stray),
    of("Settlement.shutdown", "settlement", MARGIN, vault_of),
    of("Listings.list", "listings", STRUCTURE, vault_of, new_listing),
    of("Governor.register", "gov", STRUCTURE, stray, 9),
    of("Governor.set_guardian", "gov", STRUCTURE, lambda r: r.next),
    of("Governor.propose_admin", "gov", CONTROL, lambda r: r.next),
    of("Governor.propose_admin", "gov", STRUCTURE, ZERO, note="none"),
    of("Governor.set_pause", "gov", 0, vault_of, 4, True, note="pause"),
    of("Governor.set_pause", "gov", PARAMETER, vault_of, 4, opened, note="open"),
    of("Governor.ramp", "gov", MARGIN, vault_of, 0, *TIGHTER, note="lower a level"),
    of("Governor.ramp", "gov", PARAMETER, vault_of, 0, 7_600, 8_100, 8_600, 10_100, 8_800),
    of("Governor.ramp", "gov", MARGIN, vault_of, 0, 7_400, 7_900, 8_400, 10_200, 8_700),
    of("Governor.retire", "gov", STRUCTURE, vault_of),
)  # fmt: skip
