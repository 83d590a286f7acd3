# SPDX-License-Identifier: MIT
"""The loader: exact uint256 semantics for what it knows, a refusal with file and line for the
rest.
"""

from __future__ import annotations

import itertools
import math
import os
import pickle
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surety.formulas import MAX_UINT256, Formulas, Revert, UnknownSyntax, load, margin_math_path
from surety.harness import HarnessError, compile_harness, decode_revert, harness_source

HEAD = "# pragma version 0.4.3\n"
PURE = "@internal\n@pure\n"

# every construct that the loader knows, each where the EVM can be asked about it as well
ZOO = (
    HEAD
    + '''
"""
@title Zoo
"""
TEN: constant(uint256) = 10
BIG: constant(uint256) = 2**255 + (TEN - 1) * 7 // 2 % 100
LAST: constant(uint256) = max_value(uint256)

@internal
@pure
def add(a: uint256, b: uint256) -> uint256:
    return a + b

@internal
@pure
def sub(a: uint256, b: uint256) -> uint256:
    return a - b

@internal
@pure
def mul(a: uint256, b: uint256) -> uint256:
    return a * b

@internal
@pure
def div(a: uint256, b: uint256) -> uint256:
    return a // b

@internal
@pure
def mod(a: uint256, b: uint256) -> uint256:
    return a % b

@internal
@pure
def power_of(a: uint256) -> uint256:
    return TEN**a

@internal
@pure
def two_to(a: uint256) -> uint256:
    return 2**a

@internal
@pure
def cubed(a: uint256) -> uint256:
    return a**3

@internal
@pure
def left(a: uint256, b: uint256) -> uint256:
    return a << b

@internal
@pure
def right(a: uint256, b: uint256) -> uint256:
    return a >> b

@internal
@pure
def bits(a: uint256, b: uint256) -> uint256:
    return ((a & b) | (a ^ b)) ^ ~a

@internal
@pure
def unsafe(a: uint256, b: uint256) -> (uint256, uint256, uint256, uint256):
    return unsafe_add(a, b), unsafe_sub(a, b), unsafe_mul(a, b), unsafe_div(a, b)

@internal
@pure
def smaller_larger_root(a: uint256, b: uint256) -> (uint256, uint256, uint256):
    return min(a, b), max(a, b), isqrt(a)

@internal
@pure
def compared(a: uint256, b: uint256) -> uint256:
    found: uint256 = 0
    if a < b:
        found += 1
    if a <= b:
        found += 2
    if a > b:
        found += 4
    if a >= b:
        found += 8
    if a == b:
        found += 16
    if a != b:
        found += 32
    if (a < b) == (b > 5):
        found += 64
    if not a < b and (a == 0 or b == 0) or True == False:
        found += 128
    return found

@internal
@pure
def lazy_and(a: uint256, b: uint256) -> uint256:
    if b != 0 and a // b > 1:
        return 1
    return 0

@internal
@pure
def lazy_or(a: uint256, b: uint256) -> uint256:
    return 1 if b == 0 or a // b > 1 or a - b == 1 else 2

@internal
@pure
def lazy_choice(a: uint256, b: uint256) -> uint256:
    return a - b if a > b else (b // a if a != 0 else LAST)

@internal
@pure
def branches(a: uint256, b: uint256) -> uint256:
    if a == 0:
        return BIG
    elif a == 1:
        inside: uint256 = b + 1
        return inside
    elif a == 2:
        pass
    else:
        inside: uint256 = b * 2
        b = inside
    return b

@internal
@pure
def looped(a: uint256, b: uint256) -> uint256:
    total: uint256 = 0
    for i: uint256 in range(TEN):
        if i == a:
            continue
        if i > b:
            break
        total += i * 3
        for j: uint256 in range(3):
            if j == 1:
                continue
            total *= 2
    total -= 1
    total //= 2
    total %= 1000
    return total

@internal
@pure
def pair(a: uint256, b: uint256) -> (uint256, uint256):
    return b, a - b

@internal
@pure
def unpacked(a: uint256, b: uint256) -> (uint256, uint256):
    x: uint256 = 0
    y: uint256 = 0
    x, y = self.pair(a, b)
    y, x = self.pair(x + 1, y)
    assert x != 7
    assert y < 1000, "y is \\"large\\" \\\\ really"
    return self.pair(y, x)

@internal
@pure
def later(a: uint256, b: uint256) -> uint256:
    return self.last(a) + self.add(a, b)

@internal
@pure
def last(a: uint256) -> uint256:
    return 7 if a > 3 else 9
'''
)


