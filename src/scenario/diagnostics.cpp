#include "src/scenario/diagnostics.h"

#include <algorithm>
#include <cstdio>

namespace gd::scenario {

std::string Position::text() const {
  if (file.empty()) return "(default)";
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Diagnostic::text() const {
  std::string out = at.text() + ": error: ";
  if (!path.empty()) out += path + ": ";
  out += message + "\n";
  if (at.line != 0) {
    // Very long lines (JSON on one line) are shown around the caret only.
    constexpr std::size_t kBefore = 60, kShown = 120;
    const std::size_t caret = std::min<std::size_t>(at.column - 1, line.size());
    const std::size_t from = line.size() > kShown && caret > kBefore ? caret - kBefore : 0;
    char number[16];
    std::snprintf(number, sizeof number, "%5u", at.line);
    std::string shown = line.substr(from, kShown), mark;
    for (char& c : shown)
      if (static_cast<unsigned char>(c) < ' ' && c != '\t') c = '?';  // binary files
    for (std::size_t i = from; i < caret; ++i) mark += line[i] == '\t' ? '\t' : ' ';
    const std::size_t room = shown.size() > caret - from ? shown.size() - (caret - from) : 1;
    mark += "^" + std::string(std::min<std::size_t>(width > 0 ? width - 1 : 0, room > 0 ? room - 1 : 0), '~');
    out += std::string(number) + " | " + shown + "\n      | " + mark + "\n";
  }
  if (!allowed.empty()) out += "  allowed: " + allowed + "\n";
  if (!nearest.empty()) out += "  did you mean \"" + nearest + "\"?\n";
  return out;
}

namespace {

std::string all_text(const std::vector<Diagnostic>& all, std::size_t more) {
  std::string out;
  for (const Diagnostic& d : all) out += d.text();
  if (more > 0) out += "(" + std::to_string(more) + " more)\n";
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace

ScenarioError::ScenarioError(std::vector<Diagnostic> all, std::size_t more)
    : UserError(all_text(all, more)), diagnostics(std::move(all)) {}

void Mistakes::add(Diagnostic d) {
  if (all_.size() < kShown) all_.push_back(std::move(d));
  else ++more_;
}

void Mistakes::raise() const {
  if (!all_.empty()) throw ScenarioError(all_, more_);
}

unsigned distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<unsigned> before(n + 1), last(n + 1), now(n + 1);
  for (std::size_t j = 0; j <= n; ++j) last[j] = static_cast<unsigned>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<unsigned>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      const unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[n];
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
  const unsigned limit = std::clamp<unsigned>(static_cast<unsigned>(name.size() / 3), 1, 3);
  unsigned best = limit + 1;
  std::string found;
  for (const std::string& n : names) {
    if (std::max(n.size(), name.size()) - std::min(n.size(), name.size()) > limit) continue;   // as many letters apart at least
    const unsigned d = distance(name, n);
    if (d < best) best = d, found = n;
  }
  return found;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += separator;
    out += items[i];
  }
  return out;
}

}  // namespace gd::scenario
