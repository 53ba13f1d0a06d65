"""How all pictures look: colours that stay apart in grey, hatches, line styles, markers; and how a picture is saved."""
import os

from plots.files import Mistake

SURFACES = ["#355c8c", "#e0a030", "#7fb08a", "#b0546a", "#8c7fb8", "#c9c9c9", "#5f9ea8", "#d08a60", "#4f4f4f", "#e6d9a8"]
HATCHES = ["", "//", "..", "\\\\", "xx", "", "--", "++", "", "oo"]
LINES = [("#1f3f66", "-"), ("#c47f00", "--"), ("#3d7a4a", "-."), ("#9b2f4a", ":"), ("#5d4b9c", (0, (6, 1, 1, 1, 1, 1))),
         ("#2f8f9b", (0, (8, 2))), ("#6b4a2b", (0, (3, 1, 1, 1))), ("#444444", (0, (1, 2)))]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]


def line(i, **more):
    """Colour and style of the i-th strategy's line."""
    colour, style = LINES[i % len(LINES)]
    return {"color": colour, "linestyle": style, **more}


def marker(i, **more):
    return {"marker": MARKERS[i % len(MARKERS)], "color": LINES[i % len(LINES)][0], "markeredgecolor": "white", **more}


def shown(value):
    """About four significant digits, as in the comparison's table."""
    size = abs(value)
    places = 0 if value == int(value) or size >= 1000 else 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 4
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def short(text, most=24):
    return text if len(text) <= most else text[:most - 1] + "…"


def load_matplotlib():
    try:
        import matplotlib
    except ImportError:
        raise Mistake("python3-matplotlib is not installed (apt-get install python3-matplotlib)")
    matplotlib.use("Agg")
    matplotlib.rcParams.update({
        "svg.hashsalt": "guestdma", "font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 11,
        "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
        "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6, "hatch.linewidth": 0.7,
        "legend.frameon": False, "legend.fontsize": 9, "figure.dpi": 100, "path.simplify_threshold": 0.3,
    })
    import matplotlib.pyplot as pyplot
    return pyplot


def headline(figure, text):
    figure.suptitle(f"guestdma: {text}", fontsize=14, fontweight="bold", x=0.01, ha="left")


def of_seeds(runs, what):
    """", means of 3 seeds"; nothing for one."""
    return f", {what} {runs[0].seeds} seeds" if runs[0].seeds > 1 else ""


def plain_numbers(axis):
    axis.set_major_formatter(lambda v, _: f"{v:,.12g}")


def save(pyplot, figure, folder, name):
    """name.png and name.svg: without dates, so that the same results give the same bytes."""
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": "guestdma"})):
        path = os.path.join(folder, f"{name}.{kind}")
        try:
            figure.savefig(path, metadata=metadata, dpi=130 if kind == "png" else 100)
        except OSError as e:
            raise Mistake(f"cannot write {path}: {e.strerror}")
        print(path)
    pyplot.close(figure)


def legend_below(figure, handles, names, title=None, columns=4):
    """A legend below all panels of a figure that lays itself out (constrained)."""
    columns = min(columns, len(names))
    inches = 0.2 * -(-len(names) // columns) + (0.22 if title else 0.0) + 0.12
    share = inches / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    figure.legend(handles, names, loc="lower left", bbox_to_anchor=(0.01, 0), ncols=columns, handlelength=4, title=title, title_fontsize=9,
                  alignment="left", borderaxespad=0.3)
