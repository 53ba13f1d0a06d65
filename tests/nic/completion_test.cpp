// Completion queues: the entries' bytes, and what the card writes and when.
#include "models/base/error.h"
#include "models/ports/completion.h"
#include "tests/nic/nic_bench.h"

namespace gd {
namespace completion_test {

using test::NicBench;
using test::TestRing;

RxWriteback sample(std::uint16_t length, std::uint32_t hash) {
  RxWriteback w;
  w.rss_hash = hash;
  w.rss_type = RxDescriptor::kRssTcp4;
  w.packet_length = length;
  w.done = w.end_of_packet = w.ip_checked = w.l4_checked = true;
  return w;
}
std::uint64_t first_word(const RxWriteback& w) { return RxDescriptor::encode(w)[0]; }
std::uint64_t second_word(const RxWriteback& w) { return RxDescriptor::encode(w)[1]; }

TEST(Completion, EntryAndMiniReadBack) {
  for (bool phase : {false, true})
    for (std::uint32_t minis : {0u, 1u, 8u, 63u}) {
      const RxWriteback w = sample(1514, 0xdeadbeef), other = sample(60, 0x01020304);
      const auto q = RxDescriptor::encode(w);
      std::uint8_t entry[completion::kEntry], mini[completion::kMini];
      completion::encode(entry, {q[0], q[1]}, minis, phase);
      completion::encode_mini(mini, other, phase);
      const completion::Entry e = completion::decode(entry);
      EXPECT_EQ(e.phase, phase);
      EXPECT_EQ(e.minis, minis);
      EXPECT_EQ(first_word(e.writeback), q[0]);
      EXPECT_EQ(second_word(e.writeback), q[1]);
      const RxWriteback m = completion::decode_mini(mini, e.writeback);
      EXPECT_EQ(first_word(m), first_word(other));
      EXPECT_EQ(second_word(m), second_word(other));
      EXPECT_EQ(mini[completion::kMini - 1] & completion::kPhase, phase ? 1 : 0);
    }
}

// What a mini-completion can tell, field by field.
TEST(Completion, OnlyHashAndLengthMayDiffer) {
  const RxWriteback title = sample(1514, 1);
  struct Case {
    const char* what;
    void (*change)(RxWriteback&);
    bool fits;
  };
  const Case cases[] = {{"nothing", [](RxWriteback&) {}, true},
                        {"hash", [](RxWriteback& w) { w.rss_hash = 7; }, true},
                        {"length", [](RxWriteback& w) { w.packet_length = 60; }, true},
                        {"hash type", [](RxWriteback& w) { w.rss_type = RxDescriptor::kRssUdp4; }, false},
                        {"header length", [](RxWriteback& w) { w.header_length = 54; }, false},
                        {"split", [](RxWriteback& w) { w.split = true; }, false},
                        {"end of packet", [](RxWriteback& w) { w.end_of_packet = false; }, false},
                        {"checksum", [](RxWriteback& w) { w.l4_error = true; }, false},
                        {"tag", [](RxWriteback& w) { w.vlan_present = true, w.vlan = 5; }, false}};
  for (const Case& c : cases) {
    RxWriteback w = title;
    c.change(w);
    EXPECT_EQ(completion::fits(title, w), c.fits) << c.what;
  }
}

NicParams batches(std::uint32_t n) {
  NicParams p = NicBench::quiet();
  p.writeback_batch = n;
  p.writeback_timeout = 3 * kUs;
  return p;
}

RxQueueConfig with_queue(NicBench& b, Bytes size, bool compress, std::uint32_t ring = 64) {
  RxQueueConfig c;
  c.size = ring;
  c.completions = b.phys.alloc_contiguous(ring * size, kPage);
  c.completion_size = size;
  c.compress = compress;
  return c;
}

// Without compression: one write of neighbouring entries a batch; the descriptors stay as they were.
class CompletionSize : public ::testing::TestWithParam<Bytes> {};
INSTANTIATE_TEST_SUITE_P(, CompletionSize, ::testing::Values(64, 128));
TEST_P(CompletionSize, EntriesOfABatchInOneWrite) {
  NicBench b("bench", batches(4));
  TestRing r(b, 0, with_queue(b, GetParam(), false));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { for (int i = 0; i < 4; ++i) b.arrive(test::tcp4_frame(100)); });
  b.run(20 * kUs);
  EXPECT_TRUE(b.accesses(r.c.ring, 1024, true).empty());
  const auto writes = b.accesses(r.c.completions, 64 * GetParam(), true);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].length, 4 * GetParam());
  for (unsigned i = 0; i < 4; ++i) {
    const completion::Entry e = completion::decode(b.phys.at(r.c.completions + (i + 1) * GetParam() - completion::kEntry));
    EXPECT_TRUE(e.phase && e.writeback.done) << i;
    EXPECT_EQ(e.minis, 0u);
    EXPECT_EQ(e.writeback.packet_length, 154u);
    EXPECT_NE(b.nic.take_frame(0, i), kNoFrame);
  }
  EXPECT_FALSE(completion::decode(b.phys.at(r.c.completions + 5 * GetParam() - completion::kEntry)).phase) << "the next entry is not ours yet";
  EXPECT_EQ(b.nic.stats().writeback_bytes, 4 * GetParam());
}

