# SPDX-License-Identifier: MIT
"""Call every function of live contracts as everybody, and tell which variables each call changed.

Calls are simulated on a node that traces (`debug_traceCall` with the difference of states), so
nothing that one call does is met by the next. A word that changed is named by the layout; an entry
of a mapping is found by hashing the keys that the sweep knows: those who call, the contracts, the
numbers that it gives. What a stranger may change is told apart from what he may *choose*: the
values that the sweep gives are marked, and a marked value in a variable that is not filed under
the stranger's own name is what a missing check looks like.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from surety.chain import Function, Reverted, Rpc, RpcError, as_revert
from surety.check.source import Source

STRANGER: Final = "stranger"
TRIES: Final = 24  # calls of one function by one caller in one state
GAS: Final = 10_000_000
# values that nothing else has: found in a word, the caller put them there
MARK: Final = 0x5EED_C0DE_5EED
MARKED: Final = to_checksum_address("0x" + "5eedc0de" * 5)
UNNAMED: Final = "a word without a name"
ETHER: Final = "ether"  # a word that the language reserves: no variable has the name
FUNDS: Final = 10**19  # wei that every contract is given, to see who gets at it
ANY: Final = "*"  # in place of a key that is nobody's address
_ENTRIES: Final = 4_000  # of one mapping, at most, whose places are worked out beforehand
_WORDS: Final = 10  # of a call, at most, that are tried as keys where that was not enough
_VALUE: Final = 10**15  # wei, sent along with every other call that takes ether


@dataclass(frozen=True, slots=True)
class Place:
    """One variable of a contract: where it begins, its name and the compiler's type of it."""

    slot: int
    name: str
    type: Any


def places(source: Source, layout: Mapping[str, Any]) -> list[Place]:
    """Return the variables of a contract that lie in storage, its modules' too."""
    return list(_places(source.tree, layout.get("storage_layout", {}), ""))


def _places(tree: Any, items: Mapping[str, Any], prefix: str) -> Iterator[Place]:
    from vyper.ast import nodes as vy

    for node in tree.get_children(vy.VariableDecl):
        if node.target.id in items:
            kind = node.target._metadata["varinfo"].typ
            yield Place(items[node.target.id]["slot"], prefix + node.target.id, kind)
    for node in tree.get_children(vy.InitializesDecl):
        info = node._metadata["initializes_info"].module_info
        below = items.get(info.alias, {})
        yield from _places(info.module_node, below, f"{prefix}{info.alias}.")


@dataclass(frozen=True, slots=True)
class Target:
    """A live contract: its name, address, ABI and variables."""

    name: str
    address: str
    abi: Sequence[Mapping[str, Any]]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A variable that a call changed; in brackets who the keys of its entry are, `*` for no one.

    `entry` is the name with no other key than the first that makes it the caller's own: the others
    say what the sweep tried, not what can be done.

    `own` tells that the entry is filed under whoever called, or in another contract under the one
    that called it, `chosen` that a value which the call
    gave stands in it now, `ousted` that the deployer's address stood in it and no longer does,
    `entered` that the caller's own address stands in it now: of an entry only where the deployer's
    made room for it, since who fills a place in a mapping or a list is told there. Of `ETHER`
    that left the contract `chosen` tells that the caller, or whom he named, has it now.
    """

    name: str
    own: bool = False
    chosen: bool = False
    ousted: bool = False
    entered: bool = False
    entry: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of the calls of one function by one caller, in all states."""

    calls: int = 0
    passed: int = 0
    changes: set[Change] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Named:
    """What a slot is called, the keys of the entry that it is in, and whether a list has it."""

    name: str
    keys: tuple[int, ...] = ()
    listed: bool = False

    @property
    def variable(self) -> str:
        """Return the name without keys."""
        return self.name.split("[", 1)[0]


Spot = tuple[str, int]  # an address in small letters and a slot
Writes = Mapping[Spot, tuple[int, int]]  # the word before a call and after it
Table = dict[str, dict[str, dict[str, Outcome]]]  # contract, function, caller


