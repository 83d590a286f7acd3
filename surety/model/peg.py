# SPDX-License-Identifier: MIT
"""The peg in Python: coins for a reserve and back at par, in exact integers, with the reasons.

`amount` is base units of the reserve, coins and values are WAD. `caller` is `msg.sender`. A method
that raises Refused leaves everything as it was. The reserve is a token that moves what it is told
between those who have it; what hostile ones do is for the tests of the contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from surety.formulas import margin_math
from surety.model.coin import Stablecoin
from surety.model.state import BPS, MAX, WAD, Price, as_number, refuse

MAX_FEE_BPS: Final = 100
MIN_GUARD: Final = 9 * WAD // 10
MAX_AMOUNT: Final = 2**128 - 1


@dataclass(slots=True)
class Peg:
    """A reserve held for coins; `price` is the hub's word as it would answer now.

    `live` is what the oracle says this moment, 0 where it fails.

    `balances` is who has how much of the reserve, this contract among them; `held` is what of that
    is booked. `events` is all that was logged, addresses as numbers.
    """

    address: str
    governor: str
    coin: Stablecoin
    decimals: int
    price: Price
    mint_fee_bps: int = 0
    redeem_fee_bps: int = 0
    guard_price: int = WAD
    is_minting_paused: bool = False
    held: int = 0
    live: int = MAX
    balances: dict[int, int] = field(default_factory=dict)
    events: list[tuple[str, tuple[int, ...]]] = field(default_factory=list, compare=False)

    def copy(self) -> Peg:
        """Return a peg, with its coin, that can be changed without changing this one."""
        return replace(
            self, coin=self.coin.copy(), balances=dict(self.balances), events=list(self.events)
        )

    # swaps

    def mint(self, caller: str, amount: int, receiver: str) -> int:
        """Take reserve in and mint coins for it, rounded down."""
        self._check_receiver(receiver)
        coins = self._coins_for(amount)
        self._check_open()
        if self.balances.get(as_number(caller), 0) < amount:
            refuse("")
        if self.balance + amount < self.held + amount:
            refuse("token kept a fee")
        if not self.coin.mint(self.address, receiver, coins):
            refuse("above ceiling")
        self._move(caller, self.address, amount)
        self.held += amount
        self._log("Minted", as_number(caller), as_number(receiver), amount, coins, self.held)
        return coins

    def redeem(self, caller: str, coins: int, receiver: str) -> int:
        """Burn the caller's coins and pay the reserve for them, rounded down."""
        self._check_receiver(receiver)
        amount = self._amount_for(coins)
        before = self.coin.copy()
        self.coin.burn(self.address, caller, coins)
        if self.balance < amount:
            self.coin.restore(before)
            refuse("")
        self.held -= amount
        self._move(self.address, receiver, amount)
        self._log("Redeemed", as_number(caller), as_number(receiver), coins, amount, self.held)
        return amount

    def _check_receiver(self, receiver: str) -> None:
        if as_number(receiver) in (0, as_number(self.address)):
            refuse("bad receiver")

    def _coins_for(self, amount: int) -> int:
        if self.is_minting_paused:
            refuse("minting paused")
        if amount > MAX_AMOUNT:
            refuse("amount too large")
        worth = margin_math.value_down(amount, WAD, self.decimals)
        coins = int(margin_math.mul_div_down(worth, BPS - self.mint_fee_bps, BPS))
        if coins == 0:
            refuse("zero amount")
        return coins

    def _check_open(self) -> None:
        if self.price.has_failed or not self.live:
            refuse("price failed")
        if self.price.is_confirming:
            refuse("price confirming")
        if min(self.price.lo, self.live) < self.guard_price:
            refuse("below guard")

    def _amount_for(self, coins: int) -> int:
        if coins > MAX_AMOUNT:
            refuse("amount too large")
        worth = margin_math.mul_div_down(coins, BPS - self.redeem_fee_bps, BPS)
        amount = int(margin_math.mul_div_down(worth, 10**self.decimals, WAD))
        if amount == 0:
            refuse("zero amount")
        if amount > self.held:
            refuse("reserve too low")
        return amount

    # governance

    def set_fees(self, caller: str, mint_fee_bps: int, redeem_fee_bps: int) -> None:
        """Set what each side keeps."""
        self._check_governor(caller)
        if max(mint_fee_bps, redeem_fee_bps) > MAX_FEE_BPS:
            refuse("fee too high")
        self.mint_fee_bps, self.redeem_fee_bps = mint_fee_bps, redeem_fee_bps
        self._log("FeesSet", mint_fee_bps, redeem_fee_bps)

    def set_guard(self, caller: str, guard_price: int) -> None:
        """Set the price below which nothing is minted."""
        self._check_governor(caller)
        if not MIN_GUARD <= guard_price <= WAD:
            refuse("bad guard")
        self.guard_price = guard_price
        self._log("GuardSet", guard_price)

    def set_minting_paused(self, caller: str, paused: bool) -> None:
        """Stop minting, or let it go on."""
        self._check_governor(caller)
        self.is_minting_paused = paused
        self._log("MintingPaused", int(paused))

    def _check_governor(self, caller: str) -> None:
        if as_number(caller) != as_number(self.governor):
            refuse("not governor")

    # views

    @property
    def balance(self) -> int:
        """What of the reserve is here, booked or not."""
        return self.balances.get(as_number(self.address), 0)

    @property
    def backing(self) -> int:
        """What the reserve counts for in equity: what is booked and there, never above par."""
        there = min(self.held, self.balance)
        price = 0 if self.price.has_failed else min(self.price.lo, WAD)
        return int(margin_math.value_down(there, price, self.decimals))

    def preview_mint(self, amount: int) -> int:
        """Return the coins that `mint` would give."""
        coins = self._coins_for(amount)
        self._check_open()
        if coins > self.coin.headroom(self.address):
            refuse("above ceiling")
        return coins

    def preview_redeem(self, coins: int) -> int:
        """Return the reserve that `redeem` would pay."""
        return self._amount_for(coins)

    def _move(self, payer: str, receiver: str, amount: int) -> None:
        self.balances[as_number(payer)] -= amount
        key = as_number(receiver)
        self.balances[key] = self.balances.get(key, 0) + amount

    def _log(self, name: str, *args: int) -> None:
        self.events.append((name, args))
