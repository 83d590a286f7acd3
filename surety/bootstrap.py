# SPDX-License-Identifier: MIT
"""Bring a checkout to life: `.venv` from the hashed locks, the project itself, and npm's packages.

Runs under the machine's own Python with nothing installed, and so imports the standard library
only. A stamp over the locks makes a second run a matter of milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "setup.json"
LOG = VENV / "setup.log"
LOCK = "requirements.lock"
NODE_LOCK = "requirements-node.lock"
NPM_LOCK = "package-lock.json"
SUPPORTED = ((3, 13), (3, 12), (3, 11))
ALREADY_CHOSEN = "SURETY_BOOTSTRAP_PYTHON"

OFFLINE = (
    "failed to establish a new connection",
    "temporary failure in name resolution",
    "network is unreachable",
    "dns error",
    "code enotfound",
    "code eai_again",
    "code econnrefused",
)


class SetupError(Exception):
    """Something is missing or failed; the message is one sentence that says what and what to do."""


def say(text: str) -> None:
    """Tell the user what is happening, on stderr."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def digest(*names: str, root: Path = ROOT) -> str:
    """Hash files of the project."""
    state = hashlib.sha256()
    for name in names:
        state.update(name.encode() + b"\n" + (root / name).read_bytes())
    return state.hexdigest()


def venv_python() -> Path:
    """Return the environment's own interpreter."""
    return VENV / "bin" / "python"


def wanted_state(root: Path = ROOT) -> dict[str, str]:
    """Describe the environment that the checkout asks for."""
    return {
        "root": str(root),
        "python": platform.python_version(),
        "packages": digest(LOCK, root=root),
        "project": digest("pyproject.toml", root=root),
        "anvil": digest(NPM_LOCK, NODE_LOCK, root=root),
    }


def kept_state(stamp: Path = STAMP) -> dict[str, str]:
    """Return what an earlier run finished, or nothing."""
    try:
        state = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in state.items()} if isinstance(state, dict) else {}


