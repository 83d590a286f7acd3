# SPDX-License-Identifier: MIT
"""Artifacts belong to their sources, are the same everywhere and are never used when stale."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from surety import compile as compiler
from surety import paths
from surety.compile import Artifact, ArtifactError, CompilationError, artifact, compile_command

ROOT = Path(__file__).resolve().parents[3]
MODULE = """# pragma version 0.4.3


@internal
@pure
def one() -> uint256:
    return 1
"""
THING = """# pragma version 0.4.3
# pragma evm-version cancun
from ..interfaces import IThing
from .modules import sums

implements: IThing
UNIT: immutable(uint256)


@deploy
def __init__():
    UNIT = 2


@external
@view
def value() -> uint256:
    return sums.one() + UNIT
"""
INTERFACE = "# pragma version 0.4.3\n\n\n@external\n@view\ndef value() -> uint256: ...\n"


def write(base: Path, name: str, text: str) -> Path:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with one contract, one module and one interface."""
    write(tmp_path, "contracts/Thing.vy", THING)
    write(tmp_path, "contracts/modules/sums.vy", MODULE)
    write(tmp_path, "interfaces/IThing.vyi", INTERFACE)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.setattr(paths, "ARTIFACTS", tmp_path / "artifacts")
    artifact.cache_clear()
    yield tmp_path
    artifact.cache_clear()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(compile_command, list(arguments))
    return result.exit_code, result.output


def test_compile__writes_what_the_sources_say(project: Path) -> None:
    assert run() == (0, "compiled: Thing\n")
    found = artifact("Thing")
    assert [entry["name"] for entry in found.abi if entry["type"] == "function"] == ["value"]
    assert found.source == "contracts/Thing.vy"
    assert found.sources == (
        "contracts/Thing.vy",
        "contracts/modules/sums.vy",
        "interfaces/IThing.vyi",
    )
    assert str(project) not in (project / "artifacts" / "Thing.json").read_text()
    assert Artifact.parse(found.dump()) == found


def test_compile__does_nothing_when_nothing_changed(project: Path) -> None:
    run()
    before = (project / "artifacts" / "Thing.json").stat()
    assert run() == (0, "1 artifacts are current\n")
    assert (project / "artifacts" / "Thing.json").stat().st_mtime_ns == before.st_mtime_ns


def test_compile__is_the_same_in_another_folder(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    first = (project / "artifacts" / "Thing.json").read_text()
    other = tmp_path_factory.mktemp("other") / "deep" / "er"
    shutil.copytree(project, other)
    monkeypatch.setattr(paths, "root", lambda: other)
    monkeypatch.setattr(paths, "ARTIFACTS", other / "artifacts")
    assert run("--force") == (0, "compiled: Thing\n")
    assert (other / "artifacts" / "Thing.json").read_text() == first


@pytest.mark.parametrize(
    "name", ["contracts/Thing.vy", "contracts/modules/sums.vy", "interfaces/IThing.vyi"]
)
def test_check__finds_a_changed_source(project: Path, name: str) -> None:
    run()
    assert run("--check") == (0, "1 artifacts are current\n")
    with (project / name).open("a") as source:
        source.write("# a word more\n")
    code, said = run("--check")
    assert (code, said) == (2, "stale: Thing; run `surety compile`\n")
    artifact.cache_clear()
    with pytest.raises(ArtifactError, match="older than its sources"):
        artifact("Thing")
    assert run()[0] == 0
    assert run("--check")[0] == 0
    assert artifact("Thing").name == "Thing"


def test_check__finds_what_was_edited_or_lost_or_has_no_source(project: Path) -> None:
    run()
    kept = project / "artifacts" / "Thing.json"
    text = kept.read_text()
    kept.write_text(text.replace('"bytecode": "0x', '"bytecode": "0x00'))
    assert run("--check", "--json")[0] == 2
    kept.write_text("{")
    assert run("--check")[0] == 2
    kept.unlink()
    assert run("--check")[0] == 2
    kept.write_text(text)
    write(project, "artifacts/Gone.json", text)
    code, said = run("--check", "--json")
    assert code == 2
    assert json.loads(said) == {"total": 1, "stale": [], "orphans": ["Gone"], "check": True}
    assert run() == (0, "removed: Gone\n")
    assert run("--check")[0] == 0


def test_check_force__compiles_again_and_sees_a_forged_digest(project: Path) -> None:
    run()
    true = compiler.compile_one(project / "contracts" / "Thing.vy")
    code = true.bytecode + b"\0"
    forged = replace(true, bytecode=code)
    digest = compiler._digest(forged.sources, forged.abi, code)
    assert digest is not None
    (project / "artifacts" / "Thing.json").write_text(replace(forged, digest=digest).dump())
    assert run("--check")[0] == 0
    assert run("--check", "--force") == (2, "stale: Thing; run `surety compile`\n")


def test_compile_fails_in_one_message_when_a_source_is_wrong(project: Path) -> None:
    write(project, "contracts/Thing.vy", THING.replace("UNIT = 2", "UNIT = -2"))
    code, said = run()
    assert code == 1
    assert "contracts/Thing.vy" in said
    assert "Traceback" not in said
    with pytest.raises(CompilationError):
        compiler.compile_all()


def test_compile_refuses_two_contracts_of_one_name(project: Path) -> None:
    write(project, "contracts/more/Thing.vy", THING)
    code, said = run()
    assert (code, said) == (1, "Error: two contracts are called Thing: names must be unique\n")


def test_artifact_names_the_ones_there_are(project: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no readable artifact Thing \(there are: none\)"):
        artifact("Thing")
    run()
    with pytest.raises(ArtifactError, match=r"there are: Thing\); run `surety compile`"):
        artifact("Vault")


def test_runtime_size__counts_immutables(project: Path) -> None:
    run()
    with_immutable = artifact("Thing").runtime_size
    write(project, "contracts/Thing.vy", THING.replace("    UNIT = 2", "    UNIT = 2000"))
    run()
    assert artifact("Thing").runtime_size == with_immutable
    assert with_immutable > 32


def test_the_committed_artifacts_are_current() -> None:
    assert compiler.compile_all(check=True).clean


def test_the_committed_artifacts_name_no_environment() -> None:
    stablecoin = artifact("Stablecoin")
    assert "contracts/modules/governed.vy" in stablecoin.sources
    for name in compiler.deployables():
        for source in artifact(name).sources:
            assert source.split("/")[0] in {"contracts", "interfaces"}


def test_paths__lead_to_the_checkout() -> None:
    assert paths.is_checkout()
    assert paths.root() == ROOT
    for folder in (paths.contracts(), paths.interfaces(), paths.scenarios()):
        assert any(folder.iterdir())
