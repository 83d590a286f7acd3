# SPDX-License-Identifier: MIT
"""`surety keeper run | status | explain`: the keeper at the command line."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from eth_account import Account
from eth_utils.address import is_address
from rich.console import Console
from rich.table import Table

from surety.chain import Reverted, Rpc
from surety.commands import FiniteRange, counted, printable
from surety.formulas import Revert
from surety.keeper import codec, words
from surety.keeper.book import Book, KeeperError, Reading
from surety.keeper.codec import BadAnswer, view_request
from surety.keeper.engine import HeadReport, Keeper, KeeperConfig
from surety.keeper.explain import as_json
from surety.keeper.market import ContractMarket
from surety.keeper.node import ask, is_revert
from surety.keeper.options import (
    DEV_KEY,
    connect,
    key_options,
    load_account,
    one_line_errors,
    read_address,
    read_wad,
)
from surety.keeper.pokes import PokePolicy
from surety.keeper.risk import State, Unpriced, exact
from surety.keeper.senders import DrySender, KeySender, Sender
from surety.keeper.strategy import Absorb, Intent, Policy, Take
from surety.keeper.words import KIND_COUNT

BPS = 10_000
WAD = 10**18
LONGEST_INTERVAL = 86_400

SILENT_REVERT = str(Reverted(""))


def _node_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json_", is_flag=True, help="Print JSON on stdout."),
        click.option("--from-block", type=click.IntRange(0), default=0, help="Where logs begin."),
        click.option("--vault", required=True, callback=read_address, help="Address of the vault."),
        click.option("--rpc", "url", required=True, help="URL of the node."),
    ):
        command = option(command)
    return command


@click.group()
def keeper() -> None:
    """Watch accounts, call margin and buy auctions."""


@keeper.command()
@_node_options
@click.option("--chain-id", type=int, help="Refuse any other chain.")
@key_options
@click.option(
    "--market", callback=read_address, help="Contract that buys what is taken; none: no takes."
)
@click.option(
    "--native-price", callback=read_wad, help="Coins per native coin, to value gas; none: no takes."
)
@click.option(
    "--interval",
    type=FiniteRange(0.05, LONGEST_INTERVAL),
    default=1.0,
    show_default=True,
    help="Seconds between looks.",
)
@click.option(
    "--poke-bps",
    type=click.IntRange(1, 10_000),
    default=PokePolicy().move_bps,
    show_default=True,
    help="Write a price down when it is so far from the stored one.",
)
@click.option(
    "--poke-age",
    type=click.IntRange(1, 10**9),
    default=PokePolicy().longest_age,
    show_default=True,
    help="Write a price down after so many seconds in any case.",
)
@click.option("--no-poke", is_flag=True, help="Leave writing prices down to others.")
@click.option("--once", is_flag=True, help="Do one block's work and end.")
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be sent.")
@one_line_errors
def run(
    url: str,
    vault: str,
    from_block: int,
    as_json_: bool,
    chain_id: int | None,
    keystore: Path | None,
    password_file: Path | None,
    dev_key: bool,
    market: str | None,
    native_price: int | None,
    interval: float,
    poke_bps: int,
    poke_age: int,
    no_poke: bool,
    once: bool,
    dry_run: bool,
) -> None:
    """Work on every new block until Ctrl-C.

    Without --market or --native-price it only calls and absorbs: what has no price is not taken.
    """
    rpc = connect(url)
    book = Book(rpc, vault, from_block)
    book.connect()
    if chain_id is not None and book.chain_id != chain_id:
        raise KeeperError(f"wrong chain: the node is on {book.chain_id}, not {chain_id}")
    sender = _sender(rpc, book.chain_id, keystore, password_file, dev_key, dry_run)
    if market is not None:
        check_market(rpc, book.hub, market)
    worker = Keeper(
        rpc,
        vault,
        sender,
        ContractMarket(rpc, market) if market else None,
        KeeperConfig(
            native_price=native_price,
            from_block=from_block,
            policy=Policy(
                pokes=PokePolicy(enabled=not no_poke, move_bps=poke_bps, longest_age=poke_age)
            ),
        ),
    )
    console = Console(stderr=True, highlight=False)
    last = -1
    try:
        while True:
            report = worker.on_head()
            if report.error or report.number != last:
                _tell(console, report, worker, as_json_)
            last = report.number if not report.error else last
            if once:
                if report.error:
                    raise KeeperError(f"the work was put off: {report.error}")
                return
            time.sleep(interval)
    except KeyboardInterrupt:
        click.echo("surety keeper run: stopped", err=True)


@keeper.command()
@_node_options
@one_line_errors
def status(url: str, vault: str, from_block: int, as_json_: bool) -> None:
    """Count accounts and debt by state; exit 2 when one may be called, bought or absorbed."""
    book, reading = _read(url, vault, from_block)
    counts: Counter[State] = Counter()
    debts: Counter[State] = Counter()
    undecided = 0
    for account, word, balances in book.table.items():
        try:
            subject = exact(account, word, balances, reading.view)
        except (Unpriced, Revert):
            undecided += 1
            continue
        counts[subject.state] += 1
        debts[subject.state] += subject.debt
    if as_json_:
        click.echo(
            json.dumps(
                {
                    "block": reading.head.number,
                    "time": reading.head.timestamp,
                    "chain_id": book.chain_id,
                    "accounts": {state.name: counts[state] for state in State},
                    "debt": {state.name: str(debts[state]) for state in State},
                    "undecided": undecided,
                }
            )
        )
    else:
        table = Table(title=f"block {reading.head.number}, {counted(len(book.table), 'account')}")
        table.add_column("state")
        table.add_column("accounts", justify="right")
        table.add_column("debt", justify="right")
        for state in State:
            table.add_row(state.name, str(counts[state]), f"{debts[state] / WAD:,.2f}")
        if undecided:
            table.add_row("no price", str(undecided), "")
        Console(highlight=False).print(table)
    open_work = (State.CALLABLE, State.IN_AUCTION, State.ABSORBABLE)
    if undecided or any(counts[state] for state in open_work):
        raise SystemExit(2)


@keeper.command()
@click.argument("account")
@_node_options
@one_line_errors
def explain(account: str, url: str, vault: str, from_block: int, as_json_: bool) -> None:
    """Print every term of every level of ACCOUNT (owner:sub, owner, or id), and what cures it."""
    number = parse_account(account)
    book, reading = _read(url, vault, from_block)
    row = book.table.row_of(number)
    if row is None:
        raise KeeperError(f"no account {words.show_account(number)} in this vault")
    balances = book.table.balances[row]
    try:
        subject = exact(number, book.table.words[row], balances, reading.view)
    except (Unpriced, Revert) as error:
        raise KeeperError(f"the account cannot be decided: {error}") from error
    found = as_json(subject, balances, reading.view)
    if as_json_:
        click.echo(json.dumps(found))
        return
    _print_explained(Console(highlight=False), found)


def check_market(rpc: Rpc, hub: str, market: str) -> None:
    """Raise KeeperError unless a contract at `market` answers `quote_sell` for a listed kind.

    A revert with a reason is an answer, for a market may be closed for now; one without any is how
    a contract refuses a function that it does not have.
    """
    listed = [
        ("eth_call", [view_request(hub, codec.TOKEN_OF, k), "latest"]) for k in range(KIND_COUNT)
    ]
    code, *found = ask(rpc, [("eth_getCode", [market, "latest"]), *listed])
    if not isinstance(code, str):
        raise BadAnswer("the node did not answer about the market")
    if code in ("0x", "0x0"):
        raise KeeperError(f"no market at {market}: there is no contract")
    tokens = [
        token
        for token in (
            codec.result(codec.TOKEN_OF, answer) for answer in found if not is_revert(answer)
        )
        if int(token, 16)
    ]
    quotes = [view_request(market, codec.MARKET_QUOTE_SELL, token, 1) for token in tokens]
    answers = ask(rpc, [("eth_call", [quote, "latest"]) for quote in quotes])
    if answers and not any(_quotes(answer) for answer in answers):
        raise KeeperError(f"no market at {market}: the contract there does not quote a sale")


def _quotes(answer: object) -> bool:
    if is_revert(answer):
        return not str(getattr(answer, "message", "")).endswith(SILENT_REVERT)
    try:
        codec.result(codec.MARKET_QUOTE_SELL, answer)
    except BadAnswer:
        return False
    return True


def parse_account(text: str) -> int:
    """Read an account as `owner:sub`, `owner` (sub 0) or its number; raises KeeperError."""
    owner, _, sub = text.partition(":")
    try:
        if is_address(owner) and owner.startswith("0x"):
            number = int(sub or "0")
            if not 0 <= number <= 0xFF:
                raise ValueError
            return int(owner, 16) << 8 | number
        number = int(text, 0)
        if number < 0 or number >> 168:
            raise ValueError
    except ValueError:
        raise KeeperError(f"{text} is not an account: owner:sub, owner, or a number") from None
    return number


def _sender(
    rpc: Rpc,
    chain_id: int,
    keystore: Path | None,
    password_file: Path | None,
    dev_key: bool,
    dry_run: bool,
) -> Sender:
    if dry_run and keystore is None and not dev_key:
        return DrySender(str(Account.from_key(DEV_KEY).address))
    account = load_account(chain_id, keystore, password_file, dev_key)
    if dry_run:
        return DrySender(str(account.address))
    return KeySender(rpc, account, chain_id)


def _read(url: str, vault: str, from_block: int) -> tuple[Book, Reading]:
    book = Book(connect(url), vault, from_block)
    reading = book.refresh(lambda head: [])
    if reading is None:
        raise KeeperError(f"the chain ends before block {from_block}")
    return book, reading


def _tell(console: Console, report: HeadReport, worker: Keeper, as_json_: bool) -> None:
    if as_json_:
        line = {
            "block": report.number,
            "watched": report.watched,
            "unsafe": {state.name: count for state, count in sorted(report.states.items())},
            "sent": [_intent_json(intent) for intent in report.sent],
            "poked": [
                {"kind": kind, "reason": reason}
                for poke in report.poked
                for kind, reason in zip(poke.kinds, poke.reasons, strict=True)
            ],
            "skips": [
                {"account": words.show_account(skip.account), "reason": skip.reason}
                for skip in report.skips
            ],
            "error": report.error,
            "keeper": worker.stats.as_json(),
        }
        click.echo(json.dumps(line))
        return
    if report.error:
        console.print(f"put off: {printable(report.error)}", markup=False)
        return
    parts = [f"block {report.number}", f"{report.watched} watched"]
    parts += [f"{count} {state.name}" for state, count in sorted(report.states.items())]
    parts += [f"{len(report.sent)} sent"] if report.sent else []
    console.print(", ".join(parts))
    for intent in report.sent:
        name = type(intent).__name__
        console.print(f"  {name} {words.show_account(intent.account)}", markup=False)
    for poke in report.poked:
        for kind, reason in zip(poke.kinds, poke.reasons, strict=True):
            console.print(f"  Poke kind {kind}: {reason}", markup=False)


def _intent_json(intent: Intent) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": type(intent).__name__,
        "account": words.show_account(intent.account),
        "expected_loss": str(intent.expected_loss),
        "profit": str(intent.profit),
    }
    if isinstance(intent, Take):
        found |= {
            "kind": intent.size.kind,
            "amount": str(intent.size.amount),
            "cost": str(intent.size.cost),
            "price": str(intent.max_price),
        }
    elif not isinstance(intent, Absorb):
        found |= {"immediate": intent.immediate, "tip": str(intent.tip)}
    return found


def _print_explained(console: Console, found: dict[str, Any]) -> None:
    """Print what `as_json` found as people read it: coins and prices with decimals."""
    console.print(f"account {found['account']}  {found['state']}", markup=False)
    console.print(found["why"], markup=False)
    levels = Table(title=f"levels at block {found['block']} (coins)")
    levels.add_column("")
    for name in ("value", "initial", "target", "maintenance", "close_out"):
        levels.add_column(name, justify="right")
    for kind in found["kinds"]:
        terms = ("value_hi", "initial", "target", "maintenance", "close_out")
        levels.add_row(f"kind {kind['kind']}", *(_coins(kind[name]) for name in terms))
    sums = ("value", "initial", "target", "maintenance", "close_out")
    levels.add_row("all", *(_coins(found["levels"][name]) for name in sums))
    console.print(levels)
    console.print(f"debt {_coins(found['levels']['debt'])}")
    prices = Table(title="prices (coins)")
    for name in ("kind", "lo", "hi", "margin x", "callable below"):
        prices.add_column(name, justify="right")
    for kind in found["kinds"]:
        prices.add_row(
            str(kind["kind"]),
            _coins(kind["lo"]),
            _coins(kind["hi"]),
            f"{kind['initial_multiplier'] / BPS:.2f} / {kind['maintenance_multiplier'] / BPS:.2f}",
            _coins(kind["callable_below"]),
        )
    console.print(prices)
    cures = Table(title="per kind")
    for name in ("kind", "balance", "top-up to cure", "top-up to maintenance"):
        cures.add_column(name, justify="right")
    for kind in found["kinds"]:
        unit = 10 ** kind["decimals"]
        cures.add_row(
            str(kind["kind"]),
            _amount(kind["balance"], unit),
            _amount(kind["to_target"], unit),
            _amount(kind["to_maintenance"], unit),
        )
    console.print(cures)
    for kind in found["kinds"]:
        if kind["failed"]:
            console.print(f"the price of kind {kind['kind']} has FAILED: lo is 0, hi the last one")
        if kind["confirming"]:
            console.print(
                f"the price of kind {kind['kind']} is CONFIRMING: no auction at once, no absorb"
            )
    console.print(
        f"repay {_coins(found['repay_to_target'])} coins to cure, "
        f"{_coins(found['repay_to_maintenance'])} to leave the margin call"
    )


def _coins(value: str | None) -> str:
    return "-" if value is None else f"{int(value) / WAD:,.4f}"


def _amount(value: str | None, unit: int) -> str:
    return "-" if value is None else f"{int(value) / unit:,.8f}"
