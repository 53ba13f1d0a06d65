// The link's timing, one request or a few at a time.
#include "tests/pcie/link_bench.h"

using namespace gd;

namespace link_test {

// A link on which a byte takes exactly 1 ns: Gen1 x4 has 8 Gb/s after encoding.
PcieParams round_link() {
  PcieParams p;
  p.generation = 1, p.lanes = 4, p.dllp_ppm = 0, p.ack_tlps = p.fc_tlps = 0;
  return p;
}
constexpr Time kByte = kNs;

TEST(PcieLink, TimedWrites) {
  LinkBench b("bench", round_link());
  b.memory_latency = 30 * kNs;
  struct Row { Time issue; std::uint64_t address; Bytes n; Time left, done; };
  const Row rows[] = {
      {0, 0, 64, 88 * kByte, (88 + 80 + 60 + 30) * kNs},
      {0, 64, 256, (88 + 280) * kByte, (368 + 170) * kNs},                      // behind the first
      {1 * kUs, 0, 257, 1 * kUs + 305 * kByte, 1 * kUs + (305 + 170) * kNs},    // two TLPs
      {2 * kUs, 4095, 2, 2 * kUs + 50 * kByte, 2 * kUs + (50 + 170) * kNs}};    // across a page border
  for (const Row& r : rows) {
    EXPECT_EQ(b.write(r.address, r.n, r.issue), r.done) << r.n;
    EXPECT_EQ(b.t.info().link_free, r.left) << r.n;
  }
  EXPECT_EQ(b.pcie.stats().write_tlps, 6u);
  EXPECT_EQ(b.pcie.stats().upstream_bytes, 88u + 280 + 305 + 50);
  EXPECT_EQ(b.pcie.stats().downstream_bytes, 0u);
  EXPECT_EQ(b.pcie.upstream_reserved(), 723 * kByte);
  EXPECT_EQ(b.at_memory.at(0).at, (88 + 140) * kNs);
}

TEST(PcieLink, TimedReads) {
  LinkBench b("bench", round_link());
  b.memory_latency = 30 * kNs;
  // Request 24 B up, link and root there, memory, root back, completions down, link back.
  EXPECT_EQ(b.read(0, 64), (24 + 80 + 60 + 30 + 60 + 84 + 80) * kNs);
  EXPECT_EQ(b.t.info().link_free, 24 * kByte);
  EXPECT_EQ(b.read(0, 1500, 10 * kUs), 10 * kUs + (72 + 80 + 60 + 30 + 60 + 1500 + 120 + 80) * kNs);
  EXPECT_EQ(b.pcie.stats().read_tlps, 4u);
  EXPECT_EQ(b.pcie.stats().completion_tlps, 7u);
  EXPECT_EQ(b.pcie.stats().upstream_bytes, 96u);
  EXPECT_EQ(b.pcie.stats().downstream_bytes, 84u + 1620);
}

TEST(PcieLink, DoublingALatencyShiftsCompletionsExactly) {
  const PcieParams base;
  PcieParams link = base, root = base, mmio = base;
  link.link_latency *= 2;
  root.root_latency *= 2;
  mmio.mmio_write *= 2;
  LinkBench b("base", base), l("link", link), r("root", root), m("mmio", mmio);
  const Time write = b.write(0, 64), read = b.read(0, 64, 10 * kUs), store = b.mmio(tlm::TLM_WRITE_COMMAND, 0, 20 * kUs);
  EXPECT_EQ(l.write(0, 64), write + base.link_latency);
  EXPECT_EQ(l.read(0, 64, 10 * kUs), read + 2 * base.link_latency);
  EXPECT_EQ(l.mmio(tlm::TLM_WRITE_COMMAND, 0, 20 * kUs), store + base.link_latency);
  EXPECT_EQ(r.write(0, 64), write + base.root_latency);
  EXPECT_EQ(r.read(0, 64, 10 * kUs), read + 2 * base.root_latency);
  m.write(0, 64), m.read(0, 64, 10 * kUs);   // the same remainders of the rate
  EXPECT_EQ(m.mmio(tlm::TLM_WRITE_COMMAND, 0, 20 * kUs), store + base.mmio_write);
}

// A parameter that changes nothing is dead.
TEST(PcieLink, EveryByteParameterCounts) {
  struct Row { const char* name; void (*change)(PcieParams&); };
  const Row rows[] = {{"generation", [](PcieParams& p) { p.generation = 4; }},
                      {"lanes", [](PcieParams& p) { p.lanes = 16; }},
                      {"max_payload", [](PcieParams& p) { p.max_payload = 512; }},
                      {"max_read_request", [](PcieParams& p) { p.max_read_request = 1024; }},
                      {"read_completion_boundary", [](PcieParams& p) { p.read_completion_boundary = 128; }},
                      {"tlp_framing", [](PcieParams& p) { p.tlp_framing *= 2; }},
                      {"write_header", [](PcieParams& p) { p.write_header *= 2; }},
                      {"read_header", [](PcieParams& p) { p.read_header *= 2; }},
                      {"completion_header", [](PcieParams& p) { p.completion_header *= 2; }},
                      {"dllp_ppm", [](PcieParams& p) { p.dllp_ppm *= 2; }}};
  auto sum = [](const PcieParams& p) {   // bytes and rate of a write and a read, the read 64 B behind a 128 B border
    return std::vector<std::uint64_t>{write_tlps(p, 64, 1500).bytes, read_requests(p, 64, 1500).bytes,
                                      completions(p, 64, 1500).bytes + completions(p, 64, 960).bytes, link_rate(p)};
  };
  for (const Row& r : rows) {
    PcieParams p;
    r.change(p);
    EXPECT_NE(sum(p), sum(PcieParams{})) << r.name;
  }
}

TEST(PcieLink, EarlierRequestsAreNotDelayedByThoseAnnotatedLater) {
  LinkBench b("bench", round_link());
  b.read(0, 64, 50 * kUs);
  EXPECT_EQ(b.read(0, 64, 0), (24 + 140 + 60 + 84 + 80) * kNs);
}

TEST(PcieLink, PostedOrder) {
  LinkBench b("bench", round_link());
  b.memory_latency = 5 * kUs;
  const Time slow = b.write(0, 64);
  b.memory_latency = 0;
  EXPECT_EQ(b.write(4096, 16), slow) << "a later write became visible before an earlier one";
  const Time message = b.write(kMsiBase, 4);
  EXPECT_EQ(message, slow);
  ASSERT_EQ(b.at_interrupts.size(), 1u);
  EXPECT_EQ(b.at_interrupts[0].at, slow) << "the interrupt overtook the data";
  EXPECT_EQ(b.at_memory.size(), 2u) << "the message went to memory";
  const Time read = b.read(0, 64);
  EXPECT_EQ(read, slow + (60 + 84 + 80) * kNs) << "a read overtook a write";
  EXPECT_EQ(b.pcie.stats().messages, 1u);
}

TEST(PcieLink, MessageRange) {
  LinkBench b("bench");
  b.write(kMsiBase - 4, 4);
  b.write(kMsiBase, 4);
  b.write(kMsiBase + kMsiSize - 4, 4);
  b.write(kMsiBase + kMsiSize, 4);
  EXPECT_EQ(b.at_memory.size(), 2u);
  EXPECT_EQ(b.at_interrupts.size(), 2u);
}

// A memory that takes 10 us holds the device back once the posted buffer is full.
TEST(PcieLink, PostedBufferHoldsTheDeviceBack) {
  PcieParams p = round_link();
  p.posted_buffer = 4 * (256 + 16);
  LinkBench b("bench", p);
  b.memory_latency = 10 * kUs;
  Time done[6], left[6];
  for (int i = 0; i < 6; ++i) {
    done[i] = b.write(static_cast<std::uint64_t>(i) * 256, 256);
    left[i] = b.t.info().link_free;
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(left[i], (i + 1) * 280 * kByte);
  EXPECT_EQ(left[4], done[0] + p.link_latency + 280 * kByte);
  EXPECT_EQ(left[5], left[4] + 280 * kByte) << "room came back while the link was busy";
  EXPECT_EQ(b.pcie.stats().posted_wait, done[0] + p.link_latency - left[3]);
}

TEST(PcieLink, BlockedRequests) {
  LinkBench b("bench", round_link());
  b.blocked = true;
  EXPECT_EQ(b.read(0, 1500), (72 + 140 + 60 + 20 + 80) * kNs) << "one completion without data";
  EXPECT_EQ(b.pcie.stats().downstream_bytes, 20u);
  EXPECT_EQ(b.pcie.stats().completion_tlps, 1u);
  b.write(0, 64, 10 * kUs);
  EXPECT_EQ(b.pcie.stats().upstream_bytes, 72u + 88);
}

TEST(PcieLink, Mmio) {
  LinkBench b("bench", round_link());
  EXPECT_EQ(b.mmio(tlm::TLM_WRITE_COMMAND, 0x1000), (100 + 28 + 80) * kNs);
  EXPECT_EQ(b.mmio(tlm::TLM_WRITE_COMMAND, 0x1008), (100 + 28 + 28 + 80) * kNs) << "behind the first";
  ASSERT_EQ(b.at_registers.size(), 2u);
  EXPECT_EQ(b.at_registers[0].at, 208 * kNs);
  EXPECT_EQ(b.at_registers[1].address, 0x1008u);
  EXPECT_EQ(b.mmio(tlm::TLM_READ_COMMAND, 0x2000, 10 * kUs), 10 * kUs + (100 + 24 + 80 + 24 + 80 + 100) * kNs);
  EXPECT_EQ(b.pcie.stats().mmio_writes, 2u);
  EXPECT_EQ(b.pcie.stats().mmio_reads, 1u);
  EXPECT_EQ(b.pcie.stats().downstream_bytes, 28u + 28 + 24);
  EXPECT_EQ(b.pcie.stats().upstream_bytes, 24u);
}

// Register writes are posted: none overtakes an earlier one, whatever gaps completions and DLLPs leave on the way down.
TEST(PcieLink, RegisterWritesKeepTheirOrder) {
  PcieParams p = round_link();
  p.ack_tlps = 1, p.fc_tlps = 1;
  LinkBench b("bench", p);
  std::uint64_t random = 1;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    const Time at = static_cast<Time>(i) * 60 * kNs;
    if (random % 3 != 0) b.read(i % 16 * kPage, 1 + random % 96, at);
    b.write(i % 16 * kPage, 1 + random % 300, at);
    b.mmio(tlm::TLM_WRITE_COMMAND, i * 8, at + static_cast<Time>(random % 30) * kNs);
  }
  ASSERT_EQ(b.at_registers.size(), 3000u);
  for (std::size_t i = 1; i < 3000; ++i) ASSERT_GE(b.at_registers[i].at, b.at_registers[i - 1].at) << i;
}

// MMIO writes and read completions share the way down.
TEST(PcieLink, DirectionsAreShared) {
  LinkBench b("bench", round_link());
  b.read(0, 512);   // completions from 224 ns to 776 ns after the request's 24 ns
  const Time alone = (100 + 28 + 80) * kNs;
  EXPECT_GT(b.mmio(tlm::TLM_WRITE_COMMAND, 0, 200 * kNs) - 200 * kNs, alone);
  const Time write_alone = (88 + 140) * kNs;
  b.write(0, 64, 5 * kUs);
  EXPECT_GT(b.write(0, 64, 5 * kUs) - 5 * kUs, write_alone);
}

}  // namespace link_test
