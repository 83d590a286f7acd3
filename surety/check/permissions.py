# SPDX-License-Identifier: MIT
"""`surety check permissions`: deploy contracts, let a stranger try everything, tell what he did.

The sweep needs no property to be written: it finds setters that ask nobody. What else a stranger
may do is the access table, which a snapshot holds against the next version.
"""

from __future__ import annotations

import itertools
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from surety.anvil import Anvil, AnvilFailed, AnvilMissing
from surety.chain import Function, Reverted, Rpc, RpcError, UnlockedSender, as_revert
from surety.check.command import from_here, project_options, read_project, tell
from surety.check.source import SUFFIX, Project, Source, SourceError
from surety.check.sweep import (
    ETHER,
    STRANGER,
    Change,
    Outcome,
    Sweep,
    Table,
    Target,
    constructor,
    encode_constructor,
    fund,
    places,
    warm,
    writing,
)
from surety.commands import Failure, counted
from surety.files import write_atomically

GENESIS: Final = 1_700_000_000
GONE: Final = "in the snapshot and no more; write it anew"
YEAR: Final = 365 * 86_400
CALLERS: Final = (STRANGER, "deployer")
ROLES: Final = ("deployer", STRANGER, "user", "stub")  # whom arguments may name, besides contracts
_ENTRIES: Final = 3  # of one mapping that are shown by their keys
_GUESSES: Final = 96  # constructors tried with arguments of which nothing is known
# a contract that answers any call with the word 1, for constructors that ask what they are given
STUB: Final = bytes.fromhex("6860015f526104005ff35f5260096017f3")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a stranger can do and should not, or a contract that could not be tried."""

    contract: str
    function: str
    message: str

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.contract}{'.' if self.function else ''}{self.function}: {self.message}"


@dataclass(slots=True)
class Swept:
    """The table of a sweep, and the contracts that could not be deployed, each with why."""

    table: Table = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    states: int = 0
    failed: set[str] = field(default_factory=set)  # what `untried` is called in a table


def sweep_project(
    rpc: Rpc,
    project: Project,
    given: Mapping[str, Sequence[Any]],
    seed: int = 0,
    values: Mapping[str, Sequence[Any]] | None = None,
    tell: Callable[[int, int, str], None] | None = None,
) -> Swept:
    """Deploy a project's contracts on a node that lends accounts, and try them in three states.

    Fresh, after everything that the deployer and a user can do has been done once, and a year
    later. `given` are constructor arguments by contract, `values` arguments of functions
    by the name of a parameter or by ABI type. Raises SourceError and ValueError.
    """
    accounts = [str(address) for address in rpc.call("eth_accounts")]
    actors = dict(zip(("deployer", STRANGER, "user"), accounts, strict=False))
    done = Swept()
    judge(project, given, values or {})
    targets = list(_deployed(rpc, project, actors, given, done))
    sweep = Sweep(rpc, targets, actors, seed, values, tell=tell)
    fund(rpc, targets)
    sweep.run(CALLERS)
    warm(rpc, sweep, targets, actors)
    fund(rpc, targets)
    sweep.run(CALLERS)
    rpc.call("evm_setNextBlockTimestamp", rpc.timestamp() + YEAR)
    rpc.call("evm_mine")
    fund(rpc, targets)
    sweep.run(CALLERS)
    done.table, done.states = sweep.table, 3
    return done


def judge(
    project: Project, given: Mapping[str, Sequence[Any]], values: Mapping[str, Sequence[Any]]
) -> None:
    """Raise ValueError for arguments that mean nothing: unknown names, or of another type.

    A value of functions need fit only one of the parameters of its name.
    """
    called = titles(project)
    for title, args in given.items():
        source = next((each for each in project.contracts if called[each.path] == title), None)
        if source is None:
            raise ValueError(f"arguments for {title}, and there is no such contract")
        known = dict.fromkeys([*ROLES, *called.values()], "0x" + "11" * 20)
        for name in _wanted(args):
            if name not in known:
                raise ValueError(f"{title}: @{name} is no contract here, nor {', '.join(ROLES)}")
        abi = project.compiled(source).abi
        resolved = [_resolved(item, known) for item in args]
        try:
            encode_constructor(abi, resolved)
        except ValueError as error:
            raise ValueError(f"{title}: {_misfit(abi, resolved) or error}") from error
    written = [entry for each in project.contracts for entry in writing(project.compiled(each).abi)]
    leaves = [leaf for entry in written for leaf in _parameters(entry.get("inputs", ()))]
    for name, some in values.items():
        kinds = [kind for told, kind in leaves if name in (told, kind)]
        if not kinds:
            raise ValueError(
                f"values for {name}, which is no parameter of any function, nor a type"
            )
        for value in some:
            if not any(_fits(kind, value) for kind in kinds):
                raise ValueError(f"values for {name}: {value!r} is no {kinds[0]}")


def _parameters(inputs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield name and type of parameters, of structs the members' too, of lists the elements'."""
    for item in inputs:
        yield item.get("name", ""), item["type"].split("[", 1)[0]
        yield from _parameters(item.get("components", ()))


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith(("tuple", "bytes")) or kind.endswith("]"):  # told by the whole call alone
        return True
    try:
        Function.of({"name": "f", "inputs": [{"type": kind}], "outputs": []}).encode(value)
    except (ValueError, TypeError):
        return False
    return True


