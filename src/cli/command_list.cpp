// list: strategies, scenarios, metrics, costs, keys.
#include <filesystem>
#include <set>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/listing.h"
#include "src/cli/output.h"
#include "src/cli/paths.h"
#include "src/cli/plan.h"
#include "src/report/json_text.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/keys.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string cycles(std::uint64_t milli) { return report::milli_text(static_cast<std::int64_t>(milli)); }

struct Kind {
  const char* name;
  Table (*table)();
};
const Kind kKinds[] = {{"strategies", list_strategies}, {"scenarios", list_scenarios}, {"metrics", list_metrics}, {"costs", list_costs}, {"keys", list_keys}};

}  // namespace

Table list_strategies() {
  Table t{"strategies", {"name", "description"}, {}};
  for (const std::string& name : system::strategy_names()) {
    std::string line = first_line(system::describe_strategy(name));
    if (line.starts_with(name + ": ")) line.erase(0, name.size() + 2);
    t.rows.push_back({name, line});
  }
  return t;
}

Table list_scenarios() {
  Table t{"scenarios", {"name", "file", "description"}, {}};
  scenario::LoadOptions options = load_options({});
  options.read_inputs = false;
  std::set<std::string> seen;
  for (const std::string& folder : {std::string("scenarios"), share_scenarios()})
    for (const std::string& file : files_in(folder, ".json")) {
      std::error_code error;
      const fs::path path = fs::canonical(file, error);
      if (error || !seen.insert(path.string()).second) continue;
      std::string description;
      try {
        description = scenario::load(file, options).description;
      } catch (const UserError& e) {
        description = "(not valid) " + first_line(e.what());
      }
      t.rows.push_back({path.stem().string(), file, description});
    }
  return t;
}

Table list_metrics() {
  Table t{"metrics", {"name", "unit", "better", "description"}, {}};
  for (const system::MetricInfo& m : system::metric_table())
    t.rows.push_back({m.name, m.unit, m.better > 0 ? "higher" : m.better < 0 ? "lower" : "", m.description});
  return t;
}

Table list_costs() {
  Table t{"costs", {"name", "profile", "cycles", "cycles_per_unit", "per", "confidence", "source"}, {}};
  for (const std::string& file : files_in(share_scenarios() + "/costs", ".json"))
    for (const scenario::CostEntry& c : scenario::load_costs(file))
      t.rows.push_back({c.name, fs::path(file).stem().string(), cycles(c.fixed_mc), c.per.empty() ? "" : cycles(c.unit_mc), c.per, c.confidence, c.source});
  return t;
}

Table list_keys() {
  Table t{"keys", {"key", "type", "default", "allowed", "description"}, {}};
  for (const scenario::KeyInfo& k : scenario::list_keys()) t.rows.push_back({k.path, scenario::type_name(k.type), k.fallback, k.allowed, k.description});
  return t;
}

int list_command(const Options& o) {
  std::vector<std::string> names;
  for (const Kind& k : kKinds) {
    names.emplace_back(k.name);
    if (o.arguments[0] != k.name) continue;
    Table t = k.table();
    // On a screen two columns are enough for keys; the others are in describe and in the other formats.
    if (o.format == Format::text && t.name == "keys")
      for (auto& row : t.rows) row = {row[0], row[2].empty() ? "-" : row[2], row[4]};
    if (o.format == Format::text && t.name == "keys") t.columns = {"key", "default", "description"};
    write_out(table_text(t, o.format, text_options().width));
    return kFine;
  }
  throw UserError("there is no list of \"" + o.arguments[0] + "\"; lists: " + scenario::join(names) + did_you_mean(o.arguments[0], names));
}

}  // namespace gd::cli
