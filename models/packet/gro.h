// The rules of generic receive offload as pure logic on real header bytes: which TCP segment joins which held packet,
// what is flushed, when and why, and what the merged packet's headers say.
//
// Modelled: the rule sets of Linux 2.6.35 and of a 2026 Linux 6 (net/core/gro.c, af_inet, ip6_offload, tcp_offload,
// vlan_core, udp_offload): pre-screen, IPv4, IPv6 with extension headers, in-band VLAN, TCP, closing rules, size limit,
// eviction, flush order, completion. UDP is merged only when the table is told so (linux_6; in the kernel by a UDP_GRO
// socket or the device feature rx-udp-gro-forwarding): in segment mode, in order of arrival. Not modelled: encapsulation,
// fraglist mode, per-device limits above 64 KiB.
// Not here: where the bytes lie. How a segment is chained (frags, frag_list) is the caller's business; it tells the
// table how many fragment slots a segment needs and an entry has left.
#pragma once
#include <cstdint>

#include "models/packet/checksum.h"
#include "models/packet/parse.h"

namespace gd {

enum class GroRules : std::uint8_t { linux_2_6_35, linux_6 };

enum class GroVerdict : std::uint8_t {
  held,     // a new entry of the table
  merged,   // joined the entry of GroResult::into (which may have been flushed by it)
  normal    // to be passed up now, after what GroResult lists as flushed
};

// Why an entry left the table, or why a segment was passed up without being held.
enum class GroReason : std::uint8_t {
  none,
  closing_flags,     // FIN, PSH, SYN, RST or URG
  short_segment,     // shorter than the aggregate's segments: closes it
  larger_segment,    // longer than the aggregate's segments
  out_of_order,      // sequence number is not the next
  header_mismatch,   // ACK number, flags, window, options, TTL, TOS, DF, IP id
  size_limit,        // the packet, with a tag in the frame, would reach 64 KiB, or 64 UDP datagrams are together
  no_room,           // no fragment slots left (Linux 2.6.35), or more buffers than the receiver takes of a packet
  pure_ack,          // no payload
  length_mismatch,   // IP length field differs from the frame's, DF clear (2.6.35) or fragment bits
  evicted,           // the oldest of a full bucket (linux_6)
  table_full,        // (normal only) the segment is passed up because 8 are held (linux_2_6_35)
  complete,          // end of the poll
  timeout,           // older than the tick at the end of a poll
  no_handler,        // (normal only) protocol that is not merged, IP options, fragment, bad IPv4 header checksum, header too long
  bad_checksum,      // (normal only) L4 checksum wrong, or not verified by the NIC (2.6.35)
  full_poll,         // the poll's budget is used up (linux_6 with HZ below 1000)
  already_merged,    // a GSO packet, merged by someone else before: closes its flow's entry and is never merged
  other_memory,      // one lies in pages of the host, of which its receiver gets a copy, the other in the receiver's memory
  count_
};
const char* gro_reason_name(GroReason r);

constexpr unsigned kGroBuckets = 8, kGroPerBucket = 8, kGroMaxEntries = kGroBuckets * kGroPerBucket;
constexpr unsigned kGroUdpSegments = 64;  // datagrams in one merged packet
constexpr unsigned kGroHeaderMax = 192;   // bytes of headers that an entry keeps; longer ones are not held

// An arriving packet.
struct GroSegment {
  const std::uint8_t* frame = nullptr;   // from the Ethernet header on
  std::uint32_t contiguous = 0;          // bytes readable at `frame`, at least parsed->header_length
  const Parsed* parsed = nullptr;        // of the whole frame; parsed->length includes padding
  void* owner = nullptr;                 // the caller's skb, given back in results
  std::uint32_t device = 0;
  std::uint32_t rx_hash = 0;             // as the NIC gave it, 0 when it gives none
  std::uint16_t vlan_tci = 0;            // stripped tag
  bool vlan_stripped = false;
  bool verified = false;                 // the NIC found the L4 checksum right
  bool gso = false;                      // merged before, by a host or a device: dodgy GSO
  // Lies in pages of the host because its receiver had none. Packets of both kinds of memory are not merged: a copy would need buffers
  // for bytes that have theirs (Linux keeps a device's memory apart likewise: skb_frags_readable in tcp_gro_receive).
  bool host_pages = false;
  // Truth about the checksum, asked for only when not verified. `none` lets the table compute it, which needs the whole
  // frame to be contiguous.
  csum::Checked checksum = csum::Checked::none;
  // Fragment slots that merging takes; 0: the payload is linear and is chained as a frag_list member.
  std::uint16_t frags = 1;
  // Receive buffers that the packet takes of whoever gets it: its own, and of those what a merge adds (GroTable's most_buffers).
  std::uint16_t buffers = 0, payload_buffers = 0;
};

// What is known of a packet that leaves the table.
struct GroInfo {
  std::uint32_t payload = 0;     // bytes of all segments
  std::uint32_t ip_length = 0;   // from the network header to the end of the last segment
  std::uint16_t segments = 0;
  std::uint16_t segment_payload = 0;   // of the first: gso_size
  std::uint16_t l3_offset = 0, l4_offset = 0, header_length = 0;   // from the Ethernet header
  std::uint8_t flags = 0;        // TCP flags of the merged header: the first segment's, and FIN and PSH of all
  bool ipv6 = false;
  bool udp = false;
  bool fixed_id = false;
  bool same_cwr = false;         // linux_6: CWR stands in all segments or in none
};

struct GroFlushed {
  void* owner = nullptr;
  GroReason reason = GroReason::none;
  GroInfo info;
};

struct GroResult {
  GroVerdict verdict = GroVerdict::normal;
  GroReason reason = GroReason::none;   // why `normal`
  void* into = nullptr;                 // owner of the entry joined, when merged
  bool first_chained = false;           // linux_2_6_35: this linear merge turns the entry into head + frag_list
  std::uint32_t header_length = 0;      // bytes parsed, from the Ethernet header on: what HELD and NORMAL pull
  unsigned flushed_count = 0;
  GroFlushed flushed[2];                // in the order of delivery, before the segment itself when it is `normal`
  // Work done, for costs.
  std::uint32_t compared = 0;           // entries pre-screened
  std::uint32_t matched = 0;            // entries that passed it: the protocol handlers compare their headers
  std::uint32_t header_bytes = 0;       // bytes of this packet's headers that were read
  std::uint32_t summed_bytes = 0;       // bytes that a software checksum read (0 when verified)
};

// Metadata of a completed packet, in the terms of sk_buff and of the virtio-net header.
struct GroMeta {
  std::uint16_t gso_size = 0;   // 0: an ordinary packet, headers untouched
  std::uint16_t gso_segments = 1;
  bool udp = false;             // gso_type UDP_L4
  bool tcp6 = false;            // gso_type TCPV6 instead of TCPV4
  bool ecn = false;             // CWR set in the merged header
  bool accecn = false;          // and in every segment (SKB_GSO_TCP_ACCECN), not in the first alone (SKB_GSO_TCP_ECN)
  bool fixed_id = false;
  bool needs_csum = false;      // checksum field holds the pseudo header's sum only
  std::uint16_t header_length = 0;   // L2 + L3 + L4
  std::uint16_t csum_start = 0;      // from the Ethernet header
  std::uint16_t csum_offset = 0;
};

class GroTable {
 public:
  // `udp`: UDP segments are merged; no effect with linux_2_6_35. `most_buffers`: of a merged packet (GroSegment::buffers).
  explicit GroTable(GroRules rules, bool udp = false, std::uint32_t most_buffers = UINT32_MAX) : rules_(rules), udp_(udp), most_buffers_(most_buffers) {}
  GroRules rules() const { return rules_; }

