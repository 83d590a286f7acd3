# SPDX-License-Identifier: MIT
"""Hostile tokens as collateral: fees, rebasing, hooks, no answer, false, block lists, pauses.

What broke pools whose books believed in transfers (STA at Balancer, 2020), and markets whose books
were read in the middle of one (imBTC at Lendf.me, 2020), tried against a vault: what is booked has
come in, what goes out was booked out before, and nothing answers in between. A token can refuse to
move, to its own holders' harm, and can do nothing else.
"""

from __future__ import annotations

import pytest

from surety.chain import Contract
from surety.compile import Artifact
from tests.incidents.arena import ETH, LENT, Arena
from tests.incidents.weak import weakened
from tests.world import MAX, WAD

KIND = 3
HELD = 100 * WAD  # of honest depositors
_CHECKED = "            transfers.check_solvent(token, ledger.total_of(flow.kind))\n"
BELIEVES = (_CHECKED, "")
_DEPOSIT = "@external\ndef deposit("
UNLOCKED = (_DEPOSIT, "@external\n@reentrant\ndef deposit(")
TRIED = ("deposit", "withdraw", "borrow", "repay", "margin_calls", "debt_of")


def listed(mock: str, *weak: Artifact) -> tuple[Arena, Contract, int]:
    """Return a book with this token, a hundred of which an honest owner has brought."""
    arena = Arena(*weak)
    token = arena.list_token(mock)
    if mock == "FalseToken":
        arena.must(arena.world.governor, token, "set_refuses", False)
    for who in (arena.owner, arena.attacker):
        arena.must(arena.world.governor, token, "mint", who, HELD)
    account = arena.world.id(arena.owner)
    arena.must(arena.owner, arena.vault, "deposit", account, KIND, HELD)
    return arena, token, account


def tell(arena: Arena, token: Contract, fn: str, *args: object) -> None:
    arena.must(arena.world.governor, token, fn, *args)


def hooked(*weak: Artifact) -> tuple[Arena, Contract, int]:
    """Return a book with a token that calls back, holds some of itself and has approved it."""
    arena, token, account = listed("ReentrantToken", *weak)
    tell(arena, token, "mint", token.address, HELD)
    approval = token.encode("approve", arena.vault.address, MAX)
    tell(arena, token, "set_callback", token.address, approval)
    assert deposit(arena, 1) is None
    assert token.read("successes") == 1
    return arena, token, account


def missing(arena: Arena) -> int:
    """Return what the vault has booked and does not have."""
    booked = arena.world.total(KIND)
    return max(0, booked - arena.held(arena.vault.address, KIND))


def deposit(arena: Arena, amount: int) -> str | None:
    account = arena.world.id(arena.attacker)
    return arena.try_(arena.attacker, arena.vault, "deposit", account, KIND, amount)


def withdraw_all(arena: Arena, who: str) -> str | None:
    account = arena.world.id(who)
    return arena.try_(who, arena.vault, "withdraw", account, KIND, MAX, who)


@pytest.mark.covers("incident: fee-on-transfer token", "T07", "T08", "T23", "I02")
@pytest.mark.parametrize("fee", [1, 100, 10_000])
def test_a_token_that_keeps_a_fee_is_not_booked(fee):
    """Nothing is credited and nothing lent; who is in gets out what was booked, less its fee."""
    arena, token, _ = listed("FeeToken")
    assert deposit(arena, 10 * WAD) is None
    before = arena.wealth(arena.attacker, arena.world.id(arena.attacker))
    tell(arena, token, "set_fee", fee)
    me = arena.attacker
    legs = [(KIND, 90 * WAD)]
    for _ in range(5):
        assert deposit(arena, 10 * WAD) == "token kept a fee"
    leverage = ("adjust", arena.world.id(me), legs, LENT, me, b"")
    arena.refused("token kept a fee", me, arena.vault, *leverage)
    assert missing(arena) == 0
    assert withdraw_all(arena, arena.owner) is None
    assert withdraw_all(arena, me) is None
    assert arena.wealth(me) <= before
    assert arena.world.total(KIND) == 0


def drain(arena: Arena, token: Contract) -> tuple[int, str | None]:
    """Bring what does not arrive, take out what others brought; what is missing, and their end."""
    tell(arena, token, "set_fee", 10_000)
    deposit(arena, HELD)
    tell(arena, token, "set_fee", 0)
    short = missing(arena)
    withdraw_all(arena, arena.attacker)
    return short, withdraw_all(arena, arena.owner)


