# SPDX-License-Identifier: MIT
"""The supply is not stored: whatever is minted, burned and moved, it is the sum of the balances."""

import random

import pytest

from surety.chain import Contract, Rpc
from surety.compile import artifact
from tests.unit.conftest import WAD

STEPS = 250


class Book:
    """What the coin should hold, kept by plain additions."""

    def __init__(self, people):
        self.balances = dict.fromkeys(people, 0)
        self.minted = {}
        self.ceilings = {}
        self.beyond = 0

    def mint(self, minter, receiver, amount):
        if self.minted[minter] + amount > self.ceilings[minter]:
            return False
        self.minted[minter] += amount
        self.balances[receiver] += amount
        return True

    def burn(self, caller, holder, amount):
        self.balances[holder] -= amount
        fallen = min(self.minted.get(caller, 0), amount)
        if fallen:
            self.minted[caller] -= fallen
        self.beyond += amount - fallen


@pytest.mark.parametrize("seed", range(4))
def test_the_supply_is_the_sum_of_the_balances(coin, chain, accounts, governor, minter, seed):
    dice = random.Random(seed)
    raw = Contract(Rpc(chain.provider.uri), coin.address, artifact("Stablecoin").abi)
    minters = [each.address for each in accounts[3:7]]
    people = [each.address for each in accounts[1:7]]
    book = Book(people)
    book.minted[minter.address] = 0
    book.ceilings[minter.address] = coin.ceiling(minter)
    seen = set()

    def amount_of(holder):
        held = book.balances[holder]
        return dice.choice((0, min(1, held), held, held // 2, dice.randint(0, held)))

    for _ in range(STEPS):
        act = dice.choice(("mint", "mint", "burn", "burn own", "transfer", "ceiling"))
        if act == "ceiling":
            named = dice.choice(minters)
            out = book.minted.setdefault(named, 0)
            limit = dice.choice((0, out // 2, out, out + WAD, dice.randint(0, 100 * WAD)))
            book.ceilings[named] = limit
            raw.transact("set_ceiling", named, limit, sender=governor.address)
            seen.add("below" if limit < out else "above")
        elif act == "mint":
            named, receiver = dice.choice(list(book.minted)), dice.choice(people)
            amount = dice.choice((0, 1, dice.randint(0, 20 * WAD)))
            expected = book.mint(named, receiver, amount)
            seen.add(f"minted {expected}")
            raw.transact("mint", receiver, amount, sender=named)
        elif act == "transfer":
            sender, receiver = dice.choice(people), dice.choice(people)
            amount = amount_of(sender)
            book.balances[sender] -= amount
            book.balances[receiver] += amount
            raw.transact("transfer", receiver, amount, sender=sender)
        else:
            holder = dice.choice(people)
            caller = holder if act == "burn own" else dice.choice(list(book.minted))
            amount = amount_of(holder)
            seen.add("saturated" if 0 < book.minted.get(caller, 0) < amount else "burned")
            seen.add("by a holder" if caller not in book.minted and amount else "burned")
            book.burn(caller, holder, amount)
            raw.transact("burn", holder, amount, sender=caller)

        supply = sum(book.balances.values())
        assert supply == sum(book.minted.values()) - book.beyond
        assert raw.read("totalSupply") == supply
        assert raw.read("burned_beyond") == book.beyond
        for person in people:
            assert raw.read("balanceOf", person) == book.balances[person]
        for named, out in book.minted.items():
            assert raw.read("minted", named) == out
            assert raw.read("headroom", named) == max(0, book.ceilings[named] - out)

    assert seen >= {
        "below", "above", "minted True", "minted False", "saturated", "burned", "by a holder",
    }  # fmt: skip
