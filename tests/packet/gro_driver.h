// Feeds frames to a GroTable as a host would, and puts merged packets together from the segments' bytes.
#pragma once
#include <gtest/gtest.h>

#include <deque>

#include "models/packet/gro.h"
#include "models/packet/headers.h"
#include "tests/packet/frames.h"

namespace gd::test {

// One TCP segment over IPv4 or IPv6, as the rules' tests vary it.
struct Seg {
  std::uint32_t seq = 1000;
  std::size_t data = 100;
  unsigned flags = 0x10;
  unsigned port = 1500;
  unsigned id = 7, ttl = 64, tos = 0, fragment = 0x4000;
  Frame tcp_options = {};
  Frame ip_options = {};
};
inline Frame v4(const Seg& s, std::initializer_list<unsigned> tags = {}) {
  Frame body = tcp_segment(s.seq, 55, s.flags, s.tcp_options, payload(s.data));
  set16(body, 0, s.port);
  Ip4 o;
  o.id = s.id;
  o.ttl = s.ttl;
  o.tos = s.tos;
  o.fragment = s.fragment;
  o.options = s.ip_options;
  Frame f = ip4_packet(ethernet(0x0800, tags), o, body);
  const std::size_t l3 = 14 + 4 * tags.size();
  seal(f, l3, l3 + 20 + s.ip_options.size(), false, 6);
  return f;
}
inline Frame v6(std::uint32_t seq, std::size_t data, unsigned next = 6, const Frame& ext = {}) {
  Frame f = ip6_packet(ethernet(0x86dd), next, ext, tcp_segment(seq, 55, 0x10, {}, payload(data)));
  seal(f, 14, 54 + ext.size(), true, 6);
  return f;
}
// A pair of 100-byte segments in sequence, the second changed.
inline Seg second(unsigned id = 8) {
  Seg s;
  s.seq = 1100;
  s.id = id;
  return s;
}

// The test's skb: its own frame and those merged into it.
struct Skb {
  Frame frame;
  Parsed parsed;
  std::vector<const Skb*> merged;
};
struct Delivered {
  Frame bytes;                 // one frame, headers as completion wrote them
  std::uint32_t payload = 0;
  std::vector<std::uint32_t> seqs;
  GroReason reason = GroReason::none;
  GroMeta meta;
};

class Driver {
 public:
  explicit Driver(GroRules rules, bool udp = false, std::uint32_t most_buffers = UINT32_MAX) : table(rules, udp, most_buffers) {}
  GroSegment segment;   // template for what is not in the frame: hash, tag, verified, frags
  GroTable table;
  std::vector<Delivered> delivered;
  GroResult last;

  // `checked`: the NIC verifies checksums, truthfully.
  GroVerdict receive(const Frame& f, std::int64_t tick = 0, bool checked = false) {
    skbs_.push_back({f, parse(f.data(), static_cast<std::uint32_t>(f.size())), {}});
    Skb& skb = skbs_.back();
    GroSegment s = segment;
    s.frame = skb.frame.data();
    s.contiguous = skb.parsed.length;
    s.parsed = &skb.parsed;
    s.owner = &skb;
    if (checked) s.verified = csum::check_l4(s.frame, skb.parsed) == csum::Checked::good;
    last = table.receive(s, tick);
    if (last.verdict == GroVerdict::merged) static_cast<Skb*>(last.into)->merged.push_back(&skb);
    for (unsigned i = 0; i < last.flushed_count; ++i) deliver(last.flushed[i]);
    if (last.verdict == GroVerdict::normal) {
      Delivered d;
      d.bytes = f;
      d.payload = skb.parsed.payload_length;
      d.seqs = {skb.parsed.seq};
      if (skb.parsed.more_fragments) {   // a first fragment: TCP is in it, though a parser leaves it alone
        const std::uint8_t* t = &f[skb.parsed.l4_offset()];
        d.payload -= (t[12] >> 4) * 4u;
        d.seqs = {be32(t + 4)};
      }
      d.reason = last.reason;
      delivered.push_back(d);
    }
    return last.verdict;
  }
  void* owner() const { return const_cast<Skb*>(&skbs_.back()); }
  void end_of_poll() {
    GroFlushed out[kGroMaxEntries];
    deliver(out, table.flush_all(out));
  }
  void older_than(std::int64_t tick) {
    GroFlushed out[kGroMaxEntries];
    deliver(out, table.flush_older(tick, out));
  }
  std::vector<std::uint32_t> lengths() const {
    std::vector<std::uint32_t> v;
    for (const auto& d : delivered) v.push_back(d.payload);
    return v;
  }

 private:
  void deliver(const GroFlushed* out, unsigned n) {
    for (unsigned i = 0; i < n; ++i) deliver(out[i]);
  }
  // Whatever leaves the table must be one right frame: lengths, checksums and payload in order.
  void deliver(const GroFlushed& x) {
    const Skb& head = *static_cast<Skb*>(x.owner);
    Delivered d;
    d.bytes = head.frame;
    d.seqs = {head.parsed.seq};
    for (const Skb* m : head.merged) {
      d.bytes.insert(d.bytes.end(), m->frame.begin() + m->parsed.payload_offset,
                     m->frame.begin() + m->parsed.payload_offset + m->parsed.payload_length);
      d.seqs.push_back(m->parsed.seq);
    }
    d.payload = x.info.payload;
    d.reason = x.reason;
    d.meta = gro_complete(d.bytes.data(), x.info);
    EXPECT_EQ(x.info.segments, 1 + head.merged.size());
    if (d.meta.needs_csum) {
      EXPECT_EQ(d.meta.csum_start + d.meta.csum_offset, head.parsed.l4_offset() + (head.parsed.l4 == L4::udp ? 6 : 16));
      EXPECT_TRUE(csum::complete_l4(d.bytes.data(), static_cast<std::uint32_t>(d.bytes.size())));
    }
    const Parsed p = parse(d.bytes.data(), static_cast<std::uint32_t>(d.bytes.size()));
    EXPECT_EQ(p.decode, Decode::ok);
    EXPECT_EQ(p.padding(), 0u);
    EXPECT_EQ(p.payload_length, x.info.payload);
    EXPECT_NE(csum::check_l3(d.bytes.data(), p), csum::Checked::bad);
    EXPECT_EQ(csum::check_l4(d.bytes.data(), p), csum::Checked::good);
    delivered.push_back(d);
  }
  std::deque<Skb> skbs_;
};

// A driver whose NIC vouches for every checksum.
inline Driver driver(GroRules rules) {
  Driver d(rules);
  d.segment.verified = true;
  return d;
}

}  // namespace gd::test
