# SPDX-License-Identifier: MIT
"""Run the formulas of margin_math.vy on unknown integers, and let z3 prove what they promise.

Nothing is typed a second time: `surety.formulas` writes the syntax tree of the Vyper file as
Python, which the differential tests hold against the deployed bytecode; that very Python is
executed here on `Sym` values, terms over unbounded integers. Every `if` on an unknown splits the
run in two, until all paths were walked. Where the EVM would revert, a path ends; `unsafe_*` is
proven not to wrap.

A lemma is a Python function over the formulas that returns conditions. On ints it is a test, on
`Sym`s a theorem: on each path z3 is asked for integers that break a condition, and has to answer
that there are none. Divisions become a quotient and a remainder, which is their definition.
"""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import z3

from surety.formulas import MAX_UINT256, Formulas, Revert

# z3 counts its own steps: what it answers does not depend on how busy a machine is
LINEAR_STEPS = 10_000_000  # no query needs more than 1_400_000, which are 0.7 s
STEPS = 50_000_000
TIMEOUT_MS = 240_000  # far away: this only bounds what went wrong
PRUNE_FROM = 3  # a path that splits more often is asked whether it can be at all
TRIES = 5_000  # integers that are tried before z3 is asked: 0.1 s


class Skip(Exception):
    """Leave a path: what the lemma assumes does not hold on it."""


class Unproven(AssertionError):
    """Say that z3 neither proved nor refuted a condition in its time."""


class Sym:
    """An unknown integer: a term, and bounds that are known without asking z3."""

    __hash__ = object.__hash__
    __slots__ = ("hi", "lo", "start", "term")

    def __init__(self, term: Any, lo: int, hi: int) -> None:
        self.term, self.lo, self.hi = term, lo, hi
        self.start = lo

    def __add__(self, other: Value) -> Sym:
        b = sym(other)
        return Sym(self.term + b.term, self.lo + b.lo, self.hi + b.hi)

    __radd__ = __add__

    def __sub__(self, other: Value) -> Sym:
        b = sym(other)
        return Sym(self.term - b.term, self.lo - b.hi, self.hi - b.lo)

    def __rsub__(self, other: int) -> Sym:
        return sym(other) - self

    def __mul__(self, other: Value) -> Sym:
        b = sym(other)
        ends = [x * y for x in (self.lo, self.hi) for y in (b.lo, b.hi)]
        return Sym(self.term * b.term, min(ends), max(ends))

    __rmul__ = __mul__

    def __floordiv__(self, other: Value) -> Sym:
        return path().divide(self, sym(other))[0]

    def __rfloordiv__(self, other: int) -> Sym:
        return path().divide(sym(other), self)[0]

    def __mod__(self, other: Value) -> Sym:
        return path().divide(self, sym(other))[1]

    def __rpow__(self, base: int) -> Sym:
        return path().power(base, self)

    def __lt__(self, other: Value) -> Fact:
        return Fact(self, "<", sym(other))

    def __le__(self, other: Value) -> Fact:
        return Fact(self, "<=", sym(other))

    def __gt__(self, other: Value) -> Fact:
        return Fact(sym(other), "<", self)

    def __ge__(self, other: Value) -> Fact:
        return Fact(sym(other), "<=", self)

    def __eq__(self, other: object) -> Any:
        return Fact(self, "==", sym(other))

    def __ne__(self, other: object) -> Any:
        return ~Fact(self, "==", sym(other))


Value = Sym | int


def sym(value: Any) -> Sym:
    """Return an int as a term."""
    return value if isinstance(value, Sym) else Sym(z3.IntVal(value), value, value)


class Condition:
    """A statement about unknowns; asked for its truth by `if`, it splits the run."""

    def __init__(self, term: Any) -> None:
        self.term = term

    def known(self) -> bool | None:
        """Tell whether bounds alone decide it."""
        return None

    def learn(self, truth: bool) -> None:
        """Narrow bounds by what was decided."""

    def __bool__(self) -> bool:
        known = self.known()
        return path().fork(self) if known is None else known

    def __invert__(self) -> Condition:
        return Not(self)

    def __and__(self, other: Any) -> Condition:
        return Condition(z3.And(self.term, term_of(other)))

    __rand__ = __and__

    def __or__(self, other: Any) -> Condition:
        return Condition(z3.Or(self.term, term_of(other)))

    __ror__ = __or__


