# SPDX-License-Identifier: MIT
"""Take a book over from a chain: what a vault, its coin, its hub and its tokens remember now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surety.chain import Contract, Rpc, checksum
from surety.compile import artifact
from surety.model.book import Book
from surety.model.hub import FixedHub, Hub
from surety.model.state import (
    MAX_KINDS,
    Coin,
    Kind,
    MarginModel,
    Position,
    Price,
    Rules,
    as_number,
)

_NUMBERS = (
    "grace_period",
    "auction_duration",
    "call_cool_down",
    "debt_floor",
    "call_tip",
    "liquidation_penalty",
)


class Reader:
    """Reads books of one vault; what never changes is asked for once.

    `margin_models` holds the Python twins of the models that may be listed, by address, and `slots`
    the slots that are looked at.
    """

    def __init__(
        self,
        rpc: Rpc,
        vault: str,
        *,
        margin_models: Mapping[str, MarginModel] | None = None,
        slots: Iterable[int] = (0,),
    ) -> None:
        self.rpc = rpc
        self.vault = Contract(rpc, vault, artifact("Vault").abi)
        self.coin = Contract(rpc, self.vault.read("coin"), artifact("Stablecoin").abi)
        self.hub = Contract(rpc, self.vault.read("hub"), artifact("PriceHub").abi)
        self.operators = Contract(rpc, self.vault.read("operators"), artifact("Operators").abi)
        models = self.vault.read("margin_models")
        self.models = None
        if as_number(models):
            self.models = Contract(rpc, models, artifact("MarginModels").abi)
        self.slots = tuple(slots)
        self.rules = Rules(
            **{name: self.vault.read(name) for name in _NUMBERS},
            vault=self.vault.address,
            coin=self.coin.address,
            operators=self.operators.address,
            listings=self.hub.read("listings"),
            margin_models_at=models,
            settlement=self.vault.read("settlement"),
            chain_id=rpc.chain_id,
            margin_models={key.lower(): twin for key, twin in (margin_models or {}).items()},
        )

    def read(
        self,
        accounts: Iterable[int] = (),
        people: Iterable[str] = (),
        operators: Iterable[tuple[str, str]] = (),
        hub: Hub | None = None,
    ) -> Book:
        """Read a book with these accounts, and with what these people hold of coin and tokens.

        `operators` are the pairs (owner, operator) to look up. Without a `hub` the prices are those
        that a transaction would see now, and stay so.
        """
        ids, who = list(accounts), [checksum(person) for person in people]
        vault, coin = self.vault, self.coin
        words = self._ask(vault, "collateral", [(kind,) for kind in range(MAX_KINDS)])
        kinds = {kind: Kind.unpack(word) for kind, word in enumerate(words) if word}
        each = [(kind,) for kind in kinds]
        deposited = self._ask(vault, "deposited", each)
        absorbed = self._ask(vault, "absorbed", each)
        tokens = {
            kind: Contract(self.rpc, facts.token, artifact("Stablecoin").abi)
            for kind, facts in kinds.items()
        }
        balances = self._ask(vault, "balances", [(id_, kind) for id_ in ids for kind in kinds])
        held = {
            (kind, person): amount
            for kind, token in tokens.items()
            for person, amount in zip(
                who, self._ask(token, "balanceOf", [(person,) for person in who]), strict=True
            )
        }
        book = Book(
            rules=self.rules,
            hub=hub or self._told(kinds),
            coin=Coin(
                coin.read("totalSupply"),
                coin.read("minted", vault.address),
                coin.read("ceiling", vault.address),
                dict(
                    zip(
                        who,
                        self._ask(coin, "balanceOf", [(person,) for person in who]),
                        strict=True,
                    )
                ),
            ),
            governor=vault.read("governor"),
            pending_governor=vault.read("pending_governor"),
            fund=vault.read("fund"),
            pending_fund=vault.read("pending_fund"),
            kinds=kinds,
            deposited={kind: word % 2**128 for kind, word in zip(kinds, deposited, strict=True)},
            caps={kind: word >> 128 for kind, word in zip(kinds, deposited, strict=True)},
            absorbed=dict(zip(kinds, absorbed, strict=True)),
            held=held,
        )
        book.load_totals(vault.read("totals"))
        book.load_interest(vault.read("interest"))
        for at, (id_, word) in enumerate(
            zip(ids, self._ask(vault, "accounts", [(id_,) for id_ in ids]), strict=True)
        ):
            own = balances[at * len(kinds) : (at + 1) * len(kinds)]
            book.positions[id_] = Position.unpack(word, dict(zip(kinds, own, strict=True)))
        if self.models is not None:
            book.models_governor = self.models.read("governor")
            book.slots.models = {slot: self.models.read("models", slot) for slot in self.slots}
            book.slots.fades = {slot: self.models.read("fade_of", slot) for slot in self.slots}
            book.slots.defaulted_at = self.models.read("defaulted_at", vault.address)
            book.slots.has_reliers = self.models.read("has_reliers")
        for owner, operator in operators:
            number, epoch = as_number(owner), self.operators.read("epoch", owner)
            book.epochs[number] = epoch
            book.nonces[number] = self.operators.read("nonces", owner)
            bits = self.operators.read("operator", vault.address, owner, epoch, operator)
            key = (as_number(vault.address), number, epoch, as_number(operator))
            book.operators[key] = bits
        return book

    def _told(self, kinds: Mapping[int, Kind]) -> FixedHub:
        # one kind a call: a read takes at most eight
        answers = self.rpc.batch([self.hub.request("read_one", kind) for kind in kinds])
        words = [self.hub.decode("read_one", answer) for answer in answers]
        prices = {kind: Price.unpack(word) for kind, word in zip(kinds, words, strict=True)}
        return FixedHub(prices, {kind: facts.token for kind, facts in kinds.items()})

    def _ask(self, contract: Contract, name: str, args: list[tuple[Any, ...]]) -> list[int]:
        """Read one function with many arguments at once."""
        answers = self.rpc.batch([contract.request(name, *one) for one in args])
        return [contract.decode(name, answer) for answer in answers]
