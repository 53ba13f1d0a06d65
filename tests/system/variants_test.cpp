// Every entry of the scenarios that compare settings of a strategy: bytes right, ownership right, and its scenario's claim.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace variants_test {

struct Row {
  const char *scenario, *label;
  const char* metric;    // above 0; null: none
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.scenario << " " << r.label; }

constexpr Row kRows[] = {
    {"header-placement", "copy-header", "fallback.copied.unsplit"}, {"header-placement", "unsplit-copy", "fallback.copied.unsplit"},
    {"header-placement", "unsplit-offset", "fallback.copied.unsplit"}, {"header-placement", "in-first-buffer", "fallback.copied.unsplit"},
    {"header-placement", "in-first-buffer-offset", "fallback.copied.unsplit"}, {"header-placement", "big-chains", "fallback.copied.unsplit"},
    {"used-offset", "page-frags-without", nullptr}, {"used-offset", "page-frags-split", nullptr}, {"used-offset", "page-frags-whole", nullptr},
    {"used-offset", "guest-head-without", nullptr}, {"used-offset", "guest-head-with", nullptr},
    {"large-frames", "page-frags", nullptr}, {"large-frames", "moved", "fallback.copied.large"}, {"large-frames", "refused", "drops.unsplittable"},
    {"smaller-layout", "copied", "fallback.copied.no_buffer"},
    {"short-buffers", "page-frags-copied", "fallback.copied.no_buffer"}, {"short-buffers", "page-frags-fits", nullptr},
    {"short-buffers", "guest-head-copied", "fallback.copied.no_buffer"},
    {"buffers-across-pages", "copied", "fallback.copied.no_buffer"}, {"buffers-across-pages", "refused", nullptr},
    {"buffers-across-pages", "lazy", "iommu.maps"}, {"buffers-across-pages", "strict", "iommu.maps"}, {"buffers-across-pages", "vhost-copy", nullptr},
    {"in-order", "vhost-copy", nullptr}, {"in-order", "guest-head-prefix", "ring.hol_ns"}, {"in-order", "page-frags-prefix", "ring.hol_ns"},
    {"guest-2635-small", "guest-head", nullptr},
    {"memlock-limit", "guest-head-stall", nullptr}, {"memlock-limit", "guest-head-copy", "fallback.copied.no_buffer"}, {"memlock-limit", "guest-head-refuse", "drops.memlock"},
    {"memlock-limit", "copy-header-stall", nullptr}, {"memlock-limit", "copy-header-copy", "fallback.copied.no_buffer"}, {"memlock-limit", "copy-header-refuse", "drops.memlock"},
    {"memlock-limit", "page-frags-stall", nullptr}, {"memlock-limit", "page-frags-copy", "fallback.copied.no_buffer"}, {"memlock-limit", "page-frags-refuse", "drops.memlock"}};

class Variants : public ::testing::TestWithParam<Row> {};

TEST_P(Variants, EachEntryIsRight) {
  const Row r = GetParam();
  const ChildResult c = run_child(std::string(r.scenario) + ".json", r.label);
  ASSERT_EQ(c.exit_code, 0) << c.error;
  for (const char* m : {"integrity.errors", "ownership.violations", "ownership.guest_faults"})
    EXPECT_EQ(c.value(m), 0) << m << ": " << (c.messages.empty() ? "" : c.messages.front());
  EXPECT_GT(c.value("packets.delivered"), 0);
  if (r.metric) {
    EXPECT_GT(c.value(r.metric), 0) << r.metric;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Variants, ::testing::ValuesIn(kRows), [](const auto& i) {
  std::string n = std::string(i.param.scenario) + "_" + i.param.label;
  for (char& c : n)
    if (c == '-') c = '_';
  return n;
});

}  // namespace variants_test
}  // namespace gd::test
