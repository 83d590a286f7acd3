# SPDX-License-Identifier: MIT
"""The lens at the vault's own address, by a state override: same storage, same answers."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from surety import paths
from surety.chain import ChainError, Contract, DecodeError, Reverted, Rpc
from surety.compile import artifact
from surety.lens import InPlaceLens
from tests.unit.lens.foresight import call, end
from tests.world import INT_MIN, MAX, WAD, reverts

CODE_LIMIT = 24_576  # EIP-170


def layout(name: str) -> dict[str, dict[str, object]]:
    """Return where a contract's storage lies, as `vyper -f layout` says: slot and type by name."""
    source = paths.contracts() / f"{name}.vy"
    run = subprocess.run(
        [sys.executable, "-m", "vyper.cli.vyper_compile", "-f", "layout", str(source)],
        cwd=paths.root(),
        capture_output=True,
        text=True,
        check=True,
    )
    return flat(json.loads(run.stdout)["storage_layout"])


def flat(tree: dict, prefix: str = "") -> dict[str, dict[str, object]]:
    found = {}
    for name, item in tree.items():
        if "slot" in item:
            found[prefix + name] = {"slot": item["slot"], "type": item["type"]}
        else:
            found |= flat(item, f"{prefix}{name}.")
    return found


def test_the_storage_lies_as_in_the_vault():
    vault, lens = layout("Vault"), layout("LensInPlace")
    assert {"ledger.accounts", "ledger.balances", "ledger.collateral", "ledger.totals"} <= set(lens)
    assert lens == vault


def test_both_lenses_fit_into_a_contract():
    assert artifact("Lens").runtime_size < CODE_LIMIT
    assert artifact("LensInPlace").runtime_size < CODE_LIMIT


@pytest.mark.covers("I67")
def test_the_abi_has_no_function_that_writes():
    for entry in artifact("LensInPlace").abi:
        if entry["type"] == "function":
            assert entry["stateMutability"] == "view", entry["name"]
    lens, in_place = (
        {entry["name"] for entry in artifact(name).abi if entry["type"] == "function"}
        for name in ("Lens", "LensInPlace")
    )
    assert lens <= in_place


@pytest.fixture
def accounts(world):
    """Accounts of every kind of life: none, safe, callable, called, in auction, to be absorbed."""
    ids = [world.id(world.stranger, 9), world.open([(1, 10**8)], 5_000 * WAD, sub=7)]
    ids += [world.open([(0, 10 * WAD), (2, 10**9)], 14_800 * WAD, sub=sub) for sub in range(4)]
    world.vault.transact("set_frozen", 1, True, sender=world.governor)
    world.set_operator(world.operator, 1 << 7, sender=world.owner)
    world.follow(1_500 * WAD)
    call(world, ids[2])
    closes = world.account(ids[2]).auction_start + world.book.auction_duration
    world.next_at(closes - 600)
    world.set_price(0, 1_500 * WAD)
    call(world, ids[3])
    world.follow(1_690 * WAD)
    call(world, ids[4])
    world.next_at(closes)
    world.set_price(0, 1_500 * WAD)
    world.next_at(closes + 1)
    world.rpc.mine()
    states = world.lens.read("states_of", world.vault.address, ids)
    assert states == (0, 1, 6, 5, 4, 3)
    return ids


def outcome(read, *args):
    """Return an answer, or the reason of a revert."""
    try:
        return read(*args)
    except Reverted as error:
        return error.reason


