# SPDX-License-Identifier: MIT
"""Call data that no compiler would write, made from good call data by its ABI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from surety.compile import artifact

Item = Mapping[str, Any]
FAR = (2**32, 2**64, 2**255)  # offsets behind every end of call data


def entry_of(contract: str, function: str, count: int) -> Item:
    """Return the ABI's entry of a function with so many arguments."""
    found = [
        entry
        for entry in artifact(contract).abi
        if entry["type"] == "function"
        and entry["name"] == function
        and len(entry["inputs"]) == count
    ]
    assert len(found) == 1, f"{len(found)} functions {contract}.{function} of {count} arguments"
    return found[0]


def words_of(item: Item) -> int | None:
    """Return how many words a value takes in place, None when its place holds an offset."""
    kind = item["type"]
    if kind.endswith("]"):
        base, count = kind[:-1].rsplit("[", 1)
        each = words_of({**item, "type": base})
        return each * int(count) if count and each else None
    if kind in ("bytes", "string"):
        return None
    if kind == "tuple":
        sizes = [words_of(part) for part in item["components"]]
        return None if None in sizes else sum(size for size in sizes if size)
    return 1


def leaves(item: Item, at: int) -> Iterator[tuple[str, int]]:
    """Yield the type and place of every single word of a value that begins at `at`."""
    kind = item["type"]
    if kind.endswith("]"):
        base, count = kind[:-1].rsplit("[", 1)
        part = {**item, "type": base}
        for number in range(int(count)):
            yield from leaves(part, at + 32 * number * (words_of(part) or 0))
    elif kind == "tuple":
        for part in item["components"]:
            yield from leaves(part, at)
            at += 32 * (words_of(part) or 0)
    else:
        yield kind, at


def dirty(kind: str, word: bytes) -> bytes | None:
    """Return a word with the lowest bit set that its type has no room for, None if it has all."""
    number = int.from_bytes(word)
    if kind == "address":
        return (number | 1 << 160).to_bytes(32)
    if kind == "bool":
        return (2).to_bytes(32)
    if kind.startswith("uint") and kind != "uint256":
        return (number | 1 << int(kind[4:])).to_bytes(32)
    if kind.startswith("bytes") and kind != "bytes32":
        return (number | 1 << 255 - 8 * int(kind[5:])).to_bytes(32)
    assert kind in ("uint256", "int256", "bytes32"), f"nothing is known of {kind}"
    return None


def put(data: bytes, at: int, number: int | bytes) -> bytes:
    """Return the data with another word at `at`."""
    word = number if isinstance(number, bytes) else number.to_bytes(32)
    return data[:at] + word + data[at + 32 :]


def heads(inputs: Sequence[Item]) -> Iterator[tuple[Item, int]]:
    """Yield every argument with the place where its head begins."""
    at = 4
    for item in inputs:
        yield item, at
        at += 32 * (words_of(item) or 1)


def head_end(inputs: Sequence[Item]) -> int:
    """Return where the head of the arguments ends."""
    return 4 + sum(32 * (words_of(item) or 1) for item in inputs)


def unreadable(inputs: Sequence[Item], data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a contract must refuse before it looks at any value, by name."""
    for cut in (3, 4, head_end(inputs) - 32, head_end(inputs) - 1):
        if (cut == 3 or cut >= 4) and cut < head_end(inputs):
            yield f"cut to {cut} bytes", data[:cut]
    yield "an unknown selector", bytes(byte ^ 255 for byte in data[:4]) + data[4:]
    for item, at in heads(inputs):
        name = item["name"]
        if words_of(item):
            yield from _dirty_leaves(name, item, at, data)
            continue
        # with the four bytes of the selector the place leaves 256 bits
        yield f"{name}: an offset that wraps", put(data, at, 2**256 - 4)
        tail = 4 + int.from_bytes(data[at : at + 32])
        for length in (10**6, 2**32, 2**255, 2**256 - 1):
            yield f"{name}: {length} items", put(data, tail, length)
        if item["type"].endswith("[]") and int.from_bytes(data[tail : tail + 32]):
            part = {**item, "type": item["type"][:-2]}
            if words_of(part):
                yield from _dirty_leaves(f"{name}[0]", part, tail + 32, data)


def _dirty_leaves(name: str, item: Item, at: int, data: bytes) -> Iterator[tuple[str, bytes]]:
    for kind, place in leaves(item, at):
        word = dirty(kind, data[place : place + 32])
        if word is not None:
            yield f"{name}: a dirty {kind} at {place}", put(data, place, word)


def lists_behind_the_end(inputs: Sequence[Item], data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield, with the number of the argument, data in which a list begins where data has ended."""
    for number, (item, at) in enumerate(heads(inputs)):
        if not words_of(item):
            for offset in (len(data) - 4, len(data) + 27, *FAR):
                yield number, f"{item['name']} at {offset}", put(data, at, offset)


def longer(inputs: Sequence[Item], data: bytes, number: int, length: int) -> bytes:
    """Return data in which one list or string stands behind all the rest, zeros of this length."""
    place = [at for _, at in heads(inputs)][number]
    end = len(data) + -(len(data) - 4) % 32
    padded = put(data.ljust(end, b"\x00"), place, end - 4)
    item = inputs[number]
    part = words_of({**item, "type": item["type"][:-2]}) if item["type"].endswith("[]") else None
    size = length * 32 * part if part else -(-length // 32) * 32
    return padded + length.to_bytes(32) + bytes(size)
