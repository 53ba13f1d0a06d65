// Each hazard's scenario: the trouble is found and its message names the buffer or the byte; the same scenario without the
// hazard is clean.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/system/run_child.h"

namespace gd::test {
namespace hazards_test {

struct Row {
  const char *hazard, *strategy;
  const char* metric;      // that must not be 0
  const char* says;        // part of a message
  const char* off = nullptr;   // what takes it away, where it is the card's and not the strategy's
};

constexpr Row kRows[] = {
    {"room-in-every-page", "page-frags", "integrity.errors", "guest g0: frame 0: byte 3"},
    {"put-pulled-page", "page-frags", "ownership.violations", "a guest's buffer is freed to the host at put_page"},
    {"frag-shift", "page-frags", "ownership.violations", "was lost when a pull had emptied the fragment before"},
    {"short-buffer", "guest-head", "ownership.violations", "beyond the buffer's end; buffer "},
    {"layout-mismatch", "guest-head", "ownership.violations", "beyond the end of the guest's buffer; buffer "},
    {"shinfo-trusted", "guest-head", "security.escapes", "was changed after the frame had come; buffer "},
    {"forgotten-destructor", "guest-head", "ownership.violations", "buffers are owned as skb, expected are 0; buffer "},
    {"reclaim-undrained", "page-frags", "ownership.violations", "given to the guest"},
    {"app-exit-undrained", "copy-header", "ownership.violations", "the application has ended"},
    {"early-completion", "async-copy", "integrity.errors", "guest g0: frame "},
    {"misplaced-fragments", "copy-header", "integrity.errors", "guest g0: frame ", "nic.faults.misplaced_fragments=false"}};
void PrintTo(const Row& r, std::ostream* out) { *out << r.hazard; }

class Hazards : public ::testing::TestWithParam<Row> {};

TEST_P(Hazards, IsFoundAndNamed) {
  const Row r = GetParam();
  const ChildResult c = run_child(std::string("hazards/") + r.hazard + ".json", r.strategy);
  ASSERT_EQ(c.exit_code, 0) << c.error;
  EXPECT_GT(c.value(r.metric), 0);
  ASSERT_FALSE(c.messages.empty());
  bool said = false;
  for (const std::string& m : c.messages) said = said || m.find(r.says) != std::string::npos;
  EXPECT_TRUE(said) << c.messages.front();
}

TEST_P(Hazards, WithoutItTheScenarioIsClean) {
  const Row r = GetParam();
  const std::string without = r.off ? r.off : std::string("strategies=[\"") + r.strategy + "\"]";
  const ChildResult c = run_child(std::string("hazards/") + r.hazard + ".json", r.strategy, {without});
  ASSERT_EQ(c.exit_code, 0) << c.error;
  for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes"})
    EXPECT_EQ(c.value(m), 0) << m << ": " << (c.messages.empty() ? "" : c.messages.front());
  EXPECT_GT(c.value("packets.delivered"), 0);
}

INSTANTIATE_TEST_SUITE_P(All, Hazards, ::testing::ValuesIn(kRows), [](const auto& i) {
  std::string n = i.param.hazard;
  for (char& c : n)
    if (c == '-') c = '_';
  return n;
});

TEST(HazardFolder, HasAScenarioForEachRow) {
  std::size_t files = 0;
  for (const auto& e : std::filesystem::directory_iterator(scenario_path("hazards"))) files += e.path().extension() == ".json";
  EXPECT_EQ(files, std::size(kRows));
}

}  // namespace hazards_test
}  // namespace gd::test
