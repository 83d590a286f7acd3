# SPDX-License-Identifier: MIT
"""Each operator changes what it is made for, exactly so, and leaves what is only like it alone."""

from __future__ import annotations

import pytest

from surety.check.mutate.mutants import function_names, mutants_of
from surety.check.mutate.operators import OPERATORS
from surety.check.source import SourceError, code_of

HEAD = """\
# pragma version 0.4.3
from ethereum.ercs import IERC20

event Moved:
    amount: uint256

struct Pair:
    a: uint256
    b: uint256

held: uint256
books: HashMap[address, uint256]
token: IERC20


"""
HELPERS = """

@internal
@pure
def share_down(amount: uint256) -> uint256:
    return amount // 3


@internal
@pure
def share_up(amount: uint256) -> uint256:
    return amount // 3
"""


def external(*body: str, returns: str = "", args: str = "a: uint256, b: uint256") -> str:
    """Write a contract with one function of this body."""
    arrow = f" -> {returns}" if returns else ""
    lines = "\n".join(f"    {line}" for line in body)
    return f"{HEAD}@external\ndef f({args}){arrow}:\n{lines}\n{HELPERS}"


def changes(operator: str, source: str) -> list[tuple[str, str]]:
    """Return what an operator makes of the function `f`, or of what is outside of all."""
    made = mutants_of("T.vy", source, function_names([source]))
    return [
        (each.before, each.after)
        for each in made
        if each.operator == operator and each.function in ("f", "<module>")
    ]


