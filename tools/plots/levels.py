"""levels: time series of runs that were traced with `--trace csv`; event: the same around the first drop, or around a time."""
from plots.files import Mistake
from plots.look import headline, line, plain_numbers, save, shown

RATES = ["delivered [frames]", "dropped [frames]"]
FIRST_LEVEL = 6                                  # columns before: time and counts of the interval
LEVELS_SHOWN = 10
AROUND = 25                                      # intervals shown on each side of an event


def traced(runs):
    found = [(i, r, r.series()) for i, r in enumerate(runs)]
    return [s for s in found if s[2]]


def thinned(times, values, points=800):
    """At most about so many points, each at the end of its group: the largest of the group, so that peaks stay."""
    step = max(1, len(times) // points)
    return ([times[min(i + step, len(times)) - 1] for i in range(0, len(times), step)],
            [max(values[i:i + step]) for i in range(0, len(times), step)])


def moving(series, inside):
    """Names of levels that move at times for which `inside` holds, in the order of the files."""
    names = []
    for _, _, (head, columns) in series:
        for name, column in zip(head[FIRST_LEVEL:], columns[FIRST_LEVEL:]):
            if name not in names and len({v for t, v in zip(columns[0], column) if inside(t)}) > 1:
                names.append(name)
    return names[:LEVELS_SHOWN]


def panels(pyplot, series, names, title, inside, mark=None):
    interval = series[0][2][1][0][0]             # the first line is stamped with the end of the first interval
    figure, grid = pyplot.subplots(len(names), 1, figsize=(12.5, 1.4 + 1.45 * len(names)), sharex=True, squeeze=False, constrained_layout=True)
    headline(figure, title)
    for row, name in enumerate(names):
        axes = grid[row][0]
        for i, _, (head, columns) in series:
            if name not in head:
                continue
            rows = [(t / 1000, v) for t, v in zip(columns[0], columns[head.index(name)]) if inside(t)]
            times, values = thinned([t for t, _ in rows], [v for _, v in rows])
            axes.plot(times, values, drawstyle="steps-pre", **line(i, linewidth=1.2))
        text, _, unit = name.rpartition(" [")
        axes.set_title((f"frames {text} in each {shown(interval)} us" if name in RATES else text), loc="left", fontsize=10)
        axes.set_ylabel(unit.rstrip("]"), fontsize=9)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.01)
        plain_numbers(axes.yaxis)
        if mark is not None:
            axes.axvline(mark / 1000, color="black", linewidth=1, linestyle=(0, (1, 2)))
    grid[-1][0].set_xlabel("simulated time [ms]")
    handles = [pyplot.Line2D([], [], **line(i, linewidth=1.6)) for i, _, _ in series]
    grid[-1][0].legend(handles, [r.label for _, r, _ in series], loc="upper left", bbox_to_anchor=(0, -0.6), ncols=min(4, len(series)),
                       borderaxespad=0, handlelength=4)
    return figure


def draw(pyplot, runs, folder):
    series = traced(runs)
    if not series:
        return
    names = RATES + moving(series, lambda t: True)
    save(pyplot, panels(pyplot, series, names, f"{runs[0].scenario}, levels over time", lambda t: True), folder, "levels")


def first_drop(series):
    """The start of the interval in which the first frame of all was dropped, and whose."""
    found = []
    for i, run, (head, columns) in series:
        dropped = columns[head.index("dropped [frames]")]
        times = [t for t, n in zip(columns[0], dropped) if n > 0]
        if times:
            found.append((times[0] - columns[0][0], i, run.label))
    return min(found) if found else None


def draw_event(pyplot, runs, folder, around=None):
    """`around`: time in us; without it the first drop, and no picture where nothing was dropped."""
    series = traced(runs)
    if around is not None and not series:
        raise Mistake(f"{folder} has no time series: run again with --trace csv")
    drop = first_drop(series) if series and around is None else None
    if around is None and drop is None:
        return
    at = around if drop is None else drop[0]
    interval = series[0][2][1][0][0]
    inside = lambda t: abs(t - at) <= AROUND * interval
    if not any(inside(t) for _, _, (_, columns) in series for t in columns[0]):
        raise Mistake(f"{folder} has no line of a time series within {shown(AROUND * interval)} us of {shown(at)} us")
    what = f"around {shown(at / 1000)} ms" if drop is None else f"around the first drop ({drop[2]}, {shown(at / 1000)} ms)"
    save(pyplot, panels(pyplot, series, RATES + moving(series, inside), f"{runs[0].scenario}, {what}", inside, at), folder, "event")
