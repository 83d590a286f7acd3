# SPDX-License-Identifier: MIT
"""Long random play: the vault and an independent model agree on every state and every refusal."""

from collections import Counter

from tests.unit.vault.play import Play
from tests.world import check_books

STEPS = 1_500
MUST_DO = {
    "deposit": 100,
    "withdraw": 40,
    "borrow": 30,
    "repay": 60,
    "adjust": 60,
    "margin_call": 10,
}
# refusals over all functions; "" is a token of somebody who has too little of it
MUST_REFUSE = {
    "": 5,
    "above balance": 20,
    "above cap": 5,
    "above ceiling": 4,
    "amount exceeds balance": 10,
    "bad receiver": 5,
    "below debt floor": 5,
    "below initial margin": 50,
    "borrowing paused": 5,
    "kind is frozen": 5,
    "legs not ascending": 3,
    "not authorised": 30,
    "nothing to change": 5,
    "price failed": 10,
    "unknown kind": 3,
    "withdrawing paused": 5,
    "zero amount": 50,
}


def test_random_play_agrees_with_the_model(world):
    play = Play(world, seed=20_200_312)
    for _ in range(STEPS):
        play.step()
    check_books(world, play.ids)

    done = {name: count for (name, reason), count in play.seen.items() if reason is None}
    assert all(done[name] >= least for name, least in MUST_DO.items()), done
    refused: Counter[str] = Counter()
    for (name, reason), count in play.seen.items():
        if reason is not None and name != "margin_call":
            refused[reason] += count
    assert all(refused[reason] >= least for reason, least in MUST_REFUSE.items()), refused
    assert set(refused) == set(MUST_REFUSE), "an unforeseen reason"


def test_accounts_can_be_rebuilt_from_logs_alone(world):
    play = Play(world, seed=7)
    for _ in range(150):
        play.step()
        check_books(world, play.ids)
    words, balances = {}, {}
    for receipt in play.receipts:
        for event in world.events(receipt):
            if event.name != "AccountUpdated":
                continue
            account, kind = event.args["account"], event.args["kind"]
            words[account] = event.args["word"]
            if kind != 255:
                balances[account, kind] = event.args["balance"]
    assert len(words) == len(play.ids)
    assert len(balances) > 12
    for account, word in words.items():
        assert world.vault.read("accounts", account) == word
    for account in play.ids:
        for kind in range(3):
            assert world.vault.read("balances", account, kind) == balances.get((account, kind), 0)