  // How many of the packet's first bytes its protocol handlers read (what must be reachable before receive()).
  std::uint32_t reads(const GroSegment& s) const;
  // Takes one packet. `tick`: coarse time (jiffies) that entries remember as their age.
  GroResult receive(const GroSegment& s, std::int64_t tick);
  // Fragment slots that the entry of `owner` has left (default: no limit). Only linux_2_6_35 refuses for it; a newer
  // kernel goes on in a frag_list member. No effect when the owner holds no entry.
  void set_room(const void* owner, std::uint16_t slots);
  // The entry's owner becomes another skb (2.6.35 puts a new head before a linear aggregate).
  void replace_owner(const void* owner, void* by);
  // End of a poll: all entries leave, in the order of the rule set: buckets ascending and oldest first (linux_6), newest
  // first (linux_2_6_35). `out` has room for `most`: no more leave in this call. Returns how many.
  unsigned flush_all(GroFlushed* out, GroReason reason = GroReason::complete, unsigned most = kGroMaxEntries);
  // The entries held since before `tick` leave, in the same order.
  unsigned flush_older(std::int64_t tick, GroFlushed* out, GroReason reason = GroReason::timeout, unsigned most = kGroMaxEntries);
  unsigned held() const { return held_; }

 private:
  struct Entry {
    void* owner = nullptr;
    GroInfo info;
    std::int64_t tick = 0;
    std::uint32_t hash = 0, device = 0, first_seq = 0;
    std::uint16_t vlan_tci = 0, room = UINT16_MAX, buffers = 0;
    bool vlan_stripped = false, chained = false;   // chained: has a frag_list
    bool host_pages = false;
    std::uint8_t header[kGroHeaderMax];
  };
  struct Bucket {
    std::uint8_t order[kGroPerBucket] = {0, 1, 2, 3, 4, 5, 6, 7};   // slots, newest first; those after `count` are free
    std::uint8_t count = 0;
    Entry entry[kGroPerBucket];
  };
  // The arriving packet as the protocol handlers see it; offsets from the Ethernet header.
  struct Head {
    const GroSegment& s;
    std::uint32_t l3, l4, length;   // length: all headers
    std::uint32_t payload;          // everything after the headers, padding included
    bool l3_flush;                  // a condition of the IP header forbids merging
    bool udp;
  };
  bool old() const { return rules_ == GroRules::linux_2_6_35; }
  Bucket& bucket_of(const GroSegment& s) { return buckets_[old() ? 0 : s.rx_hash % kGroBuckets]; }
  // gro_match.cpp: the handlers. decode() returns why the packet bypasses the table, or none.
  GroReason decode(Head& h, GroResult& r) const;
  GroReason verify(const Head& h, GroResult& r) const;
  GroReason decode_udp(Head& h) const;
  bool screened(const Entry& e, const Head& h) const;
  bool same_flow(const Entry& e, const Head& h) const;
  bool same_network_flow(const Entry& e, const Head& h) const;
  bool network_differs(Entry& e, const Head& h) const;
  GroReason refusal(Entry& e, const Head& h) const;
  // With `h`'s payload, as skb->len counts: from behind the Ethernet header, a tag that was left in the frame included.
  static std::uint32_t merged_length(const Entry& e, const Head& h);
  GroReason refusal_udp(const Entry& e, const Head& h, bool differs) const;
  // gro.cpp: the table.
  void merge(Entry& e, const Head& h, GroResult& r);
  void insert(Bucket& b, const Head& h, std::int64_t tick, GroResult& r);
  std::uint32_t bit(const Bucket& b) const { return 1u << (&b - buckets_); }
  void remove(Bucket& b, unsigned place, GroReason reason, GroFlushed& out);
  Entry* entry_of(const void* owner);
  unsigned flush(std::int64_t before, GroReason reason, GroFlushed* out, unsigned most);

  GroRules rules_;
  bool udp_;
  std::uint32_t most_buffers_;
  unsigned held_ = 0;
  std::uint32_t filled_ = 0;   // a bit for each bucket that holds something
  Bucket buckets_[kGroBuckets];
};

// Writes what completion writes into a merged packet's headers: lengths, the IPv4 checksum (incrementally), merged TCP
// flags, and the pseudo header's sum in the TCP checksum field. `header`: the first segment's headers from the Ethernet
// header on, info.header_length bytes. UDP: the length field, and the sum likewise. A packet of one segment is left as it is.
GroMeta gro_complete(std::uint8_t* header, const GroInfo& info);

}  // namespace gd
