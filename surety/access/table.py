# SPDX-License-Identifier: MIT
"""Who may call what: every external function of every contract that is deployed.

The table is declared here and held against the code from two sides: the guards that
`surety.access.guards` reads out of the sources must be exactly those named here, and
`tests/access` calls every function on a live system as everybody there is. `docs/access.md` is
written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from surety.access.guards import SKIPPED, Guard

# who there is in a system whose contracts all ended at the governor
ANYONE: Final = "anyone"
OWNER: Final = "owner"
OPERATOR: Final = "operator"
SPENDER: Final = "spender"
SUCCESSOR: Final = "successor"
MINTER: Final = "minter"
BOOK: Final = "book"
FUND: Final = "fund"
NEXT_FUND: Final = "next fund"
LISTINGS: Final = "listings"
MODELS: Final = "margin models"
SETTLEMENT: Final = "settlement"
WETH: Final = "weth"
GOVERNOR: Final = "governor"
ADMIN: Final = "admin"
GUARDIAN: Final = "guardian"

ROLES: Final[Mapping[str, str]] = {
    ANYONE: "every address, contracts included",
    OWNER: "the address inside an account's number, or the holder of coins",
    OPERATOR: "whom an owner lets act for a sub-account of one book (`Operators`)",
    SPENDER: "whom a holder allowed to move coins (`approve`, `permit`)",
    MINTER: "a contract with a ceiling at the coin: the books, the fund, the peg",
    BOOK: "the vault whose account is meant, while it calls",
    FUND: "the `InsuranceFund` that a book has accepted",
    NEXT_FUND: "the fund that a book's governor has proposed",
    LISTINGS: "`Listings`, as the hub names it; it acts for nobody but who governs hub and vault",
    MODELS: "the book's `MarginModels`",
    SETTLEMENT: "the book's `Settlement`",
    WETH: "the token contract of wrapped ether",
    GOVERNOR: "`Governor`: acts of the admin after their delay, and of the guardian where they only"
    " tighten",
    SUCCESSOR: "whom the present governor or admin has proposed, until they accept",
    ADMIN: "who proposes acts: a Safe or a DAO",
    GUARDIAN: "who stops things at once, for seven days, and can loosen nothing",
}

# what stops a call, and the reason that it is refused with
PAUSES: Final[Mapping[str, str]] = {
    "borrow": "borrowing paused",
    "withdraw": "withdrawing paused",
    "call": "calling paused",
    "take": "taking paused",
    "callbacks": "callbacks paused",
    "flash": "above flash ceiling",
    "reap": "reaping paused",
    "peg": "minting paused",
    "shut": "shut down",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Who may make one kind of call of a function.

    `otherwise` is the reason that everybody else is refused with, `what` tells the case from the
    others of its function, `stopped_by` names the pauses that refuse it to everybody.
    """

    who: tuple[str, ...]
    otherwise: str = ""
    what: str = ""
    stopped_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """One function: its cases, and the guards that its source must have, no more and no fewer."""

    cases: tuple[Case, ...]
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract: its functions that write, and the names of those that only read.

    Of these `asking` are answered according to who asks.
    """

    about: str
    writes: Mapping[str, Access]
    reads: tuple[str, ...]
    asking: tuple[str, ...] = ()


def _authorised(account: str, *when: str) -> tuple[Guard, ...]:
    """Return how a vault asks whether the caller is the owner or an operator with its bit."""
    owner = f"convert({account} >> 8, address)"
    passes = (
        f"msg.sender == {owner} or staticcall IOperators(operators)"
        f".is_authorised(self, {owner}, {account} & 255, msg.sender)"
    )
    return (Guard(passes, "not authorised", when),)


def _raising(account: str) -> tuple[Guard, ...]:
    """Return how a change asks, when it raises risk or enables a kind: seldom, of the owner."""
    when = ("raised | mask & ~old_mask != 0", f"msg.sender != convert({account} >> 8, address)")
    return (
        Guard(f"{account} >> 168 == 0", "unknown account", when),
        *_authorised(account, *when),
    )


_TO_CALLER: Final = Guard(
    "msg.sender != empty(address) and msg.sender != self", "bad receiver", ("raised != 0",)
)
_IS_GOVERNOR: Final = Guard("msg.sender == governed.governor", "not governor")
_IS_OWNER: Final = Guard("account >> 8 == convert(msg.sender, uint256)", "not the owner")


def _anyone(*stopped_by: str, what: str = "") -> Access:
    return Access((Case((ANYONE,), what=what, stopped_by=stopped_by),))


_GOVERNOR_ONLY: Final = Access((Case((GOVERNOR,), "not governor"),), (_IS_GOVERNOR,))
_GOVERNOR_UNLESS_SHUT: Final = Access(
    (Case((GOVERNOR,), "not governor", stopped_by=("shut",)),), (_IS_GOVERNOR,)
)
_SETTLEMENT_ONLY: Final = Access(
    (Case((SETTLEMENT,), "not settlement"),),
    (Guard("msg.sender == settlement", "not settlement"),),
)
_GOVERNED: Final = {
    "propose_governor": _GOVERNOR_ONLY,
    "accept_governor": Access(
        (Case((SUCCESSOR,), "not proposed"),),
        (Guard("msg.sender == governed.pending_governor", "not proposed"),),
    ),
}
_GOVERNED_READS: Final = ("governor", "pending_governor")
_BOOK_WORDS: Final = (
    "accounts",
    "balances",
    "collateral",
    "deposited",
    "absorbed",
    "interest",
    "totals",
)
_BOOK_CONSTANTS: Final = (
    "coin",
    "hub",
    "operators",
    "margin_models",
    "grace_period",
    "auction_duration",
    "call_cool_down",
    "debt_floor",
    "call_tip",
    "liquidation_penalty",
)
_LENS_READS: Final = (
    "account_of",
    "holdings_of",
    "auction_price",
    "kind_of",
    "book_of",
    "is_authorised",
    "states_of",
    "levels_of",
    "preview_adjust",
    "preview_move",
    "preview_margin_model",
    "preview_margin_call",
    "preview_take",
    "preview_cure",
    "preview_absorb",
    "max_borrow",
    "max_withdraw",
    "callable_accounts",
    "auctions",
)

_VAULT: Final = Contract(
    "One book: accounts, debts, margin calls and auctions.",
    {
        **_GOVERNED,
        "deposit": Access(
            (
                Case((ANYONE,), what="into a kind that the account has"),
                Case((OWNER, OPERATOR), "not authorised", "enabling a kind", ("shut",)),
            ),
            (_TO_CALLER, *_raising("account_")),
        ),
        "withdraw": Access(
            (
                Case((OWNER, OPERATOR), "not authorised", "of an account without debt"),
                Case((OWNER, OPERATOR), "not authorised", "with debt left", ("withdraw",)),
            ),
            _raising("account_"),
        ),
        "borrow": Access(
            (Case((OWNER, OPERATOR), "not authorised", stopped_by=("borrow",)),),
            _raising("account_"),
        ),
        "repay": Access(
            (Case((ANYONE,), what="out of the caller's own coins"),),
            (_TO_CALLER, *_raising("account_")),
        ),
        "adjust": Access(
            (
                Case((ANYONE,), what="repaying or topping up only"),
                Case((OWNER, OPERATOR), "not authorised", "enabling a kind", ("shut",)),
                Case((OWNER, OPERATOR), "not authorised", "borrowing", ("borrow",)),
                Case((OWNER, OPERATOR), "not authorised", "withdrawing", ("withdraw",)),
                Case((ANYONE,), what="with a callback to the caller", stopped_by=("callbacks",)),
            ),
            _raising("account_"),
        ),
        "move": Access(
            (
                Case(
                    (OWNER, OPERATOR),
                    "not authorised",
                    "of both accounts; collateral or debt where debt stays",
                    ("borrow", "withdraw"),
                ),
                Case(
                    (OWNER, OPERATOR),
                    "not authorised",
                    "of both accounts; between two without debt, enabling a kind",
                    ("shut",),
                ),
            ),
            (
                *_authorised("source"),
                *_authorised("destination"),
                _TO_CALLER,
                *_raising("source"),
                *_raising("destination"),
            ),
        ),
        "set_margin_model": Access(
            (Case((OWNER, OPERATOR), "not authorised"),), _authorised("account_")
        ),
        "margin_call": _anyone("call"),
        "margin_calls": _anyone("call"),
        "take": Access(
            (
                Case((ANYONE,), what="out of the caller's own coins", stopped_by=("take",)),
                Case((ANYONE,), what="with a callback", stopped_by=("take", "callbacks")),
            )
        ),
        "takes": _anyone("take", what="out of the caller's own coins"),
        "cure": _anyone(),
        "absorb": _anyone("take"),
        "accrue": _anyone(),
        "withdraw_absorbed": Access(
            (
                Case((FUND,), "not fund", "while the book is open"),
                Case((SETTLEMENT,), "not fund", "once it is shut"),
            ),
            (
                Guard(
                    "msg.sender == (settlement if ledger.totals >> ledger.PAUSES & ledger.SHUT != 0"
                    " else self.fund)",
                    "not fund",
                ),
            ),
        ),
        "shutdown": replace(
            _SETTLEMENT_ONLY,
            cases=(Case((SETTLEMENT,), "not settlement", "once", ("shut",)),),
        ),
        "settle": _SETTLEMENT_ONLY,
        "list_collateral": Access(
            (Case((GOVERNOR, LISTINGS), "not governor"),),
            (
                Guard(
                    _IS_GOVERNOR.passes,
                    "not governor",
                    ("msg.sender != staticcall IPriceHub(hub).listings()",),
                ),
            ),
        ),
        "set_levels": _GOVERNOR_ONLY,
        "set_cap": _GOVERNOR_ONLY,
        "set_frozen": _GOVERNOR_ONLY,
        "set_pauses": _GOVERNOR_UNLESS_SHUT,
        "set_rate": _GOVERNOR_UNLESS_SHUT,
        "set_default_model": Access(
            (Case((MODELS,), "not margin models"),),
            (Guard("msg.sender == margin_models", "not margin models"),),
        ),
        "propose_fund": _GOVERNOR_ONLY,
        "accept_fund": Access(
            (Case((NEXT_FUND,), "not proposed"),),
            (Guard("msg.sender == self.pending_fund", "not proposed"),),
        ),
    },
    (
        *_BOOK_WORDS,
        *_GOVERNED_READS,
        "live_index",
        "total_debt",
        "debt_of",
        "health_factor",
        *_BOOK_CONSTANTS,
        "settlement",
        "fund",
        "pending_fund",
    ),
)

_ALLOWANCE: Final = "self.allowance[owner][msg.sender]"
_LIMIT: Final = "self._minters[msg.sender] >> AMOUNT_BITS & CEILING_MASK"
_LIMITED: Final = (f"{_ALLOWANCE} != max_value(uint256)",)
_STABLECOIN: Final = Contract(
    "The coin: what books lend.",
    {
        **_GOVERNED,
        "mint": Access(
            (Case((MINTER,), "not minter", "up to the minter's own ceiling"),),
            (
                Guard("self._minters[msg.sender] != 0", "not minter"),
                Guard(
                    f"amount <= {_LIMIT}"
                    f" and unsafe_add(self._minters[msg.sender] & AMOUNT_MASK, amount) <= {_LIMIT}",
                    SKIPPED,
                ),
            ),
        ),
        "burn": Access(
            (
                Case((ANYONE,), what="the caller's own coins"),
                Case((MINTER,), "not minter", "another holder's coins"),
            ),
            (Guard("self._minters[msg.sender] != 0 or holder == msg.sender", "not minter"),),
        ),
        "set_ceiling": _GOVERNOR_ONLY,
        "transfer": Access(
            (Case((ANYONE,), what="the caller's own coins"),),
            (
                Guard(
                    "self.balanceOf[msg.sender] >= amount",
                    "erc20: transfer amount exceeds balance",
                ),
            ),
        ),
        "transferFrom": Access(
            (Case((SPENDER,), "erc20: insufficient allowance"),),
            (
                Guard(f"{_ALLOWANCE} >= amount", "erc20: insufficient allowance", _LIMITED),
                Guard("owner != empty(address)", "erc20: approve from the zero address", _LIMITED),
                Guard(
                    "msg.sender != empty(address)",
                    "erc20: approve to the zero address",
                    _LIMITED,
                ),
            ),
        ),
        "approve": Access(
            (Case((ANYONE,), what="the caller's own coins"),),
            (Guard("msg.sender != empty(address)", "erc20: approve from the zero address"),),
        ),
        "permit": _anyone(what="with the holder's signature"),
        "flashLoan": Access(
            (Case((ANYONE,), what="to a receiver that agrees", stopped_by=("flash",)),),
            (
                Guard(
                    "extcall IFlashBorrower(receiver).onFlashLoan(msg.sender, token, amount, fee,"
                    " data) == FLASH_ANSWER",
                    "flash callback failed",
                ),
            ),
        ),
        "set_flash": _GOVERNOR_ONLY,
    },
    (
        *_GOVERNED_READS,
        "DOMAIN_SEPARATOR",
        "eip712Domain",
        "totalSupply",
        "minted",
        "ceiling",
        "headroom",
        "is_minter",
        "minters",
        "burned_beyond",
        "flash_minted",
        "flash_fee_bps",
        "flash_ceiling",
        "maxFlashLoan",
        "flashFee",
        "decimals",
        "name",
        "symbol",
        "balanceOf",
        "allowance",
        "nonces",
    ),
)

_PRICE_HUB: Final = Contract(
    "Guarded prices of every kind.",
    {
        **_GOVERNED,
        "sync": _anyone(),
        "sync_one": _anyone(),
        "poke": _anyone(),
        "list_kind": Access(
            (Case((GOVERNOR, LISTINGS), "not governor"),),
            (Guard(_IS_GOVERNOR.passes, "not governor", ("msg.sender != LISTINGS",)),),
        ),
        "set_oracle": _GOVERNOR_ONLY,
        "set_bounds": _GOVERNOR_ONLY,
        "set_max_age": _GOVERNOR_ONLY,
        "set_limits": _GOVERNOR_ONLY,
        "set_sequencer": _GOVERNOR_ONLY,
    },
    (
        *_GOVERNED_READS,
        "read",
        "read_one",
        "live_price",
        "words",
        "token_of",
        "config_of",
        "bounds_of",
        "fresh_for",
        "limits_of",
        "volatility_of",
        "confirm_period",
        "listings",
        "kind_count",
        "sequencer",
    ),
)

_INSURANCE_FUND: Final = Contract(
    "Equity, inventory and its auction.",
    {
        **_GOVERNED,
        "recapitalise": _anyone(what="out of the caller's own coins"),
        "collect": _anyone(),
        "start_auction": _anyone(what="of what was collected"),
        "buy": _anyone(what="out of the caller's own coins"),
        "reap": _anyone("reap", what="once a day; nothing while a book is shut down"),
        **dict.fromkeys(
            (
                "add_book",
                "accept_book",
                "retire_book",
                "add_reserve",
                "remove_reserve",
                "set_treasury",
                "set_buffer",
                "set_reaping_paused",
                "set_auction",
            ),
            _GOVERNOR_ONLY,
        ),
    },
    (
        *_GOVERNED_READS,
        "equity",
        "solvency",
        "books",
        "reserves",
        "inventory",
        "coin",
        "treasury",
        "buffer_bps",
        "buffer_target",
        "reaped_at",
        "is_reaping_paused",
        "auction_of",
        "price_of",
        "auction_duration",
        "start_factor",
        "end_factor",
    ),
)

_PEG_STABILITY: Final = Contract(
    "Coins for a reserve stable and back.",
    {
        **_GOVERNED,
        "mint": _anyone("peg", what="out of the caller's own reserve"),
        "redeem": _anyone(what="out of the caller's own coins"),
        "set_fees": _GOVERNOR_ONLY,
        "set_guard": _GOVERNOR_ONLY,
        "set_minting_paused": _GOVERNOR_ONLY,
    },
    (
        *_GOVERNED_READS,
        "backing",
        "coin",
        "reserve",
        "hub",
        "kind",
        "reserve_decimals",
        "reserve_held",
        "mint_fee_bps",
        "redeem_fee_bps",
        "guard_price",
        "is_minting_paused",
        "mintable",
        "redeemable",
        "preview_mint",
        "preview_redeem",
    ),
)

_OWNERS_TIME: Final = "owner may still repay"
_OWNERS_END: Final = "(self._states[vault] >> SHUT_AT & ledger.TIME_MASK) + SETTLEMENT_PERIOD"
_SETTLED: Final = ("debt != 0", f"debt <= worth and block.timestamp < {_OWNERS_END}")


def _settles(account: str, *when: str) -> tuple[Guard, ...]:
    """Return how a settlement asks whether the caller may give up collateral before its time."""
    owner = f"convert({account} >> 8, address)"
    listed = (
        "staticcall IOperators(staticcall IVault(vault).operators())"
        f".is_authorised(vault, {owner}, {account} & 255, "
    )
    return (
        Guard("True", "(is_authorised)", (f"msg.sender == {owner}",)),
        Guard(f"{listed}msg.sender)", "(is_authorised)", (f"msg.sender != {owner}",)),
        Guard(f"self.is_authorised(vault, {account})", SKIPPED, (*when, *_SETTLED)),
    )


_SETTLEMENT: Final = Contract(
    "The orderly end of a book; nobody owns it.",
    {
        "shutdown": Access(
            (Case((GOVERNOR,), "not governor", "of the vault, once"),),
            (Guard("msg.sender == staticcall Book(vault).governor()", "not governor"),),
        ),
        "settle": Access(
            (
                Case((ANYONE,), what="what owes more than it is worth; anything after 7 days"),
                Case((OWNER, OPERATOR), _OWNERS_TIME, "any other account"),
            ),
            (
                *_settles("account_"),
                Guard("refused != NO_DEBT", "no debt"),
                Guard("refused != OWNERS_TIME", _OWNERS_TIME),
            ),
        ),
        "settles": Access(
            (Case((ANYONE,), what="skipping what the caller may not settle"),),
            _settles("accounts[i]", "each i"),
        ),
        "open_redemption": _anyone(what="of a book that owes nothing"),
        "relieve": _anyone(what="of a pool that carries more than the deficit is now"),
        "redeem": _anyone(what="out of the caller's own coins"),
        "claim": Access(
            (
                Case((ANYONE,), what="paid to its holder"),
                Case((OWNER,), "not holder", "paid to somebody else"),
            ),
            (Guard("receiver == holder or msg.sender == holder", "not holder"),),
        ),
        "sweep": _anyone(what="365 days after the redemption was opened"),
    },
    (
        "backing_of",
        "phase_of",
        "shut_at",
        "opened_at",
        "frozen_price",
        "pool_of",
        "claims_of",
        "owed_to",
        "preview_redeem",
    ),
)

_ADMIN_ONLY: Final = Access(
    (Case((ADMIN,), "not admin"),), (Guard("msg.sender == self.admin", "not admin"),)
)
# of acts whose moment matters
_BY_ADMIN: Final = Guard("not verdict.is_admins or msg.sender == self.admin", "not admin")
_ITSELF: Final = Access(
    (Case((GOVERNOR,), "not itself", "by an act"),), (Guard("msg.sender == self", "not itself"),)
)


_LATELY: Final = "block.timestamp < guard.guarded_at + 2 * GUARD_PERIOD"


def _tightens(*when: str, by_bit: bool = False) -> Access:
    """Return what both of its people may do at once; the guardian not again and again.

    By bits, those that the guardian may not set again yet are left out.
    """
    return Access(
        (Case((ADMIN, GUARDIAN), "not guardian"),),
        (
            Guard("msg.sender == self.admin or msg.sender == self.guardian", "not guardian", when),
            Guard(
                "guard.target != empty(address)"
                " and block.timestamp < guard.guarded_at + GUARD_PERIOD",
                SKIPPED,
                (
                    *when,
                    "not msg.sender == self.admin",
                    f"guard.guarded_at != 0 and {_LATELY}",
                ),
            ),
            *(() if by_bit else (Guard("self._tighten(target, data)", "guarded lately"),)),
        ),
    )


_TIMELOCK: Final = Contract(
    "The timelock that every contract ends under; docs/governance.md says how it judges acts.",
    {
        "propose": _ADMIN_ONLY,
        "execute": Access(
            (
                Case(
                    (ANYONE,),
                    what="an act whose delay is over; a shutdown and another feed of a sequencer:"
                    " the admin only",
                ),
            ),
            (_BY_ADMIN,),
        ),
        "execute_expecting": replace(_ADMIN_ONLY, guards=(*_ADMIN_ONLY.guards, _BY_ADMIN)),
        "cancel": _ADMIN_ONLY,
        "veto": Access(
            (Case((GUARDIAN,), "not guardian"),),
            (Guard("msg.sender == self.guardian", "not guardian"),),
        ),
        "tighten": _tightens(),
        "pause": _tightens("each i", "bits & ~in_force & 1 << i != 0", by_bit=True),
        "keep": _ADMIN_ONLY,
        "lapse": _anyone(what="what the guardian did more than seven days ago"),
        "advance": _anyone(what="along a ramp that governance has set"),
        "halt": _ADMIN_ONLY,
        "adopt": _anyone(what="a registered contract that has proposed the governor"),
        "accept_admin": Access(
            (Case((SUCCESSOR,), "not proposed"),),
            (Guard("msg.sender == self.pending_admin", "not proposed"),),
        ),
        **dict.fromkeys(("register", "set_guardian", "propose_admin", "ramp", "retire"), _ITSELF),
        "set_pause": replace(
            _ITSELF, cases=(Case((GOVERNOR,), "not itself", "by an act", ("shut",)),)
        ),
    },
    (
        "preview",
        "acts",
        "act_count",
        "guards",
        "changed_at",
        "former",
        "ramps",
        "is_retired",
        "role_of",
        "contracts",
        "rules",
        "admin",
        "pending_admin",
        "guardian",
    ),
)

_LISTINGS: Final = Contract(
    "Lists a kind in hub and vault at once.",
    {
        "list": Access(
            (
                Case((GOVERNOR,), "not the vault's governor", "of both the vault and its hub"),
                Case((), "not the hub's governor", "in somebody else's vault over the hub"),
            ),
            (
                Guard(
                    "msg.sender == staticcall Governed(vault).governor()",
                    "not the vault's governor",
                ),
                Guard(
                    "msg.sender == staticcall Governed(hub).governor()", "not the hub's governor"
                ),
            ),
        )
    },
    ("preview",),
)

_OPERATORS: Final = Contract(
    "Who may act for an account besides its owner.",
    {
        "set_operator": _anyone(what="for the caller's own accounts"),
        "set_operator_by_signature": _anyone(what="with the owner's signature"),
        "lockdown": _anyone(what="for the caller's own accounts"),
    },
    ("DOMAIN_SEPARATOR", "is_authorised", "operator", "epoch", "nonces"),
)

_MARGIN_MODELS: Final = Contract(
    "The margin models of a book.",
    {**_GOVERNED, "list_model": _GOVERNOR_ONLY, "use_default": _GOVERNOR_ONLY},
    (
        *_GOVERNED_READS,
        "surcharges",
        "ask",
        "is_listed",
        "model_of",
        "models",
        "defaulted_at",
        "fade_of",
        "has_reliers",
    ),
    asking=("surcharges",),
)

_TIERED_MARGIN: Final = Contract(
    "A margin model: brackets and scales. Each setter changes margins at once, so the system's own"
    " governor cannot call one: it puts a new model into a slot instead.",
    {**_GOVERNED, "set_brackets": _GOVERNOR_ONLY, "set_scale": _GOVERNOR_ONLY},
    (*_GOVERNED_READS, "surcharges", "brackets_of", "scale_of"),
)

_SOURCE: Final = ("price",)


def _oracle(about: str, *reads: str, **writes: Access) -> Contract:
    return Contract(about, writes, (*_SOURCE, *reads))


def _zapped(*stopped_by: str) -> Access:
    return Access((Case((OWNER,), "not the owner", stopped_by=stopped_by),), (_IS_OWNER,))


_LEVERAGE_ZAP: Final = Contract(
    "Leverage over an exchange; an operator of the accounts that let it.",
    {
        "leverage": _zapped("borrow", "callbacks"),
        "deleverage": _zapped("withdraw", "callbacks"),
        "close": _zapped("callbacks"),
        # into a kind that the account has it is stopped by the first two alone
        "swap_collateral": _zapped("withdraw", "callbacks", "shut"),
        "on_adjust": Access(
            (Case((BOOK,), "not called back", "inside an `adjust` of this contract"),),
            (Guard("msg.sender == vault and self.is_expected", "not called back"),),
        ),
    },
    ("vault", "router", "coin"),
)

_WETH_GATEWAY: Final = Contract(
    "Ether in and out of an account's wrapped ether; an operator of the accounts that let it.",
    {
        "__default__": Access(
            (Case((WETH,), "only weth sends ether"),),
            (Guard("msg.sender == weth", "only weth sends ether"),),
        ),
        "deposit": Access(
            (
                Case((ANYONE,), what="where the account has wrapped ether"),
                Case((OWNER,), "not the owner", "enabling it", ("shut",)),
            ),
            (
                Guard(
                    _IS_OWNER.passes,
                    "not the owner",
                    ("staticcall IVault(vault).balances(account, kind) == 0",),
                ),
            ),
        ),
        "withdraw": Access(
            (
                Case((OWNER,), "not the owner", "of an account without debt"),
                Case((OWNER,), "not the owner", "with debt left", ("withdraw",)),
            ),
            (_IS_OWNER,),
        ),
    },
    ("vault", "weth", "kind"),
)

TABLE: Final[Mapping[str, Contract]] = {
    "Vault": _VAULT,
    "Stablecoin": _STABLECOIN,
    "InsuranceFund": _INSURANCE_FUND,
    "PegStability": _PEG_STABILITY,
    "Settlement": _SETTLEMENT,
    "PriceHub": _PRICE_HUB,
    "Listings": _LISTINGS,
    "MarginModels": _MARGIN_MODELS,
    "TieredMargin": _TIERED_MARGIN,
    "Operators": _OPERATORS,
    "LeverageZap": _LEVERAGE_ZAP,
    "WethGateway": _WETH_GATEWAY,
    "Governor": _TIMELOCK,
    "GovernanceRules": Contract(
        "Judges acts for whichever governor asks; no state.",
        {},
        ("judge", "undo_of", "restorable", "pauses_of"),
        asking=("judge", "restorable"),
    ),
    "Lens": Contract("Previews and scans; no state.", {}, _LENS_READS),
    "LensInPlace": Contract(
        "The lens put in a vault's place inside one call; no state of its own.",
        {},
        (
            *_BOOK_WORDS,
            *_LENS_READS,
            "live_index",
            *_BOOK_CONSTANTS,
            "settlement",
            "fund",
            "pending_fund",
        ),
    ),
    "ChainlinkOracle": _oracle("A price feed.", "aggregator", "decimals", "is_proxy"),
    "MinimumOracle": _oracle("The lower of two.", "first", "second", "source_gas"),
    "MedianOracle": _oracle(
        "The middle of three.",
        "first",
        "second",
        "third",
        "max_age",
        "max_spread_bps",
        "source_gas",
    ),
    "ProductOracle": _oracle("One times another.", "first", "second", "source_gas"),
    "ShareOracle": _oracle(
        "A share of a vault of its asset.",
        "snapshot",
        "ratio",
        "vault",
        "underlying",
        "source_gas",
        "max_growth_bps",
        "period",
        refresh=_anyone(what="once a period"),
    ),
    "UniswapTwapOracle": _oracle(
        "The mean price of a pool.",
        "pool",
        "token",
        "quote",
        "window",
        "min_cardinality",
        "min_liquidity",
    ),
    "PythOracle": _oracle(
        "A price that somebody brings, signed.",
        "pyth",
        "feed_id",
        "max_confidence_bps",
        update=Access(
            (Case((ANYONE,), what="with the publishers' signatures"),),
            (
                Guard(
                    'raw_call(msg.sender, b"", value=msg.value - fee, revert_on_failure=False)',
                    "refund failed",
                    ("msg.value > fee",),
                ),
            ),
        ),
    ),
}
