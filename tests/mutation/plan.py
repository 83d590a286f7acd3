# SPDX-License-Identifier: MIT
"""Which tests are asked about which source, in which order, and of which contracts it is part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A contract to compile, whether campaigns are played with it, and its tests in order."""

    contract: str
    campaigns: tuple[str, ...]
    tests: tuple[str, ...]


INCIDENTS = ("tests/incidents/",)
VAULT = Part(
    "Vault",
    ("words", "feeds", "governed"),
    (
        "tests/unit/vault/",
        "tests/unit/vault_liquidation/",
        "tests/unit/margin_models/",
        "tests/unit/settlement/",
        *INCIDENTS,
        "tests/unit/listings/",
        "tests/unit/governor/",
        "tests/bad_inputs/",
    ),
)
HUB = Part(
    "PriceHub",
    ("feeds",),
    (
        "tests/unit/price_hub/",
        "tests/unit/test_governed.py",
        *INCIDENTS,
        "tests/unit/listings/",
        "tests/integration/test_prices.py",
        "tests/unit/governor/",
        "tests/bad_inputs/",
    ),
)
COIN = Part(
    "Stablecoin",
    ("words",),
    (
        "tests/unit/stablecoin/",
        "tests/unit/test_governed.py",
        "tests/unit/peg_stability/",
        *INCIDENTS,
        "tests/unit/governor/",
        "tests/bad_inputs/",
    ),
)
FUND = Part(
    "InsuranceFund",
    ("words",),
    (
        "tests/unit/insurance_fund/",
        "tests/unit/test_governed.py",
        *INCIDENTS,
        "tests/unit/settlement/",
        "tests/unit/governor/",
        "tests/bad_inputs/",
    ),
)
# other contracts with reasons of their own
MODELS = Part("MarginModels", (), ("tests/unit/margin_models/",))
OPERATORS = Part("Operators", (), ("tests/unit/operators/",))
SETTLEMENT = Part("Settlement", (), ("tests/unit/settlement/",))
# formulas are asked without any compiler: what they compute is read from the source itself
FORMULAS = Part(
    "",
    (),
    (
        "tests/modules/test_edges.py",
        "tests/modules/test_interest.py",
        "tests/modules/test_properties.py",
        "tests/proofs/test_margin_math.py",
        "tests/modules/test_vectors.py",
    ),
)
CORE: dict[str, tuple[Part, ...]] = {
    "contracts/Vault.vy": (VAULT,),
    "contracts/PriceHub.vy": (HUB,),
    "contracts/Stablecoin.vy": (COIN,),
    "contracts/InsuranceFund.vy": (FUND,),
    "contracts/modules/margin_math.vy": (FORMULAS,),
    "contracts/modules/ledger.vy": (VAULT,),
    "contracts/modules/interest.vy": (VAULT,),
    "contracts/modules/account.vy": (VAULT,),
    "contracts/modules/transfers.vy": (VAULT, FUND),
    "contracts/modules/reasons.vy": (OPERATORS, MODELS, SETTLEMENT, VAULT),
    "contracts/modules/governed.vy": (COIN, VAULT),
    "contracts/modules/price_word.vy": (HUB, VAULT),
}
TESTS = tuple(sorted({test for parts in CORE.values() for part in parts for test in part.tests}))
