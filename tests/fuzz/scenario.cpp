// Scenario text of any content, with `--set` arguments after NUL bytes: refused with places, or read and written back.
#include "src/scenario/loader.h"
#include "tests/fuzz/refusal.h"

namespace gd::fuzz {
namespace scenario_text {

// What `extends` may name: base.json, and two that extend each other.
struct Bases : Folder {
  Bases() {
    file("base.json", R"({"nic": {"ring_size": 64}, "traffic": {"rate": "1Gbps", "flows": 3}, "expect": ["drops.total == 0"]})");
    file("a.json", R"({"extends": "b.json"})");
    file("b.json", R"({"extends": ["base.json", "a.json"]})");
  }
};

scenario::LoadOptions options() {
  using scenario::OptionType;
  scenario::LoadOptions o;
  o.read_inputs = false;
  o.strategies = {{"plain", {}, {}},
                  {"rich",
                   {{"flag", OptionType::boolean, {}, "false", ""},
                    {"way", OptionType::choice, {"left", "right"}, "left", ""},
                    {"many", OptionType::count, {}, "3", ""},
                    {"room", OptionType::size, {}, "256B", ""},
                    {"wait", OptionType::time, {}, "1us", ""},
                    {"part", OptionType::share, {}, "1%", ""},
                    {"word", OptionType::string, {}, "", ""}},
                   {"short-buffer", "wrong"}}};
  o.metric_names = {"drops.total", "throughput.goodput", "latency.p50"};
  o.known_metric = [](std::string_view name) { return name == "drops.total" || name == "throughput.goodput" || name == "latency.p50"; };
  return o;
}

// What was read is what is written, and the same again when that is read.
void check_written(const scenario::Scenario& s, const scenario::LoadOptions& o) {
  const std::string text = scenario::resolved(s);
  try {
    const scenario::Scenario again = scenario::load_text(text, "resolved.json", o);
    must(scenario::resolved(again) == text, "the resolved text changes when it is read again");
    must(scenario::config_sha256(again) == scenario::config_sha256(s), "another hash of the same configuration");
  } catch (const UserError& e) {
    throw Found(std::string("the resolved text is refused: ") + e.what());
  }
  for (const scenario::StrategyChoice& c : s.strategies) scenario::for_strategy(s, c);
}

}  // namespace scenario_text
}  // namespace gd::fuzz

GD_FUZZ_TARGET(scenario) {
  using namespace gd;
  using namespace gd::fuzz;
  using namespace gd::fuzz::scenario_text;
  static const Bases folder;
  static const scenario::LoadOptions plain = options();
  if (size > 1 << 16) return;
  const std::string all(reinterpret_cast<const char*>(data), size);
  const std::size_t end = all.find('\0');
  scenario::LoadOptions with = plain;
  for (std::size_t at = end; at < all.size() && with.set.size() < 8;) {
    const std::size_t next = std::min(all.find('\0', at + 1), all.size());
    with.set.push_back(all.substr(at + 1, next - at - 1));
    at = next;
  }
  try {
    check_written(scenario::load_text(all.substr(0, end), folder.path() + "/t.json", with), plain);
  } catch (const scenario::ScenarioError& e) {
    check_refusal(e);
  }
}