class Fact(Condition):
    """A comparison of two unknowns."""

    def __init__(self, a: Sym, operator: str, b: Sym) -> None:
        self.a, self.b, self.operator = a, b, operator
        terms = {"<": a.term < b.term, "<=": a.term <= b.term, "==": a.term == b.term}
        super().__init__(terms[operator])

    def known(self) -> bool | None:
        a, b = self.a, self.b
        if self.operator == "==":
            if a.lo == a.hi == b.lo == b.hi:
                return True
            return False if a.hi < b.lo or b.hi < a.lo else None
        strict = self.operator == "<"
        if a.hi < b.lo + (not strict):
            return True
        return False if a.lo >= b.hi + (not strict) else None

    def learn(self, truth: bool) -> None:
        a, b = self.a, self.b
        if self.operator == "==":
            if truth:
                a.lo = b.lo = max(a.lo, b.lo)
                a.hi = b.hi = min(a.hi, b.hi)
            else:  # what is not its own end is beside it
                for x, y in ((a, b), (b, a)):
                    if y.lo == y.hi == x.lo:
                        x.lo += 1
            return
        if not truth:  # not a <= b is b < a
            a, b = b, a
        gap = (self.operator == "<") == truth
        a.hi, b.lo = min(a.hi, b.hi - gap), max(b.lo, a.lo + gap)


class Not(Condition):
    """What another condition denies."""

    def __init__(self, inner: Condition) -> None:
        self.inner = inner
        super().__init__(z3.Not(inner.term))

    def known(self) -> bool | None:
        known = self.inner.known()
        return None if known is None else not known

    def learn(self, truth: bool) -> None:
        self.inner.learn(not truth)


def term_of(condition: Any) -> Any:
    return condition.term if isinstance(condition, Condition) else z3.BoolVal(bool(condition))


@dataclass(slots=True)
class Claim:
    """What z3 has to prove: `term` follows from the first `given` assumptions of its path."""

    what: str
    term: Any
    given: int


