// The page of `run` and `compare`: verdict, table, reasons, charts, the way of a frame, files.

function comparisonPage(main) {
  const S = DATA.strategies;
  let order = S.map((_, i) => i);
  const inOrder = list => order.map(i => list[i]);
  const several = S.length > 1;

  main.append(verdictSection(), tableSection());
  if (DATA.reasons.length) main.append(reasonsSection());
  main.append(cyclesChart(), metricChart());
  if (S.some(s => s.latency.length)) main.append(latencyChart());
  if (S.some(s => s.way)) main.append(waySection());
  main.append(metricsSection(), filesSection());

  function verdictSection() {
    const failed = DATA.expect.filter(e => e.state === "fail" || e.state === "invalid"), passed = DATA.expect.filter(e => e.state === "pass");
    const skipped = DATA.expect.length - failed.length - passed.length;
    const section = el("section", { class: "verdict" }, el("h2", {}, "Verdict"));
    if (DATA.expect.length)
      section.append(el("p", { class: failed.length ? "bad" : "good" }, failed.length ? `✗ ${failed.length} of ${failed.length + passed.length} expectations do not hold` : `✓ all ${passed.length} expectations hold`,
        skipped ? `, ${skipped} skipped` : ""));
    else section.append(el("p", {}, "The scenario expects nothing."));
    if (failed.length) section.append(el("ul", {}, ...failed.map(e => el("li", {}, el("code", {}, e.line), e.label ? ` (${e.label})` : "", `: ${e.detail}`))));
    for (const [metric, words] of several ? [["throughput.goodput", "Most throughput"], ["dma.bandwidth", "Most bandwidth"], ["cpu.cycles_per_packet", "Fewest cycles"], ["latency.p99", "Lowest p99 latency"], ["drops.total", "Fewest drops"]] : []) {
      const row = DATA.rows.find(r => r.metric === metric);
      const best = row ? row.cells.flatMap((c, i) => c.best ? [i] : []) : [];
      if (best.length) section.append(el("p", {}, `${words}: `, el("strong", {}, best.map(i => S[i].label).join(", ")), ` with ${row.cells[best[0]].text} ${row.unit}.`));
    }
    for (const s of S) if (s.suffers.length) section.append(el("p", {}, `${s.label}: ${s.suffers.join(", ")}.`));
    for (const n of DATA.notes) section.append(el("p", { class: "note" }, n));
    for (const r of DATA.refused) section.append(el("p", { class: "note" }, `Refused ${r.label}: ${r.reason}`));
    if (DATA.expect.length) section.append(el("details", {}, el("summary", {}, "Every expectation"),
      el("ul", {}, ...DATA.expect.map(e => el("li", {}, `${e.state}: `, el("code", {}, e.line), e.label ? ` (${e.label})` : "", `: ${e.detail}`)))));
    return section;
  }

  // A metric's button puts the strategies into its order, in the whole page.
  function tableSection() {
    const host = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "strategies side by side" });
    let sorted = null, up = true;
    const put = () => {
      host.replaceChildren(el("table", { id: "table" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "metric"), el("th", { scope: "col" }, "unit"), ...inOrder(S).map(s => el("th", { scope: "col", class: "number" }, s.label)))),
        el("tbody", {}, ...DATA.rows.map(row => el("tr", {},
          el("th", { scope: "row", title: row.metric }, several ? el("button", { type: "button", "aria-pressed": String(sorted === row.metric), onclick: () => sort(row) }, row.title) : row.title),
          el("td", {}, row.unit), ...inOrder(row.cells).map(c => el("td", { class: c.best ? "number best" : "number" }, c.text + (c.note ? ` (${c.note})` : ""), c.best ? el("span", { class: "star", title: "best of the row" }, " ★") : null)))))));
    };
    const sort = row => {
      up = sorted === row.metric ? !up : row.better <= 0;
      sorted = row.metric;
      const value = i => row.cells[i].value;
      order = S.map((_, i) => i).sort((a, b) => {
        if (value(a) === null || value(b) === null) return (value(a) === null) - (value(b) === null);
        return (value(a) - value(b)) * (up ? 1 : -1) || a - b;
      });
      put();
      drawAll(false);
      host.querySelector("[aria-pressed=true]").focus();
    };
    put();
    return el("section", {}, el("h2", {}, "Side by side"), several ? el("p", { class: "hint" }, "A metric's name sorts the strategies by it, here and in the charts. ★ best of the row.") : null, host);
  }

  function reasonsSection() {
    const section = el("section", {}, el("h2", {}, "Why they differ"));
    DATA.reasons.forEach((r, n) => {
      const most = Math.max(...r.terms.map(t => Math.abs(t[2] - t[1])), 1e-9);
      const terms = r.terms.filter(t => Math.abs(t[2] - t[1]) >= 0.005 * most).slice(0, 12);
      section.append(el("details", { open: n === 0 }, el("summary", {}, `${r.to} against ${r.from}`), ...r.words.map(w => el("p", {}, w)),
        terms.length ? el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `terms of ${r.to} against ${r.from}` }, el("table", { class: "terms" }, el("caption", {}, "Cycles per packet by component; the terms sum to the difference."), el("tbody", {}, ...terms.map(t => {
          const d = t[2] - t[1], meter = svg("svg", { width: 160, height: 12, "aria-hidden": "true" }, svg("line", { class: "grid", x1: 80, x2: 80, y1: 0, y2: 12 }),
            svg("rect", { class: d < 0 ? "less" : "more", x: d < 0 ? 80 + 80 * d / most : 80, width: 80 * Math.abs(d) / most, height: 12 }));
          return el("tr", {}, el("th", { scope: "row" }, t[0]), el("td", { class: "number" }, figure(t[1])), el("td", {}, "→"), el("td", { class: "number" }, figure(t[2])), el("td", { class: "number" }, (d > 0 ? "+" : "") + figure(d)), el("td", {}, meter));
        })))) : null));
    });
    return section;
  }

  function cyclesChart() {
    const weight = {};
    for (const s of S) for (const [name, c] of s.cycles) weight[name] = Math.max(weight[name] || 0, c);
    const ranked = Object.keys(weight).sort((a, b) => weight[b] - weight[a] || (a < b ? -1 : 1)), shown = ranked.slice(0, COLOURS - 1);
    const names = ranked.length > shown.length ? [...shown, "all others"] : shown;
    const rows = () => inOrder(S).map(s => {
      const whole = s.cycles.reduce((sum, c) => sum + c[1], 0), others = s.cycles.filter(c => !shown.includes(c[0])).reduce((sum, c) => sum + c[1], 0);
      const part = (name, value, colour) => ({ name, value, colour, lines: [s.label, `${name}: ${figure(value)} cycles per packet`, `${figure(100 * value / whole)} % of ${figure(whole)}`] });
      return { label: s.label, behind: figure(whole), parts: [...shown.map((name, i) => part(name, (s.cycles.find(c => c[0] === name) || [0, 0])[1], i)), part("all others", others, COLOURS - 1)] };
    });
    const section = chart("Cycles of a packet by component", (host, width) => { bars(host, width, rows(), "cycles per packet"); host.append(legend(names, false)); });
    section.id = "cycles";
    return section;
  }

  function metricChart() {
    let row = 0;
    const section = chart("Any metric", (host, width) => {
      const r = DATA.rows[row];
      bars(host, width, order.map(i => ({ label: S[i].label, behind: r.cells[i].text, parts: [{ name: r.title, value: r.cells[i].value || 0, colour: 0 }] })), r.unit);
    }, choice("Metric", DATA.rows.map(r => `${r.title} [${r.unit}]`), i => { row = i; drawAll(false); }));
    section.id = "metric";
    return section;
  }

  function latencyChart() {
    let tail = false;
    const measured = () => inOrder(S).filter(s => s.latency.length);
    const total = s => s.latency[s.latency.length - 1][1];
    // Share of frames that took at most `ns`.
    const within = (s, ns) => { let n = 0; for (const [upper, seen] of s.latency) { if (upper > ns) break; n = seen; } return n / total(s); };
    const section = chart("Latency from wire to application", (host, width) => {
      const series = measured().map(s => ({ label: s.label, colour: S.indexOf(s), points: [[s.lowest, tail ? 1 : 0], ...s.latency.map(([upper, seen]) => [upper, tail ? 1 - seen / total(s) : seen / total(s)])].filter(p => !tail || p[1] > 0) }));
      lines(host, width, series, {
        xlog: true, ylog: tail, step: true, xname: "latency, logarithmic", yname: tail ? "share that took longer" : "share of frames", xtext: duration, ytext: v => figure(100 * v) + " %",
        yhigh: tail ? 1.2 : 1.02, ylow: tail ? Math.max(1e-6, 0.8 / Math.max(...measured().map(total))) : 0,
        guide: ns => [`within ${duration(ns)}`, ...measured().map(s => `${s.label}: ${(100 * within(s, ns)).toFixed(2)} %`)],
      });
      host.append(legend(S.map(s => s.label), true));
    }, el("label", {}, el("input", { type: "checkbox", onchange: event => { tail = event.target.checked; drawAll(false); } }), " the slow ones, logarithmic"));
    section.id = "latency";
    return section;
  }

  // The stages of one frame of median latency in each strategy: a bar on one scale of time, and a table with the bytes moved on the way.
  function waySection() {
    const shown = () => inOrder(S).filter(s => s.way);
    const stages = DATA.stages.filter(stage => S.some(s => s.way && (s.way.steps.some(p => p[0] === stage) || s.moves.some(m => m.stage === stage))));
    const took = (s, stage) => { const at = s.way.steps.findIndex(p => p[0] === stage); return at > 0 ? s.way.steps[at][1] - s.way.steps[at - 1][1] : null; };
    const moved = (s, stage) => s.moves.filter(m => m.stage === stage);
    const move = m => `${figure(m.bytes)} B ${m.what}`;
    let own = false;
    const whole = s => s.way.steps[s.way.steps.length - 1][1];
    const section = chart("The way of a frame", (host, width) => {
      bars(host, width, shown().map(s => ({
        label: s.label, behind: duration(whole(s)),
        parts: s.way.steps.slice(1).map(([stage], i) => ({
          name: stage, value: own ? 100 * took(s, stage) / whole(s) : took(s, stage) / 1000, colour: DATA.stages.indexOf(stage),
          lines: [`${s.label}: ${s.way.steps[i][0]} to ${stage}`, `${duration(took(s, stage))}, until ${duration(s.way.steps[i + 1][1])} after the wire`, s.medians[stage] !== undefined ? `median of all frames: ${duration(s.medians[stage])}` : "", ...moved(s, stage).map(move)].filter(Boolean),
        })),
      })), own ? "% of the way" : "us since the last bit on the wire");
      host.append(el("ul", { class: "legend" }, ...stages.slice(1).map(stage => el("li", {}, svg("svg", { width: 30, height: 12, "aria-hidden": "true" }, svg("rect", { class: `fill${DATA.stages.indexOf(stage) % COLOURS}`, width: 30, height: 12 })), `to ${stage}`))));
      host.append(el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "time and bytes at each stage" }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "stage"), ...shown().map(s => el("th", { scope: "col" }, s.label, el("small", {}, ` frame ${s.way.frame}, ${figure(s.way.bytes)} B`))))),
        el("tbody", {}, ...stages.map(stage => el("tr", {}, el("th", { scope: "row" }, stage), ...shown().map(s => el("td", {}, stage === DATA.stages[0] ? "0 ns" : took(s, stage) === null ? "-" : duration(took(s, stage)), ...moved(s, stage).map(m => el("small", { class: "block" }, move(m)))))))))));
    }, el("label", {}, el("input", { type: "checkbox", onchange: event => { own = event.target.checked; drawAll(false); } }), " each on a scale of its own"));
    section.id = "way";
    section.querySelector("h2").after(el("p", { class: "hint" }, "A real frame of each run: of those sampled evenly from the measuring window, the one of median latency. Bytes are means per packet of the run, from the ledger; those of memory (DRAM) belong to no single stage and stand with dma."));
    return section;
  }

  function metricsSection() {
    const host = el("div");
    const rows = text => DATA.metrics.filter(m => (m.name + " " + m.about).toLowerCase().includes(text)).map(m => [
      { text: m.name, value: m.name, title: m.about }, { text: m.unit, value: m.unit },
      ...m.values.map(v => ({ text: v === null ? "-" : figure(v), value: v, class: "number" }))]);
    const columns = [{ title: "metric" }, { title: "unit" }, ...S.map(s => ({ title: s.label, number: true }))];
    const put = text => host.replaceChildren(sortable(columns, rows(text.toLowerCase()), "every metric"));
    put("");
    return el("section", { id: "metrics" }, el("details", {}, el("summary", {}, `Every metric (${DATA.metrics.length})`),
      el("p", { class: "controls" }, el("label", {}, "Filter ", el("input", { type: "search", oninput: event => put(event.target.value) }))), host));
  }
}
