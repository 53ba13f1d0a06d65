// The comparison on a terminal.
#include <algorithm>
#include <cstdlib>

#include "src/report/ansi.h"
#include "src/report/comparison.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

// A cell with its mark; padding is done outside of the colour.
std::string shown(const std::string& text, bool best, std::size_t width, bool colour) {
  const std::string plain = (best ? "*" : "") + text;
  const std::string padded = pad_left(plain, width);
  return best && colour ? padded.substr(0, padded.size() - plain.size()) + ansi::kGreen + plain + ansi::kOff : padded;
}

struct Line {
  std::string title, unit;
  std::vector<std::string> text;
  std::vector<bool> best;
};

std::vector<Line> lines_of(const Comparison& c) {
  std::vector<Line> lines;
  for (const Row& row : c.rows) {
    Line l{row.title, row.unit, {}, {}}, reasons{"  mostly", "", {}, {}};
    bool noted = false;
    for (const Cell& cell : row.cells) {
      l.text.push_back(cell.text);
      l.best.push_back(cell.best);
      reasons.text.push_back(cell.note.empty() ? "-" : cell.note);
      reasons.best.push_back(false);
      noted |= !cell.note.empty();
    }
    lines.push_back(std::move(l));
    if (noted) lines.push_back(std::move(reasons));
  }
  return lines;
}

std::string table(const Comparison& c, const TextOptions& o) {
  const std::vector<Line> lines = lines_of(c);
  std::size_t title = 0, unit = 0;
  for (const Line& l : lines) title = std::max(title, columns_of(l.title)), unit = std::max(unit, columns_of(l.unit));
  std::vector<std::size_t> width;
  for (std::size_t i = 0; i < c.columns.size(); ++i) {
    std::size_t w = columns_of(c.columns[i].label);
    for (const Line& l : lines) w = std::max(w, columns_of(l.text[i]) + (l.best[i] ? 1 : 0));
    width.push_back(w);
  }
  std::string out;
  for (std::size_t first = 0; first < c.columns.size();) {
    std::size_t last = first, used = title + 1 + unit;
    while (last < c.columns.size() && (last == first || used + 1 + width[last] <= o.width)) used += 1 + width[last++];
    // Room that is left goes between the columns, at most one blank each.
    const std::size_t gap = used + (last - first) <= o.width ? 2 : 1;
    std::string head = pad_right("", title + 1 + unit);
    for (std::size_t i = first; i < last; ++i) head += std::string(gap, ' ') + pad_left(c.columns[i].label, width[i]);
    out += (o.colour ? ansi::kBold + head + ansi::kOff : head) + "\n";
    for (const Line& l : lines) {
      out += pad_right(l.title, title) + " " + pad_right(l.unit, unit);
      for (std::size_t i = first; i < last; ++i) out += std::string(gap, ' ') + shown(l.text[i], l.best[i], width[i], o.colour);
      out += "\n";
    }
    first = last;
    if (first < c.columns.size()) out += "\n";
  }
  return out;
}

}  // namespace

bool colour_wanted(bool terminal) {
  const char *no = std::getenv("NO_COLOR"), *term = std::getenv("TERM");
  return terminal && (no == nullptr || *no == '\0') && term != nullptr && std::string(term) != "dumb";
}

std::string comparison_text(const Comparison& c, const TextOptions& o) {
  std::string out = wrap(c.scenario + (c.description.empty() ? "" : ": " + c.description), o.width, 2) + "\n";
  if (!c.columns.empty()) out += table(c, o);
  const bool marked = std::any_of(c.rows.begin(), c.rows.end(), [](const Row& r) { return std::any_of(r.cells.begin(), r.cells.end(), [](const Cell& x) { return x.best; }); });
  if (marked) out += "* best of the row\n";
  if (!c.seeds.seeds.empty()) out += wrap(seeds_note(c.seeds), o.width, 2);
  for (const Refused& r : c.refused) out += wrap("refused " + r.label + ": " + r.reason, o.width, 2);
  for (const std::string& n : c.notes) out += wrap("note: " + n, o.width, 2);
  out += differences_text(c.seeds, o.width);
  if (!c.reasons.empty()) out += c.seeds.seeds.empty() ? "\nWhy they differ\n" : "\nWhy the means differ\n";
  for (const Reason& r : c.reasons)
    for (std::size_t i = 0; i < r.sentences.size(); ++i) out += wrap((i == 0 ? "- " : "    ") + r.sentences[i], o.width, 4);
  return out;
}

std::string run_text(const system::RunResult& r, const TextOptions& o) {
  ComparisonInput in;
  in.scenario = r.scenario;
  in.runs.push_back(r);
  std::string out = comparison_text(compare(in), o);
  std::size_t width = 0;
  for (const system::Metric& m : r.metrics)
    if (m.num != 0) width = std::max(width, m.name.size());
  out += "\n";
  for (const system::Metric& m : r.metrics)
    if (m.num != 0) out += pad_right(m.name, width) + "  " + m.text() + (m.unit.empty() ? "" : " " + m.unit) + "\n";
  for (const std::string& m : r.messages.all()) out += wrap("message: " + m, o.width, 2);
  return out;
}

}  // namespace gd::report
