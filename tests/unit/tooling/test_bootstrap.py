# SPDX-License-Identifier: MIT
"""The parts of the setup that can be judged without installing anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from surety import bootstrap
from surety.bootstrap import SetupError, digest, explain, find_python, kept_state, wanted_state

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-node.lock", "package-lock.json")


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_locks__name_no_place() -> None:
    for name in LOCKS:
        text = (ROOT / name).read_text()
        assert "http" not in re.sub(r"^(aiohttp|http\S*)==", "", text, flags=re.MULTILINE), name
        assert "--find-links" not in text
        assert "--index" not in text
        assert '"resolved"' not in text


def test_locks__hash_every_package() -> None:
    for name in LOCKS[:2]:
        lines = (ROOT / name).read_text().splitlines()
        pins = [line for line in lines if line and not line.startswith((" ", "#"))]
        assert pins
        for pin in pins:
            assert re.match(r"[A-Za-z0-9_.\[\]-]+==\S+( ;.*)? \\$", pin), pin
            assert "--hash=sha256:" in lines[lines.index(pin) + 1]


def test_locks__hold_every_pin_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text().lower()
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name, exact = re.match(r"([A-Za-z0-9-]+)(?:==([^;\s]+))?", wanted).groups()
        assert re.search(rf"^{name}=={re.escape(exact) if exact else ''}", lock, re.MULTILINE), name


def test_wanted_state__changes_with_each_file(tmp_path: Path) -> None:
    for name in (*LOCKS, "pyproject.toml"):
        (tmp_path / name).write_text(name)
    first = wanted_state(tmp_path)
    assert wanted_state(tmp_path) == first
    for name in (*LOCKS, "pyproject.toml"):
        (tmp_path / name).write_text("changed")
        assert wanted_state(tmp_path) != first, name
        (tmp_path / name).write_text(name)


def test_digest__depends_on_names_and_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    assert digest("a", "b", root=tmp_path) != digest("b", "a", root=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_kept_state__is_empty_when_unreadable(tmp_path: Path, text: str) -> None:
    stamp = tmp_path / "setup.json"
    assert kept_state(stamp) == {}
    stamp.write_text(text)
    assert kept_state(stamp) == {}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("The virtual environment was not created: ensurepip is not available", "venv module"),
        ("NewConnectionError: Failed to establish a new connection", "cannot be reached"),
        ("npm error code ENOTFOUND", "cannot be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "its hash differs"),
        ("npm error code EINTEGRITY", "its hash differs"),
        ("OSError: No space left on device", "disk is full"),
        ("FileNotFoundError: no such thing\nhint: see above", "FileNotFoundError: no such thing"),
        ("", "no output"),
    ],
)
def test_explain__says_it_in_one_sentence(output: str, said: str) -> None:
    sentence = explain("npm ci", output)
    assert said in sentence
    assert "\n" not in sentence


def test_find_python__takes_the_newest_that_runs(tmp_path: Path) -> None:
    assert find_python(str(tmp_path)) is None
    old = script(tmp_path / "python3.11", "echo 3 11")
    assert find_python(str(tmp_path)) == str(old)
    script(tmp_path / "python3.13", "exit 127")
    assert find_python(str(tmp_path)) == str(old)
    new = script(tmp_path / "python3.12", "echo 3 12")
    assert find_python(str(tmp_path)) == str(new)


def test_setup_refuses_an_unknown_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1, "final", 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"3\.11, 3\.12 or 3\.13 is needed"):
        bootstrap.use_supported_python()


def test_setup__is_instant_when_all_is_there() -> None:
    state = kept_state()
    if not state or state != {**wanted_state(), "anvil_path": state.get("anvil_path", "")}:
        pytest.skip("this environment was not made by `make setup`")
    done = subprocess.run(
        [sys.executable, "-m", "surety.bootstrap"],
        cwd=ROOT,
        env={**os.environ, "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Stand in for npm: note what it is asked and leave an Anvil behind, as it would."""
    asked: list[list[str]] = []

    def run(command: list[str], what: str, env: object = None) -> None:
        asked.append([str(part) for part in command])
        if "--omit=optional" not in command:
            binary = tmp_path / "node_modules" / "anvil"
            binary.parent.mkdir(exist_ok=True)
            script(binary, "echo anvil 1.7.1")

    def search(root: Path) -> Path:
        from surety.anvil import AnvilMissing

        found = tmp_path / "node_modules" / "anvil"
        if not found.exists():
            raise AnvilMissing("none")
        return found

    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "run", run)
    monkeypatch.setattr("surety.anvil.find_anvil", search)
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.delenv("SURETY_ANVIL", raising=False)
    return asked


def test_node_packages__bring_anvil_where_there_is_none(
    npm: list[list[str]], tmp_path: Path
) -> None:
    assert bootstrap.ensure_node_packages(None) == tmp_path / "node_modules" / "anvil"
    assert [command[:2] for command in npm] == [["/usr/bin/npm", "ci"]]
    assert "--ignore-scripts" in npm[0]
    assert "--omit=optional" not in npm[0]


def test_node_packages__leave_out_anvil_where_there_is_one(
    npm: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = script(tmp_path.parent / "anvil-elsewhere", "echo anvil 1.7.1")
    monkeypatch.setattr("surety.anvil.find_anvil", lambda root: elsewhere)
    assert bootstrap.ensure_node_packages(None) == elsewhere
    assert "--omit=optional" in npm[0]


def test_node_packages__are_missed_by_tests_only_when_there_is_an_anvil(
    npm: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise SetupError("npm ci failed: the disk is full.")

    monkeypatch.setattr(bootstrap, "run", fail)
    with pytest.raises(SetupError, match="disk is full"):
        bootstrap.ensure_node_packages(None)
    elsewhere = script(tmp_path.parent / "anvil-elsewhere", "echo anvil 1.7.1")
    monkeypatch.setattr("surety.anvil.find_anvil", lambda root: elsewhere)
    assert bootstrap.ensure_node_packages(None) == elsewhere
    assert "the tests over Uniswap need `npm ci`" in capsys.readouterr().err


def test_bootstrap__imports_the_standard_library_only() -> None:
    code = (
        "import sys, surety.bootstrap, surety.anvil;"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = {*sys.stdlib_module_names, "surety", "__main__"}
    assert {name for name in done.stdout.split() if not name.startswith("_")} <= known


def test_make__lists_its_targets() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    targets = {line.split()[1] for line in done.stdout.splitlines()}
    wanted = {"setup", "demo", "test", "compile", "lint", "fuzz", "chaos", "bench", "clean", "help"}
    assert wanted <= targets
