// Small rings explored to the end: sizes 1 to 4, every start from which indices and wrap counters turn over on the way,
// every interleaving of single memory accesses. And the explorer itself: each mistake that it is there for is found.
#include <gtest/gtest.h>

#include "tests/virtio/explorer.h"

namespace gd {
namespace explore_test {

std::uint64_t bits(const char* letters) {
  std::uint64_t f = 0;
  for (; *letters; ++letters)
    f |= feature::bit(*letters == 'e' ? feature::kEventIdx : *letters == 'i' ? feature::kIndirect : *letters == 'o' ? feature::kInOrder : feature::kPacked);
  return f;
}

struct Row {
  std::uint16_t size;
  const char* features;
  unsigned buffers, want;
};

// Starts so that each access happens at each index state around the wrap.
std::vector<unsigned> starts(const Row& r) {
  std::vector<unsigned> all;
  const bool packed = feature::has(bits(r.features), feature::kPacked);
  if (packed) for (unsigned i = 0; i < 2u * r.size; ++i) all.push_back(i);
  else for (unsigned i = 0; i <= r.buffers; ++i) all.push_back(65536 - i);
  return all;
}

class Explored : public ::testing::TestWithParam<Row> {};

TEST_P(Explored, NoWakeUpIsLostAndTheRulesAreKept) {
  const Row r = GetParam();
  std::size_t states = 0, ends = 0;
  for (const unsigned start : starts(r)) {
    Explorer x({r.size, bits(r.features), start, r.buffers, r.want});
    ASSERT_EQ(x.run(), "") << "start " << start;
    states += x.states();
    ends += x.ends();
  }
  EXPECT_GT(ends, 0u);
  RecordProperty("states", static_cast<int>(states));
}

INSTANTIATE_TEST_SUITE_P(Split, Explored,
                         ::testing::Values(Row{1, "", 4, 1}, Row{1, "e", 4, 1}, Row{1, "eo", 4, 1}, Row{2, "", 4, 1}, Row{2, "e", 4, 1},
                                           Row{2, "eo", 4, 1}, Row{2, "ei", 4, 2}, Row{4, "", 3, 2}, Row{4, "e", 3, 2}, Row{4, "eo", 3, 1}),
                         [](const auto& i) { return std::to_string(i.param.size) + i.param.features + std::to_string(i.param.want); });
INSTANTIATE_TEST_SUITE_P(Packed, Explored,
                         ::testing::Values(Row{1, "p", 4, 1}, Row{1, "pe", 4, 1}, Row{1, "peo", 4, 1}, Row{2, "p", 4, 1}, Row{2, "pe", 4, 1},
                                           Row{2, "peo", 4, 1}, Row{2, "pei", 4, 2}, Row{3, "p", 3, 1}, Row{3, "pe", 3, 2}, Row{3, "peo", 3, 1},
                                           Row{4, "p", 3, 2}, Row{4, "pe", 3, 2}, Row{4, "peo", 3, 1}),
                         [](const auto& i) { return std::to_string(i.param.size) + i.param.features + std::to_string(i.param.want); });

TEST(Explored, EachMistakeIsFound) {
  for (const Mutation m : {Mutation::device_skips_recheck, Mutation::driver_skips_recheck, Mutation::device_decides_early, Mutation::driver_decides_early})
    for (const char* f : {"", "e", "o", "p", "pe", "po"}) {
      Explorer x({2, bits(f), 0, 3, 1, m});
      const std::string found = x.run();
      EXPECT_NE(found.find("both sides sleep"), std::string::npos) << found << ' ' << static_cast<int>(m) << ' ' << f;
    }
}

}  // namespace explore_test
}  // namespace gd
