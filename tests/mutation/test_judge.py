# SPDX-License-Identifier: MIT
"""The judge of the core sees a fault where there is one, and none where there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from surety import paths
from surety.check.mutate.server import Answer, Request, judged
from surety.compile import artifact

pytest.importorskip("pyrevm", reason="pyrevm has no build for this Python")

from tests.mutation import judge
from tests.mutation.compiling import NotCompiled, Quick
from tests.mutation.node import InProcessAnvil, InProcessNode
from tests.mutation.plan import CORE
from tests.world import GENESIS, World

BURNS = "self.balanceOf[holder] = unsafe_sub(balance_before, amount)"
REQUEST = Request("contracts/Stablecoin.vy", "f", "compare", 1, 60.0)


@pytest.fixture
def copy(tmp_path):
    """The contracts, to be spoilt."""
    for folder in (paths.contracts(), paths.interfaces()):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path


def spoil(place: Path, old: str, new: str) -> None:
    text = place.read_text()
    assert text.count(old) == 1
    place.write_text(text.replace(old, new))


def test_quick__gives_the_same_code_with_imports_read_before(copy):
    quick = Quick(copy, "Stablecoin")
    plain = quick.code()
    quick.read_imports()

    def again() -> tuple[object, bytes]:
        return judge.Judge.forked(lambda: quick.code(with_imports=True))

    assert again() == plain
    assert len(plain[1]) > artifact("Stablecoin").runtime_size
    place = copy / "contracts" / "Stablecoin.vy"
    place.write_text(place.read_text() + "\n# the same\n")
    assert again() == plain
    spoil(place, BURNS, BURNS.replace("sub", "add"))
    assert again()[1] != plain[1]
    spoil(place, BURNS.replace("sub", "add"), "self.balanceOf[holder] = nothing")
    with pytest.raises(NotCompiled, match="nothing"):
        quick.code(with_imports=True)


def test_campaign__notices_a_coin_that_burns_nothing(copy):
    """In a fork, as it is done for each mutant: nothing of it stays in this process."""
    game = ("words", "L1", 4, False, False, 60)
    assert judge.played(*game) is None  # and reads layouts, for the forks too
    place = copy / "contracts" / "Stablecoin.vy"

    def told(code_is_spoilt: bool) -> Answer:
        def play(_request: Request) -> Answer:
            abi, code = Quick(copy, "Stablecoin").code()
            judge.deploy_instead("Stablecoin", abi, code)
            by = judge.played(*game)
            return Answer("killed", by) if by else Answer("survived")

        if code_is_spoilt:
            spoil(place, BURNS, "pass")
        return judged(play, REQUEST)

    assert told(False) == Answer("survived")
    found = told(True)
    assert found.verdict == "killed"
    assert found.by.startswith("campaign words L1 seed 4 step ")


def test_formulas__are_spoilt_for_everybody(copy):
    place = copy / "contracts" / "modules" / "margin_math.vy"
    # one that no vector asks for, and then one that they do
    spoil(
        place,
        "return 0\n    return max_value(uint256) if total_value == 0",
        "return 1\n    return max_value(uint256) if total_value == 0",
    )

    def look(_request: Request) -> Answer:
        from surety.formulas import margin_math
        from surety.model import hub

        before = hub._variance_down
        assert judge.spoil_formulas(place) is None
        same = hub._variance_down is before
        return Answer("killed", f"{margin_math.loan_to_value_up(0, 3)} {same}")

    from surety.formulas import margin_math

    assert margin_math.loan_to_value_up(0, 3) == 0
    text = place.read_text()
    spoil(place, "    return amount * price // 10**decimals", "    return amount * price")
    found = judged(lambda _request: Answer("killed", judge.spoil_formulas(place) or ""), REQUEST)
    assert found.by.startswith("vectors: ")
    place.write_text(text)
    assert judged(look, REQUEST).by == "1 False"
    assert margin_math.loan_to_value_up(0, 3) == 0


def test_plan__names_sources_and_tests_that_there_are():
    for name, parts in CORE.items():
        assert (paths.root() / name).is_file()
        for part in parts:
            assert not part.contract or list(paths.contracts().rglob(f"{part.contract}.vy"))
            for test in part.tests:
                assert (paths.root() / test).exists(), test


def test_node__takes_snapshots_and_calls_in_a_name():
    node = InProcessNode(GENESIS)
    with InProcessAnvil(timestamp=GENESIS) as anvil:
        assert anvil.url != node.url
    world = World(node)
    before = world.now
    with world.snapshot():
        world.give(world.owner, 0, 5)
        world.forward(1_000)
        assert world.tokens[0].read("balanceOf", world.owner) == 5
    assert world.tokens[0].read("balanceOf", world.owner) == 0
    assert world.now == before
    data = world.vault.encode("set_pauses", 1)
    node.eth_call(world.vault.address, data, sender=world.governor)
    with pytest.raises(Exception, match="not governor"):
        node.eth_call(world.vault.address, data, sender=world.stranger)
    assert world.vault.read("totals") == 0  # a call writes nothing


def test_server__ends_a_judge_that_computes_too_long_or_dies():
    def forever(_request: Request) -> Answer:
        while True:
            pass

    def dies(_request: Request) -> Answer:
        os._exit(3)

    def fails(_request: Request) -> Answer:
        raise ValueError("of no use")

    def unknown(_request: Request) -> Answer:
        return Answer("perhaps")

    short = Request("a", "b", "c", 1, 1.0)
    assert judged(forever, short) == Answer("killed", "time limit")
    assert judged(dies, short) == Answer("failed", "the judge ended without a verdict")
    assert judged(fails, short) == Answer("failed", "ValueError: of no use")
    assert judged(unknown, short) == Answer("failed", "no such verdict: perhaps")
    assert judged(lambda request: Answer("killed", request.file), short) == Answer("killed", "a")
