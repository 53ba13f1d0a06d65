// bench: speed and memory of the simulator itself, and the counts that its budget is about.
#include <cstring>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/evaluate.h"
#include "src/cli/exit_code.h"
#include "src/cli/listing.h"
#include "src/cli/output.h"
#include "src/cli/paths.h"
#include "src/cli/progress.h"
#include "src/cli/signals.h"
#include "src/cli/yardstick.h"
#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/words.h"

namespace gd::cli {

namespace {

// What a child sends.
struct Measured {
  std::uint64_t frames = 0, activations = 0, lookups = 0, bytes_moved = 0, peak_rss = 0;
  double cpu_s = 0, wall_s = 0;
  double yardstick_ns = 0;   // mean of before and after

  double per_frame(std::uint64_t n) const { return frames == 0 ? 0 : static_cast<double>(n) / static_cast<double>(frames); }
  double speed() const { return cpu_s > 0 ? static_cast<double>(frames) / cpu_s : 0; }
};

struct Row {
  std::string scenario, strategy;
  Measured m;
};

int measure(const Plan& plan, const scenario::StrategyChoice& choice, Reporter& reporter) {
  system::RunOptions run;
  run.progress = [&reporter](Time now, Time end) { reporter.progress(now, end); };
  const double before = copy_and_compare_ns();
  const system::RunResult r = system::run(plan.scenario, choice, run);
  const Measured m{r.frames, r.activations, r.lookups, r.bytes_moved, r.peak_rss_bytes, r.cpu_s, r.wall_s, (before + copy_and_compare_ns()) / 2};
  std::string bytes(sizeof m, '\0');
  std::memcpy(bytes.data(), &m, sizeof m);
  reporter.payload(bytes);
  return kFine;
}

std::string as_json(const std::vector<Row>& rows) {
  report::JsonText j;
  j.open('{').key("schema").count(report::kSchema).key("command").string("bench").key("runs").open('[');
  for (const Row& r : rows) {
    j.open('{', report::JsonText::flat).key("scenario").string(r.scenario).key("strategy").string(r.strategy).key("frames").count(r.m.frames);
    j.key("cpu_s").real(r.m.cpu_s).key("wall_s").real(r.m.wall_s).key("frames_per_cpu_s").real(r.m.speed()).key("copy_and_compare_ns").real(r.m.yardstick_ns).key("peak_rss_bytes").count(r.m.peak_rss);
    j.key("activations_per_frame").real(r.m.per_frame(r.m.activations)).key("lookups_per_frame").real(r.m.per_frame(r.m.lookups));
    j.key("bytes_moved_per_frame").real(r.m.per_frame(r.m.bytes_moved)).close();
  }
  return j.close().close().text();
}

std::string as_table(const std::vector<Row>& rows, Format format) {
  const std::vector<std::string> heads = {"scenario", "strategy", "frames", "frames/CPU s", "copy+compare ns", "peak MiB", "activations/frame", "lookups/frame", "bytes moved/frame"};
  Table t{"runs", heads, {}};
  for (const Row& r : rows)
    t.rows.push_back({r.scenario, r.strategy, std::to_string(r.m.frames), report::figure(r.m.speed()), report::figure(r.m.yardstick_ns), report::figure(static_cast<double>(r.m.peak_rss) / (1 << 20)),
                      report::figure(r.m.per_frame(r.m.activations)), report::figure(r.m.per_frame(r.m.lookups)), report::figure(r.m.per_frame(r.m.bytes_moved))});
  if (format != Format::text) return table_text(t, format);
  // Numbers right under their heads.
  std::string out;
  t.rows.insert(t.rows.begin(), heads);
  std::vector<std::size_t> widths(heads.size(), 0);
  for (const auto& row : t.rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  for (const auto& row : t.rows) {
    for (std::size_t c = 0; c < row.size(); ++c) out += (c ? "  " : "") + (c < 2 ? report::pad_right(row[c], widths[c]) : report::pad_left(row[c], widths[c]));
    out += "\n";
  }
  return out;
}

}  // namespace

int bench_command(const Options& o) {
  std::vector<std::string> files = o.arguments;
  if (files.empty()) files = files_in(share_scenarios() + "/bench", ".json");
  if (files.empty()) throw UserError("there is no scenario in " + share_scenarios() + "/bench");
  scenario::LoadOptions load = load_options(o);
  if (o.frames) load.set.push_back("traffic.frames=" + std::to_string(*o.frames));

  std::vector<Plan> plans;
  for (const std::string& file : files) plans.push_back(make_plan(file, load));
  std::vector<Job> jobs;
  std::vector<Row> rows;
  std::vector<std::string> labels;
  for (const Plan& p : plans)
    for (const scenario::StrategyChoice& c : p.run) {
      labels.push_back(p.scenario.name + " " + c.label);
      rows.push_back({p.scenario.name, c.label, {}});
      jobs.push_back({labels.back(), [&p, &c](Reporter& r) { return measure(p, c, r); }});
    }
  std::vector<Outcome> outcomes;
  {
    const auto display = make_progress(o, labels);
    PoolOptions pool = pool_options(o, 1);
    pool.watcher = display.get();
    outcomes = run_jobs(jobs, pool);
  }
  const int code = tell_failures(jobs, outcomes);
  if (code != kFine) return code;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (outcomes[i].payload.size() != sizeof(Measured)) throw std::logic_error("a measurement is missing");
    std::memcpy(&rows[i].m, outcomes[i].payload.data(), sizeof(Measured));
  }
  write_out(o.format == Format::json ? as_json(rows) : as_table(rows, o.format));
  return kFine;
}

}  // namespace gd::cli
