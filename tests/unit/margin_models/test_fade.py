# SPDX-License-Identifier: MIT
"""Models fade in: the list of models beside its exact twin, and never a cliff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surety.chain import Contract, UnlockedSender, deploy_contract
from surety.compile import artifact
from surety.model import Refused
from surety.model.fading import FADE_PERIOD, NOTHING, Slots
from surety.model.state import Exposure, MarginModel, Surcharges
from tests.stateful.node import RevmNode
from tests.world import GENESIS, MAX, WAD, World

ZERO = "0x" + "00" * 20
NOBODY = 255
DAY = 86_400
SLOTS = (0, 1, 2, 255)
LEGS = (
    Exposure(0, 5, 40_000, 25_000, 30_000, 32_000, 34_000),
    Exposure(2, 7, 10_000, 8_000, 8_800, 9_100, 9_400),
)
# what the models answer; the last fails
ANSWERS: tuple[Surcharges | None, ...] = (
    (0, 0, 0, 0, 0),
    (10_000, 9_000, 8_001, 7_003, 500),
    (MAX, MAX, MAX, MAX, 9_999),
    (1, 2, 3, 4, 20_000),
    (1, 2, 30_000, 4, 7),
    None,
)


class Stage:
    """The list of models of a book, five models, and the twin."""

    def __init__(self) -> None:
        self.node = node = RevmNode(GENESIS)
        self.world = World(node)
        self.contract = self.world.margin_models
        sender = UnlockedSender(node, self.world.governor)
        abi = artifact("MockModel").abi
        self.models = [
            Contract(node, deploy_contract(sender, artifact("MockModel")), abi) for _ in ANSWERS
        ]
        for model, answer in zip(self.models, ANSWERS, strict=True):
            if answer is None:
                model.transact("set_mode", 1, sender=sender)
            else:
                model.transact("set_words", list(answer), sender=sender)
        self.twins: dict[str, MarginModel] = {
            model.address.lower(): self.twin(answer)
            for model, answer in zip(self.models, ANSWERS, strict=True)
        }
        self.begin(False)

    @staticmethod
    def twin(answer: Surcharges | None) -> MarginModel:
        return lambda _account, _exposures, _sold: answer

    def begin(self, owed: bool) -> None:
        """Begin with an empty list, and an account that owes something or none."""
        self.slots, self.owed, self.is_default = Slots(), owed, False
        if owed:
            self.world.open([(0, 10 * WAD)], 2_000 * WAD)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo everything done inside, the clock included."""
        taken, time, number = self.node.evm.snapshot(), self.node.time, self.node.number
        try:
            yield
        finally:
            self.node.evm.revert(taken)
            self.node.restore(time, number)

    def applied(self) -> dict[int, Surcharges]:
        """Return what is taken off in each slot; nothing where a model fails, or has no vault."""
        found = {slot: self.asked(slot) for slot in SLOTS}
        return found if self.is_default else found | {0: NOTHING}

    @property
    def now(self) -> int:
        return self.node.time

    def send(self, fn: str, *args: object) -> str | None:
        data = self.contract.encode(fn, *args)
        return self.node.run(self.world.governor, self.contract.address, data, self.now).reason

    def list(self, slot: int, model: str) -> None:
        after, reason = self.slots.copy(), None
        try:
            after.list(slot, model, self.now)
        except Refused as refused:
            after, reason = self.slots, refused.reason
        assert self.send("list_model", slot, model) == reason
        self.slots = after

    def use_default(self, used: bool) -> None:
        self.slots.use_default(self.is_default, used, self.owed, self.now)
        self.is_default = used
        assert self.send("use_default", self.world.vault.address, used) is None

    def asked(self, slot: int) -> Surcharges:
        """Ask the contract, after a look at what the twin says."""
        expected = (False, NOTHING)
        used = self.slots.used(slot, self.now)
        assert self.contract.read("model_of", slot).lower() == used.lower()
        if used != ZERO:
            expected = self.slots.surcharges(self.twins, 1, slot, LEGS, NOBODY, self.now)
        legs = [astuple(leg) for leg in LEGS]
        args = (self.world.vault.address, 1, slot, legs, NOBODY)
        failed, *found = self.contract.read("ask", *args)
        assert (failed, tuple(found)) == expected
        return expected[1]

    def wait(self, seconds: int) -> None:
        self.node.set_next_timestamp(self.now + seconds)
        self.node.mine()


@pytest.fixture(scope="module")
def stage():
    return Stage()


Move = tuple[object, ...]
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.sampled_from(SLOTS), st.integers(-1, len(ANSWERS) - 1)),
        st.tuples(st.just("default"), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from((1, 3_600, DAY, 3 * DAY, FADE_PERIOD))),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=120)
@given(MOVES, st.booleans())
def test_the_list_is_its_twin_and_there_is_no_cliff(stage, moves: Sequence[Move], owed: bool):
    """After each move every slot answers as the twin; and no move of governance takes more off."""
    with stage.undone():
        stage.begin(owed)
        for what, *args in moves:
            in_use = {slot for slot in SLOTS if slot and slot in stage.slots.fades}
            before = stage.applied()
            if what == "list":
                slot, which = args
                stage.list(slot, ZERO if which < 0 else stage.models[which].address)
            elif what == "default":
                stage.use_default(*args)
            else:
                stage.wait(*args)
            after = stage.applied()
            if what == "wait":
                continue
            for slot in in_use | ({0} if owed else set()):
                for was, now in zip(before[slot][1:4], after[slot][1:4], strict=True):
                    assert now <= was, f"a cliff in slot {slot}"


