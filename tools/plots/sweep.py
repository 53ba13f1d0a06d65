"""sweep.json as its pictures need it: axes with their values as numbers where they are, and metrics as means and intervals over seeds."""
import functools
import math
import os
import re

from plots.files import Mistake, read_json

# Units of scenario values: what they are shown in, and how much of it one is.
UNITS = {"bps": ("Gb/s", 1e-9), "kbps": ("Gb/s", 1e-6), "Mbps": ("Gb/s", 1e-3), "Gbps": ("Gb/s", 1.0), "B": ("B", 1), "kB": ("B", 1000),
         "MB": ("B", 10**6), "GB": ("B", 10**9), "KiB": ("B", 2**10), "MiB": ("B", 2**20), "GiB": ("B", 2**30), "ps": ("us", 1e-6),
         "ns": ("us", 1e-3), "us": ("us", 1.0), "ms": ("us", 1e3), "s": ("us", 1e6), "Hz": ("GHz", 1e-9), "kHz": ("GHz", 1e-6),
         "MHz": ("GHz", 1e-3), "GHz": ("GHz", 1.0), "%": ("%", 1), "": ("", 1)}
CONFIDENCE = 0.95                                # of the interval over seeds (Student's t)


def number(value):
    """(number, unit) of a scenario value; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value), ""
    parts = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*([A-Za-z%]*)\s*", value) if isinstance(value, str) else None
    if not parts or parts.group(2) not in UNITS:
        return None
    unit, scale = UNITS[parts.group(2)]
    return float(parts.group(1)) * scale, unit


def text_of(value):
    return value if isinstance(value, str) else {True: "true", False: "false", None: "null"}.get(value, str(value)) if isinstance(value, (bool, type(None), int, float)) else str(value)


@functools.cache
def quantile(freedom, share=CONFIDENCE):
    """Two-sided quantile of Student's t: the density integrated by Simpson's rule, the bound found by bisection."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def inside(bound, steps=2000):
        h = bound / steps
        heights = [(1 + (i * h) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(steps + 1)]
        return 2 * scale * h / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2]))

    low, high = 0.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < share else (low, middle)
    return high


