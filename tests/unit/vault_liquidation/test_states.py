# SPDX-License-Identifier: MIT
"""The whole table of states of the specification on chain, with what each row allows.

Ten ETH at a price at which 5,100 coins are exactly at a level; the debt is that or one wei more;
the second lies on each side of each edge of the clock. What must come out is written here by hand.
"""

import pytest

from tests.unit.vault_liquidation.moves import (
    AT_CLOSE_OUT,
    AT_MAINTENANCE,
    AT_TARGET,
    COOL_DOWN,
    DEBT,
    DURATION,
    ETH,
    GRACE,
    call,
    open_eth,
    reprice,
)
from tests.world import (
    ABSORBABLE,
    AT_RISK,
    CALLABLE,
    CALLED,
    HEALTHY,
    IN_AUCTION,
    MAX,
    WAD,
)

LEVELS = {"target": AT_TARGET, "maintenance": AT_MAINTENANCE, "close-out": AT_CLOSE_OUT}
# the edges of a clock, as seconds after it opens
CLOCKS = {
    "no clock": None,
    "before": -1,
    "opens": 0,
    "closes": DURATION,
    "just closed": DURATION + 1,
    "a duration later": 2 * DURATION,
    "too late to absorb": 2 * DURATION + 1,
    "cool-down ends": DURATION + COOL_DOWN,
    "after the cool-down": DURATION + COOL_DOWN + 1,
}


def expected(level: str, over: int, clock: str) -> dict[str, object]:
    """Read the table: the state, and for each move its reason or what it does."""
    healthy = level == "target" and not over
    covered = healthy or level == "target" or (level == "maintenance" and not over)
    below_close_out = level == "close-out" and over == 1
    running = clock in ("opens", "closes")
    absorbable = below_close_out and clock in ("just closed", "a duration later")
    if healthy:
        state = HEALTHY
    elif covered:
        state = AT_RISK
    elif clock == "before":
        state = CALLED
    elif running:
        state = IN_AUCTION
    elif absorbable:
        state = ABSORBABLE
    else:
        state = CALLABLE

    row: dict[str, object] = {"state": state}
    if covered:
        row["margin_call"] = "account is covered"
    elif clock in ("no clock", "after the cool-down"):
        row["margin_call"] = 0 if below_close_out else GRACE
    elif clock == "before":
        row["margin_call"] = 0 if below_close_out else "already called"
    elif running:
        row["margin_call"] = "already called"
    elif absorbable:
        row["margin_call"] = "absorb instead"
    else:
        row["margin_call"] = 0
    row["take"] = "not in auction"
    if running:
        row["take"] = "account is covered" if covered else None
    row["cure"] = "not curable"
    if clock != "no clock" and healthy:
        row["cure"] = "cleared"
    elif running and covered:
        row["cure"] = "restarted"
    row["absorb"] = None if absorbable else "not absorbable"
    return row


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("over", [0, 1], ids=["exact", "a-wei-more"])
@pytest.mark.parametrize("level", LEVELS)
def test_states(stage, level, over, clock):
    world = stage.world
    debt, after_open = DEBT + over, CLOCKS[clock]
    if after_open is None:
        id = open_eth(stage, debt)
        now = world.now + 1_000
    else:
        called = call(stage, debt=debt)
        id, now = called.id, called.opens + after_open
    world.give_coins(world.keeper, 10_000 * WAD)
    reprice(stage, now, LEVELS[level])
    row = expected(level, over, clock)

    with world.snapshot():
        world.next_at(now)
        world.rpc.mine()
        assert world.debt(id) == debt
        levels = world.levels(id)
        assert dict(zip(LEVELS, levels[3:], strict=True))[level] == DEBT
        assert world.state(id) == row["state"]
        assert world.lens.read("states_of", world.vault.address, [id]) == (row["state"],)

    with world.snapshot():
        wanted = row["margin_call"]
        if isinstance(wanted, str):
            stage.act("margin_call", id, at=now, refused=wanted)
        else:
            done = stage.act("margin_call", id, at=now)
            assert done.after.positions[id].auction_start == now + wanted

    with world.snapshot():
        stage.act("take", id, ETH, WAD, MAX, world.keeper, b"", at=now, refused=row["take"])

    with world.snapshot():
        wanted = row["cure"]
        if wanted == "not curable":
            stage.act("cure", id, at=now, refused=wanted)
        else:
            done = stage.act("cure", id, at=now)
            assert done.after.positions[id].auction_start == (0 if wanted == "cleared" else now)

    stage.act("absorb", id, at=now, refused=row["absorb"])
