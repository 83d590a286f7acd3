# SPDX-License-Identifier: MIT
"""What the commands that talk to a node share: their options, their key, and errors in one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address

from surety.chain import Rpc, RpcError, TransportError
from surety.commands import Failure
from surety.keeper.book import KeeperError
from surety.keeper.codec import BadAnswer

WAD = 10**18
DEV_CHAIN = 31_337
# the first key that every local development node funds: worth nothing elsewhere, and refused there
DEV_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn every foreseen failure into one line on stderr and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeeperError as error:
            raise Failure(error) from error
        except (TransportError, RpcError, BadAnswer) as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise Failure(f"the node does not answer as a node should: {text}") from error

    return run


def read_address(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> str | None:
    """Read an address, with or without 0x; a mixed-case one must have the right checksum."""
    if value is None:
        return None
    if not is_address(value):
        raise click.BadParameter(f"{value} is not an address")
    return value if value[:2].lower() == "0x" else f"0x{value}"


def read_wad(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """Read a decimal number as WAD, exactly."""
    if value is None:
        return None
    whole, _, part = value.partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit()) or len(part) > 18 or len(whole) > 60:
        raise click.BadParameter(f"{value} is not a number with at most 18 decimals")
    return int(whole or "0") * WAD + int(part.ljust(18, "0") or "0")


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a key: `keystore`, `password_file`, `dev_key`."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--dev-key", is_flag=True, help=f"Use the development key; chain {DEV_CHAIN} only."
        ),
        click.option("--password-file", type=file, help="File with the keystore's password."),
        click.option("--keystore", type=file, help="Keystore v3."),
    ):
        command = option(command)
    return command


def connect(url: str) -> Rpc:
    """Make the client of a node; raises KeeperError when the URL is none."""
    try:
        return Rpc(url)
    except ValueError as error:
        raise KeeperError(f"bad --rpc: {error}") from error


def load_account(
    chain_id: int, keystore: Path | None, password_file: Path | None, dev_key: bool
) -> LocalAccount:
    """Unlock the key that was named; raises KeeperError without ever repeating a secret."""
    if dev_key:
        if chain_id != DEV_CHAIN:
            raise KeeperError(
                f"wrong chain: --dev-key works on chain {DEV_CHAIN} only, not {chain_id}"
            )
        account: LocalAccount = Account.from_key(DEV_KEY)
        return account
    if keystore is None:
        raise KeeperError(
            "no key: give --keystore and --password-file, or --dev-key on a local chain"
        )
    if password_file is None:
        raise KeeperError("no password: give --password-file with --keystore")
    try:
        key = Account.decrypt(
            keystore.read_text(encoding="utf-8"),
            password_file.read_text(encoding="utf-8").rstrip("\r\n"),
        )
    except (ValueError, KeyError, TypeError, OSError):
        raise KeeperError(
            f"the keystore {keystore.name} does not open: wrong password or not a keystore"
        ) from None
    unlocked: LocalAccount = Account.from_key(key)
    return unlocked
