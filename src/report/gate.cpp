#include "src/report/gate.h"

#include <algorithm>
#include <cstdlib>

#include "src/report/words.h"

namespace gd::report {

namespace {

using GateState = GateLine::State;

constexpr std::size_t kAnnotations = 10;

// Valid UTF-8 of XML 1.0 with the five special characters escaped.
std::string xml(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      default: c < 0x20 ? out += "\xef\xbf\xbd" : out += static_cast<char>(c);
    }
  }
  return out;
}

// A property of a workflow command, or with `property` false its text.
std::string command_text(const std::string& text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') out += "%25";
    else if (c == '\r') out += "%0D";
    else if (c == '\n') out += "%0A";
    else if (property && c == ':') out += "%3A";
    else if (property && c == ',') out += "%2C";
    else out += c;
  }
  return out;
}

std::string annotation(const GateLine& l, const std::string& rest) {
  std::string out = "::error ";
  if (!l.file.empty()) out += "file=" + command_text(l.file, true) + ",line=" + std::to_string(l.line) + ",col=" + std::to_string(l.column) + ",";
  return out + "title=" + command_text(l.suite, true) + "::" + command_text(l.name + ": " + l.detail + rest, false) + "\n";
}

// "file:line:col" taken apart; a name may hold colons itself.
void place(const std::string& text, GateLine& l) {
  const std::size_t second = text.rfind(':');
  const std::size_t first = second == std::string::npos || second == 0 ? std::string::npos : text.rfind(':', second - 1);
  if (first == std::string::npos) return;
  l.file = text.substr(0, first);
  l.line = static_cast<unsigned>(std::strtoul(text.c_str() + first + 1, nullptr, 10));
  l.column = static_cast<unsigned>(std::strtoul(text.c_str() + second + 1, nullptr, 10));
  if (l.line == 0) l.file.clear();
}

std::string with_seed(const PairCheck& p) { return p.label + (p.seeds.empty() ? "" : ", " + std::to_string(p.seeds.size()) + " seeds") + (p.seed == p.old_seed ? "" : ", seed " + std::to_string(p.seed) + " against " + std::to_string(p.old_seed)); }

}  // namespace

std::size_t Gate::count(GateState s) const {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [s](const GateLine& l) { return l.state == s; }));
}

Gate gate_of(const std::string& command, const std::string& scenario, const std::vector<Verdict>& verdicts) {
  Gate g{"guestdma " + command + " " + scenario, {}};
  for (const Verdict& v : verdicts) {
    GateLine l;
    l.state = v.state == Verdict::State::pass ? GateState::pass : v.state == Verdict::State::skipped ? GateState::skipped : GateState::fail;
    l.suite = scenario + (v.label.empty() ? "" : "." + v.label);
    l.name = v.text;
    l.detail = v.detail;
    place(v.place, l);
    g.lines.push_back(std::move(l));
  }
  return g;
}

Gate gate_of(const Check& c) {
  Gate g{"guestdma check " + c.new_name, {}};
  for (const PairCheck& p : c.pairs) {
    const std::string suite = c.scenario + "." + p.label;
    if (p.missing) g.lines.push_back({GateState::fail, suite, with_seed(p), "is missing in the new results", "", 0, 0});
    else if (p.not_comparable) g.lines.push_back({GateState::fail, suite, with_seed(p), "has another configuration", "", 0, 0});
    else if (!p.failed()) g.lines.push_back({GateState::pass, suite, with_seed(p), std::to_string(p.compared) + " metrics", "", 0, 0});
    if (p.same_run && !p.fingerprint_equal && !p.missing) g.lines.push_back({GateState::fail, suite, "fingerprint", "the same run went another way", "", 0, 0});
    for (const MetricChange& m : p.changes)
      if (m.state == MetricChange::State::failed)
        g.lines.push_back({GateState::fail, suite, m.metric, m.before_text + " -> " + m.now_text + (m.unit.empty() ? "" : " " + m.unit) + ": " + m.detail, "", 0, 0});
  }
  return g;
}

Gate gate_of(const Fidelity& f) {
  Gate g{"guestdma fidelity " + f.name, {}};
  for (const PointResult& p : f.points) {
    const bool modelled = p.kind != PointResult::Kind::not_modelled;
    const std::string simulated = p.simulated ? figure(*p.simulated) : "no value";
    const std::string detail = modelled ? "published " + figure(p.published) + " " + p.unit + ", simulated " + simulated + (p.problem.empty() ? "" : ": " + p.problem) : p.reason;
    g.lines.push_back({!modelled ? GateState::skipped : p.within ? GateState::pass : GateState::fail, f.name + "." + kind_name(p.kind), p.id, detail, "", 0, 0});
  }
  return g;
}

std::string junit_xml(const Gate& g) {
  std::vector<std::string> suites;
  for (const GateLine& l : g.lines)
    if (std::find(suites.begin(), suites.end(), l.suite) == suites.end()) suites.push_back(l.suite);
  const auto counts = [](const Gate& part) {
    return " tests=\"" + std::to_string(part.lines.size()) + "\" failures=\"" + std::to_string(part.count(GateState::fail)) + "\" errors=\"0\" skipped=\"" + std::to_string(part.count(GateState::skipped)) + "\"";
  };
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" + xml(g.name) + "\"" + counts(g) + ">\n";
  for (const std::string& suite : suites) {
    Gate part;
    for (const GateLine& l : g.lines)
      if (l.suite == suite) part.lines.push_back(l);
    out += "  <testsuite name=\"" + xml(suite) + "\"" + counts(part) + ">\n";
    for (const GateLine& l : part.lines) {
      out += "    <testcase classname=\"" + xml(suite) + "\" name=\"" + xml(l.name) + "\"";
      if (!l.file.empty()) out += " file=\"" + xml(l.file) + "\" line=\"" + std::to_string(l.line) + "\"";
      if (l.state == GateState::pass) out += "/>\n";
      else if (l.state == GateState::skipped) out += "><skipped message=\"" + xml(l.detail) + "\"/></testcase>\n";
      else out += "><failure message=\"" + xml(l.detail) + "\">" + xml((l.file.empty() ? "" : l.file + ":" + std::to_string(l.line) + ": ") + l.name + ": " + l.detail) + "</failure></testcase>\n";
    }
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

std::string annotations(const Gate& g) {
  std::string out;
  std::size_t failing = g.count(GateState::fail), shown = 0;
  for (const GateLine& l : g.lines) {
    if (l.state != GateState::fail || shown == kAnnotations) continue;
    ++shown;
    const bool last = shown == kAnnotations && failing > kAnnotations;
    out += annotation(l, last ? " (and " + std::to_string(failing - kAnnotations) + " more)" : "");
  }
  return out;
}

std::string capped(const std::string& markdown, std::size_t most) {
  if (markdown.size() <= most) return markdown;
  static const std::string kSaid = "\n*Cut here: the report is longer than a step summary may be.*\n";
  const std::size_t room = most > kSaid.size() ? most - kSaid.size() : 0;
  const std::size_t end = room == 0 ? std::string::npos : markdown.rfind('\n', room - 1);
  return (end == std::string::npos ? "" : markdown.substr(0, end + 1)) + kSaid;
}

}  // namespace gd::report
