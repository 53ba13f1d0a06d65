// report_sample DIR N: writes a result folder of N made-up strategies, for tests of what reads such folders.
#include <sys/stat.h>

#include <cstdlib>

#include "src/report/results.h"
#include "src/report/traces.h"
#include "tests/report/made_up.h"

// The library asks for it; nothing is simulated here.
extern "C" int sc_main(int, char*[]) { return 0; }

int main(int argc, char** argv) {
  using namespace gd;
  if (argc != 3) return 2;
  const std::string folder = argv[1];
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
  std::fputs(report::comparison_text(c, {report::colour_wanted(false), 100}).c_str(), stdout);
  return 0;
}
