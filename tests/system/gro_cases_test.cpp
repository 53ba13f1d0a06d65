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
namespace {

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

class GroCaseRun : public ::testing::TestWithParam<const char*> {};

TEST_P(GroCaseRun, PayloadLengthsAreTheCases) {
  const auto folder = std::filesystem::temp_directory_path() / ("guestdma-gro-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  unsigned count = 0;
  for (const auto& c : cases()) {
    const std::string id = c.at("id");
    SCOPED_TRACE(id);
    const std::string file = (folder / (id + ".pcap")).string();
    write_capture(file, c);
    std::vector<std::string> set = {"traffic.file=" + file};
    if (std::string(GetParam()) == "copy-header") set.push_back("nic.header_split.mode=split");
    std::vector<std::uint32_t> lengths;
    for (const std::string& frame : handed_up("gro-case.json", GetParam(), set)) {
      const Parsed p = parse(reinterpret_cast<const std::uint8_t*>(frame.data()), static_cast<std::uint32_t>(frame.size()));
      lengths.push_back(p.is_fragment || p.l4 == L4::none ? p.payload_length - 20 : p.payload_length);
    }
    EXPECT_EQ(lengths, c.at("expect_payload_lens").get<std::vector<std::uint32_t>>());
    ++count;
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(count, 35u);
}

INSTANTIATE_TEST_SUITE_P(All, GroCaseRun, ::testing::Values("vhost-copy", "copy-header", "page-frags"), [](const auto& i) {
  std::string n = i.param;
  for (char& c : n)
    if (c == '-') c = '_';
  return n;
});

}  // namespace
}  // namespace gd::test