def write(folder: Path, text: str) -> Path:
    """Write a module and return its path."""
    path = folder / "module.vy"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Formulas:
    return load(write(tmp_path_factory.mktemp("zoo"), ZOO))


def both(function: Callable[..., Any], *args: int) -> Any:
    """Return the value, or the reason of the revert."""
    try:
        return function(*args)
    except Revert as revert:
        return f"revert: {revert.reason}"


M = MAX_UINT256


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("add", (M - 1, 1), M),
        ("add", (M, 1), "revert: "),
        ("sub", (5, 5), 0),
        ("sub", (5, 6), "revert: "),
        ("mul", (2**128, 2**127), 2**255),
        ("mul", (2**128, 2**128), "revert: "),
        ("mul", (M, 1), M),
        ("div", (7, 2), 3),
        ("div", (7, 0), "revert: "),
        ("mod", (7, 4), 3),
        ("mod", (7, 0), "revert: "),
        ("power_of", (77,), 10**77),
        ("power_of", (78,), "revert: "),
        ("power_of", (M,), "revert: "),
        ("power_of", (0,), 1),
        ("two_to", (255,), 2**255),
        ("two_to", (256,), "revert: "),
        ("cubed", (48740834812604276470692694,), 48740834812604276470692694**3),
        ("cubed", (48740834812604276470692695,), "revert: "),
        ("left", (3, 255), 2**255),
        ("left", (3, 256), 0),
        ("left", (3, M), 0),
        ("right", (M, 255), 1),
        ("right", (M, 256), 0),
        ("right", (M, M), 0),
        ("unsafe", (0, 1), (1, M, 0, 0)),
        ("unsafe", (M, 0), (M, M, 0, 0)),
        ("smaller_larger_root", (99, 100), (99, 100, 9)),
        ("smaller_larger_root", (M, 0), (0, M, 2**128 - 1)),
        ("lazy_and", (5, 0), 0),
        ("lazy_and", (5, 2), 1),
        ("lazy_or", (5, 0), 1),
        ("lazy_or", (4, 3), 1),
        ("lazy_or", (1, 2), "revert: "),
        ("lazy_choice", (0, 1), M),
        ("branches", (0, 0), 2**255 + 9 * 7 // 2 % 100),
        ("branches", (1, M), "revert: "),
        ("branches", (2, 5), 5),
        ("branches", (3, 5), 10),
        ("looped", (0, 0), "revert: "),
        ("unpacked", (10, 3), "revert: "),
        ("unpacked", (2100, 1100), 'revert: y is "large" \\ really'),
        ("unpacked", (10, 8), "revert: "),
        ("later", (4, 1), 12),
    ],
)
def test_semantics_are_those_of_uint256(
    zoo: Formulas, name: str, args: tuple[int, ...], expected: object
) -> None:
    assert both(getattr(zoo, name), *args) == expected


def test_every_known_construct_agrees_with_the_evm(
    zoo: Formulas, evm_of: Any, tmp_path: Path
) -> None:
    ask = evm_of(compile_harness(zoo, tmp_path))
    pick = random.Random(7)
    small = [*range(12), 255, 256, 257, 998, 999, 1000, 1001]
    huge = [2**127, 2**128 - 1, 2**128, 2**255, M - 1, M, 48740834812604276470692695, 10**77]
    reverts = values = 0
    for name, signature in zoo.functions.items():
        for _ in range(300):
            args = [pick.choice(pick.choice((small, small, huge))) for _ in signature.args]
            python, evm = both(getattr(zoo, name), *args), ask(name, args)
            if isinstance(evm, Revert):
                evm = f"revert: {evm.reason}"
            assert python == evm, (name, args)
            reverts += isinstance(python, str)
            values += not isinstance(python, str)
    assert reverts > 300
    assert values > 3000


