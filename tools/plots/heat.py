"""heat: metrics over two axes of a sweep, a map each strategy on one scale, and which strategy is best where."""
from plots.look import HATCHES, SURFACES, headline, legend_below, save, short, shown
from plots.curves import WIDE, units

# Metrics of a picture: name, title, +1 where more is better.
METRICS = [("throughput.goodput", "throughput", 1), ("dma.bandwidth", "DMA bandwidth", 1), ("cpu.cycles_per_packet", "CPU", -1), ("dma.latency.p50", "DMA latency, median", -1),
           ("latency.p99", "latency, p99", -1)]
ROWS = 3
FIGURES = 80                                     # cells of a map up to which each carries its figure
SAME = 0.005                                     # of the best: strategies that differ by less share the place


def log_norm(low, high):
    from matplotlib.colors import LogNorm
    return LogNorm(low, high)


def linear_norm(low, high):
    from matplotlib.colors import Normalize
    return Normalize(low, high)


def two_axes(sweep):
    """Indices of the two longest axes, the longer one across."""
    order = sorted(range(len(sweep.axes)), key=lambda i: (-len(sweep.axes[i].values), i))
    return order[:2] if len(order) > 1 else None


def sorted_places(axis):
    return sorted(range(len(axis.values)), key=lambda i: axis.at[i]) if axis.numeric else list(range(len(axis.values)))


def best_of(values, better):
    """Index of the only best strategy, or -1 where several share the place, None without values."""
    known = [(v * better, i) for i, v in enumerate(values) if v is not None]
    if not known:
        return None
    top = max(known)[0]
    near = [i for v, i in known if abs(top - v) <= SAME * abs(top)]
    return near[0] if len(near) == 1 else -1


def draw(pyplot, sweep, folder):
    pair = two_axes(sweep)
    metrics = [m for m in METRICS if sweep.has(m[0])][:ROWS]
    if not pair or not metrics:
        return
    across, up = pair
    xs, ys = sorted_places(sweep.axes[across]), sorted_places(sweep.axes[up])

    def where(x, y):
        return tuple(x if i == across else y if i == up else 0 for i in range(len(sweep.axes)))

    labels = sweep.labels
    wide = len(labels) + (len(labels) > 1)
    size = max(2.3, 0.42 * len(xs)), max(1.7, 0.3 * len(ys))
    figure, grid = pyplot.subplots(len(metrics), wide, figsize=(1.6 + size[0] * wide, 1.7 + (size[1] + 0.5) * len(metrics)), squeeze=False, layout="constrained")
    for row, (metric, title, better) in enumerate(metrics):
        unit, scale = units(sweep, metric)
        maps = []
        for label in labels:
            cells = [[sweep.value(label, where(x, y), metric) for x in xs] for y in ys]
            maps.append([[None if v is None else scale * v.mean for v in line] for line in cells])
        known = [v for m in maps for line in m for v in line if v is not None]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        log = ".p" in metric and 0 < WIDE * low < high
        norm = log_norm(low, high) if log else linear_norm(low, high if high > low else low + 1)
        for column, label in enumerate(labels):
            axes = grid[row][column]
            drawn = axes.pcolormesh([[float("nan") if v is None else v for v in line] for line in maps[column]], cmap="cividis", norm=norm, edgecolors="white", linewidth=0.5)
            if len(xs) * len(ys) <= FIGURES:
                for y, line in enumerate(maps[column]):
                    for x, v in enumerate(line):
                        dark = v is not None and norm(v) < 0.5
                        axes.text(x + 0.5, y + 0.5, "-" if v is None else shown(v), ha="center", va="center", fontsize=7, color="white" if dark else "black")
            axes.set_title((f"{title} [{unit}{', logarithmic' if log else ''}]\n" if column == 0 else "") + short(label), loc="left", fontsize=9)
        figure.colorbar(drawn, ax=list(grid[row][:len(labels)]), pad=0.01, aspect=15, fraction=0.03)
        if wide > len(labels):
            best_map(grid[row][-1], labels, maps, better)
            grid[row][-1].set_title("best", loc="left", fontsize=9)
        for column in range(wide):
            frame(grid[row][column], sweep, across, up, xs, ys, row == len(metrics) - 1, column == 0)
    fixed = [f"{a.name}={a.texts[0]}" for i, a in enumerate(sweep.axes) if i not in pair]
    headline(figure, f"{sweep.scenario} over {sweep.axes[across].name} and {sweep.axes[up].name}" + (f" ({', '.join(fixed)})" if fixed else ""))
    if wide > len(labels):
        handles = [pyplot.Rectangle((0, 0), 1, 1, facecolor=SURFACES[i % len(SURFACES)], hatch=HATCHES[i % len(HATCHES)], edgecolor="white") for i in range(len(labels))]
        handles.append(pyplot.Rectangle((0, 0), 1, 1, facecolor="#f0f0f0", edgecolor="#888888"))
        legend_below(figure, handles, labels + [f"several within {100 * SAME:g} %"], "best", 6)
    save(pyplot, figure, folder, "heat")


def best_map(axes, labels, maps, better):
    for y, line in enumerate(maps[0]):
        for x in range(len(line)):
            best = best_of([m[y][x] for m in maps], better)
            if best is None:
                continue
            axes.bar([x + 0.5], [1], bottom=[y], width=1, color="#f0f0f0" if best < 0 else SURFACES[best % len(SURFACES)],
                     hatch="" if best < 0 else HATCHES[best % len(HATCHES)], edgecolor="white", linewidth=0.5)
    axes.set_xlim(0, len(maps[0][0]))
    axes.set_ylim(0, len(maps[0]))


def frame(axes, sweep, across, up, xs, ys, lowest, leftmost):
    axes.grid(visible=False)
    axes.tick_params(length=0)
    few = max(1, (len(xs) + 7) // 8)
    axes.set_xticks([i + 0.5 for i in range(len(xs)) if i % few == 0])
    axes.set_xticklabels([short(sweep.axes[across].texts[x], 10) for i, x in enumerate(xs) if i % few == 0] if lowest else [], fontsize=7.5, rotation=30, ha="right")
    axes.set_yticks([i + 0.5 for i in range(len(ys))])
    axes.set_yticklabels([short(sweep.axes[up].texts[y], 16) for y in ys] if leftmost else [], fontsize=7.5)
    if lowest:
        axes.set_xlabel(sweep.axes[across].name, fontsize=8)
    if leftmost:
        axes.set_ylabel(sweep.axes[up].name, fontsize=8)
