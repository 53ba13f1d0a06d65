"""curves: metrics over the values of a sweep's axis, a line each strategy, intervals over seeds, cross-overs marked. load: percentiles of
the latency over the offered rate. seeds: the same metrics where only seeds differ."""
import math

from plots.look import MARKERS, headline, legend_below, line, marker, plain_numbers, save, short, shown
from plots.sweep import CONFIDENCE, crossings

# Metrics of a picture: name, title, whether a panel is worth it where all values are 0.
METRICS = [("throughput.goodput", "Throughput (more is better)", True), ("dma.bandwidth", "DMA bandwidth (more is better)", False),
           ("cpu.cycles_per_packet", "CPU, host and guest (less is better)", True), ("dma.latency.p50", "DMA latency, median (less is better)", False),
           ("latency.p50", "Latency, median (less is better)", False), ("latency.p99", "Latency, p99 (less is better)", False),
           ("drops.total", "Dropped frames (less is better)", False), ("copy.host_bytes_per_packet", "Bytes copied by the host (less is better)", False),
           ("dram.bytes_per_payload_byte", "DRAM per payload byte (less is better)", False)]
PANELS = 6
FACETS = 4                                       # values of the other axes that get a column each
WIDE = 20                                        # latencies that lie further apart get a logarithmic axis
NAME_APART = 0.13                                # of the axis: names of values closer than that would overlap
PERCENTILES = ["p50", "p90", "p99", "p99.9"]
CROSSED = {"marker": "o", "markersize": 11, "markerfacecolor": "none", "markeredgecolor": "black", "markeredgewidth": 1.2, "linestyle": ""}


def worth(sweep):
    # Percentiles lack where too few frames arrived: a panel wants them at half of the places at least.
    whole = sweep.places("packets.offered") or 1
    return [(name, title) for name, title, always in METRICS if sweep.has(name, not always) and 2 * sweep.places(name) >= whole][:PANELS]


def units(sweep, metric):
    """Shown unit and scale; times in us."""
    unit = sweep.units.get(metric, "")
    return ("us", 1e-3) if unit == "ns" else ({"cycles": "cycles per packet"}.get(unit, unit), 1.0)


