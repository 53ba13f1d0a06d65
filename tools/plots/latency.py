"""latency: its distribution from wire to application, percentiles marked."""
import sys

from plots.look import LINES, MARKERS, headline, of_seeds, save, shown


def cumulative(buckets):
    """Upper bounds in us, and the share of frames at or below each."""
    total, seen, x, y = sum(b[2] for b in buckets), 0, [], []
    for _, upper, count in buckets:
        seen += count
        x.append(upper / 1000)
        y.append(seen / total)
    return x, y


def draw(pyplot, runs, folder):
    runs = [r for r in runs if r.distributions.get("latency")]
    if not runs:
        print("no latencies were measured: no latency.png", file=sys.stderr)
        return
    figure, (whole, tail) = pyplot.subplots(1, 2, figsize=(12.5, 5.6), constrained_layout=True)
    headline(figure, f"{runs[0].scenario}, latency from wire to application" + of_seeds(runs, "frames of"))
    smallest = 1.0
    for i, r in enumerate(runs):
        buckets = r.distributions["latency"]
        x, y = cumulative(buckets)
        colour, style = LINES[i % len(LINES)]
        look = {"color": colour, "linestyle": style, "linewidth": 1.8, "drawstyle": "steps-post"}
        first = buckets[0][0] / 1000
        whole.plot([first] + x, [0] + [100 * v for v in y], label=r.label, **look)
        above = [1 - v for v in y[:-1]]
        if above:
            tail.plot([first] + x[:-1], [100] + [100 * v for v in above], label=r.label, **look)
            smallest = min(smallest, 1 / sum(b[2] for b in buckets))
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)):
            value = r.metrics.get(f"latency.{name}")
            if value is None:
                continue
            mark = {"marker": MARKERS[i % len(MARKERS)], "color": colour, "markersize": 7, "markeredgecolor": "white", "linestyle": ""}
            if share < 0.95:
                whole.plot([value / 1000], [100 * share], **mark)
            tail.plot([value / 1000], [100 * (1 - share)], **mark)
    whole.set_title("Share of frames that arrived within a time", loc="left")
    whole.set_ylabel("frames [%]")
    whole.set_ylim(0, 102)
    tail.set_title("The slow ones: share that took longer (logarithmic)", loc="left")
    tail.set_ylabel("frames that took longer [%]")
    tail.set_yscale("log")
    tail.set_ylim(max(100 * smallest, 1e-5), 130)
    tail.yaxis.set_major_formatter(pyplot.FuncFormatter(lambda v, _: f"{v:g}"))
    # Designs that queue and designs that do not lie decades apart: then the axis is logarithmic.
    shortest = min(r.distributions["latency"][0][0] for r in runs)
    wide = max(r.distributions["latency"][-1][1] for r in runs) > 30 * max(1, shortest)
    for axes in (whole, tail):
        axes.set_xlabel("latency [us, logarithmic]" if wide else "latency [us]")
        if wide:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(pyplot.FuncFormatter(lambda v, _: f"{v:g}"))
        else:
            axes.set_xlim(left=0)
    for name, share in (("median", 50), ("p99", 1), ("p99.9", 0.1)):
        axes = whole if share == 50 else tail
        if share > axes.get_ylim()[0]:
            axes.axhline(share, color="#999999", linewidth=0.8)
            axes.text(0.008, share, name, transform=axes.get_yaxis_transform(), ha="left", va="bottom", fontsize=9, color="#555555")
    names = [f"{r.label}: p50 {shown(r.metric('latency.p50') / 1000)} us" +
             (f", p99 {shown(r.metrics['latency.p99'] / 1000)} us" if "latency.p99" in r.metrics else "") for r in runs]
    handles = [pyplot.Line2D([], [], color=LINES[i % len(LINES)][0], linestyle=LINES[i % len(LINES)][1], linewidth=1.8,
                             marker=MARKERS[i % len(MARKERS)], markersize=6) for i in range(len(runs))]
    whole.legend(handles, names, loc="upper left", bbox_to_anchor=(0, -0.13), ncols=1 if len(runs) < 5 else 2, borderaxespad=0, handlelength=4)
    save(pyplot, figure, folder, "latency")
