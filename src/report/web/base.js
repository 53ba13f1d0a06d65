// guestdma's result page: what all its parts use. No library; everything is drawn from the data block of the page.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 3", "7 2 2 2", "2 3", "10 3 2 3 2 3", "12 4", "4 2 1 2", "1 2"];
const COLOURS = 10;                      // --c0 to --c9 of the style sheet

// About four significant digits, thousands grouped, as in the terminal's table.
function figure(v) {
  if (v === null || v === undefined) return "-";
  const size = Math.abs(v);
  const places = Number.isInteger(v) || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
  let text = v.toFixed(places);
  if (places) text = text.replace(/\.?0+$/, "");
  const [whole, part] = text.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
}

// Nanoseconds in a unit that fits.
function duration(ns) {
  return Math.abs(ns) >= 1e6 ? figure(ns / 1e6) + " ms" : Math.abs(ns) >= 1000 ? figure(ns / 1000) + " us" : figure(ns) + " ns";
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// What stands beside the pointer, or beside a mark that has the keyboard's focus.
const tip = el("div", { id: "tip", role: "status", hidden: true });
function showTip(lines, x, y) {
  tip.replaceChildren(...lines.map((line, i) => el(i ? "div" : "strong", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 4)) + "px";
  tip.style.top = Math.max(4, y + 18 + box.height > window.innerHeight ? y - box.height - 12 : y + 18) + "px";
}
const hideTip = () => { tip.hidden = true; };
document.addEventListener("keydown", event => { if (event.key === "Escape") hideTip(); });

// A mark that tells `lines` when pointed at or focused. Within a chart the arrow keys go from mark to mark.
function telling(mark, lines) {
  fill(mark, {
    class: (mark.getAttribute("class") || "") + " mark", tabindex: -1, role: "img", "aria-label": lines.join(", "),
    onpointermove: event => showTip(lines, event.clientX, event.clientY), onpointerleave: hideTip, onblur: hideTip,
    onfocus: () => { const box = mark.getBoundingClientRect(); showTip(lines, box.right, box.bottom); },
  }, []);
  return mark;
}
function arrowKeys(chart) {
  const marks = [...chart.querySelectorAll(".mark")];
  if (marks.length) marks[0].setAttribute("tabindex", 0);
  chart.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = marks.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    marks[Math.max(0, Math.min(marks.length - 1, at + step))].focus();
  });
}

// A section that draws itself again when its width changes. draw(host, width)
const drawn = [];
function chart(title, draw, ...controls) {
  const host = el("div", { class: "chart" });
  const again = () => { host.replaceChildren(); draw(host, Math.max(280, host.clientWidth)); arrowKeys(host); };
  drawn.push({ host, again, width: 0 });
  return el("section", {}, el("h2", {}, title), controls.length ? el("p", { class: "controls" }, ...controls) : null, host);
}
function drawAll(widthChanged) {
  for (const d of drawn) {
    if (widthChanged && d.host.clientWidth === d.width) continue;
    d.width = d.host.clientWidth;
    d.again();
  }
}
window.addEventListener("resize", () => drawAll(true));

function choice(label, options, changed) {
  return el("label", {}, label + " ", el("select", { onchange: event => changed(Number(event.target.value)) }, ...options.map((o, i) => el("option", { value: i }, o))));
}

// A table whose columns sort. columns: {title, number, title}; rows: arrays of {text, value, class}. The first column heads its row.
function sortable(columns, rows, name) {
  const body = el("tbody");
  let by = -1, up = true;
  const put = () => {
    const compare = (a, b) => {
      const x = a[by].value, y = b[by].value;
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    };
    const sorted = by < 0 ? rows : [...rows].sort(compare);
    body.replaceChildren(...sorted.map(row => el("tr", {}, ...row.map((cell, i) => el(i ? "td" : "th", { scope: i ? null : "row", class: cell.class || (columns[i].number ? "number" : null), title: cell.title }, cell.text)))));
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== by ? "none" : up ? "ascending" : "descending"));
  };
  const heads = columns.map((column, i) => el("th", { scope: "col", class: column.number ? "number" : null },
    el("button", { type: "button", onclick: () => { up = by === i ? !up : true; by = i; put(); } }, column.title)));
  const table = el("table", { "aria-label": name }, el("thead", {}, el("tr", {}, ...heads)), body);
  put();
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, table);
}
