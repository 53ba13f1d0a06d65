// report_sample DIR N: writes a result folder of N made-up strategies, for tests of what reads such folders.
// report_sample DIR fidelity: one of made-up points. report_sample DIR sweep|seeds: one of made-up runs over two axes, or over seeds.
#include <sys/stat.h>

#include <cstdlib>

#include "src/report/fidelity.h"
#include "src/report/html.h"
#include "src/report/results.h"
#include "src/report/sweep.h"
#include "src/report/traces.h"
#include "tests/report/made_up.h"

// The library asks for it; nothing is simulated here.
extern "C" int sc_main(int, char*[]) { return 0; }

namespace {

// Three decades, both kinds, misses on both sides, a published 0, one without a value, one not modelled.
gd::report::Fidelity points() {
  using gd::report::PointResult;
  std::vector<PointResult> out;
  const auto add = [&](const char* id, double published, double simulated, gd::report::Tolerance tolerance, bool calibrated) -> PointResult& {
    PointResult p;
    p.id = id, p.unit = "ns", p.published = published, p.simulated = simulated, p.tolerance = tolerance;
    p.kind = calibrated ? PointResult::Kind::calibrated : PointResult::Kind::predicted;
    return out.emplace_back(p);
  };
  add("read-latency", 560, 571, {0.1, {}, {}, {}}, true);
  add("write-bandwidth", 42.1, 42.3, {0.02, {}, {}, {}}, false);
  add("ratio", 1.5, 2.4, {{}, 0.2, {}, {}}, false);
  add("slope", 587, 480, {0.15, {}, {}, {}}, false);
  add("no-difference", 0, -4, {{}, 15, {}, {}}, false);
  add("rate", 1.4, 1.2, {{}, {}, 1.1, 1.7}, true);
  add("far", 5, 80, {{}, {}, {}, 7}, false);
  add("tail", 960, 0, {0.25, {}, {}, {}}, false).simulated.reset();
  PointResult& sent = add("transmit", 3.2, 0, {}, false);
  sent.simulated.reset(), sent.kind = PointResult::Kind::not_modelled, sent.reason = "nobody sends";
  return gd::report::judge_points("made-up", out);
}

// Rates by frame sizes, two seeds; cycles of the first strategy grow with the frame, those of the second do not: they cross at 256.
gd::report::SweepResult swept(bool axes) {
  gd::report::SweepResult s;
  s.scenario = "made-up";
  if (axes) s.keys = {"traffic.frame_bytes", "traffic.rate"};
  const std::vector<int> sizes = axes ? std::vector<int>{64, 128, 512, 1024} : std::vector<int>{0}, rates = axes ? std::vector<int>{2, 5, 8} : std::vector<int>{0};
  for (const int size : sizes)
    for (const int rate : rates)
      for (std::uint64_t seed = 1; seed <= 2; ++seed, ++s.runs)
        for (const char* strategy : {"vhost-copy", "guest-head"}) {
          gd::report::SweepRow& r = s.rows.emplace_back();
          r.index = s.runs;
          if (axes) r.set = {{s.keys[0], std::to_string(size)}, {s.keys[1], "\"" + std::to_string(rate) + "Gbps\""}};
          r.run = gd::report::made_up::run(strategy);
          r.run.seed = seed;
          for (gd::system::Metric& m : r.run.metrics) {
            if (m.name == "cpu.cycles_per_packet") m = {m.name, m.unit, (r.run.label == "guest-head" ? 3560 : 3000 + 1000 * size / 512) + static_cast<int>(seed), 1};
            if (m.name == "throughput.goodput" && rate != 0) m = {m.name, m.unit, rate * 10 + static_cast<int>(seed), 10};
            if (m.name.starts_with("latency.p")) m.num *= 1 + rate;
          }
        }
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace gd;
  if (argc != 3) return 2;
  const std::string folder = argv[1];
  if (std::string(argv[2]) == "fidelity") {
    ::mkdir(folder.c_str(), 0777);
    report::write_file(folder + "/fidelity.json", report::fidelity_json(points()));
    report::write_file(folder + "/report.html", report::fidelity_html(points(), report::page_files(folder)));
    return 0;
  }
  if (std::string(argv[2]) == "sweep" || std::string(argv[2]) == "seeds") {
    ::mkdir(folder.c_str(), 0777);
    const report::SweepResult s = swept(std::string(argv[2]) == "sweep");
    report::write_file(folder + "/sweep.json", report::sweep_json(s));
    report::write_file(folder + "/report.html", report::sweep_html(s, {"drops.total == 0 (run 3, vhost-copy): measured 1,210"}, report::page_files(folder)));
    return 0;
  }
  const auto in = report::made_up::comparison(static_cast<unsigned>(std::atoi(argv[2])));
  ::mkdir(folder.c_str(), 0777);
  for (const auto& r : in.runs) {
    const std::string sub = folder + "/" + r.label;
    ::mkdir(sub.c_str(), 0777);
    report::write_results(r, sub);
    for (const auto& trace : report::make_traces({"csv", "perfetto"}, sub, {50, 0, 200})) report::made_up::play(*trace, 2000);
  }
  const auto c = report::compare(in);
  if (in.runs.size() > 1) {
    report::write_file(folder + "/comparison.json", report::comparison_json(c));
    report::write_file(folder + "/comparison.md", report::comparison_markdown(c));
  }
  std::vector<report::Verdict> verdicts(2);
  verdicts[0].text = "drops.total == 0", verdicts[0].label = "vhost-copy", verdicts[0].detail = "measured 1,210 frames, wanted == 0";
  verdicts[1].state = report::Verdict::State::pass, verdicts[1].text = "throughput.goodput > 1 Gb/s", verdicts[1].detail = "measured </script> & more";
  report::write_file(folder + "/report.html", report::comparison_html(in, c, verdicts, report::page_files(folder)));
  std::fputs(report::comparison_text(c, {report::colour_wanted(false), 100}).c_str(), stdout);
  return 0;
}
