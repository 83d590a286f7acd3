# SPDX-License-Identifier: MIT
"""Every command, of every depth, fails in one line with exit 1 and stops in one with 130."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from surety.cli import COMMANDS, main
from surety.commands import FiniteRange, counted


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


PATHS = list(walk(main, ()))


def refused(*args: str) -> str:
    done = CliRunner(mix_stderr=False).invoke(main, list(args))
    assert done.exit_code == 1, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_the_walk_finds_what_is_there():
    assert {path[0] for path in PATHS if path} == set(COMMANDS)
    assert ("keeper", "run") in PATHS
    assert ("bench", "gas") in PATHS


@pytest.mark.parametrize("path", PATHS, ids=lambda path: "-".join(path) or "surety")
def test_an_unknown_option_is_one_line_and_exit_1(path):
    line = refused(*path, "--bogus")
    assert line.startswith(f"{' '.join(('surety', *path))}: No such option: --bogus")


def test_other_bad_uses_are_one_line_too():
    assert refused("bogus") == "surety: No such command 'bogus'.\n"
    assert refused("keeper", "bogus") == "surety keeper: No such command 'bogus'.\n"
    assert refused("keeper", "status").startswith("surety keeper status: Missing option '--")
    assert refused("vectors").startswith("surety vectors: Missing argument 'FILE'")
    assert refused("demo", "--accounts", "x").startswith("surety demo: Invalid value")


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "1e999", "word"])
def test_float_options_refuse_what_is_no_finite_number(value):
    line = refused("demo", "--speed", value)
    assert line.startswith("surety demo: Invalid value for '--speed'")


def test_every_float_option_is_finite():
    for path in PATHS:
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), name)
        for option in command.params:
            is_float = isinstance(option.type, click.types.FloatParamType)
            assert not is_float or isinstance(option.type, FiniteRange), (path, option.name)


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
@pytest.mark.parametrize("where", ["import", "run"])
def test_a_stop_is_one_line_and_exit_130(monkeypatch, error, where):
    def stop(*_args, **_kwargs):
        raise error

    if where == "import":
        monkeypatch.setattr("surety.cli.import_module", stop)
    else:
        monkeypatch.setattr("surety.vectors.read", stop)
    done = CliRunner(mix_stderr=False).invoke(main, ["vectors", "x"])
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "surety: stopped\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_while_a_command_is_imported(number, code):
    # the import of a command takes long enough to be hit from outside
    program = (
        "import sys\n"
        "sys.argv = ['surety', 'keeper', '--help']\n"
        "from surety import cli\n"
        "old = cli.import_module\n"
        "def slow(name):\n"
        "    print('importing', flush=True)\n"
        "    import time; time.sleep(20)\n"
        "    return old(name)\n"
        "cli.import_module = slow\n"
        "cli.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (code, "surety: stopped\n")
    # a command that is called inside of another program leaves its handlers alone
    before = signal.getsignal(signal.SIGTERM)
    CliRunner().invoke(main, ["--version"])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_count_is_singular_or_plural():
    assert (counted(1, "block"), counted(0, "block")) == ("1 block", "0 blocks")
    assert counted(1_200, "block") == "1,200 blocks"