def _deployed(
    rpc: Rpc,
    project: Project,
    actors: Mapping[str, str],
    given: Mapping[str, Sequence[Any]],
    done: Swept,
) -> Iterator[Target]:
    """Deploy contract after contract, again and again while another one may help the rest."""
    called = titles(project)
    sender = UnlockedSender(rpc, actors["deployer"])
    stub = sender.send(None, STUB).contract_address
    assert stub is not None
    known = {**actors, "stub": stub}
    todo = list(project.contracts)
    while todo:
        left = []
        for source in todo:
            title = called[source.path]
            address = _deploy(rpc, sender, project, source, title, known, given, done)
            if address is None:
                left.append(source)
                continue
            known[title] = address
            done.untried.pop(source.name, None)
            done.failed.discard(title)
            made = project.compiled(source)
            yield Target(title, address, made.abi, places(source, project.layout(source)))
        if len(left) == len(todo):
            return
        todo = left


def _deploy(
    rpc: Rpc,
    sender: UnlockedSender,
    project: Project,
    source: Source,
    title: str,
    known: Mapping[str, str],
    given: Mapping[str, Sequence[Any]],
    done: Swept,
) -> str | None:
    """Deploy one contract with the arguments it is given, or the first guess that goes through."""
    made = project.compiled(source)
    reason = ""
    for args in _arguments(title, made.abi, known, given):
        try:
            data = made.creation + encode_constructor(made.abi, args)
        except ValueError:
            continue
        try:
            rpc.call(
                "eth_estimateGas", {"from": sender.address, "data": "0x" + data.hex()}
            )  # cheaper to refuse than a transaction
            return sender.send(None, data).contract_address
        except Reverted as error:
            reason = reason or error.reason
        except RpcError as error:
            refusal = as_revert(error)
            reason = reason or (refusal.reason if refusal else error.message)
    done.failed.add(title)
    done.untried[source.name] = reason or _missing(title, known, given)
    return None


def titles(project: Project) -> dict[Path, str]:
    """Return what each contract is called: its file's name, with the folders where two share it."""
    times = Counter(source.stem for source in project.contracts)
    return {
        source.path: source.stem if times[source.stem] == 1 else source.name.removesuffix(SUFFIX)
        for source in project.contracts
    }


