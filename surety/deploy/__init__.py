# SPDX-License-Identifier: MIT
"""Deployment: typed parameters in, a whole system out."""

from surety.deploy.adapters import (
    ADAPTERS,
    Adapter,
    Chainlink,
    Median,
    Minimum,
    Product,
    Pyth,
    Share,
    Source,
    Twap,
)
from surety.deploy.errors import DeployError, ParamsError
from surety.deploy.local import LOCAL_KINDS, LocalKind, local_feed, local_kinds
from surety.deploy.params import (
    LOOSE_LIMITS,
    LST,
    LST_LIMITS,
    MAJOR,
    MAJOR_LIMITS,
    STABLE,
    STABLE_LIMITS,
    TAIL_LIMITS,
    BookParams,
    KindParams,
    Levels,
    Limits,
    SystemParams,
    limits_for,
    widest_bounds,
)
from surety.deploy.reading import Deployer
from surety.deploy.system import DeployedKind, System, deploy_system

__all__ = [
    "ADAPTERS",
    "LOCAL_KINDS",
    "LOOSE_LIMITS",
    "LST",
    "LST_LIMITS",
    "MAJOR",
    "MAJOR_LIMITS",
    "STABLE",
    "STABLE_LIMITS",
    "TAIL_LIMITS",
    "Adapter",
    "BookParams",
    "Chainlink",
    "DeployError",
    "DeployedKind",
    "Deployer",
    "KindParams",
    "Levels",
    "Limits",
    "LocalKind",
    "Median",
    "Minimum",
    "ParamsError",
    "Product",
    "Pyth",
    "Share",
    "Source",
    "System",
    "SystemParams",
    "Twap",
    "deploy_system",
    "limits_for",
    "local_feed",
    "local_kinds",
    "widest_bounds",
]
