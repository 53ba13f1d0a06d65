// validate: what `run` would refuse, without running.
#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/listing.h"
#include "src/cli/output.h"
#include "src/cli/plan.h"
#include "src/scenario/diagnostics.h"

namespace gd::cli {

namespace {

std::string names(const std::vector<std::string>& list) { return list.empty() ? "none" : scenario::join(list); }

}  // namespace

int validate_command(const Options& o) {
  Table table{"files", {"file", "valid", "strategies", "refused", "error"}, {}};
  int code = kFine;
  std::string text;
  for (const std::string& file : o.arguments) {
    try {
      const Plan plan = make_plan(file, load_options(o));
      std::vector<std::string> run, refused;
      for (const auto& c : plan.run) run.push_back(c.label);
      for (const auto& r : plan.refused) refused.push_back(r.label);
      table.rows.push_back({file, "true", scenario::join(run), scenario::join(refused), ""});
      text += file + ": ok; strategies " + names(run) + (refused.empty() ? "" : "; refused " + names(refused)) + "\n";
    } catch (const UserError& e) {
      table.rows.push_back({file, "false", "", "", e.what()});
      write_error(e.what());
      code = kUserMistake;
    }
  }
  write_out(o.format == Format::text ? text : table_text(table, o.format));
  return code;
}

}  // namespace gd::cli