def _missing(title: str, known: Mapping[str, str], given: Mapping[str, Sequence[Any]]) -> str:
    """Tell why not even one deployment was tried, or that no guess had the right form."""
    names = [name for name in _wanted(given.get(title, ())) if name not in known]
    return f"it is given @{names[0]}, which is not deployed" if names else "no guess gets through"


def _misfit(abi: Sequence[Mapping[str, Any]], args: Sequence[Any]) -> str:
    """Return which argument is not of its parameter's type; nothing where their number is wrong."""
    inputs = constructor(abi)["inputs"]
    pairs = zip(inputs, args, strict=True) if len(inputs) == len(args) else ()
    for item, value in pairs:
        if not _fits(item["type"], value):
            return f"{value!r} is no {item['type']}, as {item['name']} is"
    return ""


def _wanted(args: Sequence[Any]) -> list[str]:
    """Return the names that arguments refer to."""
    return [str(item)[1:] for item in _leaves(args) if _is_name(item)]


def _arguments(
    title: str,
    abi: Sequence[Mapping[str, Any]],
    known: Mapping[str, str],
    given: Mapping[str, Sequence[Any]],
) -> Iterator[list[Any]]:
    """Yield what a constructor may be given: what the caller says, else guesses by type."""
    entry = constructor(abi)
    if title in given:
        if all(name in known for name in _wanted(given[title])):
            yield [_resolved(item, known) for item in given[title]]
        return
    pools = [_guesses(item, known) for item in entry["inputs"]]
    rounds = max((len(pool) for pool in pools), default=1)
    seen = [[pool[i % len(pool)] for pool in pools] for i in range(rounds)]  # alike first
    yield from seen
    rest = (list(found) for found in itertools.product(*pools))
    yield from (args for args in itertools.islice(rest, _GUESSES) if args not in seen)


def _guesses(item: Mapping[str, Any], known: Mapping[str, str]) -> list[Any]:
    kind: str = item["type"]
    if kind.endswith("]"):
        inner, _, count = kind[:-1].rpartition("[")
        below = _guesses({**item, "type": inner}, known)
        sizes = [int(count)] if count else [0, 1]
        return [[value] * size for size in sizes for value in below]
    if kind == "tuple":
        parts = [_guesses(part, known) for part in item["components"]]
        rounds = max(len(part) for part in parts)
        return [tuple(part[i % len(part)] for part in parts) for i in range(rounds)]
    if kind == "address":
        others = [known[name] for name in known if name not in ("deployer", STRANGER, "stub")]
        return [known["stub"], known["deployer"], *others]
    if kind == "bool":
        return [False, True]
    if kind == "string":
        return ["Name"]
    if kind == "bytes":
        return [b""]
    if kind.startswith(("uint", "int")):
        return [18, 1, 10**18, 3_600, 0, 100]
    return [bytes(int(kind.removeprefix("bytes")))]


def _is_name(item: Any) -> bool:
    return isinstance(item, str) and item.startswith("@")


def _leaves(items: Any) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list | tuple):
            yield from _leaves(item)
        else:
            yield item


def _resolved(item: Any, known: Mapping[str, str]) -> Any:
    """Put addresses in the place of `@Name`, bytes in that of `0x...` of another length."""
    if isinstance(item, list | tuple):
        return [_resolved(each, known) for each in item]
    if _is_name(item):
        return known[item[1:]]
    if isinstance(item, str) and item.startswith("0x") and len(item) != 42:
        return bytes.fromhex(item[2:])
    return item


Kept = Mapping[str, Mapping[str, Sequence[str]]]  # a snapshot: entries by contract and function


