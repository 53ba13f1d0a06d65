// describe: everything that is known of a name.
#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/listing.h"
#include "src/cli/output.h"
#include "src/cli/plan.h"
#include "src/report/words.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/keys.h"

namespace gd::cli {

namespace {

struct Fact {
  std::string name, text;
};
struct Description {
  std::string kind, name;
  std::vector<Fact> facts;
};

// The row of `t` whose first cell is `name`, with the other cells as facts.
void from_table(const Table& t, const std::string& kind, const std::string& name, std::vector<Description>& out) {
  for (const auto& row : t.rows) {
    if (row[0] != name) continue;
    Description d{kind, name, {}};
    for (std::size_t c = 1; c < row.size(); ++c)
      if (!row[c].empty()) d.facts.push_back({t.columns[c], row[c]});
    out.push_back(std::move(d));
  }
}

// The metric of a name, or the row of a pattern as `list` writes it ("drops.<reason>").
const system::MetricInfo* metric_of(const std::string& name) {
  for (const system::MetricInfo& m : system::metric_table())
    if (m.name == name) return &m;
  return system::find_metric(name);
}

std::vector<Description> find(const std::string& name) {
  std::vector<Description> out;
  if (std::string text = system::describe_strategy(name); !text.empty()) {
    while (text.ends_with('\n')) text.pop_back();
    out.push_back({"strategy", name, {{"description", text}}});
  }
  from_table(list_scenarios(name), "scenario", name, out);
  if (const system::MetricInfo* m = metric_of(name)) {
    Description d{"metric", m->name, {{"description", m->description}}};
    if (!m->unit.empty()) d.facts.push_back({"unit", m->unit});
    if (m->better != 0) d.facts.push_back({"better", m->better > 0 ? "higher" : "lower"});
    out.push_back(std::move(d));
  }
  from_table(list_costs(), "cost", name, out);
  if (const scenario::KeyInfo* k = scenario::find_key(name)) {
    Description d{"key", k->path, {{"description", k->description}, {"type", scenario::type_name(k->type)}}};
    if (!k->fallback.empty()) d.facts.push_back({"default", k->fallback});
    if (!k->allowed.empty()) d.facts.push_back({"allowed", k->allowed});
    if (!k->source.empty()) d.facts.push_back({"source", k->source});
    out.push_back(std::move(d));
  } else if (const std::vector<std::string> keys = scenario::keys_below(name); !keys.empty()) {
    out.push_back({"section of keys", name, {{"keys", scenario::join(keys)}}});
  }
  return out;
}

[[noreturn]] void unknown(const std::string& name) {
  std::vector<std::string> known = system::strategy_names();
  for (const Table& t : {list_scenarios(), list_metrics(), list_costs(), list_keys()})
    for (const auto& row : t.rows) known.push_back(row[0]);
  std::string near = scenario::nearest(name, known);
  if (near.empty()) near = scenario::nearest_key(name);
  if (near == name) near.clear();
  throw UserError("nothing is named \"" + name + "\": no strategy, scenario, metric, cost or key (guestdma list shows them)" + (near.empty() ? "" : "; did you mean " + near + "?"));
}

}  // namespace

int describe_command(const Options& o) {
  const std::vector<Description> all = find(o.arguments[0]);
  if (all.empty()) unknown(o.arguments[0]);
  if (o.format != Format::text) {
    Table t{"descriptions", {"kind", "name", "field", "text"}, {}};
    for (const Description& d : all)
      for (const Fact& f : d.facts) t.rows.push_back({d.kind, d.name, f.name, f.text});
    write_out(table_text(t, o.format));
    return kFine;
  }
  std::string out;
  for (const Description& d : all) {
    if (!out.empty()) out += "\n";
    if (d.kind == "strategy") {
      out += d.facts[0].text + "\n";
      continue;
    }
    out += d.name + " (" + d.kind + ")\n";
    for (const Fact& f : d.facts) out += report::wrap("  " + f.name + ": " + f.text, text_options().width, 4);
  }
  write_out(out);
  return kFine;
}

}  // namespace gd::cli
