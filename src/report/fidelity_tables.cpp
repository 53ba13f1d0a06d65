// The points as text, markdown, CSV and JSON.
#include <algorithm>
#include <cmath>

#include "src/report/ansi.h"
#include "src/report/fidelity.h"
#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

using Kind = PointResult::Kind;

std::string verdict_text(const PointResult& p) { return p.within ? "within" : "missed"; }

std::vector<std::string> cells(const PointResult& p) {
  return {p.id, figure(p.published), p.simulated ? figure(*p.simulated) : "-", p.unit, point_error(p), p.tolerance.text(), verdict_text(p)};
}
const std::vector<std::string> kHeads = {"point", "published", "simulated", "unit", "error", "tolerance", "verdict"};
bool left(std::size_t column) { return column == 0 || column == 3 || column >= 5; }

std::vector<const PointResult*> of(const Fidelity& f, Kind kind) {
  std::vector<const PointResult*> out;
  for (const PointResult& p : f.points)
    if (p.kind == kind) out.push_back(&p);
  return out;
}

std::string median_text(const Fidelity::Group& g) {
  if (!g.median_error) return "";
  std::string out = ", median absolute error " + figure(std::round(*g.median_error * 1e4) / 100) + " %";
  if (g.without_error != 0) out += " of " + std::to_string(g.points - g.without_error);
  return out;
}

// "Predicted: 21 of 22 within tolerance, median absolute error 4.2 % of 21".
std::string group_text(const char* head, const Fidelity::Group& g) {
  return std::string(head) + ": " + std::to_string(g.within) + " of " + std::to_string(g.points) + " within tolerance" + median_text(g);
}

std::string table(const std::vector<const PointResult*>& points, const std::vector<std::size_t>& width, bool colour) {
  std::string out, head;
  for (std::size_t c = 0; c < kHeads.size(); ++c) head += (c ? "  " : "") + (left(c) ? pad_right(kHeads[c], width[c]) : pad_left(kHeads[c], width[c]));
  head.erase(head.find_last_not_of(' ') + 1);
  out += (colour ? ansi::kBold + head + ansi::kOff : head) + "\n";
  for (const PointResult* p : points) {
    const std::vector<std::string> row = cells(*p);
    for (std::size_t c = 0; c + 1 < row.size(); ++c) out += (c ? "  " : "") + (left(c) ? pad_right(row[c], width[c]) : pad_left(row[c], width[c]));
    out += "  " + (colour ? (p->within ? ansi::kGreen : ansi::kRed) + row.back() + ansi::kOff : row.back()) + (p->problem.empty() ? "" : ": " + p->problem) + "\n";
  }
  return out;
}

struct Section {
  const char* head;
  Kind kind;
  const Fidelity::Group& group;
};

void optional_number(JsonText& j, const char* key, std::optional<double> v) {
  j.key(key);
  if (v) j.real(*v);
  else j.raw("null");
}

void group_json(JsonText& j, const char* key, const Fidelity::Group& g) {
  j.key(key).open('{', JsonText::flat).key("points").count(g.points).key("within").count(g.within).key("without_error").count(g.without_error);
  optional_number(j, "median_error", g.median_error);
  j.close();
}

void point_json(JsonText& j, const PointResult& p) {
  j.open('{').key("id").string(p.id).key("kind").string(kind_name(p.kind)).key("unit").string(p.unit).key("published").real(p.published);
  if (p.kind == Kind::not_modelled) {
    j.key("reason").string(p.reason);
  } else {
    optional_number(j, "simulated", p.simulated);
    optional_number(j, "error", p.error);
    optional_number(j, "lower", p.tolerance.lower(p.published));
    optional_number(j, "upper", p.tolerance.upper(p.published));
    j.key("tolerance").string(p.tolerance.text());
    optional_number(j, "used", p.simulated ? std::optional<double>(p.used) : std::nullopt);
    j.key("verdict").string(verdict_text(p));
    if (!p.problem.empty()) j.key("problem").string(p.problem);
    j.key("formula").string(p.formula).key("runs").open('{', JsonText::flat);
    for (const auto& [name, folder] : p.runs) j.key(name).string(folder);
    j.close();
  }
  j.key("source").string(p.source).key("where").string(p.where).key("year");
  if (p.year) j.raw(std::to_string(*p.year));
  else j.raw("null");
  if (!p.note.empty()) j.key("note").string(p.note);
  j.close();
}

}  // namespace

std::string point_error(const PointResult& p) {
  if (!p.simulated) return "-";
  if (!p.error) return signed_figure(*p.simulated - p.published);
  const double percent = 100 * *p.error;
  return signed_figure(std::round(percent * 100) / 100) + " %";
}

