"""flame: where the cycles of a packet go, by core, context, component and operation; wider is more, all strategies on one scale."""
from plots.look import HATCHES, SURFACES, headline, plain_numbers, save, shown

DEPTHS = ["core", "context", "component", "operation"]
NARROWEST = 0.001                                # share of the axis below which a box is not drawn
CHARACTER = 0.0062                               # width of a letter of 7.5 points, as share of the axis


def boxes(stacks, scale):
    """Boxes (depth, left, width, name, component): children inside their parents, largest first, then by name."""
    out = []

    def level(items, depth, left):
        sums = {}
        for names, width in items:
            sums.setdefault(names[depth], []).append((names, width))
        for name, inner in sorted(sums.items(), key=lambda kv: (-sum(w for _, w in kv[1]), kv[0])):
            width = sum(w for _, w in inner)
            out.append((depth, left, width, name, inner[0][0][2] if depth >= 2 else None))
            if depth + 1 < len(DEPTHS):
                level(inner, depth + 1, left)
            left += width

    level([(names, cycles * scale) for names, cycles in stacks if len(names) == len(DEPTHS)], 0, 0.0)
    return out


def draw(pyplot, runs, folder):
    drawn = []
    for r in runs:
        stacks = r.stacks()
        total, whole = sum(c for _, c in stacks), r.metric("cpu.cycles_per_packet")
        if total > 0 and whole > 0:
            drawn.append((r, whole, boxes(stacks, whole / total)))
    if not drawn:
        return
    widest = max(whole for _, whole, _ in drawn)
    weight = {}
    for _, _, list_of in drawn:
        for depth, _, width, name, _ in list_of:
            if depth == 2:
                weight[name] = weight.get(name, 0.0) + width
    look = {name: i % len(SURFACES) for i, name in enumerate(sorted(weight, key=lambda n: (-weight[n], n)))}
    figure, grid = pyplot.subplots(len(drawn), 1, figsize=(12.5, 1.0 + 1.55 * len(drawn)), sharex=True, squeeze=False, constrained_layout=True)
    headline(figure, f"{runs[0].scenario}, cycles of a packet by core, context, component, operation")
    for row, (r, whole, list_of) in enumerate(drawn):
        axes = grid[row][0]
        for depth, left, width, name, component in list_of:
            if width < NARROWEST * widest:
                continue
            i = look[component] if component else None
            axes.barh([depth], [width], left=[left], height=0.94, color="#f2f2f2" if i is None else SURFACES[i],
                      hatch=HATCHES[i] if depth == 2 else "", edgecolor="white", linewidth=0.5, alpha=1.0 if depth != 3 else 0.72)
            if width / widest > CHARACTER * (len(name) + 1):
                axes.text(left + width / 2, depth, name, ha="center", va="center", fontsize=7.5,
                          bbox=None if depth != 2 else {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
                          color="white" if depth == 3 and i in (0, 8) else "black")
        axes.set_title(f"{r.label}: {shown(whole)} cycles per packet", loc="left")
        axes.set_yticks(range(len(DEPTHS)))
        axes.set_yticklabels(DEPTHS, fontsize=8)
        axes.set_ylim(len(DEPTHS) - 0.5, -0.5)
        axes.set_xlim(0, widest * 1.01)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False)
        plain_numbers(axes.xaxis)
    grid[-1][0].set_xlabel("cycles per packet")
    save(pyplot, figure, folder, "flame")
