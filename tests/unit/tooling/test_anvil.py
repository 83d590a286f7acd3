# SPDX-License-Identifier: MIT
"""Anvil is found, starts on a port of its own and never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surety.anvil import (
    Anvil,
    AnvilFailed,
    AnvilMissing,
    candidates,
    find_anvil,
    native_binary,
    version_of,
)
from surety.chain import Rpc

PARENT = """
import sys, time
from surety.anvil import Anvil
node = Anvil().start()
print(node.pid, node.url, flush=True)
{body}
"""
LINUX_ONLY = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel's help is Linux's"
)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_anvil__runs_with_the_asked_settings() -> None:
    with (
        Anvil(chain_id=1, timestamp=1_500_000_000, block_interval=7, accounts=3, balance=5) as node,
        Rpc(node.url) as rpc,
    ):
        assert rpc.chain_id == 1
        assert rpc.timestamp() == 1_500_000_000
        rpc.mine(2)
        assert rpc.timestamp() == 1_500_000_014
        users = rpc.call("eth_accounts")
        assert [rpc.balance(user) for user in users] == [5 * 10**18] * 3
        config = rpc.call("anvil_nodeInfo")
        assert config["hardFork"].lower() == "cancun"
        assert node.running
        pid = node.pid
    assert not node.running
    assert gone_within(pid, 1)
    with pytest.raises(AnvilFailed, match="not running"):
        assert node.pid


def test_anvil__two_have_two_ports() -> None:
    with Anvil() as one, Anvil() as two:
        assert one.url != two.url
        assert one.url.startswith("http://127.0.0.1:")
        with pytest.raises(AnvilFailed, match="already running"):
            one.start()


def test_anvil__is_ended_when_the_block_raises() -> None:
    pids = []

    def fail() -> None:
        with Anvil() as node:
            pids.append(node.pid)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    assert gone_within(pids[0], 1)


def start_parent(body: str) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline().split()[0])


def end(parent: subprocess.Popen[str], signum: int, whole_group: bool) -> int:
    try:
        (os.killpg if whole_group else os.kill)(parent.pid, signum)
        return parent.wait(10)
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()


@LINUX_ONLY
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_anvil__dies_with_a_killed_parent(signum: int) -> None:
    parent, pid = start_parent("time.sleep(60)")
    assert alive(pid)
    end(parent, signum, whole_group=False)
    assert gone_within(pid, 2)


def test_anvil__outlives_ctrl_c_until_the_parent_has_used_it() -> None:
    body = """
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    node._ask("eth_blockNumber")
    sys.exit(7)
"""
    parent, pid = start_parent(body)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    assert end(parent, signal.SIGINT, whole_group=True) == 7
    assert gone_within(pid, 2)


def test_anvil__is_ended_when_nobody_closed_it() -> None:
    parent, pid = start_parent("")
    assert parent.wait(10) == 0
    assert parent.stdout is not None
    parent.stdout.close()
    assert gone_within(pid, 2)


def test_anvil_fails_with_the_last_words_when_it_does_not_come_up(tmp_path: Path) -> None:
    broken = script(tmp_path / "anvil", "echo 'Error: no space for the sky' >&2; exit 3")
    with pytest.raises(AnvilFailed, match=r"code 3.*no space for the sky"):
        Anvil(binary=broken).start()


def test_anvil_fails_when_it_does_not_listen_in_time(tmp_path: Path) -> None:
    slow = script(tmp_path / "anvil", "echo thinking; exec sleep 30")
    node = Anvil(binary=slow, startup_seconds=0.2)
    with pytest.raises(AnvilFailed, match=r"0\.2 seconds: thinking"):
        node.start()
    assert not node.running


def test_anvil_fails_when_the_program_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(AnvilFailed, match="cannot be started"):
        Anvil(binary=tmp_path / "nothing").start()


def test_anvil_refuses_an_option_that_anvil_does_not_know() -> None:
    with pytest.raises(AnvilFailed, match="--no-such-option"):
        Anvil(extra=("--no-such-option",)).start()


def test_find_anvil__takes_the_project_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SURETY_ANVIL", raising=False)
    other = script(tmp_path / "bin" / "anvil", "echo anvil Version: 1.2.3")
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    project = tmp_path / "project"
    assert find_anvil(project) == other
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin:")
    own = script(project / "node_modules" / ".bin" / "anvil", "echo anvil 1.7.1")
    assert find_anvil(project) == own
    assert candidates(project) == [own, other]


def test_find_anvil__obeys_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = script(tmp_path / "my-anvil", "echo anvil Version: 1.0.0-stable")
    monkeypatch.setenv("SURETY_ANVIL", str(named))
    assert find_anvil(tmp_path) == named
    monkeypatch.setenv("SURETY_ANVIL", str(tmp_path / "gone"))
    with pytest.raises(AnvilMissing, match="SURETY_ANVIL names no Anvil"):
        find_anvil(tmp_path)


def test_find_anvil_refuses_an_old_or_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SURETY_ANVIL", raising=False)
    script(tmp_path / "bin" / "anvil", "echo anvil 0.3.0")
    script(tmp_path / "node_modules" / ".bin" / "anvil", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(AnvilMissing, match=r"does not run.*0\.3\.0.*make setup"):
        find_anvil(tmp_path)


def test_native_binary__sees_through_the_node_script(tmp_path: Path) -> None:
    scope = tmp_path / "node_modules" / "@foundry-rs"
    wrapper = script(scope / "anvil" / "bin.mjs", "exit 1")
    link = tmp_path / "node_modules" / ".bin" / "anvil"
    link.parent.mkdir()
    link.symlink_to(wrapper)
    assert native_binary(link) == wrapper
    for system in ("linux", "darwin", "win32"):
        for machine in ("amd64", "arm64"):
            script(scope / f"anvil-{system}-{machine}" / "bin" / "anvil", "exit 0")
    found = native_binary(link)
    system = "darwin" if sys.platform == "darwin" else "linux"
    machine = "arm64" if os.uname().machine in {"arm64", "aarch64"} else "amd64"
    assert found == scope / f"anvil-{system}-{machine}" / "bin" / "anvil"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo anvil Version: 1.7.1", (1, 7, 1)),
        ("echo 'anvil 0.2.0 (abc 2024)'", (0, 2, 0)),
        ("echo nothing", None),
        ("echo 1.2.3; exit 1", None),
    ],
)
def test_version_of__reads_what_is_printed(
    tmp_path: Path, text: str, version: tuple[int, int, int] | None
) -> None:
    assert version_of(script(tmp_path / "anvil", text)) == version


def test_stop__leaves_no_state_on_the_disk():
    """Anvil writes what leaves its memory, and would leave gigabytes of it behind."""
    with Anvil() as node:
        arguments = Path(f"/proc/{node.pid}/cmdline") if sys.platform == "linux" else None
        folder = Path(node._states.name)
        assert folder.is_dir()
        if arguments is not None:
            assert str(folder).encode() in arguments.read_bytes()
        rpc = Rpc(node.url)
        for _ in range(600):
            rpc.mine()
    assert not folder.exists()
