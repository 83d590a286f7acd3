# SPDX-License-Identifier: MIT
"""Tools that try any Vyper 0.4 project: a lint, layout snapshots, a permission sweep, a mutator.

`source` reads a project; every tool is a pure function of what it reads and of its options, and
`command` puts them on the command line as `surety check`.
"""
