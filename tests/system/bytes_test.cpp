// Without drops and with GRO off, what the guest's driver hands up are the frames of the capture, byte for byte.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace bytes_test {

std::vector<std::string> capture(const std::string& name) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* p = pcap_open_offline(std::string(GUESTDMA_SOURCE_DIR "/scenarios/pcaps/").append(name).append(".pcap").c_str(), error);
  std::vector<std::string> frames;
  if (!p) return frames;
  pcap_pkthdr* h = nullptr;
  const u_char* bytes = nullptr;
  while (pcap_next_ex(p, &h, &bytes) == 1) frames.emplace_back(reinterpret_cast<const char*>(bytes), h->caplen);
  pcap_close(p);
  return frames;
}

class Bytes : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(Bytes, TheGuestGetsTheCapture) {
  const auto [name, strategy] = GetParam();
  const std::vector<std::string> sent = capture(name);
  ASSERT_FALSE(sent.empty());
  const auto got = handed_up(std::string("pcap-").append(name).append(".json"), strategy,
                             {"nic.virtio_rings=true", "host.gro.enabled=false", "guests.0.gro.enabled=false"});
  ASSERT_EQ(got.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) ASSERT_TRUE(got[i] == sent[i]) << "frame " << i + 1;
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<const char*, const char*>>& i) {
  return test_name(std::string(std::get<0>(i.param)) + "_" + std::get<1>(i.param));
}

INSTANTIATE_TEST_SUITE_P(All, Bytes,
                         ::testing::Combine(::testing::Values("bulk-tcp4", "bulk-tcp6", "ip-fragments", "udp-small", "vlan-tcp4", "vxlan-tcp4", "web-responses"),
                                            ::testing::Values("vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough")),
                         name_of);

}  // namespace bytes_test
}  // namespace gd::test