class Path:
    """One way through a lemma: what was decided, what is known, what has to be proven."""

    def __init__(self, decisions: Sequence[bool], total: bool) -> None:
        self.decisions = list(decisions)
        self.made: list[bool] = []
        self.decided: dict[int, bool] = {}
        self.forced: set[int] = set()
        self.known: list[Any] = []
        self.claims: list[Claim] = []
        self.settled = 0
        self.total = total
        self.quotients: dict[tuple[int, int], tuple[Sym, Sym]] = {}
        self.powers: dict[int, Sym] = {}
        self.roots: dict[int, Sym] = {}
        self.picks: dict[tuple[int, int, int], Sym] = {}
        self.linear, self.proving = Linear(), Linear()  # along the way, and for the claims after it
        self.exact: list[Any] = []  # what the powers really are: proofs do without it
        self.alive: list[Any] = []  # z3 numbers terms anew once they are gone

    def unknown(self, name: str, lo: int, hi: int) -> Sym:
        term = z3.Int(name)
        self.known += [term >= lo, term <= hi]
        return Sym(term, lo, hi)

    def fork(self, condition: Condition) -> bool:
        key = condition.term.get_id()
        self.alive.append(condition.term)
        if key in self.decided:
            return self.decided[key]
        at = len(self.made)
        if at < len(self.decisions):
            truth = self.decisions[at]
        elif at >= PRUNE_FROM and self.linear.follows(self.known, condition.term):
            truth = True
            self.forced.add(at)
        elif at >= PRUNE_FROM and self.linear.follows(self.known, z3.Not(condition.term)):
            truth = False
            self.forced.add(at)
        else:
            truth = True
        self.made.append(truth)
        self.decided[key] = truth
        self.settle(condition, truth)
        return truth

    def settle(self, condition: Condition, truth: bool) -> None:
        condition.learn(truth)
        self.known.append(condition.term if truth else z3.Not(condition.term))

    def claim(self, what: str, condition: Any) -> None:
        if isinstance(condition, Condition):
            truth = condition.known()
            if truth is None:
                self.claims.append(Claim(what, condition.term, len(self.known)))
                return
            condition = truth
        self.settled += 1
        if not condition:
            self.claims.append(Claim(what, z3.BoolVal(False), len(self.known)))

    def guard(self, condition: Any, reason: str) -> None:
        """Revert under `condition`: end this path, or prove that it cannot be."""
        if isinstance(condition, Condition) and condition.known() is None:
            if self.total:
                self.claim(f"does not revert {reason}".rstrip(), ~condition)
            self.settle(condition, False)
        elif condition:
            raise Revert(reason)

    def nowrap(self, value: Value) -> Value:
        """Prove that an `unsafe_*` result is inside 256 bits, where it is the exact one."""
        if not isinstance(value, Sym):
            return value & MAX_UINT256
        for condition in (value >= 0, value <= MAX_UINT256):
            if condition.known() is None:
                self.claim("does not wrap", condition)
                self.settle(condition, True)
            elif not condition:
                self.claim("does not wrap", False)
        return value

    def divide(self, a: Sym, b: Sym) -> tuple[Sym, Sym]:
        """Define quotient and remainder: a = q * b + r, 0 <= r < b."""
        key = (a.term.get_id(), b.term.get_id())
        if key in self.quotients:
            return self.quotients[key]
        # the loader has refused a divisor of zero and a negative difference just before
        assert b.lo > 0, f"the divisor may be 0: {b.term}"
        if a.lo < 0:
            self.claim("divides no negative number", a >= 0)
        number = len(self.quotients)
        q = Sym(z3.Int(f"q!{number}"), max(0, a.lo) // b.hi, a.hi // b.lo)
        r = Sym(z3.Int(f"r!{number}"), 0, min(b.hi - 1, max(0, a.hi)))
        self.alive += [a.term, b.term]
        self.known += [
            a.term == q.term * b.term + r.term,
            q.term >= q.lo,
            q.term <= q.hi,
            r.term >= 0,
            r.term < b.term,
        ]
        self.quotients[key] = q, r
        return q, r

    def power(self, base: int, exponent: Sym) -> Sym:
        """Stand for base ** exponent by a number of the right size: what is proven, is for each."""
        key = exponent.term.get_id()
        if key not in self.powers:
            lo, hi = base**exponent.lo, base**exponent.hi
            self.alive.append(exponent.term)
            found = self.unknown(f"unit!{len(self.powers)}", lo, hi)
            self.powers[key] = found
            self.exact.append(
                z3.Or(
                    *[
                        z3.And(exponent.term == at, found.term == base**at)
                        for at in range(exponent.lo, exponent.hi + 1)
                    ]
                )
            )
        return self.powers[key]

    def root(self, value: Value) -> Value:
        """Define the integer square root."""
        if not isinstance(value, Sym):
            return isqrt(value)
        key = value.term.get_id()
        if key not in self.roots:
            self.alive.append(value.term)
            found = self.unknown(f"root!{len(self.roots)}", isqrt(value.lo), isqrt(value.hi))
            self.known.append(found.term * found.term <= value.term)
            self.known.append((found.term + 1) * (found.term + 1) > value.term)
            self.roots[key] = found
        return self.roots[key]

    def pick(self, condition: Any, yes: Any, no: Any) -> Any:
        """Choose as min and max do, without splitting the run."""
        truth = condition.known() if isinstance(condition, Condition) else bool(condition)
        if truth is not None:
            return yes if truth else no
        a, b = sym(yes), sym(no)
        lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
        if isinstance(condition, Fact) and condition.operator == "<":
            # x if x < y else y is a minimum, x if y < x else y a maximum
            if condition.a.term.eq(a.term) and condition.b.term.eq(b.term):
                hi = min(a.hi, b.hi)
            elif condition.a.term.eq(b.term) and condition.b.term.eq(a.term):
                lo = max(a.lo, b.lo)
        key = (condition.term.get_id(), a.term.get_id(), b.term.get_id())
        if key not in self.picks:
            self.alive += [condition.term, a.term, b.term]
            found = self.unknown(f"pick!{len(self.picks)}", lo, hi)
            self.known.append(z3.If(condition.term, found.term == a.term, found.term == b.term))
            self.picks[key] = found
        return self.picks[key]


_path: list[Path] = []


def path() -> Path:
    """Return the path that is being walked."""
    return _path[-1]


# what a lemma says besides calling formulas: on ints as on unknowns


def assume(condition: Any) -> None:
    """Restrict a lemma to where `condition` holds."""
    if isinstance(condition, Condition) and condition.known() is None:
        path().settle(condition, True)
    elif not condition:
        raise Skip


def cut(what: str, condition: Any) -> None:
    """Prove `condition` first, then use it."""
    known = condition.known() if isinstance(condition, Condition) else bool(condition)
    if known is None:
        path().claim(what, condition)
        path().settle(condition, True)
    else:
        assert known, what


def times(low: Value, high: Value, factor: Value) -> None:
    """Use that low <= high (proven first) stays true when both are multiplied by factor >= 0."""
    cut("low <= high", sym(low) <= high)
    cut("factor >= 0", sym(factor) >= 0)
    if any(isinstance(value, Sym) for value in (low, high, factor)):
        path().settle(sym(low) * factor <= sym(high) * factor, True)


def cancel(low: Value, high: Value, factor: Value) -> None:
    """Use that low * factor < high * factor (proven first) with factor > 0 gives low < high."""
    cut("low * factor < high * factor", sym(low) * factor < sym(high) * factor)
    cut("factor > 0", sym(factor) > 0)
    if any(isinstance(value, Sym) for value in (low, high, factor)):
        path().settle(sym(low) < high, True)


def both(*conditions: Any) -> Any:
    """Join conditions without splitting the run."""
    if not any(isinstance(each, Condition) for each in conditions):
        return all(conditions)
    return Condition(z3.And(*[term_of(each) for each in conditions]))


def either(*conditions: Any) -> Any:
    """Say that one of several conditions holds, without splitting the run."""
    if not any(isinstance(each, Condition) for each in conditions):
        return any(conditions)
    return Condition(z3.Or(*[term_of(each) for each in conditions]))


def smaller(a: Value, b: Value) -> Value:
    return path().pick(a < b, a, b) if isinstance(a, Sym) or isinstance(b, Sym) else min(a, b)


def larger(a: Value, b: Value) -> Value:
    return path().pick(b < a, a, b) if isinstance(a, Sym) or isinstance(b, Sym) else max(a, b)


def root_down(value: Value) -> Value:
    return path().root(value) if isinstance(value, Sym) else isqrt(value)


def denied(condition: Any) -> Any:
    return ~condition if isinstance(condition, Condition) else not condition


# the formulas, on unknowns


class _Rewrite(ast.NodeTransformer):
    """Give the loader's Python to the path: its reverts, its wrapping, its min and max."""

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        match node.body:
            case [ast.Raise(exc=ast.Call(func=ast.Name("__revert"), args=[reason]))]:
                assert not node.orelse
                return ast.Expr(_call("__guard", node.test, reason))
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        self.generic_visit(node)
        return _call("__pick", node.test, node.body, node.orelse)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitAnd):
            return node
        assert isinstance(node.right, ast.Name)
        assert node.right.id == "__max"
        return _call("__nowrap", node.left)


