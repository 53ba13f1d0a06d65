// A frame of any content: parser, checksums, hash, split decision, rewriting, the ACK that answers it.
#include <memory>

#include "models/nic/split.h"
#include "models/packet/build.h"
#include "models/packet/checksum.h"
#include "models/packet/mac_control.h"
#include "models/packet/rewrite.h"
#include "models/packet/toeplitz.h"
#include "models/packet/vxlan.h"
#include "tests/fuzz/fuzz.h"

namespace gd::fuzz {
namespace headers {

using Block = std::unique_ptr<std::uint8_t[]>;
// A block of exactly `n` bytes.
Block copy(const std::uint8_t* from, std::size_t n) {
  Block b(new std::uint8_t[n]);
  if (n > 0) std::memcpy(b.get(), from, n);
  return b;
}

void check_parsed(const Parsed& p, std::uint32_t length) {
  must(p.length == length, "length");
  must(p.header_length <= length, "headers end behind the frame");
  must(p.payload_offset <= length && p.payload_length <= length - p.payload_offset, "payload ends behind the frame");
  must(p.l3 == L3::none || p.decode == Decode::truncated || p.decode == Decode::lengths || p.l2_length + p.l3_length <= length, "L3 ends behind the frame");
  must(p.l4 == L4::none || p.l2_length + p.l3_length + p.l4_length == p.header_length, "header lengths do not add up");
  must(!(p.is_fragment && p.l4 != L4::none), "L4 of a fragment");
  must(!p.pure_ack || (p.l4 == L4::tcp && p.payload_length == 0), "pure ACK with payload");
  must(p.vlan_tags <= 2, "tags");
}

void check_split(const Parsed& p, Input& in) {
  nic::SplitInput s;
  s.mode = static_cast<SplitMode>(in.byte() % 3);
  s.header_buffer = in.word() % 2048;
  s.threshold = in.word() % 2048;
  s.length = p.length;
  s.header_length = p.header_length;
  s.decodable = p.ok() || p.decode == Decode::protocol;
  s.has_payload = p.payload_length > 0;
  const nic::SplitDecision d = nic::split(s);
  must(d.to_header <= p.length, "more into the header buffer than the frame has");
  must(d.to_header <= s.header_buffer, "header buffer overrun");
  must(d.header_length <= nic::kMaxHeaderLength, "HDR_LEN");
  must(s.mode != SplitMode::off || d.to_header == 0, "split although off");
  must(d.kind != nic::SplitKind::clean || d.to_header == p.header_length, "a clean split cuts behind the headers");
}

// A rewrite keeps good checksums good, and writes no byte outside its block.
void check_rewrite(const std::uint8_t* frame, const Parsed& p, Rewrite kind) {
  if (!rewrite_applies(kind, p)) return;
  const int growth = rewrite_growth(kind, p);
  const Block old = copy(frame, p.header_length);
  const std::size_t new_head = static_cast<std::size_t>(p.header_length + growth);
  const Block head(new std::uint8_t[new_head]);
  std::memset(head.get(), 0, new_head);
  rewrite_headers(head.get(), old.get(), p, kind, {}, false);
  const ByteRange range = rewrite_range(kind, p);
  must(range.from <= range.to && range.to <= new_head, "range of a rewrite");
  const std::size_t rest = p.length - p.header_length, total = new_head + rest;
  Block whole(new std::uint8_t[total]);
  std::memcpy(whole.get(), head.get(), new_head);
  std::memcpy(whole.get() + new_head, frame + p.header_length, rest);
  const Parsed q = parse(whole.get(), static_cast<std::uint32_t>(total));
  check_parsed(q, static_cast<std::uint32_t>(total));
  if (kind == Rewrite::encapsulate) {
    must(total - ether::kHeader > 65535 || csum::check_l3(whole.get(), q) == csum::Checked::good, "outer header's checksum");
    must(std::memcmp(whole.get() + vxlan::kOuter, frame, p.length) == 0, "the inner frame changed");
    return;
  }
  if (kind == Rewrite::vlan_push && p.vlan_tags == 2) return;   // a third tag is not understood
  must(q.l3 == p.l3 && q.l4 == p.l4, "a rewrite changed the protocol");
  must(csum::check_l3(whole.get(), q) == csum::check_l3(frame, p), "L3 checksum's verdict changed");
  must(csum::check_l4(whole.get(), q) == csum::check_l4(frame, p), "L4 checksum's verdict changed");
}

void check_ack(const std::uint8_t* frame, const Parsed& p) {
  std::uint8_t out[kMaxAck];
  const std::uint32_t n = build_tcp_ack(out, frame, p, {1, p.seq + p.payload_length, 65535, 7});
  must(n <= kMaxAck, "a longer ACK than there can be");
  must(n != 0 || p.l4 != L4::tcp, "no ACK for TCP");
  if (n == 0) return;
  const Parsed a = parse(out, n);
  must(a.ok() && a.pure_ack && a.ack == p.seq + p.payload_length, "an ACK that is none");
  must(csum::check_l3(out, a) != csum::Checked::bad && csum::check_l4(out, a) == csum::Checked::good, "an ACK's checksums");
}

}  // namespace headers
}  // namespace gd::fuzz

GD_FUZZ_TARGET(headers) {
  using namespace gd;
  using namespace gd::fuzz;
  using namespace gd::fuzz::headers;
  Input in(data, size);
  Input choices(data, size < 8 ? size : 8);
  std::size_t skipped, length;
  in.bytes(8, skipped);
  const std::uint8_t* from = in.bytes(65536 + 64, length);
  const Block block = copy(from, length);
  const std::uint8_t* frame = block.get();
  const auto n = static_cast<std::uint32_t>(length);
  const Parsed p = parse(frame, n);
  check_parsed(p, n);
  check_split(p, choices);
  pause_quanta(frame, n);
  static const Toeplitz toeplitz;
  const RssHash hash = toeplitz.hash(frame, p, {true, true, true, true, true, true});
  must(hash.type != RssType::none || hash.value == 0, "a hash of nothing");
  vxlan::to_tunnel(frame, n, p);
  csum::check_l3(frame, p);
  csum::check_l4(frame, p);
  // A shorter piece of the frame is understood no further than the whole.
  if (n > 0) {
    const std::uint32_t shorter = choices.word() % n;
    const Block piece = copy(frame, shorter);
    const Parsed q = parse(piece.get(), shorter);
    check_parsed(q, shorter);
    must(q.header_length <= p.header_length || p.decode == Decode::lengths, "more headers in a piece than in the whole");
  }
  for (const Rewrite r : {Rewrite::mac, Rewrite::ttl, Rewrite::nat, Rewrite::vlan_push, Rewrite::vlan_pop, Rewrite::encapsulate})
    check_rewrite(frame, p, r);
  check_ack(frame, p);
  const Block sealed = copy(frame, n);
  if (csum::complete_l4(sealed.get(), n)) must(csum::check_l4(sealed.get(), p) == csum::Checked::good, "completed, and not good");
}
