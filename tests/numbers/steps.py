#!/usr/bin/python3
"""steps.py PROGRAM SCENARIOS [-j N] [--only TEXT,...] [--step TIME] [--draws N] [--every N]

Every shipped scenario with each of its strategies, with the longest software step as it is and halved: no metric of GATED
moves by more than 1 %, or by more than two packets of the run's are, where it has few. A run that does hangs on single
events: whether a poll meets one packet more, whether a ring was full at a certain moment. It is drawn N times each way, four
times as often where the draws are wide apart, and the means may not differ by more than 1 % and by more than chance explains.
A draw has its own seed, Poisson arrivals where the scenario has paced ones, and a clock, an exit from idle and a moderation
that are a little longer each time, which moves phases. Exit 1 with the runs that do not hold, worst first. --draws 0: the
runs that move, without judgement. --every takes one scenario in N.
"""
import math
import re
import sys

from runs import Runs, merged

GATED = ("throughput.goodput", "packets.delivered", "cpu.cycles_per_packet", "host.cycles_per_packet", "guest.cycles_per_packet",
         "copy.host_bytes_per_packet", "copy.guest_bytes_per_packet", "gro.segments_per_packet", "pcie.upstream_bytes",
         "buffers.capacity_frames")
LIMIT = 0.01
# Of some hundred comparisons none lies beyond by chance: Student's t of 22 degrees of freedom, 1 in 10,000, both ways.
CHANCE = 4.7
IDLE_EXIT = "500ns"   # without a scenario's own


def moved(one, other, limit):
    """[(share, text)] of the metrics that differ by more than limit(metric), the worst first"""
    found = []
    for m in GATED:
        x, y = one.get(m, 0), other.get(m, 0)
        if abs(x - y) > limit(m) * max(abs(x), abs(y)):
            found.append((abs(x - y) / max(abs(x), abs(y)), f"{m} {x:g} -> {y:g} ({100 * (y - x) / x if x else 100:+.1f} %)"))
    return sorted(found, reverse=True)


def few(metrics):
    packets = metrics.get("packets.delivered", 0) / max(1, metrics.get("gro.segments_per_packet", 1))
    return max(LIMIT, 2 / max(packets, 20))


def single(runs, files, step):
    """[(moved, file, label)] with the scenario's own seed"""
    results = runs.all([(f, s) for f in files for s in ((), (f"host.step_max={step}",))])
    rows = []
    for f, whole, half in zip(files, results[::2], results[1::2]):
        if not whole[1] or whole[1].keys() != half[1].keys():
            rows.append(([(1, "did not run: " + (whole[3] + half[3]).strip()[:200])], f, None))
        for label in sorted(whole[1].keys() & half[1].keys()):
            limit = few(whole[1][label])
            rows.append((moved(whole[1][label], half[1][label], lambda m: limit), f, label))
    return rows


def scaled(tree, key, factor, default=None):
    """KEY=VALUE with the scenario's value times `factor`; nothing where it has none"""
    value = tree
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    number = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", value or default or "")
    return [f"{key}={float(number[1]) * factor:.6g}{number[2]}"] if number and float(number[1]) else []


def draw(tree, n, of):
    """Settings of the n-th of so many draws of the scenario `tree`"""
    share = (n - 1) / of
    traffic = tree.get("traffic", {})
    sets = [f"seed={n}"]
    if isinstance(traffic, dict) and traffic.get("kind", "synthetic") == "synthetic" and traffic.get("arrival", "paced") == "paced":
        sets.append("traffic.arrival=poisson")
    sets += scaled(tree, "host.idle_exit", 1 + 0.5 * share, IDLE_EXIT)
    sets += scaled(tree, "host.clock", 1 + 0.006 * share)
    sets += scaled(tree, "nic.interrupt_moderation.delay", 1 + 0.06 * share)
    return tuple(sets)


def statistics(values):
    """Mean and square of its standard error"""
    mean = sum(values) / len(values)
    return mean, sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1) / len(values)


def drawn(runs, wanted, step, draws):
    """[(moved, file, label, largest standard error of a difference)] of the runs (file, label) in `wanted`"""
    calls = []
    for f, label in wanted:
        tree = merged(f)[0]
        settings = [draw(tree, n, draws) for n in range(1, draws + 1)]
        calls += [(f, s + half, label) for half in ((), (f"host.step_max={step}",)) for s in settings]
    results = runs.all(calls)
    rows = []
    for i, (f, label) in enumerate(wanted):
        sides = [[r[1].get(label, {}) for r in results[(2 * i + k) * draws:(2 * i + k + 1) * draws]] for k in (0, 1)]
        one, other, errors = {}, {}, {}
        for m in GATED:
            (one[m], e), (other[m], g) = (statistics([r.get(m, 0) for r in side]) for side in sides)
            errors[m] = math.sqrt(e + g) / max(abs(one[m]), abs(other[m]), 1e-9)
        limit = few(one)   # of the means, once they are all there
        rows.append((moved(one, other, lambda m: max(limit, CHANCE * errors[m])), f, label, max(errors.values())))
    return rows


def main():
    p = Runs.arguments()
    p.add_argument("--only", default="")
    p.add_argument("--step", default="100ns")
    p.add_argument("--draws", type=int, default=12)
    p.add_argument("--every", type=int, default=1)
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    # The base run of a question is short, and at a limit by intent.
    files = [f for f in runs.shipped() if f.parent.name != "questions" and any(t in f.stem for t in a.only.split(","))][::a.every]
    rows = single(runs, files, a.step)
    beyond = [r for r in rows if r[0]]
    rest = ""
    if a.draws:
        broken = [r for r in beyond if r[2] is None]
        again = drawn(runs, [(f, label) for _, f, label in beyond if label], a.step, a.draws)
        wide = [r for r in again if r[3] > LIMIT]
        again = [r for r in again if r[3] <= LIMIT] + drawn(runs, [r[1:3] for r in wide], a.step, 4 * a.draws)
        beyond = broken + [r[:3] for r in again if r[0]]
        errors = sorted(r[3] for r in again)
        if errors:
            rest = (f", {len(again)} of them by the means of {a.draws} draws, {len(wide)} of {4 * a.draws} (standard error "
                    f"{100 * errors[len(errors) // 2]:.1f} % in the median, {100 * errors[-1]:.1f} % at most)")
    for texts, path, label in sorted(beyond, key=lambda r: r[0][:1], reverse=True):
        print(f"{path.stem} {label or ''}, host.step_max {a.step}: " + "; ".join(text for _, text in texts))
    print(f"{len(rows) - len(beyond)} of {len(rows)} runs hold with half the step{rest}")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
