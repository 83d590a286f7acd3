# SPDX-License-Identifier: MIT
"""The demo: a market crash run through the real contracts on a local chain, watched block by block.

`series` reads prices, `scenario` rebuilds published crashes, `path` lays prices out in blocks,
`book` and `owners` are the people, `market` is where coins and collateral change hands, `engine`
runs it all, `invariants` checks each block, `report` draws what happened and `command` is the door.
"""
