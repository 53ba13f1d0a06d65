// Bars of parts, lines and scatters, as SVG.

// Ends of about `n` steps that people count in, from 0 to `top`.
function steps(top, n) {
  const raw = top / n, size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find(s => s * size >= raw) * size;
  const out = [];
  for (let v = 0; v <= top * 1.0001; v += step) out.push(Number(v.toPrecision(12)));
  return out;
}
function decades(low, high) {
  const out = [], wide = Math.log10(high / low) < 2.2 ? [1, 2, 5] : [1];
  for (let d = Math.floor(Math.log10(low)); d <= Math.ceil(Math.log10(high)); ++d)
    for (const m of wide) { const v = m * 10 ** d; if (v >= low && v <= high) out.push(Number(v.toPrecision(12))); }
  return out;
}

// rows: {label, parts: [{name, value, colour, lines}], behind: text}. Parts lie in a row on one scale.
function bars(host, width, rows, unit) {
  const narrow = width < 560, left = narrow ? 0 : Math.min(190, 14 + 7.2 * Math.max(...rows.map(r => r.label.length), 4)), right = 96;
  const height = 24, gap = narrow ? 24 : 10, bottom = 34;
  const top = Math.max(...rows.map(r => r.parts.reduce((sum, p) => sum + Math.max(0, p.value), 0)), 0) || 1;
  const x = v => left + (width - left - right) * v / top, y = i => (narrow ? 16 : 0) + i * (height + gap);
  const bottomAt = y(rows.length - 1) + height + 6;
  const picture = svg("svg", { width, height: bottomAt + bottom, viewBox: `0 0 ${width} ${bottomAt + bottom}`, role: "group", "aria-label": `bars in ${unit}` });
  for (const v of steps(top, narrow ? 3 : 6))
    picture.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: 0, y2: bottomAt }), svg("text", { class: "axis", x: x(v), y: bottomAt + 14, "text-anchor": "middle" }, figure(v)));
  picture.append(svg("text", { class: "axis", x: x(top / 2), y: bottomAt + 30, "text-anchor": "middle" }, unit));
  rows.forEach((row, i) => {
    picture.append(svg("text", { class: "name", x: narrow ? 0 : left - 8, y: narrow ? y(i) - 5 : y(i) + 16, "text-anchor": narrow ? "start" : "end" }, row.label));
    let from = 0;
    for (const part of row.parts) {
      if (!(part.value > 0)) continue;
      picture.append(telling(svg("rect", { class: `bar fill${part.colour % COLOURS}`, x: x(from), y: y(i), width: Math.max(0.5, x(from + part.value) - x(from)), height }),
        part.lines || [row.label, `${part.name}: ${figure(part.value)} ${unit}`]));
      from += part.value;
    }
    picture.append(svg("text", { class: "value", x: x(from) + 6, y: y(i) + 16 }, row.behind));
  });
  host.append(picture);
}

function legend(names, lines) {
  return el("ul", { class: "legend" }, ...names.map((name, i) => el("li", {},
    svg("svg", { width: 30, height: 12, "aria-hidden": "true" }, lines
      ? svg("line", { class: `line stroke${i % COLOURS}`, x1: 0, x2: 30, y1: 6, y2: 6, "stroke-dasharray": DASHES[i % DASHES.length] })
      : svg("rect", { class: `fill${i % COLOURS}`, width: 30, height: 12 })), name)));
}

