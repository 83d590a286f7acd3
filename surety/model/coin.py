# SPDX-License-Identifier: MIT
"""The coin in Python: exact integers, the contract's own reasons, a method for each function.

Amounts in coin units (WAD). `caller` is `msg.sender`; addresses may be spelled in any case. A
method that raises Refused leaves the coin as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Final, TypeVar

from surety.formulas import margin_math
from surety.model.signature import domain_separator, permit_digest, signer_of
from surety.model.state import BPS, MAX, as_number, refuse

_Key = TypeVar("_Key", int, tuple[int, int])

MAX_MINTERS: Final = 32
MAX_CEILING: Final = 2**120 - 1
MAX_FLASH_FEE_BPS: Final = 100
MAX_FLASH_CEILING: Final = 2**112
MAX_S: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # EIP-2


@dataclass(slots=True)
class Stablecoin:
    """The coin: balances, allowances and nonces of holders, and what each minter has outstanding.

    Empty entries of the mappings are left out. `burned_beyond` counts coins burned for which no
    minter's outstanding amount fell; `flash_minted` what the running flash loan minted; `events` is
    all that was logged, a name and its arguments each, addresses as numbers.
    """

    address: str
    governor: str
    name: str = "Surety Dollar"
    chain_id: int = 1
    balances: dict[int, int] = field(default_factory=dict)
    allowances: dict[tuple[int, int], int] = field(default_factory=dict)  # by owner and spender
    nonces: dict[int, int] = field(default_factory=dict)
    minted: dict[int, int] = field(default_factory=dict)  # of every minter, in order of naming
    ceilings: dict[int, int] = field(default_factory=dict)
    burned_beyond: int = 0
    flash_minted: int = 0
    flash_fee_bps: int = 0
    flash_ceiling: int = 0
    events: list[tuple[str, tuple[int, ...]]] = field(default_factory=list, compare=False)

    def copy(self) -> Stablecoin:
        """Return a coin that can be changed without changing this one."""
        return replace(
            self,
            balances=dict(self.balances),
            allowances=dict(self.allowances),
            nonces=dict(self.nonces),
            minted=dict(self.minted),
            ceilings=dict(self.ceilings),
            events=list(self.events),
        )

    def restore(self, other: Stablecoin) -> None:
        """Become what another one is; the other must not be used afterwards."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    # views

    @property
    def total_supply(self) -> int:
        """All coins in existence, those of a running flash loan among them."""
        return sum(self.minted.values()) + self.flash_minted - self.burned_beyond

    def balance_of(self, holder: str) -> int:
        """Return what a holder has."""
        return self.balances.get(as_number(holder), 0)

    def allowance(self, owner: str, spender: str) -> int:
        """Return what `spender` may move of `owner`."""
        return self.allowances.get((as_number(owner), as_number(spender)), 0)

    def headroom(self, minter: str) -> int:
        """Return what a minter may still mint; 0 for others."""
        key = as_number(minter)
        return max(0, self.ceilings.get(key, 0) - self.minted.get(key, 0))

    def max_flash_loan(self, token: str) -> int:
        """Return what one flash loan may mint now; 0 for other tokens and inside a loan."""
        ours = as_number(token) == as_number(self.address)
        return self.flash_ceiling if ours and not self.flash_minted else 0

    def flash_fee(self, token: str, amount: int) -> int:
        """Return what a loan costs beside itself, rounded up."""
        if as_number(token) != as_number(self.address):
            refuse("unsupported token")
        return int(margin_math.mul_div_up(amount, self.flash_fee_bps, BPS))

    @property
    def domain_separator(self) -> bytes:
        """What permits are signed for: this contract on the present chain."""
        return domain_separator(self.name, self.chain_id, self.address)

    # minters and holders

    def mint(self, caller: str, receiver: str, amount: int) -> bool:
        """Mint through a minter; False, with nothing changed, above its ceiling."""
        minter = as_number(caller)
        if minter not in self.minted:
            refuse("not minter")
        if not as_number(receiver):
            refuse("mint to zero")
        if self.minted[minter] + amount > self.ceilings[minter]:
            return False
        self.minted[minter] += amount
        self._give(receiver, amount)
        self._log("Transfer", 0, as_number(receiver), amount)
        return True

    def burn(self, caller: str, holder: str, amount: int) -> None:
        """Burn by a minter, from anyone, or by the holder; what is outstanding saturates at 0."""
        minter = as_number(caller)
        if minter not in self.minted and as_number(holder) != minter:
            refuse("not minter")
        if not as_number(holder):
            refuse("zero owner")
        self._take(holder, amount, "amount exceeds balance")
        fallen = min(self.minted.get(minter, 0), amount)
        if fallen:
            self.minted[minter] -= fallen
        self.burned_beyond += amount - fallen
        self._log("Transfer", as_number(holder), 0, amount)

    def transfer(self, caller: str, to: str, amount: int) -> None:
        """Move the caller's coins."""
        if not as_number(to):
            refuse("erc20: transfer to the zero address")
        self._take(caller, amount, "erc20: transfer amount exceeds balance")
        self._give(to, amount)
        self._log("Transfer", as_number(caller), as_number(to), amount)

    def transfer_from(self, caller: str, owner: str, to: str, amount: int) -> None:
        """Move an owner's coins by an allowance, which 2**256 - 1 never uses up."""
        before = self.copy()
        self._spend(owner, caller, amount)
        try:
            self.transfer(owner, to, amount)
        except BaseException:
            self.restore(before)
            raise

    def approve(self, caller: str, spender: str, amount: int) -> None:
        """Let a spender move at most `amount` of the caller's coins."""
        if not as_number(caller):
            refuse("erc20: approve from the zero address")
        if not as_number(spender):
            refuse("erc20: approve to the zero address")
        _set(self.allowances, (as_number(caller), as_number(spender)), amount)
        self._log("Approval", as_number(caller), as_number(spender), amount)

    def permit(
        self,
        owner: str,
        spender: str,
        amount: int,
        deadline: int,
        signature: tuple[int, bytes, bytes],
        now: int,
    ) -> None:
        """Approve by a signature (v, r, s) of the owner, which anyone may bring."""
        v, r, s = signature
        if now > deadline:
            refuse("erc20: expired deadline")
        if int.from_bytes(s) > MAX_S:
            refuse("ecdsa: invalid signature `s` value")
        nonce = self.nonces.get(as_number(owner), 0)
        digest = permit_digest(self.domain_separator, owner, spender, amount, nonce, deadline)
        signer = signer_of(digest, r + s + bytes([v]))
        if not signer:
            refuse("ecdsa: invalid signature")
        if signer != as_number(owner):
            refuse("erc20: invalid signature")
        self.approve(owner, spender, amount)
        self.nonces[as_number(owner)] = nonce + 1

    # flash loans

    def flash_loan(
        self,
        receiver: str,
        token: str,
        amount: int,
        on_flash_loan: Callable[[int], bool],
    ) -> int:
        """Lend for one call and return the fee.

        `on_flash_loan` gets the fee, does what the receiver does (it may call every method here),
        and tells whether the receiver answers what ERC-3156 wants.
        """
        if as_number(token) != as_number(self.address):
            refuse("unsupported token")
        if self.flash_minted:
            refuse("flash mint active")
        if amount > self.flash_ceiling:
            refuse("above flash ceiling")
        fee = self.flash_fee(token, amount)
        before = self.copy()
        try:
            self.flash_minted = amount
            self._give(receiver, amount)
            self._log("Transfer", 0, as_number(receiver), amount)
            if not on_flash_loan(fee):
                refuse("flash callback failed")
            self._spend(receiver, self.address, amount + fee)
            self._take(receiver, amount + fee, "amount exceeds balance")
            self.flash_minted = 0
            self.burned_beyond += fee
            self._log("Transfer", as_number(receiver), 0, amount + fee)
            self._log("FlashMinted", as_number(receiver), amount, fee)
        except BaseException:
            self.restore(before)
            raise
        return fee

    # governance

    def set_ceiling(self, caller: str, minter: str, ceiling: int) -> None:
        """Let a minter have at most `ceiling` coins out; whoever is named stays a minter."""
        self._check_governor(caller)
        key = as_number(minter)
        if not key:
            refuse("zero minter")
        if ceiling > MAX_CEILING:
            refuse("ceiling too large")
        if key not in self.minted and len(self.minted) == MAX_MINTERS:
            refuse("too many minters")
        self.minted.setdefault(key, 0)
        self.ceilings[key] = ceiling
        self._log("CeilingSet", key, ceiling)

    def set_flash(self, caller: str, fee_bps: int, ceiling: int) -> None:
        """Set what flash loans cost and how much one may mint."""
        self._check_governor(caller)
        if fee_bps > MAX_FLASH_FEE_BPS:
            refuse("flash fee too high")
        if ceiling > MAX_FLASH_CEILING:
            refuse("flash ceiling too large")
        self.flash_fee_bps, self.flash_ceiling = fee_bps, ceiling
        self._log("FlashSet", fee_bps, ceiling)

    def _check_governor(self, caller: str) -> None:
        if as_number(caller) != as_number(self.governor):
            refuse("not governor")

    def _log(self, name: str, *args: int) -> None:
        self.events.append((name, args))

    def _give(self, holder: str, amount: int) -> None:
        _set(self.balances, as_number(holder), self.balance_of(holder) + amount)

    def _take(self, holder: str, amount: int, reason: str) -> None:
        held = self.balance_of(holder)
        if held < amount:
            refuse(reason)
        _set(self.balances, as_number(holder), held - amount)

    def _spend(self, owner: str, spender: str, amount: int) -> None:
        allowed = self.allowance(owner, spender)
        if allowed == MAX:
            return
        if allowed < amount:
            refuse("erc20: insufficient allowance")
        self.approve(owner, spender, allowed - amount)


def _set(numbers: dict[_Key, int], key: _Key, number: int) -> None:
    """Set an entry, leaving no zero behind."""
    if number:
        numbers[key] = number
    else:
        numbers.pop(key, None)
