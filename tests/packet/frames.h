// Frames put together byte by byte for tests, with checksums from a naive sum: an oracle apart from the code under test.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace gd::test {

using Frame = std::vector<std::uint8_t>;

inline void put(Frame& f, std::initializer_list<unsigned> bytes) {
  for (unsigned b : bytes) f.push_back(static_cast<std::uint8_t>(b));
}
inline void put16(Frame& f, unsigned v) { put(f, {v >> 8 & 0xff, v & 0xff}); }
inline void put32(Frame& f, std::uint32_t v) {
  put16(f, v >> 16);
  put16(f, v & 0xffff);
}
inline void set16(Frame& f, std::size_t at, unsigned v) {
  f[at] = static_cast<std::uint8_t>(v >> 8);
  f[at + 1] = static_cast<std::uint8_t>(v);
}
inline void append(Frame& f, const Frame& g) { f.insert(f.end(), g.begin(), g.end()); }

// RFC 1071, word by word.
inline unsigned naive_sum(const std::uint8_t* p, std::size_t n, unsigned start = 0) {
  std::uint64_t s = start;
  for (std::size_t i = 0; i < n; ++i) s += i & 1 ? p[i] : p[i] << 8;
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return static_cast<unsigned>(s);
}

inline Frame ethernet(unsigned type, std::initializer_list<unsigned> tags = {}) {
  Frame f;
  put(f, {0xaa, 0, 0, 0, 0, 1, 0xaa, 0, 0, 0, 0, 2});
  for (unsigned t : tags) {
    put16(f, t >> 16);
    put16(f, t & 0xffff);
  }
  put16(f, type);
  return f;
}

struct Ip4 {
  unsigned protocol = 6, id = 7, fragment = 0x4000, ttl = 64, tos = 0;
  Frame options;
  unsigned total = 0;   // 0: right
};
// Appends an IPv4 header for `body` and the body. 10.0.0.1 -> 10.0.0.2.
inline Frame ip4_packet(Frame f, const Ip4& o, const Frame& body) {
  const std::size_t at = f.size();
  const unsigned header = 20 + static_cast<unsigned>(o.options.size());
  put(f, {0x40 | header / 4, o.tos});
  put16(f, o.total ? o.total : header + static_cast<unsigned>(body.size()));
  put16(f, o.id);
  put16(f, o.fragment);
  put(f, {o.ttl, o.protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2});
  append(f, o.options);
  set16(f, at + 10, ~naive_sum(&f[at], header) & 0xffff);
  append(f, body);
  return f;
}
// Appends an IPv6 header. `ext`: extension headers as bytes, first one of type `next`.
inline Frame ip6_packet(Frame f, unsigned next, const Frame& ext, const Frame& body) {
  put32(f, 6u << 28);
  put16(f, static_cast<unsigned>(ext.size() + body.size()));
  put(f, {next, 64});
  for (unsigned end : {1u, 2u}) put(f, {0xfd, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end});
  append(f, ext);
  append(f, body);
  return f;
}

inline Frame payload(std::size_t n) {
  Frame f;
  for (std::size_t i = 0; i < n; ++i) f.push_back(static_cast<std::uint8_t>(i * 37 + 11));
  return f;
}
inline unsigned pseudo_sum(const Frame& f, std::size_t l3, bool v6, unsigned protocol, std::size_t len) {
  const unsigned start = naive_sum(&f[l3 + (v6 ? 8 : 12)], v6 ? 32 : 8);
  return start + protocol + static_cast<unsigned>(len & 0xffff) + static_cast<unsigned>(len >> 16);
}

// A TCP segment without checksum; ports 1500 -> 8000.
inline Frame tcp_segment(std::uint32_t seq, std::uint32_t ack, unsigned flags, const Frame& options, const Frame& data) {
  Frame s;
  put16(s, 1500);
  put16(s, 8000);
  put32(s, seq);
  put32(s, ack);
  put(s, {(20 + static_cast<unsigned>(options.size())) / 4 << 4, flags});
  put16(s, 4321);
  put32(s, 0);
  append(s, options);
  append(s, data);
  return s;
}
inline Frame udp_segment(const Frame& data) {
  Frame s;
  put16(s, 1500);
  put16(s, 8000);
  put16(s, 8 + static_cast<unsigned>(data.size()));
  put16(s, 0);
  append(s, data);
  return s;
}
// Fills in the checksum of the L4 segment that begins at `l4` and ends with the frame.
inline void seal(Frame& f, std::size_t l3, std::size_t l4, bool v6, unsigned protocol) {
  const std::size_t at = l4 + (protocol == 6 ? 16 : 6);
  set16(f, at, 0);
  unsigned c = ~naive_sum(&f[l4], f.size() - l4, pseudo_sum(f, l3, v6, protocol, f.size() - l4)) & 0xffff;
  if (protocol == 17 && c == 0) c = 0xffff;
  set16(f, at, c);
}

inline Frame tcp4_frame(std::size_t data, std::uint32_t seq = 100, unsigned flags = 0x10, const Frame& options = {}) {
  Frame f = ip4_packet(ethernet(0x0800), {}, tcp_segment(seq, 200, flags, options, payload(data)));
  seal(f, 14, 34, false, 6);
  return f;
}
inline Frame udp4_frame(std::size_t data) {
  Ip4 o;
  o.protocol = 17;
  Frame f = ip4_packet(ethernet(0x0800), o, udp_segment(payload(data)));
  seal(f, 14, 34, false, 17);
  return f;
}
inline Frame tcp6_frame(std::size_t data, unsigned next = 6, const Frame& ext = {}) {
  Frame f = ip6_packet(ethernet(0x86dd), next, ext, tcp_segment(100, 200, 0x10, {}, payload(data)));
  seal(f, 14, 54 + ext.size(), true, 6);
  return f;
}

}  // namespace gd::test
