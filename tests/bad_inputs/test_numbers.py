# SPDX-License-Identifier: MIT
"""Numbers at their ends, and call data that is none: rows N01-N18 of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from surety.chain import Reverted
from surety.compile import artifact
from surety.deploy import BookParams, Levels, LocalKind
from tests.bad_inputs.calldata import (
    Item,
    lists_behind_the_end,
    longer,
    unreadable,
    words_of,
)
from tests.bad_inputs.ground import BTC, ETH, STABLE, STILL, Ground
from tests.bad_inputs.live import CONTRACTS, good_calls
from tests.world import MAX, reverts

ZERO = "0x" + "00" * 20
# the gateway alone takes ether without call data, from wrapped ether alone
BARE = {"WethGateway": "only weth sends ether"}
PAYABLE = {"WethGateway.deposit", "PythOracle.update"}


def each_contract(row: str) -> Any:
    """Run a test for every contract that can be called to change something."""
    return pytest.mark.parametrize(
        "contract", [pytest.param(name, id=f"{row}-{name}") for name in CONTRACTS]
    )


# N01


def nothing(item: Item) -> Any:
    """Return zero, false, nobody or an empty list of a type."""
    kind = item["type"]
    if kind.endswith("]"):
        assert kind.endswith("[]")
        return []
    if kind == "tuple":
        return tuple(nothing(part) for part in item["components"])
    if kind == "address":
        return ZERO
    if kind == "bool":
        return False
    if kind == "string":
        return ""
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return 0


# what each function with arguments says when all of them are zero and its caller may make it;
# None: it goes through, as a price refresh of kind 0, a setting that may be 0 (cap, rate, fees,
# pauses, flash terms, no guardian, no ramp's target), a nomination taken back, or for no items
OF_ZEROS: dict[str | None, str] = {
    None: """
        Vault.propose_governor Vault.margin_calls Vault.set_cap Vault.set_frozen Vault.set_pauses
        Vault.set_rate Vault.set_default_model Vault.propose_fund
        Stablecoin.propose_governor Stablecoin.set_flash
        InsuranceFund.propose_governor InsuranceFund.set_reaping_paused
        PegStability.propose_governor PegStability.set_fees PegStability.set_minting_paused
        PriceHub.propose_governor PriceHub.sync PriceHub.sync_one PriceHub.poke
        PriceHub.set_sequencer
        MarginModels.propose_governor MarginModels.list_model
        TieredMargin.propose_governor TieredMargin.set_brackets TieredMargin.set_scale
        Operators.set_operator
        Governor.set_guardian Governor.propose_admin Governor.ramp
        PythOracle.update""",
    # no code answers at the zero address
    "": """
        InsuranceFund.add_book Settlement.shutdown MarginModels.use_default Governor.retire
        Governor.set_pause""",
    "zero amount": "Vault.deposit Vault.withdraw InsuranceFund.recapitalise WethGateway.deposit",
    "nothing to change": "Vault.borrow Vault.repay Vault.adjust",
    "same account": "Vault.move",
    "not authorised": "Vault.set_margin_model",
    "account is covered": "Vault.margin_call",
    "bad receiver": """
        Vault.take Vault.takes Vault.withdraw_absorbed InsuranceFund.buy PegStability.mint
        PegStability.redeem""",
    "not curable": "Vault.cure",
    "not absorbable": "Vault.absorb",
    "not settleable": "Vault.settle",
    "token not priced": "Vault.list_collateral",
    "bad levels": "Vault.set_levels",
    "mint to zero": "Stablecoin.mint",
    "not minter": "Stablecoin.burn",
    "zero minter": "Stablecoin.set_ceiling",
    "erc20: transfer to the zero address": "Stablecoin.transfer",
    "erc20: approve from the zero address": "Stablecoin.transferFrom",
    "erc20: approve to the zero address": "Stablecoin.approve",
    "erc20: expired deadline": "Stablecoin.permit",
    "unsupported token": "Stablecoin.flashLoan",
    "unknown book": """
        InsuranceFund.collect InsuranceFund.start_auction InsuranceFund.accept_book
        InsuranceFund.retire_book""",
    "no reserve": "InsuranceFund.add_reserve",
    "unknown reserve": "InsuranceFund.remove_reserve",
    "bad treasury": "InsuranceFund.set_treasury",
    "bad buffer": "InsuranceFund.set_buffer",
    "bad duration": "InsuranceFund.set_auction",
    "bad guard": "PegStability.set_guard",
    "not settling": "Settlement.settle Settlement.settles Settlement.open_redemption",
    "not redeeming": "Settlement.relieve Settlement.redeem Settlement.sweep",
    "nothing owed": "Settlement.claim",
    "token has no code": "PriceHub.list_kind",
    "oracle has no code": "PriceHub.set_oracle",
    "bad bounds": "PriceHub.set_bounds",
    "bad max age": "PriceHub.set_max_age",
    "bad slew": "PriceHub.set_limits",
    "vault has no code": "Listings.list",
    "signature expired": "Operators.set_operator_by_signature",
    "too late": """
        LeverageZap.leverage LeverageZap.deleverage LeverageZap.close
        LeverageZap.swap_collateral""",
    "not the owner": "WethGateway.withdraw",
    "bad length": "Governor.propose Governor.tighten",
    "not pending": "Governor.execute Governor.cancel Governor.veto",
    "needs a price": "Governor.execute_expecting",
    "bad pauses": "Governor.pause",
    "nothing to keep": "Governor.keep",
    "nothing to lapse": "Governor.lapse",
    "no ramp": "Governor.advance Governor.halt",
    "not registered": "Governor.adopt",
    "no code": "Governor.register",
}
REASONS_OF_ZEROS = {name: reason for reason, names in OF_ZEROS.items() for name in names.split()}
# of those that go through: what anybody may call, which must then have done nothing
NO_OPS = {"Vault.margin_calls", "PriceHub.sync", "PriceHub.poke", "PythOracle.update"}


@each_contract("N01")
def test_nothing_but_zeros(live, contract):
    said: dict[str, str | None] = {}
    for call in good_calls(live, contract, first=True):
        inputs = call.entry["inputs"]
        if not inputs:
            continue
        data = call.with_args(*(nothing(item) for item in inputs))
        said[call.name], _ = call.outcome(data, value=0)
        if call.name in NO_OPS:
            ran = live.node.run(call.sender, call.contract.address, data, live.world.now + 1)
            assert (ran.reason, live.changed()) == (None, {})
    expected = {
        name: reason for name, reason in REASONS_OF_ZEROS.items() if name.split(".")[0] == contract
    }
    assert said == expected


def test_a_call_that_does_something_is_seen_to(live):
    """The other side of the no-ops: the same question finds what a refresh writes."""
    for call in good_calls(live, "PriceHub", {"PriceHub.poke"}):
        ran = live.node.run(call.sender, call.contract.address, call.data, live.world.now + 1)
        assert ran.reason is None
        assert live.changed().keys() == {call.contract.address.lower()}


# N05


@dataclass(frozen=True, slots=True)
class Edge:
    """One number of a setter: what is accepted lies between `least` and `most`, both included."""

    call: str
    what: str
    args: Callable[[int], tuple[Any, ...]]
    least: int
    most: int
    reason: str
    below: str | None = None  # the reason under `least`, where it is another
    far: str | None = None  # the reason far above `most`, where it is another
    step: int = 1

    @property
    def id(self) -> str:
        return f"N05-{self.call}-{self.what}"


# ETH is listed with levels of 75, 80, 85 % and factors of 101 and 88 %
LISTED = 4
RAY, WAD, BPS = 10**27, 10**18, 10_000
P = 2_000 * WAD
SOMEBODY = "0x" + "5b" * 20
DAY, FACTORS = 86_400, "bad factors"
SHORT, PRICE = 2**24 - 1, 2**88 - 1


def levels(place: int) -> Callable[[int], tuple[Any, ...]]:
    usual = (7_500, 8_000, 8_500, 10_100, 8_800)
    return lambda number: (ETH, *usual[:place], number, *usual[place + 1 :])


def limits(place: int) -> Callable[[int], tuple[Any, ...]]:
    usual = (1_666_667, 333_333, 1_000, 15_000_000)
    return lambda number: (ETH, *usual[:place], number, *usual[place + 1 :])


EDGES = (
    Edge("Vault.set_cap", "cap", lambda n: (ETH, n), 0, 2**128 - 1, "cap too large"),
    Edge("Vault.set_cap", "kind", lambda n: (n, 1), 0, LISTED - 1, "unknown kind"),
    Edge("Vault.set_rate", "rate", lambda n: (n,), 0, RAY // 31_536_000 + 1, "rate too high"),
    Edge("Vault.set_pauses", "bits", lambda n: (n,), 0, 31, "bad pauses"),
    Edge("Vault.set_levels", "initial", levels(0), 0, 7_999, "bad levels"),
    # 8,380 and the penalty of 5 % are 8,799, 8,381 are above the end factor of 8,800
    Edge("Vault.set_levels", "maintenance", levels(1), 7_501, 8_380, FACTORS, *["bad levels"] * 2),
    Edge("Vault.set_levels", "close-out", levels(2), 8_001, 8_800, "bad levels"),
    Edge("Vault.set_levels", "start", levels(3), BPS, 11_000, FACTORS),
    Edge("Vault.set_levels", "end", levels(4), 8_500, 9_999, FACTORS, "bad levels"),
    Edge("Vault.set_levels", "kind", lambda n: (n, *levels(0)(1)[1:]), 0, 3, "unknown kind"),
    Edge("PriceHub.set_limits", "slew_down", limits(0), 1, SHORT, "bad slew"),
    Edge("PriceHub.set_limits", "slew_up", limits(1), 1, SHORT, "bad slew"),
    Edge("PriceHub.set_limits", "jump", limits(2), 50, 12_750, "bad jump", step=50),
    Edge("PriceHub.set_limits", "sigma", limits(3), 1, 2**40 - 1, "bad sigma"),
    Edge("PriceHub.set_limits", "kind", lambda n: (n, *limits(0)(1)[1:]), 0, 3, "unknown kind"),
    Edge("PriceHub.set_bounds", "min", lambda n: (ETH, n, WAD), 1, WAD - 1, "bad bounds"),
    Edge("PriceHub.set_bounds", "max", lambda n: (ETH, WAD, n), WAD + 1, PRICE, "bad bounds"),
    Edge("PriceHub.set_bounds", "kind", lambda n: (n, WAD, PRICE), 0, 3, "unknown kind"),
    Edge("PriceHub.set_max_age", "age", lambda n: (ETH, n), 1, SHORT, "bad max age"),
    Edge("PriceHub.sync_one", "kind", lambda n: (n,), 0, 3, "unknown kind"),
    Edge("PriceHub.poke", "mask", lambda n: (n,), 0, 2**LISTED - 1, "unknown kind"),
    Edge(
        "Stablecoin.set_ceiling",
        "ceiling",
        lambda n: (SOMEBODY, n),
        0,
        2**120 - 1,
        "ceiling too large",
    ),
    Edge("Stablecoin.set_flash", "fee", lambda n: (n, 1), 0, 100, "flash fee too high"),
    Edge("Stablecoin.set_flash", "ceiling", lambda n: (0, n), 0, 2**112, "flash ceiling too large"),
    Edge("InsuranceFund.set_buffer", "buffer", lambda n: (n,), 100, 5_000, "bad buffer"),
    Edge(
        "InsuranceFund.set_auction",
        "duration",
        lambda n: (n, 10_300, 9_000),
        3_600,
        604_800,
        "bad duration",
    ),
    Edge(
        "InsuranceFund.set_auction",
        "start",
        lambda n: (7_200, n, 9_000),
        BPS,
        11_000,
        "bad factors",
    ),
    Edge(
        "InsuranceFund.set_auction",
        "end",
        lambda n: (7_200, 10_300, n),
        5_000,
        9_999,
        "bad factors",
    ),
    Edge("PegStability.set_fees", "mint", lambda n: (n, 0), 0, 100, "fee too high"),
    Edge("PegStability.set_fees", "redeem", lambda n: (0, n), 0, 100, "fee too high"),
    Edge("PegStability.set_guard", "guard", lambda n: (n,), WAD * 9 // 10, WAD, "bad guard"),
    Edge("MarginModels.list_model", "slot", lambda n: (n, ZERO), 0, 255, "unknown model"),
    Edge(
        "TieredMargin.set_brackets",
        "bound",
        lambda n: (ETH, [n], [0, 1]),
        WAD,
        (2**40 - 1) * WAD,
        "bad brackets",
        far="bound not in whole coins",
        step=WAD,
    ),
    Edge("TieredMargin.set_brackets", "rate", lambda n: (ETH, [], [n]), 1, BPS, "bad brackets"),
    Edge("TieredMargin.set_brackets", "kind", lambda n: (n, [], []), 0, 31, "bad kind"),
    Edge("TieredMargin.set_scale", "lo", lambda n: (ETH, n, 10**6, 1), 0, 10**6 - 1, "bad scale"),
    Edge("TieredMargin.set_scale", "hi", lambda n: (ETH, 9, n, 1), 10, 2**120 - 1, "bad scale"),
    Edge("TieredMargin.set_scale", "share", lambda n: (ETH, 1, 2, n), 1, BPS, "bad scale"),
    Edge("TieredMargin.set_scale", "kind", lambda n: (n, 0, 0, 0), 0, 31, "bad kind"),
)


@pytest.mark.covers("N10")
@pytest.mark.parametrize("edge", [pytest.param(edge, id=edge.id) for edge in EDGES])
def test_the_last_number_that_is_accepted(live, edge):
    """And the first that is not, on both sides, and those that no field has room for."""
    contract, function = edge.call.split(".")
    target = live.contracts[contract]

    def said(number: int) -> str | None:
        data = target.encode(function, *edge.args(number))
        try:
            live.rpc.eth_call(target.address, data, sender=live.timelock.address)
        except Reverted as reverted:
            return reverted.reason
        return None

    inside = {edge.least, min(edge.least + edge.step, edge.most)}
    inside |= {edge.most, max(edge.most - edge.step, edge.least)}
    assert {number: said(number) for number in inside} == dict.fromkeys(inside)
    assert said(edge.most + edge.step) == edge.reason
    far = {said(number) for number in (2**128, 2**255, MAX) if number > edge.most + edge.step}
    assert far <= {edge.far or edge.reason}
    assert far or edge.most >= 2**128
    if edge.least > 0:
        below = edge.least - edge.step
        assert said(below) == (edge.below or edge.reason)


# how many items or bytes each function takes
LENGTHS = {
    "Vault.adjust legs": 8,
    "Vault.adjust data": 1_024,
    "Vault.move legs": 8,
    "Vault.margin_calls accounts": 64,
    "Vault.take data": 1_024,
    "Vault.takes orders": 32,
    "Stablecoin.flashLoan data": 1_024,
    "Settlement.settles accounts": 64,
    "TieredMargin.set_brackets bounds": 3,
    "TieredMargin.set_brackets rates": 4,
    "Operators.set_operator_by_signature signature": 1_024,
    "LeverageZap.leverage path": 135,
    "LeverageZap.deleverage path": 135,
    "LeverageZap.close path": 135,
    "LeverageZap.swap_collateral path": 135,
    "Governor.propose data": 1_024,
    "Governor.execute data": 1_024,
    "Governor.execute_expecting data": 1_024,
    "Governor.tighten data": 1_024,
}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(name, id=f"N05-lists-of-{name}")
        for name in CONTRACTS
        if any(key.startswith(f"{name}.") for key in LENGTHS)
    ],
)
def test_the_longest_list_that_is_read(live, contract):
    """One more is refused before anything is looked at; that many are read, whatever is in them."""
    read: dict[str, set[str]] = {}
    functions = {name.split()[0] for name in LENGTHS}
    for call in good_calls(live, contract, functions):
        inputs = call.entry["inputs"]
        for number, item in enumerate(inputs):
            if words_of(item) is None:
                name = f"{call.name} {item['name']}"
                most = LENGTHS[name]
                said = [
                    call.outcome(longer(inputs, call.data, number, length))
                    for length in (most, most + 1)
                ]
                assert said[1] == ("", b""), name
                read.setdefault(name, set()).add(str(said[0][0]))
    assert read.keys() == {name for name in LENGTHS if name.startswith(f"{contract}.")}
    # an owner without code cannot be called back with data; who has some is
    assert {name for name, reasons in read.items() if reasons == {""}} == set()


@pytest.mark.covers("N05")
def test_sixteen_reserves_and_no_more():
    ground = Ground()
    world = ground.world
    reserves = [ground.new("MockBacked", world.coin.address).address for _ in range(17)]
    for reserve in reserves[:16]:
        world.fund.transact("add_reserve", reserve, sender=world.governor)
    with reverts("too many reserves"):
        world.fund.transact("add_reserve", reserves[16], sender=world.governor)
    assert list(world.fund.read("reserves")) == reserves[:16]
    assert world.fund.read("equity") == (0, 0)
    world.fund.transact("remove_reserve", reserves[3], sender=world.governor)
    world.fund.transact("add_reserve", reserves[16], sender=world.governor)
    assert set(world.fund.read("reserves")) == {*reserves} - {reserves[3]}


@pytest.mark.covers("N05")
@pytest.mark.parametrize(("kind", "reason"), [(31, "token not priced"), (32, "unknown kind")])
def test_a_book_has_no_thirty_third_kind(live, kind, reason):
    for call in good_calls(live, "Vault", {"Vault.list_collateral"}):
        args = (kind, *call.attempt.args[1:])
        assert call.outcome(call.with_args(*args))[0] == reason


# N15


# who is refused as a receiver beside the zero address: the contract that pays, and the vault
BAD = "bad receiver"
REFUSED_RECEIVERS: dict[str, tuple[str, str | None, str | None]] = {
    "Vault.withdraw": (BAD, BAD, BAD),
    "Vault.borrow": (BAD, BAD, BAD),
    "Vault.adjust": (BAD, BAD, BAD),
    "Vault.take": (BAD, BAD, BAD),
    "Vault.takes": (BAD, BAD, BAD),
    "Vault.withdraw_absorbed": (BAD, BAD, BAD),
    # an ERC-20 whose vaults, funds and pools hold it like anybody
    "Stablecoin.mint": ("mint to zero", None, None),
    "Stablecoin.transfer": ("erc20: transfer to the zero address", None, None),
    "Stablecoin.transferFrom": ("erc20: transfer to the zero address", None, None),
    "InsuranceFund.buy": (BAD, BAD, None),
    "PegStability.mint": (BAD, BAD, None),
    "PegStability.redeem": (BAD, BAD, None),
    "Settlement.redeem": (BAD, BAD, BAD),
    "Settlement.claim": (BAD, BAD, BAD),
    "WethGateway.withdraw": (BAD, BAD, BAD),
}


def paid(entry: Item) -> int | None:
    """Return the number of the argument that says who is paid, None when nobody is."""
    names = [item["name"] for item in entry["inputs"]]
    return next((names.index(name) for name in ("receiver", "to") if name in names), None)


def test_every_function_that_pays_is_asked():
    paying = {
        f"{name}.{entry['name']}"
        for name in CONTRACTS
        for entry in artifact(name).abi
        if entry["type"] == "function" and paid(entry) is not None
    }
    # the receiver of a loan must answer, and pay it back
    assert paying == REFUSED_RECEIVERS.keys() | {"Stablecoin.flashLoan"}


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(name, id=f"N15-{name}")
        for name in CONTRACTS
        if any(key.startswith(f"{name}.") for key in REFUSED_RECEIVERS)
    ],
)
def test_a_receiver_that_is_nobody_or_the_contract_itself(live, contract):
    """An adjust that pays nothing out asks for no receiver, and a claim first who claims."""
    found: dict[str, set[tuple[str | None, ...]]] = {}
    for call in good_calls(live, contract, REFUSED_RECEIVERS):
        number = paid(call.entry)
        assert number is not None
        said = []
        for receiver in (ZERO, call.contract.address, live.world.vault.address):
            args = list(call.attempt.args)
            args[number] = receiver
            said.append(call.outcome(call.with_args(*args))[0])
        found.setdefault(call.name, set()).add(tuple(said))
    expected: dict[str, set[tuple[str | None, ...]]] = {
        name: {reasons}
        for name, reasons in REFUSED_RECEIVERS.items()
        if name.startswith(f"{contract}.")
    }
    if contract == "Vault":
        expected["Vault.adjust"].add((None, None, None))
    if contract == "Settlement":
        expected["Settlement.claim"].add(("not holder",) * 3)
    assert found == expected


# N16


@pytest.mark.parametrize(
    ("fn", "reason"),
    [
        pytest.param("move", "same account", id="N16-move-to-itself"),
        pytest.param("adjust", "legs not ascending", id="N16-the-same-leg-twice"),
        pytest.param("takes", None, id="N16-the-same-order-twice"),
        pytest.param("margin_calls", None, id="N16-the-same-account-twice"),
    ],
)
def test_nothing_counts_twice(fn, reason):
    """What is named twice is refused, or is two things one after the other."""
    ground = Ground()
    world, keeper = ground.world, ground.world.keeper
    world.give_coins(keeper, 20_000 * WAD)
    id = ground.open([(ETH, 10 * WAD)], 5_100 * WAD)
    world.follow(590 * WAD)
    at = ground.now + 1
    if fn != "margin_calls":
        at = ground.act("margin_call", id).now
    order = (id, ETH, WAD, MAX)
    args = {
        "move": (id, id, [(ETH, 1)], 0),
        "adjust": (id, [(ETH, 1), (ETH, 1)], 0, keeper, b""),
        "takes": ([order, order], keeper),
        "margin_calls": ([id, id],),
    }[fn]
    sender = world.owner if fn == "move" else keeper
    done = ground.act(fn, *args, sender=sender, at=at, refused=reason)
    if fn == "takes":
        sold, cost = done.after.returned
        assert (list(sold), cost) == ([WAD, WAD], 2 * 590 * WAD * 101 // 100)
        assert world.vault.read("balances", id, ETH) == 8 * WAD
    elif fn == "margin_calls":
        assert done.after.returned == 0b01
    else:
        assert world.vault.read("balances", id, ETH) == 10 * WAD


# N17


@each_contract("N17")
def test_call_data_that_is_none_is_refused(live, contract):
    """Beside every spoiled call stands the good one, which goes through.

    A list that begins behind the end of the call data is an empty list, and a byte that is missing
    there is a zero: so the compiler reads it, and so it is.
    """
    tried = 0
    for call in good_calls(live, contract):
        inputs, good = call.entry["inputs"], call.outcome()
        for what, data in unreadable(inputs, call.data):
            bare = BARE.get(contract, "") if len(data) < 4 or "selector" in what else ""
            assert call.outcome(data) == (bare, b""), f"{call.name}: {what}"
            tried += 1
        for more in (b"\x00", b"\xff" * 33):
            assert call.outcome(call.data + more) == good, f"{call.name}: more than was asked for"
        for number, what, data in lists_behind_the_end(inputs, call.data):
            args = list(call.attempt.args)
            args[number] = type(args[number])()
            empty = call.outcome(call.with_args(*args))
            assert call.outcome(data) == empty, f"{call.name}: {what}"
            tried += 1
        if any(words_of(item) is None for item in inputs):
            cut = call.data[:-1]
            assert call.outcome(cut) == call.outcome(cut + b"\x00"), f"{call.name}: cut"
    assert tried >= 2


# N18


@each_contract("N18")
def test_ether_that_nobody_asked_for(live, contract):
    """What takes no ether refuses a wei, bare or with a call; what is forced in changes nothing."""
    for call in good_calls(live, contract, first=True):
        good = call.outcome()
        if call.name in PAYABLE:
            assert call.attempt.value > 0
            assert call.outcome(value=call.attempt.value + 1)[0] is None
        else:
            assert call.attempt.value == 0
            assert call.outcome(value=1) == ("", b""), call.name
        assert call.outcome(b"", value=1) == (BARE.get(contract, ""), b""), call.name
        for target in (call.contract, live.world.vault, live.world.coin, live.world.hub):
            live.rpc.set_balance(target.address, 10**20)
        assert call.outcome() == good, call.name


# N02, N03: one unit


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(1, id="N02-a-second"),
        pytest.param(31_536_000, id="N02-a-year"),
        pytest.param(30 * 31_536_000, id="N02-30-years"),
    ],
)
@pytest.mark.covers("I13", "I14")
def test_a_wei_of_debt(seconds):
    """Borrowed it is owed, and at most one unit of the index more; repaid it is never more."""
    ground = Ground(book=BookParams())
    world, owner = ground.world, ground.world.owner
    world.give_coins(world.keeper, 10_000 * WAD)
    id = ground.open([(ETH, 100 * WAD)], 2_000 * WAD)
    world.forward(seconds)
    world.follow(2_000 * WAD)
    before = ground.act("accrue").after.debt(id, ground.now + 1)
    borrowed = ground.act("borrow", id, 1, owner, sender=owner)
    owed = borrowed.after.debt(id, borrowed.now)
    unit = -(-borrowed.after.live_index(borrowed.now) // RAY)
    assert (unit > 2) == (seconds > 31_536_000)
    assert before + 1 <= owed <= before + 1 + unit
    for _ in range(5):
        book = ground.book()
        owed = book.debt(id, ground.now + 1)
        repaid = ground.act("repay", id, 1)
        assert owed - 1 <= repaid.after.debt(id, repaid.now) <= owed
        coins = [
            each.coin.balances[to_checksum_address(world.keeper)] for each in (book, repaid.after)
        ]
        assert coins[0] - coins[1] == 1


@pytest.mark.covers("N03", "A16")
def test_a_unit_is_withdrawn_to_the_last_that_is_free():
    ground = Ground()
    owner = ground.world.owner
    # 2,000 coins need 1.3333... ETH: 1333333333333333334 units at the least
    id = ground.open([(ETH, 1_333_333_333_333_333_336)], 2_000 * WAD)
    for _ in range(2):
        ground.act("withdraw", id, ETH, 1, owner, sender=owner)
    ground.act("withdraw", id, ETH, 1, owner, sender=owner, refused="below initial margin")
    assert ground.world.vault.read("balances", id, ETH) == 1_333_333_333_333_333_334


@pytest.mark.covers("A16")
@pytest.mark.parametrize(
    ("kind", "price", "cost"),
    [
        # at 101 % of 590 a unit of ETH costs less than a wei of coins, and so one
        pytest.param(ETH, 590 * WAD, 596, id="N03-take-a-unit-of-18-decimals"),
        pytest.param(BTC, 11_800 * WAD, 11_918 * 10**10, id="N03-take-a-unit-of-8-decimals"),
        pytest.param(STABLE, WAD * 27 // 100, 271_350_000_000, id="N03-take-a-unit-of-6-decimals"),
    ],
)
def test_a_unit_is_never_taken_for_nothing(kind, price, cost):
    """What it costs is rounded up to a whole coin unit, here worked out by hand."""
    ground = Ground()
    world = ground.world
    world.give_coins(world.keeper, 10 * WAD)
    amount = {ETH: 10 * WAD, BTC: 5 * 10**7, STABLE: 20_000 * 10**6}[kind]
    id = ground.open([(kind, amount)], 5_100 * WAD)
    prices = [2_000 * WAD, 40_000 * WAD, WAD]
    prices[kind] = price
    world.follow(*prices)
    called = ground.act("margin_call", id)
    taken = ground.act("take", id, kind, 1, MAX, world.keeper, b"", at=called.now)
    assert taken.after.returned == (1, cost)


# N04


LEAST = -(2**255)


@pytest.mark.covers("I58")
@pytest.mark.parametrize(
    ("fn", "args", "reason"),
    [
        pytest.param(fn, args, reason, id=f"N04-{fn}-{name}")
        for fn, name, args, reason in (
            ("deposit", "2^255", (ETH, 2**255), "above cap"),
            ("deposit", "2^256-1", (ETH, MAX), "above cap"),
            ("withdraw", "2^255", (ETH, 2**255, "owner"), "above balance"),
            ("withdraw", "2^256-2", (ETH, MAX - 1, "owner"), "above balance"),
            ("withdraw", "2^256-1", (ETH, MAX, "owner"), None),
            # with the 2,000 that are owed already
            ("borrow", "to-2^104-1", (2**104 - 1 - 2_000 * WAD, "owner"), "below initial margin"),
            ("borrow", "to-2^104", (2**104 - 2_000 * WAD, "owner"), "debt too large"),
            ("borrow", "2^128", (2**128, "owner"), "debt too large"),
            ("borrow", "2^128+1", (2**128 + 1, "owner"), "debt too large"),
            ("borrow", "2^255", (2**255, "owner"), "debt too large"),
            ("borrow", "2^256-1", (MAX, "owner"), "debt too large"),
            ("repay", "2^255", (2**255,), None),
            ("repay", "2^256-1", (MAX,), None),
            ("adjust", "all-out", ([(ETH, LEAST)], LEAST, "owner", b""), None),
            ("adjust", "debt-least-and-one", ([], LEAST + 1, "owner", b""), None),
            ("adjust", "debt-most", ([], 2**255 - 1, "owner", b""), "debt too large"),
            ("adjust", "leg-most", ([(ETH, 2**255 - 1)], 0, "owner", b""), "above cap"),
            (
                "adjust",
                "leg-least-and-one",
                ([(ETH, LEAST + 1)], 0, "owner", b""),
                "above balance",
            ),
            ("move", "all", ([(ETH, 2**255 - 1)], MAX), None),
            ("move", "leg-least", ([(ETH, LEAST)], 0), "zero amount"),
            ("move", "leg-2^254", ([(ETH, 2**254)], 0), "above balance"),
            ("move", "debt-2^255", ([(ETH, 2**255 - 1)], 2**255), None),
        )
    ],
)
def test_the_ends_of_all_numbers(fn, args, reason):
    """What means all is all, and what is no amount is refused by name; the books stay balanced."""
    ground = Ground()
    world, owner = ground.world, ground.world.owner
    world.give_coins(owner, 10_000 * WAD)
    # without debt where all collateral is to go
    debt = 0 if fn == "withdraw" else 2_000 * WAD
    id = ground.open([(ETH, 10 * WAD)], debt)
    args = tuple(owner if arg == "owner" else arg for arg in args)
    other = world.id(owner, 1)
    ground.ids.append(other)
    target = (id, other) if fn == "move" else (id,)
    done = ground.act(fn, *target, *args, sender=owner, refused=reason)
    position = done.after.positions[id]
    if reason is not None:
        assert (position.balances[ETH], world.debt(id)) == (10 * WAD, debt)
    elif fn in ("withdraw", "move") or args[0] == [(ETH, LEAST)]:
        assert position.balances.get(ETH, 0) == 0
        assert world.debt(id) == 0
    else:
        assert (position.balances[ETH], world.debt(id)) == (10 * WAD, 0)


# N07


@pytest.mark.covers("I22")
@pytest.mark.parametrize(
    "years", [pytest.param(years, id=f"N07-after-{years}-years") for years in (0, 1, 50)]
)
def test_the_last_repayment_and_the_first_debt_after_it(years):
    """A book without debt has nothing to divide by, and nothing is left of the one before."""
    ground = Ground(book=BookParams())
    world, owner = ground.world, ground.world.owner
    id = ground.open([(ETH, 100 * WAD)], 2_000 * WAD)
    world.forward(years * 31_536_000 + 1)
    world.follow(2_000 * WAD)
    # interest is owed in coins that nobody has borrowed
    world.coin.transact("set_ceiling", world.governor, 10**6 * WAD, sender=world.governor)
    world.coin.transact("mint", owner, 10**6 * WAD, sender=world.governor)
    for each in ground.ids:
        ground.act("repay", each, MAX, sender=owner)
    vault = world.vault
    assert (vault.read("totals") % 2**112, vault.read("total_debt")) == (0, 0)
    assert ground.book().live_index(ground.now) > RAY
    ground.act("repay", id, MAX, sender=owner)  # of nothing
    done = ground.act("borrow", id, 2_000 * WAD, owner, sender=owner)
    owed = done.after.debt(id, done.now)
    unit = -(-done.after.live_index(done.now) // RAY)
    assert 2_000 * WAD <= owed <= 2_000 * WAD + unit
    assert owed - 1 <= done.after.total_debt(done.now) <= owed


# N09


SHORTEST = BookParams(0, 900, 0, 1, 0, 0, 0)
LONGEST = BookParams(
    30 * DAY, 30 * DAY, 365 * DAY, 2**96 - 1, (2**96 - 1) // 10, 2_000, RAY // 31_536_000 + 1
)
ROOMY = Levels(6_000, 7_000, 7_500, 11_000, 9_999)


@pytest.mark.parametrize(
    "book",
    [
        pytest.param(SHORTEST, id="N09-all-least"),
        pytest.param(LONGEST, id="N09-all-most"),
        pytest.param(replace(SHORTEST, rate=LONGEST.rate), id="N09-most-interest"),
        pytest.param(replace(LONGEST, rate=0), id="N09-no-interest"),
        pytest.param(replace(BookParams(), grace_period=0), id="N09-no-grace"),
        pytest.param(replace(BookParams(), auction_duration=900), id="N09-the-shortest-auction"),
        pytest.param(replace(BookParams(), call_cool_down=0), id="N09-no-cool-down"),
    ],
)
@pytest.mark.covers("I51")
def test_a_book_of_extreme_numbers_gets_everybody_out(book):
    """Called, sold in part, not sold at all, absorbed, and used again: no state is stuck."""
    ground = Ground(replace(book, ceiling=2**119), kinds=(LocalKind("eth", 18, P, ROOMY),))
    world, owner, rules = ground.world, ground.world.owner, ground.rules
    debt = max(rules.debt_floor, 6_000 * WAD)
    amount = debt * 10 // 6 // 2_000 + 10**3
    world.give_coins(world.keeper, 3 * debt)
    sold = ground.open([(ETH, amount)], debt)
    left = ground.open([(ETH, amount)], debt, sub=1)
    # 60 % of debt to value at the start is 72 %: between maintenance and close-out
    low, lower = P * 6_000 // 7_200, P * 6_000 // 9_000
    world.follow(low)
    for id in (left, sold):
        called = ground.act("margin_call", id)
        assert called.after.positions[id].auction_start == called.now + rules.grace_period
    # from the second it opens it is for sale
    opens = ground.priced(low, called.now + rules.grace_period)
    ground.act("take", sold, ETH, MAX, MAX, world.keeper, b"", at=opens)
    assert world.debt(sold) < debt
    # nobody comes for the other, and its price falls on
    world.follow(lower)
    ground.outcome("margin_call", left)
    if not ground.now <= world.account(left).auction_start + rules.auction_duration:
        ground.outcome("margin_call", left)
    closes = world.account(left).auction_start + rules.auction_duration
    ground.act("absorb", left, at=ground.priced(lower, closes + 1))
    assert world.debt(left) == 0
    ground.act("accrue")
    world.follow(P)
    world.give(owner, ETH, amount)
    ground.act("deposit", left, ETH, amount, sender=owner)
    done = ground.act("borrow", left, rules.debt_floor, owner, sender=owner)
    unit = -(-done.after.live_index(done.now) // RAY)
    assert rules.debt_floor <= world.debt(left) <= rules.debt_floor + unit


# N11, N12


@pytest.mark.covers("N11")
def test_the_last_unit_of_a_coarse_token():
    """One unit of 6 decimals worth 200 coins: valued to the wei, sold whole, gone."""
    worth = 200 * WAD
    ground = Ground(
        replace(STILL, debt_floor=WAD, call_tip=0),
        kinds=(LocalKind("gem", 6, worth * 10**6, ROOMY),),
    )
    world = ground.world
    world.give_coins(world.keeper, 1_000 * WAD)
    id = ground.open([(0, 1)], 120 * WAD)
    assert world.levels(id)[1:3] == (worth, 120 * WAD)
    ground.act("borrow", id, 1, world.owner, sender=world.owner, refused="below initial margin")
    world.follow(155 * WAD * 10**6)
    called = ground.act("margin_call", id)
    taken = ground.act("take", id, 0, 1, MAX, world.keeper, b"", at=called.now)
    # the debt and its penalty of 5 % are 126, less than 110 % of 155: all of the debt is repaid
    assert taken.after.returned == (1, 126 * WAD)
    assert (world.debt(id), world.account(id).collateral_mask) == (0, 0)


@pytest.mark.covers("N12")
def test_eight_crumbs_of_thirty_two_kinds():
    """The last eight of 32 kinds, a unit each: called, absorbed and drawn, none of it lost."""
    decimals = (6, 8, 18, 12)
    kinds = [LocalKind(f"k{n}", decimals[n % 4], P, ROOMY) for n in range(32)]
    ground = Ground(replace(STILL, debt_floor=1, call_tip=0), kinds=kinds)
    world = ground.world
    mine = range(24, 32)
    legs = [(kind, 10) for kind in mine]
    # ten units at 2,000: 2e16 of 6 decimals, 2e14 of 8, 2e10 of 12, 20,000 of 18; twice each
    worth = 2 * (2 * 10**16 + 2 * 10**14 + 2 * 10**10 + 20_000)
    debt = worth * 6_000 // BPS
    id = ground.open(legs, debt)
    assert world.levels(id)[1:3] == (worth, debt)
    for kind in range(32):
        world.set_price(kind, P * 6_000 // 9_000)
    world.forward(61)
    called = ground.act("margin_call", id)
    world.forward(ground.rules.auction_duration)
    absorbed = ground.act("absorb", id, at=called.now + ground.rules.auction_duration + 1)
    assert world.debt(id) == 0
    assert [absorbed.after.absorbed[kind] for kind in mine] == [10] * 8
    assert [absorbed.after.absorbed[kind] for kind in range(24)] == [0] * 24
