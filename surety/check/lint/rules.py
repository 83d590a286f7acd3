# SPDX-License-Identifier: MIT
"""The table of all rules."""

from __future__ import annotations

from typing import Final

from surety.check.lint import access, calls, numbers, order
from surety.check.lint.base import Rule

# what the comments that allow findings are themselves found guilty of
BARE_ALLOW: Final = "allow-without-reason"
UNUSED_ALLOW: Final = "unused-allow"

_TABLE: Final = (
    Rule(
        "dropped-result",
        "a call that answers true or false, and nothing looks at it",
        "Some tokens answer false where others revert: the transfer did not happen, and the code"
        " goes on as if it had.",
        "assert the answer, with `default_return_value=True` for tokens that answer nothing.",
        calls.dropped_result,
    ),
    Rule(
        "write-after-call",
        "storage written after somebody else's code ran, without a lock",
        "The callee may call back and meet the old state: the classic reentrancy.",
        "write first and call last, or put the function under the lock (`# pragma nonreentrancy"
        " on`).",
        order.write_after_call,
    ),
    Rule(
        "unlocked-call",
        "a function that changes state, takes no lock and calls out",
        "The order may be right today; nothing keeps it right, nor what other functions show"
        " meanwhile.",
        "put the function under the lock, or make the call a staticcall.",
        order.unlocked_call,
    ),
    Rule(
        "stale-view",
        "a view without a lock that tells what a locked function has yet to write",
        "Others that ask it during the callback decide on a state that never was: read-only"
        " reentrancy.",
        "put the view under the lock, or write before the call.",
        order.stale_view,
    ),
    Rule(
        "no-lock-pragma",
        "a file with external functions that nothing locks",
        "The lock is per file: a module with externals needs the pragma as much as the contract.",
        "add `# pragma nonreentrancy on` and mark what may run inside a callback `@reentrant`.",
        order.no_lock_pragma,
    ),
    Rule(
        "open-setter",
        "anyone may put a value of his own into storage",
        "No branch, assert, payment or key depends on who calls: the setting is everybody's.",
        "check the caller before the write.",
        access.open_setter,
    ),
    Rule(
        "zero-signer",
        "a recovered signer that is never told from nobody",
        "ecrecover answers the zero address for a signature that is none; an owner that is not"
        " set is that address too.",
        "assert that the signer, or what it is compared with, is not `empty(address)`.",
        access.zero_signer,
    ),
    Rule(
        "stale-price",
        "a price without its time",
        "A feed that stopped still answers: its last price, for ever.",
        "read the time with the price and refuse what is too old; use a call that tells it.",
        numbers.stale_price,
    ),
    Rule(
        "divide-before-multiply",
        "a product of what was already rounded",
        "The rounding of the division grows with the factor.",
        "multiply first, then divide once.",
        numbers.divide_before_multiply,
    ),
    Rule(
        "bare-division",
        "money divided without a word on which way it rounds",
        "Whoever may choose the amount takes the rest, again and again, where it rounds his way.",
        "round in the protocol's favour in a function named `_down` or `_up`, or say the"
        " direction beside it.",
        numbers.bare_division,
    ),
    Rule(
        "unsafe-math",
        "unchecked arithmetic without a proof beside it",
        "What cannot wrap today may wrap after the next change, in silence.",
        "say in a comment on the line why it cannot wrap, or use the checked operator.",
        numbers.unsafe_math,
    ),
    Rule(
        "signed-division",
        "`//` or `%` of signed numbers",
        "It rounds towards zero: -7 // 2 is -3 here, and -4 in the Python model beside it.",
        "correct the quotient for negative numbers, or divide unsigned numbers.",
        numbers.signed_division,
    ),
    Rule(
        "exact-balance",
        "a balance that must be exactly something",
        "Anyone may send one unit more: the condition never holds again.",
        "compare with `>=`, or keep your own books.",
        numbers.exact_balance,
    ),
    Rule(
        "unbounded-loop",
        "a loop of more rounds than a block has gas for",
        "Vyper bounds every loop, but a bound beyond a block's gas is none: once the list is long"
        " enough the function can never be called again.",
        "page it, or lower the bound.",
        numbers.unbounded_loop,
    ),
    Rule(
        "raw-call-success",
        "a raw call that may fail unnoticed",
        "With `revert_on_failure=False` the answer alone tells whether anything happened.",
        "assert the success, or act on it.",
        calls.raw_call_success,
    ),
    Rule(
        "raw-call-outsize",
        "a raw call of a function whose answer is thrown away",
        "Without `max_outsize` a callee that answers false, or has no code, passes for a success.",
        "say `max_outsize` and look at the answer; `max_outsize=0` where there is none.",
        calls.raw_call_outsize,
    ),
    Rule(
        "skip-contract-check",
        "a call that succeeds where there is no contract",
        "A token that destroyed itself, or was never there, pays everyone.",
        "leave the check on.",
        calls.skip_contract_check,
    ),
    Rule(
        "tx-origin",
        "tx.origin",
        "Any contract that an owner is lured into calling acts as the owner.",
        "ask msg.sender.",
        calls.tx_origin,
    ),
    Rule(
        "delegatecall",
        "somebody else's code on this contract's storage",
        "It may write every variable, and the layouts must agree for ever.",
        "call, or import the code as a module.",
        calls.delegatecall,
    ),
)

RULES: Final = {rule.id: rule for rule in _TABLE}