BODY = HEAD + PURE + "def f(a: uint256) -> uint256:\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        # modules
        (HEAD + "total: uint256", 2, "state variable total"),
        (HEAD + "total: public(uint256)", 2, "state variable total"),
        (HEAD + "T: immutable(uint256)", 2, "state variable T"),
        (HEAD + "T: transient(uint256)", 2, "state variable T"),
        (HEAD + "T: constant(int256) = 5", 2, "type int256: only uint256 is known"),
        (HEAD + "T: constant(uint256) = -5", 2, "-5 is outside uint256"),
        (HEAD + "T: constant(uint256) = 2**256", 2, "is outside uint256"),
        (HEAD + "T: constant(uint256) = 1 // 0", 2, "is outside uint256"),
        (HEAD + "T: constant(uint256) = 3 - 4", 2, "is outside uint256"),
        (HEAD + "T: constant(uint256) = U", 2, "unknown name U"),
        (HEAD + "T: constant(uint256) = min(1, 2)", 2, "T is not a constant uint256 expression"),
        (HEAD + "T: constant(bool) = True", 2, "type bool"),
        (HEAD + "T: constant(uint256) = True", 2, "T is not a constant uint256 expression"),
        (HEAD + "T: constant(uint256) = 1\nT: constant(uint256) = 2", 3, "T shadows another name"),
        (HEAD + "min: constant(uint256) = 1", 2, "min shadows another name"),
        (HEAD + "__max: constant(uint256) = 1", 2, "__max begins with two underscores"),
        (HEAD + "struct S:\n    a: uint256", 2, "StructDef at module level"),
        (HEAD + "event E:\n    a: uint256", 2, "EventDef at module level"),
        (HEAD + "flag F:\n    A\n    B", 2, "FlagDef at module level"),
        (HEAD + "interface I:\n    def f(): view", 2, "InterfaceDef at module level"),
        (HEAD + "from ethereum.ercs import IERC20", 2, "ImportFrom at module level"),
        (HEAD + "import math as math", 2, "Import at module level"),
        (HEAD + "initializes: m", 2, "InitializesDecl at module level"),
        ("# pragma version 0.3.0\n", 1, "Vyper: "),
        (HEAD + "a b c", 2, "Vyper: "),
        # functions
        (HEAD + "@external\n@pure\ndef f() -> uint256:\n    return 1", 4, "not exactly @internal"),
        (HEAD + "@internal\n@view\ndef f() -> uint256:\n    return 1", 4, "not exactly @internal"),
        (HEAD + "@internal\ndef f() -> uint256:\n    return 1", 3, "not exactly @internal"),
        (HEAD + "@pure\ndef f() -> uint256:\n    return 1", 3, "not exactly @internal"),
        (
            HEAD + "@internal\n@pure\n@nonreentrant\ndef f() -> uint256:\n    return 1",
            5,
            "not exactly @internal",
        ),
        (HEAD + "@deploy\ndef __init__():\n    pass", 3, "not exactly @internal"),
        (HEAD + PURE + "def f(a: int256) -> uint256:\n    return 1", 4, "type int256"),
        (HEAD + PURE + "def f(a: bool) -> uint256:\n    return 1", 4, "type bool"),
        (HEAD + PURE + "def f(a: uint256[2]) -> uint256:\n    return 1", 4, "type Subscript"),
        (HEAD + PURE + "def f(a: uint256 = 3) -> uint256:\n    return a", 4, "default arguments"),
        (HEAD + PURE + "def f(a: uint256):\n    pass", 4, "f returns nothing"),
        (HEAD + PURE + "def f() -> bool:\n    return True", 4, "type bool"),
        (HEAD + PURE + "def f() -> (uint256, bool):\n    return 1, True", 4, "type bool"),
        (HEAD + PURE + "def min() -> uint256:\n    return 1", 4, "min shadows another name"),
        (HEAD + PURE + "def source() -> uint256:\n    return 1", 4, "source is a reserved name"),
        (HEAD + PURE + "def __f() -> uint256:\n    return 1", 4, "two underscores"),
        (
            HEAD
            + "T: constant(uint256) = 1\n"
            + PURE
            + "def f(T: uint256) -> uint256:\n    return T",
            5,
            "T shadows another name",
        ),
        (HEAD + PURE + "def f() -> uint256:\n    return self.f()", 4, "f calls itself"),
        (
            HEAD
            + PURE
            + "def f() -> uint256:\n    return self.g()\n"
            + PURE
            + "def g() -> uint256:\n    return self.f()",
            4,
            "f calls itself",
        ),
        # statements
        (BODY + "    if a == 1:\n        return a", 4, "f can end without a return"),
        (BODY + "    for i: uint256 in range(2):\n        return a", 4, "without a return"),
        (BODY + "    return a\n    return a", 6, "cannot be reached"),
        (BODY + "    b: bool = a == 1\n    return a", 5, "type bool"),
        (BODY + "    b: uint256 = a == 1\n    return a", 5, "bool where a uint256 must stand"),
        (BODY + "    a: uint256 = 1\n    return a", 5, "a shadows another name"),
        (BODY + "    f: uint256 = 1\n    return a", 5, "f shadows another name"),
        (BODY + "    if a == 1:\n        b: uint256 = 1\n    return b", 7, "unknown name b"),
        (
            BODY + "    b: uint256 = 1\n    if a == 1:\n        b: uint256 = 2\n    return b",
            7,
            "b sha",
        ),
        (BODY + "    b = 1\n    return a", 5, "b, which is no local variable"),
        (
            BODY + "    for i: uint256 in range(2):\n        i = 3\n    return a",
            6,
            "no local variable",
        ),
        (
            BODY + "    for i: uint256 in range(2):\n        i += 3\n    return a",
            6,
            "no local variable",
        ),
        (
            BODY + "    for i: uint256 in range(a, bound=3):\n        pass\n    return a",
            5,
            "range with",
        ),
        (BODY + "    for i: uint256 in range(1, 3):\n        pass\n    return a", 5, "range with"),
        (BODY + "    for i: uint256 in range(a):\n        pass\n    return a", 5, "range over"),
        (BODY + "    for i: uint256 in range(0):\n        pass\n    return a", 5, "range over"),
        (BODY + "    for i: uint8 in range(3):\n        pass\n    return a", 5, "type uint8"),
        (
            BODY + "    for i: uint256 in [1, 2]:\n        pass\n    return a",
            5,
            "anything but range",
        ),
        (BODY + "    break\n    return a", 5, "break outside a loop"),
        (BODY + '    raise "no"', 5, "statement Raise"),
        (BODY + "    log E(a)\n    return a", 5, "statement Log"),
        (BODY + "    self.f(a)\n    return a", 5, "statement Expr"),
        (BODY + "    assert a\n    return a", 5, "uint256 where a bool must stand"),
        (BODY + "    assert a == 1, UNREACHABLE\n    return a", 5, "reason is no text"),
        (BODY + "    return", 5, "a return without a value"),
        (BODY + "    return 1, 2", 5, "a return of (uint256, uint256) where uint256 is declared"),
        (BODY + "    return a == 1", 5, "a return of bool"),
        (BODY + "    a, a = self.f(a)\n    return a", 5, "the same name twice"),
        (BODY + "    b: uint256 = 1\n    a, b = b, a\n    return a", 6, "anything but a call"),
        (BODY + "    b: uint256 = 1\n    a, b = self.f(a)\n    return a", 6, "into 2 names"),
        (BODY + "    self.total = a\n    return a", 5, "an assignment to Attribute"),
        # expressions
        (BODY + "    return 1 + True", 5, "bool where a uint256 must stand"),
        (BODY + "    return a / 2", 5, "operator Div"),
        (BODY + "    return -a", 5, "expression USub"),
        (BODY + "    return 2**256", 5, "outside uint256"),
        (BODY + f"    return {2**256}", 5, "Vyper: Value exceeds"),
        (BODY + "    return a // 0", 5, "division by the constant zero"),
        (BODY + "    return a ** a", 5, "a power without a constant side"),
        (BODY + "    return 1 ** a", 5, "a power of 1"),
        (BODY + "    return a ** 1", 5, "a power to 1"),
        (BODY + "    return a ** 256", 5, "a power to 256"),
        (BODY + "    return 1.5", 5, "expression Decimal"),
        (BODY + '    return "x"', 5, "expression Str"),
        (BODY + "    return 0x10", 5, "expression Hex"),
        (BODY + "    return msg.value", 5, "expression Attribute"),
        (BODY + "    return block.timestamp", 5, "expression Attribute"),
        (BODY + "    return self.total", 5, "expression Attribute"),
        (BODY + "    return [a, a][0]", 5, "expression Subscript"),
        (BODY + "    return b", 5, "unknown name b"),
        (BODY + "    return 1 if a in [1, 2] else 2", 5, "comparison In"),
        (BODY + "    return 1 if a == True else 2", 5, "a comparison of uint256 == bool"),
        (BODY + "    return 1 if True < False else 2", 5, "a comparison of bool < bool"),
        (BODY + "    return 1 if a else 2", 5, "uint256 where a bool must stand"),
        (BODY + "    return a if a == 1 else a == 2", 5, "a choice between uint256 and bool"),
        (BODY + "    return 1 if a == 1 and a else 2", 5, "uint256 where a bool must stand"),
        (BODY + "    return abs(a)", 5, "a call of abs"),
        (BODY + "    return convert(a, uint256)", 5, "a call of convert"),
        (BODY + "    return self.g(a)", 5, "unknown function g"),
        (BODY + "    return other.g(a)", 5, "a call of Attribute"),
        (BODY + "    return self.f(a, a)", 5, "f takes 1 arguments"),
        (BODY + "    return self.f(a=a)", 5, "a keyword argument"),
        (BODY + "    return min(a)", 5, "min takes 2 arguments"),
        (BODY + "    return max_value(uint8)", 5, "type uint8"),
        (BODY + "    return staticcall I(a).f()", 5, "expression StaticCall"),
    ],
    ids=itertools.count(),
)
def test_load_refuses_what_it_does_not_know(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UnknownSyntax) as caught:
        load(path)
    assert caught.value.where == f"{path}:{line}"
    assert what in caught.value.what
    assert str(caught.value) == f"{path}:{line}: {caught.value.what}"
    assert "\n" not in str(caught.value)


