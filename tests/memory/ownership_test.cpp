#include "models/memory/ownership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gd {
namespace ownership_test {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Home = Ownership::Home;

TEST(Ownership, ABuffersRightWayHasNoViolation) {
  Ownership o;
  const BufferId b = o.add(0x20000, 2048, Owner::host, Home::host);
  o.move(b, Owner::host, Owner::posted, 10, "refill");
  EXPECT_EQ(o.device_write(0x20040, 1500, 20, "dma"), b);
  EXPECT_EQ(o.owner(b), Owner::in_flight);
  EXPECT_EQ(o.device_write(0x20040, 64, 21, "dma"), b);   // a second segment
  o.move(b, Owner::in_flight, Owner::skb, 30, "clean");
  o.move(b, Owner::skb, Owner::host, 40, "free");
  o.remove(b, Owner::host, 50, "exit");
  EXPECT_EQ(o.violations(), 0u);
  EXPECT_EQ(o.count(Owner::host), 0u);
  EXPECT_EQ(o.find(0x20000), kNoBuffer);
}

TEST(Ownership, FindsBuffersWithinAndAcrossPages) {
  Ownership o;
  const BufferId a = o.add(0x20000, 2048, Owner::host, Home::host), b = o.add(0x20800, 2048, Owner::host, Home::host),
                 big = o.add(0x30fc0, 9000, Owner::host, Home::host);
  struct Row {
    Hpa at;
    BufferId buffer;
  };
  for (const Row& r : {Row{0x1ffff, kNoBuffer}, Row{0x20000, a}, Row{0x207ff, a}, Row{0x20800, b}, Row{0x21000, kNoBuffer}, Row{0x30fc0, big},
                       Row{0x30fc0 + 8999, big}, Row{0x30fc0 + 9000, kNoBuffer}, Row{0x90000000, kNoBuffer}})
    EXPECT_EQ(o.find(r.at), r.buffer) << std::hex << r.at;
  o.remove(a, Owner::host, 0, "x");
  EXPECT_EQ(o.find(0x20000), kNoBuffer);
  EXPECT_EQ(o.find(0x20800), b);
  EXPECT_EQ(o.violations(), 0u);
}

struct Wrong {
  const char* name;
  void (*act)(Ownership&, BufferId host, BufferId guest);
  const char* message;
};
void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name; }
class Violation : public ::testing::TestWithParam<Wrong> {};

