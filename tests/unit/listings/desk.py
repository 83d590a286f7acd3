# SPDX-License-Identifier: MIT
"""The listing desk of a world, and what is listed there in these tests."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from eth_abi import encode

from surety.chain import Contract, Receipt, UnlockedSender, deploy_contract
from surety.compile import artifact
from tests.world import WAD, World

ZERO = "0x" + "00" * 20
PRICE = 2_000 * WAD
DECIMALS, BALANCE, LIVE_PRICE = range(3)  # what a MockTwoFaced is asked
ANSWERS, REVERTS, BURNS, WRITES, CALLS = range(5)  # how it answers


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing in the order of IListings, good unless changed."""

    token: str
    oracle: str
    decimals: int = 18
    expected_price: int = PRICE
    max_age: int = 3_600
    min_price: int = 100 * WAD
    max_price: int = 50_000 * WAD
    slew_down: int = 1_666_667
    slew_up: int = 333_333
    jump_bps: int = 2_000
    sigma_ref: int = 15_000_000
    initial_ltv: int = 7_500
    maintenance_ltv: int = 8_000
    close_out_ltv: int = 8_500
    start_factor: int = 10_100
    end_factor: int = 8_800
    cap: int = 10**24
    isolated: bool = False

    def struct(self) -> tuple[Any, ...]:
        token, oracle, decimals, *rest = astuple(self)
        return (token, decimals, oracle, *rest)

    def word(self) -> int:
        """Return the collateral word that the vault must store."""
        word = int(self.token, 16) | self.decimals << 240
        levels = (
            self.initial_ltv,
            self.maintenance_ltv,
            self.close_out_ltv,
            self.start_factor,
            self.end_factor,
        )
        for place, value in enumerate(levels):
            word |= value << 160 + 16 * place
        return word


class Desk:
    """`Listings` of a world, a good token and oracle, and ones that say what they are told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contract: Contract = world.contract("Listings", world.system.listings)
        self.vault = world.vault.address
        self.token = self.new("MockToken", "New", "NEW", 18).address
        self.source = self.new("MockOracle", PRICE)
        self.odd = self.new("MockTwoFaced")
        self.says(DECIMALS, 18)
        self.says(BALANCE, 0)
        self.says(LIVE_PRICE, PRICE, world.now)

    def new(self, name: str, *args: Any) -> Contract:
        sender = UnlockedSender(self.world.rpc, self.world.governor)
        return self.world.contract(name, deploy_contract(sender, artifact(name), *args))

    def says(self, question: int, *words: int, mode: int = ANSWERS, to: str = ZERO) -> None:
        """Let the odd contract answer these words, to everybody or to one caller."""
        self.answers(question, encode(["uint256"] * len(words), words), mode=mode, to=to)

    def answers(self, question: int, answer: bytes, mode: int = ANSWERS, to: str = ZERO) -> None:
        """Let the odd contract answer these bytes, to everybody or to one caller."""
        self.odd.transact("set_answer", to, question, mode, answer, sender=self.world.governor)

    def good(self, **changes: Any) -> Listing:
        return Listing(**({"token": self.token, "oracle": self.source.address} | changes))

    def list(
        self, listing: Listing, sender: str | None = None, vault: str | None = None
    ) -> Receipt:
        sender = sender or self.world.governor
        return self.contract.transact("list", vault or self.vault, listing.struct(), sender=sender)

    def preview(self, listing: Listing, vault: str | None = None) -> tuple[int, int, int, int]:
        """Ask as nobody in particular."""
        answer = self.contract.read("preview", vault or self.vault, listing.struct())
        return tuple(answer)

    def storage(self) -> tuple[str, str]:
        """Return the roots of everything that hub and vault have stored."""
        hub, vault = (
            self.world.rpc.call("eth_getProof", address, [], "latest")["storageHash"]
            for address in (self.world.hub.address, self.vault)
        )
        return hub, vault
