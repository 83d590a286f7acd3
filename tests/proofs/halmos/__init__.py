# SPDX-License-Identifier: MIT
"""What is shown of the deployed bytecode by symbolic runs, and the tool that runs them."""
