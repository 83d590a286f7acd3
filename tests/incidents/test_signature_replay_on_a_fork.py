# SPDX-License-Identifier: MIT
"""Signature replay on a fork (ETHPoW, September 2022): what was signed for one chain, used on two.

When ether's old proof-of-work chain went on beside the new one, contracts that compared signatures
with a chain id remembered from their deployment took the same messages on both: a bridge paid out a
second time what had been withdrawn on the other chain. Here an Anvil is forked by another under
another chain id: the same contracts, balances, nonces and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from coincurve import PrivateKey

from surety.anvil import Anvil
from surety.chain import Contract, Rpc, UnlockedSender, checksum, deploy_contract
from surety.compile import Artifact, artifact
from surety.model.signature import domain_separator, operator_digest, permit_digest
from tests.incidents.weak import weakened
from tests.stateful.node import DEV_ADDRESSES, DEV_KEYS
from tests.world import GENESIS, MAX, WAD, reverts

pytestmark = pytest.mark.covers("incident: signature replay on a fork")

HOME, FORK = 31_337, 10_001
GOVERNOR, OWNER, SPENDER, STRANGER = DEV_ADDRESSES[:4]
OWNERS_KEY = PrivateKey(bytes.fromhex(DEV_KEYS[1]))
VAULT = checksum("0x" + "7a" * 20)
NAME = "Surety Dollar"
# what those contracts did: the domain of the day of deployment, for ever
REMEMBERED = (
    "keccak256(VERSION), chain.id, self))",
    f"keccak256(VERSION), convert({HOME}, uint256), self))",
)
REMEMBERED_BY_OPERATORS = (
    "NAME, VERSION, chain.id, self))",
    f"NAME, VERSION, convert({HOME}, uint256), self))",
)


@dataclass(frozen=True, slots=True)
class Side:
    """The same coin and list of operators on one of the two chains."""

    rpc: Rpc
    coin: Contract
    operators: Contract

    def permit(self, signature: tuple[int, bytes, bytes], amount: int = 5 * WAD) -> None:
        self.coin.transact("permit", OWNER, SPENDER, amount, MAX, *signature, sender=STRANGER)

    def set_operator(self, signature: bytes) -> None:
        self.operators.transact(
            "set_operator_by_signature", VAULT, OWNER, STRANGER, 1, MAX, signature, sender=STRANGER
        )

    @property
    def allowed(self) -> int:
        return self.coin.read("allowance", OWNER, SPENDER)


def signed(digest: bytes) -> tuple[int, bytes, bytes]:
    raw = OWNERS_KEY.sign_recoverable(digest, hasher=None)
    return raw[64] + 27, raw[:32], raw[32:64]


def permit_for(side: Side, chain_id: int, amount: int = 5 * WAD, nonce: int = 0):
    domain = domain_separator(NAME, chain_id, side.coin.address)
    return signed(permit_digest(domain, OWNER, SPENDER, amount, nonce, MAX))


def order_for(side: Side, chain_id: int) -> bytes:
    digest = operator_digest(side.operators.address, chain_id, VAULT, OWNER, STRANGER, 1, 0, MAX)
    v, r, s = signed(digest)
    return r + s + bytes([v])


def split(coin: Artifact, book: Artifact) -> Iterator[tuple[Side, Side]]:
    """Deploy on one chain, give OWNER coins, and let a second chain begin where it stands."""
    with Anvil(chain_id=HOME, timestamp=GENESIS, block_interval=1) as old:
        rpc = Rpc(old.url)
        sender = UnlockedSender(rpc, GOVERNOR)
        address = deploy_contract(sender, coin, NAME, "SUSD", GOVERNOR)
        operators = deploy_contract(sender, book)

        def side(rpc: Rpc) -> Side:
            return Side(
                rpc,
                Contract(rpc, address, coin.abi),
                Contract(rpc, operators, book.abi),
            )

        home = side(rpc)
        home.coin.transact("set_ceiling", GOVERNOR, 100 * WAD, sender=GOVERNOR)
        home.coin.transact("mint", OWNER, 20 * WAD, sender=GOVERNOR)
        with Anvil(chain_id=FORK, block_interval=1, extra=("--fork-url", old.url)) as new:
            yield home, side(Rpc(new.url))


@pytest.fixture
def sides():
    yield from split(artifact("Stablecoin"), artifact("Operators"))


@pytest.fixture
def remembering():
    coin = weakened("Stablecoin", REMEMBERED, optimised=True)
    yield from split(coin, weakened("Operators", REMEMBERED_BY_OPERATORS))


@pytest.mark.covers("P06")
def test_a_permit_holds_on_one_side_of_a_split_only(sides):
    home, fork = sides
    assert (home.rpc.chain_id, fork.rpc.chain_id) == (HOME, FORK)
    before = permit_for(home, HOME)
    for side, chain_id in ((home, HOME), (fork, FORK)):
        assert side.coin.read("balanceOf", OWNER) == 20 * WAD
        separator = bytes(side.coin.read("DOMAIN_SEPARATOR"))
        assert separator == domain_separator(NAME, chain_id, side.coin.address)
        assert side.coin.read("eip712Domain")[3] == chain_id

    with reverts("erc20: invalid signature"):
        fork.permit(before)
    assert (fork.allowed, fork.coin.read("nonces", OWNER)) == (0, 0)
    home.permit(before)
    assert (home.allowed, home.coin.read("nonces", OWNER)) == (5 * WAD, 1)
    with reverts("erc20: invalid signature"):
        fork.permit(before)  # nor after it was seen on the other side

    home.coin.transact("transferFrom", OWNER, SPENDER, 5 * WAD, sender=SPENDER)
    with reverts("erc20: insufficient allowance"):
        fork.coin.transact("transferFrom", OWNER, SPENDER, 1, sender=SPENDER)
    assert fork.coin.read("balanceOf", OWNER) == 20 * WAD


def test_who_wants_to_can_sign_for_the_new_side(sides):
    """It is the domain that moved with the chain, not the coin that stopped working there."""
    home, fork = sides
    for_fork = permit_for(fork, FORK, 7 * WAD)
    with reverts("erc20: invalid signature"):
        home.permit(for_fork, 7 * WAD)
    fork.permit(for_fork, 7 * WAD)
    assert (home.allowed, fork.allowed) == (0, 7 * WAD)


@pytest.mark.covers("I60")
def test_an_operator_is_named_on_one_side_of_a_split_only(sides):
    home, fork = sides
    order = order_for(home, HOME)
    with reverts("bad signature"):
        fork.set_operator(order)
    home.set_operator(order)
    asked = (VAULT, OWNER, 0, STRANGER)
    assert home.operators.read("is_authorised", *asked)
    assert not fork.operators.read("is_authorised", *asked)
    fork.set_operator(order_for(fork, FORK))
    assert fork.operators.read("is_authorised", *asked)


def test_a_coin_that_remembers_its_first_chain_is_robbed(remembering):
    """The control: with the domain of the deployment's day the same permit is good twice."""
    home, fork = remembering
    before = permit_for(home, HOME)
    for side in (home, fork):
        side.permit(before)
        side.coin.transact("transferFrom", OWNER, SPENDER, 5 * WAD, sender=SPENDER)
        assert side.coin.read("balanceOf", OWNER) == 15 * WAD


def test_a_list_that_remembers_its_first_chain_names_an_operator_on_both(remembering):
    """The control: who was named on one side for an owner may act for that owner on the other."""
    home, fork = remembering
    order = order_for(home, HOME)
    asked = (VAULT, OWNER, 0, STRANGER)
    for side in (home, fork):
        assert not side.operators.read("is_authorised", *asked)
        side.set_operator(order)
        assert side.operators.read("is_authorised", *asked)
