# SPDX-License-Identifier: MIT
"""Random play on a real vault beside its model: four owners, two sub-accounts each, three kinds."""

from __future__ import annotations

from collections import Counter
from random import Random

from surety.chain import Receipt, Reverted
from surety.formulas import margin_math
from tests.unit.vault.model import Feed, Kind, Model, Price, State
from tests.world import BPS, INT_MIN, MAX, WAD, World

ZERO = "0x" + "00" * 20
PRICES = (2_000 * WAD, 40_000 * WAD, WAD)
UNITS = (10**18, 10**8, 10**6)
PURSE = 200_000  # coin units' worth of each kind that an owner starts with


class Play:
    """Make random moves on the vault and the model and demand that they agree."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.people = [world.owner, world.other, world.operator, world.stranger]
        self.ids = [world.id(who, sub) for who in self.people for sub in (0, 7)]
        self.seen: Counter[tuple[str, str | None]] = Counter()
        self.receipts: list[Receipt] = []
        self.model = self._model()
        for who in self.people:
            for kind, unit in enumerate(UNITS):
                amount = PURSE * WAD // PRICES[kind] * unit
                world.give(who, kind, amount)
                self.model.state.wallets[who, kind] = amount
        self.now = world.now

    def _model(self) -> Model:
        world = self.world
        word = world.vault.read("interest")
        prices = [world.hub.read("words", kind) for kind in range(3)]
        state = State(
            accrued_at=(word >> 128) % 2**40,
            rate=word >> 168,
            feeds=[
                Feed(PRICES[kind], world.feeds[kind].read("latestRoundData")[3])
                for kind in range(3)
            ],
            prices=[
                Price(word % 2**88, (word >> 88) % 2**88, (word >> 176) % 2**40) for word in prices
            ],
            caps=[kind.cap for kind in world.params.kinds],
            ceiling=world.book.ceiling,
        )
        kinds = [
            Kind(kind.levels.initial_ltv, decimals, kind.max_age)
            for kind, decimals in zip(world.params.kinds, (18, 8, 6), strict=True)
        ]
        return Model(state, kinds, world.book.debt_floor, world.params.fresh_for)

    # moves

    def step(self) -> None:
        """Make one move of the market or the governor, now and then, and one of a user."""
        if self.random.random() < 0.25:
            self._circumstance()
        self.now += self.random.choice((1, 1, 12, 61, 600, 3_600, 20_000))
        name = self.random.choices(
            ("deposit", "withdraw", "borrow", "repay", "adjust", "margin_call"), (5, 4, 7, 3, 7, 2)
        )[0]
        getattr(self, f"_{name}")()

    def _send(self, name: str, caller: str, *args: object, data: bytes | None = None) -> None:
        extra = () if data is None else (data,)
        expected = self.model.attempt(self.now, getattr(self.model, name), caller, *args)
        self.world.next_at(self.now)
        try:
            receipt = self.world.vault.transact(name, *args, *extra, sender=caller)
        except Reverted as reverted:
            found: str | None = reverted.reason
        else:
            found = None
            self.receipts.append(receipt)
        told = f"{name}{args} by {caller}: the vault says {found!r}, the model {expected!r}"
        assert found == expected, told
        self.seen[name, found] += 1
        self.compare()

    def _pick(self) -> tuple[int, str]:
        """Return an account and mostly its owner."""
        account = self.random.choice(self.ids)
        owner = self.people[self.ids.index(account) // 2]
        return account, owner if self.random.random() < 0.8 else self.random.choice(self.people)

    def _kind(self) -> int:
        return self.random.randrange(3) if self.random.random() < 0.98 else 3

    def _amount_in(self, kind: int) -> int:
        worth = self.random.choice((0, 1, 5_000, 20_000, 20_000, 60_000, 60_000)) * WAD
        return worth * UNITS[min(kind, 2)] // PRICES[min(kind, 2)] + self.random.choice((0, 1))

    def _amount_out(self, account: int, kind: int) -> int:
        balance = self.model.state.balances[account, kind]
        return self.random.choice((MAX, balance, balance // 2, balance // 10 + 1, balance + 1))

    def _coins(self) -> int:
        return self.random.choice((1, 500, 1_999, 2_000, 7_000, 30_000, 120_000)) * WAD

    def _receiver(self, caller: str) -> str:
        return caller if self.random.random() < 0.97 else ZERO

    def _deposit(self) -> None:
        account, caller = self._pick()
        kind = self._kind()
        self._send("deposit", caller, account, kind, self._amount_in(kind))

    def _withdraw(self) -> None:
        account, caller = self._pick()
        held = [kind for kind in range(3) if self.model.state.balances[account, kind]]
        kind = self.random.choice(held) if held and self.random.random() < 0.9 else self._kind()
        amount = self._amount_out(account, kind)
        self._send("withdraw", caller, account, kind, amount, self._receiver(caller))

    def _borrow(self) -> None:
        account, caller = self._pick()
        self._send("borrow", caller, account, self._borrowing(account), self._receiver(caller))

    def _borrowing(self, account: int) -> int:
        if self.random.random() < 0.15:
            return self._coins()
        state, capacity = self.model.state, 0
        for number, kind in enumerate(self.model.kinds):
            worth = margin_math.value_down(
                state.balances[account, number], state.feeds[number].price, kind.decimals
            )
            capacity += margin_math.initial_capacity(worth, kind.initial_ltv, BPS, 0)
        left = max(0, capacity - self.model.debt(account))
        return left * self.random.choice((30, 70, 95, 98, 100, 101)) // 100 // WAD * WAD

    def _repay(self) -> None:
        account, caller = self._pick()
        debt = self.model.debt(account)
        amount = self.random.choice(
            (MAX, debt, debt // 2, debt - self.model.debt_floor + 1, debt // 3, 0)
        )
        self._send("repay", caller, account, max(0, amount))

    def _adjust(self) -> None:
        account, caller = self._pick()
        kinds = self.random.sample(range(3), self.random.choice((0, 1, 1, 2, 3)))
        if self.random.random() < 0.95:
            kinds.sort()
        legs = []
        for kind in kinds:
            held = self.model.state.balances[account, kind]
            if self.random.random() < (0.5 if held else 0.95):
                legs.append((kind, self._amount_in(kind)))
            else:
                amount = self._amount_out(account, kind)
                legs.append((kind, INT_MIN if amount == MAX else -amount))
        debt_delta = self.random.choice(
            (0, self._borrowing(account), -self._coins(), -self.model.debt(account) - 1)
        )
        self._send("adjust", caller, account, legs, debt_delta, self._receiver(caller), data=b"")

    def _margin_call(self) -> None:
        """Start a clock where one may start; what it writes is read back, not predicted."""
        account = max(self.ids, key=self._loan_to_value)
        self.world.next_at(self.now)
        try:
            receipt = self.world.vault.transact("margin_call", account, sender=self.world.keeper)
        except Reverted as reverted:
            # nothing is left of it; which refusal it is belongs to the tests of margin calls
            self.seen["margin_call", reverted.reason] += 1
            return
        self.receipts.append(receipt)
        self.seen["margin_call", None] += 1
        self._adopt(account, receipt)

    def _loan_to_value(self, account: int) -> int:
        state = self.model.state
        value = sum(
            state.balances[account, kind] * state.feeds[kind].price // UNITS[kind]
            for kind in range(3)
        )
        return self.model.debt(account) * BPS // (value + 1)

    def _adopt(self, account: int, receipt: Receipt) -> None:
        world, state = self.world, self.model.state
        fields, tip = world.account(account), world.event(receipt, "MarginCalled")["tip"]
        self.model.now = self.now
        position = state.positions[account]
        state.normalized_debt += fields.normalized_debt - position.normalized_debt
        position.normalized_debt, position.auction_start = (
            fields.normalized_debt,
            fields.auction_start,
        )
        state.minted += tip
        word = world.vault.read("interest")
        state.index, state.accrued_at = word % 2**128, (word >> 128) % 2**40
        for kind in range(3):
            if position.mask >> kind & 1:
                self.model.price(kind)

    def _circumstance(self) -> None:
        world, state, choice = self.world, self.model.state, self.random.random()
        self.now += 1
        world.next_at(self.now)
        kind = self.random.randrange(3)
        if choice < 0.5:
            share = self.random.choice((70, 90, 95, 100, 105, 120))
            price = PRICES[kind] * share // 100 // 10**10 * 10**10
            world.set_price(kind, price)
            state.feeds[kind] = Feed(price, self.now, state.feeds[kind].dead)
        elif choice < 0.6:
            dead = not state.feeds[kind].dead and self.random.random() < 0.3
            world.feeds[kind].transact("set_reverts", dead, sender=world.governor)
            state.feeds[kind].dead = dead
        elif choice < 0.75:
            state.pauses = self.random.choice((0, 0, 0, 0, 1, 2))
            world.vault.transact("set_pauses", state.pauses, sender=world.governor)
        elif choice < 0.82:
            frozen = self.random.random() < 0.2
            state.frozen = state.frozen & ~(1 << kind) | frozen << kind
            world.vault.transact("set_frozen", kind, frozen, sender=world.governor)
        elif choice < 0.87:
            cap = self.random.choice((2**128 - 1, 2**128 - 1, state.totals[kind] * 11 // 10))
            state.caps[kind] = cap
            world.vault.transact("set_cap", kind, cap, sender=world.governor)
        elif choice < 0.92:
            ceiling = self.random.choice((*[10**9 * WAD] * 4, state.minted + 5_000 * WAD))
            state.ceiling = ceiling
            world.coin.transact("set_ceiling", world.vault.address, ceiling, sender=world.governor)
        else:
            owner, operator = self.random.sample(self.people, 2)
            bits = self.random.choice((0, 1, 1 << 7, MAX))
            world.set_operator(operator, bits, sender=owner)
            state.operators[owner.lower(), operator.lower()] = bits

    # comparison

    def compare(self) -> None:
        """Assert that every word, balance and purse is what the model holds."""
        vault, state = self.world.vault, self.model.state
        reads = [
            (vault, "accounts", (account,), state.positions[account].word) for account in self.ids
        ]
        for kind, token in enumerate(self.world.tokens):
            reads += [
                (vault, "balances", (account, kind), state.balances[account, kind])
                for account in self.ids
            ]
            reads += [(token, "balanceOf", (who,), state.wallets[who, kind]) for who in self.people]
            deposited = state.totals[kind] | state.caps[kind] << 128
            reads.append((vault, "deposited", (kind,), deposited))
        reads += [(self.world.coin, "balanceOf", (who,), state.coins[who]) for who in self.people]
        reads.append((self.world.coin, "minted", (vault.address,), state.minted))
        interest = state.index | state.accrued_at << 128 | state.rate << 168
        reads.append((vault, "interest", (), interest))
        answers = self.world.rpc.batch(
            [contract.request(name, *args) for contract, name, args, _ in reads]
        )
        for (contract, name, args, expected), answer in zip(reads, answers, strict=True):
            assert contract.decode(name, answer) == expected, f"{name}{args}"
        assert vault.read("totals") % 2**112 == state.normalized_debt
