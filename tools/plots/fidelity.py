"""fidelity: published values against simulated ones, and the points that lie furthest from theirs."""
import os

from plots.files import Mistake, read_json
from plots.look import headline, plain_numbers, save, short

CROSS = {"marker": "x", "color": "black", "markersize": 10, "markeredgewidth": 1.4, "linestyle": ""}
SHOWN_TOLERANCES = 3                             # further out lies at the rim
ROWS = 32                                        # of the points, those furthest from the published value


class Point:
    """A modelled point of fidelity.json."""

    def __init__(self, p):
        self.id, self.unit = str(p["id"]), str(p["unit"])
        self.calibrated, self.missed = p["kind"] == "calibrated", p["verdict"] != "within"
        self.published = float(p["published"])
        self.simulated, self.lower, self.upper, self.error = (None if p[k] is None else float(p[k]) for k in ("simulated", "lower", "upper", "error"))
        used = 0.0 if p["used"] is None else float(p["used"])
        self.used = used if self.simulated is None or self.simulated >= self.published else -used

    def look(self, size=6.5):
        """Filled circles and open squares are told apart without colour; a cross lies over what missed."""
        if self.calibrated:
            return {"marker": "s", "color": "#b0546a" if self.missed else "#c47f00", "markerfacecolor": "white", "markersize": size, "markeredgewidth": 1.4, "linestyle": ""}
        return {"marker": "o", "color": "#9b2f4a" if self.missed else "#1f3f66", "markersize": size, "linestyle": ""}


def read(folder):
    path = os.path.join(folder, "fidelity.json")
    document = read_json(path)
    try:
        points = [Point(p) for p in document["points"] if p["kind"] != "not modelled"]
        return str(document["name"]), points, int(document["not_modelled"])
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise Mistake(f"{path} does not hold points of guestdma: {e!r} is missing or wrong")


def scatter(axes, points):
    drawn = [p for p in points if p.simulated is not None and p.published > 0 and p.simulated > 0]
    values = [v for p in drawn for v in (p.published, p.simulated)] or [1.0]
    low, high = min(values) / 1.8, max(values) * 1.8
    size = 6.5 if len(drawn) <= 60 else 4.5
    axes.plot([low, high], [low, high], color="#888888", linewidth=1)
    for p in drawn:
        bottom, top = max(low, p.lower if p.lower is not None else low), min(high, p.upper if p.upper is not None else high)
        axes.plot([p.published, p.published], [bottom, top], color="#999999", linewidth=4, alpha=0.5, solid_capstyle="butt")
    for p in drawn:
        axes.plot([p.published], [p.simulated], **p.look(size))
        if p.missed:
            axes.plot([p.published], [p.simulated], **CROSS)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal", adjustable="box")
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    axes.set_title("Simulated against published, each in its unit", loc="left")
    axes.set_xlabel("published (logarithmic)")
    axes.set_ylabel("simulated (logarithmic)")
    left_out = len(points) - len(drawn)
    if left_out:
        axes.text(0.99, 0.02, f"not on this axis: {left_out} of value 0, negative, or without a value", transform=axes.transAxes, ha="right", va="bottom", fontsize=9, color="#555555")


def errors(axes, points, of):
    axes.axvspan(-1, 1, color="#e4e4e4", linewidth=0)
    axes.axvline(0, color="#888888", linewidth=1)
    rim = SHOWN_TOLERANCES
    for i, p in enumerate(points):
        at = max(-rim, min(rim, p.used))
        if p.simulated is None:
            axes.text(0, i, "no value", va="center", ha="center", fontsize=8)
            continue
        axes.plot([0, at], [i, i], color="#999999", linewidth=1.2)
        axes.plot([at], [i], **p.look())
        if p.missed:
            axes.plot([at], [i], **CROSS)
        text = f"{100 * p.error:+.1f} %" if p.error is not None else f"{p.simulated - p.published:+.4g} {p.unit}".rstrip()
        axes.text(rim + 0.15, i, text, va="center", ha="left", fontsize=8)
    axes.set_yticks(range(len(points)))
    axes.set_yticklabels([short(p.id, 36) for p in points], fontsize=8)
    axes.set_ylim(len(points) - 0.4, -0.6)
    axes.set_xlim(-rim - 0.1, rim + 1.1)
    axes.set_xticks(range(-rim, rim + 1))
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.set_title("Distance in tolerances" + (f": the {len(points)} furthest of {of}" if of > len(points) else ""), loc="left")
    axes.set_xlabel(f"simulated too low | too high; grey: within tolerance; at {rim}: that far or further")


def draw(pyplot, folder):
    name, points, not_modelled = read(folder)
    # Points without a value are as far away as can be; equals keep the order of the file.
    furthest = sorted(points, key=lambda p: (p.simulated is not None, -abs(p.used)))[:ROWS]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13.5, 7.2), constrained_layout=True)
    missed = sum(p.missed for p in points)
    headline(figure, f"{name}, published against simulated: {len(points) - missed} of {len(points)} within tolerance" + (f", {not_modelled} not modelled" if not_modelled else ""))
    scatter(left, points)
    errors(right, furthest, len(points))
    sample = {"verdict": "within", "id": "", "unit": "", "published": 1, "simulated": 1, "lower": 1, "upper": 1, "error": 0, "used": 0}
    handles = [pyplot.Line2D([], [], **Point({**sample, "kind": kind}).look()) for kind in ("predicted", "calibrated")]
    handles += [pyplot.Line2D([], [], **CROSS), pyplot.Line2D([], [], color="#999999", linewidth=4, alpha=0.5)]
    left.legend(handles, ["predicted", "calibrated", "outside of its tolerance", "tolerance"], loc="upper left", handlelength=1.6)
    save(pyplot, figure, folder, "fidelity")
