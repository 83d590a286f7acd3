# SPDX-License-Identifier: MIT
"""Load the formulas of a Vyper module into Python functions that compute and revert as the EVM
does.

`contracts/modules/margin_math.vy` is the only place where a formula lives. This loader parses that
very file
with Vyper's own parser and writes it again as plain Python over ints: every sum, difference,
product and power
is checked against 256 bits where Vyper checks it, a division by zero raises, `assert` raises with
its reason.
Syntax that the loader does not know is refused, never guessed.

>>> from surety.formulas import Revert, margin_math
>>> margin_math.mul_div_up(10, 1, 3)
4

Units and rounding are those of the module; see docs/formulas.md for what is accepted.
"""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from surety.paths import contracts

MAX_UINT256 = 2**256 - 1

# what a formula may not be called: these are attributes of `Formulas`
RESERVED = ("constants", "digest", "functions", "path", "source")


class Revert(Exception):
    """Say that the EVM would revert here: `reason` is the assert's text, "" for arithmetic."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSyntax(Exception):
    """Refuse a source at `where` (file:line) because the loader does not know `what` stands
    there.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what

    def __reduce__(self) -> tuple[type[UnknownSyntax], tuple[str, str]]:
        """Pickle by both arguments."""
        return UnknownSyntax, (self.where, self.what)


@dataclass(frozen=True, slots=True)
class Signature:
    """Describe one formula: its argument names, how many values it returns, its docstring and
    line.
    """

    name: str
    args: tuple[str, ...]
    returns: int
    doc: str
    line: int


