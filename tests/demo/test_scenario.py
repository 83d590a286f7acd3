# SPDX-License-Identifier: MIT
"""Scenarios: facts met exactly, bridges by seed, and files refused in one line with a hint."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from surety.demo.scenario import ScenarioError, built_in, load_scenario, rebuild

WAD = 10**18


@pytest.fixture(scope="module")
def text():
    return built_in("black_thursday").read_text("utf-8")


def load(folder: Path, text: str):
    path = folder / "story.toml"
    path.write_text(text, "utf-8")
    return load_scenario(path)


def test_black_thursday_meets_every_fact():
    scenario = load_scenario(built_in("black_thursday"))
    path = rebuild(scenario, 7)
    for name, track in scenario.tracks.items():
        found = dict(zip(path.times, path.prices[name], strict=True))
        for fact in track.facts:
            assert found[fact.at] == fact.level
            assert len(fact.source) > 20
    eth, btc = path.prices["eth"], path.prices["btc"]
    assert (min(eth), min(btc)) == (86 * WAD, 378_213 * WAD // 100)
    assert 1 - min(eth) / eth[0] > 0.5
    assert 1 - min(btc) / btc[0] > 0.5
    assert all(0.97 * WAD < price < 1.03 * WAD for price in path.prices["stable"])
    assert list(path.times) == sorted(set(path.times))


def test_the_bridge_depends_on_the_seed_alone():
    scenario = load_scenario(built_in("black_thursday"))
    assert rebuild(scenario, 7) == rebuild(scenario, 7)
    assert rebuild(scenario, 7).prices["eth"] != rebuild(scenario, 8).prices["eth"]
    assert rebuild(scenario, 7).prices["stable"] != rebuild(scenario, 8).prices["stable"]


def test_the_noise_of_the_kinds_is_correlated():
    path = rebuild(load_scenario(built_in("black_thursday")), 3)

    def moves(name):
        row = path.prices[name]
        return [b / a - 1 for a, b in pairwise(row)]

    eth, btc = moves("eth"), moves("btc")
    mean = [sum(row) / len(row) for row in (eth, btc)]
    pairs = [(a - mean[0], b - mean[1]) for a, b in zip(eth, btc, strict=True)]
    both = sum(a * b for a, b in pairs)
    alone = (sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) ** 0.5
    assert both / alone > 0.6


BAD = {
    "unknown key": (("step = 300", "stepp = 300"), "unknown key 'stepp'.*did you mean 'step'"),
    "unknown kind": (("[kinds.btc]", "[kinds.doge]"), "unknown key|lacks"),
    "unknown kind key": (("hourly_noise = 0.018", "noise = 0.018"), "did you mean 'hourly_noise'"),
    "unknown fact key": (('level = "171"', 'price = "171"'), "unknown key 'price' in kinds.eth"),
    "missing key": (("step = 300", ""), "lacks 'step'"),
    "bad step": (("step = 300", "step = 0"), "step must be"),
    "bad driver": (('driver = "eth"', 'driver = "sol"'), "driver 'sol' is no kind"),
    "bad level": (('level = "171"', 'level = "-171"'), r"kinds.eth.facts\[2\].level is negative"),
    "level as a number": (('level = "171"', "level = 171"), "write a price as text"),
    "bad correlation": (("correlation = 0.9", "correlation = 1.5"), "number from 0 to 1"),
    "unsorted": (
        (
            'at = 2020-03-12T10:30:00Z\nlevel = "163.07"',
            'at = 2020-03-12T07:30:00Z\nlevel = "163.07"',
        ),
        r"kinds.eth.facts\[3\] is not later",
    ),
    "other end": (
        (
            'at = 2020-03-13T12:00:00Z\nlevel = "127.6"',
            'at = 2020-03-13T13:00:00Z\nlevel = "127.6"',
        ),
        "different times",
    ),
    "no time": (
        ('at = 2020-03-12T08:00:00Z\nlevel = "171"', 'at = 5\nlevel = "171"'),
        "must be a date and time",
    ),
    "empty text": (
        (
            'about = "The night in which ether and bitcoin lost half of their value, ',
            'about = ""  # ',
        ),
        "not empty",
    ),
    "not TOML": (("step = 300", "step = "), "not TOML"),
}


@pytest.mark.parametrize("case", BAD, ids=lambda name: name.replace(" ", "-"))
def test_a_bad_scenario_is_refused_in_one_line(tmp_path, text, case):
    (old, new), message = BAD[case]
    assert old in text
    with pytest.raises(ScenarioError, match=message) as caught:
        load(tmp_path, text.replace(old, new, 1))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "story.toml"))


def test_a_scenario_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path)
