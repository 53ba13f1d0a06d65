"""Result files as they lie in a folder: summaries, ledgers, distributions, time series. A wrong file is a Mistake, in one line."""
import csv
import json
import os


class Mistake(Exception):
    """The user's: one line, exit code 2."""


def read_json(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except OSError as e:
        raise Mistake(f"cannot read {path}: {e.strerror}")
    except ValueError as e:
        raise Mistake(f"{path} is not JSON: {e}")


class Run:
    """One strategy's folder."""

    seeds = 1

    def __init__(self, folder):
        self.folder = folder
        summary = read_json(os.path.join(folder, "summary.json"))
        try:
            self.label, self.scenario = summary["label"], summary["scenario"]
            self.metrics = {name: float(m["value"]) for name, m in summary["metrics"].items()}
            self.ledger = read_json(os.path.join(folder, "ledger.json"))["components"]
            document = read_json(os.path.join(folder, "histogram.json"))["distributions"]
            self.distributions = {d["name"]: d["buckets"] for d in document}
            self.cycles = {c["component"]: float(c["cycles"]) for c in self.ledger}
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise Mistake(f"{folder} does not hold results of guestdma: {e!r} is missing or wrong")

    def metric(self, name):
        return self.metrics.get(name, 0.0)

    def cycles_per_packet(self):
        """Cycles per packet by component; they sum to the metric."""
        total = sum(self.cycles.values())
        whole = self.metric("cpu.cycles_per_packet")
        return {name: c * whole / total for name, c in self.cycles.items()} if total > 0 else {}

    def stacks(self):
        """cycles.folded: (core, context, component, operation) and cycles, in the order of the file."""
        path = os.path.join(self.folder, "cycles.folded")
        try:
            with open(path, encoding="utf-8") as f:
                lines = [line.rstrip("\n").rsplit(" ", 1) for line in f]
            return [(tuple(names.split(";")), int(cycles)) for names, cycles in lines]
        except OSError as e:
            raise Mistake(f"cannot read {path}: {e.strerror}")
        except ValueError as e:
            raise Mistake(f"{path} does not hold folded stacks of guestdma: {e}")

    def series(self):
        """series.csv: names and columns; None without one, or with an empty one."""
        path = os.path.join(self.folder, "series.csv")
        if not os.path.isfile(path):
            return None
        try:
            with open(path, newline="", encoding="utf-8") as f:
                rows = list(csv.reader(f))
            head, body = rows[0], [[float(v) for v in row] for row in rows[1:]]
        except (OSError, ValueError, IndexError) as e:
            raise Mistake(f"{path} is not a time series of guestdma: {e}")
        if not body or any(len(row) != len(head) for row in body):
            return None
        return head, list(zip(*body))


def seeds_of(folder):
    """The folders of a strategy's seeds, by number."""
    if not os.path.isdir(folder):
        return []
    names = [n for n in os.listdir(folder) if n.startswith("seed-") and os.path.isfile(os.path.join(folder, n, "summary.json"))]
    return [os.path.join(folder, n) for n in sorted(names, key=lambda n: (len(n), n))]


def pooled(runs):
    """One run that stands for several seeds: means of the metrics, cycles of all, all frames' latencies; series of the first."""
    first = runs[0]
    first.seeds = len(runs)
    first.metrics = {name: sum(r.metrics[name] for r in runs) / len(runs) for name in first.metrics if all(name in r.metrics for r in runs)}
    first.cycles = {name: sum(r.cycles.get(name, 0.0) for r in runs) for name in sorted({n for r in runs for n in r.cycles})}
    for name in first.distributions:
        counts = {}
        for r in runs:
            for lower, upper, count in r.distributions.get(name, []):
                counts[lower, upper] = counts.get((lower, upper), 0) + count
        first.distributions[name] = [[lower, upper, count] for (lower, upper), count in sorted(counts.items())]
    return first


def find_runs(folder):
    """The runs of a result folder, in the order of its comparison."""
    if not os.path.isdir(folder):
        raise Mistake(f"{folder} is not a folder")
    if os.path.isfile(os.path.join(folder, "summary.json")):
        return [Run(folder)]
    runs = []
    for name in sorted(os.listdir(folder)):
        below = os.path.join(folder, name)
        if os.path.isfile(os.path.join(below, "summary.json")):
            runs.append(Run(below))
        elif seeds_of(below):
            runs.append(pooled([Run(seed) for seed in seeds_of(below)]))
    if not runs:
        raise Mistake(f"{folder} holds no results of guestdma (no summary.json in it or one folder below)")
    order = []
    if os.path.isfile(os.path.join(folder, "comparison.json")):
        try:
            order = [s["label"] for s in read_json(os.path.join(folder, "comparison.json"))["strategies"]]
        except (KeyError, TypeError):
            pass
    return sorted(runs, key=lambda r: (order.index(r.label) if r.label in order else len(order), r.label))
