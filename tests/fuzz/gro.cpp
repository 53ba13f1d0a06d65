// A stream of frames through GRO and its completion: every frame leaves once, in its flow's order, and a merged packet,
// cut again, is what came. First byte: rules; then records, each an act: a segment of one of four flows with what a
// sender may vary, a frame of raw bytes, the end of a poll, the passing of time.
#include <deque>
#include <map>
#include <vector>

#include "models/packet/checksum.h"
#include "models/packet/gro.h"
#include "models/packet/headers.h"
#include "models/packet/segment.h"
#include "tests/fuzz/fuzz.h"
#include "tests/packet/frames.h"

namespace gd::fuzz {
namespace gro {

using test::Frame;

struct Skb {
  Frame frame;
  Parsed parsed;
  unsigned flow = 0;              // 4: raw bytes
  unsigned order = 0;             // what the rules take for one flow
  std::uint64_t number = 0;       // in the order of arrival
  std::vector<Skb*> merged;
  bool gone = false;
};

class Play {
 public:
  explicit Play(unsigned how)
      : table_(how & 1 ? GroRules::linux_2_6_35 : GroRules::linux_6, how & 2), checked_(how & 4), linear_(how & 8), limited_(how & 16) {}

  void act(Input& in) {
    const unsigned what = in.byte();
    if (what >= 0xf8) return end_of_poll(what & 1 ? 1 + what % 3 : kGroMaxEntries);
    if (what >= 0xf0) return older();
    if (what >= 0xe0) return raw(in);
    segment(in, what & 3, what >> 2);
  }
  void finish() {
    end_of_poll(kGroMaxEntries);
    must(table_.held() == 0, "held after the last poll");
    for (const Skb& s : skbs_) must(s.gone, "a frame was lost");
  }

 private:
  // Flow 0: TCP over IPv4; 1: over IPv6; 2: UDP over IPv4 with a tag; 3: TCP over IPv4 with a tag.
  void segment(Input& in, unsigned flow, unsigned change) {
    Sender& s = senders_[flow];
    const unsigned how = in.byte();
    static constexpr std::size_t kLengths[] = {1448, 1448, 100, 100, 1, 0, 9000, 65000};
    std::size_t length = kLengths[how & 7];
    if (how & 8) length = in.word() % 9001;
    unsigned flags = 0x10;
    if (change & 1) flags = in.byte();
    if (change & 2) s.seq += in.byte() - 128u;
    if (change & 4) s.id += in.byte() - 128u;
    if (change & 8) s.ack += in.byte();
    if (change & 16) s.ttl = in.byte();
    if (change & 32) s.options = in.byte() % 4;
    Frame options;
    if (s.options == 1) test::put(options, {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8});
    if (s.options == 2) options.assign(40, 1);
    if (s.options == 3) test::put(options, {3, 3, 7, how});
    const bool v6 = flow == 1, udp = flow == 2;
    const Frame data = test::payload(length);
    const Frame eth = flow < 2 ? test::ethernet(v6 ? 0x86dd : 0x0800) : test::ethernet(0x0800, {0x81000005u});
    const Frame body = udp ? test::udp_segment(data) : test::tcp_segment(s.seq, s.ack, flags, options, data);
    if (body.size() > 65000 + 60) return;
    test::Ip4 o;
    o.protocol = udp ? 17 : 6;
    o.id = s.id & 0xffff;
    o.ttl = s.ttl;
    o.tos = how & 16 ? 2 : 0;
    o.fragment = how & 32 ? 0 : 0x4000;
    const unsigned number = udp ? 17 : 6;
    Frame f = v6 ? test::ip6_packet(eth, number, {}, body) : test::ip4_packet(eth, o, body);
    const std::size_t l3 = eth.size(), l4 = l3 + (v6 ? 40 : 20);
    test::seal(f, l3, l4, v6, number);
    if ((how & 0xc0) == 0xc0) f[l4 + 4] ^= 1;   // a wrong checksum
    if ((how & 0xc0) == 0x40 && f.size() < 60) f.resize(60);
    s.seq += static_cast<std::uint32_t>(length);
    ++s.id;
    // To the rules of 2.6.35 another TOS, or hop limit, is another flow.
    receive(f, flow, flow | (old() ? (v6 ? s.ttl : o.tos) << 2 : 0));
  }
  void raw(Input& in) {
    std::size_t got;
    const unsigned n = in.word() % 2048;
    const std::uint8_t* from = in.bytes(n, got);
    receive({from, from + got}, 4, 4);
  }

