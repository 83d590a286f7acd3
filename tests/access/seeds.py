# SPDX-License-Identifier: MIT
"""Contracts with one check taken out, weakened or moved: what the tests of access must notice.

A seed is one replacement in one file, and `function` is where it shows.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from surety import paths


@dataclass(frozen=True, slots=True)
class Seed:
    """One replacement: `old` stands once in `file`, and becomes `new`."""

    name: str
    contract: str
    function: str
    file: str
    old: str
    new: str
    build: int = 0  # seeds of a contract that go into one build; -1: nobody could use it alone


def plant(folder: Path, *seeds: Seed) -> Path:
    """Copy contracts and interfaces into `folder` with these bugs; return the contract's source."""
    for base in (paths.contracts(), paths.interfaces()):
        shutil.copytree(base, folder / base.name)
    for seed in seeds:
        target = folder / "contracts" / seed.file
        text = target.read_text()
        assert text.count(seed.old) == 1, f"{seed.name}: {text.count(seed.old)} places"
        target.write_text(text.replace(seed.old, seed.new))
    return next((folder / "contracts").rglob(f"{seeds[0].contract}.vy"))


def builds() -> dict[tuple[str, int], list[Seed]]:
    """Return the seeds that a live system is tried with, by contract and build."""
    found: dict[tuple[str, int], list[Seed]] = {}
    for seed in SEEDS:
        if seed.build >= 0:
            found.setdefault((seed.contract, seed.build), []).append(seed)
    return found


def _governor(
    name: str, contract: str, file: str, head: str, check: str = "governed.check_governor()"
) -> Seed:
    """Take the check out of a function that begins with it."""
    old = f"{head}\n    {check}\n"
    return Seed(f"{contract}.{name}: no check", contract, name, file, old, f"{head}\n    pass\n")


_MARK = "    governed.check_governor()\n"

SEEDS = (
    _governor(
        "set_cap",
        "Vault",
        "Vault.vy",
        "def set_cap(kind: uint256, cap: uint256):",
        "self.check_governed(kind)",
    ),
    _governor("set_pauses", "Vault", "Vault.vy", "def set_pauses(bits: uint256):"),
    _governor("set_rate", "Vault", "Vault.vy", "def set_rate(rate: uint256):"),
    _governor("propose_fund", "Vault", "Vault.vy", "def propose_fund(fund_: address):"),
    Seed(
        "anybody governs",
        "MarginModels",
        "list_model",
        "modules/governed.vy",
        "    if msg.sender != self.governor:\n",
        "    if msg.sender == empty(address):\n",
    ),
    Seed(
        "the check is turned round",
        "MarginModels",
        "list_model",
        "modules/governed.vy",
        "    if msg.sender != self.governor:\n",
        "    if msg.sender == self.governor:\n",
        1,
    ),
    Seed(
        "anybody accepts governorship",
        "Vault",
        "accept_governor",
        "modules/governed.vy",
        "    if msg.sender != self.pending_governor:\n",
        "    if self.pending_governor == empty(address):\n",
    ),
    Seed(
        "an operator of any sub-account",
        "Vault",
        "withdraw",
        "Vault.vy",
        "        self, owner, id & 255, msg.sender\n",
        "        self, owner, 0, msg.sender\n",
    ),
    Seed(
        "withdrawing asks nobody",
        "Vault",
        "withdraw",
        "Vault.vy",
        "    if raised | enabled != 0:\n        if msg.sender",
        "    if enabled != 0:\n        if msg.sender",
    ),
    Seed(
        "a move asks for its destination only",
        "Vault",
        "move",
        "Vault.vy",
        "    self.check_authorised(source)\n",
        "",
        -1,  # what leaves it asks again
    ),
    Seed(
        "a move asks for its source only",
        "Vault",
        "move",
        "Vault.vy",
        "    self.check_authorised(destination)\n",
        "",
        -1,  # what raises its risk asks again
    ),
    Seed(
        "anybody chooses a margin model",
        "Vault",
        "set_margin_model",
        "Vault.vy",
        "def set_margin_model(account_: uint256, slot: uint256):\n"
        "    self.check_authorised(account_)\n",
        "def set_margin_model(account_: uint256, slot: uint256):\n    pass\n",
    ),
    Seed(
        "anybody draws what was absorbed",
        "Vault",
        "withdraw_absorbed",
        "Vault.vy",
        "        reasons.fail(reasons.NOT_FUND)\n",
        "        pass\n",
    ),
    Seed(
        "anybody lists through the vault",
        "Vault",
        "list_collateral",
        "Vault.vy",
        "    if msg.sender != staticcall IPriceHub(hub).listings():\n"
        + _MARK.replace("    ", "        ", 1),
        "    pass\n",
    ),
    Seed(
        "settlement is not asked for",
        "Vault",
        "settle",
        "Vault.vy",
        "    if msg.sender != settlement:\n",
        "    if settlement == empty(address):\n",
    ),
    Seed(
        "anybody mints",
        "Stablecoin",
        "mint",
        "Stablecoin.vy",
        '    assert word != 0, "not minter"\n    assert receiver',
        "    assert receiver",
    ),
    Seed(
        "anybody burns anybody's coins",
        "Stablecoin",
        "burn",
        "Stablecoin.vy",
        '    assert word != 0 or holder == msg.sender, "not minter"\n',
        "",
    ),
    Seed(
        "no allowance is needed",
        "Stablecoin",
        "transferFrom",
        "Stablecoin.vy",
        '        assert allowed >= amount, "erc20: insufficient allowance"\n'
        "        self._approve(owner, msg.sender",
        "        self._approve(owner, msg.sender",
    ),
    Seed(
        "anybody lists a price",
        "PriceHub",
        "list_kind",
        "PriceHub.vy",
        "    if msg.sender != LISTINGS:\n        governed.check_governor()\n",
        "",
    ),
    Seed(
        "only the vault's governor is asked for",
        "Listings",
        "list",
        "Listings.vy",
        '    assert msg.sender == staticcall Governed(hub).governor(), "not the hub\'s governor"\n',
        "",
    ),
    Seed(
        "anybody ends a book",
        "Settlement",
        "shutdown",
        "Settlement.vy",
        '    assert msg.sender == staticcall Book(vault).governor(), "not governor"\n',
        "",
    ),
    Seed(
        "anybody claims for themselves",
        "Settlement",
        "claim",
        "Settlement.vy",
        '    assert receiver == holder or msg.sender == holder, "not holder"\n',
        "",
    ),
    Seed(
        "anybody settles before the owner's time is over",
        "Settlement",
        "settle",
        "Settlement.vy",
        "        if not self.is_authorised(vault, id):\n",
        "        if id == 0:\n",
    ),
    Seed(
        "anybody tightens",
        "Governor",
        "tighten",
        "Governor.vy",
        '    assert is_admin or msg.sender == self.guardian, "not guardian"\n',
        "",
    ),
    Seed(
        "the guardian proposes",
        "Governor",
        "propose",
        "Governor.vy",
        '    assert msg.sender == self.admin, "not admin"\n    verdict',
        '    assert msg.sender in [self.admin, self.guardian], "not admin"\n    verdict',
    ),
)
