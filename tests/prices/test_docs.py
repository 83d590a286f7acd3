# SPDX-License-Identifier: MIT
"""docs/prices.md shows what the commands in it print now, and their pictures."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety.cli import main
from surety.prices.config import load_config
from surety.prices.replay import Measures

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "prices.md").read_text("utf-8")
TABLES = re.findall(r"<!-- \$ surety (.+?) -->\n(.*?)<!-- end -->", TEXT, re.DOTALL)
PICTURES = re.findall(r"<!-- picture \$ surety (.+?) --picture docs/(\S+) -->", TEXT)


def test_there_are_tables_and_pictures_to_check():
    assert len(TABLES) == 3
    assert sorted(name for _, name in PICTURES) == sorted(
        path.name for path in DOCS.glob("prices-*.svg")
    )
    assert all(f"({name})" in TEXT for _, name in PICTURES)


@pytest.mark.parametrize(("command", "shown"), TABLES, ids=[command for command, _ in TABLES])
def test_a_table_is_what_its_command_prints(command, shown):
    done = CliRunner(mix_stderr=False).invoke(main, [*shlex.split(command), "--engine", "model"])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == shown.strip()


@pytest.mark.parametrize(("command", "name"), PICTURES, ids=[name for _, name in PICTURES])
def test_a_picture_is_what_its_command_draws(command, name, tmp_path):
    path = tmp_path / name
    args = [*shlex.split(command), "--engine", "model", "--picture", str(path)]
    done = CliRunner(mix_stderr=False).invoke(main, args)
    assert done.exit_code == 0, done.stderr
    assert path.read_text("utf-8") == (DOCS / name).read_text("utf-8")


def test_the_configuration_in_the_text_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "guards.toml"
    path.write_text(text, "utf-8")
    config = load_config(str(path))
    # it says the defaults, but for the bounds
    assert config.of("eth").limits == load_config("major").of("eth").limits
    assert (config.fresh_for, config.confirm_period) == (60, 1_200)


def test_the_measures_in_the_text_are_those_of_json():
    for field in fields(Measures):
        assert f"`{field.name}`" in TEXT
