# SPDX-License-Identifier: MIT
"""The page that shows a run to somebody who has never seen the project: one file, nothing outside
it.

Every chart is drawn twice, for wide and for narrow screens; the style sheet shows one of them and
follows the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import accumulate

from surety import __version__
from surety.commands import counted, plural
from surety.demo.charts import Area, Chart, Dot, Line, draw, thin
from surety.demo.engine import LEVELS, LIMITS, DemoResult, Row
from surety.demo.guards import Guard
from surety.demo.kinds import KINDS, STABLE, Kind
from surety.demo.series import utc

WAD = 10**18
BPS = 10_000
WIDE, NARROW = (940, 330), (380, 290)
MOST_POINTS = 700

STATES = (
    ("HEALTHY", "healthy", "owes no more than the target level allows"),
    ("AT_RISK", "at risk", "between target and maintenance: nothing happens yet"),
    ("CALLABLE", "callable", "below maintenance and not called yet"),
    ("CALLED", "in grace", "called; the owner has time to bring collateral or repay"),
    ("IN_AUCTION", "in auction", "collateral is for sale, dearer first, cheaper by the minute"),
    ("ABSORBABLE", "absorbable", "nobody bought in time: the insurance fund may take over"),
    ("EMPTY", "closed", "sold out or paid back, nothing left"),
)
# the order of the stack from below, as numbers of `account_state`
STACK = (1, 2, 3, 4, 5, 6, 0)


def render(result: DemoResult) -> str:
    """Return the whole page."""
    title = f"Surety: {result.config.title}"
    body = "".join(
        (
            _head(result),
            _tiles(result),
            _verdict(result),
            *(_price_section(result, kind) for kind in KINDS),
            _states_section(result),
            _auctions_section(result),
            _equity_section(result),
            _summary(result),
            _parameters(result),
            _facts(result),
            _words(),
        )
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def coins(wad: int, decimals: int = 0) -> str:
    """Return a WAD amount as people read it."""
    return f"{wad / WAD:,.{decimals}f}"


def amount(kind: Kind, units: int) -> str:
    """Return base units of a kind as people read them."""
    return f"{units / kind.unit:,.{2 if kind.unit > 10**6 else 0}f}"


def percent(bps: float) -> str:
    """Return basis points as a percentage."""
    return f"{bps / 100:.2f} %"


# the parts of the page


def _head(result: DemoResult) -> str:
    path = result.config.path
    hours = path.span / 3600
    driver = path.prices[path.driver]
    fall = 1 - min(driver) / driver[0]
    words = result.config.note
    note = f"<p class='muted'>{escape(words[:1].upper() + words[1:])}.</p>" if words else ""
    return (
        f"<header><p class='kicker'>Surety demo</p><h1>{escape(result.config.title)}</h1>"
        f"<p class='lead'>{counted(len(result.holders), 'collateral account')} went through "
        f"{counted(round(hours), 'hour')} in "
        f"which {escape(path.driver.upper())} fell by {100 * fall:.0f} % at its worst. The "
        "contracts, the chain and the keeper "
        "that watched them were real; owners and market were played. After every block the books "
        "were "
        "checked to the last wei.</p>"
        f"<p class='muted'>{utc(path.times[0])} to {utc(path.times[-1])} UTC. "
        f"Prices: {escape(result.config.source)}.</p>{note}</header>"
    )


def _tiles(result: DemoResult) -> str:
    tiles = (
        (
            f"{result.margin_calls:,}",
            plural(result.margin_calls, "margin call"),
            "clocks started on accounts that owed too much",
        ),
        (f"{result.cured:,}", "cured", "by their owners, before anything (more) was sold"),
        (
            f"{len(result.takes):,}",
            plural(len(result.takes), "auction take"),
            f"{coins(result.debt_repaid)} coins of debt repaid",
        ),
        (
            percent(result.average_discount_bps),
            "average discount",
            "to the market that owners gave to buyers, by value",
        ),
        (
            coins(result.bad_debt),
            "coins of bad debt",
            f"{_share(result.bad_debt, result.debt_repaid)} of repaid debt",
        ),
        (
            coins(result.equity_end),
            "coins of equity at the end",
            f"it began with {coins(result.equity_start, 2)}",
        ),
    )
    cells = "".join(
        f"<li><strong>{value}</strong><span>{escape(name)}</span><small>{escape(note)}</small></li>"
        for value, name, note in tiles
    )
    return f"<ul class='tiles'>{cells}</ul>"


def _verdict(result: DemoResult) -> str:
    if not result.violations:
        return (
            f"<p class='verdict good'>{counted(result.invariant_checks, 'check')} over "
            f"{counted(result.blocks, 'block')}, no violation.</p>"
        )
    lines = "".join(f"<li>{escape(text)}</li>" for text in result.violations[:20])
    return (
        f"<div class='verdict bad'><p>{counted(len(result.violations), 'violation')} of what must "
        "always hold:</p>"
        f"<ul>{lines}</ul></div>"
    )


def _price_section(result: DemoResult, kind: Kind) -> str:
    rows = _rows(result)
    ltvs = LEVELS[kind.name]
    names = ("initial", "maintenance", "close-out")
    shown = (ltvs.initial_ltv, ltvs.maintenance_ltv, ltvs.close_out_ltv)
    xs = [float(row.at) for row in rows]
    prices = [row.prices[kind.number] / WAD for row in rows]
    lows = [row.lo[kind.number] / WAD for row in rows]
    highs = [row.hi[kind.number] / WAD for row in rows]
    marks: list[Line | Area | Dot] = []
    # a failed lo is 0: it says that nothing can be opened, and would flatten the picture
    floor, top = min(*prices, *(low for low in lows if low)), max(*prices, *highs)
    average = [row.levels[kind.number][1] / WAD for row in rows]
    weakest = [row.next_call[kind.number] / WAD for row in rows]
    marks.append(Area(xs, average, weakest, "crowd"))
    top = max(top, *weakest)
    for place, name in enumerate(names):
        points = [
            (float(row.at), row.levels[kind.number][place] / WAD)
            if row.levels[kind.number][place]
            else None
            for row in rows
        ]
        seen = [point[1] for point in points if point is not None]
        if seen:
            floor, top = min(floor, *seen), max(top, *seen)
        marks.append(Line(points, f"level-{name}"))
    # broader and beneath the market: they show where they differ from it
    marks.append(
        Line([(x, low) if low else None for x, low in zip(xs, lows, strict=True)], "guard-lo")
    )
    marks.append(Line(list(zip(xs, highs, strict=True)), "guard-hi"))
    marks.append(Line(list(zip(xs, prices, strict=True)), "price"))
    for at, level, source in result.config.facts.get(kind.name, ()):
        marks.append(Dot(at, level / WAD, 4, "fact", f"{utc(at)} UTC: {level / WAD:g} ({source})"))
    margin = (top - floor) * 0.06 or top * 0.02
    chart = Chart(
        title=f"{kind.title[0].upper()}{kind.title[1:]} collateral: price and levels",
        unit=f"coins per {kind.symbol}",
        xs=_span(rows),
        ys=(max(0.0, floor - margin), top + margin),
        marks=marks,
    )
    lowest = min(prices)
    caption = (
        f"From {prices[0]:,.4g} down to {lowest:,.4g} and out at {prices[-1]:,.4g}. The dashed "
        "lines are where the "
        f"average account that holds only {kind.symbol} stands at each level. The shaded band "
        "reaches up to the "
        "next account in line: where the price falls into it, that account can be called. Rescues "
        "and "
        "auctions push the band down again. "
        f"{_guard_words(result.guards[kind.name])}"
    )
    if kind is STABLE:
        caption += (
            " It may also rise above a price that stands still: a cross account whose other "
            "collateral has been sold counts here from then on."
        )
    legend = [
        ("price", "market: price by the feed"),
        ("guard-hi", "hi: the hub's price to liquidate at"),
        ("guard-lo", "lo: its price to open at"),
    ]
    legend += [
        (f"level-{name}", f"{name} ({percent_whole(ltv)} loan to value)")
        for name, ltv in zip(names, shown, strict=True)
    ]
    legend.append(("crowd", "from the average account to the next one that can be called"))
    if result.config.facts.get(kind.name):
        legend.append(("fact", "published level"))
    return _section(chart, caption, legend)


def _guard_words(guard: Guard) -> str:
    """Return how the hub followed this price, in a sentence or three."""
    text = (
        f"Accounts are judged by the hub's hi, which was {_at_most(guard.max_lag_hi_bps)} above "
        f"the market, and opened by its lo, {_at_most(guard.max_lag_lo_bps)} under it."
    )
    if guard.max_maintenance_multiplier > BPS:
        text += (
            " At its wildest, volatility asked for "
            f"{guard.max_maintenance_multiplier / BPS:.2f} times the maintenance margin, which "
            "lifts that level."
        )
    if guard.confirming:
        text += f" For {_minutes(guard.confirming)} the price was confirming after a jump."
    if guard.failed:
        text += f" For {_minutes(guard.failed)} there was no price."
    return text


def _states_section(result: DemoResult) -> str:
    rows = _rows(result)
    xs = [float(row.at) for row in rows]
    marks: list[Line | Area | Dot] = []
    base = [0.0] * len(rows)
    for number in STACK:
        name = _state(number)[0].lower().replace("_", "-")
        upper = [low + row.states[number] for low, row in zip(base, rows, strict=True)]
        marks.append(Area(xs, base, upper, f"state-{name}"))
        base = upper
    chart = Chart(
        title="Accounts by state",
        unit="accounts",
        xs=_span(rows),
        ys=(0.0, float(len(result.holders))),
        marks=marks,
    )
    legend = [
        (
            f"state-{_state(number)[0].lower().replace('_', '-')}",
            f"{_state(number)[1]}: {_state(number)[2]}",
        )
        for number in STACK
        if any(row.states[number] for row in result.rows)
    ]
    worst = max(result.rows, key=lambda row: row.called)
    caption = (
        f"At the busiest moment ({utc(worst.at)}) {counted(worst.called, 'account')} had a running "
        "clock. A call is not a sale: "
        f"below maintenance an owner has {_hours(result.book.grace_period)} of grace; only an "
        "account below "
        "close-out goes to auction at once."
    )
    return _section(chart, caption, legend)


def _auctions_section(result: DemoResult) -> str:
    rows = _rows(result)
    marks: list[Line | Area | Dot] = []
    biggest = max((sale.value for sale in result.takes), default=1)
    last: dict[tuple[int, int, int], tuple[int, int]] = {}
    for sale in result.takes:
        take = sale.take
        key = (take.account, take.kind, take.opened)
        last[key] = max(last.get(key, (0, 0)), (take.at, sale.factor))
    for (_, number, opened), (at, factor) in last.items():
        begin = LEVELS[KINDS[number].name].start_factor
        marks.append(Line([(float(opened), begin / 100), (float(at), factor / 100)], "auction"))
    for sale in sorted(result.takes, key=lambda one: -one.value):
        kind = KINDS[sale.take.kind]
        text = (
            f"{amount(kind, sale.take.amount)} {kind.symbol} for {coins(sale.take.cost)} coins, "
            f"{sale.elapsed // 60} min after opening at {percent_whole(sale.factor)} of hi: "
            f"{_beside(BPS - sale.take.price * BPS // sale.market)} the market"
        )
        radius = 2 + 13 * (sale.value / biggest) ** 0.5
        marks.append(Dot(sale.take.at, sale.factor / 100, radius, f"take-{kind.name}", text))
    factors = [sale.factor / 100 for sale in result.takes]
    chart = Chart(
        title="Auctions: price over time",
        unit="price, % of hi",
        xs=_span(rows),
        ys=(min([97.0, *factors]) - 1, 102.0),
        marks=marks,
        suffix=" %",
    )
    majors = LEVELS["eth"]
    caption = (
        f"Each line is an auction: it opens at {percent_whole(majors.start_factor)} of the hub's "
        f"hi and would reach {percent_whole(majors.end_factor)} after "
        f"{_hours(result.book.auction_duration)} (stable: "
        f"{percent_whole(LEVELS['stable'].start_factor)} to "
        f"{percent_whole(LEVELS['stable'].end_factor)}). Each dot is a "
        "purchase by the keeper, as large as its value; it buys as soon as selling on pays. A "
        "purchase takes only what "
        "brings the account back to its target level."
    )
    if not result.takes:
        caption = "No auction found or needed a buyer in this run."
    legend = [(f"take-{kind.name}", f"{kind.title} collateral bought") for kind in KINDS]
    return _section(
        chart, caption, [*legend, ("auction", "auction from its opening to its last sale")]
    )


def _equity_section(result: DemoResult) -> str:
    rows = _rows(result)
    equity = [row.equity / WAD for row in rows]
    losses = sorted(result.losses, key=lambda loss: loss.at)
    lost = list(accumulate(loss.debt for loss in losses))
    struck: list[tuple[float, float]] = [(float(rows[0].at), 0.0)]
    for loss, total in zip(losses, lost, strict=True):
        struck += [(float(loss.at), struck[-1][1]), (float(loss.at), total / WAD)]
    struck.append((float(rows[-1].at), struck[-1][1]))
    low, high = min(0.0, *equity), max(*equity, *(y for _, y in struck), 1.0)
    chart = Chart(
        title="Equity of the system",
        unit="coins",
        xs=_span(rows),
        ys=(low - (high - low) * 0.05, high * 1.06),
        marks=[
            Area([float(row.at) for row in rows], [0.0] * len(rows), equity, "equity-area"),
            Line(
                [(float(row.at), value) for row, value in zip(rows, equity, strict=True)], "equity"
            ),
            Line(struck, "lost"),
        ],
    )
    caption = (
        "Equity is what accounts owe less the coins in existence; nobody books it. Interest "
        f"({coins(result.interest)}) and liquidation penalties ({coins(result.penalties)}) raise "
        "it, struck-off debt "
        f"({coins(result.struck_off)}) lowers it, and the sum is checked after every block."
    )
    return _section(chart, caption, [("equity", "equity"), ("lost", "debt struck off so far")])


def _summary(result: DemoResult) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in facts_of(result)
    )
    return f"<section><h2>In numbers</h2><div class='scroll'><table>{rows}</table></div></section>"


def facts_of(result: DemoResult) -> list[tuple[str, str]]:
    """Return the summary as names and values: the same lines for the page and the terminal."""
    keeper = result.keeper
    owners = len({holder.owner for holder in result.holders})
    cross = sum(holder.cross for holder in result.holders)
    sold = [
        f"{amount(kind, result.collateral_sold[kind.name])} {kind.symbol}"
        for kind in KINDS
        if result.collateral_sold[kind.name]
    ]
    return [
        (
            "accounts",
            f"{len(result.holders):,} of {counted(owners, 'owner')}, {cross:,} with cross margin",
        ),
        ("margin calls", f"{result.margin_calls:,} (tips {coins(result.tips)} coins)"),
        ("cured by owners", f"{result.cured:,}"),
        ("auction takes", f"{len(result.takes):,}"),
        ("absorbed by the fund", f"{result.absorbed:,}"),
        (
            "debt repaid by auctions",
            f"{coins(result.debt_repaid)} coins, penalties {coins(result.penalties)}",
        ),
        ("collateral sold", ", ".join(sold) or "none"),
        ("average discount paid by owners", percent(result.average_discount_bps)),
        ("bad debt", f"{coins(result.bad_debt, 2)} coins"),
        ("equity before", f"{coins(result.equity_start, 2)} coins"),
        ("equity after", f"{coins(result.equity_end, 2)} coins"),
        (
            "debt and coin supply at the end",
            f"{coins(result.total_debt)} and {coins(result.coin_supply)}",
        ),
        (
            "keeper's profit",
            f"{coins(keeper.profit)} coins, after gas worth {coins(keeper.gas_value)}",
        ),
        (
            "keeper's gas",
            (
                f"{keeper.gas:,} for {counted(keeper.calls, 'call')}, "
                f"{counted(keeper.takes, 'take')}, {counted(keeper.absorbs, 'absorb')}, "
                f"{counted(keeper.sales, 'sale')}, {counted(keeper.pokes, 'poke')}"
            ),
        ),
        (
            "prices written by the keeper",
            f"{counted(keeper.pokes, 'time')}, {keeper.poke_gas:,} of its gas",
        ),
        (
            "price to liquidate over the market",
            _each(result, lambda guard: _at_most(guard.max_lag_hi_bps)),
        ),
        ("prices confirming", _each(result, lambda guard: _minutes(guard.confirming))),
        ("prices failed", _each(result, lambda guard: _minutes(guard.failed))),
        (
            "slowest margin call",
            f"{counted(keeper.max_blocks_to_call, 'block')} after the account became callable",
        ),
        (
            "steps and blocks",
            f"{counted(result.steps, 'price')} in {counted(result.blocks, 'block')}",
        ),
        ("invariant checks", f"{result.invariant_checks:,}"),
        ("violations", f"{len(result.violations):,}"),
    ]


def _parameters(result: DemoResult) -> str:
    config, book = result.config, result.book
    lines = [
        ("seed", f"{config.seed}"),
        ("accounts", f"{config.accounts}"),
        ("grace period", _hours(book.grace_period)),
        ("auction", _hours(book.auction_duration)),
        ("liquidation penalty", percent(book.liquidation_penalty)),
        ("smallest debt", f"{coins(book.debt_floor)} coins"),
        ("tip for a margin call", f"up to {coins(book.call_tip)} coins"),
        ("a price is used as it is for", f"{result.fresh_for} s"),
        ("a jump is confirmed for", _minutes(result.confirm_period)),
        ("speed", f"{config.speed:g} (prices per block)"),
        ("keeper's purse", f"{percent(config.purse_bps)} of all debt at the start"),
        ("market", f"pays the feed less {percent(config.slippage_bps)}"),
        ("gas price", f"{config.gas_price / 10**9:g} gwei"),
        ("governed by", "a timelock, which changed nothing meanwhile"),
        ("version", __version__),
    ]
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in lines
    )
    levels = "".join(
        f"<tr><th>{escape(kind.title)} ({kind.symbol}, {kind.decimals} decimals)</th>"
        + "".join(
            f"<td>{percent_whole(value)}</td>"
            for value in (
                LEVELS[kind.name].initial_ltv,
                LEVELS[kind.name].maintenance_ltv,
                LEVELS[kind.name].close_out_ltv,
                LEVELS[kind.name].start_factor,
                LEVELS[kind.name].end_factor,
            )
        )
        + "</tr>"
        for kind in KINDS
    )
    guards = "".join(
        f"<tr><th>{escape(kind.title)}</th>"
        + "".join(
            f"<td>{percent_whole(value)}</td>"
            for value in (
                round(limits.slew_down * 60 / 10**5),
                round(limits.slew_up * 60 / 10**5),
                limits.jump_bps,
                limits.sigma_ref / 10**5,
            )
        )
        + "</tr>"
        for kind, limits in ((kind, LIMITS[kind.name]) for kind in KINDS)
    )
    return (
        "<section><h2>Parameters</h2><p>The same parameters and seed give the same run, to the "
        "wei.</p>"
        f"<div class='scroll'><table>{rows}</table></div>"
        "<div class='scroll'><table class='levels'><tr><th>loan to value "
        "at</th><td>initial</td><td>maintenance</td>"
        "<td>close-out</td><td>auction starts</td><td>auction "
        f"ends</td></tr>{levels}</table></div>"
        "<div class='scroll'><table class='levels'><tr><th>price limits</th><td>hi falls a "
        "minute</td><td>lo rises a minute</td><td>a jump</td><td>a usual hour</td></tr>"
        f"{guards}</table></div></section>"
    )


def _facts(result: DemoResult) -> str:
    if not result.config.facts:
        return ""
    rows = "".join(
        f"<tr><td>{utc(at)}</td><td>{escape(name)}</td><td>{level / WAD:g}</td><td "
        f"class='text'>{escape(source)}</td></tr>"
        for name, facts in result.config.facts.items()
        for at, level, source in facts
    )
    return (
        "<section><h2>Where the prices come from</h2><p>These levels were published; the way "
        "between two of them is a "
        "random bridge drawn from the seed, not history.</p><div class='scroll'><table "
        "class='facts'>"
        "<tr><th>time (UTC)</th><th>kind</th><th>level</th><th>published "
        f"by</th></tr>{rows}</table></div></section>"
    )


def _words() -> str:
    entries = (
        (
            "account",
            "collateral of one kind (isolated) or several (cross margin) with one debt in coins",
        ),
        (
            "levels",
            (
                "how much debt the collateral carries: to open (initial, also the target of a "
                "rescue), before a margin call (maintenance), before an auction at once (close-out)"
            ),
        ),
        (
            "margin call",
            (
                "a clock that anyone may start once an account is below maintenance; the owner "
                "has a grace period"
            ),
        ),
        (
            "auction",
            (
                "collateral stays in the account and gets cheaper until somebody buys just enough "
                "of it; the owner can still cure"
            ),
        ),
        (
            "hi and lo",
            (
                "two prices that the hub makes of the market: accounts are judged by hi, which "
                "follows a fall no faster than its limit, and opened by lo, which follows a rise "
                "no faster than its own; a single wrong print can do little"
            ),
        ),
        (
            "confirming",
            (
                "after a jump a price is in doubt for a while: margin calls give their full "
                "grace, and nothing is absorbed"
            ),
        ),
        ("keeper", "a program that watches, calls, buys and sells; anybody can run one"),
        (
            "absorb",
            "what nobody buys in time goes to the insurance fund, and the debt is struck off",
        ),
        ("equity", "debt owed less coins in existence: the cushion of everyone who holds coins"),
    )
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in entries)
    return f"<section><h2>Words</h2><dl>{lines}</dl></section>"


# helpers


def _section(chart: Chart, caption: str, legend: Sequence[tuple[str, str]]) -> str:
    keys = "".join(f"<li><i class='key {style}'></i>{escape(text)}</li>" for style, text in legend)
    return (
        f"<section><h2>{escape(chart.title)}</h2><p>{escape(caption)}</p>"
        f"<figure><div class='wide'>{draw(chart, *WIDE)}</div><div "
        f"class='narrow'>{draw(chart, *NARROW)}</div>"
        f"<figcaption><ul class='legend'>{keys}</ul></figcaption></figure></section>"
    )


def _rows(result: DemoResult) -> list[Row]:
    rows = result.rows
    extremes: list[int] = []
    for kind in KINDS:
        ranked = sorted(range(len(rows)), key=lambda place: rows[place].prices[kind.number])
        extremes += [ranked[0], ranked[-1]]
    return [rows[place] for place in thin(len(rows), MOST_POINTS, extremes)]


def _span(rows: Sequence[Row]) -> tuple[float, float]:
    return float(rows[0].at), float(max(rows[-1].at, rows[0].at + 1))


def _state(number: int) -> tuple[str, str, str]:
    return STATES[number - 1]  # EMPTY is 0 and comes last


def _share(part: int, whole: int) -> str:
    return percent(BPS * part / whole) if whole else percent(0)


def percent_whole(bps: float) -> str:
    """Return basis points as a percentage without needless decimals."""
    return f"{bps / 100:g} %"


def _each(result: DemoResult, of: Callable[[Guard], str]) -> str:
    """Return what holds for each kind, or once what holds for all."""
    said = {name: of(guard) for name, guard in result.guards.items()}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return ", ".join(f"{name} {text}" for name, text in said.items())


def _beside(bps: int) -> str:
    return f"{percent(bps)} under" if bps >= 0 else f"{percent(-bps)} over"


def _at_most(bps: int) -> str:
    return f"at most {percent(bps)}" if bps > 0 else "never"


def _minutes(seconds: int) -> str:
    return "never" if not seconds else f"{-(-seconds // 60):,} min"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds % 900 == 0 and seconds else f"{seconds:,} s"


_STYLE = """
:root{--bg:#fbfbfa;--fg:#1d2327;--muted:#5b666e;--card:#fff;--rule:#dfe3e6;--grid:#e9ecee;
--price:#16202a;--initial:#2f7d5b;--maintenance:#c07a00;--close:#c2362b;--good:#e5f4ec;
--goodfg:#14553a;
--bad:#fdeae8;--badfg:#8c1d14;--healthy:#9fd3b6;--at-risk:#f2dd92;--callable:#f0a35e;
--called:#e57f3f;
--in-auction:#cf4a3c;--absorbable:#7b2d6b;--empty:#cfd6db;--eth:#4a63c8;--btc:#d1811a;
--stable:#2b8a6e;
--hi:#8a4fc7;--lo:#1f86b8;--equity:#2b6cb0;--equityfill:#2b6cb022;--lost:#c2362b}
@media (prefers-color-scheme:dark){:root{--bg:#14181b;--fg:#e7ebee;--muted:#9aa6ae;
--card:#1b2024;--rule:#30383e;
--grid:#262d32;--price:#f1f4f6;--initial:#63c295;--maintenance:#f0b54a;--close:#f0776c;
--good:#123527;
--goodfg:#a6e3c5;--bad:#3c1a17;--badfg:#ffb4ab;--healthy:#2f6f50;--at-risk:#8f7a2a;
--callable:#b06a2a;
--called:#d0762f;--in-auction:#e0574a;--absorbable:#b565a4;--empty:#49535a;--eth:#8ea2f5;
--btc:#f0ac55;
--stable:#5fc9a6;--hi:#c39bf0;--lo:#66c2ee;--equity:#7ab3ef;--equityfill:#7ab3ef26;--lost:#f0776c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,
"Segoe UI",sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.9rem;line-height:1.2;margin:.1em 0 .4em}
h2{font-size:1.2rem;margin:0 0 .3em}
p{margin:.3em 0 .8em;max-width:75ch}
.kicker{margin:0;color:var(--muted);font-size:.85rem;letter-spacing:.06em;
text-transform:uppercase}
.lead{font-size:1.08rem}
.muted{color:var(--muted);font-size:.9rem}
.tiles{list-style:none;margin:20px 0;padding:0;display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(min(100%,148px),1fr))}
.tiles li{background:var(--card);border:1px solid var(--rule);border-radius:10px;
padding:12px 14px;display:flex;
flex-direction:column}
.tiles strong{font-size:1.45rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles small{color:var(--muted);line-height:1.35;margin-top:2px}
.verdict{border-radius:10px;padding:10px 14px;max-width:none;font-weight:600}
.verdict ul{font-weight:400;margin:0;padding-left:1.2em;overflow-wrap:anywhere}
.good{background:var(--good);color:var(--goodfg)}
.bad{background:var(--bad);color:var(--badfg)}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;
padding:18px 18px 14px;margin:18px 0}
figure{margin:0}
svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
.narrow{display:none}
.grid{stroke:var(--grid);fill:none}
.axis{stroke:var(--muted);fill:none}
.tick,.unit{fill:var(--muted)}
.end{text-anchor:end}
.mid{text-anchor:middle}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.price{stroke:var(--price);stroke-width:2}
.level-initial{stroke:var(--initial);stroke-dasharray:6 4}
.level-maintenance{stroke:var(--maintenance);stroke-dasharray:6 4}
.level-close-out{stroke:var(--close);stroke-dasharray:6 4}
.guard-hi{stroke:var(--hi);stroke-width:3.2}.guard-lo{stroke:var(--lo);stroke-width:3.2}
.crowd{fill:var(--at-risk);opacity:.45}.key.crowd{background:var(--at-risk);opacity:.6}
.fact{fill:var(--card);stroke:var(--price);stroke-width:1.6}
.state-healthy{fill:var(--healthy)}.state-at-risk{fill:var(--at-risk)}
.state-callable{fill:var(--callable)}
.state-called{fill:var(--called)}.state-in-auction{fill:var(--in-auction)}
.state-absorbable{fill:var(--absorbable)}.state-empty{fill:var(--empty)}
.auction{stroke:var(--muted);stroke-width:.8;opacity:.55}
.take-eth,.take-btc,.take-stable{fill-opacity:.55;stroke-width:1}
.take-eth{fill:var(--eth);stroke:var(--eth)}.take-btc{fill:var(--btc);stroke:var(--btc)}
.take-stable{fill:var(--stable);stroke:var(--stable)}
.equity{stroke:var(--equity);stroke-width:2}.equity-area{fill:var(--equityfill)}
.lost{stroke:var(--lost);stroke-dasharray:5 4}
.legend{list-style:none;margin:6px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px;
font-size:.88rem;
color:var(--muted)}
.legend li{display:flex;align-items:center;gap:7px}
.key{flex:none;width:14px;height:14px;border-radius:4px;display:inline-block}
.key.price,.key.guard-hi,.key.guard-lo,.key.level-initial,.key.level-maintenance,.key.level-close-out,.key.equity,.key.lost,
.key.auction{
height:0;width:20px;border-radius:0;border-top:2.5px solid}
.key.price{border-color:var(--price)}
.key.guard-hi{border-color:var(--hi)}.key.guard-lo{border-color:var(--lo)}
.key.level-initial{border-color:var(--initial);
border-top-style:dashed}
.key.level-maintenance{border-color:var(--maintenance);border-top-style:dashed}
.key.level-close-out{border-color:var(--close);border-top-style:dashed}
.key.equity{border-color:var(--equity)}.key.lost{border-color:var(--lost);border-top-style:dashed}
.key.auction{border-color:var(--muted)}
.key.fact{border:2px solid var(--price);border-radius:50%;width:12px;height:12px}
.key.take-eth,.key.take-btc,.key.take-stable{border-radius:50%}
.key.take-eth{background:var(--eth)}.key.take-btc{background:var(--btc)}
.key.take-stable{background:var(--stable)}
.key.state-healthy{background:var(--healthy)}.key.state-at-risk{background:var(--at-risk)}
.key.state-callable{background:var(--callable)}.key.state-called{background:var(--called)}
.key.state-in-auction{background:var(--in-auction)}
.key.state-absorbable{background:var(--absorbable)}
.key.state-empty{background:var(--empty)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.94rem;margin-bottom:8px}
th,td{text-align:left;padding:5px 14px 5px 0;border-top:1px solid var(--rule);vertical-align:top}
tr:first-child>*{border-top:0}
th{font-weight:500;color:var(--muted)}
td{font-variant-numeric:tabular-nums}
.levels td,.facts td{white-space:nowrap}
.facts td.text{white-space:normal;min-width:220px}
dl{margin:0}dt{font-weight:600}dd{margin:0 0 .6em;color:var(--muted)}
@media (max-width:640px){.wide{display:none}.narrow{display:block}h1{font-size:1.5rem}
section{padding:14px 12px 12px}main{padding:16px 10px 48px}.tiles{gap:8px}
.tiles strong{font-size:1.25rem}}
"""
