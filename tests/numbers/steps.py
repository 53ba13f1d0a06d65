#!/usr/bin/python3
"""steps.py PROGRAM SCENARIOS [-j N] [--only TEXT,...] [--step TIME] [--draws N]

Every shipped scenario with each of its strategies, with the longest software step as it is and halved: no metric of a run moves by
more than 1 %; less than one of what is counted is no move. One run each way would show more, as single events hang on phases:
whether a poll meets one packet more, whether an interrupt comes before a frame or behind it. So both are drawn N times, and it is the
mean difference of the pairs that counts.
The pairs of a draw have their own seed, Poisson arrivals where the scenario has paced ones, and a clock, an exit from idle and a
moderation that are a little longer from draw to draw, which moves phases. Where a metric's mean moved by more than 1 % (those of
MAIN: in any case; others: and by more than their spread makes likely) the run is drawn MORE times as often, and twice as often as that
where a metric of MAIN is that wide apart; then no mean may differ by more than that and more than chance explains. Exit 1 with the
runs that do not hold, worst first.
"""
import math
import re
import sys

from runs import Runs, merged

MAIN = ("throughput.goodput", "packets.delivered", "cpu.cycles_per_packet", "host.cycles_per_packet", "guest.cycles_per_packet",
        "copy.host_bytes_per_packet", "copy.guest_bytes_per_packet", "gro.segments_per_packet", "pcie.upstream_bytes",
        "buffers.capacity_frames")
LIMIT = 0.01
LIKELY = 3.0          # Student's t of 3 degrees of freedom: 1 in 17 lies beyond, both ways
CHANCE = 5.0          # of 23 degrees of freedom: 1 in 20,000
MORE = 6
IDLE_EXIT = "500ns"   # without a scenario's own
SPREAD = {"host.idle_exit": 0.5, "host.clock": 0.08, "nic.interrupt_moderation.delay": 0.06}   # longest more than shortest


class Moved:
    """How the halved step moves a metric: means, the share by which they differ, and that share's standard error."""

    def __init__(self, metric, pairs):
        n = len(pairs)
        differences = [y - x for x, y in pairs]
        self.metric = metric
        self.whole, self.half = (sum(p[k] for p in pairs) / n for k in (0, 1))
        scale = max(abs(self.whole), abs(self.half)) or 1
        mean = sum(differences) / n
        self.less_than_one = all(isinstance(v, int) for p in pairs for v in p) and abs(mean) < 1   # of a count
        self.share = abs(mean) / scale
        self.error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1) / n) / scale

    def beyond(self, t):
        return not self.less_than_one and self.share > max(LIMIT, t * self.error)

    def __str__(self):
        change = f"{100 * (self.half - self.whole) / self.whole:+.1f} %" if self.whole else "from nothing"
        return f"{self.metric} {self.whole:g} -> {self.half:g} ({change}, standard error {100 * self.error:.1f} %)"


def scaled(tree, key, factor):
    """KEY=VALUE with the scenario's value times `factor`; nothing where it has none"""
    value = tree
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    number = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", value or (IDLE_EXIT if key == "host.idle_exit" else ""))
    return [f"{key}={float(number[1]) * factor:.6g}{number[2]}"] if number and float(number[1]) else []


def draw(tree, n, of):
    """Settings of the n-th of so many draws of the scenario `tree`"""
    traffic = tree.get("traffic", {})
    sets = [f"seed={of + n}"]
    if isinstance(traffic, dict) and traffic.get("kind", "synthetic") == "synthetic" and traffic.get("arrival", "paced") == "paced":
        sets.append("traffic.arrival=poisson")
    for key, spread in SPREAD.items():
        sets += scaled(tree, key, 1 + spread * n / of)
    return tuple(sets)


def drawn(runs, wanted, step, draws):
    """{(file, label): [Moved]} of the files and labels in `wanted`; label None: each of the file's"""
    calls = []
    for f, label in wanted:
        tree = merged(f)[0]
        calls += [(f, s + half, label) for s in (draw(tree, n, draws) for n in range(draws)) for half in ((), (f"host.step_max={step}",))]
    results = runs.all(calls)
    rows = {}
    for i, (f, label) in enumerate(wanted):
        pairs = [(a[1], b[1]) for a, b in zip(*(results[2 * i * draws + k:2 * (i + 1) * draws:2] for k in (0, 1)))]
        for name in [label] if label else sorted(pairs[0][0]) or ["(none)"]:
            if not all(name in side for pair in pairs for side in pair):
                rows[f, name] = None
                continue
            metrics = sorted({m for pair in pairs for side in pair for m, v in side[name].items() if isinstance(v, (int, float))})
            rows[f, name] = [Moved(m, [(a[name].get(m, 0), b[name].get(m, 0)) for a, b in pairs]) for m in metrics]
    return rows


def main():
    p = Runs.arguments()
    p.add_argument("--only", default="")
    p.add_argument("--step", default="100ns")
    p.add_argument("--draws", type=int, default=4)
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    files = [f for f in runs.shipped() if any(t in f.stem for t in a.only.split(","))]
    first = drawn(runs, [(f, None) for f in files], a.step, a.draws)
    broken = [run for run, moved in first.items() if moved is None]
    again = {run: {m.metric for m in moved if m.beyond(0 if m.metric in MAIN else LIKELY)} for run, moved in first.items() if moved}
    wanted = [run for run, metrics in again.items() if metrics]
    many, most = MORE * a.draws, 2 * MORE * a.draws
    last = drawn(runs, wanted, a.step, many)
    wide = [run for run, moved in last.items() if any(m.metric in MAIN and m.error > LIMIT for m in moved)]
    last.update(drawn(runs, wide, a.step, most))
    moved = {run: [m for m in all_of_it if m.metric in again[run] and m.beyond(CHANCE)] for run, all_of_it in last.items()}
    failed = {run: sorted(metrics, key=lambda m: -m.share) for run, metrics in moved.items() if metrics}
    for f, label in broken:
        print(f"{f.stem} {label}, host.step_max {a.step}: did not run")
    for (f, label), of_run in sorted(failed.items(), key=lambda x: -x[1][0].share):
        print(f"{f.stem} {label}, host.step_max {a.step}: " + "; ".join(map(str, of_run)))
    errors = sorted(max(m.error for m in moved if m.metric in MAIN) for moved in last.values())
    rest = f"; standard error of a metric of MAIN {100 * errors[len(errors) // 2]:.1f} % in the median of these, {100 * errors[-1]:.1f} % at most" if errors else ""
    print(f"{len(first) - len(broken) - len(failed)} of {len(first)} runs hold with half the step, {len(first) - len(wanted)} by {a.draws} draws, "
          f"{len(wanted) - len(wide)} by {many}, {len(wide)} by {most}{rest}")
    return 1 if broken or failed else 0


if __name__ == "__main__":
    sys.exit(main())
