// A capture file in memory: frames, time stamps, and what must change in each when the file is played again.
//
// Read by libpcap: pcap and pcapng, micro- and nanosecond stamps, Ethernet. Refused with the file's name: missing,
// truncated, empty, without frames, not a capture, another link type, a frame cut by the snap length (with its number,
// from 1 as Wireshark counts), a frame shorter than an Ethernet header.
//
// Repetition n adds n times a delta to: IPv4 ids (per flow; all fragments between two addresses share one delta), TCP
// sequence numbers (per direction, by the sequence space that one pass covers, SYN and FIN counting one), TCP
// acknowledgement numbers and SACK edges (the other direction's delta, or the range of this direction's own
// acknowledgements when the other was not captured), TCP timestamps likewise. Checksums are updated incrementally
// (RFC 1624), so that a wrong one stays as wrong as it was. Not changed: IPv6 fragment ids, what lies inside tunnels,
// TCP headers inside fragments.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/units.h"

namespace gd {

class Capture {
 public:
  struct Record {
    std::uint64_t at = 0;               // in the store
    std::uint64_t offset = 0;           // TCP: sequence number since the flow's lowest; else payload bytes before it
    Time stamp = 0;                     // since the first frame, never decreasing
    std::uint32_t length = 0;           // as captured, without FCS
    std::uint32_t flow = 0;
    std::uint32_t payload_length = 0;
    std::uint32_t patch = 0;            // first of `patches` in the patch list
    std::uint16_t payload_offset = 0;
    std::uint16_t l3_check = 0, l4_check = 0;   // offsets of the checksums that patches touch; 0: none
    std::uint16_t patched = 0;          // bytes from the start that a repetition may change
    std::uint8_t patches = 0;
    bool bad_checksum = false;          // L3 or L4, by real verification
  };

  // Reads `path`. With `dst_mac` every unicast frame's destination becomes that address. Throws UserError.
  static Capture load(const std::string& path, std::optional<std::uint64_t> dst_mac = std::nullopt);

  const std::vector<Record>& records() const { return records_; }
  // Bytes of a record as loaded (first pass).
  const std::uint8_t* bytes(const Record& r) const { return store_.data() + r.at; }
  // Changes out[0 .. r.patched), a copy of those bytes of the record, into repetition `loop`.
  void advance(std::uint8_t* out, const Record& r, std::uint32_t loop) const;
  // Offset of the record's payload in repetition `loop`.
  std::uint64_t offset(const Record& r, std::uint32_t loop) const { return r.offset + loop * flow_bytes_[r.flow]; }
  std::uint32_t flows() const { return static_cast<std::uint32_t>(flow_bytes_.size()); }
  std::uint32_t longest() const { return longest_; }
  std::uint32_t longest_patched() const { return longest_patched_; }
  // From the first stamp to the last.
  Time duration() const { return records_.back().stamp; }

 private:
  friend class CaptureIndex;
  struct Patch {
    std::uint16_t at = 0;
    bool wide = false;       // 32 bits, else 16
    bool l3 = false;         // covered by the L3 checksum, else by L4's
    bool odd = false;        // at an odd offset of what the checksum covers
    std::uint32_t delta = 0;
  };
  std::vector<std::uint8_t> store_;
  std::vector<Record> records_;
  std::vector<Patch> patches_;
  std::vector<std::uint64_t> flow_bytes_;   // stream bytes that one pass adds, by flow
  std::uint32_t longest_ = 0, longest_patched_ = 0;
};

}  // namespace gd
