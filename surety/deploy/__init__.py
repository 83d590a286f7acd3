# SPDX-License-Identifier: MIT
"""Deployment: typed parameters in, a whole system out."""

from surety.deploy.local import LOCAL_KINDS, LocalKind, local_kinds
from surety.deploy.params import (
    LST,
    MAJOR,
    STABLE,
    BookParams,
    KindParams,
    Levels,
    ParamsError,
    SystemParams,
)
from surety.deploy.system import DeployedKind, DeployError, System, deploy_system

__all__ = [
    "LOCAL_KINDS",
    "LST",
    "MAJOR",
    "STABLE",
    "BookParams",
    "DeployError",
    "DeployedKind",
    "KindParams",
    "Levels",
    "LocalKind",
    "ParamsError",
    "System",
    "SystemParams",
    "deploy_system",
    "local_kinds",
]
