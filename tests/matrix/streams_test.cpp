// Random segment streams through every design: whatever GRO does, the guest gets the bytes that were sent, each flow's in
// order, and what was merged has the headers of one packet.
#include "tests/matrix/streams.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/base/rng.h"
#include "models/packet/checksum.h"
#include "models/packet/parse.h"
#include "tests/matrix/whole_run.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace streams_test {

std::string text(const Frame& f) { return {f.begin(), f.end()}; }
std::vector<std::string> as_sent(const std::vector<SentFrame>& sent) {
  std::vector<std::string> out;
  for (const SentFrame& f : sent) out.push_back(text(f.bytes));
  return out;
}

// Three segments of one flow and the packet that they make.
struct Merge {
  std::vector<SentFrame> sent;
  Frame whole;
};
Merge merge_of_three() {
  Merge m;
  Frame data;
  for (unsigned i = 0; i < 3; ++i) {
    Frame piece = payload(100 - i);
    const std::uint32_t seq = 5000 + static_cast<std::uint32_t>(data.size());
    Frame f = ip4_packet(ethernet(0x0800), {}, tcp_segment(seq, 1, i == 2 ? 0x18 : 0x10, {}, piece));
    seal(f, 14, 34, false, 6);
    append(data, piece);
    m.sent.push_back({f, 0});
  }
  m.whole = ip4_packet(ethernet(0x0800), {}, tcp_segment(5000, 1, 0x18, {}, data));
  seal(m.whole, 14, 34, false, 6);
  return m;
}

TEST(CompareStreams, AcceptsWhatWasSentAndWhatWasMerged) {
  const auto sent = random_streams({});
  EXPECT_EQ(compare_streams(sent, as_sent(sent)), "");
  const Merge m = merge_of_three();
  EXPECT_EQ(compare_streams(m.sent, as_sent(m.sent)), "");
  EXPECT_EQ(compare_streams(m.sent, {text(m.whole)}), "");
}

TEST(CompareStreams, OrderMattersWithinAFlowOnly) {
  auto a = tcp4_frame(100, 1000), b = tcp4_frame(50, 1100), c = udp4_frame(70);
  const std::vector<SentFrame> sent = {{a, 0}, {b, 0}, {c, 0}};
  EXPECT_EQ(compare_streams(sent, {text(c), text(a), text(b)}), "");
  EXPECT_NE(compare_streams(sent, {text(b), text(a), text(c)}), "");
}

// Each fault that a design could make is found, and said.
TEST(CompareStreams, NamesWhatIsWrong) {
  const Merge m = merge_of_three();
  const auto sent = m.sent;
  const auto got = as_sent(sent);
  const auto changed = [&](std::size_t at, bool reseal) {
    Frame f = m.whole;
    f[at] ^= 1;
    if (reseal) seal(f, 14, 34, false, 6);
    return compare_streams(sent, {text(f)});
  };
  const std::pair<std::string, std::string> cases[] = {
      {compare_streams(sent, {got[0], got[1]}), "did not arrive"},
      {compare_streams(sent, {got[0], got[1], got[2], got[2]}), "after the last"},
      {compare_streams(sent, {got[0], got[2], got[1]}), "no whole number"},
      {compare_streams(sent, {text(udp4_frame(20))}), "no flow"},
      {compare_streams(sent, {"short"}), "cannot be parsed"},
      {changed(60, false), "checksum is wrong"},
      {changed(60, true), "is not 3 segments merged"},
      {changed(22, false), "IP header's checksum"},   // TTL
      {changed(47, true), "differs from byte 47"},    // PSH of the last segment (flags of TCP at 34 + 13)
      {changed(5, true), "differs from byte 5"}};     // a MAC address
  for (const auto& [said, part] : cases) EXPECT_NE(said.find(part), std::string::npos) << part << " | " << said;
}

