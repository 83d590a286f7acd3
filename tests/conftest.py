# SPDX-License-Identifier: MIT
"""What all tests share: the chain that Ape runs, seen without Ape."""

from __future__ import annotations

import pytest

from surety.chain import Rpc


@pytest.fixture(scope="session")
def rpc(chain):
    """A raw client of the very Anvil that Ape's `chain` talks to; Ape's isolation covers it."""
    with Rpc(str(chain.provider.http_uri)) as client:
        yield client
