# SPDX-License-Identifier: MIT
"""The wheel carries everything that the package reads at run time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ASK = """
import json
from surety import paths
from surety.compile import artifact
from surety.formulas import margin_math
print(json.dumps({
    "checkout": paths.is_checkout(),
    "root": str(paths.root()),
    "vault": artifact("Vault").runtime_size,
    "contracts": sorted(path.name for path in paths.contracts().glob("*.vy")),
    "scenarios": len(list(paths.scenarios().glob("*.toml"))),
}))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it lies in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel__runs_away_from_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    )
    seen = json.loads(done.stdout)
    assert seen["checkout"] is False
    assert seen["root"] == str(unpacked / "surety" / "_root")
    assert 10_000 < seen["vault"] <= 24_576
    assert seen["contracts"] == sorted(path.name for path in (ROOT / "contracts").glob("*.vy"))
    assert seen["scenarios"] == len(list((ROOT / "scenarios").glob("*.toml"))) > 0


def test_wheel__holds_neither_tests_nor_tools(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir()}
    assert top == {"surety", next(name for name in top if name.endswith(".dist-info"))}