TEST(RandomStreams, AreValidAndTheSameForASeed) {
  std::size_t tcp = 0, udp = 0, v6 = 0, tagged = 0, padded = 0, odd = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto sent = random_streams({seed, 200, 25});
    EXPECT_GE(sent.size(), 200u);
    EXPECT_EQ(as_sent(sent), as_sent(random_streams({seed, 200, 25})));
    std::int64_t before = 0;
    for (const SentFrame& f : sent) {
      const Parsed p = parse(f.bytes.data(), static_cast<std::uint32_t>(f.bytes.size()));
      ASSERT_TRUE(p.ok());
      ASSERT_NE(csum::check_l3(f.bytes.data(), p), csum::Checked::bad);
      ASSERT_EQ(csum::check_l4(f.bytes.data(), p), csum::Checked::good);
      ASSERT_LE(f.bytes.size(), 1514u + 4 * p.vlan_tags);
      ASSERT_GE(f.at_ns, before);
      before = f.at_ns;
      (p.l4 == L4::tcp ? tcp : udp) += 1;
      v6 += p.l3 == L3::ipv6;
      tagged += p.vlan_tags;
      padded += p.padding() > 0;
      odd += p.payload_length % 2;
    }
  }
  for (std::size_t n : {tcp, udp, v6, tagged, padded, odd}) EXPECT_GT(n, 0u);
  EXPECT_NE(as_sent(random_streams({1, 200, 25})), as_sent(random_streams({2, 200, 25})));
}

// For every strategy and every setting of GRO a combination of the other settings that can be served, by chance.
struct StreamRun {
  std::uint64_t seed;
  unsigned mtu;
};
class StreamRuns : public ::testing::TestWithParam<StreamRun> {};

TEST_P(StreamRuns, EveryDesignHandsUpWhatWasSent) {
  const auto [seed, mtu] = GetParam();
  const std::vector<SentFrame> sent = random_streams({seed, 250, 40, mtu});
  const std::string capture = "streams-" + std::to_string(seed) + ".pcap";
  write_capture(capture, sent);
  Space space(scenario_path(kStreamScenario), {"traffic.file=" + capture, kOftenInterrupted, "guests.0.gro.enabled=false", "nic.mtu=" + std::to_string(mtu) + "B"});
  Rng rng(seed, "tests.stream_runs");
  const std::vector<std::size_t> sizes = space.sizes();
  unsigned runs = 0;
  const std::size_t gro_at = space.find("gro");
  for (std::size_t strategy = 0; strategy < sizes[0]; ++strategy)
    for (std::size_t gro = 0; gro < sizes[gro_at]; ++gro) {
      Row row(sizes.size());
      bool found = false;
      for (unsigned attempt = 0; attempt < 10'000 && !found; ++attempt) {
        for (std::size_t d = 0; d < row.size(); ++d) row[d] = static_cast<std::uint8_t>(rng.below(sizes[d]));
        row[0] = static_cast<std::uint8_t>(strategy);
        row[gro_at] = static_cast<std::uint8_t>(gro);
        // Small buffers hold frames of MTU 1500, and so do the old driver's big ones when nothing is merged.
        const std::string& mode = space.value(row, "rx_mode");
        if (mtu > 1500 && (mode == "small" || (mode == "big" && space.value(row, "driver") == "linux-2.6.35"))) continue;
        found = !space.refusal(row) && !space.refusal_when_loaded(row);
      }
      if (!found) continue;   // which pairs are never served is said by Pairwise
      EXPECT_EQ(whole_run(space, row, sent), "");
      ++runs;
    }
  EXPECT_GE(runs, mtu > 1500 ? 9u : 12u);   // three or four strategies can be served whatever GRO does
}

INSTANTIATE_TEST_SUITE_P(Seed, StreamRuns,
                         ::testing::Values(StreamRun{11, 1500}, StreamRun{12, 1500}, StreamRun{13, 1500}, StreamRun{14, 1500},
                                           StreamRun{15, 1500}, StreamRun{16, 576}, StreamRun{17, 4000}, StreamRun{18, 9000}));

}  // namespace streams_test
}  // namespace gd::test