def _call(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


class Symbolic:
    """The formulas of one file as functions over unknowns; constants are attributes as well."""

    def __init__(self, formulas: Formulas) -> None:
        tree = ast.fix_missing_locations(_Rewrite().visit(ast.parse(formulas.source)))
        namespace: dict[str, Any] = {
            "__check": lambda *_: None,
            "__revert": Revert,
            "__guard": lambda condition, reason: path().guard(condition, reason),
            "__nowrap": lambda value: path().nowrap(value),
            "__pick": lambda *chosen: path().pick(*chosen),
            "__isqrt": lambda value: path().root(value),
        }
        exec(compile(tree, "<symbolic formulas>", "exec"), namespace)
        self.__dict__.update(formulas.constants)
        self.__dict__.update({name: namespace[name] for name in formulas.functions})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


# lemmas

Domain = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lemma:
    """A promise of formulas: `says(m, **unknowns)` returns what must hold for all of `domains`.

    `flips` are (function, its text, other text): the lemma must fail once one is replaced.
    """

    name: str
    functions: tuple[str, ...]
    says: Callable[..., Any]
    domains: Mapping[str, Domain]
    flips: tuple[tuple[str, str, str], ...]
    total: bool
    doc: str = field(default="")


@dataclass(frozen=True, slots=True)
class Proof:
    """What z3 was asked and answered: all proven, or the integers that break a condition."""

    paths: int
    claims: int  # that z3 was asked about
    decided: int  # that the bounds alone decided
    broken: str | None = None
    example: Mapping[str, int] | None = None


def conditions(found: Any) -> list[Any]:
    """Return a lemma's conditions as a list."""
    return list(found) if isinstance(found, list | tuple) else [found]


def walk(
    lemma: Lemma, formulas: Any, at: Mapping[str, int] | None = None
) -> Iterator[tuple[Path, Mapping[str, Sym]]]:
    """Walk every path of a lemma, or those that the integers of `at` take."""
    todo: list[list[bool]] = [[]]
    while todo:
        decisions = todo.pop()
        here = Path(decisions, lemma.total)
        _path.append(here)
        unknowns: dict[str, Any] = {}
        for name, (lo, hi) in lemma.domains.items():
            bounds = (lo, hi) if at is None else (at[name], at[name])
            unknowns[name] = here.unknown(name, *bounds) if lo < hi else lo
        start = {name: value for name, value in unknowns.items() if isinstance(value, Sym)}
        try:
            for number, condition in enumerate(conditions(lemma.says(formulas, **unknowns))):
                here.claim(f"condition {number}", condition)
        except Skip:
            here.claims.clear()
        except AssertionError as error:
            here.claim(str(error), False)
        except Revert:
            if lemma.total:
                here.claim("does not revert", False)
        finally:
            _path.pop()
        todo += [
            [*here.made[:at], False]
            for at in range(len(decisions), len(here.made))
            if at not in here.forced
        ]
        yield here, start


def prove(lemma: Lemma, formulas: Any, at: Mapping[str, int] | None = None) -> Proof:
    """Ask z3 about every condition on every path; raises Unproven where it does not know.

    With `at` the unknowns are known to be these integers.
    """
    paths = claims = decided = 0
    for here, unknowns in walk(lemma, formulas, at):
        paths += 1
        decided += here.settled
        for claim in here.claims:
            claims += 1
            example = refute(claim, here, unknowns, lemma.name)
            if example is not None:
                return Proof(paths, claims, decided, claim.what, example)
    return Proof(paths, claims, decided)


def refute(
    claim: Claim, here: Path, unknowns: Mapping[str, Sym], name: str
) -> Mapping[str, int] | None:
    """Return integers that break a claim, None when z3 proves that there are none."""
    given = here.known[: claim.given]
    if here.proving.follows(given, claim.term):
        return None
    solver = z3.Solver()
    solver.set("rlimit", STEPS, "timeout", TIMEOUT_MS)
    solver.add(*given)
    solver.add(z3.Not(claim.term))
    verdict = solver.check()
    if verdict == z3.sat and here.exact:
        # true for any unit but not for powers of ten, or broken for these as well
        solver.add(*here.exact)
        verdict = solver.check()
    if verdict == z3.unknown:
        solver.add(*here.exact)
        # what is false is mostly so for small numbers, which are easier to find
        solver.add(*[value.term <= value.start + 64 for value in unknowns.values()])
        if solver.check() != z3.sat:
            raise Unproven(f"{name}: {claim.what}: {solver.reason_unknown()}")
        verdict = z3.sat
    if verdict == z3.unsat:
        return None
    model = solver.model()
    return {
        name: model.eval(value.term, model_completion=True).as_long()
        for name, value in unknowns.items()
    }


class Linear:
    """Read products of unknowns as unknowns of their own: what follows then, follows all the more.

    Most claims follow from their hints by linear arithmetic alone, which z3 decides at once.
    """

    def __init__(self) -> None:
        self.products: dict[tuple[int, ...], Any] = {}
        self.done: dict[int, Any] = {}
        self.alive: list[Any] = []
        self.solver = z3.SolverFor("QF_LIA")
        self.solver.set("rlimit", LINEAR_STEPS, "timeout", TIMEOUT_MS)
        self.added = 0

    def follows(self, given: Sequence[Any], term: Any) -> bool:
        """Tell whether a claim follows linearly; the claims of a path are given ever more."""
        for known in given[self.added :]:
            self.solver.add(self.read(known))
        self.added = len(given)
        self.solver.push()
        self.solver.add(self.read(z3.Not(term)))
        found = self.solver.check() == z3.unsat
        self.solver.pop()
        return found

    def read(self, term: Any) -> Any:
        return self.replace(z3.simplify(term, som=True))

    def replace(self, term: Any) -> Any:
        key = term.get_id()
        if key not in self.done:
            self.alive.append(term)
            self.done[key] = self.product(term) if z3.is_mul(term) else self.rebuilt(term)
        return self.done[key]

    def rebuilt(self, term: Any) -> Any:
        parts = term.children()
        return term.decl()(*[self.replace(part) for part in parts]) if parts else term

    def product(self, term: Any) -> Any:
        parts = [term]
        while any(z3.is_mul(part) for part in parts):
            parts = [
                inner
                for part in parts
                for inner in (part.children() if z3.is_mul(part) else [part])
            ]
        factors = [part for part in parts if not z3.is_int_value(part)]
        scale = 1
        for part in parts:
            scale *= part.as_long() if z3.is_int_value(part) else 1
        if len(factors) < 2:
            return self.replace(factors[0]) * scale if factors else z3.IntVal(scale)
        key = tuple(sorted(part.get_id() for part in factors))
        if key not in self.products:
            self.alive += factors
            self.products[key] = z3.Int(f"product!{len(self.products)}")
        return self.products[key] * scale


def holds(lemma: Lemma, formulas: Any, example: Mapping[str, int]) -> bool:
    """Try a lemma on ints: True as well where it assumes otherwise or the formulas revert."""
    numbers = {name: example.get(name, lo) for name, (lo, _) in lemma.domains.items()}
    try:
        return all(conditions(lemma.says(formulas, **numbers)))
    except Skip:
        return True
    except Revert:
        return not lemma.total
    except AssertionError:
        return False


def find(lemma: Lemma, changed: Any, real: Any, tries: int = TRIES) -> Mapping[str, int] | None:
    """Look for integers that break a lemma on the changed formulas but not on the real ones.

    Ends of the domains, small numbers, neighbours of one another, any number of any width: the
    same ones each time.
    """
    choice = random.Random(lemma.name)
    for _ in range(tries):
        numbers: dict[str, int] = {}
        for name, (lo, hi) in lemma.domains.items():
            width = choice.randint(1, max(1, (hi - lo).bit_length()))
            found = choice.choice(
                (
                    choice.choice((lo, lo + 1, hi - 1, hi)),
                    lo + choice.randrange(64),
                    choice.choice([lo, *numbers.values()]) + choice.randint(-2, 2),
                    choice.randint(lo, hi),
                    lo + choice.getrandbits(width),
                    lo + choice.getrandbits(width),
                )
            )
            numbers[name] = max(lo, min(hi, found))
        if not holds(lemma, changed, numbers) and holds(lemma, real, numbers):
            return numbers
    return None


_FUNCTION = r"@internal\n@pure\ndef {}\(.*?(?=\n\n\n|\Z)"


def function_text(source: str, name: str) -> str:
    """Return the Vyper text of one function, with its decorators."""
    found = re.findall(_FUNCTION.format(name), source, re.DOTALL)
    assert len(found) == 1, f"{len(found)} functions are called {name}"
    return str(found[0])


def flipped(source: str, flip: tuple[str, str, str]) -> str:
    """Return a module with one function's text replaced, which must be there exactly once.

    Only what calls that function, and what those call, is kept: the rest is as it was.
    """
    name, old, new = flip
    text = function_text(source, name)
    assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
    texts = {each: function_text(source, each) for each in re.findall(r"\ndef (\w+)\(", source)}
    calls = {each: set(re.findall(r"self\.(\w+)\(", body)) for each, body in texts.items()}
    calls[name] |= set(re.findall(r"self\.(\w+)\(", new))
    kept = {name}
    while more := {each for each in texts if calls[each] & kept} - kept:
        kept |= more
    while more := set().union(*[calls[each] for each in kept]) - kept:
        kept |= more
    for each in texts.keys() - kept:
        source = source.replace(texts[each], "")
    return source.replace(text, text.replace(old, new))


class Overlay:
    """Formulas of which some were replaced: `first` where it has a name, else `second`."""

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second = first, second

    def __getattr__(self, name: str) -> Any:
        return getattr(self.first if hasattr(self.first, name) else self.second, name)


def names_of(says: Callable[..., Any]) -> list[str]:
    """Return the names of a lemma's unknowns."""
    return list(inspect.signature(says).parameters)[1:]