@pytest.mark.covers("incident: fee-on-transfer token", "T08", "T22")
def test_what_did_not_arrive_is_not_taken_out_of_others():
    arena, token, _ = listed("FeeToken")
    assert drain(arena, token) == (0, None)


@pytest.mark.covers("incident: fee-on-transfer token")
def test_a_book_that_believes_a_transfer_pays_with_its_owners_tokens():
    """The control: a hundred credited of which none came, and the honest hundred are gone."""
    arena, token, _ = listed("FeeToken", weakened("Vault", BELIEVES))
    short, end = drain(arena, token)
    assert short == HELD
    assert end is not None


@pytest.mark.covers("incident: rebasing token", "T09", "I11")
def test_what_a_rebase_adds_is_nobodys_and_what_it_takes_stops_deposits():
    arena, token, account = listed("FeeToken")
    worth = arena.value(account)
    tell(arena, token, "mint", arena.vault.address, HELD)  # up by half of what is there
    assert arena.value(account) == worth
    assert withdraw_all(arena, arena.attacker) == "zero amount"
    tell(arena, token, "burn", arena.vault.address, 2 * HELD - 1)  # and down
    assert deposit(arena, 10 * WAD) == "token kept a fee"
    assert arena.value(account) == worth
    assert withdraw_all(arena, arena.owner) is not None
    arena.must(arena.owner, arena.vault, "withdraw", account, KIND, 1, arena.owner)


@pytest.mark.covers("incident: rebasing token")
def test_a_book_that_believes_a_transfer_lets_newcomers_pay_for_a_rebase():
    """The control: the next deposit goes to whoever leaves first."""
    arena, token, _ = listed("FeeToken", weakened("Vault", BELIEVES))
    tell(arena, token, "burn", arena.vault.address, HELD)
    assert deposit(arena, HELD) is None
    assert withdraw_all(arena, arena.owner) is None
    assert withdraw_all(arena, arena.attacker) is not None


@pytest.mark.covers("incident: hook token", "T10", "I65", "I66")
@pytest.mark.parametrize("fn", TRIED)
def test_nothing_of_the_book_answers_a_hook(fn):
    """Whatever the token tries in the middle of a deposit and of a withdrawal fails."""
    arena, token, account = hooked()
    id = arena.world.id(token.address)
    tries: dict[str, tuple[object, ...]] = {
        "deposit": (account, KIND, 1),
        "withdraw": (id, KIND, 1, token.address),
        "borrow": (id, LENT, token.address),
        "repay": (account, 1),
        "margin_calls": ([account],),
        "debt_of": (account,),
    }
    call = arena.vault.encode(fn, *tries[fn])
    tell(arena, token, "set_callback", arena.vault.address, call)
    assert deposit(arena, 10 * WAD) is None
    assert withdraw_all(arena, arena.attacker) is None
    assert (token.read("calls"), token.read("successes")) == (2, 0)
    # a raw word does answer, and says what will be
    raw = arena.vault.encode("balances", arena.world.id(arena.attacker), KIND)
    tell(arena, token, "set_callback", arena.vault.address, raw)
    assert deposit(arena, 7 * WAD) is None
    assert token.read("successes") == 1
    assert int.from_bytes(token.read("last_response")) == 7 * WAD


@pytest.mark.covers("incident: hook token")
def test_a_book_that_can_be_re_entered_is_found():
    """The control: a deposit inside a deposit, judged by the tokens of both."""
    arena, token, account = hooked(weakened("Vault", UNLOCKED))
    call = arena.vault.encode("deposit", account, KIND, 1)
    tell(arena, token, "set_callback", arena.vault.address, call)
    assert deposit(arena, 10 * WAD) is None
    assert (token.read("calls"), token.read("successes")) == (1, 1)
    assert arena.balance(account, KIND) == HELD + 1


@pytest.mark.covers("incident: no-return token", "T01")
def test_no_answer_is_as_good_as_true():
    arena, _, account = listed("NoReturnToken")
    assert deposit(arena, 10 * WAD) is None
    assert arena.balance(account, KIND) == HELD
    assert withdraw_all(arena, arena.attacker) is None
    assert withdraw_all(arena, arena.owner) is None
    assert arena.held(arena.owner, KIND) == arena.held(arena.attacker, KIND) == HELD


