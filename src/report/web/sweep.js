// The page of `sweep`: curves over an axis, and every run. The page of `fidelity`: published against simulated.

function sweepPage(main) {
  const axes = DATA.keys.map((key, k) => {
    const values = [];
    for (const r of DATA.rows) if (!values.includes(r.set[k])) values.push(r.set[k]);
    return { key, values, numbers: values.map(v => quantity(v)) };
  });
  const numeric = a => a.numbers.every(n => n !== null) && a.values.length > 1;
  let x = Math.max(0, axes.findIndex(numeric)), metric = 0;
  const fixed = axes.map(() => 0);
  const place = (a, value) => numeric(a) ? a.numbers[a.values.indexOf(value)] : a.values.indexOf(value);
  const others = el("span");

  function curves(host, width) {
    const axis = axes[x], m = DATA.metrics[metric], at = axis ? axis.values.map(v => place(axis, v)).sort((a, b) => a - b) : [0];
    const log = Boolean(axis) && numeric(axis) && at[0] > 0 && at.length > 2 && at[at.length - 1] / at[0] >= 8;
    const rows = DATA.rows.filter(r => axes.every((a, k) => k === x || r.set[k] === a.values[fixed[k]]));
    const series = DATA.labels.map(label => {
      const mine = rows.filter(r => r.label === label && r.values[metric] !== null);
      const where = r => axis ? place(axis, r.set[x]) : 0;
      const dots = mine.map(r => [where(r), r.values[metric]]);
      const points = at.flatMap(v => { const same = dots.filter(d => d[0] === v); return same.length ? [[v, same.reduce((sum, d) => sum + d[1], 0) / same.length]] : []; });
      return { label, points, dots, dot: n => [label, axis ? `${axis.key} = ${mine[n].set[x]}` : "", `${m.name}: ${figure(mine[n].values[metric])} ${m.unit}`, `run ${mine[n].index}, seed ${mine[n].seed}`].filter(Boolean) };
    });
    lines(host, width, series, { xlog: log, xname: axis ? axis.key + (log ? ", logarithmic" : "") : "", yname: `${m.name} [${m.unit}]`, ticks: at, xtext: v => axis ? axis.values.find(t => place(axis, t) === v) ?? figure(v) : "" });
    host.append(legend(DATA.labels, true));
  }
  function putOthers() {
    others.replaceChildren(...axes.flatMap((a, k) => k === x || a.values.length < 2 ? [] : [choice(a.key, a.values, i => { fixed[k] = i; drawAll(false); }), " "]));
  }

  main.append(el("section", { class: "verdict" }, el("h2", {}, "Verdict"), el("p", { class: DATA.failed.length ? "bad" : "good" },
    DATA.failed.length ? `✗ ${DATA.failed.length} expectations do not hold` : `✓ ${DATA.runs} runs, no expectation is broken`),
  DATA.failed.length ? el("ul", {}, ...DATA.failed.map(f => el("li", {}, f))) : null, ...DATA.words.map(w => el("p", {}, w)), ...DATA.refused.map(r => el("p", { class: "note" }, r))));
  putOthers();
  const section = chart(axes.length ? "Curves" : "Seeds", curves,
    choice("Metric", DATA.metrics.map(m => `${m.name} [${m.unit}]`), i => { metric = i; drawAll(false); }), " ",
    axes.length > 1 ? choice("over", axes.map(a => a.key), i => { x = i; putOthers(); drawAll(false); }) : null, " ", others);
  section.id = "curves";
  if (section.querySelectorAll("select")[1]) section.querySelectorAll("select")[1].value = String(x);
  main.append(section);
  const columns = [{ title: "run", number: true }, { title: "seed", number: true }, ...DATA.keys.map(k => ({ title: k })), { title: "strategy" }, ...DATA.metrics.map(m => ({ title: `${m.name} [${m.unit}]`, number: true }))];
  const cell = v => ({ text: v === null ? "-" : figure(v), value: v, class: "number" });
  main.append(el("section", { id: "runs" }, el("h2", {}, "Every run"), sortable(columns, DATA.rows.map(r => [cell(r.index), cell(r.seed), ...r.set.map(v => ({ text: v, value: quantity(v) ?? v })), { text: r.label, value: r.label }, ...r.values.map(cell)]), "every run")));
  main.append(filesSection());
}