// 20 alike: title and first array are neighbours (128 B), two more arrays of 64 B each: 256 B instead of 1280.
TEST(Completion, SessionOfTwenty) {
  NicBench b("bench", batches(20));
  TestRing r(b, 0, with_queue(b, 64, true));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(40); });
  b.at(2 * kUs, [&] { for (unsigned i = 0; i < 20; ++i) b.arrive(test::tcp4_frame(100 + i)); });
  b.run(20 * kUs);
  const auto writes = b.accesses(r.c.completions, 64 * 64, true);
  ASSERT_EQ(writes.size(), 3u);
  EXPECT_EQ(writes[0].address, r.c.completions);
  EXPECT_EQ(writes[0].length, 128u);
  EXPECT_EQ(writes[1].address, r.c.completions + 9 * 64);
  EXPECT_EQ(writes[2].address, r.c.completions + 17 * 64);
  const completion::Entry title = completion::decode(b.phys.at(r.c.completions));
  ASSERT_EQ(title.minis, 19u);
  for (std::uint32_t i = 0; i < 19; ++i) {
    const std::uint8_t* at = b.phys.at(r.c.completions + completion::array_place(i) * 64 + completion::mini_offset(i));
    EXPECT_EQ(completion::decode_mini(at, title.writeback).packet_length, 155 + i) << i;
  }
  EXPECT_EQ(b.nic.stats().compressed, 19u);
  EXPECT_EQ(b.nic.stats().writeback_bytes, 256u);
}

// A frame that differs ends the session; a session does not pass the end of the queue, and the owner bit changes there.
TEST(Completion, SessionsEndAtADifferenceAndAtTheEnd) {
  NicBench b("bench", batches(4));
  TestRing r(b, 0, with_queue(b, 64, true, 8));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(7); });
  b.at(2 * kUs, [&] {
    b.arrive(test::tcp4_frame(100)), b.arrive(test::tcp4_frame(100));
    b.arrive(test::udp4_frame(100));
    b.arrive(test::tcp4_frame(100));
  });
  b.at(10 * kUs, [&] {
    EXPECT_EQ(completion::decode(b.phys.at(r.c.completions)).minis, 1u);
    EXPECT_EQ(completion::decode(b.phys.at(r.c.completions + 2 * 64)).minis, 0u);
    EXPECT_EQ(completion::decode(b.phys.at(r.c.completions + 3 * 64)).minis, 0u);
    for (unsigned i = 0; i < 4; ++i) EXPECT_NE(b.nic.take_frame(0, i), kNoFrame) << i;
    r.post(4);
  });
  b.at(12 * kUs, [&] { for (int i = 0; i < 6; ++i) b.arrive(test::tcp4_frame(100)); });
  b.run(40 * kUs);
  EXPECT_EQ(completion::decode(b.phys.at(r.c.completions + 4 * 64)).minis, 3u);
  const completion::Entry wrapped = completion::decode(b.phys.at(r.c.completions));
  EXPECT_FALSE(wrapped.phase) << "second round";
  EXPECT_EQ(wrapped.minis, 1u);
}

class CompletionRefused : public ::testing::TestWithParam<std::pair<Bytes, bool>> {};
INSTANTIATE_TEST_SUITE_P(, CompletionRefused, ::testing::Values(std::pair<Bytes, bool>{32, false}, std::pair<Bytes, bool>{128, true}));
TEST_P(CompletionRefused, ImpossibleEntries) {
  NicBench b("bench");
  EXPECT_THROW(b.nic.configure_rx(0, with_queue(b, GetParam().first, GetParam().second)), UserError);
}

}  // namespace completion_test
}  // namespace gd