def facets(sweep, axis):
    """Places of the other axes that are drawn, evenly picked, and how many there are."""
    others = [a for i, a in enumerate(sweep.axes) if i != axis]
    places = [()]
    for a in others:
        places = [p + (i,) for p in places for i in range(len(a.values))]
    picked = places if len(places) <= FACETS else [places[i * (len(places) - 1) // (FACETS - 1)] for i in range(FACETS)]
    return [(p, ", ".join(f"{a.name}={a.texts[i]}" for a, i in zip(others, p))) for p in picked], len(places)


def ticks(axes, axis):
    if axis.numeric:
        places = sorted(axis.at)
        scaled = [math.log(v) for v in places] if axis.log else places
        reach = scaled[-1] - scaled[0]
        if axis.log:
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xlim(math.exp(scaled[0] - 0.04 * reach), math.exp(scaled[-1] + 0.04 * reach))
        else:
            axes.set_xlim(scaled[0] - 0.04 * reach, scaled[-1] + 0.04 * reach)
        if (axis.log and len(places) <= 16) or len(places) <= 8:
            named, last = [], None
            for v, at in zip(places, scaled):    # names that have room
                named.append(f"{v:,.12g}" if last is None or at - last > NAME_APART * reach else "")
                last = at if named[-1] else last
            axes.set_xticks(places)
            axes.set_xticklabels(named)
        else:
            plain_numbers(axes.xaxis)
    else:
        few = len(axis.texts) < 5
        axes.set_xticks(axis.at)
        axes.set_xticklabels([short(t, 18) for t in axis.texts], rotation=0 if few else 20, ha="center" if few else "right")
        axes.set_xlim(-0.4, len(axis.at) - 0.6)


def mark_crossings(axes, lines, scale, log, ylog):
    """How many were marked. Of those that would lie on one another the first carries its value."""
    found = sorted(c for a in range(len(lines)) for b in range(a + 1, len(lines)) for c in crossings(lines[a], lines[b], log, ylog))
    last = None
    for at, height in found:
        axes.plot([at], [scale * height], **CROSSED)
        if last is None or (at / last > 1.15 if log else at - last > 0.08 * (axes.get_xlim()[1] - axes.get_xlim()[0])):
            axes.annotate(shown(at), (at, scale * height), textcoords="offset points", xytext=(0, 9), ha="center", fontsize=8)
            last = at
    return len(found)


def logarithmic(metric, lines):
    """Latencies of designs that queue and of designs that do not lie decades apart."""
    means = [p[1].mean for points in lines for p in points]
    return ".p" in metric and bool(means) and 0 < WIDE * min(means) < max(means)


def top_of(lines, scale):
    """Upper end of an axis: wide intervals may run out of it, so that the means stay apart."""
    values = [p[1] for points in lines for p in points]
    most = max((v.mean for v in values), default=0.0)
    return min(1.6 * most, 1.1 * max(v.mean + v.half for v in values)) * scale if most > 0 else 1.0


def panel(axes, sweep, x, rest, metric):
    axis, (unit, scale) = sweep.axes[x], units(sweep, metric)
    lines = []
    for i, label in enumerate(sweep.labels):
        points = sweep.line(label, x, rest, metric)
        lines.append(points)
        if not points:
            continue
        at, mean, half = [p[0] for p in points], [scale * p[1].mean for p in points], [scale * p[1].half for p in points]
        if not axis.numeric:                     # words have no between: markers beside one another, hardly a line
            at = [a + 0.06 * (i - (len(sweep.labels) - 1) / 2) for a in at]
        axes.plot(at, mean, marker=MARKERS[i % len(MARKERS)], markersize=5.5, markeredgecolor="white", markeredgewidth=0.6,
                  **line(i, linewidth=1.8 if axis.numeric else 0.5))
        if any(half):
            if axis.numeric:
                axes.fill_between(at, [m - h for m, h in zip(mean, half)], [m + h for m, h in zip(mean, half)], color=line(i)["color"], alpha=0.15, linewidth=0)
            axes.errorbar(at, mean, yerr=half, fmt="none", ecolor=line(i)["color"], elinewidth=1, capsize=3)
    ticks(axes, axis)
    if logarithmic(metric, lines):
        axes.set_yscale("log")
        unit += ", logarithmic"
    else:
        axes.set_ylim(0, top_of(lines, scale))
    crossed = mark_crossings(axes, lines, scale, axis.log, logarithmic(metric, lines)) if axis.numeric and not sweep.search else 0
    for n, (at, who) in enumerate(sweep.found(x, rest)):
        axes.axvline(at, color="black", linewidth=0.9, linestyle=(0, (1, 2)))
        axes.text(at, 0.985 - 0.075 * (n % 4), f" {short(who, 22)}: {shown(at)}", transform=axes.get_xaxis_transform(), fontsize=7.5, va="top",
                  ha="right" if axes.transData.transform((at, 0))[0] > axes.transAxes.transform((0.6, 0))[0] else "left")
    plain_numbers(axes.yaxis)
    axes.set_ylabel(unit)
    return lines, crossed


def legend(pyplot, figure, sweep, crossed):
    handles = [pyplot.Line2D([], [], marker=MARKERS[i % len(MARKERS)], markersize=6, markeredgecolor="white", **line(i, linewidth=1.8)) for i in range(len(sweep.labels))]
    names = list(sweep.labels)
    if crossed:
        handles.append(pyplot.Line2D([], [], **CROSSED))
        names.append("cross-over, straight between neighbours")
    text = f"bars: {100 * CONFIDENCE:.0f} % intervals of the mean over {len(sweep.seeds)} seeds" if len(sweep.seeds) > 1 else None
    legend_below(figure, handles, names, text)


def draw(pyplot, sweep, folder):
    metrics = worth(sweep)
    if not metrics or not sweep.axes:
        return
    x, crossed = sweep.longest(), 0
    columns, of = facets(sweep, x)
    if of == 1:
        wide = min(3, len(metrics))
        rows = -(-len(metrics) // wide)
        figure, grid = pyplot.subplots(rows, wide, figsize=(4.3 * max(wide, 2), 0.9 + 3.1 * rows), squeeze=False, layout="constrained")
        for n, axes in enumerate(grid.flat):
            if n >= len(metrics):
                axes.set_visible(False)
                continue
            crossed += panel(axes, sweep, x, columns[0][0], metrics[n][0])[1]
            axes.set_title(metrics[n][1], loc="left", fontsize=10)
            axes.set_xlabel(sweep.axes[x].label(), fontsize=9)
    else:
        metrics = metrics[:4]
        figure, grid = pyplot.subplots(len(metrics), len(columns), figsize=(1.5 + 3.2 * len(columns), 1.1 + 2.5 * len(metrics)), squeeze=False, layout="constrained", sharex=True, sharey="row")
        for row, (metric, title) in enumerate(metrics):
            lines = []
            for column, (rest, text) in enumerate(columns):
                drawn, marked = panel(grid[row][column], sweep, x, rest, metric)
                lines, crossed = lines + drawn, crossed + marked
                grid[row][column].set_title((text + "\n" if row == 0 else "") + (title if column == 0 else ""), loc="left", fontsize=9)
                if column:
                    grid[row][column].set_ylabel("")
            if logarithmic(metric, lines):
                grid[row][0].set_yscale("log")
                plain_numbers(grid[row][0].yaxis)
                grid[row][0].set_ylabel(f"{units(sweep, metric)[0]}, logarithmic")
                means = [p[1].mean * units(sweep, metric)[1] for points in lines for p in points]
                grid[row][0].set_ylim(min(means) / 1.4, max(means) * 1.4)
            else:
                grid[row][0].set_ylim(0, top_of(lines, units(sweep, metric)[1]))
        for axes in grid[-1]:
            axes.set_xlabel(sweep.axes[x].label(), fontsize=9)
    left_out = f" ({len(columns)} of {of} values of the other axes)" if of > len(columns) else ""
    headline(figure, f"{sweep.scenario} over {sweep.axes[x].name}{left_out}")
    legend(pyplot, figure, sweep, crossed)
    save(pyplot, figure, folder, "curves")


def draw_load(pyplot, sweep, folder):
    """Where the rate is swept: percentiles of the latency, a panel each strategy, all on one scale."""
    at = [i for i, a in enumerate(sweep.axes) if a.keys == ["traffic.rate"] and a.numeric]
    drawn = [label for label in sweep.labels if any(sweep.line(label, at[0], rest, "latency.p50") for rest, _ in facets(sweep, at[0])[0][:1])] if at else []
    if not drawn:
        return
    names = [name for name in PERCENTILES if 2 * sweep.places(f"latency.{name}") >= sweep.places("latency.p50")]
    x, (rest, text) = at[0], facets(sweep, at[0])[0][0]
    wide = min(3, len(drawn))
    rows = -(-len(drawn) // wide)
    figure, grid = pyplot.subplots(rows, wide, figsize=(4.3 * max(wide, 2), 0.9 + 3.2 * rows), squeeze=False, layout="constrained", sharex=True, sharey=True)
    for n, axes in enumerate(grid.flat):
        if n >= len(drawn):
            axes.set_visible(False)
            continue
        for i, name in enumerate(names):
            points = sweep.line(drawn[n], x, rest, f"latency.{name}")
            if points:
                axes.errorbar([p[0] for p in points], [p[1].mean / 1000 for p in points], yerr=[p[1].half / 1000 for p in points], label=name, markersize=5.5, capsize=3,
                              **{**marker(i), **line(i, linewidth=1.6)})
        axes.set_yscale("log")
        axes.set_title(drawn[n], loc="left")
        ticks(axes, sweep.axes[x])
        axes.tick_params(labelbottom=True, labelleft=True)
        axes.yaxis.set_major_locator(pyplot.LogLocator(subs=(1, 2, 5)))   # a scale within one decade has numbers too
        plain_numbers(axes.yaxis)
        axes.set_xlabel(sweep.axes[x].label(), fontsize=9)
        axes.set_ylabel("latency [us, logarithmic]" if n % wide == 0 else "")
    headline(figure, f"{sweep.scenario}, latency against load" + (f" ({text})" if text else ""))
    handles = [pyplot.Line2D([], [], **{**marker(i, markersize=5.5), **line(i, linewidth=1.6)}) for i in range(len(names))]
    legend_below(figure, handles, names)
    save(pyplot, figure, folder, "load")


def draw_seeds(pyplot, sweep, folder):
    """Without an axis: each seed as a dot, the mean and its interval over them."""
    metrics = worth(sweep)
    if not metrics:
        return
    wide = min(3, len(metrics))
    rows = -(-len(metrics) // wide)
    figure, grid = pyplot.subplots(rows, wide, figsize=(4.3 * max(wide, 2), 1.2 + rows * (1.2 + 0.3 * len(sweep.labels))), squeeze=False, layout="constrained", sharey=True)
    for n, axes in enumerate(grid.flat):
        if n >= len(metrics):
            axes.set_visible(False)
            continue
        unit, scale = units(sweep, metrics[n][0])
        for i, label in enumerate(sweep.labels):
            v = sweep.value(label, (), metrics[n][0])
            if not v:
                continue
            axes.plot([scale * x for x in v.values], [i] * len(v.values), linestyle="", alpha=0.45, marker="o", markersize=4, color=line(i)["color"])
            axes.errorbar([scale * v.mean], [i], xerr=[scale * v.half], capsize=5, markersize=8, **marker(i))
        axes.set_title(metrics[n][1], loc="left", fontsize=10)
        axes.set_xlabel(unit)
        axes.set_yticks(range(len(sweep.labels)))
        axes.set_yticklabels([short(label) for label in sweep.labels])
        axes.set_ylim(len(sweep.labels) - 0.5, -0.5)
        axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
        axes.locator_params(axis="x", nbins=5)
        plain_numbers(axes.xaxis)
    headline(figure, f"{sweep.scenario}, {len(sweep.seeds)} seeds: each, the mean and its {100 * CONFIDENCE:.0f} % interval")
    save(pyplot, figure, folder, "seeds")
