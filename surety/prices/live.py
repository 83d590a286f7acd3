# SPDX-License-Identifier: MIT
"""`surety prices status | poke`: the prices of a live hub, and a push for those that need one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from surety.chain import KeySender, Receipt, Reverted, Rpc, RpcError, TransportError
from surety.commands import FiniteRange, counted, printable
from surety.keeper import codec
from surety.keeper.book import KeeperError
from surety.keeper.codec import BadAnswer, view_request
from surety.keeper.node import Failure, ask
from surety.keeper.options import (
    connect,
    key_options,
    load_account,
    one_line_errors,
    read_address,
)
from surety.keeper.words import Price
from surety.prices.board import (
    ORACLE_GAS,
    SIGMA_SCALE,
    WAD,
    Board,
    Kind,
    Sequencer,
    clock,
    hub_of,
    read_board,
)
from surety.prices.lag import BPS, lag_down, lag_up

FINDING: Final = 2
# for a kind an oracle and a sequencer's feed may burn 300,000 each; nothing else costs half as much
MOST_GAS_PER_KIND: Final = 1_000_000
MOST_GAS_BASE: Final = 1_000_000
LONGEST_WATCH: Final = 86_400
_FLAGS: Final = ((1, "FAILED"), (2, "CONFIRMING"))
_LABEL: Final = 8  # characters of a symbol in a table
# of the price of a hub, the highest there is
_UNBOUNDED: Final = 2**88 - 1


def _hub_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout."),
        click.option("--vault", callback=read_address, help="A vault, to find the hub by."),
        click.option("--hub", callback=read_address, help="Address of the price hub."),
        click.option("--rpc", "url", required=True, help="URL of the node."),
    ):
        command = option(command)
    return command


@click.command()
@_hub_options
@click.option(
    "--watch",
    type=FiniteRange(0.2, LONGEST_WATCH),
    metavar="SECONDS",
    help="Look again every so often until Ctrl-C, which ends it with exit code 0.",
)
@one_line_errors
def status(
    url: str, hub: str | None, vault: str | None, as_json: bool, watch: float | None
) -> None:
    """Show each kind of a hub: market, lo and hi, lag, age, flags, multipliers and guards.

    All of one block, in three round trips, one more with --vault. `stored` is the word on the
    chain, `now` what a reader gets; lags are bps of the market. Exit codes: 0 all kinds are fine, 1
    an error, 2 a finding: a kind has FAILED, is CONFIRMING, or its oracle has no usable answer.
    """
    rpc = connect(url)
    address = _hub(rpc, hub, vault)
    if watch is None:
        board = read_board(rpc, address)
        _show(board, as_json)
        raise SystemExit(0 if board.is_fine else FINDING)
    try:
        while True:
            try:
                _show(read_board(rpc, address), as_json)
            except (TransportError, RpcError, BadAnswer) as error:
                text = printable(" ".join(str(error).split()))
                click.echo(f"surety prices status: {text}", err=True)
            time.sleep(watch)
    except KeyboardInterrupt:
        click.echo("surety prices status: stopped", err=True)


@click.command()
@_hub_options
@click.option(
    "--kind", "numbers", type=click.IntRange(0, 31), multiple=True, help="This kind; repeatable."
)
@click.option("--stale", is_flag=True, help="Every kind that is not fresh: the default.")
@click.option("--all", "every", is_flag=True, help="Every kind, fresh or not.")
@click.option("--chain-id", type=int, help="Refuse any other chain.")
@key_options
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be sent.")
@one_line_errors
def poke(
    url: str,
    hub: str | None,
    vault: str | None,
    as_json: bool,
    numbers: tuple[int, ...],
    stale: bool,
    every: bool,
    chain_id: int | None,
    keystore: Path | None,
    password_file: Path | None,
    dev_key: bool,
    dry_run: bool,
) -> None:
    """Write down what a reader would get now, for the kinds whose word is not fresh.

    The hub leaves a word that is younger than `fresh_for` as it is, so nothing is sent for it.
    Anyone may poke; nobody is paid for it. Exit codes: 0 done or nothing to do, 1 an error, 2 a
    kind that was poked has FAILED.
    """
    if sum((bool(numbers), stale, every)) > 1:
        raise KeeperError("give only one of --kind, --stale and --all")
    rpc = connect(url)
    address = _hub(rpc, hub, vault)
    board = read_board(rpc, address)
    if chain_id is not None and board.chain_id != chain_id:
        raise KeeperError(f"wrong chain: the node is on {board.chain_id}, not {chain_id}")
    chosen = _chosen(board, numbers)
    due = [kind for kind in chosen if kind.is_due]
    fresh = [kind for kind in chosen if not kind.is_due]
    if not due or dry_run:
        _tell(_plan_json(board, due, fresh, dry_run) if as_json else _plan_text(board, due, fresh))
        return
    account = load_account(board.chain_id, keystore, password_file, dev_key)
    if not as_json:
        click.echo(_plan_text(board, due, fresh))
    mask = sum(1 << kind.number for kind in due)
    data = codec.HUB_POKE.encode(mask)
    gas = _gas(rpc, str(account.address), address, data, len(due))
    receipt = _sent(KeySender(rpc, account), address, data, gas)
    after = _stored(rpc, address, [kind.number for kind in due], receipt.block)
    if as_json:
        _tell(_poked_json(board, due, fresh, receipt, after))
    else:
        _print_poked(Console(highlight=False), due, receipt, after)
    if any(price.failed for price in after):
        raise SystemExit(FINDING)


def _hub(rpc: Rpc, hub: str | None, vault: str | None) -> str:
    """Return the hub that was named, or that of the vault; exactly one of them is given."""
    if (hub is None) == (vault is None):
        raise KeeperError("give either --hub or --vault")
    return hub if hub is not None else hub_of(rpc, str(vault))


def _show(board: Board, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_json(board)))
    else:
        print_board(Console(highlight=False), board)


# poke


def _chosen(board: Board, numbers: Sequence[int]) -> list[Kind]:
    known = {kind.number: kind for kind in board.kinds}
    for number in numbers:
        if number not in known:
            raise KeeperError(f"no kind {number}: the hub has {counted(len(known), 'kind')}")
    return [known[number] for number in sorted(set(numbers) or known)]


def _why(kind: Kind) -> str:
    """Say in a few words what a poke would change."""
    if kind.seen is None:
        return "reading it reverts"
    if kind.stored.failed and not kind.seen.failed:
        return "it has recovered"
    if kind.seen.failed and not kind.stored.failed:
        return "it has failed"
    if kind.stored.failed:
        return "still failed"
    if kind.seen.confirming and not kind.stored.confirming:
        return "a confirmation begins"
    if (kind.stored.lo, kind.stored.hi) != (kind.seen.lo, kind.seen.hi):
        return "the price has moved"
    if (kind.stored.flags, _multipliers(kind.stored)) != (kind.seen.flags, _multipliers(kind.seen)):
        return "flags or multipliers change"
    return "its word is old"


def _multipliers(price: Price) -> tuple[int, int]:
    return price.initial_multiplier, price.maintenance_multiplier


def _plan_text(board: Board, due: Sequence[Kind], fresh: Sequence[Kind]) -> str:
    lines = [
        f"poke kind {kind.number} {kind.symbol}: {_why(kind)} ({_ago(kind.age)} old)"
        for kind in due
    ]
    lines += [
        f"leave kind {kind.number} {kind.symbol}: fresh for another {board.fresh_for - kind.age} s"
        for kind in fresh
    ]
    if not due:
        lines.append("nothing to do: no word would change" if fresh else "nothing to do: no kinds")
    return "\n".join(lines)


def _plan_json(
    board: Board, due: Sequence[Kind], fresh: Sequence[Kind], dry_run: bool
) -> dict[str, Any]:
    return {
        "block": board.number,
        "time": board.now,
        "hub": board.hub,
        "dry_run": dry_run,
        "transaction": None,
        "poked": [],
        "due": [{"kind": kind.number, "why": _why(kind)} for kind in due],
        "fresh": [kind.number for kind in fresh],
    }


def _gas(rpc: Rpc, sender: str, hub: str, data: bytes, kinds: int) -> int:
    """Return a gas limit: the node's estimate and room for every oracle to burn all that it may.

    Before each oracle the hub wants 64/63 of its 300,000 to be there, whatever was spent before.
    """
    request = {"from": sender, "to": hub, "data": "0x" + data.hex()}
    answer = ask(rpc, [("eth_estimateGas", [request])])[0]
    if isinstance(answer, Failure):
        raise KeeperError(f"the poke would fail: {answer.message}")
    try:
        estimate = int(answer, 16)
    except (TypeError, ValueError) as error:
        raise BadAnswer("not a gas estimate") from error
    if estimate > MOST_GAS_BASE + MOST_GAS_PER_KIND * kinds:
        raise KeeperError(f"the poke wants {estimate:,} gas, more than a price hub ever does")
    return estimate * 64 // 63 + ORACLE_GAS * kinds


def _sent(sender: KeySender, hub: str, data: bytes, gas: int) -> Receipt:
    try:
        return sender.send(hub, data, 0, gas)
    except Reverted as error:
        raise KeeperError(f"the poke was mined and reverted: {error}") from error
    except RpcError as error:
        raise KeeperError(f"the node refused the transaction: {error}") from error
    except TransportError as error:
        raise KeeperError(
            f"nobody knows whether the poke arrived ({error}); look with `surety prices status`"
        ) from error


def _stored(rpc: Rpc, hub: str, numbers: Sequence[int], block: int) -> list[Price]:
    answers = ask(
        rpc,
        [
            ("eth_call", [view_request(hub, codec.HUB_WORDS, number), hex(block)])
            for number in numbers
        ],
    )
    found = []
    for answer in answers:
        if isinstance(answer, Failure):
            raise BadAnswer(answer.message)
        found.append(Price.from_word(codec.result(codec.HUB_WORDS, answer)))
    return found


def _poked_json(
    board: Board,
    due: Sequence[Kind],
    fresh: Sequence[Kind],
    receipt: Receipt,
    after: Sequence[Price],
) -> dict[str, Any]:
    return {
        "block": receipt.block,
        "time": board.now,
        "hub": board.hub,
        "dry_run": False,
        "transaction": receipt.hash,
        "gas_used": receipt.gas_used,
        "fee": str(receipt.gas_used * receipt.gas_price),
        "poked": [
            {
                "kind": kind.number,
                "symbol": kind.symbol,
                "why": _why(kind),
                "before": _word_json(kind.stored),
                "after": _word_json(price),
            }
            for kind, price in zip(due, after, strict=True)
        ],
        "due": [],
        "fresh": [kind.number for kind in fresh],
    }


def _print_poked(
    console: Console, due: Sequence[Kind], receipt: Receipt, after: Sequence[Price]
) -> None:
    table = _table(f"poked in block {receipt.block}, {receipt.gas_used:,} gas")
    for name in ("kind", "", "lo", "hi", "flags"):
        table.add_column(name, justify="left" if name in ("kind", "", "flags") else "right")
    for kind, price in zip(due, after, strict=True):
        for what, word in (("before", kind.stored), ("after", price)):
            label = _label(kind) if what == "before" else Text("")
            flags = " ".join(_flags(word.flags)) or "-"
            table.add_row(label, what, _coins(word.lo), _coins(word.hi), flags)
        table.add_section()
    console.print(table)


# status


def to_json(board: Board) -> dict[str, Any]:
    """Return a board as JSON: prices and volatilities in WAD as strings, all else as numbers.

    What an oracle says of its time may be any integer, so it is a string too.
    """
    return {
        "chain_id": board.chain_id,
        "block": board.number,
        "time": board.now,
        "hub": board.hub,
        "fresh_for": board.fresh_for,
        "confirm_period": board.confirm_period,
        "sequencer": None if board.sequencer is None else _sequencer_json(board.sequencer),
        "fine": board.is_fine,
        "kinds": [_kind_json(kind, board.now) for kind in board.kinds],
    }


def _sequencer_json(sequencer: Sequencer) -> dict[str, Any]:
    return {
        "feed": sequencer.feed,
        "state": sequencer.state,
        "since": sequencer.since,
        "why": sequencer.why,
    }


def _kind_json(kind: Kind, now: int) -> dict[str, Any]:
    market, limits = kind.market, kind.limits
    at = market.updated_at
    return {
        "kind": kind.number,
        "symbol": kind.symbol,
        "token": kind.token,
        "oracle": kind.oracle,
        "findings": kind.findings(),
        "market": {
            "price": None if market.price is None else str(market.price),
            "updated_at": None if at is None else str(at),
            "age": None if at is None else str(now - at),
            "accepted": str(market.accepted),
            "why": market.why,
        },
        "stored": _word_json(kind.stored) | _lags_json(kind.stored, market.accepted),
        "now": (
            None
            if kind.seen is None
            else _word_json(kind.seen) | _lags_json(kind.seen, market.accepted)
        ),
        "age": kind.age,
        "fresh": kind.is_fresh,
        "confirming": {
            "until": kind.confirming_until,
            "seconds_left": kind.confirming_left,
            "begins_with_next_write": kind.begins,
        },
        "volatility": {
            "hourly": str(kind.sigma),
            "reference": str(limits.sigma_ref * SIGMA_SCALE),
            "last_price": str(kind.last_price),
            "last_at": kind.last_at,
        },
        "min_price": str(limits.min_price),
        "max_price": str(limits.max_price),
        "max_age": limits.max_age,
        "slew_down": limits.slew_down,
        "slew_up": limits.slew_up,
        "jump_bps": limits.jump_bps,
    }


def _word_json(price: Price) -> dict[str, Any]:
    return {
        "lo": str(price.lo),
        "hi": str(price.hi),
        "updated_at": price.updated_at,
        "initial_multiplier": price.initial_multiplier,
        "maintenance_multiplier": price.maintenance_multiplier,
        "flags": _flags(price.flags),
    }


def _lags_json(price: Price, market: int) -> dict[str, Any]:
    """Return the lags in bps of the market, None where there is no market or no price."""
    return {
        "lag_lo_bps": lag_down(price.lo, market) if market and not price.failed else None,
        "lag_hi_bps": lag_up(price.hi, market) if market else None,
    }


def print_board(console: Console, board: Board) -> None:
    """Print a board as people read it; nothing of it comes from strangers unescaped."""
    prices = _table(f"prices at block {board.number}, {clock(board.now)} UTC")
    for name in ("kind", "", "lo", "hi", "lag bps", "state"):
        right = name in ("lo", "hi", "lag bps")
        least = len("CONFIRMING") if name == "state" else None
        prices.add_column(
            name, justify="right" if right else "left", no_wrap=right, min_width=least
        )
    for kind in board.kinds:
        _add_prices(prices, kind)
    console.print(prices)
    guards = _table("guards")
    for name in ("kind", "margin x", "vol/h %", "min .. max", "slew/min", "jump", "max age"):
        guards.add_column(name, justify="left" if name == "kind" else "right")
    for kind in board.kinds:
        guards.add_row(*_guards(kind))
    console.print(guards)
    fresh = (
        f"a word is fresh for {board.fresh_for} s, a confirmation takes {board.confirm_period} s"
    )
    console.print(fresh, markup=False)
    if board.sequencer is not None:
        console.print(_sequencer_text(board.sequencer, board.now), markup=False)
    for kind in board.kinds:
        if kind.findings():
            console.print(_finding(kind), markup=False)
    if not board.kinds:
        console.print("the hub has no kinds")
    elif board.is_fine:
        console.print("all kinds are fine")


def _add_prices(table: Table, kind: Kind) -> None:
    market, stored, seen = kind.market, kind.stored, kind.seen
    said = "-" if market.price is None else _coins(market.price)
    # a reason is a stranger's text: never markup
    table.add_row(_label(kind), "market", said, "", "", Text(_market_state(kind)))
    for what, word in (("now", seen), ("stored", stored)):
        if word is None:
            table.add_row("", what, "-", "-", "", "reading reverts")
            continue
        lags = "-"
        if market.accepted:
            low = "-" if word.failed else _bps(lag_down(word.lo, market.accepted))
            lags = f"{low} / {_bps(lag_up(word.hi, market.accepted))}"
        state = _now_state(kind)
        if what == "stored":
            state = ", ".join([*_flags(word.flags), f"{_ago(kind.age)} old"])
        table.add_row("", what, _coins(word.lo), _coins(word.hi), lags, state)
    table.add_section()


def _market_state(kind: Kind) -> str:
    at = kind.market.updated_at
    if kind.market.why or at is None:
        return kind.market.why
    return f"{_ago(kind.stored.updated_at + kind.age - at)} old"


def _now_state(kind: Kind) -> str:
    if kind.seen is None:
        return ""
    parts = ["FAILED"] if kind.seen.failed else []
    if kind.seen.confirming:
        left = kind.confirming_left
        parts.append("CONFIRMING" if left is None else f"CONFIRMING {left:,} s")
    return " ".join(parts) or ("fresh" if kind.is_fresh else "ok")


def _finding(kind: Kind) -> str:
    """Return one line about what is to be found, with what the table has no room for."""
    found = ", ".join(kind.findings())
    if kind.begins:
        found += f" ({kind.confirming_left:,} s from the next write on: poke it)"
    elif kind.confirming_left is not None:
        found += f" (for another {kind.confirming_left:,} s)"
    return f"finding: kind {kind.number} {kind.symbol}: {found}"


def _guards(kind: Kind) -> list[str | Text]:
    limits = kind.limits
    word = kind.seen or kind.stored
    top = "none" if limits.max_price == _UNBOUNDED else f"{limits.max_price / WAD:.4g}"
    reference = limits.sigma_ref * SIGMA_SCALE
    return [
        _label(kind),
        f"{word.initial_multiplier / BPS:.2f} / {word.maintenance_multiplier / BPS:.2f}",
        f"{100 * kind.sigma / WAD:.2f} / {100 * reference / WAD:.3g}",
        f"{limits.min_price / WAD:.4g} .. {top}",
        f"-{_per_minute(limits.slew_down)} +{_per_minute(limits.slew_up)} %",
        f"{limits.jump_bps / 100:g} %",
        _ago(limits.max_age),
    ]


def _sequencer_text(sequencer: Sequencer, now: int) -> str:
    if sequencer.state == "unreadable":
        return f"finding: sequencer unreadable: {sequencer.why}"
    text = f"sequencer {sequencer.state} for {_ago(now - sequencer.since)}"
    return text if sequencer.state == "up" else f"finding: {text}"


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)


def _label(kind: Kind) -> Text:
    symbol = kind.symbol
    if len(symbol) > _LABEL:
        symbol = f"{symbol[: _LABEL - 1]}…"
    return Text(f"{kind.number} {symbol}", no_wrap=True)


def _flags(flags: int) -> list[str]:
    return [name for bit, name in _FLAGS if flags & bit]


def _coins(wad: int) -> str:
    """Return a WAD price with six digits that count, or two decimals where it has more."""
    value = wad / WAD
    if value >= 1_000:
        return f"{value:,.2f}" if value < 10**10 else f"{value:.3e}"
    return f"{value:#.6g}" if value >= 0.0001 else f"{value:.3g}"


def _bps(lag: int) -> str:
    """Return a lag in at most five characters: above 100 % it only matters that it is."""
    return str(lag) if abs(lag) < BPS else f"{'<-' if lag < 0 else '>'}{BPS - 1}"


def _per_minute(slew: int) -> str:
    return f"{slew * 60 / 10**7:.3g}"


def _ago(seconds: int) -> str:
    """Return a duration in its two largest units."""
    if abs(seconds) < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3_600} h"
    return f"{seconds // 86_400} d"


def _tell(what: str | dict[str, Any]) -> None:
    click.echo(what if isinstance(what, str) else json.dumps(what))