# operator, a line that it changes with what becomes of it, and a body that it must not touch
CASES = [
    ("drop-assert", ['assert a > b, "low"'], ["pass"], ["a2: uint256 = a", "self.held = a2"]),
    (
        "ignore-result",
        ["assert extcall self.token.transfer(msg.sender, a)"],
        ["extcall self.token.transfer(msg.sender, a)"],
        ["assert staticcall self.token.balanceOf(self) > a", "assert a > b"],
    ),
    ("drop-write", ["self.held = a"], ["pass"], ["c: uint256 = a", "c += b"]),
    ("drop-write", ["self.books[msg.sender] += a"], ["pass"], ["c: uint256[1] = [a]", "c[0] = b"]),
    ("drop-assign", ["c: uint256 = a", "c += b"], ["pass"], ["self.held += a", "c: uint256 = a"]),
    (
        "drop-call",
        ["extcall self.token.approve(msg.sender, a)"],
        ["pass"],
        ["self.held = self.share_up(a)", "log Moved(amount=a)"],
    ),
    ("drop-log", ["log Moved(amount=a)"], ["pass"], ["self.held = a"]),
    ("drop-raise", ['raise "never"'], ["pass"], ["assert a > b"]),
    (
        "drop-jump",
        ["for i: uint256 in range(3):", "    break"],
        ["pass"],
        ["for i: uint256 in range(3):", "    self.held += i"],
    ),
    ("compare", ["assert a < b"], ["assert a <= b", "assert a >= b"], ["self.held = a + b"]),
    ("compare", ["assert a <= b"], ["assert a < b", "assert a > b"], []),
    ("compare", ["assert a > b"], ["assert a >= b", "assert a <= b"], []),
    ("compare", ["assert (a) >= (b)"], ["assert (a) > (b)", "assert (a) < (b)"], []),
    ("compare", ["assert a == b"], ["assert a != b"], []),
    ("compare", ["assert a != b"], ["assert a == b"], []),
    ("compare", ["assert a in [b, 3]"], ["assert a not in [b, 3]"], []),
    ("compare", ["assert a not in [b, 3]"], ["assert a in [b, 3]"], []),
    ("arithmetic", ["self.held = a + b"], ["self.held = a - b"], ["assert a > b"]),
    ("arithmetic", ["self.held -= b"], ["self.held += b"], ["self.held = b"]),
    ("arithmetic", ["self.held = (a) // (b)"], ["self.held = (a) * (b)"], []),
    ("arithmetic", ["self.held = a % b"], ["self.held = a // b"], []),
    ("arithmetic", ["self.held = a << b"], ["self.held = a >> b"], []),
    ("arithmetic", ["self.held = a & b"], ["self.held = a | b"], []),
    ("arithmetic", ["self.held ^= a"], ["self.held |= a"], []),
    ("arithmetic", ["self.held = 10 ** a"], ["self.held = 10 * a"], []),
    ("arithmetic", ["self.held = unsafe_add(a, b)"], ["self.held = unsafe_sub(a, b)"], []),
    (
        "and-or",
        ["assert a > 1 and b > 1 and a > b"],
        ["assert a > 1 or b > 1 and a > b", "assert a > 1 and b > 1 or a > b"],
        ["assert a > b"],
    ),
    (
        "drop-operand",
        ["assert a > 1 or b > 1 or a > b"],
        ["assert b > 1 or a > b", "assert a > 1 or a > b", "assert a > 1 or b > 1"],
        ["assert a > b"],
    ),
    (
        "drop-operand",
        ["if (a > 1 and b > 1) or (a > 5 or (a > b)):", "    self.held = 0"],
        [
            "if (a > 5 or (a > b)):",
            "if (b > 1) or (a > 5 or (a > b)):",
            "if (a > 1) or (a > 5 or (a > b)):",
            "if (a > 1 and b > 1):",
            "if (a > 1 and b > 1) or ((a > b)):",
            "if (a > 1 and b > 1) or (a > 5):",
        ],
        [],
    ),
    ("drop-not", ["assert not a > b"], ["assert a > b"], ["assert a != b"]),
    ("drop-not", ["self.held = ~a"], ["self.held = a"], ["x: int256 = -convert(a, int256)"]),
    (
        "negate",
        ["if msg.sender.is_contract:", "    self.held = 0"],
        ["if not msg.sender.is_contract:"],
        ["if a > b:", "    self.held = 0"],
    ),
    ("constant", ["self.held = 5"], ["self.held = 6", "self.held = 4"], ["self.held = a"]),
    ("constant", ["self.held = 0"], ["self.held = 1"], ["c: Bytes[32] = b''"]),
    ("constant", ["self.held = 2**100"], ["self.held = 2**101", "self.held = 2**99"], []),
    (
        "constant",
        ["self.held = 1_000"],
        ["self.held = 1001", "self.held = 999"],
        ["c: uint256[4] = empty(uint256[4])"],
    ),
    ("constant", ["self.held = 18446744073709551617"], ["self.held = 18446744073709551618"], []),
    (
        "constant",
        ["for i: uint256 in range(a, bound=8):", "    self.held += i"],
        ["for i: uint256 in range(a, bound=7):"],
        ["self.books[0x0000000000000000000000000000000000000001] = a"],
    ),
    ("flip-bool", ["c: bool = True"], ["c: bool = False"], ["c: bool = a > b"]),
    ("caller", ["self.books[msg.sender] = a"], ["self.books[self] = a"], ["self.held = msg.gas"]),
    (
        "rounding",
        ["self.held = self.share_down(a)"],
        ["self.held = self.share_up(a)"],
        ["self.held = min(a, b)"],
    ),
    ("min-max", ["self.held = min(a, b)"], ["self.held = max(a, b)"], ["self.held = a + b"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "body", "becomes", "_clean"), CASES, ids=lambda each: str(each)[:40]
)
def test_operator__changes_what_it_is_for(operator, body, becomes, _clean):
    found = changes(operator, external(*body))
    assert [after for _, after in found] == becomes
    assert {before for before, _ in found} <= {line.strip() for line in body}


@pytest.mark.parametrize(
    ("operator", "clean"), [(each[0], each[3]) for each in CASES if each[3]], ids=str
)
def test_operator__leaves_alone_what_is_only_like_it(operator, clean):
    assert changes(operator, external(*clean)) == []


def test_operators__are_all_tried_here():
    assert {each[0] for each in CASES} | {"empty-return", "drop-lock"} == set(OPERATORS)
    assert {each[0] for each in CASES if each[3]} | {"empty-return", "drop-lock"} == set(OPERATORS)


def test_empty_return__needs_one_type_and_a_value():
    one = external("return a", returns="uint256")
    assert changes("empty-return", one) == [("return a", "return 0")]
    other = external("return msg.sender", returns="address")
    assert changes("empty-return", other) == [("return msg.sender", "return empty(address)")]
    for body, returns in (("return 0", "uint256"), ("return a, b", "(uint256, uint256)")):
        assert changes("empty-return", external(body, returns=returns)) == []
    assert changes("empty-return", external("return", returns="")) == []


def test_drop_lock__takes_pragmas_and_decorators():
    on = "# pragma nonreentrancy on\n" + external("self.held = a")
    assert changes("drop-lock", on) == [("# pragma nonreentrancy on", "#")]
    marked = external("self.held = a").replace("@external", "@external\n@nonreentrant")
    assert changes("drop-lock", marked) == [("@nonreentrant", "#")]
    off = "# pragma nonreentrancy off\n# the pragma nonreentrancy on\n" + external("self.held = a")
    assert changes("drop-lock", off) == []


def test_write_to_a_module__is_a_write_to_storage():
    source = external("ledger.total = a").replace(
        "from ethereum.ercs import IERC20\n",
        "from ethereum.ercs import IERC20\nfrom . import ledger\n",
    )
    assert changes("drop-write", source) == [("ledger.total = a", "pass")]
    assert changes("drop-assign", source) == []


def test_types_and_shapes_are_left_alone():
    """Numbers in types are no constants of the contract; neither are names of modules."""
    source = (
        "from ethereum.ercs import IERC20\n"
        "MOST: constant(uint256) = 8\n"
        "struct S:\n    rows: uint256[4]\n"
        "event E:\n    data: Bytes[32]\n"
        "interface I:\n    def f(x: Bytes[64]) -> uint256: view\n"
        "kept: uint256[16]\n"
        "@external\ndef f(a: DynArray[uint256, 5]) -> Bytes[7]:\n"
        "    c: uint256[2] = empty(uint256[2])\n"
        '    return b""\n'
    )
    made = mutants_of("T.vy", source)
    assert {each.before for each in made if each.operator == "constant"} == {
        "MOST: constant(uint256) = 8"
    }


def test_what_is_found_on_lines_with_external_calls_is_cut_right():
    """Vyper 0.4.3 ends nodes too early on such lines."""
    line = (
        "assert a < b and (staticcall self.token.balanceOf(self) >> 3) + self.share_up(a) > 0, 'x'"
    )
    found = changes("arithmetic", external(line))
    assert [after for _, after in found] == [
        line.replace(">> 3", "<< 3"),
        line.replace(") + self", ") - self"),
    ]
    assert changes("drop-operand", external(line)) == [
        (line, line.replace("a < b and ", "")),
        (line, "assert a < b, 'x'"),
    ]


def test_what_is_not_ascii_moves_nothing():
    body = ("# für £ 5: über alles", "assert a > b  # größer")
    found = changes("compare", external(*body))
    assert [after for _, after in found] == [
        "assert a >= b # größer",
        "assert a <= b # größer",
    ]


def test_most_mutants_compile(tmp_path):
    """What the operators offer is code: a mutator that breaks the syntax would seem to kill."""
    source = external(
        'assert a < b and not b == 7, "order"',
        "c: uint256 = max(a, self.share_up(b)) + 3",
        "c -= 1",
        "self.books[msg.sender] += c",
        "log Moved(amount=c)",
        "assert extcall self.token.transfer(msg.sender, c, default_return_value=True)",
        "return c",
        returns="uint256",
    )
    made = mutants_of("T.vy", source, function_names([source]))
    place = tmp_path / "T.vy"
    place.write_text(source)
    plain = code_of(place)
    broken, same = [], []
    for each in made:
        place.write_text(each.apply(source))
        try:
            if code_of(place) == plain:
                same.append(each)
        except SourceError as error:
            broken.append((each, error))
    assert len(made) >= 30
    assert broken == []
    # both helpers are the same here, and one of them is never called
    assert {each.operator for each in same if each.function == "f"} == {"rounding"}
    assert {each.function for each in same} == {"f", "share_down"}


def test_keys__outlive_edits_elsewhere():
    source = external("self.held = a + b", "self.held = a + b")
    keys = [each.key for each in mutants_of("T.vy", source)]
    moved = mutants_of("T.vy", "# a comment\n" + source)
    assert [each.key for each in moved] == keys
    assert len(set(keys)) == len(keys)
    assert [each.line for each in moved] == [each.line + 1 for each in mutants_of("T.vy", source)]


def test_diff__shows_the_fault_alone():
    source = external("self.held = a", "self.held = b")
    (first, _) = [each for each in mutants_of("T.vy", source) if each.operator == "drop-write"]
    lines = first.diff(source).splitlines()
    assert lines[:2] == ["--- a/T.vy", "+++ b/T.vy"]
    assert [line for line in lines[2:] if line[:1] in "+-"] == ["-    self.held = a", "+    pass"]
