"""plots_parts.py TOOLS: what the pictures compute: values with units, axes, Student's t, cross-overs, flame boxes, the best of a place."""
import json
import math
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from plots.flame import boxes  # noqa: E402
from plots.heat import best_of  # noqa: E402
from plots.levels import thinned  # noqa: E402
from plots.sweep import Axis, Sweep, Value, _axes, crossings, number, quantile  # noqa: E402


def near(a, b, tolerance=1e-3):
    assert abs(a - b) <= tolerance * max(1.0, abs(b)), (a, b)


# Values of scenarios.
for text, wanted in {"10Gbps": (10, "Gb/s"), "250Mbps": (0.25, "Gb/s"), "4KiB": (4096, "B"), "200ns": (0.2, "us"), "1%": (1, "%"), "3.4GHz": (3.4, "GHz"), "7": (7, "")}.items():
    value, unit = number(text)
    near(value, wanted[0], 1e-9)
    assert unit == wanted[1], text
assert number(64) == (64.0, "") and number(True) is None and number(None) is None and number("strict") is None and number("4 apples") is None

# Two-sided 95 % quantiles of Student's t (NIST/SEMATECH e-Handbook, 1.3.6.7.2).
for freedom, wanted in {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 29: 2.045}.items():
    near(quantile(freedom), wanted)
v = Value([1.0, 2.0, 3.0, 4.0])                  # s = 1.29099, half = 3.182 s / 2
near(v.mean, 2.5), near(v.half, 2.0543)
assert Value([5.0]).half == 0.0

# Axes: numbers, doubled numbers, words; keys that move together; keys that do not move.
doubled, evenly, words = (Axis(["k"], [(x,) for x in values]) for values in ([64, 128, 256, 512], ["1Gbps", "2Gbps", "3Gbps"], ["off", "strict", "lazy"]))
assert doubled.numeric and doubled.log and evenly.numeric and not evenly.log and evenly.unit == "Gb/s" and not words.numeric and words.at == [0.0, 1.0, 2.0]
axes = _axes(["a", "b", "c", "d"], [(2, 8, x, 1) for x in (1, 2, 3)] + [(3, 16, x, 1) for x in (1, 2, 3)])
assert [(a.keys, a.values) for a in axes] == [(["a", "b"], [(2, 8), (3, 16)]), (["c"], [(1,), (2,), (3,)])], [(a.keys, a.values) for a in axes]

# Cross-overs lie where the straight lines meet; what the intervals leave open, or only touches, is none.
def points(*values, half=0.0):
    out = []
    for x, y in values:
        v = Value([float(y)])
        v.half = half
        out.append((float(x), v))
    return out


found = crossings(points((1, 10), (2, 20), (4, 40)), points((1, 30), (2, 30), (4, 30)), False)
assert found == [(3.0, 30.0)], found
near(crossings(points((1, 10), (2, 10), (4, 40)), points((1, 25), (2, 25), (4, 25)), True)[0][0], math.sqrt(8))
near(crossings(points((0, 1), (2, 100)), points((0, 100), (2, 1)), False, True)[0][1], 10.0)
assert crossings(points((1, 10), (2, 20)), points((1, 11), (2, 19)), False) and not crossings(points((1, 10), (2, 20), half=2.0), points((1, 11), (2, 19), half=2.0), False)
assert not crossings(points((1, 100), (2, 100)), points((1, 101), (2, 99)), False) and not crossings(points((1, 1), (3, 3)), points((2, 2), (4, 1)), False)

# Boxes of a flame graph: children fill their parent, the largest first.
of = boxes([(("core0", "softirq", "gro", "receive"), 30), (("core0", "softirq", "skb", "alloc"), 50), (("core1", "guest", "tcp", "rx"), 40)], 0.5)
assert [(d, left, width, name) for d, left, width, name, _ in of if d < 3] == [
    (0, 0.0, 40.0, "core0"), (1, 0.0, 40.0, "softirq"), (2, 0.0, 25.0, "skb"), (2, 25.0, 15.0, "gro"), (0, 40.0, 20.0, "core1"), (1, 40.0, 20.0, "guest"), (2, 40.0, 20.0, "tcp")], of

# What a search found stands at its place, for the values of the other axes for which it was found.
with tempfile.TemporaryDirectory() as folder:
    rows = [{"index": 0, "seed": 1, "set": {"ring": ring, "rate": rate}, "label": "a", "metrics": {"m": {"value": 1, "unit": ""}}} for ring in (64, 128) for rate in ("1Gbps", "2Gbps", "1.5Gbps")]
    found = [{"set": {"ring": 64}, "label": "a", "outcome": "found", "value": "1.5Gbps"}, {"set": {"ring": 128}, "between": ["a", "b"], "outcome": "found", "value": "1Gbps"}, {"set": {"ring": 128}, "label": "a", "outcome": "nowhere"}]
    with open(folder + "/sweep.json", "w") as f:
        json.dump({"scenario": "s", "keys": ["ring", "rate"], "rows": rows, "search": {"key": "rate"}, "searches": found}, f)
    s = Sweep(folder)
    assert s.longest() == 1 and s.found(1, (0,)) == [(1.5, "a")] and s.found(1, (1,)) == [(1.0, "a and b")] and s.found(0, (0,)) == []
    assert [at for at, _ in s.line("a", 1, (0,), "m")] == [1.0, 1.5, 2.0]

assert best_of([1.0, 2.0, None], 1) == 1 and best_of([1.0, 2.0, None], -1) == 0 and best_of([2.0, 1.999], 1) == -1 and best_of([None], 1) is None
times, peaks = thinned(list(range(1, 2001)), [0] * 1000 + [9] + [0] * 999)
assert max(peaks) == 9 and times[-1] == 2000 and len(times) <= 1001
