// Each rule by which a run is said to suffer from a guest, at its bound and below.
#include <gtest/gtest.h>

#include <algorithm>

#include "src/report/suffering.h"

namespace gd::report {
namespace suffering_test {

struct Figure {
  const char* name;
  std::int64_t value;
};

std::string words(std::initializer_list<Figure> figures, bool misbehaves = true) {
  system::RunResult r;
  r.metrics = {{"guest.bad.misbehaves", "", misbehaves, 1}, {"guest.good.misbehaves", "", 0, 1}};
  for (const Figure& f : figures) r.metrics.push_back({f.name, "", f.value, 1});
  std::sort(r.metrics.begin(), r.metrics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string all;
  for (const Suffering& s : sufferings(r)) all += (all.empty() ? "" : " ") + std::string(s.word);
  return all;
}

TEST(Sufferings, EachRule) {
  EXPECT_EQ(words({}), "fine");
  EXPECT_EQ(words({{"integrity.errors", 0}, {"ownership.violations", 0}, {"security.escapes", 0}}), "fine");
  EXPECT_EQ(words({{"integrity.errors", 1}}), "broken");
  EXPECT_EQ(words({{"integrity.errors", 0}, {"ownership.violations", 1}}), "broken");
  EXPECT_EQ(words({{"security.escapes", 1}}), "escaped");
  EXPECT_EQ(words({{"security.leaked_bytes", 1}}), "leaked");
  EXPECT_EQ(words({{"toctou.acted_on", 1}}), "acted-on");
  EXPECT_EQ(words({{"toctou.exposed_bytes", 1}}), "exposed");
  EXPECT_EQ(words({{"guest.good.packets.lost_share", 1}}), "starved");
  EXPECT_EQ(words({{"guest.good.packets.lost_share", 0}}), "fine");
  EXPECT_EQ(words({{"guest.good.latency.p99", 1'000'000}}), "slowed");
  EXPECT_EQ(words({{"guest.good.latency.p99", 999'999}}), "fine");
  EXPECT_EQ(words({{"guest.bad.packets.lost_share", 1}}), "dropped");
  EXPECT_EQ(words({{"guest.bad.packets.lost_share", 100}}), "stalled");
  EXPECT_EQ(words({{"guest.bad.pinned.peak_bytes", 2 << 20}, {"guest.good.pinned.peak_bytes", 1 << 20}}), "pinned");
  EXPECT_EQ(words({{"guest.bad.pinned.peak_bytes", 9 << 20}, {"guest.good.pinned.peak_bytes", 9 << 20}}), "fine");
  EXPECT_EQ(words({{"guest.bad.pinned.peak_bytes", (1 << 20) - 1}}), "fine");
}

TEST(Sufferings, WithoutACulprit) {
  EXPECT_EQ(words({}, false), "fine");
  EXPECT_EQ(words({{"guest.good.packets.lost_share", 1}}, false), "lossy");
  EXPECT_EQ(words({{"guest.good.latency.p99", 1'000'000}}, false), "slow");
  EXPECT_EQ(words({{"guest.good.packets.lost_share", 1}, {"guest.good.latency.p99", 1'000'000}, {"toctou.exposed_bytes", 1}}, false), "lossy exposed");
}

TEST(Sufferings, WorstFirst) {
  EXPECT_EQ(words({{"guest.bad.packets.lost_share", 100}, {"guest.good.packets.lost_share", 36}, {"toctou.acted_on", 2}}), "acted-on starved stalled");
}

TEST(Sufferings, SayWhatWasMeasured) {
  system::RunResult r;
  r.metrics = {{"guest.g.misbehaves", "", 0, 1}, {"guest.g.packets.lost_share", "%", 73, 2}};
  const auto s = sufferings(r);
  ASSERT_EQ(s.size(), 1u);
  EXPECT_EQ(s.front().figure, "36.5 %");
  r.metrics = {{"guest.g.latency.p99", "ns", 1'090'519'039, 1000}, {"guest.g.misbehaves", "", 0, 1}};
  EXPECT_EQ(sufferings(r).front().figure, "1090.5 us");
  r.metrics = {{"security.leaked_bytes", "bytes", 1536, 1}, {"toctou.acted_on", "packets", 13, 1}};
  const auto t = sufferings(r);
  ASSERT_EQ(t.size(), 2u);
  EXPECT_EQ(t[0].figure, "1.5 KiB");
  EXPECT_EQ(t[1].figure, "13 packets");
}

}  // namespace suffering_test
}  // namespace gd::report