TEST_P(Violation, IsCountedAndNamesTheBuffer) {
  Ownership o;
  const BufferId host = o.add(0x20000, 2048, Owner::host, Home::host);
  const BufferId guest = o.add(0x40000, 4096, Owner::guest, Home::guest);
  ASSERT_EQ(o.violations(), 0u);
  GetParam().act(o, host, guest);
  EXPECT_EQ(o.violations(), 1u);
  ASSERT_EQ(o.messages().size(), 1u);
  EXPECT_THAT(o.messages()[0], HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    All, Violation,
    ::testing::Values(
        Wrong{"double_return", [](Ownership& o, BufferId, BufferId g) { o.move(g, Owner::skb, Owner::guest, 1000, "destructor"); },
              "moved at destructor from skb to guest, but its owner is guest; buffer 1 at 0x40000 of 4096 bytes, home guest"},
        Wrong{"use_after_remove", [](Ownership& o, BufferId h, BufferId) { o.remove(h, Owner::host, 5, "x"); o.move(h, Owner::host, Owner::skb, 6, "build"); },
              "without being registered; buffer 0 at 0x20000"},
        Wrong{"remove_twice", [](Ownership& o, BufferId h, BufferId) { o.remove(h, Owner::host, 5, "x"); o.remove(h, Owner::host, 6, "y"); }, "unregistered at y"},
        Wrong{"remove_of_posted", [](Ownership& o, BufferId h, BufferId) { o.move(h, Owner::host, Owner::posted, 5, "p"); o.remove(h, Owner::host, 6, "y"); },
              "but its owner is posted"},
        Wrong{"no_such_buffer", [](Ownership& o, BufferId, BufferId) { o.move(kNoBuffer, Owner::host, Owner::skb, 6, "build"); }, "without being registered"},
        Wrong{"guest_page_freed_to_host", [](Ownership& o, BufferId, BufferId g) { o.move(g, Owner::guest, Owner::host, 7, "put_page"); },
              "a guest's buffer is freed to the host at put_page; buffer 1"},
        Wrong{"dma_after_return", [](Ownership& o, BufferId, BufferId) { o.device_write(0x40000, 64, 7, "nic"); }, "while the owner is guest; buffer 1"},
        Wrong{"dma_beyond", [](Ownership& o, BufferId h, BufferId) { o.move(h, Owner::host, Owner::posted, 5, "p"); o.device_write(0x20700, 0x200, 7, "nic"); },
              "beyond the buffer's end; buffer 0"},
        Wrong{"dma_nowhere", [](Ownership& o, BufferId, BufferId) { o.device_write(0x70000, 64, 7, "nic"); }, "at 0x70000 (nic) where no buffer is"},
        Wrong{"overlap_start", [](Ownership& o, BufferId, BufferId) { o.add(0x20400, 64, Owner::host, Home::host); }, "registered over it; buffer 0"},
        Wrong{"overlap_around", [](Ownership& o, BufferId, BufferId) { o.add(0x3f000, 0x3000, Owner::host, Home::host); }, "registered over it; buffer 1"},
        Wrong{"overlap_of_the_last_byte", [](Ownership& o, BufferId, BufferId) { o.add(0x3ff00, 0x101, Owner::host, Home::host); }, "registered over it; buffer 1"},
        Wrong{"remove_of_what_it_says_is_posted", [](Ownership& o, BufferId h, BufferId) { o.move(h, Owner::host, Owner::posted, 5, "p"); o.remove(h, Owner::posted, 6, "y"); },
              "unregistered at y as owned by posted"},
        Wrong{"the_next_number", [](Ownership& o, BufferId, BufferId g) { o.move(g + 1, Owner::host, Owner::skb, 6, "build"); }, "without being registered"},
        Wrong{"removal_of_the_next_number", [](Ownership& o, BufferId, BufferId g) { o.remove(g + 1, Owner::host, 6, "y"); }, "without being registered"},
        Wrong{"leak", [](Ownership& o, BufferId h, BufferId) { o.move(h, Owner::host, Owner::skb, 5, "build"); o.expect(Owner::skb, 0, 9, "end of run"); },
              "end of run: 1 buffers are owned as skb, expected are 0; buffer 0"},
        Wrong{"unpin_below_zero", [](Ownership& o, BufferId, BufferId) { o.pin(0x40000, 1); o.unpin(0x40000, 2); o.unpin(0x40000, 3); },
              "page 0x40000 is unpinned without being pinned"},
        Wrong{"unpin_while_mapped", [](Ownership& o, BufferId, BufferId) { o.pin(0x40000, 1); o.map(0x40000, 1); o.unpin(0x40123, 2); },
              "page 0x40000 is unpinned while a device can still reach it"},
        Wrong{"unmap_twice", [](Ownership& o, BufferId, BufferId) { o.unmap(0x40000, 1); }, "unmapped without being mapped"}),
    [](const auto& p) { return p.param.name; });

TEST(Ownership, MessageShowsTheLastEightEventsWithTimes) {
  Ownership o;
  const BufferId b = o.add(0x20000, 2048, Owner::host, Home::host);
  for (int i = 0; i < 20; ++i) {
    o.move(b, Owner::host, Owner::skb, i * 1000, i == 15 ? "too-old" : i == 16 ? "eighth" : "up");
    o.move(b, Owner::skb, Owner::host, i * 1000 + 500, "down");
  }
  o.move(b, Owner::posted, Owner::host, 30'000, "clean");
  ASSERT_EQ(o.messages().size(), 1u);
  const std::string& m = o.messages()[0];
  EXPECT_THAT(m, AllOf(HasSubstr("30.000 ns: "), HasSubstr("last events: 16.000 ns eighth host to skb, 16.500 ns down skb to host"),
                       HasSubstr("19.500 ns down skb to host")));
  EXPECT_EQ(m.find("too-old"), std::string::npos);
}

// Buffers that touch do not overlap, and what ends where a device's write ends is not overrun.
TEST(Ownership, BuffersMayTouch) {
  Ownership o;
  const BufferId b = o.add(0x20000, 2048, Owner::posted, Home::host);
  o.add(0x20800, 2048, Owner::host, Home::host);
  o.add(0x1f800, 2048, Owner::host, Home::host);
  EXPECT_EQ(o.device_write(0x20000, 2048, 1, "nic"), b);
  EXPECT_EQ(o.violations(), 0u);
}

// A number that is given again tells of its new buffer only.
TEST(Ownership, AReusedNumberForgetsTheOldBuffer) {
  Ownership o;
  const BufferId b = o.add(0x20000, 2048, Owner::host, Home::host);
  o.move(b, Owner::host, Owner::skb, 1000, "of the old one");
  o.move(b, Owner::skb, Owner::host, 2000, "of the old one");
  o.remove(b, Owner::host, 3000, "of the old one");
  ASSERT_EQ(o.add(0x30000, 2048, Owner::host, Home::host), b);
  EXPECT_EQ(o.add(0x40000, 2048, Owner::host, Home::host), b + 1) << "each number once";
  o.move(b, Owner::host, Owner::posted, 4000, "refill");
  o.move(b, Owner::skb, Owner::host, 5000, "free");
  ASSERT_EQ(o.messages().size(), 1u);
  EXPECT_THAT(o.messages()[0], AllOf(HasSubstr("4.000 ns refill host to posted"), HasSubstr("0x30000")));
  EXPECT_EQ(o.messages()[0].find("old one"), std::string::npos);
}

// Its removal is an event like others.
TEST(Ownership, ARemovedBuffersMessageTellsWhoRemovedIt) {
  Ownership o;
  const BufferId b = o.add(0x20000, 2048, Owner::host, Home::host);
  o.remove(b, Owner::host, 3000, "exit");
  o.move(b, Owner::host, Owner::skb, 5000, "build");
  ASSERT_EQ(o.messages().size(), 1u);
  EXPECT_THAT(o.messages()[0], HasSubstr("3.000 ns exit host to none"));
}

TEST(Ownership, MessagesAreBoundedCountIsNot) {
  Ownership o;
  for (int i = 0; i < 100; ++i) o.device_write(0x1000, 1, i, "nic");
  EXPECT_EQ(o.violations(), 100u);
  EXPECT_EQ(o.messages().size(), 16u);
}

TEST(Ownership, PinsAreCountedByPageAndIntegrated) {
  Ownership o;
  o.pin(0x10000, 0);
  o.pin(0x10800, 10);        // the same page
  o.pin(0x20000, 100);
  EXPECT_EQ(o.pinned_bytes(), 2 * kPage);
  o.unpin(0x10000, 200);
  EXPECT_EQ(o.pinned_bytes(), 2 * kPage);
  o.unpin(0x10000, 300);
  EXPECT_EQ(o.pinned_bytes(), kPage);
  EXPECT_EQ(o.pinned_peak(), 2 * kPage);
  EXPECT_EQ(o.pin_ops(), 3u);
  EXPECT_TRUE(o.pinned_integral(400) == (100 + 2 * 200 + 100) * kPage);
  o.map(0x20000, 0);
  o.unmap(0x20000, 1);
  o.unpin(0x20000, 400);
  EXPECT_EQ(o.violations(), 0u);
}

}  // namespace ownership_test
}  // namespace gd
