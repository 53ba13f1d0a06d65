// Recorded broadcasts and multicasts reach every guest, whoever replicates them: the host's bridge, or the card for its own virtqueues.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <filesystem>

#include "tests/packet/frames.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace flooded_test {

constexpr unsigned kFrames = 200, kTo = 10;   // of ten frames one is for everybody and one for a group

// Datagrams to two guests in turn.
void write_capture(const std::string& path) {
  pcap_t* p = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 262144, PCAP_TSTAMP_PRECISION_NANO);
  pcap_dumper_t* out = pcap_dump_open(p, path.c_str());
  ASSERT_NE(out, nullptr) << pcap_geterr(p);
  for (unsigned i = 0; i < kFrames; ++i) {
    Frame udp;
    for (unsigned v : {1500u, 8000u, 108u, 0u}) put16(udp, v);
    append(udp, payload(100));
    Ip4 ip;
    ip.protocol = 17, ip.id = i;
    Frame f = ip4_packet(ethernet(0x0800), ip, udp);
    const std::uint8_t guest[] = {0x52, 0x54, 0, 0, 0, static_cast<std::uint8_t>(0x0a + i % 2)}, group[] = {1, 0, 0x5e, 0, 0, 1};
    std::copy_n(i % kTo == 5 ? group : guest, 6, f.begin());
    if (i % kTo == 0) std::fill_n(f.begin(), 6, 0xff);
    pcap_pkthdr h{};
    h.ts.tv_usec = 10'000L * i;   // nanoseconds
    h.caplen = h.len = static_cast<bpf_u_int32>(f.size());
    pcap_dump(reinterpret_cast<u_char*>(out), &h, f.data());
  }
  pcap_dump_close(out);
  pcap_close(p);
}

class Flooded : public ::testing::TestWithParam<const char*> {};

TEST_P(Flooded, RecordedFramesForAllReachAll) {
  const std::string file = (std::filesystem::temp_directory_path() / (std::string("guestdma-flooded-") + GetParam() + ".pcap")).string();
  write_capture(file);
  const ChildResult r = run_child("pcap-udp-small.json", GetParam(),
                                  {"traffic.file=" + file, "nic.rx_queues=2", "host.affinity.vcpu=[4,5]",
                                   R"(guests=[{"name":"a","mac":"52:54:00:00:00:0a"},{"name":"b","mac":"52:54:00:00:00:0b"}])"});
  std::filesystem::remove(file);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  const bool card = std::string(GetParam()) == "passthrough";
  EXPECT_EQ(r.value("packets.offered"), kFrames);
  EXPECT_EQ(r.value("packets.replicas"), kFrames / kTo * (card ? 2 : 3));          // the host takes a broadcast too
  EXPECT_EQ(r.value("packets.consumed_by_host"), card ? 0 : kFrames / kTo);
  EXPECT_EQ(r.value("packets.delivered"), kFrames + kFrames / kTo * 2);
  for (const char* m : {"drops.total", "packets.in_flight", "integrity.errors", "ownership.violations", "security.leaked_bytes"}) EXPECT_EQ(r.value(m), 0) << m;
  for (const char* m : {"guest.a.stack.packets", "guest.b.stack.packets"}) EXPECT_GT(r.value(m), kFrames / 2) << m;
}

INSTANTIATE_TEST_SUITE_P(All, Flooded, ::testing::Values("vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough"),
                         [](const auto& i) { return test_name(i.param); });

}  // namespace flooded_test
}  // namespace gd::test
