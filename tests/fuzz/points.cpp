// A list of published points of any content: refused with places, or read; then its runs planned from scenarios beside it,
// and judged with made-up results.
#include <set>

#include "src/cli/points_plan.h"
#include "src/report/fidelity.h"
#include "tests/fuzz/refusal.h"

namespace gd::fuzz {
namespace points_text {

constexpr std::size_t kPlanned = 4;   // runs: loading a scenario takes far longer than the list

// What a list may name: two scenarios, a list and a folder of lists.
struct Beside : Folder {
  Beside() {
    file("s.json", R"({"version": 1, "strategies": ["vhost-copy", "guest-head"], "traffic": {"rate": "1Gbps"}, "expect": ["drops.total == 0"]})");
    file("bench.json", R"({"version": 1, "traffic": {"kind": "dma-bench", "op": "read", "transfer": "64B", "window": "8KiB"}})");
    file("more.json", R"([{"id": "m", "value": 1, "unit": "", "not_modelled": "another machine"}])");
    file("points.d/one.json", R"([{"id": "one", "value": 3, "unit": "Gb/s", "tolerance": {"rel": 0.1}, "formula": "throughput.goodput[a]",
      "runs": {"a": {"scenario": "../s.json", "strategy": "vhost-copy", "set": {"nic.ring_size": 128}}}}])");
    file("points.d/bad.txt", "no list");
  }
};

// A run that has whatever it is made with.
struct Made {
  system::RunResult result;
  const system::RunResult& operator()(const std::string&) const { return result; }
};

// Each point with what its formula gives, then all forms of the table.
void check_judged(const cli::PointsList& list) {
  std::set<std::string> ids;
  std::vector<report::PointResult> results;
  for (const cli::Point& p : list.points) {
    must(!p.facts.id.empty() && ids.insert(p.facts.id).second, "an id that is missing or stands twice");
    const bool modelled = p.facts.kind != report::PointResult::Kind::not_modelled;
    must(modelled ? !p.runs.empty() && !p.formula.text().empty() : p.runs.empty() && !p.facts.reason.empty(), "a point with neither runs nor a reason");
    report::PointResult r = p.facts;
    if (modelled) {
      Made made;
      std::int64_t n = 0;
      for (const report::Formula::Use& u : p.formula.uses())
        if (++n % 4 != 0) made.result.metrics.push_back({u.metric, "", n - 2, static_cast<std::uint64_t>(n)});
      const report::Formula::Value v = p.formula.value(made);
      must(v.value.has_value() == v.problem.empty(), "neither a value nor a problem");
      r.simulated = v.value;
      r.problem = v.problem;
    }
    results.push_back(std::move(r));
  }
  const std::size_t points = results.size();
  const report::Fidelity f = report::judge_points(list.name, std::move(results));
  must(f.points.size() == points && f.predicted.points + f.calibrated.points + f.not_modelled == points, "points were lost");
  must(!report::fidelity_text(f).empty() && !report::fidelity_markdown(f).empty() && !report::fidelity_csv(f).empty(), "an empty table");
  auto source = std::make_shared<scenario::Source>();
  source->name = "fidelity.json";
  source->text = report::fidelity_json(f);
  scenario::Mistakes wrong;
  must(scenario::parse(source, wrong).has_value() && !wrong.any(), "the results are no JSON");
}

}  // namespace points_text
}  // namespace gd::fuzz

GD_FUZZ_TARGET(points) {
  using namespace gd;
  using namespace gd::fuzz;
  using namespace gd::fuzz::points_text;
  static const Beside folder;
  static const scenario::LoadOptions names = cli::load_options({});
  if (size > 1 << 15) return;
  const std::string file = folder.path() + "/points.json";
  const cli::Options options;
  try {
    scenario::Mistakes mistakes;
    cli::PointsList list = cli::parse_points({reinterpret_cast<const char*>(data), size}, file, {names.known_metric, names.metric_names, {}}, mistakes);
    mistakes.raise();
    check_judged(list);
    std::size_t runs = 0;
    for (const cli::Point& p : list.points) runs += p.runs.size();
    if (runs > kPlanned) return;
    const cli::PointsPlan plan = cli::plan_points(std::move(list), file, options);
    must(!plan.runs.empty() && plan.of_point.size() == plan.points.size(), "a plan without runs");
    for (const auto& of : plan.of_point)
      for (const std::size_t r : of) must(r < plan.runs.size() && plan.runs[r].plan.run.size() == 1, "a run that is not there");
  } catch (const scenario::ScenarioError& e) {
    check_refusal(e);
  }
}