def run(command: Sequence[str | Path], what: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its words in the log; raises SetupError with the last of them."""
    with LOG.open("a") as log:
        log.write(f"\n== {what}\n")
        log.flush()
        start = log.tell()
        try:
            done = subprocess.run(
                [str(part) for part in command],
                cwd=ROOT,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise SetupError(f"{what} failed: {command[0]}: {error.strerror}.") from None
    if done.returncode != 0:
        with LOG.open() as log:
            log.seek(start)
            raise SetupError(explain(what, log.read()))


def explain(what: str, output: str) -> str:
    """Turn the output of a failed command into one sentence."""
    lowered = output.lower()
    if "ensurepip" in lowered:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"This Python has no venv module: install it (Debian and Ubuntu: "
            f"`apt install python{version}-venv`) or put uv on PATH, then run again."
        )
    if any(sign in lowered for sign in OFFLINE):
        return f"{what} failed: the package registry cannot be reached; check the network."
    if "do not match the hashes" in lowered or "eintegrity" in lowered:
        return f"{what} failed: a package is not the one in the lock file (its hash differs)."
    if "no space left" in lowered:
        return f"{what} failed: the disk is full."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    last = (errors or lines or ["no output"])[-1]
    return f"{what} failed: {last[:300]} (all of it: {LOG.relative_to(ROOT)})"


def find_python(path: str | None = None) -> str | None:
    """Return a supported Python on PATH that runs, newest first."""
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}", path=path)
        if found is None:
            continue
        try:
            done = subprocess.run(
                [found, "-c", "import sys; print(*sys.version_info[:2])"],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.stdout.split() == [str(major), str(minor)]:
            return found
    return None


def use_supported_python() -> None:
    """Go on under a supported Python: this one, or another one on PATH."""
    if sys.version_info[:2] in SUPPORTED:
        return
    found = None if os.environ.get(ALREADY_CHOSEN) else find_python()
    if found is None:
        raise SetupError(
            f"Python 3.11, 3.12 or 3.13 is needed; this is {platform.python_version()} and PATH "
            "has none of them. Install one, or run `make PYTHON=/path/to/python3.12 setup`."
        )
    os.environ[ALREADY_CHOSEN] = found
    os.execv(found, [found, "-m", "surety.bootstrap", *sys.argv[1:]])


def make_environment(uv: str | None) -> None:
    """Make `.venv` anew under this Python."""
    say(f"making .venv with Python {platform.python_version()}")
    if VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    if uv is not None:
        run([uv, "venv", "--allow-existing", "--python", sys.executable, VENV], "uv venv")
    else:
        run([sys.executable, "-m", "venv", VENV], "python -m venv")


def install(uv: str | None, lock: str) -> None:
    """Install a lock file, every package checked against its hash."""
    flags = ["--require-hashes", "--no-deps", "-r", lock]
    python = venv_python()
    if uv is not None:
        command = [uv, "pip", "install", "--python", python, "--compile-bytecode", *flags]
    else:
        command = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q", *flags]
    run([str(part) for part in command], f"Installing {lock}")


def install_project(uv: str | None) -> None:
    """Install the checkout itself, editable, with the build tool of the lock."""
    flags = ["--no-deps", "--no-build-isolation", "-e", "."]
    python = venv_python()
    if uv is not None:
        command = [uv, "pip", "install", "--python", python, *flags]
    else:
        command = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q", *flags]
    run([str(part) for part in command], "Installing surety")


def usable_anvil() -> Path | None:
    """Return the Anvil that is there already; raises AnvilMissing when `$SURETY_ANVIL` is none."""
    from surety.anvil import AnvilMissing, find_anvil

    try:
        return find_anvil(ROOT)
    except AnvilMissing:
        if os.environ.get("SURETY_ANVIL"):
            raise
    return None


def install_node_packages(uv: str | None, flags: Sequence[str]) -> None:
    """Install `package-lock.json`, with node from PyPI if there is none."""
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", *flags]
    npm = shutil.which("npm")
    if npm is not None and shutil.which("node") is not None:
        run([npm, *command], "npm ci")
        return
    say("no node on PATH: installing it from PyPI")
    install(uv, NODE_LOCK)
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "")])
    run([VENV / "bin" / "npm", *command], "npm ci", {**os.environ, "PATH": path})


def ensure_node_packages(uv: str | None) -> Path:
    """Install the contracts that tests trade over, and Anvil where there is none; return Anvil.

    An Anvil outside the project is not downloaded again, and with it a machine without the npm
    registry stays usable for all but those tests.
    """
    from surety.anvil import AnvilMissing, find_anvil

    found = usable_anvil()
    is_outside = found is not None and not found.is_relative_to(ROOT)
    say("installing the npm packages of the lock")
    try:
        # the lock's only optional packages are the Anvils of all platforms
        install_node_packages(uv, ["--omit=optional"] if is_outside else [])
    except SetupError as error:
        if found is None or not found.exists():
            raise
        say(f"{error} Going on without: the tests over Uniswap need `npm ci`.")
    try:
        return find_anvil(ROOT) if found is None or not found.exists() else found
    except AnvilMissing:
        raise SetupError(
            f"npm has no Anvil that runs on this {platform.system()} ({platform.machine()}): "
            "install Foundry, or set SURETY_ANVIL to an Anvil of version 1.0 or later."
        ) from None


def setup() -> None:
    """Do whatever is not done yet, keeping count of what is."""
    use_supported_python()
    wanted, done = wanted_state(), kept_state()
    anvil = done.pop("anvil_path", "")
    if done == wanted and venv_python().exists() and anvil and Path(anvil).exists():
        return
    LOG.unlink(missing_ok=True)
    uv = shutil.which("uv")
    usable = venv_python().exists() and (uv is not None or (VENV / "bin" / "pip").exists())
    if not usable or any(done.get(key) != wanted[key] for key in ("root", "python")):
        make_environment(uv)
        done = {key: wanted[key] for key in ("root", "python")}
    if done.get("packages") != wanted["packages"]:
        say("installing the Python packages of the lock (about a minute)")
        install(uv, LOCK)
        record(done, wanted, "packages")
    if done.get("project") != wanted["project"]:
        install_project(uv)
        record(done, wanted, "project")
    found = usable_anvil()
    if found is None or done.get("anvil") != wanted["anvil"]:
        found = ensure_node_packages(uv)
    done["anvil_path"] = str(found)
    record(done, wanted, "anvil")
    say(f"ready ({found.relative_to(ROOT) if found.is_relative_to(ROOT) else found})")


def record(done: dict[str, str], wanted: Mapping[str, str], key: str) -> None:
    """Note a finished part, so that an interrupted run goes on after it."""
    done[key] = wanted[key]
    STAMP.write_text(json.dumps(done))


def main() -> int:
    """Run the setup; 0 when all is there, 1 after one sentence about what is not."""
    try:
        setup()
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        return 1
    except (OSError, RuntimeError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
