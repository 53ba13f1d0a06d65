// The cases of tests/data/gro_cases.json: what a Linux host of 2026 makes of short packet sequences (facts of the
// kernel's GRO selftest), and what the rules of 2.6.35 make of them where that differs.
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/packet/gro_driver.h"

namespace gd {
namespace {
using namespace test;
using nlohmann::json;

Frame from_hex(const std::string& s) {
  Frame f;
  for (std::size_t i = 0; i + 1 < s.size(); i += 2) f.push_back(static_cast<std::uint8_t>(std::stoul(s.substr(i, 2), nullptr, 16)));
  return f;
}
unsigned flag_bits(const json& names) {
  static const char* const order[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  unsigned v = 0;
  for (const auto& n : names)
    for (unsigned i = 0; i < 8; ++i)
      if (n == order[i]) v |= 1u << i;
  return v;
}
// A checksum made wrong by `delta` in the little-endian reading of the field.
void spoil(Frame& f, std::size_t at, int delta) {
  const unsigned v = (f[at] | f[at + 1] << 8) + static_cast<unsigned>(delta);
  f[at] = static_cast<std::uint8_t>(v);
  f[at + 1] = static_cast<std::uint8_t>(v >> 8);
}

Frame build(const json& p, bool v6) {
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

json cases() {
  std::ifstream in(GD_TEST_DATA "/gro_cases.json");
  EXPECT_TRUE(in.good());
  return json::parse(in);
}

void play(Driver& d, const json& c, bool checked) {
  for (const auto& p : c.at("packets")) {
    if (p.contains("delay_us_before") && !p["delay_us_before"].is_null() && p["delay_us_before"] > 0) d.end_of_poll();
    d.receive(build(p, c.at("family") == "ipv6"), 0, checked);
  }
  d.end_of_poll();
}

TEST(GroCases, Linux6) {
  unsigned count = 0;
  for (const auto& c : cases())
    for (bool checked : {false, true}) {
      SCOPED_TRACE(c.at("id").get<std::string>() + (checked ? ", checksums verified by the NIC" : ", software checksums"));
      Driver d(GroRules::linux_6);
      play(d, c, checked);
      EXPECT_EQ(d.lengths(), c.at("expect_payload_lens").get<std::vector<std::uint32_t>>());
      std::vector<std::vector<std::uint32_t>> offsets;
      const std::uint32_t base = c["packets"][0].at("seq").get<std::uint32_t>() - c["packets"][0].at("seq_offset").get<std::uint32_t>();
      for (const auto& x : d.delivered) {
        offsets.emplace_back();
        for (std::uint32_t seq : x.seqs) offsets.back().push_back(seq - base);
      }
      if (c.contains("model_delivery_seq_offsets")) {
        EXPECT_EQ(offsets, c["model_delivery_seq_offsets"].get<std::vector<std::vector<std::uint32_t>>>());
      }
      ++count;
    }
  EXPECT_EQ(count, 2 * 35u);
}

TEST(GroCases, Linux2635WithVerifiedChecksums) {
  for (const auto& c : cases()) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const char* older = "expect_payload_lens_older_rules_model_derived";
    const char* rules = "rules_D_2.6.35_with_NIC_verified_checksums";
    json expected = c.at("expect_payload_lens");
    if (c.contains(older) && c[older].contains(rules)) expected = c[older][rules];
    Driver d(GroRules::linux_2_6_35);
    play(d, c, true);
    EXPECT_EQ(d.lengths(), expected.get<std::vector<std::uint32_t>>());
  }
}

TEST(GroCases, Linux2635HoldsNothingWithoutVerifiedChecksums) {
  for (const auto& c : cases()) {
    Driver d(GroRules::linux_2_6_35);
    play(d, c, false);
    EXPECT_EQ(d.delivered.size(), c.at("packets").size()) << c.at("id");
  }
}

}  // namespace
}  // namespace gd
