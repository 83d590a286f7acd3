# SPDX-License-Identifier: MIT
"""What attackers of other systems did, in the words of this one: where a search begins."""

from __future__ import annotations

from surety.attack.acts import EVERYTHING, NOTHING, WHOLE, Act, Size
from surety.attack.play import Rules
from surety.attack.stage import ETH, STABLE, Stage

WEI = Size(0, 1)
HALF = Size(500)

Seed = tuple[str, tuple[Act, ...]]


def seeds(stage: Stage, rules: Rules) -> list[Seed]:
    """Return named sequences for a stage; those that need a market that moves only where it may."""
    mine, victims = stage.mine_places, stage.other_places
    names = stage.names

    def place(*wanted: str) -> int:
        """Return the first account of the attacker's whose name ends like one of these."""
        for end in wanted:
            for at in mine:
                if names[at].endswith(end):
                    return at
        return mine[-1]

    def victim(*wanted: str) -> int:
        for end in wanted:
            for at in victims:
                if names[at].endswith(end):
                    return at
        return victims[0]

    empty, held = place("empty", "empty0"), place("open", ".0")
    callable_, running, ripe = place("callable", ".1"), place("auction", ".2"), place("ripe", ".3")
    for_sale, doomed = victim("auction", "edge"), victim("ripe", "eth")
    slipped = -min(rules.move_bps, 400)
    pumped = rules.move_bps
    found: list[Seed] = [
        ("tip farming", (Act("margin_calls"), Act("wait", number=60), Act("margin_calls"))),
        (
            "self-liquidation",
            (
                Act("open", empty, kind=ETH, debt=WHOLE),
                Act("wait", number=12),
                Act("margin_call", empty),
                Act("take", empty, kind=ETH, size=EVERYTHING),
                Act("close", empty, kind=ETH),
            ),
        ),
        (
            "self-take",
            (
                Act("margin_call", callable_),
                Act("take", running, kind=ETH, size=EVERYTHING),
                Act("take", callable_, kind=ETH, size=Size(100)),
                Act("close", running, kind=ETH),
            ),
        ),
        (
            "self-absorb",
            (
                Act("absorb", ripe),
                Act("collect", kind=ETH),
                Act("start_auction", kind=ETH),
                Act("buy", kind=ETH, size=EVERYTHING),
            ),
        ),
        (
            "grace rolling",
            (
                Act("margin_call", callable_),
                Act("move", callable_, empty, ETH, WHOLE, WHOLE),
                Act("repay", callable_, size=Size(500)),
                Act("borrow", callable_),
                Act("cure", callable_),
                Act("margin_call", callable_),
            ),
        ),
        (
            "curing by a deposit",
            (
                Act("deposit", running, kind=ETH),
                Act("cure", running),
                Act("withdraw", running, kind=ETH),
                Act("margin_call", running),
            ),
        ),
        (
            "moving there and back",
            (
                Act("move", held, empty, ETH, HALF, HALF),
                Act("borrow", held),
                Act("move", empty, held, ETH, WHOLE, WHOLE),
                Act("repay", held, size=HALF),
            ),
        ),
        (
            "dust griefing",
            (
                Act("deposit", doomed, kind=ETH, size=WEI),
                Act("repay", doomed, size=WEI),
                Act("take", for_sale, kind=ETH, size=WEI),
                Act("repay", for_sale, size=WEI),
                Act("absorb", doomed),
            ),
        ),
        (
            "cap filling",
            (
                Act("deposit", held, kind=ETH, size=Size(25_000)),
                Act("take", for_sale, kind=ETH, size=EVERYTHING),
                Act("withdraw", held, kind=ETH, size=EVERYTHING),
            ),
        ),
        (
            "ceiling filling",
            (
                Act("open", empty, kind=STABLE, size=Size(45_000), debt=WHOLE),
                Act("margin_calls"),
                Act("close", empty, kind=STABLE),
            ),
        ),
        (
            "donation",
            (
                Act("donate", kind=ETH, number=0),
                Act("donate", kind=STABLE, number=1),
                Act("donate", kind=STABLE, number=2),
                Act("donate_coins", number=1),
                Act("reap"),
                Act("peg_redeem"),
            ),
        ),
        (
            "rounding of debt",
            (
                Act("borrow", held, size=WEI),
                Act("repay", held, size=WEI),
                Act("withdraw", held, kind=ETH, size=WEI),
                Act("deposit", held, kind=ETH, size=WEI),
            ),
        ),
        ("rounding of the peg", (Act("peg_mint", size=WEI), Act("peg_redeem", size=WEI))),
        (
            "fund auction farming",
            (
                Act("start_auction", kind=ETH),
                Act("buy", kind=ETH, size=WEI),
                Act("wait", number=120),
                Act("buy", kind=ETH, size=EVERYTHING),
            ),
        ),
        ("round trip", (Act("peg_mint"), Act("peg_redeem"))),
        (
            "flash mint around it",
            (
                Act("flash", size=WHOLE, number=3),
                Act("burn"),
                Act("recapitalise"),
                Act("peg_redeem"),
                Act("reap"),
            ),
        ),
        (
            "models in turn",
            (
                Act("model", held, number=1),
                Act("borrow", held),
                Act("model", held, number=0),
                Act("withdraw", held, kind=ETH),
            ),
        ),
        (
            "sandwiching a sync",
            (
                Act("open", empty, kind=ETH, debt=NOTHING),
                Act("sync", kind=ETH),
                Act("borrow", empty),
                Act("wait", number=60),
                Act("sync", kind=ETH),
                Act("withdraw", empty, kind=ETH),
            ),
        ),
    ]
    if rules.moves and rules.move_bps:
        found += [
            (
                "peg arbitrage against a stale word",
                (Act("price", kind=STABLE, number=slipped), Act("peg_mint")),
            ),
            ("redeeming before a rise", (Act("peg_redeem"), Act("price", kind=STABLE, number=200))),
            (
                "pumping and borrowing",
                (
                    Act("price", kind=ETH, number=pumped),
                    Act("wait", number=60),
                    Act("open", held, kind=ETH, debt=WHOLE),  # a new kind would be confirming
                    Act("price", kind=ETH, number=0),
                ),
            ),
            (
                "borrowing before a fall",
                (
                    Act("open", empty, kind=ETH, debt=WHOLE),
                    Act("price", kind=ETH, number=-rules.move_bps),
                ),
            ),
            (
                "buying before a rise",
                (
                    Act("take", for_sale, kind=ETH, size=EVERYTHING),
                    Act("buy", kind=ETH, size=EVERYTHING),
                    Act("price", kind=ETH, number=rules.move_bps),
                ),
            ),
            (
                "buying everything before a rise",
                (
                    Act("takes", for_sale, victim("mixed", "btc"), ETH, EVERYTHING),
                    Act("buy", kind=ETH, size=EVERYTHING),
                    Act("absorb", doomed),
                    Act("collect", kind=ETH),
                    Act("start_auction", kind=ETH),
                    Act("buy", kind=ETH, size=EVERYTHING),
                    Act("price", kind=ETH, number=rules.move_bps),
                ),
            ),
            (
                "buying after a fall",
                (
                    Act("price", kind=ETH, number=-rules.move_bps),
                    Act("take", for_sale, kind=ETH, size=EVERYTHING),
                    Act("take", running, kind=ETH, size=EVERYTHING),
                    Act("buy", kind=ETH, size=EVERYTHING),
                ),
            ),
        ]
    return found