// series: {label, points: [[x, y]], dots: [[x, y]], dot: lines of a dot}. o: xlog, ylog, xname, yname, xtext, ytext, ylow, yhigh, step, ticks, none.
function lines(host, width, series, o) {
  const left = 62, right = 14, top = 8, bottom = 44, height = Math.min(340, 200 + width / 5);
  const all = series.flatMap(s => [...s.points, ...(s.dots || [])]);
  if (!all.length) { host.append(el("p", {}, "Nothing was measured.")); return; }
  const xs = all.map(p => p[0]).filter(v => !o.xlog || v > 0), ys = all.map(p => p[1]).filter(v => !o.ylog || v > 0);
  let x0 = Math.min(...xs), x1 = Math.max(...xs);
  const y0 = o.ylow ?? (o.ylog ? Math.min(...ys) / 1.3 : 0), y1 = o.yhigh ?? ((o.ylog ? 1.3 : 1.08) * Math.max(...ys) || 1);
  if (x0 === x1) { x0 -= Math.abs(x0) / 2 || 1; x1 += Math.abs(x1) / 2 || 1; }
  const part = (v, a, b, log) => log ? Math.log(Math.max(v, a) / a) / Math.log(b / a) : (v - a) / (b - a);
  const x = v => left + (width - left - right) * part(v, x0, x1, o.xlog), y = v => height - bottom - (height - bottom - top) * part(v, y0, y1, o.ylog);
  const xtext = o.xtext || figure, ytext = o.ytext || figure;
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `${o.yname} over ${o.xname}`, tabindex: 0 });
  let lastAt = -1e9;
  for (const v of o.ticks || (o.xlog ? decades(x0, x1) : steps(x1 - Math.min(0, x0), width < 560 ? 4 : 8).filter(t => t >= x0))) {
    picture.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: top, y2: height - bottom }));
    if (x(v) - lastAt < 46) continue;
    lastAt = x(v);
    picture.append(svg("text", { class: "axis", x: x(v), y: height - bottom + 16, "text-anchor": "middle" }, xtext(v)));
  }
  for (const v of o.ylog ? decades(y0, y1) : steps(y1, 5).filter(t => t >= y0 && t <= y1))
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }), svg("text", { class: "axis", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, ytext(v)));
  picture.append(svg("text", { class: "axis", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, o.xname),
    svg("text", { class: "axis", x: 12, y: (height - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(height - bottom) / 2})` }, o.yname));
  series.forEach((s, i) => {
    const colour = s.colour ?? i;
    if (s.points.length) {
      let d = "", before = null;
      for (const p of s.points) {
        d += before === null ? `M${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}` : (o.step ? `H${x(p[0]).toFixed(1)}V${y(p[1]).toFixed(1)}` : `L${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`);
        before = p;
      }
      picture.append(svg("path", { class: `line stroke${colour % COLOURS}`, d, "stroke-dasharray": DASHES[colour % DASHES.length] }));
    }
    (s.dots || []).forEach((p, n) => picture.append(telling(svg("circle", { class: `fill${colour % COLOURS} ${p[2] || ""}`, cx: x(p[0]), cy: y(p[1]), r: 4.5 }),
      s.dot ? s.dot(n) : [s.label, `${o.xname}: ${xtext(p[0])}`, `${o.yname}: ${ytext(p[1])}`])));
  });
  if (o.guide) guided(picture, { width, height, left, right, top, bottom, x0, x1, x }, o);
  host.append(picture);
}

// A vertical line that follows the pointer, or the arrow keys; o.guide(x) gives the lines to tell.
function guided(picture, a, o) {
  const line = svg("line", { class: "guide", y1: a.top, y2: a.height - a.bottom, visibility: "hidden" });
  let share = 0.5;
  const put = (clientX, clientY) => {
    const v = o.xlog ? a.x0 * (a.x1 / a.x0) ** share : a.x0 + share * (a.x1 - a.x0);
    fill(line, { x1: a.x(v), x2: a.x(v), visibility: "visible" }, []);
    showTip(o.guide(v), clientX, clientY);
  };
  const hide = () => { line.setAttribute("visibility", "hidden"); hideTip(); };
  const byKey = () => { const box = picture.getBoundingClientRect(); put(box.left + a.left + share * (a.width - a.left - a.right), box.top + a.height / 2); };
  picture.append(line);
  fill(picture, {
    onpointermove: event => {
      const box = picture.getBoundingClientRect();
      share = Math.max(0, Math.min(1, (event.clientX - box.left - a.left) / (a.width - a.left - a.right)));
      put(event.clientX, event.clientY);
    },
    onpointerleave: hide, onblur: hide, onfocus: byKey,
    onkeydown: event => {
      const step = { ArrowRight: 0.02, ArrowLeft: -0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      share = Math.max(0, Math.min(1, share + step));
      byKey();
    },
  }, []);
}
