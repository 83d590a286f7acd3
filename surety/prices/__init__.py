# SPDX-License-Identifier: MIT
"""Prices: replayed through the guarded hub, and those of a live one.

A replay: `market` is a price in time and what an oracle says of it, `engines` are the hub itself
and its exact model, `config` says how a kind is guarded, `replay` runs and measures, `accounts`
counts who would have been liquidated, `stress` are bad prints rebuilt, `sources` reads files and
stories, `picture` and `tables` show what came out. A live hub: `board` reads it, `live` shows and
pokes it. `command` is the door to both.
"""