  bool old() const { return table_.rules() == GroRules::linux_2_6_35; }
  void receive(const Frame& f, unsigned flow, unsigned order) {
    skbs_.emplace_back();
    Skb& skb = skbs_.back();
    skb.frame = f;
    skb.frame.shrink_to_fit();
    skb.flow = flow;
    skb.order = order;
    skb.number = ++sent_;
    skb.parsed = parse(skb.frame.data(), static_cast<std::uint32_t>(f.size()));
    GroSegment s;
    s.frame = skb.frame.data();
    s.contiguous = skb.parsed.length;
    s.parsed = &skb.parsed;
    s.owner = &skb;
    s.rx_hash = flow;
    s.frags = linear_ ? 0 : 1;
    if (checked_) s.verified = csum::check_l4(s.frame, skb.parsed) == csum::Checked::good;
    must(table_.reads(s) <= skb.parsed.length, "headers behind the frame");
    const GroResult r = table_.receive(s, tick_);
    must(r.header_length <= skb.parsed.length && r.flushed_count <= 2, "what a packet costs");
    if (r.verdict == GroVerdict::merged) {
      must(r.into != nullptr && !static_cast<Skb*>(r.into)->gone, "merged into a packet that has left");
      static_cast<Skb*>(r.into)->merged.push_back(&skb);
      if (r.first_chained) must(table_.rules() == GroRules::linux_2_6_35, "a frag_list of new rules");
    }
    if (r.verdict == GroVerdict::held && limited_) table_.set_room(&skb, 17);
    for (unsigned i = 0; i < r.flushed_count; ++i) deliver(r.flushed[i]);
    if (r.verdict == GroVerdict::normal) {
      // What goes past the table waits for nothing held of its flow, as in the kernel.
      const bool past = r.reason == GroReason::no_handler || r.reason == GroReason::bad_checksum;
      leave(skb, !past);
    }
  }
  void leave(Skb& s, bool ordered) {
    must(!s.gone, "a frame left twice");
    s.gone = true;
    if (s.flow == 4 || !ordered) return;
    must(s.number > left_[s.order], "frames of a flow changed places");
    left_[s.order] = s.number;
  }
  void end_of_poll(unsigned most) {
    GroFlushed out[kGroMaxEntries];
    const unsigned n = table_.flush_all(out, GroReason::complete, most);
    must(n <= most, "more flushed than there is room for");
    for (unsigned i = 0; i < n; ++i) deliver(out[i]);
  }
  void older() {
    GroFlushed out[kGroMaxEntries];
    const unsigned n = table_.flush_older(++tick_, out);
    for (unsigned i = 0; i < n; ++i) deliver(out[i]);
  }

  void deliver(const GroFlushed& x) {
    Skb& head = *static_cast<Skb*>(x.owner);
    must(x.info.segments == 1 + head.merged.size(), "number of segments");
    Frame all = head.frame;
    std::uint32_t payload = head.parsed.length - x.info.header_length;
    std::vector<Skb*> segments = {&head};
    for (Skb* m : head.merged) {
      all.insert(all.end(), m->frame.begin() + m->parsed.payload_offset, m->frame.begin() + m->parsed.payload_offset + m->parsed.payload_length);
      payload += m->parsed.payload_length;
      segments.push_back(m);
    }
    const GroMeta meta = gro_complete(all.data(), x.info);
    for (Skb* s : segments) leave(*s, true);
    if (segments.size() == 1) {
      must(meta.gso_size == 0 && all == head.frame, "a packet of one segment was changed");
      return;
    }
    must(x.info.payload == payload, "payload bytes of a merged packet");
    if (meta.needs_csum) must(csum::complete_l4(all.data(), static_cast<std::uint32_t>(all.size())), "a checksum that cannot be completed");
    const Parsed p = parse(all.data(), static_cast<std::uint32_t>(all.size()));
    must(p.ok() && p.padding() == 0 && p.payload_length == payload, "a merged packet that is no packet");
    must(csum::check_l3(all.data(), p) != csum::Checked::bad && csum::check_l4(all.data(), p) == csum::Checked::good, "checksums of a merged packet");
    cut(all, p, meta, x.info.fixed_id, segments);
  }
  // The segments again, byte for byte.
  void cut(const Frame& all, const Parsed& p, const GroMeta& meta, bool fixed_id, const std::vector<Skb*>& segments) {
    const SegmentPlan plan = segment_plan(p, meta.gso_size, fixed_id, meta.accecn);
    must(plan.segments() == segments.size(), "another number of segments when cut");
    std::uint32_t at = plan.header_length;
    for (std::uint32_t i = 0; i < plan.segments(); ++i) {
      const std::uint32_t n = plan.payload_of(i);
      Frame f(plan.header_length + n);
      std::memcpy(&f[plan.header_length], &all[at], n);
      segment_headers(f.data(), all.data(), plan, i, false, csum::sum(&all[at], n));
      must(f == segments[i]->frame, "a segment that is cut is not the one that came");
      at += n;
    }
  }

  struct Sender {
    std::uint32_t seq = 0xffff0000, ack = 5;
    unsigned id = 0xfff0, ttl = 64, options = 0;
  };
  GroTable table_;
  bool checked_, linear_, limited_;
  std::int64_t tick_ = 0;
  Sender senders_[4];
  std::uint64_t sent_ = 0;
  std::map<unsigned, std::uint64_t> left_;   // latest that left, by flow
  std::deque<Skb> skbs_;
};

}  // namespace gro
}  // namespace gd::fuzz

GD_FUZZ_TARGET(gro) {
  using namespace gd::fuzz;
  Input in(data, size);
  gro::Play play(in.byte());
  for (unsigned acts = 0; !in.empty() && acts < 600; ++acts) play.act(in);
  play.finish();
}
