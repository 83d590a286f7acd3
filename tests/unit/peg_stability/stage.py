# SPDX-License-Identifier: MIT
"""A peg in a whole system: over its stable kind, counted by its fund, priced by its real hub."""

from __future__ import annotations

from surety.chain import Contract, Receipt, UnlockedSender, deploy_contract
from surety.compile import Artifact, artifact
from tests.world import MAX, WAD, World

STABLE = 2  # the kind of the local systems that is one coin
GUARD = 995 * WAD // 1_000
CEILING = 1_000_000 * WAD


class Stage:
    """A world with a peg over its stable token; amounts in base units of that, coins in WAD."""

    def __init__(
        self,
        world: World,
        peg: Artifact | None = None,
        *,
        fees: tuple[int, int] = (0, 0),
        guard: int = GUARD,
        ceiling: int = CEILING,
    ) -> None:
        self.world, self.coin, self.fund = world, world.coin, world.fund
        self.token, self.feed = world.tokens[STABLE], world.feeds[STABLE]
        self.unit = 10 ** self.token.read("decimals")
        found = peg or artifact("PegStability")
        args = (world.governor, self.coin.address, self.token.address, world.hub.address, STABLE)
        sender = UnlockedSender(world.rpc, world.governor)
        place = deploy_contract(sender, found, *args, *fees, guard)
        self.peg = Contract(world.rpc, place, found.abi)
        self.govern(self.coin, "set_ceiling", place, ceiling)
        self.govern(self.fund, "add_reserve", place)
        for who in (world.owner, world.other, world.keeper, world.stranger):
            self.token.transact("approve", place, MAX, sender=who)

    def govern(self, contract: Contract, fn: str, *args: object) -> Receipt:
        return contract.transact(fn, *args, sender=self.world.governor)

    def market(self, price: int, poke: bool = True) -> None:
        """Let the reserve trade at this price, and the hub have heard of it unless told not to."""
        self.world.set_price(STABLE, price)
        if poke:
            self.world.forward(self.world.params.fresh_for)
            self.govern(self.world.hub, "poke", 1 << STABLE)

    def buy(self, who: str, amount: int) -> None:
        """Let somebody have reserve, which the caller accounts for."""
        self.world.give(who, STABLE, amount)

    def mint(self, who: str, amount: int) -> Receipt:
        return self.peg.transact("mint", amount, who, sender=who)

    def redeem(self, who: str, coins: int) -> Receipt:
        return self.peg.transact("redeem", coins, who, sender=who)

    def coins(self, who: str) -> int:
        return int(self.coin.read("balanceOf", who))

    def wealth(self, who: str, price: int) -> int:
        """Return what somebody has: coins at one, the reserve at a price."""
        return self.coins(who) + int(self.token.read("balanceOf", who)) * price // self.unit

    def equity(self) -> int:
        surplus, deficit = self.fund.read("equity")
        return int(surplus) - int(deficit)