@pytest.mark.covers("I67")
@pytest.mark.parametrize("shut", [False, True])
def test_it_answers_as_the_lens_does(world, accounts, shut):
    vault = world.vault.address
    if shut:
        end(world)
    lens = InPlaceLens(world.rpc, vault)
    asked: list[tuple] = [
        ("book_of",),
        *[("kind_of", kind) for kind in range(4)],
        *[(page, accounts) for page in ("states_of", "levels_of", "callable_accounts", "auctions")],
    ]
    for id in accounts:
        opens = world.account(id).auction_start
        asked += [(fn, id) for fn in ("account_of", "holdings_of", "max_borrow")]
        asked += [(f"preview_{action}", id) for action in ("margin_call", "cure", "absorb")]
        asked += [("auction_price", id, 0, opens + 60), ("preview_take", id, 2, 10**8)]
        asked += [("max_withdraw", id, kind) for kind in (0, 1)]
        asked += [("is_authorised", id, who) for who in (world.operator, world.owner)]
        asked += [("preview_adjust", id, [(0, WAD), (2, -1)], 77), ("preview_margin_model", id, 1)]
        asked += [("preview_move", id, accounts[0], [(2, 10**6)], MAX)]
    different = 0
    for fn, *args in asked:
        from_lens = outcome(world.lens.read, fn, vault, *args)
        assert outcome(lens.read, fn, *args) == from_lens, fn
        different += from_lens not in (0, "", ())
    assert different > (50 if shut else 60)
    for getter, *args in (
        ("accounts", accounts[3]),
        ("balances", accounts[3], 2),
        ("collateral", 1),
        ("deposited", 2),
        ("absorbed", 0),
        ("totals",),
        ("interest",),
        ("live_index",),
        ("hub",),
        ("operators",),
        ("margin_models",),
        ("settlement",),
        ("fund",),
        ("pending_fund",),
        ("coin",),
        ("grace_period",),
        ("auction_duration",),
        ("call_cool_down",),
        ("debt_floor",),
        ("call_tip",),
        ("liquidation_penalty",),
    ):
        assert lens.read(getter, *args) == world.vault.read(getter, *args), getter


def test_it_reads_the_past_too(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    then = world.rpc.block_number()
    lens = InPlaceLens(world.rpc, world.vault.address)
    before = lens.read("levels_of", [account])
    world.vault.transact("adjust", account, [(0, -WAD)], 1, world.owner, b"", sender=world.owner)
    assert lens.read("levels_of", [account]) != before
    assert lens.read("levels_of", [account], block=then) == before


def test_requests_go_in_a_batch(world):
    account = world.open([(0, 10 * WAD)], 5_000 * WAD)
    lens = InPlaceLens(world.rpc, world.vault.address)
    asked = [lens.request("states_of", [account]), lens.request("max_borrow", account)]
    states, most = world.rpc.batch(asked)
    assert lens.decode("states_of", states) == (1,)
    assert lens.decode("max_borrow", most) == lens.read("max_borrow", account) > 0


def test_nothing_is_left_on_the_chain(world):
    code, block = world.rpc.code(world.vault.address), world.rpc.block_number()
    lens = InPlaceLens(world.rpc, world.vault.address)
    lens.read("book_of")
    assert (world.rpc.code(world.vault.address), world.rpc.block_number()) == (code, block)
    with pytest.raises(ChainError):
        Contract(world.rpc, world.vault.address, artifact("Lens").abi).read(
            "book_of", world.vault.address
        )


def test_an_address_without_a_vault_is_refused(world):
    for address in (world.stranger, world.coin.address):
        with pytest.raises(ChainError):
            InPlaceLens(world.rpc, address).read("book_of")


class Deaf(Rpc):
    """A node that ignores the third parameter of `eth_call`."""

    def call(self, method, *params):
        return super().call(method, *params[:2])


def test_a_node_that_ignores_overrides_is_noticed(world):
    lens = InPlaceLens(Deaf(world.rpc.url), world.vault.address)
    with pytest.raises(DecodeError, match="ignored the state override"):
        lens.read("book_of")


def test_a_reason_comes_through(world):
    lens = InPlaceLens(world.rpc, world.vault.address)
    with reverts("unknown kind"):
        lens.read("kind_of", 9)
    assert lens.read("preview_adjust", world.id(world.owner), [(0, INT_MIN)], 0)[0] == "zero amount"