class Sweep:
    """Tries every function of some contracts as some callers; `actors` are addresses by role.

    `values` are arguments to draw from: of the name of a parameter these and no others, of an ABI
    type besides those that the sweep has. `keys` tells whom a key of a mapping that
    is no address belongs to, by role. `tell` hears before each contract how many are done in this
    state, of how many, and its name.
    """

    def __init__(
        self,
        rpc: Rpc,
        targets: Sequence[Target],
        actors: Mapping[str, str],
        seed: int = 0,
        values: Mapping[str, Sequence[Any]] | None = None,
        keys: Mapping[int, str] | None = None,
        tries: int = TRIES,
        tell: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self._tell = tell
        self._tries = tries
        self._values = values or {}
        self._owned = dict(keys or {})
        others = [target.address for target in targets]
        more = [str(address) for address in self._values.get("address", ())]
        self._addresses = [*actors.values(), MARKED, *others, "0x" + "00" * 20, *more]
        self._rpc = rpc
        self._targets = list(targets)
        self._actors = dict(actors)
        self._seed = seed
        self._labels = {int(address, 16): role for role, address in actors.items()} | self._owned
        self._labels |= {int(target.address, 16): target.name for target in targets}
        self._labels[int(MARKED, 16)] = "given"
        self._names = {target.address.lower(): self._named(target) for target in targets}
        self.table: Table = {}

    def run(self, callers: Iterable[str]) -> None:
        """Try everything in the state that the node is in, and add it to the table."""
        for number, target in enumerate(self._targets):
            if self._tell:
                self._tell(number, len(self._targets), target.name)
            for entry in writing(target.abi):
                name = label(entry)
                tries = self.tries(target, entry)
                for caller in callers:
                    outcome = (
                        self.table.setdefault(target.name, {})
                        .setdefault(name, {})
                        .setdefault(caller, Outcome())
                    )
                    self._try(target, caller, tries, outcome)

    def tries(self, target: Target, entry: Mapping[str, Any]) -> list[tuple[bytes, int]]:
        """Return data and wei of the calls of a function that are worth making, always the same."""
        dice = random.Random(f"{self._seed} {target.name} {label(entry)}")
        payable = entry.get("stateMutability") == "payable"
        if entry["type"] in ("fallback", "receive"):
            return [(b"", _VALUE if payable else 0), (bytes(4), 0)]
        function = Function.of(entry)
        found: dict[tuple[bytes, int], None] = {}
        for number in range(self._tries * 3):
            if len(found) == self._tries:
                break
            args = [self._draw(item, dice, number, target) for item in entry["inputs"]]
            try:
                data = function.encode(*args)
            except ValueError:  # too large for its type
                continue
            found.setdefault((data, _VALUE if payable and number % 2 else 0))
        return list(found)

    def _draw(self, item: Mapping[str, Any], dice: random.Random, number: int, at: Target) -> Any:
        """Draw an argument; the first ones are plain, each kind of them once."""
        kind: str = item["type"]
        if kind.endswith("]"):
            inner, _, count = kind[:-1].rpartition("[")
            size = int(count) if count else dice.choice((1, 1, 0, 2))
            below = {**item, "type": inner}
            return [self._draw(below, dice, number + i, at) for i in range(size)]
        if kind == "tuple":
            return tuple(self._draw(part, dice, number, at) for part in item["components"])
        first, *rest = self._pool(kind, at)
        named = self._values.get(item.get("name", ""))
        pool = list(named) if named else [first, *self._values.get(kind, ()), *rest]
        return pool[number % len(pool)] if number < 4 else dice.choice(pool)

    def _pool(self, kind: str, at: Target) -> list[Any]:
        if kind == "address":
            others = [target.address for target in self._targets if target is not at]
            return [MARKED, *self._actors.values(), *others, at.address, "0x" + "00" * 20]
        if kind == "bool":
            return [True, False]
        if kind.startswith("uint"):
            return [MARK, 1, 0, 10**18, 2, 1_000, 5_000, 2 ** int(kind[4:] or 256) - 1]
        if kind.startswith("int"):
            return [MARK, 1, 0, -1, 10**18, -(10**18)]
        if kind == "bytes":
            return [b"", MARK.to_bytes(32), bytes(65)]
        if kind == "string":
            return ["", "a name"]
        size = int(kind.removeprefix("bytes"))
        return [MARK.to_bytes(32)[-size:], bytes(size), b"\x01" + bytes(size - 1)]

    def _try(
        self, target: Target, caller: str, tries: list[tuple[bytes, int]], outcome: Outcome
    ) -> None:
        """Make calls; trace those that go through."""
        sender = self._actors[caller]
        requests = [
            {
                "from": sender,
                "to": target.address,
                "data": "0x" + data.hex(),
                "value": hex(value),
                "gas": hex(GAS),
            }
            for data, value in tries
        ]
        answers = self._rpc.batch(
            [("eth_call", [request, "latest"]) for request in requests], return_errors=True
        )
        passing = []
        for request, answer in zip(requests, answers, strict=True):
            outcome.calls += 1
            if isinstance(answer, RpcError):
                refusal = as_revert(answer)
                outcome.reasons.add((refusal.reason if refusal else answer.message) or "")
            else:
                outcome.passed += 1
                passing.append(request)
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
        traces = [("debug_traceCall", [request, "latest", options]) for request in passing]
        calls = []
        for request, diff in zip(passing, self._rpc.batch(traces), strict=True):
            outcome.changes |= set(self._ether(diff, target, caller))
            data = request["data"]
            given = [int(data[at : at + 64], 16) for at in range(10, len(data) - 63, 64)]
            calls.append((given, _writes(diff)))
        set_by_caller = _following(calls)
        for given, writes in calls:
            outcome.changes |= set(self._changes(writes, target, caller, given, set_by_caller))

    def _ether(self, diff: Mapping[str, Any], target: Target, caller: str) -> Iterator[Change]:
        """Name the contracts that ether left; calls cost no gas here, so that balances tell."""

        def gain(address: str) -> int:
            before = diff["pre"].get(address.lower(), {}).get("balance", "0x0")
            after = diff["post"].get(address.lower(), {}).get("balance", before)
            return int(after, 16) - int(before, 16)

        taken = gain(self._actors[caller]) > 0 or gain(MARKED) > 0
        for other in self._targets:
            if gain(other.address) < 0:
                prefix = "" if other is target else f"{other.name}."
                yield Change(prefix + ETHER, chosen=taken, entry=prefix + ETHER)

    def _changes(
        self,
        writes: Writes,
        target: Target,
        caller: str,
        given: Sequence[int],
        followed: Collection[Spot],
    ) -> Iterator[Change]:
        """Name the words that a call changed, in any of the contracts."""
        sender = self._actors[caller]
        words_given = list(dict.fromkeys([int(sender, 16), int(target.address, 16), 0, *given]))
        del words_given[_WORDS:]
        for (address, at), (old, new) in writes.items():
            named = self._names.get(address)
            if named is None:
                continue
            other = next(item for item in self._targets if item.address.lower() == address)
            prefix = "" if other is target else f"{other.name}."
            # in another contract the caller is the contract that was called
            owners = {caller} if other is target else {caller, target.name}
            if at not in named:
                named[at] = self._search(other, at, words_given)
            deployer, word = self._actors["deployer"], named[at]
            ousted = _holds(old, deployer) and not _holds(new, deployer)
            free = ousted or not (word.keys or word.listed)
            roles = [self._labels.get(key, ANY) for key in word.keys]
            whose = next((i for i, role in enumerate(roles) if role in owners), None)
            brackets = "".join(f"[{role if i == whose else ANY}]" for i, role in enumerate(roles))
            yield Change(
                prefix + word.name,
                not owners.isdisjoint(roles),
                (_is_marked(new) and not _is_marked(old)) or (address, at) in followed,
                ousted,
                free and _holds(new, sender) and not _holds(old, sender),
                prefix + word.variable + brackets,
            )

    def _named(self, target: Target) -> dict[int, Named]:
        """Return the name of every slot that is known beforehand."""
        found: dict[int, Named] = {}
        for place in target.places:
            pools = [self._keys(kind) for kind in _key_kinds(place.type)]
            while prod(len(pool) for pool in pools) > _ENTRIES:
                longest = max(pools, key=len)
                del longest[len(longest) // 2 :]
            for slot, named in self._slots(place.slot, place.name, place.type, (), pools):
                found.setdefault(slot, named)
        return found

    def _search(self, target: Target, slot: int, words: Sequence[int]) -> Named:
        """Name a slot by the words of the call that changed it, tried as keys of every mapping."""
        for place in target.places:
            pools = [list(words) for _ in _key_kinds(place.type)]
            if pools:
                for inner, named in self._slots(place.slot, place.name, place.type, (), pools):
                    if inner == slot:
                        return named
        return Named(UNNAMED)

    def _slots(
        self, slot: int, name: str, kind: Any, keys: tuple[int, ...], pools: Sequence[list[int]]
    ) -> Iterator[tuple[int, Named]]:
        if not pools:
            for offset in range(min(kind.storage_size_in_words, 256)):
                listed = type(kind).__name__ in ("DArrayT", "SArrayT")
                yield slot + offset, Named(name, keys, listed)
            return
        for key in pools[0]:
            inner = int.from_bytes(keccak(slot.to_bytes(32) + (key % 2**256).to_bytes(32)), "big")
            told = f"{name}[{self._labels.get(key, ANY)}]"
            yield from self._slots(inner, told, kind.value_type, (*keys, key), pools[1:])

    def _keys(self, kind: str) -> list[int]:
        """Return the keys of a type that the sweep gives, or that contracts use of themselves."""
        if kind.startswith(("uint", "int")):
            return list(dict.fromkeys([*self._owned, MARK, *range(33), 10**18, 2**256 - 1]))
        if kind == "bytes32":
            return [MARK, 0, 1 << 248]
        if kind == "bool":
            return [0, 1]
        if kind.startswith(("String[", "Bytes[")):
            return []  # of a text the hash is the key: too many to try
        return [int(address, 16) for address in self._addresses]


def _key_kinds(kind: Any) -> list[str]:
    """Return the types of the keys that lead to an entry of a mapping; none for all else."""
    found = []
    while type(kind).__name__ == "HashMapT":
        found.append(str(kind.key_type))
        kind = kind.value_type
    return found


def writing(abi: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the functions of an ABI that may change state, the default one too."""
    kinds = ("function", "fallback", "receive")
    return [
        entry
        for entry in abi
        if entry["type"] in kinds and entry.get("stateMutability") not in ("view", "pure")
    ]


def label(entry: Mapping[str, Any]) -> str:
    """Return what a function is called in the table: its name, with types where it has defaults."""
    return str(entry["name"]) if entry["type"] == "function" else "__default__"


def warm(rpc: Rpc, sweep: Sweep, targets: Sequence[Target], actors: Mapping[str, str]) -> int:
    """Let the deployer and a user make, for each function, the first call that goes through.

    Return how many did: the state that follows is one in which things have happened.
    """
    done = 0
    for target in targets:
        for entry in writing(target.abi):
            for who in ("deployer", "user"):
                for data, value in sweep.tries(target, entry):
                    try:
                        rpc.eth_call(target.address, data, sender=actors[who], value=value, gas=GAS)
                    except (Reverted, RpcError):
                        continue
                    request = {
                        "from": actors[who],
                        "to": target.address,
                        "data": "0x" + data.hex(),
                        "value": hex(value),
                        "gas": hex(GAS),
                    }
                    rpc.wait_for_receipt(str(rpc.call("eth_sendTransaction", request)))
                    done += 1
                    break
    return done


def encode_constructor(abi: Iterable[Mapping[str, Any]], args: Sequence[Any]) -> bytes:
    """Return the encoded arguments of a constructor; raises ValueError where they do not fit."""
    entry = {**constructor(abi), "name": "constructor"}
    return Function.of(entry).inputs.encode(args)


def constructor(abi: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the constructor's entry of an ABI, or one without arguments."""
    none: Mapping[str, Any] = {"inputs": []}
    return next((item for item in abi if item["type"] == "constructor"), none)


def fund(rpc: Rpc, targets: Iterable[Target]) -> None:
    """Give each contract ether, however it may come to some: one that has none has none to lose."""
    for target in targets:
        rpc.call("anvil_setBalance", target.address, hex(FUNDS))


def _writes(diff: Mapping[str, Any]) -> Writes:
    """Return the words of storage that a call changed, from the difference of states."""
    found = {}
    for address in diff["pre"].keys() | diff["post"].keys():
        before = diff["pre"].get(address, {}).get("storage", {})
        after = diff["post"].get(address, {}).get("storage", {})
        for slot in before.keys() | after.keys():
            words = int(before.get(slot, "0x0"), 16), int(after.get(slot, "0x0"), 16)
            found[address.lower(), int(slot, 16)] = words
    return found


def _following(calls: Sequence[tuple[Sequence[int], Writes]]) -> set[Spot]:
    """Return the words that are what one argument says, whatever it says, in calls of one state.

    A setter with a bound refuses the marked values. Two arguments that are both found again, in
    place of something else, are no chance; a sum that begins at nothing is no setting.
    """
    found = set()
    for spot in {spot for _, writes in calls for spot in writes}:
        old = next(writes[spot][0] for _, writes in calls if spot in writes)
        every = [(given, writes.get(spot, (old, old))[1]) for given, writes in calls]
        written = [(given, writes[spot][1]) for given, writes in calls if spot in writes]
        if old and any(map(_is_argument, (every, written))):
            found.add(spot)
    return found


def _is_argument(calls: Sequence[tuple[Sequence[int], int]]) -> bool:
    """Tell whether one of the arguments is the word after each call, and not always the same."""
    several = len({word for _, word in calls}) > 1
    width = min(len(given) for given, _ in calls)
    return several and any(all(given[i] == word for given, word in calls) for i in range(width))


def _is_marked(word: int) -> bool:
    """Tell whether a value that the sweep gave stands in a word, packed with others or alone."""
    text = f"{word:064x}"
    return f"{MARK:012x}" in text or MARKED[2:].lower() in text


def _holds(word: int, address: str) -> bool:
    return address[2:].lower() in f"{word:064x}"