@pytest.mark.covers("incident: returns-false token", "T02", "T22")
def test_false_credits_nothing_and_takes_nothing():
    arena, token, account = listed("FalseToken")
    tell(arena, token, "mint", arena.vault.address, HELD)  # so that the balance would not tell
    tell(arena, token, "set_refuses", True)
    assert deposit(arena, 10 * WAD) == "transfer in failed"
    assert withdraw_all(arena, arena.owner) == "transfer out failed"
    assert arena.balance(account, KIND) == HELD
    assert arena.balance(arena.world.id(arena.attacker), KIND) == 0


_MAY_BE_SILENT = "(payer, self, amount, default_return_value=True)"
WANTS_AN_ANSWER = (_MAY_BE_SILENT, "(payer, self, amount)")


@pytest.mark.covers("incident: no-return token")
def test_a_book_that_wants_an_answer_shuts_such_tokens_out():
    """The control: tokens that say nothing cannot be brought in, to a rescue neither."""
    weak = weakened("Vault", WANTS_AN_ANSWER, file="modules/transfers.vy")
    arena = Arena(weak)
    token = arena.list_token("NoReturnToken")
    arena.must(arena.world.governor, token, "mint", arena.attacker, HELD)
    assert deposit(arena, 10 * WAD) is not None
    assert arena.balance(arena.world.id(arena.attacker), KIND) == 0


IGNORES = (
    'default_return_value=True), "transfer in failed"',
    'default_return_value=True) or True, "transfer in failed"',
)


@pytest.mark.covers("incident: returns-false token")
def test_a_book_that_ignores_the_answer_lends_on_nothing():
    """The control: false on the way in, a donation in the vault, and a loan without collateral."""
    weak = weakened("Vault", IGNORES, file="modules/transfers.vy")
    arena, token, _ = listed("FalseToken", weak)
    tell(arena, token, "mint", arena.vault.address, HELD)
    tell(arena, token, "set_refuses", True)
    me = arena.attacker
    account, before = arena.world.id(me), arena.wealth(me)
    arena.must(me, arena.vault, "adjust", account, [(KIND, 10 * WAD)], LENT, me, b"")
    assert arena.coins(me) == LENT
    assert arena.wealth(me) - before == LENT  # and the tokens are still there


@pytest.mark.covers("incident: blocklisting token", "T14")
def test_who_is_blocked_keeps_what_he_has_and_nobody_else_notices():
    arena, token, account = listed("MoodyToken")
    assert deposit(arena, 10 * WAD) is None
    tell(arena, token, "set_mood", arena.owner, 1)
    assert withdraw_all(arena, arena.owner) == "blocked"
    assert arena.balance(account, KIND) == HELD
    assert withdraw_all(arena, arena.attacker) is None
    other = arena.world.other
    arena.must(arena.owner, arena.vault, "withdraw", account, KIND, MAX, other)
    assert arena.held(other, KIND) == HELD


@pytest.mark.covers("incident: pausable token", "T15", "I35", "I56")
def test_a_paused_token_holds_up_its_own_moves_and_no_other():
    """Its withdrawals wait; ether goes on, debts are repaid, and it goes on when it is over."""
    arena, token, account = listed("MoodyToken")
    arena.world.give(arena.owner, ETH, 10 * WAD)
    arena.must(arena.owner, arena.vault, "deposit", account, ETH, 10 * WAD)
    arena.must(arena.owner, arena.vault, "borrow", account, LENT, arena.owner)
    tell(arena, token, "set_mood", "0x" + "00" * 20, 1)
    out = ("withdraw", account, KIND, WAD, arena.owner)
    arena.refused("blocked", arena.owner, arena.vault, *out)
    arena.must(arena.owner, arena.vault, "withdraw", account, ETH, WAD, arena.owner)
    arena.must(arena.owner, arena.vault, "repay", account, MAX)
    arena.must(arena.owner, arena.vault, "withdraw", account, ETH, MAX, arena.owner)
    tell(arena, token, "set_mood", "0x" + "00" * 20, 0)
    assert withdraw_all(arena, arena.owner) is None
    assert arena.held(arena.owner, KIND) == HELD