def findings(swept: Swept, kept: Kept | None) -> list[Finding]:
    """Return what a stranger should not be able to do.

    Without a snapshot: put a value of his choice or himself where it is not filed under his name,
    take ether, or take the deployer out. With one: anything that it does not tell of; contracts
    and functions that it tells of and that are no more are found too, or it would outlive them.
    """
    found = untried(swept)
    for contract, functions in swept.table.items():
        for function, outcomes in functions.items():
            if kept is None:
                told = _doubtful(outcomes[STRANGER].changes)
            else:
                known = set(kept.get(contract, {}).get(function, []))
                more = sorted(entries(outcomes[STRANGER]) - known)
                told = [f"changes {', '.join(more)}, which the snapshot does not tell of"]
                told = told if more else []
            found += (Finding(contract, function, f"a stranger {words}") for words in told)
    for contract, known_functions in (kept or {}).items():
        if contract not in swept.table:
            if contract not in swept.failed:
                found.append(Finding(contract, "", GONE))
            continue
        gone = known_functions.keys() - swept.table[contract].keys()
        found += (Finding(contract, function, GONE) for function in gone)
    return sorted(found)


def untried(swept: Swept) -> list[Finding]:
    """Return the contracts that could not be deployed, each with why."""
    return [
        Finding(name, "", f"could not be deployed ({reason}); give arguments with --args")
        for name, reason in swept.untried.items()
    ]


def _doubtful(changes: Iterable[Change]) -> list[str]:
    """Return in words what of a stranger's changes no contract should let him do."""
    others = [item for item in changes if not item.own]
    given = {item.name for item in others if item.chosen}
    taken = {name for name in given if _is_ether(name)}
    chosen = given - taken
    entered = {item.name for item in others if item.entered} - chosen
    placed = entered & {item.name for item in others if item.entered and item.ousted}
    said = (
        ("chooses", chosen),
        ("takes", taken),
        ("takes the deployer's place in", placed),
        ("puts himself into", entered - placed),
        (
            "takes the deployer out of",
            {item.name for item in changes if item.ousted and not item.entered},
        ),
    )
    return [f"{words} {', '.join(_gathered(sorted(names)))}" for words, names in said if names]


def _is_ether(name: str) -> bool:
    return name.rsplit(".", 1)[-1] == ETHER


def entries(outcome: Outcome) -> set[str]:
    """Return what was changed, in the words of a snapshot.

    Of an entry whose it is: `[stranger]` under his name, `[*]` under any other; and behind a
    variable that is not filed under his name how far it is his to say.
    """
    found = set()
    for item in outcome.changes:
        found.add(item.entry)
        taken = item.chosen and _is_ether(item.entry)
        for told, words in (
            (item.chosen and not taken and not item.own, "chosen"),
            (taken, "taken"),
            (item.entered and not item.own, "the stranger in"),
            (item.ousted, "the deployer out"),
        ):
            if told:
                found.add(f"{item.entry} ({words})")
    return found


def reach(table: Table) -> dict[str, dict[str, list[str]]]:
    """Return what a stranger can change, by contract and function: the snapshot."""
    return {
        contract: {
            function: sorted(entries(outcomes[STRANGER]))
            for function, outcomes in functions.items()
            if outcomes[STRANGER].changes
        }
        for contract, functions in table.items()
    }


