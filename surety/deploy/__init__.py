# SPDX-License-Identifier: MIT
"""Deployment: typed parameters in, a whole system out."""

from surety.deploy.local import LOCAL_KINDS, LocalKind, local_kinds
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
    ParamsError,
    SystemParams,
)
from surety.deploy.system import DeployedKind, DeployError, System, deploy_system

__all__ = [
    "LOCAL_KINDS",
    "LOOSE_LIMITS",
    "LST",
    "LST_LIMITS",
    "MAJOR",
    "MAJOR_LIMITS",
    "STABLE",
    "STABLE_LIMITS",
    "TAIL_LIMITS",
    "BookParams",
    "DeployError",
    "DeployedKind",
    "KindParams",
    "Levels",
    "Limits",
    "LocalKind",
    "ParamsError",
    "System",
    "SystemParams",
    "deploy_system",
    "local_kinds",
]
