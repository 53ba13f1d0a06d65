// The order of a ring by times, which credits and the card's events share: tables of what goes in and what comes out.
#include <gtest/gtest.h>

#include <vector>

#include "models/base/time_ring.h"

namespace gd {
namespace time_ring_test {

struct Entry {
  Time at;
  int number;
};
using Ring = TimeRing<Entry, &Entry::at>;

TEST(TimeRing, ByTimeThenInTheOrderOfTheCalls) {
  struct Row {
    const char* what;
    std::vector<Time> in;
    std::vector<int> out;   // by number, from 0
  };
  const Row rows[] = {{"in order", {1, 2, 3}, {0, 1, 2}},
                      {"one time", {5, 5, 5}, {0, 1, 2}},
                      {"backwards", {3, 2, 1}, {2, 1, 0}},
                      {"late ones go before", {4, 9, 4, 6, 9, 1}, {5, 0, 2, 3, 1, 4}}};
  for (const Row& r : rows) {
    SCOPED_TRACE(r.what);
    Ring ring(2);           // grows on the way
    int n = 0;
    for (const Time t : r.in) ring.put({t, n++});
    std::vector<int> out;
    while (!ring.empty()) {
      EXPECT_EQ(ring.front().at, r.in[static_cast<std::size_t>(ring.front().number)]);
      out.push_back(ring.pop().number);
    }
    EXPECT_EQ(out, r.out);
  }
}

// It grows while its entries lie around the end of the memory.
TEST(TimeRing, GrowsWhereverItStands) {
  for (int before = 0; before < 9; ++before) {
    Ring ring(4);
    for (int i = 0; i < before; ++i) ring.put({i, i}), ring.pop();
    for (int i = 0; i < 20; ++i) ring.put({100 + i / 2, i});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(ring.pop().number, i) << before;
    EXPECT_TRUE(ring.empty());
  }
}

}  // namespace time_ring_test
}  // namespace gd