@click.command("permissions")
@project_options
@click.option(
    "--args",
    "arguments",
    type=click.Path(path_type=Path, dir_okay=False),
    help='Constructor arguments, TOML: `Till = ["@Token", 5]`; `@` names a contract or'
    " deployer, user, stub. A table [values] gives arguments of functions by parameter or type.",
)
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write a snapshot file."
)
@click.option(
    "--check",
    "kept",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Find only what the snapshot file does not tell of.",
)
@click.option("--seed", default=0, show_default=True, help="Draw other arguments.")
def permissions(
    path: Path,
    search_paths: tuple[Path, ...],
    exclude: tuple[str, ...],
    arguments: Path | None,
    write: Path | None,
    kept: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Call every function as a stranger and as the deployer, and tell which variables changed.

    Each contract is deployed on a local Anvil, and tried fresh, used, and a year later. Found is a
    stranger who puts a value of his choice anywhere but under his own name, who takes ether or the
    deployer's place, or puts himself where nobody was, and a contract that could not be deployed.
    """
    if write and kept:
        raise Failure("--write and --check do not go together")
    given, values = _given(arguments) if arguments else ({}, {})
    before = _kept(kept) if kept else None
    project = read_project(path, search_paths, exclude)
    try:
        with Anvil(timestamp=GENESIS, block_interval=12) as node, Rpc(node.url) as rpc:
            swept = sweep_project(rpc, project, given, seed, values, tell)
        swept.untried = {from_here(project, name): why for name, why in swept.untried.items()}
    except (SourceError, ValueError, AnvilMissing, AnvilFailed) as error:
        raise Failure(error) from error
    if write:
        try:
            write_atomically(write, json.dumps(reach(swept.table), indent=1) + "\n")
        except OSError as error:
            raise Failure(f"{write}: {error.strerror or error}") from error
    found = untried(swept) if write else findings(swept, before)
    click.echo(_json(swept, found) if as_json else _text(swept, found))
    if found:
        sys.exit(2)


def _given(path: Path) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Read constructor arguments by contract, and the table of values by name or type."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise Failure(f"{path}: not TOML: {error}") from error
    values = raw.pop("values", {})
    for name, args in [*raw.items(), *values.items()]:
        if not isinstance(args, list):
            raise Failure(f'{path}: {name}: a list of arguments is needed, as in {name} = [1, "a"]')
    return raw, values


def _kept(path: Path) -> dict[str, dict[str, list[str]]]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(contract): {
                str(name): [str(item) for item in found] for name, found in each.items()
            }
            for contract, each in raw.items()
        }
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise Failure(f"{path}: not a snapshot; make one with --write") from error


def _json(swept: Swept, found: list[Finding]) -> str:
    def told(outcome: Outcome) -> dict[str, Any]:
        return {
            "calls": outcome.calls,
            "passed": outcome.passed,
            "changes": sorted({item.name for item in outcome.changes}),
            "reasons": sorted(outcome.reasons),
        }

    return json.dumps(
        {
            "states": swept.states,
            "contracts": {
                contract: {
                    function: {caller: told(outcome) for caller, outcome in outcomes.items()}
                    for function, outcomes in functions.items()
                }
                for contract, functions in swept.table.items()
            },
            "untried": swept.untried,
            "findings": [
                {"contract": item.contract, "function": item.function, "message": item.message}
                for item in found
            ],
        },
        indent=1,
    )


def _text(swept: Swept, found: list[Finding]) -> str:
    lines = []
    calls = 0
    for contract, functions in swept.table.items():
        lines.append(contract)
        width = max((len(name) for name in functions), default=0)
        for function, outcomes in functions.items():
            for caller, outcome in outcomes.items():
                calls += outcome.calls
                name = function if caller == STRANGER else ""
                lines.append(f"  {name:{width}}  {caller:8}  {shown(outcome)}")
    lines += [str(item) for item in found]
    lines.append(
        f"{counted(len(swept.table), 'contract')}, {counted(calls, 'call')} in"
        f" {counted(swept.states, 'state')}: {counted(len(found), 'finding')}"
    )
    return "\n".join(lines)


def _gathered(names: list[str]) -> list[str]:
    """Put a count in the place of many entries of one mapping: for a person to read."""
    found = []
    for variable, each in itertools.groupby(names, key=lambda name: name.split("[", 1)[0]):
        entries = list(each)
        few = len(entries) <= _ENTRIES
        found += entries if few else [f"{variable} ({len(entries)} entries)"]
    return found


def shown(outcome: Outcome) -> str:
    """Return what came of the calls in words."""
    if outcome.passed:
        names = _gathered(sorted({item.name for item in outcome.changes}))
        return "changes " + ", ".join(names) if names else "goes through and changes no storage"
    reasons = sorted(repr(reason) if reason else "no reason" for reason in outcome.reasons)
    return f"refused: {', '.join(reasons)}"