def test_a_replaced_model_fades_in_over_seven_days(stage):
    """Half of both after half the time; the initial level has all of the new one at once."""
    old, new = stage.models[1].address, stage.models[3].address
    with stage.undone():
        stage.begin(True)
        stage.list(1, old)
        # nobody can be in it yet: there is nothing to fade from
        assert stage.asked(1) == (10_000, 9_000, 8_001, 7_003, 500)
        stage.list(1, new)
        off = stage.asked(1)
        assert off[1:] == (9_000, 8_001, 7_003, 10_000)
        # one coin less is what the new one asks; the target level, still the old one's, bounds it
        sums = [sum(leg.initial for leg in LEGS), sum(leg.target for leg in LEGS)]
        assert sums[0] - off[0] == min(sums[0] - 1, sums[1] - 9_000)
        stage.wait(FADE_PERIOD // 2)
        assert stage.asked(1)[1:4] == (4_501, 4_002, 3_504)
        stage.wait(FADE_PERIOD // 2 - 1)
        assert stage.asked(1)[1:4] == (3, 4, 5)
        stage.wait(1)
        assert stage.asked(1) == (1, 2, 3, 4, 10_000)
        # the very same again does not begin anew
        stage.list(1, new)
        assert stage.asked(1) == (1, 2, 3, 4, 10_000)


def test_a_default_fades_in_where_anybody_owes(stage):
    model = stage.models[1].address
    for owed in (False, True):
        with stage.undone():
            stage.begin(owed)
            stage.list(0, model)
            stage.use_default(True)
            assert stage.asked(0)[1:4] == ((0, 0, 0) if owed else (9_000, 8_001, 7_003))
            stage.wait(FADE_PERIOD)
            assert stage.asked(0)[1:4] == (9_000, 8_001, 7_003)
            # naming it again does not give anybody time
            stage.use_default(True)
            assert stage.asked(0)[1:4] == (9_000, 8_001, 7_003)


def test_while_it_fades_a_slot_is_only_emptied_to_the_linear_margin(stage):
    first, second, third = (model.address for model in stage.models[1:4])
    with stage.undone():
        stage.begin(True)
        for model in (first, second):
            stage.list(1, model)
        assert stage.send("list_model", 1, third) == "still fading"
        stage.list(1, ZERO)
        assert stage.asked(1) == (0,) * 5
        stage.list(0, first)
        assert stage.contract.read("has_reliers")
        stage.list(2, second)
        assert stage.send("list_model", 0, second) == "still fading"
        # with a default there is something to fall back to, and it takes a week
        stage.list(2, ZERO)
        assert (
            stage.asked(2)[1:4]
            == stage.slots.surcharges(stage.twins, 1, 2, LEGS, NOBODY, stage.now)[1][1:4]
        )
        assert stage.send("list_model", 2, third) == "still fading"


def test_a_model_that_fades_out_is_not_brought_back_by_the_next_default(stage):
    """Slot 2 falls back to a default that is emptied, and a day later there is one again."""
    strict, mild = stage.models[1].address, stage.models[3].address
    with stage.undone():
        stage.begin(True)
        stage.list(0, mild)
        stage.list(2, strict)
        stage.list(2, ZERO)
        stage.wait(DAY)
        stage.list(0, ZERO)
        # what the emptied slot still asks goes on fading, with nothing to fall back to
        off = stage.asked(2)
        assert off[1:4] == (7_715, 6_858, 6_003)
        # and nothing can be borrowed that the target level would not hold
        sums = [sum(leg.initial for leg in LEGS), sum(leg.target for leg in LEGS)]
        assert off[0] == sums[0] - min(sums[0], sums[1] - off[1])
        stage.wait(DAY)
        before = stage.asked(2)
        stage.list(0, mild)
        assert all(now <= was for was, now in zip(before[1:4], stage.asked(2)[1:4], strict=True))
        stage.wait(FADE_PERIOD)
        assert stage.asked(2) == (1, 2, 3, 4, 10_000)
        stage.list(0, ZERO)
        assert stage.contract.read("model_of", 2) == ZERO
        assert stage.asked(2) == NOTHING


def test_a_model_that_fades_out_is_not_brought_back_by_the_end_of_a_failing_one(stage):
    """The default of an emptied slot fails: the former model fades out as it would have."""
    strict, mild, failing = (stage.models[at].address for at in (1, 3, 5))
    for successor in (ZERO, mild):
        with stage.undone():
            stage.begin(True)
            stage.list(0, failing)
            stage.list(2, strict)
            stage.list(2, ZERO)
            stage.wait(2 * DAY)
            before = stage.asked(2)
            assert before[1:4] == (6_429, 5_715, 5_003)
            args = (stage.world.vault.address, 1, 2, [astuple(leg) for leg in LEGS], NOBODY)
            assert stage.contract.read("ask", *args)[0]
            stage.list(0, successor)
            now = stage.asked(2)
            assert all(b >= n for b, n in zip(before[1:4], now[1:4], strict=True))
            assert now[1] == 6_429