class Axis:
    """One swept key, or several that move together. `values` in the order of the runs; `at` their places on a picture's axis."""

    def __init__(self, keys, values):
        self.keys, self.values = keys, values
        self.name = ", ".join(keys)
        self.texts = [", ".join(text_of(v) for v in value) for value in values]
        numbers = [number(value[0]) for value in values] if len(keys) == 1 else [None]
        self.unit = ""
        self.numeric = all(n is not None for n in numbers) and len({n[1] for n in numbers if n}) == 1 and len({n[0] for n in numbers if n}) == len(values)
        self.at = [float(i) for i in range(len(values))]
        self.log = False
        if self.numeric:
            self.unit, self.at = numbers[0][1], [n[0] for n in numbers]
            steps = sorted(self.at)
            ratios = sorted(b / a for a, b in zip(steps, steps[1:])) if steps[0] > 0 else []
            self.log = len(steps) > 2 and bool(ratios) and ratios[len(ratios) // 2] >= 1.5 and steps[-1] / steps[0] >= 4

    def label(self):
        return self.name + (f" [{self.unit}]" if self.unit else "") + (", logarithmic" if self.log else "")


class Value:
    """Mean of a metric over seeds, and half of its confidence interval (0 with one seed)."""

    def __init__(self, values):
        self.values, n = values, len(values)
        self.mean = sum(values) / n
        self.half = 0.0
        if n > 1:
            spread = math.sqrt(sum((v - self.mean) ** 2 for v in values) / (n - 1))
            self.half = quantile(n - 1) * spread / math.sqrt(n)


class Sweep:
    def __init__(self, folder):
        path = os.path.join(folder, "sweep.json")
        document = read_json(path)
        try:
            self.scenario, keys, rows = str(document["scenario"]), list(document["keys"]), document["rows"]
            self.labels, self.units, self.seeds = [], {}, sorted({r["seed"] for r in rows})
            places = []
            for r in rows:
                places.append(tuple(_hashable(r["set"][k]) for k in keys))
                if r["label"] not in self.labels:
                    self.labels.append(r["label"])
                for name, m in r["metrics"].items():
                    self.units.setdefault(name, m["unit"])
            self.axes = _axes(keys, places)
            self.search = document["search"]["key"] if "search" in document else None
            self._found = [(dict(f["set"]), f["between"] if "between" in f else [f["label"]], f["value"]) for f in document.get("searches", []) if "value" in f]
            order = {k: i for i, k in enumerate(keys)}
            self._cells = {}
            for r, place in zip(rows, places):
                where = tuple(axis.values.index(tuple(place[order[k]] for k in axis.keys)) for axis in self.axes)
                cell = self._cells.setdefault((r["label"], where), {})
                for name, m in r["metrics"].items():
                    cell.setdefault(name, []).append(float(m["value"]))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise Mistake(f"{path} does not hold a sweep of guestdma: {e!r} is missing or wrong")
        if not rows:
            raise Mistake(f"{path} holds no run")

    def has(self, metric, ever_other_than_zero=False):
        return any(metric in c and (not ever_other_than_zero or any(c[metric])) for c in self._cells.values())

    def places(self, metric):
        """At how many combinations of values some strategy has the metric."""
        return len({where for (_, where), c in self._cells.items() if metric in c})

    def value(self, label, where, metric):
        """None where the run was refused, excluded, or has no such metric."""
        values = self._cells.get((label, where), {}).get(metric)
        return Value(values) if values else None

    def line(self, label, axis, rest, metric):
        """(place, Value) along `axis`, by place; `rest`: indices of the values of the other axes, in their order."""
        out = []
        for i, at in enumerate(self.axes[axis].at):
            v = self.value(label, rest[:axis] + (i,) + rest[axis:], metric)
            if v:
                out.append((at, v))
        return sorted(out, key=lambda p: p[0])

    def found(self, axis, rest):
        """(place, strategies) that a search found along `axis`, at these values of the other axes."""
        if self.axes[axis].keys != [self.search] or not self.axes[axis].numeric:
            return []
        others = [a for i, a in enumerate(self.axes) if i != axis]
        here = {k: v for a, i in zip(others, rest) for k, v in zip(a.keys, a.values[i])}
        return sorted((number(value)[0], " and ".join(labels)) for point, labels, value in self._found if all(_hashable(v) == here[k] for k, v in point.items() if k in here))

    def longest(self):
        """Index of the axis for a curve's x: that of a search, then numbers before words, then the longest, then the first."""
        for i, axis in enumerate(self.axes):
            if axis.keys == [self.search]:
                return i
        return max(range(len(self.axes)), key=lambda i: (self.axes[i].numeric, len(self.axes[i].values), -i))


def _hashable(value):
    return text_of(value) if isinstance(value, (list, dict)) else value


def _axes(keys, places):
    """Keys that vary, those that always move together as one axis."""
    columns = {k: [p[i] for p in places] for i, k in enumerate(keys)}
    varying = [k for k in keys if len(set(map(repr, columns[k]))) > 1]
    groups = []
    for k in varying:
        for group in groups:
            pairs = set(zip(map(repr, columns[group[0]]), map(repr, columns[k])))
            if len(pairs) == len(set(map(repr, columns[k]))) == len(set(map(repr, columns[group[0]]))):
                group.append(k)
                break
        else:
            groups.append([k])
    out = []
    for group in groups:
        values = []
        for value in zip(*(columns[k] for k in group)):
            if value not in values:
                values.append(value)
        out.append(Axis(group, values))
    return out


TOUCH = 0.02                                     # of the larger one: lines that differ by less share are not told apart


def crossings(a, b, log, ylog=False):
    """Where line `a` passes `b`: (place, height), between neighbours at which both have values, straight between them as drawn (`log`:
    the places, `ylog`: the heights on a logarithmic axis). Both differences must be told apart: larger than TOUCH, and than what the intervals over seeds leave open."""
    def apart(p, q):
        d = p.mean - q.mean
        return d if abs(d) > max(TOUCH * max(abs(p.mean), abs(q.mean)), math.hypot(p.half, q.half)) else 0.0

    of_b = dict(b)
    both = [(x, v, of_b[x]) for x, v in a if x in of_b]
    out = []
    for (x0, a0, b0), (x1, a1, b1) in zip(both, both[1:]):
        d0, d1 = apart(a0, b0), apart(a1, b1)
        if d0 * d1 >= 0:
            continue
        if ylog:
            d0, d1 = math.log(a0.mean / b0.mean), math.log(a1.mean / b1.mean)
        t = d0 / (d0 - d1)
        x = math.exp(math.log(x0) + t * (math.log(x1) - math.log(x0))) if log else x0 + t * (x1 - x0)
        out.append((x, a0.mean * (a1.mean / a0.mean) ** t if ylog else a0.mean + t * (a1.mean - a0.mean)))
    return out
