// list: strategies, scenarios, metrics, costs, keys.
#include <algorithm>
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

// A line each with what is looked for most; a terminal's width cuts it. Everything is in `describe` and the other formats.
std::string on_screen(const Table& all) {
  static const std::vector<std::string> kept = {"name", "key", "unit", "better", "default", "cycles", "cycles_per_unit", "per", "description", "source"};
  Table t{all.name, {}, std::vector<std::vector<std::string>>(all.rows.size())};
  for (std::size_t c = 0; c < all.columns.size(); ++c) {
    if (std::find(kept.begin(), kept.end(), all.columns[c]) == kept.end()) continue;
    t.columns.push_back(all.columns[c]);
    for (std::size_t r = 0; r < all.rows.size(); ++r) t.rows[r].push_back(all.rows[r][c].empty() ? "-" : all.rows[r][c]);
  }
  const std::string text = table_text(t, Format::text);
  const unsigned width = terminal_width(1);
  if (width < 20) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::size_t length = std::min<std::size_t>(end - at, width);
    while (length < end - at && length > 0 && (static_cast<unsigned char>(text[at + length]) & 0xc0) == 0x80) --length;   // a whole character
    out += text.substr(at, length) + "\n";
    at = end + 1;
  }
  return out;
}

struct Listing {
  const char* name;
  Table (*table)();
};
const Listing kListings[] = {{"strategies", list_strategies}, {"scenarios", list_scenarios}, {"metrics", list_metrics}, {"costs", list_costs}, {"keys", list_keys}};

// All of them, or those of one name; no other is read.
Table scenarios_named(const std::string* name) {
  Table t{"scenarios", {"name", "file", "description"}, {}};
  scenario::LoadOptions options = load_options({});
  options.read_inputs = false;
  std::set<std::string> seen;
  const std::string share = share_scenarios();
  for (const std::string& folder : {std::string("scenarios"), share, std::string("scenarios/questions"), share + "/questions"})
    for (const std::string& file : files_in(folder, ".json")) {
      std::error_code error;
      const fs::path path = fs::canonical(file, error);
      if (error || !seen.insert(path.string()).second) continue;
      if (name && path.stem().string() != *name) continue;
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

Table list_scenarios() { return scenarios_named(nullptr); }
Table list_scenarios(const std::string& name) { return scenarios_named(&name); }

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
  for (const Listing& k : kListings) {
    names.emplace_back(k.name);
    if (o.arguments[0] != k.name) continue;
    const Table t = k.table();
    write_out(o.format == Format::text ? on_screen(t) : table_text(t, o.format));
    return kFine;
  }
  throw UserError("there is no list of \"" + o.arguments[0] + "\"; lists: " + scenario::join(names) + did_you_mean(o.arguments[0], names));
}

}  // namespace gd::cli
