# SPDX-License-Identifier: MIT
"""A live system with everybody in it, as tests/access has it: who may do what is known there; and
systems on revm over a token that can turn.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surety.anvil import Anvil
from surety.chain import Rpc
from tests.access.stage import Stage
from tests.bad_inputs.stage import Stage as Book
from tests.world import GENESIS


@pytest.fixture(scope="session")
def live():
    with Anvil(timestamp=GENESIS, block_interval=1) as node, Rpc(node.url) as rpc:
        yield Stage(rpc)


@pytest.fixture(scope="session")
def calm_book() -> Book:
    return Book()


@pytest.fixture(scope="session")
def troubled_book() -> Book:
    book = Book()
    book.trouble()
    return book


@pytest.fixture
def calm(calm_book: Book) -> Iterator[Book]:
    """Sound accounts, a peg, nobody in trouble; put back after every test."""
    with calm_book.undone():
        yield calm_book


@pytest.fixture
def troubled(troubled_book: Book) -> Iterator[Book]:
    """Ether has fallen by half: an account in each state; put back after every test."""
    with troubled_book.undone():
        yield troubled_book