std::vector<std::string> fidelity_words(const Fidelity& f) {
  std::vector<std::string> out;
  if (f.predicted.points != 0) out.push_back(group_text("Predicted", f.predicted) + ".");
  if (f.calibrated.points != 0) out.push_back(group_text("Calibrated", f.calibrated) + ".");
  if (f.not_modelled != 0) out.push_back("Not modelled: " + std::to_string(f.not_modelled) + ".");
  return out;
}

std::string fidelity_text(const Fidelity& f, const TextOptions& o) {
  std::vector<std::size_t> width;
  for (const std::string& h : kHeads) width.push_back(columns_of(h));
  for (const PointResult& p : f.points) {
    const std::vector<std::string> row = cells(p);
    for (std::size_t c = 0; c < row.size(); ++c)
      if (p.kind != Kind::not_modelled || c == 0) width[c] = std::max(width[c], columns_of(row[c]));
  }
  std::string out;
  for (const Section& s : {Section{"Predicted", Kind::predicted, f.predicted}, Section{"Calibrated", Kind::calibrated, f.calibrated}}) {
    if (s.group.points == 0) continue;
    out += (out.empty() ? "" : "\n") + group_text(s.head, s.group) + "\n" + table(of(f, s.kind), width, o.colour);
  }
  if (f.not_modelled != 0) {
    out += "\nNot modelled\n";
    for (const PointResult* p : of(f, Kind::not_modelled)) {
      const std::string unit = p->unit.empty() ? "" : " " + p->unit;
      out += wrap(p->id + ": " + figure(p->published) + unit + ": " + p->reason, o.width, 2);
    }
  }
  return out;
}

std::string fidelity_markdown(const Fidelity& f) {
  std::string out = "# " + markdown_cell(f.name) + ": published against simulated\n";
  for (const Section& s : {Section{"Predicted", Kind::predicted, f.predicted}, Section{"Calibrated", Kind::calibrated, f.calibrated}}) {
    if (s.group.points == 0) continue;
    out += "\n## " + group_text(s.head, s.group) + "\n\n|";
    for (const std::string& h : kHeads) out += " " + h + " |";
    out += " source |\n|";
    for (std::size_t c = 0; c < kHeads.size(); ++c) out += left(c) ? "---|" : "--:|";
    out += "---|\n";
    for (const PointResult* p : of(f, s.kind)) {
      out += "|";
      const std::vector<std::string> row = cells(*p);
      for (std::size_t c = 0; c < row.size(); ++c) {
        const std::string text = markdown_cell(row[c]);
        out += " " + (c + 1 == row.size() && !p->within ? "**" + text + "**" + (p->problem.empty() ? "" : ": " + markdown_cell(p->problem)) : text) + " |";
      }
      out += " " + markdown_cell(p->source + (p->where.empty() ? "" : ", " + p->where)) + " |\n";
    }
  }
  if (f.not_modelled == 0) return out;
  out += "\n## Not modelled\n\n| point | published | unit | reason | source |\n|---|--:|---|---|---|\n";
  for (const PointResult* p : of(f, Kind::not_modelled))
    out += "| " + markdown_cell(p->id) + " | " + figure(p->published) + " | " + markdown_cell(p->unit) + " | " + markdown_cell(p->reason) + " | " +
           markdown_cell(p->source + (p->where.empty() ? "" : ", " + p->where)) + " |\n";
  return out;
}

std::string fidelity_csv(const Fidelity& f) {
  const auto real = [](std::optional<double> v) { return v ? number(*v) : ""; };
  std::string out = "id,kind,published,simulated,unit,error,lower,upper,verdict,year,source,where,reason\n";
  for (const PointResult& p : f.points) {
    const bool modelled = p.kind != Kind::not_modelled;
    out += csv_field(p.id) + "," + kind_name(p.kind) + "," + number(p.published) + "," + real(p.simulated) + "," + csv_field(p.unit) + "," + real(p.error) + ",";
    out += (modelled ? real(p.tolerance.lower(p.published)) : "") + "," + (modelled ? real(p.tolerance.upper(p.published)) : "") + "," + (modelled ? verdict_text(p) : "") + ",";
    out += (p.year ? std::to_string(*p.year) : "") + "," + csv_field(p.source) + "," + csv_field(p.where) + "," + csv_field(modelled ? p.problem : p.reason) + "\n";
  }
  return out;
}

std::string fidelity_json(const Fidelity& f) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("command").string("fidelity").key("name").string(f.name);
  group_json(j, "predicted", f.predicted);
  group_json(j, "calibrated", f.calibrated);
  j.key("not_modelled").count(f.not_modelled).key("missed").count(f.misses()).key("points").open('[');
  for (const PointResult& p : f.points) point_json(j, p);
  j.close().close();
  return j.text();
}

}  // namespace gd::report
