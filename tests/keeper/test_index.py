# SPDX-License-Identifier: MIT
"""The account table follows events exactly, whatever their order of accounts and kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.keeper import words
from surety.keeper.index import AccountTable, AccountUpdate
from tests.keeper.cases import word

UPDATES = st.lists(
    st.builds(
        AccountUpdate,
        account=st.integers(0, 11).map(lambda n: n << 8 | n % 3),
        kind=st.sampled_from([0, 1, 2, 5, 31, words.DEBT_ONLY]),
        balance=st.one_of(st.just(0), st.integers(0, 2**128 - 1)),
        word=st.builds(word, st.one_of(st.just(0), st.integers(0, 2**104 - 1)), st.integers(0, 7)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(UPDATES)
def test_table_equals_a_plain_dictionary(updates: list[AccountUpdate]) -> None:
    table = AccountTable()
    expected: dict[int, tuple[int, dict[int, int]]] = {}
    for update in updates:
        table.apply(update)
        _, balances = expected.get(update.account, (0, {}))
        balances = dict(balances)
        if update.kind != words.DEBT_ONLY:
            balances.pop(update.kind, None)
            if update.balance:
                balances[update.kind] = update.balance
        expected[update.account] = (update.word, balances)
        indebted = [held for state, held in expected.values() if words.normalized_debt(state)]
        assert table.kinds_in_use() == sorted({kind for held in indebted for kind in held})
    assert {a: (w, b) for a, w, b in table.items()} == expected
    owing = {a for a, (w, _) in expected.items() if words.normalized_debt(w)}
    assert table.watched == len(owing)
    for account, (last, balances) in expected.items():
        row = table.row_of(account)
        assert row is not None
        assert table.debts[row] == float(words.normalized_debt(last))
        for kind in range(table.amounts.shape[1]):
            assert table.amounts[row, kind] == float(balances.get(kind, 0))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(UPDATES, st.randoms(use_true_random=False))
def test_checksum_forgets_the_order_of_accounts_only(updates, random) -> None:
    table, other = AccountTable(), AccountTable()
    for update in updates:
        table.apply(update)
    # the same events with accounts interleaved otherwise: each account's own order stays
    queues: dict[int, list[AccountUpdate]] = {}
    for update in updates:
        queues.setdefault(update.account, []).append(update)
    while queues:
        account = random.choice(sorted(queues))
        other.apply(queues[account].pop(0))
        if not queues[account]:
            del queues[account]
    assert table.checksum() == other.checksum()
    other.apply(AccountUpdate(1 << 60, 0, 1, word(1)))
    assert table.checksum() != other.checksum()


def test_account_stays_watched_until_an_event_proves_zero_debt() -> None:
    table = AccountTable()
    table.apply(AccountUpdate(5, 0, 10, word(100)))
    table.apply(AccountUpdate(5, 0, 0, word(100, mask=0)))
    assert table.watched == 1
    table.apply(AccountUpdate(5, words.DEBT_ONLY, 0, word(0, mask=0)))
    assert table.watched == 0
    assert 5 in table


def test_table_grows_in_rows_and_kinds() -> None:
    table = AccountTable()
    for number in range(300):
        table.apply(AccountUpdate(number, number % 32, number + 1, word(number, 1 << number % 32)))
    assert len(table) == 300
    assert table.amounts.shape == (300, 32)
    assert np.count_nonzero(table.amounts) == 300
    assert not any(table.inconsistent(number) for number in range(300))


def test_table_refuses_an_impossible_kind() -> None:
    with pytest.raises(ValueError, match="unknown kind 32"):
        AccountTable().apply(AccountUpdate(1, 32, 1, 0))


def test_mask_and_balances_that_disagree_are_noticed() -> None:
    table = AccountTable()
    table.apply(AccountUpdate(1, 2, 5, word(1, mask=0b101)))
    assert table.inconsistent(1)
    table.apply(AccountUpdate(1, 0, 5, word(1, mask=0b101)))
    assert not table.inconsistent(1)
