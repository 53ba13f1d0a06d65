// Lines of `expect`: METRIC[LABEL]? OP (NUMBER UNIT? | NUMBER * METRIC[LABEL])
#include <algorithm>
#include <charconv>
#include <cmath>

#include "src/scenario/loader.h"
#include "src/scenario/reader.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

const char* const kLineForm =
    "METRIC[LABEL] OP NUMBER UNIT or METRIC[LABEL] OP NUMBER * METRIC[LABEL], as in \"drops.total == 0\", \"latency.p99 < "
    "50us\"";

class Line {
 public:
  Line(Reader& r, const Node& n, const std::string& path) : r_(r), n_(n), path_(path), text_(n.text) {}

  bool parse(Expectation& e) {
    e.text = text_;
    e.at = n_.place.position();
    if (!metric(e.metric, e.label) || !comparison(e.op)) return false;
    blanks();
    const std::size_t begin = at_;
    const char* first = text_.data() + at_;
    if (at_ < text_.size() && *first == '+') ++first;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), e.number);
    if (error != std::errc{} || !std::isfinite(e.number)) return wrong(begin, text_.size(), "expected a number", kLineForm);
    at_ = static_cast<std::size_t>(end - text_.data());
    blanks();
    if (at_ < text_.size() && text_[at_] == '*') {
      ++at_;
      if (!metric(e.other_metric, e.other_label)) return false;
      blanks();
      return at_ == text_.size() || wrong(at_, text_.size(), "nothing may follow", kLineForm);
    }
    e.unit = text_.substr(at_);
    while (!e.unit.empty() && e.unit.back() == ' ') e.unit.pop_back();
    if (!known_unit(e.unit))
      return wrong(at_, text_.size(), "\"" + e.unit + "\" is not a unit",
                   "ps, ns, us, ms, s, bps, kbps, Mbps, Gbps, Tbps, Gb/s, B, kB, KiB, MiB, GiB, %, or none");
    return e.unit.empty() || of_metric(e);
  }

 private:
  // The line's unit says what the metric's does.
  bool of_metric(const Expectation& e) {
    const auto& unit_of = r_.options().metric_unit;
    const std::optional<std::string> unit = unit_of ? unit_of(e.metric) : std::nullopt;
    if (!unit) return true;
    const std::string known(scenario_unit(*unit));
    if (convert(1, known, e.unit)) return true;
    return wrong(at_, at_ + e.unit.size(), e.metric + " is in " + (unit->empty() ? "plain numbers" : *unit) + ", not in " + e.unit + (known_unit(known) ? "" : ": the number stands without a unit"),
                 known_unit(known) ? units_like(known) : "no unit");
  }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool metric(std::string& name, std::string& label) {
    blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  std::string_view("._-").find(text_[at_]) != std::string_view::npos))
      ++at_;
    name = text_.substr(begin, at_ - begin);
    if (name.empty()) return wrong(begin, begin + 1, "expected the name of a metric", kLineForm);
    const auto& known = r_.options().known_metric;
    if (known && !known(name))
      return wrong(begin, at_, "there is no metric \"" + name + "\"", "`list metrics` shows all",
                   nearest(name, r_.options().metric_names));
    if (known && !guest_of_metric(name).empty()) r_.guest_metric(part(begin, at_), path_, name);
    if (at_ < text_.size() && text_[at_] == '[') {
      const std::size_t close = text_.find(']', at_);
      if (close == std::string::npos || close == at_ + 1)
        return wrong(at_, text_.size(), "the label is not closed or is empty", kLineForm);
      label = text_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
    }
    return true;
  }

  bool comparison(Compare& op) {
    blanks();
    struct {
      std::string_view text;
      Compare op;
    } const kOps[] = {{"<=", Compare::less_equal}, {">=", Compare::greater_equal}, {"==", Compare::equal},
                      {"!=", Compare::not_equal},  {"<", Compare::less},           {">", Compare::greater}};
    for (const auto& o : kOps)
      if (text_.compare(at_, o.text.size(), o.text) == 0) {
        op = o.op;
        at_ += o.text.size();
        return true;
      }
    return wrong(at_, at_ + 1, "expected a comparison", "<, <=, ==, !=, >=, >");
  }

  // Points into the string when its text stands in the file as it is.
  Node part(std::size_t begin, std::size_t end) const {
    Node out = n_;
    if (n_.place.end - n_.place.begin == text_.size() + 2) {
      out.place.begin = n_.place.begin + 1 + std::min(begin, text_.size());
      out.place.end = std::max(n_.place.begin + 1 + std::min(end, text_.size()), out.place.begin + 1);
    }
    return out;
  }

  bool wrong(std::size_t begin, std::size_t end, const std::string& what, const std::string& allowed,
             const std::string& near = {}) {
    r_.fail(part(begin, end), path_, what, allowed, near);
    return false;
  }

  Reader& r_;
  const Node& n_;
  const std::string& path_;
  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string guest_of_metric(std::string_view metric) {
  constexpr std::string_view kPrefix = "guest.";
  const std::size_t dot = metric.starts_with(kPrefix) ? metric.find('.', kPrefix.size()) : std::string_view::npos;
  return dot == std::string_view::npos ? "" : std::string(metric.substr(kPrefix.size(), dot - kPrefix.size()));
}

void Reader::check_guest_metrics() {
  if (guest_metrics_.empty()) return;
  std::vector<std::string> names;
  for (const Guest& g : scenario_.guests) names.push_back(g.name);
  for (const StrategyChoice& c : scenario_.strategies)   // an entry may call them otherwise
    for (const auto& [key, value] : c.set)
      if (pattern_of(key) == "guests[].name") names.push_back(value);
  for (const GuestMetric& m : guest_metrics_) {
    const std::string guest = guest_of_metric(m.metric);
    if (std::find(names.begin(), names.end(), guest) != names.end()) continue;
    std::vector<std::string> metrics;
    for (const std::string& n : names) metrics.push_back("guest." + n + m.metric.substr(6 + guest.size()));
    fail(m.node, m.path, "there is no guest \"" + guest + "\"", join(metrics), metrics.size() == 1 ? metrics[0] : nearest(m.metric, metrics));
  }
}

bool read_expectation(Reader& r, const Node& n, const std::string& path, Expectation& e) {
  return r.expect(n, path, Kind::string, kLineForm) && Line(r, n, path).parse(e);
}

Special read_expect() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void*) {
    if (!r.expect(n, path, Kind::array, "a list of lines")) return;
    r.scenario().expect.clear();
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const std::string at = path + "." + std::to_string(i);
      Expectation e;
      if (read_expectation(r, n.children[i], at, e))
        r.scenario().expect.push_back(e);
    }
  };
  s.write = [](const void* object) -> Json {
    Json out = Json::array();
    for (const Expectation& e : static_cast<const Scenario*>(object)->expect) out.push_back(e.text);
    return out.empty() ? Json(nullptr) : out;
  };
  s.schema = Json::parse(R"({"type":"array","items":{"type":"string"}})");
  return s;
}

}  // namespace gd::scenario
