// Random segment streams through the GRO stage: whatever the delivery form and the rules, no byte is lost or invented,
// order within a flow is kept, and merged headers are right.
#include <map>
#include <random>

#include "models/packet/headers.h"
#include "tests/host/gro_forms.h"

namespace gd::test {
namespace gro_property_test {

// Segments of some flows as a network would bring them: mostly in order and full, with everything in between that a rule
// looks at. What bypasses GRO (options, fragments) is left out of a flow's order.
class Traffic {
 public:
  struct Packet {
    Frame bytes;
    unsigned flow;
    unsigned key;  // what 2.6.35 tells flows by: TOS, and the hop limit of IPv6, too
    bool bypass;   // may overtake its flow
    bool good;     // TCP checksum
  };
  explicit Traffic(std::uint32_t seed) : rng_(seed), flows_(1 + below(14)) {
    for (Flow& f : flows_) {
      f.seq = rng_();
      f.id = static_cast<std::uint16_t>(rng_());
      f.v6 = below(3) == 0;
      f.tagged = below(5) == 0;
      f.fixed_id = below(4) == 0;
      f.timestamps = below(3) == 0;
      f.mss = 40 + below(1200);
    }
  }
  Packet next() {
    const unsigned n = below(static_cast<unsigned>(flows_.size()));
    Flow& f = flows_[n];
    std::uint32_t data = below(12) ? f.mss : below(f.mss + 1);
    if (below(40) == 0) data = f.mss + 1 + below(60);
    unsigned flags = 0x10;
    if (below(12) == 0) flags |= 0x08;
    if (below(60) == 0) flags |= 1u << below(8);
    if (below(80) == 0) f.window ^= 0x100;
    if (below(60) == 0) f.ack += 1000;
    if (below(60) == 0) f.ttl ^= 1;
    if (below(60) == 0) f.tos ^= 1u << below(8);
    if (below(40) == 0) f.seq += 1 + below(3000);
    const bool bypass = !f.v6 && below(50) == 0;
    const bool bad = below(60) == 0;
    Frame options;
    if (f.timestamps) {
      put(options, {1, 1, 8, 10});
      if (below(20) == 0) ++f.time;
      put32(options, f.time);
      put32(options, 7);
    }
    Frame payload(data);
    for (std::uint32_t i = 0; i < data; ++i) payload[i] = static_cast<std::uint8_t>((f.seq + i) * 31 + n);
    Frame tcp = tcp_segment(f.seq, f.ack, flags, options, payload);
    set16(tcp, 0, 1000 + n);
    set16(tcp, 14, f.window);
    Frame frame = f.tagged ? ethernet(f.v6 ? 0x86dd : 0x0800, {0x81000005}) : ethernet(f.v6 ? 0x86dd : 0x0800);
    const std::size_t l3 = frame.size();
    std::size_t l4 = l3 + 40;
    if (f.v6) {
      const Frame ext = {6, 0, 1, 4, 0, 0, 0, static_cast<std::uint8_t>(n)};
      const bool extended = n % 4 == 0;
      frame = ip6_packet(frame, extended ? 60 : 6, extended ? ext : Frame{}, tcp);
      frame[l3 + 7] = static_cast<std::uint8_t>(f.ttl);
      l4 = frame.size() - tcp.size();
    } else {
      Ip4 o;
      o.id = f.id;
      if (!f.fixed_id) ++f.id;
      if (below(50) == 0) ++f.id;
      o.ttl = f.ttl;
      o.tos = f.tos;
      if (bypass) o.options = {1, 1, 1, 1};
      frame = ip4_packet(frame, o, tcp);
      l4 = frame.size() - tcp.size();
    }
    seal(frame, l3, l4, f.v6, 6);
    if (bad) frame[l4 + 16] ^= 0x55;
    if (frame.size() < 60) frame.resize(60);   // padding that nobody trimmed
    f.seq += data;
    return {frame, n, n | f.tos << 8 | (f.v6 ? f.ttl << 16 : 0), bypass || bad, !bad};
  }
  unsigned below(unsigned n) { return static_cast<unsigned>(rng_() % n); }

