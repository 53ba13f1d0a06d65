#include "src/scenario/sweep_search.h"

#include <algorithm>

#include "models/base/error.h"
#include "src/scenario/reader.h"

namespace gd::scenario {

namespace {

const char* const kSearchForm = "{key, from, to, precision} with one of highest, lowest, crossover";
const char* const kPrecisionForm = "a share of the value (\"1%\"), a step in the key's unit, or \"log2\"";

class SearchReader {
 public:
  SearchReader(Reader& r, const Node& n, const std::string& path) : r_(r), n_(n), path_(path) {}

  bool read(SweepSearch& s) {
    if (!r_.expect(n_, path_, Kind::object, kSearchForm)) return false;
    const std::vector<std::string> names = {"key", "from", "to", "precision", "highest", "lowest", "crossover"};
    for (const Node& c : n_.children) {
      if (std::find(names.begin(), names.end(), c.key) == names.end()) fail_key(c, "unknown key", join(names), nearest(c.key, names));
      else r_.mark(path_ + "." + c.key, c);
    }
    r_.mark(path_, n_);
    const bool has_aim = aim(s);
    return range(s) && has_aim && good_;
  }

 private:
  bool fail(const Node& n, const std::string& key, const std::string& what, const std::string& allowed, const std::string& near = {}) {
    r_.fail(n, path_ + key, what, allowed, near);
    return good_ = false;
  }
  void fail_key(const Node& c, const std::string& what, const std::string& allowed, const std::string& near) {
    r_.fail_key(c, path_ + "." + c.key, what, allowed, near);
    good_ = false;
  }
  bool is_value(const Node& n, const std::string& key) {
    return n.kind == Kind::number || n.kind == Kind::string || fail(n, key, std::string("expected a value, found ") + kind_name(n.kind), "a number, with its unit where the key has one");
  }

  bool range(SweepSearch& s) {
    const Node *key = n_.find("key"), *from = n_.find("from"), *to = n_.find("to");
    if (key == nullptr || from == nullptr || to == nullptr) return fail(n_, "", "a search has key, from and to", kSearchForm);
    if (!r_.expect(*key, path_ + ".key", Kind::string, "a dotted key, as in traffic.rate")) return good_ = false;
    s.key = key->text;
    std::string allowed;
    if (const std::string wrong = no_axis(s.key, allowed); !wrong.empty()) return fail(*key, ".key", wrong, allowed, nearest_key(s.key));
    if (!is_value(*from, ".from") || !is_value(*to, ".to")) return false;
    const std::optional<Type> type = number_type(s.key, from->text);
    if (!type) return fail(*key, ".key", s.key + " is no number, so that it cannot be searched", "a key with a number");
    s.type = *type;
    for (const auto& [node, name, value] : {std::tuple{from, ".from", &s.from}, {to, ".to", &s.to}}) {
      const Parsed p = number_of(s.type, node->text);
      if (!p.value) return fail(*node, name, p.problem.empty() ? "\"" + node->text + "\" is no value of " + s.key : p.problem, unit_help(s.type));
      *value = *p.value;
    }
    if (s.from >= s.to) return fail(n_, "", "from " + from->text + " to " + to->text + " leaves nothing to search", "from below to");
    return precision(s);
  }

  bool precision(SweepSearch& s) {
    const Row* row = find_row(pattern_of(s.key));
    const Node* given = n_.find("precision");
    if (row != nullptr) s.unit = std::max<std::uint64_t>(row->rule.multiple_of, 1);
    const bool doubles = row != nullptr && row->rule.power_of_two;
    s.precision = given != nullptr ? given->text : doubles ? "log2" : "1%";
    const Node& at = given != nullptr ? *given : n_;
    if (given != nullptr && !is_value(*given, ".precision")) return false;
    s.doubling = s.precision == "log2";
    if (doubles && !s.doubling) return fail(at, ".precision", s.key + " is a power of two", "\"log2\"");
    if (s.doubling) return s.from != 0 || fail(at, ".precision", "doubling does not leave 0", "from above 0");
    if (s.type != Type::share && s.precision.ends_with('%')) {
      const Parsed p = parse_quantity(Type::share, s.precision);
      if (!p.value || *p.value == 0) return fail(at, ".precision", p.problem.empty() ? "a precision of 0 is never reached" : p.problem, kPrecisionForm);
      s.relative = static_cast<Share>(*p.value);
      return s.from != 0 || fail(at, ".precision", "a share of the value is not reached from 0", "from above 0, or a step in the key's unit");
    }
    const Parsed p = number_of(s.type, s.precision);
    if (!p.value || *p.value == 0) return fail(at, ".precision", p.problem.empty() ? "\"" + s.precision + "\" is no step" : p.problem, kPrecisionForm);
    s.step = *p.value;
    return s.step % s.unit == 0 || fail(at, ".precision", s.key + " is a multiple of " + std::to_string(s.unit), "a multiple of it");
  }