class Formulas:
    """Hold the formulas of one file as attributes: a Python function each, and the file's
    constants.

    `functions` maps names to signatures, `constants` names to values, `source` is the generated
    Python text, `digest` the sha256 of the Vyper file. Immutable; pickles by its path.
    """

    path: Path
    digest: str
    source: str
    functions: Mapping[str, Signature]
    constants: Mapping[str, int]

    def __init__(
        self,
        path: Path,
        digest: str,
        source: str,
        functions: Mapping[str, Signature],
        constants: Mapping[str, int],
        callables: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.__dict__.update(constants)
        self.__dict__.update(callables)
        self.__dict__.update(path=path, digest=digest, source=source)
        self.__dict__["functions"] = MappingProxyType(dict(functions))
        self.__dict__["constants"] = MappingProxyType(dict(constants))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: formulas are what their file says."""
        raise AttributeError(f"formulas are frozen: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse: formulas are what their file says."""
        raise AttributeError(f"formulas are frozen: cannot delete {name!r}")

    def __repr__(self) -> str:
        """Name the file and the number of formulas."""
        return f"<Formulas {self.path.name}: {len(self.functions)} functions>"

    def __reduce__(self) -> tuple[Callable[[Path], Formulas], tuple[Path]]:
        """Pickle by path: a worker loads the file itself."""
        return load, (self.path,)


def load(path: Path | str) -> Formulas:
    """Load every formula of the Vyper module at `path`.

    Raises OSError when it cannot be read and UnknownSyntax (file:line, what) for anything that is
    not a pure
    internal function over uint256 or a uint256 constant.
    """
    file = Path(path)
    raw = file.read_bytes()
    translation = _Translation(str(path), raw)
    filename = f"<formulas of {path}>"
    source = translation.python()
    namespace: dict[str, Any] = {"__revert": Revert, "__check": _check, "__isqrt": isqrt}
    exec(compile(source, filename, "exec"), namespace)
    # lets a traceback show the generated line
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return Formulas(
        path=file,
        digest=hashlib.sha256(raw).hexdigest(),
        source=source,
        functions=translation.signatures,
        constants=translation.constants,
        callables={name: namespace[name] for name in translation.signatures},
    )


def margin_math_path() -> Path:
    """Return where the packaged margin_math.vy is."""
    return contracts() / "modules" / "margin_math.vy"


def __getattr__(name: str) -> Formulas:
    """Load `margin_math` on first use, so that importing this module stays cheap."""
    if name != "margin_math":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    loaded = load(margin_math_path())
    globals()["margin_math"] = loaded
    return loaded


if TYPE_CHECKING:
    margin_math: Formulas


def _check(function: str, argument: str, value: object) -> None:
    """Raise TypeError or ValueError when `value` is not an int in [0, 2**256)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{function}: {argument} must be an int, not {type(value).__name__}")
    if not 0 <= value <= MAX_UINT256:
        raise ValueError(f"{function}: {argument} is outside uint256: {value:#x}")


# the translation: Vyper nodes in, lines of Python out

_UINT = "uint256"
_BOOL = "bool"
_COMPARISONS = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!="}
_OPERATORS = {
    "Add": "+", "Sub": "-", "Mult": "*", "FloorDiv": "//", "Mod": "%", "Pow": "**",
    "LShift": "<<", "RShift": ">>", "BitAnd": "&", "BitOr": "|", "BitXor": "^",
}  # fmt: skip
_UNSAFE = {"unsafe_add": "+", "unsafe_sub": "-", "unsafe_mul": "*", "unsafe_div": "//"}
_BUILTINS = {"min": 2, "max": 2, "isqrt": 1, "max_value": 1} | dict.fromkeys(_UNSAFE, 2)
_WORDS = {*_BUILTINS, "self", "range", "uint256", "bool", "int", "type"}


@dataclass(frozen=True, slots=True)
class _Value:
    """A translated expression: Python code free of effects, its Vyper type, its value when
    constant.
    """

    code: str
    type: str
    constant: int | None = None


class _Translation:
    """Translate one module. Line numbers are Vyper's; nothing is looked up by guess."""

    def __init__(self, file: str, raw: bytes) -> None:
        self.file = file
        self.constants: dict[str, int] = {}
        self.signatures: dict[str, Signature] = {}
        self.calls: dict[str, set[str]] = {}
        self.bodies: dict[str, list[str]] = {}
        functions = []
        for node in self._parse(raw):
            match type(node).__name__:
                case "VariableDecl":
                    self._constant(node)
                case "FunctionDef":
                    self._signature(node)
                    functions.append(node)
                case other:
                    self.refuse(node, f"{other} at module level")
        for node in functions:
            body = _Body(self, node)
            self.bodies[node.name] = body.lines
            self.calls[node.name] = body.calls
        for node in functions:
            if node.name in self._reachable(node.name):
                self.refuse(node, f"{node.name} calls itself")

    def refuse(self, node: Any, what: str) -> NoReturn:
        """Raise UnknownSyntax at `node`."""
        raise UnknownSyntax(f"{self.file}:{getattr(node, 'lineno', 1)}", what)

    def _parse(self, raw: bytes) -> list[Any]:
        """Return the module's top-level nodes without its docstring."""
        # slow to import, and not needed by anybody who only imports this module
        from vyper.ast import parse_to_ast
        from vyper.exceptions import VyperException

        try:
            return list(parse_to_ast(raw.decode("utf-8")).body)
        except UnicodeDecodeError:
            raise UnknownSyntax(f"{self.file}:1", "not UTF-8 text") from None
        except VyperException as error:
            line = getattr(error, "lineno", None)
            for note in getattr(error, "annotations", None) or ():
                line = line or getattr(note, "lineno", None)
            message = str(error.message).strip().splitlines()[0]
            raise UnknownSyntax(f"{self.file}:{line or 1}", f"Vyper: {message}") from None

    def _constant(self, node: Any) -> None:
        """Record `NAME: constant(uint256) = <constant expression>`."""
        name = node.target.id
        if not node.is_constant:
            self.refuse(node, f"state variable {name}")
        self.uint256(node.annotation)
        self.fresh(node, name)
        folded = _Body(self, None).expression(node.value)
        if folded.constant is None or folded.type != _UINT:
            self.refuse(node, f"{name} is not a constant uint256 expression")
        self.constants[name] = folded.constant

    def _signature(self, node: Any) -> None:
        """Record the shape of an `@internal @pure` function over uint256."""
        decorators = [getattr(entry, "id", type(entry).__name__) for entry in node.decorator_list]
        if sorted(decorators) != ["internal", "pure"]:
            self.refuse(node, f"{node.name} is not exactly @internal and @pure")
        if node.name in RESERVED:
            self.refuse(node, f"{node.name} is a reserved name")
        self.fresh(node, node.name)
        if node.args.defaults:
            self.refuse(node, f"{node.name} has default arguments")
        names: list[str] = []
        for argument in node.args.args:
            self.uint256(argument.annotation)
            self.fresh(argument, argument.arg)
            if argument.arg in names:
                self.refuse(argument, f"{argument.arg} shadows another name")
            names.append(argument.arg)
        if node.returns is None:
            self.refuse(node, f"{node.name} returns nothing")
        returned = (
            node.returns.elements if type(node.returns).__name__ == "Tuple" else [node.returns]
        )
        for entry in returned:
            self.uint256(entry)
        if type(node.returns).__name__ == "Tuple" and len(returned) < 2:
            self.refuse(node, "a tuple of fewer than two values")
        docstring = getattr(node, "doc_string", None)
        doc = docstring.value if docstring is not None else ""
        text = "\n".join(line.strip() for line in doc.strip().splitlines())
        self.signatures[node.name] = Signature(
            node.name, tuple(names), len(returned), text, node.lineno
        )

    def uint256(self, annotation: Any) -> None:
        """Refuse any type but uint256."""
        if type(annotation).__name__ != "Name" or annotation.id != _UINT:
            name = getattr(annotation, "id", type(annotation).__name__)
            self.refuse(annotation, f"type {name}: only uint256 is known")

    def fresh(self, node: Any, name: str) -> None:
        """Refuse a name that is already taken in the module or that the generated code uses."""
        if name in self.constants or name in self.signatures or name in _WORDS:
            self.refuse(node, f"{name} shadows another name")
        if name.startswith("__"):
            self.refuse(node, f"{name} begins with two underscores")

    def _reachable(self, start: str) -> set[str]:
        """Return every function that `start` calls, directly or not."""
        seen: set[str] = set()
        todo = list(self.calls[start])
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(self.calls[name])
        return seen

    def python(self) -> str:
        """Return the Python text: a checked public function each, and a bare one for inner
        calls.
        """
        called = set().union(*self.calls.values()) if self.calls else set()
        lines = [f"# generated from {self.file}: do not edit", f"__max = {MAX_UINT256}", ""]
        for name, signature in self.signatures.items():
            body = self.bodies[name]
            arguments = ", ".join(signature.args)
            if name in called:
                lines += ["", f"def __f_{name}({arguments}):", *body, ""]
            lines += ["", f"def {name}({arguments}):", f"    {signature.doc!r}"]
            for argument in signature.args:
                lines += [
                    f"    if type({argument}) is not int or not 0 <= {argument} <= __max:",
                    f"        __check({name!r}, {argument!r}, {argument})",
                ]
            lines += [*body, ""]
        return "\n".join(lines)


class _Body:
    """Translate the body of one function, or one constant expression when `function` is None.

    Vyper blocks are scopes, so is every block here. Operands are evaluated left to right, `and`,
    `or` and the
    ternary only as far as needed: what may revert becomes statements in front of its expression.
    """

    def __init__(self, module: _Translation, function: Any) -> None:
        self.module = module
        self.lines: list[str] = []
        self.calls: set[str] = set()
        self.depth = 1
        self.loops = 0
        self.temporaries = 0
        self.scopes: list[dict[str, bool]] = [{}]  # name -> may be assigned
        if function is None:
            self.signature = Signature("", (), 0, "", 0)
            return
        self.signature = module.signatures[function.name]
        self.scopes[0] = dict.fromkeys(self.signature.args, True)
        with self.scope():
            if not self.block(function.body):
                self.refuse(function, f"{function.name} can end without a return")

    def refuse(self, node: Any, what: str) -> NoReturn:
        """Raise UnknownSyntax at `node`."""
        self.module.refuse(node, what)

    def emit(self, line: str) -> None:
        """Append one line at the present depth."""
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Open a scope: names declared inside end with it."""
        self.scopes.append({})
        yield
        self.scopes.pop()

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Write one level deeper."""
        self.depth += 1
        yield
        self.depth -= 1

    def temporary(self) -> str:
        """Return a new name that no formula can have."""
        self.temporaries += 1
        return f"__{self.temporaries}"

    def revert_if(self, condition: str, reason: str = "") -> None:
        """Write a revert under `condition`."""
        self.emit(f"if {condition}:")
        self.emit(f"    raise __revert({reason!r})")

    # statements: each returns whether control never passes it

    def block(self, nodes: list[Any]) -> bool:
        """Translate statements in order and refuse what cannot be reached."""
        ended = False
        for node in nodes:
            if ended:
                self.refuse(node, "a statement that cannot be reached")
            ended = self.statement(node)
        return ended

    def nested(self, nodes: list[Any]) -> bool:
        """Translate an indented block in its own scope."""
        with self.scope(), self.indented():
            return self.block(nodes)

    def statement(self, node: Any) -> bool:
        """Translate one statement."""
        kind = type(node).__name__
        match kind:
            case "AnnAssign":
                self.module.uint256(node.annotation)
                if node.value is None:
                    self.refuse(node, "a declaration without a value")
                value = self.uint(node.value)
                self.declare(node.target)
                self.emit(f"{node.target.id} = {value.code}")
            case "Assign":
                self.assign(node)
            case "AugAssign":
                name = self.assignable(node.target)
                value = self.arithmetic(node, _Value(name, _UINT), self.uint(node.value))
                self.emit(f"{name} = {value.code}")
            case "If":
                return self.branch(node)
            case "For":
                self.loop(node)
            case "Assert":
                self.assertion(node)
            case "Return":
                self.returned(node)
                return True
            case "Break" | "Continue":
                if not self.loops:
                    self.refuse(node, f"{kind.lower()} outside a loop")
                self.emit(kind.lower())
                return True
            case "Pass":
                self.emit("pass")
            case _:
                self.refuse(node, f"statement {kind}")
        return False

    def declare(self, target: Any, writable: bool = True) -> None:
        """Add a local name to the innermost scope; refuse shadowing."""
        if type(target).__name__ != "Name":
            self.refuse(target, f"a declaration of {type(target).__name__}")
        self.module.fresh(target, target.id)
        if any(target.id in scope for scope in self.scopes):
            self.refuse(target, f"{target.id} shadows another name")
        self.scopes[-1][target.id] = writable

    def assignable(self, target: Any) -> str:
        """Return the name of a local that may be written."""
        if type(target).__name__ != "Name":
            self.refuse(target, f"an assignment to {type(target).__name__}")
        if not any(scope.get(target.id) for scope in self.scopes):
            self.refuse(target, f"an assignment to {target.id}, which is no local variable")
        return str(target.id)

    def assign(self, node: Any) -> None:
        """Translate `name = expression` and `a, b = self.f(...)`."""
        if type(node.target).__name__ != "Tuple":
            value = self.uint(node.value)
            self.emit(f"{self.assignable(node.target)} = {value.code}")
            return
        names = [self.assignable(element) for element in node.target.elements]
        if len(set(names)) < len(names):
            self.refuse(node, "an unpacking into the same name twice")
        if type(node.value).__name__ != "Call":
            self.refuse(node, "an unpacking of anything but a call")
        value = self.expression(node.value)
        if value.type != _tuple_type(len(names)):
            self.refuse(node, f"an unpacking of {value.type} into {len(names)} names")
        self.emit(f"{', '.join(names)} = {value.code}")

    def branch(self, node: Any) -> bool:
        """Translate `if`, with its `elif` and `else`."""
        test = self.condition(node.test)
        self.emit(f"if {test.code}:")
        ended = self.nested(node.body)
        if not node.orelse:
            return False
        self.emit("else:")
        return self.nested(node.orelse) and ended

    def loop(self, node: Any) -> None:
        """Translate `for name: uint256 in range(<constant>)`."""
        call = node.iter
        if type(call).__name__ != "Call" or getattr(call.func, "id", None) != "range":
            self.refuse(node, "a loop over anything but range")
        if len(call.args) != 1 or call.keywords:
            self.refuse(node, "range with anything but one bound")
        bound = self.uint(call.args[0])
        if not bound.constant:
            self.refuse(node, "range over anything but a constant above zero")
        self.module.uint256(node.target.annotation)
        with self.scope():
            self.declare(node.target.target, writable=False)
            self.emit(f"for {node.target.target.id} in range({bound.constant}):")
            self.loops += 1
            self.nested(node.body)
            self.loops -= 1

    def assertion(self, node: Any) -> None:
        """Translate `assert condition[, "reason"]`."""
        reason = ""
        if node.msg is not None:
            if type(node.msg).__name__ != "Str":
                self.refuse(node, "an assert whose reason is no text")
            reason = node.msg.value
        self.revert_if(f"not {self.condition(node.test).code}", reason)

    def returned(self, node: Any) -> None:
        """Translate `return`, one value or a tuple of them."""
        if node.value is None:
            self.refuse(node, "a return without a value")
        if type(node.value).__name__ == "Tuple":
            values = [self.uint(element) for element in node.value.elements]
            kind, code = _tuple_type(len(values)), ", ".join(value.code for value in values)
        else:
            value = self.expression(node.value)
            kind, code = value.type, value.code
        expected = _tuple_type(self.signature.returns)
        if kind != expected:
            self.refuse(node, f"a return of {kind} where {expected} is declared")
        self.emit(f"return {code}")

    # expressions

    def uint(self, node: Any) -> _Value:
        """Translate an expression that must be a uint256."""
        value = self.expression(node)
        if value.type != _UINT:
            self.refuse(node, f"{value.type} where a uint256 must stand")
        return value

    def condition(self, node: Any) -> _Value:
        """Translate an expression that must be a bool."""
        value = self.expression(node)
        if value.type != _BOOL:
            self.refuse(node, f"{value.type} where a bool must stand")
        return value

    def expression(self, node: Any) -> _Value:
        """Translate any expression."""
        kind = type(node).__name__
        match kind:
            case "Int":
                if not 0 <= node.value <= MAX_UINT256:
                    self.refuse(node, f"{node.value} is outside uint256")
                return _Value(str(node.value), _UINT, node.value)
            case "Name":
                return self.name(node)
            case "NameConstant" if isinstance(node.value, bool):
                return _Value(str(node.value), _BOOL)
            case "BinOp":
                left = self.uint(node.left)
                return self.arithmetic(node, left, self.uint(node.right))
            case "UnaryOp" if type(node.op).__name__ == "Not":
                return _Value(f"(not {self.condition(node.operand).code})", _BOOL)
            case "UnaryOp" if type(node.op).__name__ == "Invert":
                return _Value(f"({self.uint(node.operand).code} ^ __max)", _UINT)
            case "Compare":
                return self.comparison(node)
            case "BoolOp":
                return self.junction(node)
            case "IfExp":
                return self.ternary(node)
            case "Call":
                return self.call(node)
        what = type(node.op).__name__ if kind == "UnaryOp" else kind
        return self.refuse(node, f"expression {what}")

    def name(self, node: Any) -> _Value:
        """Translate a local name or a constant."""
        if node.id in self.module.constants:
            value = self.module.constants[node.id]
            return _Value(str(value), _UINT, value)
        if not any(node.id in scope for scope in self.scopes):
            self.refuse(node, f"unknown name {node.id}")
        return _Value(node.id, _UINT)

    def arithmetic(self, node: Any, left: _Value, right: _Value) -> _Value:
        """Translate one operator on two uint256, with Vyper's checks; fold constants."""
        operator = _OPERATORS.get(type(node.op).__name__)
        if operator is None:
            self.refuse(node, f"operator {type(node.op).__name__}")
        if left.constant is not None and right.constant is not None:
            return self.fold(node, operator, left.constant, right.constant)
        if operator == "**":
            return self.power(node, left, right)
        if operator in "//%":
            if right.constant == 0:
                self.refuse(node, "a division by the constant zero")
            if right.constant is None:
                self.revert_if(f"{right.code} == 0")
        result = self.temporary()
        if operator == "<<":
            self.emit(
                f"{result} = {left.code} << {right.code} & __max if {right.code} < 256 else 0"
            )
        elif operator == ">>":
            self.emit(f"{result} = {left.code} >> {right.code} if {right.code} < 256 else 0")
        else:
            self.emit(f"{result} = {left.code} {operator} {right.code}")
        if operator in "+*":
            self.revert_if(f"{result} > __max")
        elif operator == "-":
            self.revert_if(f"{result} < 0")
        return _Value(result, _UINT)

    def fold(self, node: Any, operator: str, left: int, right: int) -> _Value:
        """Compute an operator on two constants; refuse one that would revert."""
        value = -1
        match operator:
            case "+":
                value = left + right
            case "-":
                value = left - right
            case "*":
                value = left * right
            case "//" | "%" if right:
                value = left // right if operator == "//" else left % right
            case "**" if left < 2 or right < 256:
                value = left**right if left > 1 else int(left == 1 or right == 0)
            case "<<" | ">>" if right < 256:
                value = left << right if operator == "<<" else left >> right
            case "&" | "|" | "^":
                value = {"&": left & right, "|": left | right, "^": left ^ right}[operator]
        if not 0 <= value <= MAX_UINT256:
            self.refuse(node, f"the constant {left} {operator} {right} is outside uint256")
        return _Value(str(value), _UINT, value)

    def power(self, node: Any, base: _Value, exponent: _Value) -> _Value:
        """Translate a power with one constant side: the other side's bound is known here."""
        result = self.temporary()
        if base.constant is not None:
            if base.constant < 2:
                self.refuse(node, f"a power of {base.constant}")
            largest = 0
            while base.constant ** (largest + 1) <= MAX_UINT256:
                largest += 1
            self.revert_if(f"{exponent.code} > {largest}")
        elif exponent.constant is not None:
            if not 2 <= exponent.constant < 256:
                self.refuse(node, f"a power to {exponent.constant}")
            self.revert_if(f"{base.code} > {_root(MAX_UINT256, exponent.constant)}")
        else:
            self.refuse(node, "a power without a constant side")
        self.emit(f"{result} = {base.code} ** {exponent.code}")
        return _Value(result, _UINT)

    def comparison(self, node: Any) -> _Value:
        """Translate one comparison of two uint256, or of two bools for equality."""
        symbol = _COMPARISONS.get(type(node.op).__name__)
        if symbol is None:
            self.refuse(node, f"comparison {type(node.op).__name__}")
        left, right = self.expression(node.left), self.expression(node.right)
        known = (_UINT, _BOOL) if symbol in ("==", "!=") else (_UINT,)
        if left.type != right.type or left.type not in known:
            self.refuse(node, f"a comparison of {left.type} {symbol} {right.type}")
        return _Value(f"({left.code} {symbol} {right.code})", _BOOL)

    def junction(self, node: Any) -> _Value:
        """Translate `and` and `or`: what follows is evaluated only when it decides."""
        word = type(node.op).__name__.lower()
        value = self.condition(node.values[0])
        for operand in node.values[1:]:
            lines, other = self.captured(operand, self.condition)
            if not lines:
                value = _Value(f"({value.code} {word} {other.code})", _BOOL)
                continue
            result = self.temporary()
            self.emit(f"{result} = {value.code}")
            self.emit(f"if {result}:" if word == "and" else f"if not {result}:")
            self.lines += lines
            self.emit(f"    {result} = {other.code}")
            value = _Value(result, _BOOL)
        return value

    def ternary(self, node: Any) -> _Value:
        """Translate `a if test else b`: only the chosen side is evaluated."""
        test = self.condition(node.test)
        chosen, yes = self.captured(node.body, self.expression)
        otherwise, no = self.captured(node.orelse, self.expression)
        if yes.type != no.type or yes.type not in (_UINT, _BOOL):
            self.refuse(node, f"a choice between {yes.type} and {no.type}")
        if not chosen and not otherwise:
            return _Value(f"({yes.code} if {test.code} else {no.code})", yes.type)
        result = self.temporary()
        self.emit(f"if {test.code}:")
        self.lines += chosen
        self.emit(f"    {result} = {yes.code}")
        self.emit("else:")
        self.lines += otherwise
        self.emit(f"    {result} = {no.code}")
        return _Value(result, yes.type)

    def captured(self, node: Any, translate: Callable[[Any], _Value]) -> tuple[list[str], _Value]:
        """Translate an expression one level deeper; return its statements apart from its value."""
        outer, self.lines = self.lines, []
        with self.indented():
            value = translate(node)
        inner, self.lines = self.lines, outer
        return inner, value

    def call(self, node: Any) -> _Value:
        """Translate a call of a formula of this file or of a known builtin."""
        if node.keywords:
            self.refuse(node, "a keyword argument")
        function = node.func
        if type(function).__name__ == "Attribute" and getattr(function.value, "id", None) == "self":
            signature = self.module.signatures.get(function.attr)
            if signature is None:
                self.refuse(node, f"unknown function {function.attr}")
            if len(node.args) != len(signature.args):
                self.refuse(node, f"{signature.name} takes {len(signature.args)} arguments")
            arguments = [self.uint(argument) for argument in node.args]
            self.calls.add(signature.name)
            result = self.temporary()
            self.emit(
                f"{result} = __f_{signature.name}({', '.join(value.code for value in arguments)})"
            )
            return _Value(result, _tuple_type(signature.returns))
        name = getattr(function, "id", None)
        if name not in _BUILTINS:
            self.refuse(node, f"a call of {name or type(function).__name__}")
        if len(node.args) != _BUILTINS[name]:
            self.refuse(node, f"{name} takes {_BUILTINS[name]} arguments")
        if name == "max_value":
            self.module.uint256(node.args[0])
            return _Value("__max", _UINT, MAX_UINT256)
        return self.builtin(name, [self.uint(argument).code for argument in node.args])

    def builtin(self, name: str, args: list[str]) -> _Value:
        """Translate a builtin over uint256 codes."""
        match name:
            case "isqrt":
                code = f"__isqrt({args[0]})"
            case "min":
                code = f"({args[0]} if {args[0]} < {args[1]} else {args[1]})"
            case "max":
                code = f"({args[0]} if {args[0]} > {args[1]} else {args[1]})"
            case "unsafe_div":
                code = f"({args[0]} // {args[1]} if {args[1]} else 0)"
            case _:
                code = f"({args[0]} {_UNSAFE[name]} {args[1]} & __max)"
        result = self.temporary()
        self.emit(f"{result} = {code}")
        return _Value(result, _UINT)


def _tuple_type(count: int) -> str:
    """Return the type of `count` returned values."""
    return _UINT if count == 1 else f"({', '.join([_UINT] * count)})"


def _root(value: int, exponent: int) -> int:
    """Return the largest integer whose power is at most `value`."""
    low, high = 0, value
    while low < high:
        middle = (low + high + 1) // 2
        if middle**exponent <= value:
            low = middle
        else:
            high = middle - 1
    return low