 private:
  struct Flow {
    std::uint32_t seq = 0, ack = 1, time = 0, mss = 0;
    unsigned window = 500, ttl = 64, tos = 0;
    std::uint16_t id = 0;
    bool v6 = false, tagged = false, fixed_id = false, timestamps = false;
  };
  std::mt19937 rng_;
  std::vector<Flow> flows_;
};

struct GroPropertyTest : GroBench {
  // One packet that GRO passed up: its frames in order, its bytes.
  void check(Skb& k, const std::vector<Traffic::Packet>& all, std::uint64_t first_id) {
    Frame got = all_bytes(k);
    ASSERT_EQ(got.size(), k.length);
    std::vector<std::uint64_t> ids;
    for (FrameRef f = k.frames.first; f != kNoFrame; f = frames[f].next) ids.push_back(frames[f].id - first_id);
    ASSERT_FALSE(ids.empty());
    ASSERT_EQ(ids.size(), k.frames.count);
    groups_.push_back(ids);
    const Traffic::Packet& lead = all[ids[0]];
    for (const std::uint64_t i : ids) {
      EXPECT_EQ(all[i].flow, lead.flow);
      if (!all[i].bypass) order_[old_ ? all[i].key : all[i].flow].push_back(i);
      ++seen_[i];
    }
    if (ids.size() == 1) {
      EXPECT_EQ(got, lead.bytes);
      EXPECT_EQ(k.gso_size, 0);
      EXPECT_NE(k.checksum, Checksum::partial);
      return;
    }
    ++merged_;
    const Parsed p = parse(lead.bytes.data(), static_cast<std::uint32_t>(lead.bytes.size()));
    Frame whole = slice(lead.bytes, 0, p.header_length);
    std::uint8_t flags = 0;
    for (const std::uint64_t i : ids) {
      EXPECT_TRUE(all[i].good);
      append(whole, slice(all[i].bytes, p.header_length));
      flags |= all[i].bytes[p.l4_offset() + 13] & 0x09;   // FIN and PSH of all
    }
    whole[p.l4_offset() + 13] |= flags;
    EXPECT_EQ(slice(got, p.header_length), slice(whole, p.header_length));
    // The headers are the first segment's but for what completion writes, and that is right.
    EXPECT_EQ(k.gso_segments, ids.size());
    EXPECT_EQ(k.gso_size, p.payload_length);
    EXPECT_EQ(k.checksum, Checksum::partial);
    EXPECT_EQ(k.csum_start, p.l4_offset());
    EXPECT_EQ(k.csum_offset, 16);
    EXPECT_LE(k.length, 65535u + p.l3_offset());
    ASSERT_TRUE(csum::complete_l4(got.data(), k.length));
    const Parsed q = parse(got.data(), k.length);
    EXPECT_EQ(q.decode, Decode::ok);
    EXPECT_EQ(q.l3_offset() + q.ip_length, k.length);
    EXPECT_NE(csum::check_l3(got.data(), q), csum::Checked::bad);
    EXPECT_EQ(csum::check_l4(got.data(), q), csum::Checked::good);
    const std::size_t l3 = p.l3_offset(), l4 = p.l4_offset();
    if (p.l3 == L3::ipv4) {
      EXPECT_EQ(naive_sum(&got[l3], 20), 0xffffu);
      set16(whole, l3 + 2, static_cast<unsigned>(k.length - l3));
      set16(whole, l3 + 10, be16(&got[l3 + 10]));
    } else {
      set16(whole, l3 + 4, static_cast<unsigned>(k.length - l3 - 40));
    }
    set16(whole, l4 + 16, be16(&got[l4 + 16]));
    EXPECT_EQ(slice(got, 0, p.header_length), slice(whole, 0, p.header_length));
  }

  void run_stream(std::uint32_t seed, const Form& form, GroRules r) {
    renew(rules(r));
    old_ = r == GroRules::linux_2_6_35;
    order_.clear();
    seen_.clear();
    groups_.clear();
    Traffic traffic(seed);
    std::vector<Traffic::Packet> packets;
    const std::uint64_t first_id = PathBench::sent.size();
    while (packets.size() < 600) {
      in_step([&](Step& s) {
        pieces.frags = form.frags;
        for (unsigned n = 1 + traffic.below(60); n-- > 0;) {
          packets.push_back(traffic.next());
          const Traffic::Packet& p = packets.back();
          hash = p.flow * 7 + seed % 2 * p.flow;   // half the seeds put several flows into one bucket
          checksum = p.good ? Checksum::unnecessary : Checksum::bad;
          gro->receive(s, make(s, p.bytes, form), pieces, up);
        }
      });
      end_poll();
      for (Skb* k : up.packets) check(*k, packets, first_id);
      drop_all();
      if (HasFatalFailure()) return;
    }
    expect_clean();
    EXPECT_EQ(seen_.size(), packets.size());
    for (const auto& [id, times] : seen_) EXPECT_EQ(times, 1u) << id;
    for (const auto& [flow, ids] : order_) EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end())) << "flow " << flow;
  }

  std::map<unsigned, std::vector<std::uint64_t>> order_;
  std::map<std::uint64_t, unsigned> seen_;
  std::uint64_t merged_ = 0;
  std::vector<std::vector<std::uint64_t>> groups_;   // what was passed up together, in order
  bool old_ = false;
};

TEST_F(GroPropertyTest, EveryFormAndRuleSetKeepsBytesOrderAndHeaders) {
  const std::vector<Form> forms = {kLinearPage, split_at(54), split_at(14), split_at(66), kFrags, frags_at(54), frags_at(66), frags_at(30)};
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    std::vector<std::vector<std::uint64_t>> first;
    for (const Form& form : forms)
      for (const GroRules r : {GroRules::linux_6, GroRules::linux_2_6_35}) {
        SCOPED_TRACE(std::string(form.name) + ", seed " + std::to_string(seed) + (r == GroRules::linux_6 ? ", linux-6" : ", linux-2.6.35"));
        const std::uint64_t before = merged_;
        run_stream(seed, form, r);
        EXPECT_GT(merged_, before + 10);
        // Linux 6 merges by the headers alone; where the bytes lie changes nothing (2.6.35 runs out of fragments).
        if (r == GroRules::linux_6 && first.empty()) first = groups_;
        if (r == GroRules::linux_6) {
          EXPECT_EQ(groups_, first);
        }
        if (HasFailure()) return;
      }
  }
}

}  // namespace gro_property_test
}  // namespace gd::test
