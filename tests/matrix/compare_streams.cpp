// The judge of tests/matrix/streams.h: reads both sides with models/packet, which is tested apart.
#include <deque>
#include <map>

#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/packet/parse.h"
#include "tests/matrix/streams.h"

namespace gd::test {
namespace {

Parsed parsed(const Frame& f) { return parse(f.data(), static_cast<std::uint32_t>(f.size())); }

// Tag, addresses, protocol and ports: what frames of one connection have in common.
std::string flow_of(const Frame& f, const Parsed& p) {
  const std::uint32_t at = p.l3_offset() + (p.l3 == L3::ipv6 ? ip6::kSrc : ip4::kSrc), n = p.l3 == L3::ipv6 ? 32 : 8;
  std::string key(f.begin() + at, f.begin() + at + n);
  key.append(std::to_string(p.vlan_tci)).append("/").append(std::to_string(p.protocol));
  return key.append("/").append(std::to_string(p.src_port)).append("/").append(std::to_string(p.dst_port));
}

std::string describe(const Frame& f) {
  const Parsed p = parsed(f);
  std::string text = std::to_string(f.size()) + " B, port " + std::to_string(p.src_port);
  if (p.l4 == L4::tcp) text += ", seq " + std::to_string(p.seq) + ", flags " + std::to_string(p.flags);
  return text + ", payload " + std::to_string(p.payload_length) + " B";
}

std::string checksums(const Frame& f, const Parsed& p) {
  if (csum::check_l3(f.data(), p) == csum::Checked::bad) return "the IP header's checksum is wrong";
  if (csum::check_l4(f.data(), p) != csum::Checked::good) return "the TCP or UDP checksum is wrong";
  return "";
}

// The frames at the front of `queue` that carry `payload` bytes, as one packet; empty when no whole number of them does.
Frame merged(const std::deque<const Frame*>& queue, std::uint32_t payload, std::size_t& count) {
  Frame whole(queue.front()->begin(), queue.front()->begin() + parsed(*queue.front()).header_length);
  const Parsed first = parsed(whole);
  const std::size_t header = whole.size();
  unsigned flags = 0;
  count = 0;
  while (count < queue.size() && whole.size() - header < payload) {
    const Frame& f = *queue[count++];
    const Parsed p = parsed(f);
    whole.insert(whole.end(), f.begin() + p.payload_offset, f.begin() + p.payload_offset + p.payload_length);
    flags |= p.flags & (tcp::kFin | tcp::kPsh);
  }
  if (whole.size() - header != payload) return {};
  whole[first.l4_offset() + tcp::kFlags] |= static_cast<std::uint8_t>(flags);
  const std::size_t l3 = first.l3_offset();
  if (first.l3 == L3::ipv6) {
    set16(whole, l3 + ip6::kPayloadLength, static_cast<unsigned>(whole.size() - l3 - ip6::kHeader));
  } else {
    set16(whole, l3 + ip4::kTotalLength, static_cast<unsigned>(whole.size() - l3));
    set16(whole, l3 + ip4::kCheck, 0);
    set16(whole, l3 + ip4::kCheck, ~naive_sum(&whole[l3], ip4::kHeader) & 0xffff);
  }
  seal(whole, l3, first.l4_offset(), first.l3 == L3::ipv6, first.protocol);
  return whole;
}

std::string first_difference(const Frame& got, const Frame& want) {
  if (got.size() != want.size()) return "has " + std::to_string(got.size()) + " B instead of " + std::to_string(want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i] != want[i])
      return "differs from byte " + std::to_string(i) + " on: " + std::to_string(got[i]) + " instead of " + std::to_string(want[i]);
  return "";
}

}  // namespace

std::string compare_streams(const std::vector<SentFrame>& sent, const std::vector<std::string>& handed_up) {
  std::map<std::string, std::deque<const Frame*>> flows;
  for (const SentFrame& s : sent) flows[flow_of(s.bytes, parsed(s.bytes))].push_back(&s.bytes);
  for (std::size_t i = 0; i < handed_up.size(); ++i) {
    const Frame got(handed_up[i].begin(), handed_up[i].end());
    const Parsed p = parsed(got);
    const std::string which = "packet " + std::to_string(i + 1) + " (" + describe(got) + ") ";
    if (!p.ok()) return which + "cannot be parsed";
    const auto flow = flows.find(flow_of(got, p));
    if (flow == flows.end()) return which + "belongs to no flow that was sent";
    auto& queue = flow->second;
    if (queue.empty()) return which + "comes after the last of its flow";
    if (const std::string bad = checksums(got, p); !bad.empty()) return which + bad;
    if (got == *queue.front()) {
      queue.pop_front();
      continue;
    }
    const std::string next = "; next of its flow is " + describe(*queue.front());
    if (p.l4 != L4::tcp || p.payload_length == 0) return which + first_difference(got, *queue.front()) + next;
    std::size_t count = 0;
    const Frame want = merged(queue, p.payload_length, count);
    if (want.empty()) return which + "has no whole number of the segments sent" + next;
    if (got != want) return which + "is not " + std::to_string(count) + " segments merged: " + first_difference(got, want) + next;
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
  }
  for (const auto& [key, queue] : flows)
    if (!queue.empty()) return std::to_string(queue.size()) + " frames did not arrive, the first: " + describe(*queue.front());
  return "";
}

}  // namespace gd::test
