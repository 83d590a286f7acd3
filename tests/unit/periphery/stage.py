# SPDX-License-Identifier: MIT
"""A book whose kinds trade on real Uniswap pools, with the zap and the gateway beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from surety.anvil import Anvil
from surety.chain import Contract, Receipt, Rpc, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.deploy import MAJOR, STABLE, BookParams, SystemParams, local_feed
from surety.formulas import margin_math
from tests.uniswap import FOREVER, WETH9, Curve, Packed, Uniswap, packed, path_of
from tests.world import GENESIS, MAX, WAD, World

ETH, WETH, USDT, TAXED, HOOK, CAPPED = range(6)
CAP = 30 * WAD
KINDS = (
    ("eth", "MockToken", 18, 2_000 * WAD),
    ("weth", WETH9, 18, 2_000 * WAD),
    ("usdt", "StrictApproveToken", 6, WAD),
    ("taxed", "FeeToken", 18, 2_000 * WAD),
    ("hook", "ReentrantToken", 18, 2_000 * WAD),
    ("capped", "MockToken", 18, 2_000 * WAD),
)
DEPTH = 2_000_000 * WAD  # coins' worth on each side of a pool


class Stage(World):
    """A world whose kinds are those above, without interest so that sums can be told exactly."""

    def __init__(self, node: Anvil) -> None:
        rpc = Rpc(node.url)
        sender = UnlockedSender(rpc, rpc.call("eth_accounts")[0])
        kinds = []
        for name, made, decimals, price in KINDS:
            if made == WETH9:
                weth: Packed = packed(WETH9)
                token = deploy_contract(sender, weth)
            else:
                token = deploy_contract(sender, artifact(made), name, name.upper(), decimals)
            levels = STABLE if name == "usdt" else MAJOR
            kind = local_feed(sender, name, token, price, levels)
            kinds.append(replace(kind, cap=CAP) if name == "capped" else kind)
        super().__init__(rpc, SystemParams(kinds=tuple(kinds), book=replace(BookParams(), rate=0)))
        self.weth = Contract(rpc, self.tokens[WETH].address, packed(WETH9).abi)
        self.uniswap = Uniswap(rpc, self.governor, self.weth.address)
        self.zap = self._deploy("LeverageZap", self.vault.address, self.uniswap.router.address)
        self.gateway = self._deploy("WethGateway", self.vault.address, self.weth.address, WETH)
        self.pools: dict[frozenset[str], Contract] = {}
        self._make_pools()
        for who in (self.owner, self.stranger):
            for token in self.tokens:
                token.transact("approve", self.zap.address, MAX, sender=who)
            self.set_operator(self.zap.address, MAX, sender=who)

    def _deploy(self, name: str, *args: Any) -> Contract:
        sender = UnlockedSender(self.rpc, self.governor)
        return self.contract(name, deploy_contract(sender, artifact(name), *args))

    def _make_pools(self) -> None:
        pairs = [(None, kind) for kind in range(len(KINDS))] + [(WETH, USDT), (ETH, USDT)]
        self.give_coins(self.keeper, DEPTH * len(KINDS))
        positions = self.uniswap.positions.address
        self.coin.transact("approve", positions, MAX, sender=self.keeper)
        for token in self.tokens:
            token.transact("approve", positions, MAX, sender=self.keeper)
        for pair in pairs:
            amounts = {}
            for kind in pair:
                if kind is None:
                    amounts[self.coin.address] = DEPTH
                    continue
                _, _, decimals, price = KINDS[kind]
                amount = DEPTH * 10**decimals // price
                self.give(self.keeper, kind, amount)
                amounts[self.tokens[kind].address] = amount
            self.pools[frozenset(amounts)] = self.uniswap.pool(amounts, self.keeper)

    # moves

    def give(self, who: str, kind: int, amount: int) -> None:
        if kind != WETH:
            super().give(who, kind, amount)
            return
        self.rpc.set_balance(who, self.rpc.balance(who) + amount + 10**18)
        self.weth.transact("deposit", sender=who, value=amount)

    def set_fee(self, bps: int) -> None:
        """Let the taxed token keep a part of every transfer from now on."""
        taxed = self.contract("FeeToken", self.address(TAXED))
        taxed.transact("set_fee", bps, sender=self.governor)

    def do(self, fn: str, *args: Any, sender: str | None = None) -> Receipt:
        """Call the zap as the owner unless told otherwise, with no deadline to speak of."""
        return self.zap.transact(fn, *args, FOREVER, sender=sender or self.owner)

    def ask(self, fn: str, *args: Any, sender: str | None = None) -> int:
        """Return what a call of the zap would return now."""
        return self.zap.read(fn, *args, FOREVER, sender=sender or self.owner)

    # reading

    def address(self, kind: int | None) -> str:
        """Return the token of a kind, or the coin for None."""
        return self.coin.address if kind is None else self.tokens[kind].address

    def path(self, *kinds: int | None) -> bytes:
        """Return the path along these kinds, None being the coin."""
        return path_of(*(self.address(kind) for kind in kinds))

    def curve(self, one: int | None, other: int | None) -> Curve:
        return Curve.of(self.pools[frozenset((self.address(one), self.address(other)))])

    def bought(self, sold: int, *kinds: int | None) -> int:
        """Return what exactly `sold` of the first buys along these kinds."""
        for one, other in pairwise(kinds):
            sold = self.curve(one, other).bought(self.address(one), sold)
        return sold

    def sold(self, bought: int, one: int | None, other: int | None) -> int:
        """Return what has to be sold of `one` to buy exactly `bought` of `other`."""
        return self.curve(one, other).sold(self.address(one), bought)

    def held(self, kind: int | None, who: str | None = None) -> int:
        token = self.coin if kind is None else self.tokens[kind]
        return token.read("balanceOf", who or self.owner)

    def balance(self, id: int, kind: int) -> int:
        """Return an account's collateral of a kind."""
        return self.vault.read("balances", id, kind)

    def initial(self, id: int) -> int:
        """Return what an account may owe at the initial level, at the hub's prices."""
        capacity = 0
        for kind, (_, _, decimals, _) in enumerate(KINDS):
            word = self.hub.read("words", kind)
            value = margin_math.value_down(self.balance(id, kind), word % 2**88, decimals)
            ltv = self.params.kinds[kind].levels.initial_ltv
            capacity += margin_math.initial_capacity(value, ltv, (word >> 216) % 2**16, 0)
        return capacity

    def check_empty(self) -> None:
        """Assert that neither contract holds or has approved anything."""
        spenders = (self.vault.address, self.uniswap.router.address, self.stranger)
        requests = []
        for contract in (self.zap, self.gateway):
            assert self.rpc.balance(contract.address) == 0
            for token in (self.coin, *self.tokens):
                requests.append(token.request("balanceOf", contract.address))
                requests += [token.request("allowance", contract.address, who) for who in spenders]
        answers = self.rpc.batch(requests)
        assert {int(answer, 16) for answer in answers} == {0}


def start() -> Anvil:
    return Anvil(timestamp=GENESIS, block_interval=1)
