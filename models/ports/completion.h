// Completion queues: entries apart from the descriptors, as cards of the mlx5 family write them.
//
// An entry is 64 bytes, or the last 64 of 128. Bytes 15:0 hold the write-back as in RxDescriptor, byte 63 the owner bit (bit
// 0), which the card toggles each time round, and bit 1: the entry is the title of a compressed session. A session of n
// completions fills the places of n entries: the title, which is the first completion and tells n - 1 in bytes 57:56, then in
// every eighth place from the next one on 8 mini-completions of 8 bytes (bytes 3:0 RSS hash, 5:4 length, 7 owner bit). What a
// mini-completion does not tell is the title's. The places between are not written: the driver gives them the owner bit of
// this round when it has read the session, as they would else be taken for new entries one round later.
//
// Source: sizes and grouping, mlx5_prm.h and DPDK commit 99c12dcc (64 or 128 B; a title of 64 B and arrays of 8 x 8 B); the
// places of fields are our own.
#pragma once
#include <cstring>

#include "models/ports/nic_port.h"

namespace gd::completion {

constexpr Bytes kEntry = 64;                       // bytes of an entry that carry something
constexpr std::uint32_t kMinis = 8;                // mini-completions of a place
constexpr Bytes kMini = 8, kCount = 56, kOwner = 63;
constexpr std::uint8_t kPhase = 1, kTitle = 2;

// Whether a mini-completion can tell `w` beside `title`: all but hash and packet length are equal.
inline bool fits(const RxWriteback& title, const RxWriteback& w) {
  RxWriteback x = w;
  x.rss_hash = title.rss_hash;
  x.packet_length = title.packet_length;
  return RxDescriptor::encode(x) == RxDescriptor::encode(title);
}

// `out`: kEntry bytes. `minis` = 0: an entry by itself.
inline void encode(std::uint8_t* out, const std::uint64_t (&q)[2], std::uint32_t minis, bool phase) {
  std::memset(out, 0, kEntry);
  std::memcpy(out, q, 16);
  const auto n = static_cast<std::uint16_t>(minis);
  std::memcpy(out + kCount, &n, 2);
  out[kOwner] = static_cast<std::uint8_t>((phase ? kPhase : 0) | (minis ? kTitle : 0));
}

// `out`: kMini bytes.
inline void encode_mini(std::uint8_t* out, const RxWriteback& w, bool phase) {
  std::memset(out, 0, kMini);
  std::memcpy(out, &w.rss_hash, 4);
  std::memcpy(out + 4, &w.packet_length, 2);
  out[kMini - 1] = phase ? kPhase : 0;
}

struct Entry {
  RxWriteback writeback;
  std::uint32_t minis = 0;     // that follow
  bool phase = false;
};
inline Entry decode(const std::uint8_t* in) {
  std::uint64_t q[2];
  std::uint16_t n;
  std::memcpy(q, in, 16);
  std::memcpy(&n, in + kCount, 2);
  Entry e;
  e.writeback = RxDescriptor::decode(q[0], q[1]);
  e.phase = in[kOwner] & kPhase;
  e.minis = in[kOwner] & kTitle ? n : 0;
  return e;
}

inline RxWriteback decode_mini(const std::uint8_t* in, const RxWriteback& title) {
  RxWriteback w = title;
  std::memcpy(&w.rss_hash, in, 4);
  std::memcpy(&w.packet_length, in + 4, 2);
  return w;
}

// Places of a session from its title: the array that holds mini-completion `i`, and its bytes there.
constexpr std::uint32_t array_place(std::uint32_t i) { return 1 + i / kMinis * kMinis; }
constexpr Bytes mini_offset(std::uint32_t i) { return i % kMinis * kMini; }

}  // namespace gd::completion
