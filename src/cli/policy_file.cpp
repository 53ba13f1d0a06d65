#include "src/cli/policy_file.h"

#include <cmath>
#include <cstdlib>

#include "src/report/results.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/text.h"
#include "src/system/result.h"

namespace gd::cli {

using scenario::Node;
using JsonKind = scenario::Kind;

namespace {

const char* const kPolicyKeys = "rel_tol, abs_tol, gate, better";

class PolicyReader {
 public:
  explicit PolicyReader(scenario::Mistakes& mistakes) : mistakes_(mistakes) {}

  std::vector<report::PolicyRule> read(const Node& root) {
    if (!expect(root, "", JsonKind::object, "an object with version and metrics")) return {};
    std::vector<report::PolicyRule> out;
    bool versioned = false;
    for (const Node& n : root.children) {
      if (n.key == "version") {
        versioned = true;
        if (n.kind != JsonKind::number || n.text != "1") fail(n.place, "/version", "this version reads policies of version 1", "1");
      } else if (n.key == "description" || n.key == "$schema") {
        expect(n, "/" + n.key, JsonKind::string, "a text");
      } else if (n.key == "metrics") {
        if (!expect(n, "/metrics", JsonKind::object, "an object with metrics or patterns as keys")) continue;
        for (const Node& m : n.children) out.push_back(rule(m, "/metrics/" + m.key));
      } else {
        fail(n.key_place, "/" + n.key, "unknown key", "version, description, metrics", scenario::nearest(n.key, {"version", "description", "metrics"}));
      }
    }
    if (!versioned) fail(root.place, "/version", "is missing", "1");
    return out;
  }

 private:
  void fail(const scenario::Place& at, const std::string& path, const std::string& what, const std::string& allowed, const std::string& near = {}) {
    scenario::Place place = at;
    if (place.end > place.begin + 1 && place.source && place.source->text[place.begin] == '{') place.end = place.begin + 1;
    mistakes_.add(scenario::diagnostic(place, path, what, allowed, near));
  }
  bool expect(const Node& n, const std::string& path, JsonKind kind, const std::string& allowed) {
    if (n.kind == kind) return true;
    fail(n.place, path, std::string("expected ") + scenario::kind_name(kind) + ", found " + scenario::kind_name(n.kind), allowed);
    return false;
  }
  double tolerance(const Node& n, const std::string& path) {
    const char* const kAllowed = "a number, 0 or more";
    if (!expect(n, path, JsonKind::number, kAllowed)) return 0;
    const double v = std::strtod(n.text.c_str(), nullptr);
    if (!std::isfinite(v) || v < 0) fail(n.place, path, n.text + " is not allowed", kAllowed);
    return v;
  }
  report::PolicyRule rule(const Node& m, const std::string& path) {
    report::PolicyRule r;
    r.pattern = m.key;
    if (m.key.find('*') == std::string::npos && !system::known_metric(m.key)) {
      std::vector<std::string> names;
      for (const system::MetricInfo& i : system::metric_table()) names.push_back(i.name);
      fail(m.key_place, path, "there is no metric \"" + m.key + "\"", "a metric of `list metrics`, or a pattern with *", scenario::nearest(m.key, names));
    }
    if (!expect(m, path, JsonKind::object, kPolicyKeys)) return r;
    for (const Node& n : m.children) {
      const std::string at = path + "/" + n.key;
      if (n.key == "rel_tol") r.sets_rel_tol = true, r.value.rel_tol = tolerance(n, at);
      else if (n.key == "abs_tol") r.sets_abs_tol = true, r.value.abs_tol = tolerance(n, at);
      else if (n.key == "gate") r.sets_gate = expect(n, at, JsonKind::boolean, "true or false"), r.value.gate = n.flag;
      else if (n.key == "better") r.sets_better = true, r.value.better = better(n, at);
      else fail(n.key_place, at, "unknown key", kPolicyKeys, scenario::nearest(n.key, {"rel_tol", "abs_tol", "gate", "better"}));
    }
    return r;
  }
  int better(const Node& n, const std::string& path) {
    const char* const kAllowed = "more, less, neither";
    if (!expect(n, path, JsonKind::string, kAllowed)) return 0;
    if (n.text == "more") return 1;
    if (n.text == "less") return -1;
    if (n.text != "neither") fail(n.place, path, "\"" + n.text + "\" is not allowed", kAllowed, scenario::nearest(n.text, {"more", "less", "neither"}));
    return 0;
  }

  scenario::Mistakes& mistakes_;
};

}  // namespace

report::Policies read_policies(const std::string& path) {
  if (path.empty()) return {};
  auto source = std::make_shared<scenario::Source>();
  source->name = path;
  source->text = report::read_file(path);
  scenario::Mistakes mistakes;
  std::vector<report::PolicyRule> rules;
  if (const auto root = scenario::parse(source, mistakes)) rules = PolicyReader(mistakes).read(*root);
  mistakes.raise();
  return report::Policies(std::move(rules));
}

}  // namespace gd::cli
