#include "src/report/json_text.h"
#include "src/report/results.h"

namespace gd::report {

std::string histogram_json(const system::RunResult& r) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("label").string(r.label);
  j.key("distributions").open('[');
  for (const system::Distribution& d : r.distributions) {
    std::uint64_t count = 0;
    for (const auto& b : d.buckets) count += b.count;
    j.open('{').key("name").string(d.name).key("unit").string(d.unit).key("count").count(count);
    // [lower, upper, count], bounds inclusive
    j.key("buckets").open('[', JsonText::flat);
    for (const auto& b : d.buckets) j.open('[').count(b.lower).count(b.upper).count(b.count).close();
    j.close().close();
  }
  j.close();
  if (!r.way.steps.empty()) {
    // [stage, picoseconds after the wire]
    j.key("way").open('{', JsonText::flat).key("frame").count(r.way.frame).key("bytes").count(r.way.bytes).key("steps").open('[');
    for (const auto& s : r.way.steps) j.open('[').string(s.stage).raw(std::to_string(s.at)).close();
    j.close().close();
  }
  j.key("hazard").boolean(r.hazard);
  j.key("messages").open('{');
  for (const auto& [kind, list] : system::Messages::kKinds) {
    j.key(kind).open('[');
    for (const std::string& m : r.messages.*list) j.string(m);
    j.close();
  }
  j.close().close();
  return j.text();
}

}  // namespace gd::report
