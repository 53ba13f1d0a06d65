// Ownership's knowledge of whose memory it is: a suspect guest's faults, pins by guest, and the security check.
#include <gtest/gtest.h>

#include <cstring>

#include "models/memory/ownership.h"
#include "models/memory/phys.h"

namespace gd {
namespace watch_test {

constexpr Hpa kMine = 16 * kPage, kOther = 32 * kPage, kHost = 64 * kPage;

struct Watch : ::testing::Test {
  Ownership o;
  Watch() {
    o.belongs(kMine, 4 * kPage, 0, false);
    o.belongs(kOther, 4 * kPage, 1, true);
  }
};

TEST_F(Watch, AWrongMoveOfASuspectGuestIsItsFault) {
  const BufferId mine = o.add(kMine, 256, Owner::guest, Ownership::Home::guest);
  const BufferId other = o.add(kOther, 256, Owner::guest, Ownership::Home::guest);
  o.move(mine, Owner::posted, Owner::skb, 1, "test");
  EXPECT_EQ(o.guest_faults(), 1u);
  EXPECT_EQ(o.violations(), 0u);
  o.move(other, Owner::posted, Owner::skb, 1, "test");
  EXPECT_EQ(o.guest_faults(), 1u);
  EXPECT_EQ(o.violations(), 1u);
}

TEST_F(Watch, WhatASuspectGuestLeavesIsNoLeak) {
  const BufferId mine = o.add(kMine, 256, Owner::guest, Ownership::Home::guest);
  o.move(mine, Owner::guest, Owner::skb, 1, "test");
  o.expect(Owner::skb, 0, 2, "end");
  EXPECT_EQ(o.violations(), 0u);
  const BufferId other = o.add(kOther, 256, Owner::guest, Ownership::Home::guest);
  o.move(other, Owner::guest, Owner::skb, 1, "test");
  o.expect(Owner::skb, 0, 2, "end");
  EXPECT_EQ(o.violations(), 1u);
}

TEST_F(Watch, IdsOfASuspectGuestsBuffersAreNotGivenToOthers) {
  const BufferId mine = o.add(kMine, 256, Owner::guest, Ownership::Home::guest);
  o.remove(mine, Owner::guest, 1, "test");
  EXPECT_NE(o.add(kOther, 256, Owner::guest, Ownership::Home::guest), mine);
  EXPECT_EQ(o.add(kMine, 256, Owner::guest, Ownership::Home::guest), mine);
}

TEST_F(Watch, PinsAreReckonedByGuest) {
  o.pin(kMine, 0);
  o.pin(kMine + kPage, 0);
  o.pin(kOther, 0);
  o.unpin(kMine, 10);
  EXPECT_EQ(o.pinned_peak(0), 2 * kPage);
  EXPECT_EQ(o.pinned_peak(1), kPage);
  EXPECT_EQ(static_cast<std::uint64_t>(o.pinned_integral(0, 20)), 2 * kPage * 10 + kPage * 10);
  o.unpin(kMine, 20);   // a suspect guest's page: a fault
  EXPECT_EQ(o.violations(), 0u);
  EXPECT_EQ(o.guest_faults(), 1u);
}

TEST_F(Watch, AWriteForAGuestStaysInItsMemory) {
  struct Row {
    unsigned guest;
    Hpa at;
    Bytes len;
    std::uint64_t escapes;
  };
  o.add(kHost, 2048, Owner::posted, Ownership::Home::host);
  for (const Row& r : {Row{0, kMine, 2 * kPage, 0}, Row{0, kMine + 3 * kPage, kPage + 1, 1}, Row{0, kOther, 1, 1}, Row{1, kMine + 100, 8, 1},
                       Row{0, kHost + 100, 8, 0}, Row{0, kHost + kPage, 8, 1}}) {
    const std::uint64_t before = o.watch().escapes;
    o.wrote_for(r.guest, r.at, r.len);
    EXPECT_EQ(o.watch().escapes - before, r.escapes) << r.at;
  }
}

TEST_F(Watch, ARevokedPageIsItsGuestsWhilePinned) {
  o.pin(kMine, 0);
  o.revoke(kMine, 0);
  o.wrote_for(0, kMine, 8);
  EXPECT_EQ(o.watch().escapes, 0u);
  o.unpin(kMine, 1);
  o.wrote_for(0, kMine, 8);
  EXPECT_EQ(o.watch().escapes, 1u);
  o.read_for(0, kMine + 8, 16);
  EXPECT_EQ(o.watch().leaked_bytes, 16u);
}

TEST_F(Watch, ReadingAnothersMemoryForAGuestLeaks) {
  o.read_for(0, kMine, 100);
  o.read_for(0, kHost, 100);
  EXPECT_EQ(o.watch().leaked_bytes, 0u);
  o.read_for(0, kMine + 4 * kPage - 50, 100);   // 50 bytes beyond, where nobody's memory is
  EXPECT_EQ(o.watch().leaked_bytes, 0u);
  o.read_for(0, kOther + 4 * kPage - 30, 100);
  EXPECT_EQ(o.watch().leaked_bytes, 30u);
}

TEST_F(Watch, HeadersThatChangeAfterTheyWereParsedAreSeen) {
  std::uint8_t bytes[64] = {1, 2, 3};
  o.parsed(bytes, kHost, 54);
  EXPECT_EQ(o.watch().exposed_bytes, 0u);
  o.parsed(bytes, kMine, 54);
  EXPECT_EQ(o.watch().exposed_bytes, 54u);
  o.acts_on(bytes, kMine);
  EXPECT_EQ(o.watch().acted_on, 0u);
  o.parsed(bytes, kMine, 54);
  bytes[20] ^= 1;
  o.rewrote(bytes, kMine);                     // the host itself
  o.acts_on(bytes, kMine);
  EXPECT_EQ(o.watch().acted_on, 0u);
  o.parsed(bytes, kMine, 54);
  bytes[53] ^= 1;
  o.acts_on(bytes, kMine);
  EXPECT_EQ(o.watch().acted_on, 1u);
  o.acts_on(bytes, kMine);                     // once a parsing
  EXPECT_EQ(o.watch().acted_on, 1u);
}

// A look that decides at once: what had been parsed before and has changed is acted on; a first look is none.
TEST_F(Watch, EachLookThatDecidesIsHeldAgainstTheOneBefore) {
  std::uint8_t bytes[64] = {1, 2, 3};
  o.decides(bytes, kHost, 14);
  EXPECT_EQ(o.watch().exposed_bytes, 0u);
  o.decides(bytes, kMine, 14);
  EXPECT_EQ(o.watch().exposed_bytes, 14u);
  EXPECT_EQ(o.watch().acted_on, 0u);
  bytes[3] ^= 1;
  o.decides(bytes, kMine, 14);
  EXPECT_EQ(o.watch().acted_on, 1u);
  o.acts_on(bytes, kMine);                     // what the second look saw
  EXPECT_EQ(o.watch().acted_on, 1u);
  o.parsed(bytes, kMine, 54);
  o.decides(bytes, kMine, 14);                 // does not shorten what is watched
  bytes[40] ^= 1;
  o.acts_on(bytes, kMine);
  EXPECT_EQ(o.watch().acted_on, 2u);
  o.parsed(bytes, kMine, 54);
  bytes[0] ^= 1;
  o.wrote_for(0, kMine, 64);                   // the next frame
  o.decides(bytes, kMine, 14);
  EXPECT_EQ(o.watch().acted_on, 2u);
}

// Bytes of others leak when the buffer goes on and they are still there, whoever said that they were wiped.
TEST_F(Watch, WhatIsNotWipedLeaks) {
  PhysMem memory(4 << 20, 1);
  o.sees(memory);
  const BufferId b = o.add(kMine, 2048, Owner::posted, Ownership::Home::guest);
  const auto frame = [&](Bytes bytes) {
    std::memset(memory.at(kMine + 128), 0xab, bytes);
    o.device_write(kMine + 128, bytes, 1, "test");
  };
  const auto leaked = [&](Owner to) {
    const std::uint64_t before = o.watch().leaked_bytes;
    o.move(b, Owner::in_flight, Owner::skb, 2, "test");
    EXPECT_EQ(o.watch().leaked_bytes, before);
    o.move(b, Owner::skb, to, 3, "test");
    if (to != Owner::posted) o.move(b, to, Owner::posted, 4, "test");
    return o.watch().leaked_bytes - before;
  };
  frame(300);
  EXPECT_EQ(leaked(Owner::guest), 0u);         // its own
  frame(300);
  o.not_for_its_guest(kMine + 200);
  EXPECT_EQ(leaked(Owner::guest), 300u);
  frame(300);
  o.not_for_its_guest(kMine + 200);
  EXPECT_EQ(leaked(Owner::posted), 300u);      // kept for the next frame: the guest can read it all the same
  frame(300);
  o.not_for_its_guest(kMine + 200);
  std::memset(memory.at(kMine + 128), 0, 300);
  EXPECT_EQ(leaked(Owner::guest), 0u);
  frame(300);
  o.not_for_its_guest(kMine + 200);
  std::memset(memory.at(kMine + 128), 0, 64);  // a scrub that forgets the rest
  EXPECT_EQ(leaked(Owner::guest), 236u);
  frame(100);
  EXPECT_EQ(leaked(Owner::guest), 0u);         // the mark is of one frame
}

}  // namespace watch_test
}  // namespace gd
