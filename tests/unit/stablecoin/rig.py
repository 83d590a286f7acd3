# SPDX-License-Identifier: MIT
"""The real coin on revm in this process, and `surety.model.coin.Stablecoin` beside it.

Each move is made on both; what it returns, why it is refused, what it logs and every storage word
that it could reach must be the same. Two contracts (MockBorrower) take flash loans and do within
them what a script says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from surety.chain import Contract, UnlockedSender, deploy_contract, revert_reason
from surety.compile import artifact
from surety.model import Refused
from surety.model.coin import MAX_MINTERS, Stablecoin
from surety.model.signature import domain_separator, permit_digest
from surety.model.state import MAX, as_number
from tests.stateful.node import DEV_ADDRESSES, DEV_KEYS, Ran, RevmNode, as_json
from tests.stateful.scene import at_key, slots_of
from tests.world import GENESIS

ZERO = "0x" + "00" * 20
ANSWER = keccak(text="ERC3156FlashBorrower.onFlashLoan")
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# parties by number: the governor, five people of whom two are minters, two borrowers, of whom the
# first is a minter too, the coin itself and nobody
GOVERNOR, MINTER, OTHER_MINTER, ALICE, BOB, STRANGER, BORROWER, OTHER_BORROWER, COIN, NOBODY = (
    range(10)
)
PEOPLE = range(6)
HOLDERS = range(8)
PARTIES = range(10)


class Amount(NamedTuple):
    """An amount as a distance from a number of the moment: "held", "allowed", "headroom", ..."""

    of: str
    plus: int = 0


class Call(NamedTuple):
    """A call of the coin; addresses are numbers of parties, amounts ints or `Amount`s."""

    fn: str
    args: tuple[Any, ...] = ()


class Signature(NamedTuple):
    """How a permit is signed: by whom, for which nonce and chain, and what is done to it after."""

    signer: int
    nonce: int = 0  # added to the true one
    chain_id: int = 1
    harm: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """What a borrower does when it is called: calls that must succeed, one that is tried."""

    steps: Sequence[Call] = ()
    attempt: Call | None = None
    answer: bool = True


class Move(NamedTuple):
    """One transaction; `after` seconds later than the last."""

    who: int
    call: Call
    script: Script | None = None  # of BORROWER, before the call
    after: int = 0


VIEWS = ("totalSupply", "flash_minted", "balanceOf", "maxFlashLoan", "flashFee", "headroom")
ADDRESSES = {  # which arguments are parties
    "mint": (0,), "burn": (0,), "transfer": (0,), "transferFrom": (0, 1), "approve": (0,),
    "permit": (0, 1), "flashLoan": (0, 1), "set_ceiling": (0,), "set_flash": (),
    "balanceOf": (0,), "maxFlashLoan": (0,), "flashFee": (0,), "headroom": (0,),
}  # fmt: skip


class Rig:
    """A coin, its parties and its model."""

    def __init__(self) -> None:
        self.node = RevmNode(GENESIS)
        self.seen: Counter[str] = Counter()
        self.borrowers = [self.deploy("MockBorrower") for _ in "ab"]
        self.slots = slots_of("Stablecoin")

    def deploy(self, name: str, *args: Any) -> Contract:
        found = artifact(name)
        sender = UnlockedSender(self.node, DEV_ADDRESSES[0])
        return Contract(self.node, deploy_contract(sender, found, *args), found.abi)

    def begin(self, *moves: Move) -> Rig:
        """Deploy a coin of its own, and play these moves on it, uncounted."""
        self.coin = self.deploy("Stablecoin", "Surety Dollar", "SUSD", DEV_ADDRESSES[0])
        self.parties = [
            *DEV_ADDRESSES,
            *(each.address for each in self.borrowers),
            self.coin.address,
            ZERO,
        ]
        self.model = Stablecoin(self.coin.address, DEV_ADDRESSES[0])
        self.scripts: dict[str, Any] = {}
        for borrower in (BORROWER, OTHER_BORROWER):
            self.write_script(borrower, Script())
        self.reached = self._reached()
        counted = self.seen.copy()
        for move in moves:
            self.make(move)
        self.seen = counted
        return self

    # moves

    def make(self, move: Move) -> Ran:
        """Make a move on the coin and in the model, and compare everything."""
        if move.script is not None:
            self.write_script(BORROWER, move.script)
        at = self.node.time + move.after
        sender, fn = self.parties[move.who], move.call.fn
        args = self.resolve(move.who, move.call, at)
        model, reason, returned = self.model, None, None
        self.tried: int | str | None = None
        model.events.clear()
        try:
            returned = self.apply(sender, fn, args, at)
        except Refused as refused:
            reason = refused.reason
            assert not model.events
        ran = self.run(move.who, self.coin.encode(fn, *args), at)
        assert ran.reason == reason, move
        self.seen[reason if reason is not None else fn] += 1
        if reason is None:
            assert ran.output == self.encoded(fn, returned)
            self.seen[f"{fn} {returned}"] += 1
            self.check_logs(ran)
            if self.tried is not None:
                assert self.response() == self.tried
        self.check_words()
        return ran

    def run(self, who: int, data: bytes, at: int) -> Ran:
        """Call the coin as somebody; a borrower, having code, as part of somebody's call."""
        if who not in (BORROWER, OTHER_BORROWER):
            return self.node.run(self.parties[who], self.coin.address, data, at)
        borrower = self.borrowers[who - BORROWER]
        data = borrower.encode("execute", self.coin.address, data)
        ran = self.node.run(self.parties[STRANGER], borrower.address, data, at)
        if ran.reason is not None:
            return ran
        return replace(ran, output=bytes(borrower.decode("execute", ran.output)))

    def send(self, who: int, fn: str, *args: Any) -> Ran:
        """Make a call that must succeed, past the model; addresses are given as they are."""
        ran = self.run(who, self.coin.encode(fn, *args), self.node.time)
        assert ran.reason is None
        return ran

    def number_of(self, party: int) -> int:
        """Return a party's address as the model has it in events."""
        return as_number(self.parties[party])

    def write_script(self, borrower: int, script: Script) -> None:
        """Let a borrower follow a script from now on."""
        contract = self.borrowers[borrower - BORROWER]
        steps = [self.resolved(borrower, step) for step in script.steps]
        attempt = None if script.attempt is None else self.resolved(borrower, script.attempt)
        data = [(self.coin.address, self.coin.encode(*step)) for step in steps]
        tried = (ZERO, b"") if attempt is None else (self.coin.address, self.coin.encode(*attempt))
        self.tell(contract, "set_steps", data)
        self.tell(contract, "set_attempt", *tried)
        self.tell(contract, "set_answer", ANSWER if script.answer else ANSWER[::-1])
        self.scripts[contract.address] = (steps, attempt, script.answer)

    def resolved(self, who: int, call: Call) -> tuple[Any, ...]:
        return call.fn, *self.resolve(who, call, self.node.time)

    def resolve(self, who: int, call: Call, at: int) -> tuple[Any, ...]:
        """Return the arguments as the contract takes them."""
        args = list(call.args)
        named = [args[place] for place in ADDRESSES.get(call.fn, ())]
        for place in ADDRESSES.get(call.fn, ()):
            args[place] = self.parties[args[place]]
        for place, arg in enumerate(args):
            if isinstance(arg, Amount):
                args[place] = min(MAX, max(0, self.number(who, call.fn, named, arg.of) + arg.plus))
        if call.fn == "permit":
            owner, spender, amount, late, signature = args
            deadline = max(0, at + late)
            args = [owner, spender, amount, deadline]
            args += self.sign(owner, spender, amount, deadline, signature)
        return tuple(args)

    def number(self, who: int, fn: str, named: Sequence[int], of: str) -> int:
        """Return the number that an amount is measured from."""
        model, caller = self.model, self.parties[who]
        payer = self.parties[named[0]] if fn in ("burn", "transferFrom") else caller
        if of == "held":
            return model.balance_of(payer)
        if of == "allowed":
            return model.allowance(payer, caller)
        if of == "headroom":
            return model.headroom(caller)
        if of == "out":
            minter = self.parties[named[0]] if fn == "set_ceiling" else caller
            return model.minted.get(as_number(minter), 0)
        assert of == "flash"
        return model.flash_ceiling

    def sign(
        self, owner: str, spender: str, amount: int, deadline: int, how: Signature
    ) -> tuple[int, bytes, bytes]:
        """Sign a permit, and harm the signature."""
        domain = domain_separator("Surety Dollar", how.chain_id, self.coin.address)
        nonce = max(0, self.model.nonces.get(as_number(owner), 0) + how.nonce)
        digest = permit_digest(domain, owner, spender, amount, nonce, deadline)
        key = PrivateKey(bytes.fromhex(DEV_KEYS[how.signer]))
        raw = key.sign_recoverable(digest, hasher=None)
        v, r, s = raw[64] + 27, raw[:32], raw[32:64]
        if how.harm == "high s":
            return 55 - v, r, (CURVE_ORDER - int.from_bytes(s)).to_bytes(32)
        if how.harm == "v":
            return v + 2, r, s
        if how.harm == "zero":
            return v, bytes(32), bytes(32)
        return v, r, s

    def apply(self, caller: str, fn: str, args: Sequence[Any], at: int) -> Any:
        """Make a call in the model and return what the contract returns."""
        model = self.model
        if fn == "mint":
            return model.mint(caller, *args)
        if fn == "permit":
            owner, spender, amount, deadline, *signature = args
            return model.permit(owner, spender, amount, deadline, tuple(signature), at)
        if fn == "flashLoan":
            receiver, token, amount, _ = args
            model.flash_loan(receiver, token, amount, lambda fee: self.called_back(receiver, at))
            return True
        if fn in VIEWS:
            return {
                "totalSupply": lambda: model.total_supply,
                "flash_minted": lambda: model.flash_minted,
                "balanceOf": model.balance_of,
                "maxFlashLoan": model.max_flash_loan,
                "flashFee": model.flash_fee,
                "headroom": model.headroom,
            }[fn](*args)
        method = {"transferFrom": "transfer_from"}.get(fn, fn)
        getattr(model, method)(caller, *args)
        return None if fn in ("set_ceiling", "set_flash") else True

    def called_back(self, receiver: str, at: int) -> bool:
        """Do in the model what a receiver does when it is called."""
        if receiver not in self.scripts:
            raise Refused("")  # nothing that could answer
        steps, attempt, answer = self.scripts[receiver]
        for fn, *args in steps:
            self.apply(receiver, fn, args, at)
            self.seen[f"step {fn}"] += 1
        if attempt is not None:
            fn, *args = attempt
            try:
                returned = self.apply(receiver, fn, args, at)
            except Refused as refused:
                self.seen[f"tried: {refused.reason}"] += 1
                self.tried = refused.reason
            else:
                self.seen[f"tried: {fn}"] += 1
                self.tried = int(returned)
        return answer

    def response(self, borrower_number: int = BORROWER) -> int | str:
        """Return what a borrower's last attempt came to: a number, or why it was refused."""
        borrower = self.borrowers[borrower_number - BORROWER]
        assert borrower.read("attempted")
        response = bytes(borrower.read("response"))
        return int.from_bytes(response) if borrower.read("succeeded") else revert_reason(response)

    def borrower_events(self, ran: Ran) -> list[dict[str, Any]]:
        """Return what the borrowers were called with, in order."""
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
        found = self.borrowers[0].events(logs)
        return [dict(event.args) for event in found if event.name == "Called"]

    # comparing

    def encoded(self, fn: str, returned: Any) -> bytes:
        return b"" if returned is None else int(returned).to_bytes(32)

    def check_logs(self, ran: Ran) -> None:
        """All that the coin logged is what its model logged, in order."""
        logs = [as_json(log, 1, at, "0x") for at, log in enumerate(ran.logs)]
        found = [
            (
                event.name,
                tuple(v if isinstance(v, int) else int(v, 16) for v in event.args.values()),
            )
            for event in self.coin.events(
                [log for log in logs if log["address"] == self.coin.address]
            )
        ]
        assert found == self.model.events

    def check_words(self) -> None:
        """Every word that a move could reach is the model's."""
        model, wanted = self.model, []
        numbers = [as_number(party) for party in self.parties]
        minters = list(model.minted)
        for party in numbers:
            word = 0
            if party in model.minted:
                word = 1 << 248 | model.ceilings[party] << 128 | model.minted[party]
            wanted += [model.balances.get(party, 0), model.nonces.get(party, 0), word]
        wanted += [model.allowances.get((a, b), 0) for a in numbers for b in numbers]
        wanted += [model.burned_beyond, model.flash_fee_bps << 128 | model.flash_ceiling]
        wanted += [len(minters), *minters, *[0] * (MAX_MINTERS - len(minters))]
        assert self.node.words(self.reached) == wanted
        supply = self.coin.read("totalSupply")
        assert supply == model.total_supply == sum(model.balances.values())
        assert self.coin.read("flash_minted") == model.flash_minted == 0
        assert self.coin.read("burned_beyond") == model.burned_beyond
        for minter in (each for each in self.parties if as_number(each) in model.minted):
            assert self.coin.read("headroom", minter) == model.headroom(minter)

    def _reached(self) -> list[tuple[str, int]]:
        """Return where everything lies that a move could reach, in the order of `check_words`."""
        numbers, slots = [as_number(party) for party in self.parties], self.slots
        found = [
            at_key(slots[name], party)
            for party in numbers
            for name in ("balanceOf", "nonces", "_minters")
        ]
        allowed = [at_key(slots["allowance"], owner) for owner in numbers]
        found += [at_key(of_owner, spender) for of_owner in allowed for spender in numbers]
        found += [slots["_burned_beyond"], slots["_flash_terms"]]
        found += [slots["_minter_list"] + place for place in range(1 + MAX_MINTERS)]
        return [(self.coin.address, slot) for slot in found]

    def tell(self, borrower: Contract, fn: str, *args: Any) -> None:
        """Tell a borrower something past the scripts."""
        data = borrower.encode(fn, *args)
        ran = self.node.run(self.parties[GOVERNOR], borrower.address, data, self.node.time)
        assert ran.reason is None
