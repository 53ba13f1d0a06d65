// Random streams of TCP and UDP segments as a wire would bring them, and what a guest may make of them.
//
// Streams: a few flows over IPv4 and IPv6, some inside a VLAN, with and without TCP timestamps, in bursts of back-to-back
// frames. TCP flows have segments of equal and of odd sizes, PSH, FIN, URG, ECE and CWR, pure ACKs, changed windows,
// acknowledgement numbers, TTLs and IP ids, now and then SYN or RST beside data, gaps, repeated and swapped segments, Ethernet padding. What the rules of
// 2.6.35 count to the flow's key (TOS; of IPv6 the hop limit) stays the same within a flow, because frames of one
// connection with another key may overtake each other there. Not made: fragments, IP options and wrong checksums, which
// bypass GRO and may overtake what it holds.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tests/packet/frames.h"

namespace gd::test {

struct SentFrame {
  Frame bytes;               // from the destination MAC on, without FCS
  std::int64_t at_ns = 0;    // never decreasing; equal stamps go back to back
};

struct StreamOptions {
  std::uint64_t seed = 1;
  unsigned frames = 300;
  unsigned disorder = 25;    // per cent of TCP segments that are not simply the next full one
  unsigned mtu = 1500;
};

std::vector<SentFrame> random_streams(const StreamOptions& options);

// Writes a pcap with nanosecond stamps; `path` is replaced as a whole. Throws std::runtime_error.
void write_capture(const std::string& path, const std::vector<SentFrame>& frames);

// Judges what a guest's driver handed up against what was sent, without drops. Each packet must be the next frame of its
// flow byte for byte, or the next few merged into one: their payloads in order, the first one's headers with the lengths
// and checksums of the whole, and with PSH and FIN of any. "" when all is well and every frame has arrived, else what is
// wrong first.
std::string compare_streams(const std::vector<SentFrame>& sent, const std::vector<std::string>& handed_up);

}  // namespace gd::test