  bool aim(SweepSearch& s) {
    const Node *highest = n_.find("highest"), *lowest = n_.find("lowest"), *crossover = n_.find("crossover");
    if ((highest != nullptr) + (lowest != nullptr) + (crossover != nullptr) != 1)
      return fail(n_, "", "a search has one of highest, lowest and crossover", "highest and lowest: a line as in expect; crossover: {metric, between}");
    if (crossover == nullptr) {
      s.aim = highest != nullptr ? SweepSearch::Aim::highest : SweepSearch::Aim::lowest;
      return (good_ = read_expectation(r_, highest != nullptr ? *highest : *lowest, path_ + "." + aim_name(s.aim), s.holds) && good_);
    }
    s.aim = SweepSearch::Aim::crossover;
    const std::string path = path_ + ".crossover";
    if (!r_.expect(*crossover, path, Kind::object, "an object {metric, between}")) return good_ = false;
    for (const Node& c : crossover->children)
      if (c.key != "metric" && c.key != "between") {
        r_.fail_key(c, path + "." + c.key, "unknown key", "metric, between", nearest(c.key, {"metric", "between"}));
        good_ = false;
      }
    const Node *metric = crossover->find("metric"), *between = crossover->find("between");
    if (metric == nullptr) return fail(*crossover, ".crossover", "a cross-over without metric", "{metric, between}");
    if (!r_.expect(*metric, path + ".metric", Kind::string, "the name of a metric")) return good_ = false;
    s.metric = metric->text;
    const auto& known = r_.options().known_metric;
    if (known && !known(s.metric))
      return fail(*metric, ".crossover.metric", "there is no metric \"" + s.metric + "\"", "`list metrics` shows all", nearest(s.metric, r_.options().metric_names));
    if (known && !guest_of_metric(s.metric).empty()) r_.guest_metric(*metric, path + ".metric", s.metric);
    return between == nullptr || labels(*between, path + ".between", s.between);
  }

  bool labels(const Node& n, const std::string& path, std::vector<std::string>& out) {
    if (!r_.expect(n, path, Kind::array, "a list of labels of strategies")) return good_ = false;
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      if (!r_.expect(n.children[i], path + "." + std::to_string(i), Kind::string, "the label of a strategy")) return good_ = false;
      if (std::find(out.begin(), out.end(), n.children[i].text) != out.end())
        return fail(n.children[i], ".crossover.between." + std::to_string(i), "\"" + n.children[i].text + "\" stands there twice", "each label once");
      out.push_back(n.children[i].text);
    }
    r_.mark(path, n);
    return out.size() >= 2 || fail(n, ".crossover.between", "a cross-over is between two strategies or more", "at least two labels");
  }

  Reader& r_;
  const Node& n_;
  const std::string& path_;
  bool good_ = true;
};

// A value of --set that is not taken for something else.
std::string text_setting(const std::string& key, const std::string& text) { return key + "=" + (Json::accept(text) ? Json(text).dump() : text); }

}  // namespace

const char* aim_name(SweepSearch::Aim a) {
  switch (a) {
    case SweepSearch::Aim::highest: return "highest";
    case SweepSearch::Aim::lowest: return "lowest";
    case SweepSearch::Aim::crossover: return "crossover";
  }
  return "?";
}

void read_search(Reader& r, const Node& n, const std::string& path, std::optional<SweepSearch>& out) {
  SweepSearch s;
  if (SearchReader(r, n, path).read(s)) out = std::move(s);
}

Json search_json(const SweepSearch& s) {
  Json out = {{"key", s.key}, {"from", Json::parse(number_json(s.type, s.from))}, {"to", Json::parse(number_json(s.type, s.to))}};
  out["precision"] = s.step != 0 ? Json::parse(number_json(s.type, s.step)) : Json(s.precision);
  if (s.aim != SweepSearch::Aim::crossover) {
    out[aim_name(s.aim)] = s.holds.text;
  } else {
    out["crossover"] = {{"metric", s.metric}};
    if (!s.between.empty()) out["crossover"]["between"] = s.between;
  }
  return out;
}

std::vector<std::string> search_settings(const std::optional<std::string>& search, const std::optional<std::string>& highest,
                                         const std::optional<std::string>& lowest, const std::optional<std::string>& crossover) {
  std::vector<std::string> out;
  if (search) {
    const std::size_t equals = search->find('='), dots = equals == std::string::npos ? equals : search->find("..", equals);
    if (dots == std::string::npos || equals == 0)
      throw UserError("option --search: \"" + *search + "\" is not allowed; allowed: KEY=FROM..TO or KEY=FROM..TO..PRECISION, as in traffic.rate=1Gbps..10Gbps..1%");
    const std::size_t more = search->find("..", dots + 2);
    out.push_back("sweep.search.key=" + search->substr(0, equals));
    out.push_back("sweep.search.from=" + search->substr(equals + 1, dots - equals - 1));
    out.push_back("sweep.search.to=" + search->substr(dots + 2, more == std::string::npos ? more : more - dots - 2));
    out.push_back("sweep.search.precision=" + (more == std::string::npos ? "null" : search->substr(more + 2)));
  }
  if ((highest ? 1 : 0) + (lowest ? 1 : 0) + (crossover ? 1 : 0) > 1) throw UserError("of --highest, --lowest and --crossover one can be given");
  if (highest || lowest || crossover)
    for (const char* other : {"highest", "lowest", "crossover"}) out.push_back(std::string("sweep.search.") + other + "=null");
  if (highest) out.push_back(text_setting("sweep.search.highest", *highest));
  if (lowest) out.push_back(text_setting("sweep.search.lowest", *lowest));
  if (!crossover) return out;
  const std::size_t bracket = crossover->find('[');
  out.push_back(text_setting("sweep.search.crossover.metric", crossover->substr(0, bracket)));
  if (bracket == std::string::npos) return out;
  if (crossover->back() != ']') throw UserError("option --crossover: \"" + *crossover + "\" is not allowed; allowed: METRIC or METRIC[LABEL,LABEL...]");
  Json labels = Json::array();
  const std::string names = crossover->substr(bracket + 1, crossover->size() - bracket - 2);
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t comma = std::min(names.find(',', at), names.size());
    labels.push_back(names.substr(at, comma - at));
    at = comma + 1;
  }
  out.push_back("sweep.search.crossover.between=" + labels.dump());
  return out;
}

}  // namespace gd::scenario
