// The kernel's GRO cases as whole runs: a capture of each case through card, driver, GRO and vhost; the payload lengths of
// what the guest's driver hands up are the case's.
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "models/packet/parse.h"
#include "tests/packet/gro_case_frames.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace gro_cases_test {

// Equal stamps go back to back; a case's own delays stay gaps.
void write_capture(const std::string& path, const json& c) {
  pcap_t* p = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262144, PCAP_TSTAMP_PRECISION_NANO);
  pcap_dumper_t* out = pcap_dump_open(p, path.c_str());
  ASSERT_NE(out, nullptr);
  long ns = 1'000'000;
  for (const auto& packet : c.at("packets")) {
    if (packet.contains("delay_us_before") && !packet["delay_us_before"].is_null()) ns += packet["delay_us_before"].get<long>() * 1000;
    const Frame f = build(packet, c.at("family") == "ipv6");
    pcap_pkthdr h{};
    h.ts.tv_sec = ns / 1'000'000'000;
    h.ts.tv_usec = ns % 1'000'000'000;
    h.caplen = h.len = static_cast<bpf_u_int32>(f.size());
    pcap_dump(reinterpret_cast<u_char*>(out), &h, f.data());
  }
  pcap_dump_close(out);
  pcap_close(p);
}

struct Variant {
  const char *strategy, *rules;
};
class GroCaseRun : public ::testing::TestWithParam<Variant> {};

TEST_P(GroCaseRun, PayloadLengthsAreTheCases) {
  const auto folder = std::filesystem::temp_directory_path() / ("guestdma-gro-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  unsigned count = 0;
  for (const auto& c : cases()) {
    const std::string id = c.at("id");
    SCOPED_TRACE(id);
    const std::string file = (folder / (id + ".pcap")).string();
    write_capture(file, c);
    std::vector<std::string> set = {"traffic.file=" + file, std::string("host.gro.rules=") + GetParam().rules};
    json expected = c.at("expect_payload_lens");
    const char *older = "expect_payload_lens_older_rules_model_derived", *rules = "rules_D_2.6.35_with_NIC_verified_checksums";
    if (std::string(GetParam().rules) == "linux-2.6.35" && c.contains(older) && c[older].contains(rules)) expected = c[older][rules];
    // 2.6.35 refuses what 18 fragments cannot hold: payloads of 4036 bytes in buffers of 2048 take two each.
    if (id == "large_rem_v6" && std::string(GetParam().rules) == "linux-2.6.35" && std::string(GetParam().strategy) == "copy-header")
      expected = {36324, 29152, 900};
    if (std::string(GetParam().strategy) == "copy-header") set.push_back("nic.header_split.mode=split");
    std::vector<std::uint32_t> lengths;
    for (const std::string& frame : handed_up("gro-case.json", GetParam().strategy, set)) {
      const Parsed p = parse(reinterpret_cast<const std::uint8_t*>(frame.data()), static_cast<std::uint32_t>(frame.size()));
      lengths.push_back(p.is_fragment || p.l4 == L4::none ? p.payload_length - 20 : p.payload_length);
    }
    EXPECT_EQ(lengths, expected.get<std::vector<std::uint32_t>>());
    ++count;
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(count, 35u);
}

INSTANTIATE_TEST_SUITE_P(All, GroCaseRun,
                         ::testing::Values(Variant{"vhost-copy", "linux-6"}, Variant{"copy-header", "linux-6"}, Variant{"page-frags", "linux-6"},
                                           Variant{"vhost-copy", "linux-2.6.35"}, Variant{"copy-header", "linux-2.6.35"}),
                         [](const auto& i) {
  std::string n = std::string(i.param.strategy) + "_" + i.param.rules;
  for (char& c : n)
    if (c == '-' || c == '.') c = '_';
  return n;
});

}  // namespace gro_cases_test
}  // namespace gd::test
