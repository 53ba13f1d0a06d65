// Frames of the cases in tests/data/gro_cases.json (facts of the kernel's GRO selftest).
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/packet/frames.h"

namespace gd::test {

using nlohmann::json;

inline Frame from_hex(const std::string& s) {
  Frame f;
  for (std::size_t i = 0; i + 1 < s.size(); i += 2) f.push_back(static_cast<std::uint8_t>(std::stoul(s.substr(i, 2), nullptr, 16)));
  return f;
}
inline unsigned flag_bits(const json& names) {
  static const char* const order[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  unsigned v = 0;
  for (const auto& n : names)
    for (unsigned i = 0; i < 8; ++i)
      if (n == order[i]) v |= 1u << i;
  return v;
}
// A checksum made wrong by `delta` in the little-endian reading of the field.
inline void spoil(Frame& f, std::size_t at, int delta) {
  const unsigned v = (f[at] | f[at + 1] << 8) + static_cast<unsigned>(delta);
  f[at] = static_cast<std::uint8_t>(v);
  f[at + 1] = static_cast<std::uint8_t>(v >> 8);
}

inline Frame build(const json& p, bool v6) {
  const std::size_t size = p.at("payload_len");
  const auto byte = static_cast<std::uint8_t>(std::stoul(p.at("payload_byte").get<std::string>(), nullptr, 16));
  const Frame options = from_hex(p.at("tcp_options_hex"));
  Frame tcp;
  put16(tcp, p.at("sport"));
  put16(tcp, p.at("dport"));
  put32(tcp, p.at("seq"));
  put32(tcp, p.at("ack"));
  put(tcp, {p.at("doff").get<unsigned>() << 4, flag_bits(p.at("flags"))});
  put16(tcp, p.at("window"));
  put32(tcp, 0);
  append(tcp, options);
  const std::size_t covered = p.value("tcp_checksum_covers_payload_len", size);

  Frame f = ethernet(v6 ? 0x86dd : 0x0800);
  Frame ext;
  if (v6) {
    unsigned next = 6;
    if (p.contains("ext_header") && !p["ext_header"].is_null()) {
      ext = from_hex(p["ext_header"].at("bytes_hex"));
      next = p["ext_header"].at("type");
    }
    put32(f, 6u << 28 | p.at("traffic_class").get<std::uint32_t>() << 20 | p.at("flow_label").get<std::uint32_t>());
    put16(f, static_cast<unsigned>(ext.size() + tcp.size() + size));
    put(f, {next, p.at("hop_limit")});
    for (unsigned end : {2u, 1u}) put(f, {0xfd, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end});
    append(f, ext);
  } else {
    const Frame io = from_hex(p.at("ip_options_hex"));
    const unsigned header = p.at("ihl").get<unsigned>() * 4;
    put(f, {0x40 | header / 4, p.at("tos")});
    put16(f, header + static_cast<unsigned>(tcp.size() + size));
    put16(f, p.at("ip_id"));
    put16(f, (p.at("df").get<bool>() ? 0x4000 : 0) | (p.at("mf").get<bool>() ? 0x2000 : 0) | p.at("frag_offset").get<unsigned>());
    put(f, {p.at("ttl"), 6, 0, 0, 192, 168, 1, 200, 192, 168, 1, 100});
    append(f, io);
    set16(f, 24, ~naive_sum(&f[14], header) & 0xffff);
    if (p.value("bad_ip_checksum", false)) spoil(f, 24, p.value("ip_checksum_delta_le16", -1));
  }
  const std::size_t l4 = f.size();
  append(f, tcp);
  f.resize(f.size() + covered, byte);
  seal(f, 14, l4, v6, 6);
  f.resize(l4 + tcp.size() + size);
  if (p.value("bad_tcp_checksum", false) && !p.contains("tcp_checksum_covers_payload_len"))
    spoil(f, l4 + 16, p.value("tcp_checksum_delta_le16", -1));
  EXPECT_EQ(f.size(), p.at("frame_len_no_pad").get<std::size_t>());
  return f;
}

inline json cases() {
  std::ifstream in(GD_TEST_DATA "/gro_cases.json");
  EXPECT_TRUE(in.good());
  return json::parse(in);
}

}  // namespace gd::test
