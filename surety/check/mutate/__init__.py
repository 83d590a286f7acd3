# SPDX-License-Identifier: MIT
"""Mutation testing for Vyper 0.4: small faults are put into a copy, and the tests have to notice.

`spans` finds where each node of Vyper's syntax tree stands in the text, `operators` are the kinds
of faults, `mutants` makes them, `project` copies and compiles, `runner` tries them one by one,
`argued` reads the survivors that somebody has explained, `report` says what was found.
"""
