# SPDX-License-Identifier: MIT
"""The controls: in a copy with one line weakened a search of the same kind finds what pays."""

from __future__ import annotations

import pytest

from surety.attack.play import Player
from surety.attack.search import Search
from surety.attack.stage import STAGES
from surety.attack.story import as_test
from tests.incidents.weak import deploying, weakened
from tests.unit.attack.weaknesses import DEEP, STAGED, WEAKNESSES, Weakness, stage_of

EVALUATIONS = 3_000


def convicted(weakness: Weakness) -> None:
    """Find it, show that it pays there only, and that the test that is written says so."""
    player = Player(stage_of(weakness), weakness.rules)
    found = Search(player, 1).run(EVALUATIONS, stop_above=0)
    assert found.played.excess > 0, f"nothing found in {found.evaluations} sequences"
    assert found.evaluations <= EVALUATIONS
    written: dict[str, object] = {}
    exec(as_test(player.stage, weakness.rules, found.played), written)
    test = written["test_the_sequence_pays_no_more_than_is_documented"]
    assert callable(test)
    test()  # on the contracts as they are
    weak = weakened(weakness.contract, weakness.change)
    with deploying(weak), pytest.raises(AssertionError, match=str(found.played.profit)):
        test()


@pytest.mark.parametrize("weakness", [*WEAKNESSES, *STAGED], ids=lambda weakness: weakness.name)
def test_a_weakness_is_found(weakness):
    convicted(weakness)


def test_every_stage_has_a_weakness_that_is_found_there():
    assert {weakness.stage for weakness in (*WEAKNESSES, *STAGED)} == set(STAGES)


@pytest.mark.deep
@pytest.mark.parametrize("weakness", DEEP, ids=lambda weakness: weakness.name)
def test_a_weakness_of_the_vault_is_found(weakness):
    convicted(weakness)