// The number in a scenario's value, in its base unit; null where it is none.
function quantity(text) {
  const parts = /^\s*([-+]?\d+(?:\.\d+)?)\s*(k|M|G|T|Ki|Mi|Gi|n|u|m|p)?(bps|B|s|Hz|%)?\s*$/.exec(text);
  if (!parts) return null;
  return Number(parts[1]) * ({ k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 1024, Mi: 2 ** 20, Gi: 2 ** 30, n: 1e-9, u: 1e-6, m: 1e-3, p: 1e-12 }[parts[2]] || 1);
}

function fidelityPage(main) {
  const modelled = DATA.points.filter(p => p.kind !== "not modelled"), missed = modelled.filter(p => !p.within);
  main.append(el("section", { class: "verdict" }, el("h2", {}, "Verdict"),
    el("p", { class: missed.length ? "bad" : "good" }, `${missed.length ? "✗" : "✓"} ${modelled.length - missed.length} of ${modelled.length} published points within tolerance`),
    ...DATA.words.map(w => el("p", {}, w))));
  const kinds = ["predicted", "calibrated"];
  const section = chart("Simulated against published", (host, width) => {
    const shown = modelled.filter(p => p.simulated > 0 && p.published > 0);
    const all = shown.flatMap(p => [p.published, p.simulated]);
    const diagonal = { label: "equal", colour: 9, points: all.length ? [[Math.min(...all), Math.min(...all)], [Math.max(...all), Math.max(...all)]] : [] };
    const series = kinds.map((kind, colour) => {
      const mine = shown.filter(p => p.kind === kind);
      return { label: kind, colour, points: [], dots: mine.map(p => [p.published, p.simulated, p.within ? "" : "missed"]), dot: n => [mine[n].id, `published ${figure(mine[n].published)}, simulated ${figure(mine[n].simulated)} ${mine[n].unit}`, `${mine[n].error}, allowed ${mine[n].tolerance}: ${mine[n].within ? "within" : "missed"}`, mine[n].source] };
    });
    lines(host, width, [...series, diagonal], { xlog: true, ylog: true, xname: "published, each in its unit, logarithmic", yname: "simulated" });
    host.append(legend(kinds, false), el("p", { class: "hint" }, "A ring is a point outside of its tolerance."));
  });
  section.id = "scatter";
  const text = t => ({ text: t, value: t });
  const number = v => ({ text: v === null ? "-" : figure(v), value: v, class: "number" });
  main.append(section, el("section", { id: "points" }, el("h2", {}, "Points"), sortable([{ title: "point" }, { title: "kind" }, { title: "published", number: true }, { title: "simulated", number: true }, { title: "unit" }, { title: "error" }, { title: "tolerances used", number: true }, { title: "verdict" }, { title: "source" }],
    DATA.points.map(p => [text(p.id), text(p.kind), number(p.published), number(p.simulated), text(p.unit), { text: p.error, value: p.relative }, number(p.used), { text: p.verdict, value: p.verdict, class: p.within || p.kind === "not modelled" ? "" : "missed" }, text(p.source)]), "points")));
  main.append(filesSection());
}

function filesSection() {
  if (!DATA.files.length) return "";
  return el("section", { id: "files" }, el("h2", {}, "Files"), el("ul", { class: "files" }, ...DATA.files.map(f => el("li", {}, el("a", { href: f.path.split("/").map(encodeURIComponent).join("/") }, f.path), f.about ? `: ${f.about}` : ""))));
}

const page = { comparison: comparisonPage, sweep: sweepPage, fidelity: fidelityPage }[DATA.kind];
const main = document.getElementById("main");
document.body.append(tip);
page(main);
drawAll(false);
document.documentElement.dataset.drawn = "yes";
