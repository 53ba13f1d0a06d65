#include "tests/matrix/streams.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

#include "models/base/rng.h"
#include "models/packet/headers.h"

namespace gd::test {
namespace {

using tcp::kCwr, tcp::kEce, tcp::kFin, tcp::kPsh, tcp::kRst, tcp::kSyn, tcp::kUrg;
constexpr unsigned kAck = tcp::kAckFlag;

struct Flow {
  bool tcp = true, v6 = false, timestamps = false, random_id = false, fixed_id = false, df = true;
  unsigned vlan = 0, port = 0, ttl = 64, id = 0, window = 4321;
  std::size_t mss = 1460;
  std::uint32_t seq = 0, ack = 200, clock = 1000;
  std::vector<Frame> late;   // segments that come after the next one

  std::size_t header() const {
    return 14 + (vlan ? 4 : 0) + (v6 ? 40 : 20) + (tcp ? 20 + (timestamps ? 12 : 0) : 8);
  }
};

class Generator {
 public:
  explicit Generator(const StreamOptions& o) : o_(o), rng_(o.seed, "tests.streams") {
    const unsigned flows = 3 + below(5);
    for (unsigned i = 0; i < flows; ++i) {
      Flow f;
      f.tcp = i == 0 || !chance(25);
      f.v6 = chance(35);
      f.timestamps = chance(50);
      f.fixed_id = chance(20);
      f.random_id = !f.fixed_id && chance(20);
      f.df = chance(80);
      f.vlan = chance(25) ? 1 + below(4094) : 0;
      f.port = 10'000 + i;
      f.id = below(65'536);
      f.seq = rng_();   // some begin just before the wrap of the sequence space
      if (chance(20)) f.seq = 0u - below(20'000);
      const std::size_t sizes[] = {full(f), full(f), 536, 777, 100 + below(1200)};
      f.mss = std::min(sizes[below(5)], full(f));
      flows_.push_back(f);
    }
  }

  std::vector<SentFrame> run() {
    while (out_.size() < o_.frames) burst();
    for (Flow& f : flows_) send_late(f);
    return std::move(out_);
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(rng_.below(n)); }
  bool chance(unsigned per_cent) { return below(100) < per_cent; }

  // Payload of a full frame.
  std::size_t full(const Flow& f) const { return o_.mtu + ether::kHeader + (f.vlan ? ether::kTag : 0) - f.header(); }

  // One flow alone, or two frame by frame; then a pause, or none.
  void burst() {
    Flow* const turn[2] = {&flows_[below(static_cast<unsigned>(flows_.size()))], &flows_[below(static_cast<unsigned>(flows_.size()))]};
    const bool mixed = chance(30);
    const unsigned n = 1 + below(24);
    for (unsigned i = 0; i < n; ++i) step(*turn[mixed ? i % 2 : 0]);
    if (chance(80)) at_ += 2'000 + below(60'000);
  }

  void step(Flow& f) {
    if (!f.tcp) return send(datagram(f, chance(50) ? below(300) : below(static_cast<unsigned>(full(f)) + 1)));
    if (!chance(o_.disorder)) return send_next(f, f.mss, kAck);
    switch (below(12)) {
      case 0: return send_next(f, 1 + below(static_cast<unsigned>(f.mss)), kAck);                       // short
      case 1: return send_next(f, std::min(f.mss + 1 + below(50), full(f)), kAck);        // longer
      case 2: return send_next(f, f.mss, kAck | kPsh);
      case 3: return send_next(f, f.mss, kAck | (chance(50) ? kEce : kCwr));
      case 4: return send_next(f, f.mss, kAck | std::array<unsigned, 5>{kFin, kUrg, kPsh | kEce, kSyn, kRst}[below(5)]);
      case 5: return send(segment(f, f.seq, 0, kAck));                                                  // pure ACK
      case 6: f.seq += 1 + below(5'000); return send_next(f, f.mss, kAck);                              // gap
      case 7: return last_.empty() ? send_next(f, f.mss, kAck) : send(last_);                           // repeated, of any flow
      case 8: f.ack += 1 + below(3'000); f.window = 1'000 + below(60'000); return send_next(f, f.mss, kAck);
      case 9: if (!f.v6) f.ttl = 30 + below(200); ++f.clock; return send_next(f, f.mss, kAck);
      case 10: {
        f.late.push_back(segment(f, f.seq, f.mss, kAck));                                               // swapped
        f.seq += static_cast<std::uint32_t>(f.mss);
        return;
      }
      default: f.id += below(3); return send_next(f, f.mss, kAck);
    }
  }

  void send(const Frame& bytes) {
    out_.push_back({bytes, at_});
    last_ = bytes;
  }
  void send_late(Flow& f) {
    for (const Frame& b : f.late) send(b);
    f.late.clear();
  }
  void send_next(Flow& f, std::size_t n, unsigned flags) {
    send(segment(f, f.seq, n, flags));
    f.seq += static_cast<std::uint32_t>(n) + (flags & kFin ? 1 : 0);
    send_late(f);
  }

  Frame data(std::size_t n) {
    Frame d(n);
    for (auto& b : d) b = static_cast<std::uint8_t>(rng_());
    return d;
  }

  Frame packet(Flow& f, unsigned protocol, const Frame& body) {
    Frame l2 = f.vlan ? ethernet(f.v6 ? 0x86dd : 0x0800, {0x8100u << 16 | f.vlan}) : ethernet(f.v6 ? 0x86dd : 0x0800);
    const std::size_t l3 = l2.size();
    Ip4 ip;
    ip.protocol = protocol;
    ip.fragment = f.df ? ip4::kDf : 0;
    ip.ttl = f.ttl;
    ip.id = f.id & 0xffff;
    if (f.random_id) f.id = below(65'536);
    else if (!f.fixed_id) ++f.id;
    Frame frame = f.v6 ? ip6_packet(l2, protocol, {}, body) : ip4_packet(l2, ip, body);
    seal(frame, l3, l3 + (f.v6 ? 40 : 20), f.v6, protocol);
    if (frame.size() < 60 && chance(50)) frame.resize(60, 0);   // padding as a card captures it
    return frame;
  }
  Frame segment(Flow& f, std::uint32_t seq, std::size_t n, unsigned flags) {
    Frame options;
    if (f.timestamps) {
      put(options, {1, 1, 8, 10});
      put32(options, f.clock);
      put32(options, 77);
    }
    Frame body = tcp_segment(seq, f.ack, flags, options, data(n));
    set16(body, 0, f.port);
    set16(body, 14, f.window);
    return packet(f, 6, body);
  }
  Frame datagram(Flow& f, std::size_t n) {
    Frame body = udp_segment(data(n));
    set16(body, 0, f.port);
    return packet(f, 17, body);
  }

  StreamOptions o_;
  Rng rng_;
  std::vector<Flow> flows_;
  std::vector<SentFrame> out_;
  std::int64_t at_ = 0;
  Frame last_;
};

}  // namespace

std::vector<SentFrame> random_streams(const StreamOptions& options) { return Generator(options).run(); }

void write_capture(const std::string& path, const std::vector<SentFrame>& frames) {
  const std::string temporary = path + "." + std::to_string(getpid());
  pcap_t* p = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262'144, PCAP_TSTAMP_PRECISION_NANO);
  pcap_dumper_t* out = pcap_dump_open(p, temporary.c_str());
  if (!out) throw std::runtime_error("cannot write " + temporary + ": " + pcap_geterr(p));
  for (const SentFrame& f : frames) {
    pcap_pkthdr h{};
    h.ts.tv_sec = f.at_ns / 1'000'000'000;
    h.ts.tv_usec = f.at_ns % 1'000'000'000;
    h.caplen = h.len = static_cast<bpf_u_int32>(f.bytes.size());
    pcap_dump(reinterpret_cast<u_char*>(out), &h, f.bytes.data());
  }
  const bool whole = pcap_dump_flush(out) == 0;
  pcap_dump_close(out);
  pcap_close(p);
  if (!whole || std::rename(temporary.c_str(), path.c_str()) != 0) throw std::runtime_error("cannot write " + path);
}

}  // namespace gd::test
