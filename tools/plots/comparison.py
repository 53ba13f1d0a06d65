"""comparison: throughput, cycles per packet by component, copied bytes and DRAM traffic, strategies side by side."""
from plots.look import HATCHES, SURFACES, headline, of_seeds, plain_numbers, save, short, shown

COMPONENTS_SHOWN = 9


def prepare(axes, runs, title, unit):
    axes.set_title(title, loc="left")
    axes.set_xlabel(unit)
    plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(runs)))
    axes.set_yticklabels([short(r.label) for r in runs])
    axes.set_ylim(len(runs) - 0.45, -0.55)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def stacked(axes, runs, parts, values, title, unit, legend, columns=None, text=None, reach=None):
    """Horizontal bars of parts. values[part][run]; `text`: what stands behind a bar instead of its sum, behind `reach`."""
    bottoms = [0.0] * len(runs)
    for i, part in enumerate(parts):
        axes.barh(range(len(runs)), values[part], left=bottoms, height=0.62, label=part, color=SURFACES[i % len(SURFACES)],
                  hatch=HATCHES[i % len(HATCHES)], edgecolor="white" if HATCHES[i % len(HATCHES)] else "black", linewidth=0)
        bottoms = [b + v for b, v in zip(bottoms, values[part])]
    bottoms = [max(b, r) for b, r in zip(bottoms, reach)] if reach else bottoms
    top = max(bottoms + [0.0]) or 1.0
    axes.set_xlim(0, top * 1.2)
    for i, b in enumerate(bottoms):
        axes.text(b + top * 0.012, i, text[i] if text else shown(b), va="center", ha="left", fontsize=9)
    prepare(axes, runs, title, unit)
    if legend:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.3 * 4 / (len(runs) + 2.5)), ncols=columns or min(len(parts), 3),
                    borderaxespad=0, handlelength=1.6, columnspacing=1.2)


def draw(pyplot, runs, folder):
    height = 0.34 * len(runs)
    figure, grid = pyplot.subplots(2, 2, figsize=(12.5, 5.4 + 2 * height), constrained_layout=True)
    headline(figure, runs[0].scenario + (", strategies side by side" if len(runs) > 1 else f", {runs[0].label}") + of_seeds(runs, "means of"))

    drops = [r.metric("drops.total") for r in runs]
    text = [shown(r.metric("throughput.goodput")) + (f"  ({d:,.0f} dropped)" if d else "") for r, d in zip(runs, drops)]
    offered = [r.metric("throughput.offered") for r in runs]
    axes = grid[0][0]
    stacked(axes, runs, ["accepted by the application"], {"accepted by the application": [r.metric("throughput.goodput") for r in runs]},
            "Throughput (more is better)", "Gb/s of payload", False, text=text, reach=offered)
    if max(offered) > 0:
        axes.set_xlim(0, max(axes.get_xlim()[1], max(offered) * 1.35))
        for i, o in enumerate(offered):
            axes.plot([o, o], [i - 0.38, i + 0.38], color="black", linewidth=2, label="offered by the sender" if i == 0 else None)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.3 * 4 / (len(runs) + 2.5)), ncols=2, borderaxespad=0, handlelength=1.6)

    per_packet = [r.cycles_per_packet() for r in runs]
    weight = {}
    for p in per_packet:
        for name, c in p.items():
            weight[name] = max(weight.get(name, 0), c)
    ranked = sorted((n for n in weight if weight[n] > 0), key=lambda n: (-weight[n], n))
    parts = ranked[:COMPONENTS_SHOWN]
    values = {n: [p.get(n, 0.0) for p in per_packet] for n in parts}
    if len(ranked) > len(parts):
        parts = parts + ["all others"]
        values["all others"] = [sum(p.get(n, 0.0) for n in ranked[COMPONENTS_SHOWN:]) for p in per_packet]
    stacked(grid[0][1], runs, parts, values, "CPU by component, host and guest (less is better)", "cycles per packet", bool(parts), 5)

    values = {"by the host": [r.metric("copy.host_bytes_per_packet") for r in runs],
              "by the guest": [r.metric("copy.guest_bytes_per_packet") for r in runs]}
    stacked(grid[1][0], runs, list(values), values, "Bytes copied by CPUs (less is better)", "bytes per packet", True)

    whole = [r.metric("dram.bytes_per_payload_byte") for r in runs]
    share = [r.metric("dram.read_bytes") / max(1.0, r.metric("dram.read_bytes") + r.metric("dram.write_bytes")) for r in runs]
    values = {"read": [w * s for w, s in zip(whole, share)], "written": [w * (1 - s) for w, s in zip(whole, share)]}
    stacked(grid[1][1], runs, list(values), values, "DRAM traffic (less is better)", "bytes per byte of payload", True)
    save(pyplot, figure, folder, "comparison")
