# SPDX-License-Identifier: MIT
"""The list of margin models of a world, and a model that misbehaves as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from eth_abi import encode
from eth_utils.crypto import keccak

from surety.chain import Contract, Receipt, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.formulas import margin_math
from tests.world import World

ZERO = "0x" + "00" * 20
NOBODY = 255  # no kind is sold
EXPOSURE = "(uint256,uint256,uint256,uint256,uint256,uint256,uint256)"

# modes of a mock in which there is no usable answer
BROKEN = {
    "reverts": 1,
    "burns all gas": 2,
    "one word too few": 3,
    "one word too many": 4,
    "nothing": 5,
    "writes": 6,
    "64 kB": 8,
    "reverts with five words": 11,
    "one byte too few": 12,
}


@dataclass(frozen=True, slots=True)
class Off:
    """What `MarginModels` answers."""

    failed: bool = False
    initial: int = 0
    target: int = 0
    maintenance: int = 0
    close_out: int = 0
    sold_bps: int = 0


@dataclass(frozen=True, slots=True)
class Exposure:
    """One kind of an account, in the order of IMarginModel."""

    kind: int
    deposited: int
    value: int
    initial: int
    target: int
    maintenance: int
    close_out: int


class Models:
    """The list of margin models of a world's book."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contract = world.contract("MarginModels", world.system.margin_models)

    def list(self, slot: int, model: str, sender: str | None = None) -> Receipt:
        sender = sender or self.world.governor
        return self.contract.transact("list_model", slot, model, sender=sender)

    def ask(
        self, slot: int, exposures: Sequence[Exposure], sold_kind: int = NOBODY, account: int = 0
    ) -> Off:
        legs = [astuple(exposure) for exposure in exposures]
        vault = self.world.vault.address
        return Off(*self.contract.read("ask", vault, account, slot, legs, sold_kind))

    def surcharges(self, slot: int, account: int, sold_kind: int = NOBODY) -> Off:
        """Ask as the vault does."""
        args = (account, slot, sold_kind)
        return Off(*self.contract.read("surcharges", *args, sender=self.world.vault.address))


class Mock:
    """A deployed `MockModel`."""

    def __init__(self, world: World) -> None:
        self._sender = world.governor
        address = deploy_contract(UnlockedSender(world.rpc, self._sender), artifact("MockModel"))
        self.contract: Contract = world.contract("MockModel", address)
        self.address = address

    def says(
        self,
        initial: int = 0,
        target: int = 0,
        maintenance: int = 0,
        close_out: int = 0,
        sold_bps: int = 0,
    ) -> None:
        words = [initial, target, maintenance, close_out, sold_bps]
        self.contract.transact("set_words", words, sender=self._sender)

    def set_mode(self, mode: int) -> None:
        self.contract.transact("set_mode", mode, sender=self._sender)

    def expect(self, account: int, exposures: Sequence[Exposure], sold_kind: int) -> None:
        """Answer only to exactly these arguments."""
        legs = [astuple(exposure) for exposure in exposures]
        data = encode(["uint256", EXPOSURE + "[]", "uint256"], [account, legs, sold_kind])
        self.contract.transact("expect", keccak(data), sender=self._sender)

    def calls(self, contract: Contract, name: str, *args: object) -> None:
        """Make this call when asked, and fail when it fails."""
        data = contract.encode(name, *args)
        self.contract.transact("set_call", contract.address, data, sender=self._sender)


def exposures_of(world: World, id: int) -> list[Exposure]:
    """Work out what a model must be told of an account, from the stored words of vault and hub."""
    found = []
    frozen = world.vault.read("totals") >> 200
    for kind in range(len(world.tokens)):
        balance = world.vault.read("balances", id, kind)
        if balance == 0:
            continue
        word, price = world.vault.read("collateral", kind), world.hub.read("read_one", kind)
        initial_ltv, maintenance_ltv, close_out_ltv = (
            (word >> shift) % 2**16 for shift in (160, 176, 192)
        )
        decimals = (word >> 240) % 2**8
        lo, hi = (
            margin_math.value_down(balance, value, decimals)
            for value in (price % 2**88, (price >> 88) % 2**88)
        )
        found.append(
            Exposure(
                kind=kind,
                deposited=world.total(kind),
                value=hi,
                initial=margin_math.initial_capacity(
                    lo, initial_ltv, (price >> 216) % 2**16, frozen >> kind & 1
                ),
                target=margin_math.target_capacity(hi, initial_ltv),
                maintenance=margin_math.maintenance_capacity(
                    hi, initial_ltv, maintenance_ltv, (price >> 232) % 2**16
                ),
                close_out=margin_math.close_out_capacity(hi, close_out_ltv),
            )
        )
    return found