def test_load_refuses_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "module.vy"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UnknownSyntax, match="not UTF-8 text"):
        load(path)


def test_load_reports_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.vy")


def test_formulas_hold_signatures_constants_source_and_digest(formulas: Formulas) -> None:
    signature = formulas.functions["take_amounts"]
    assert signature.args[:3] == ("debt", "target", "balance")
    assert signature.returns == 3
    assert signature.doc.startswith("@notice Size one take")
    lines = margin_math_path().read_text().splitlines()
    assert lines[signature.line - 1].startswith("def take_amounts")
    assert formulas.constants["RAY"] == formulas.RAY == 10**27
    assert "def take_amounts(" in formulas.source
    assert len(formulas.digest) == 64
    names = {line[4:].split("(")[0] for line in lines if line.startswith("def ")}
    assert set(formulas.functions) == names
    assert repr(formulas) == f"<Formulas margin_math.vy: {len(names)} functions>"


def test_formulas_are_frozen(formulas: Formulas) -> None:
    with pytest.raises(AttributeError, match="frozen"):
        formulas.RAY = 1  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del formulas.RAY
    with pytest.raises(TypeError):
        formulas.constants["RAY"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        formulas.no_such_formula  # noqa: B018


def test_formulas_and_errors_pickle(formulas: Formulas) -> None:
    again = pickle.loads(pickle.dumps(formulas))
    assert again.digest == formulas.digest
    assert again.mul_div_up(10, 1, 3) == 4
    assert pickle.loads(pickle.dumps(Revert("dust"))).reason == "dust"
    assert pickle.loads(pickle.dumps(UnknownSyntax("a:1", "b"))).where == "a:1"


@pytest.mark.parametrize("bad", [-1, 2**256, 2**300])
def test_call_refuses_a_value_outside_uint256(formulas: Formulas, bad: int) -> None:
    with pytest.raises(ValueError, match="mul_div_down: b is outside uint256"):
        formulas.mul_div_down(1, bad, 1)


@pytest.mark.parametrize("bad", [1.0, "1", None, True, b"1", math.nan])
def test_call_refuses_what_is_not_an_int(formulas: Formulas, bad: object) -> None:
    with pytest.raises(TypeError, match="mul_div_down: c must be an int, not "):
        formulas.mul_div_down(1, 1, bad)


def test_call_refuses_a_wrong_arity(formulas: Formulas) -> None:
    with pytest.raises(TypeError, match=r"mul_div_down\(\) missing 1 required"):
        formulas.mul_div_down(1, 1)
    with pytest.raises(TypeError, match=r"mul_div_down\(\) takes 3 positional"):
        formulas.mul_div_down(1, 1, 1, 1)
    assert formulas.mul_div_down(c=2, b=3, a=5) == 7


def test_traceback_shows_the_generated_line(formulas: Formulas) -> None:
    try:
        formulas.mul_div_down(1, 1, 0)
    except Revert as revert:
        text = "".join(traceback.format_exception(revert))
    assert "raise __revert('')" in text


def test_import_needs_no_compiler_and_reads_the_module_once() -> None:
    """Importing costs nothing; the first use parses the file, later ones find it done."""
    code = (
        "import sys; import surety.formulas as f; assert 'vyper' not in sys.modules;"
        "reads = []; load = f.load; f.load = lambda path: reads.append(path) or load(path);"
        "first = f.margin_math; assert f.margin_math is first; print(len(reads))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(run.stdout) == 1


def test_calls_are_fast(formulas: Formulas) -> None:
    """A call costs little more than Python's own for the same checked arithmetic."""

    def plain(a: int, b: int, c: int) -> int:
        product = a * b
        if not 0 <= product < 2**256 or c == 0:
            raise OverflowError
        return product // c

    def seconds(function: Callable[[int, int, int], int]) -> float:
        best = math.inf
        for _ in range(7):
            start = time.process_time()
            for _ in range(10_000):
                function(10**20, 10**18, 10**27)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(formulas.mul_div_down) < 4 * seconds(plain)


def test_module_has_no_other_lazy_attribute() -> None:
    import surety.formulas

    with pytest.raises(AttributeError, match="no attribute 'other'"):
        surety.formulas.other  # noqa: B018


# the harness


def test_harness_holds_no_formula(formulas: Formulas) -> None:
    source = harness_source(formulas)
    lines = [line for line in source.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "import margin_math as formulas"
    assert set(lines[1:]) & {"@external", "@pure"} == {"@external", "@pure"}
    for line in lines[1:]:
        assert line.startswith(("@", "def ", "    return formulas."))


def test_harness_is_cached_by_digest_and_survives_damage(
    zoo: Formulas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "no" / "such"))
    first = compile_harness(zoo, tmp_path)
    files = list(tmp_path.glob("*.bin"))
    assert len(files) == 1
    written = files[0].read_bytes()
    files[0].write_bytes(written[:-1])
    assert compile_harness(zoo, tmp_path).runtime == first.runtime
    assert files[0].read_bytes() == written
    monkeypatch.setattr("surety.harness._compile", lambda *_: pytest.fail("compiled again"))
    assert compile_harness(zoo, tmp_path).runtime == first.runtime


@pytest.mark.skipif(os.name != "posix", reason="needs a file in place of a folder")
def test_harness_works_without_a_writable_cache(
    zoo: Formulas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(blocked))
    assert compile_harness(zoo, blocked / "cache").runtime


def test_harness_reports_a_module_that_does_not_compile(tmp_path: Path) -> None:
    path = write(tmp_path, BODY + "    return isqrt(a)")
    loaded = load(path)
    path.write_text(BODY + "    return isqrt(b)")
    with pytest.raises(HarnessError, match="do not compile"):
        compile_harness(loaded, tmp_path / "cache")


def test_harness_refuses_what_no_formula_returns(zoo: Formulas, tmp_path: Path) -> None:
    harness = compile_harness(zoo, tmp_path)
    with pytest.raises(HarnessError, match="returned 0 bytes"):
        harness.decode("add", b"")
    with pytest.raises(ValueError, match="add takes 2 arguments"):
        harness.encode("add", (1,))
    with pytest.raises(ValueError, match="outside uint256"):
        harness.encode("add", (1, 2**256))
    with pytest.raises(HarnessError, match="unknown revert data 0x12345678"):
        decode_revert(bytes.fromhex("12345678"))
