# SPDX-License-Identifier: MIT
"""What can be wrong with a deployment: its parameters, or a step of it."""


class ParamsError(ValueError):
    """A parameter that the contracts would refuse; the message says what is allowed."""


class DeployError(RuntimeError):
    """A step of a deployment failed; the message names the step."""
