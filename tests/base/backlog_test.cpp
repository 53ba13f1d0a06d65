#include "models/base/backlog.h"

#include <gtest/gtest.h>

#include <deque>

namespace gd {
namespace backlog_test {

// Against std::deque, over more than what is cleared away together, emptied now and then or never.
TEST(Backlog, FirstInFirstOut) {
  for (const unsigned depth : {0u, 1u, 5000u}) {
    Backlog<unsigned> b;
    std::deque<unsigned> d;
    for (unsigned i = 0; i < 30000; ++i) {
      b.push(i);
      d.push_back(i);
      while (d.size() > depth) {
        ASSERT_EQ(b.front(), d.front()) << depth;
        b.pop();
        d.pop_front();
      }
      ASSERT_EQ(b.empty(), d.empty()) << depth;
    }
  }
}

}  // namespace backlog_test
}  // namespace gd
