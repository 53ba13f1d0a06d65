// Values reach the typed struct; the key table tells defaults, allowed values and nearest keys.
#include <gmock/gmock.h>

#include <set>

#include "src/scenario/keys.h"
#include "tests/scenario/support.h"

namespace gd::scenario {
namespace values_test {

const char* const kFull = R"({
  "name": "n", "description": "d", "seed": 7,
  "time": {"warmup": "1us", "measure": "3ms", "drain": "0ns"},
  "traffic": {"rate": "2.5Gbps", "frames": 1000, "frame_bytes": [{"bytes": 64, "weight": 7}, {"bytes": 1518}], "flows": 3, "protocol": "udp",
              "ip": 6, "vlan": 5, "arrival": "poisson", "loop": 3},
  "nic": {"ring_size": 1024, "header_split": {"mode": "always", "header_buffer": "128B"}, "buffer_size": "per-descriptor", "rss": false},
  "iommu": {"mode": "strict", "page": "2MiB"},
  "memory": {"dram": {"loaded_latency": [["0%", "0ns"], ["100%", "60ns"]]}},
  "host": {"clock": "3.4GHz", "affinity": {"vcpu": [3, 2]}, "gro": {"rules": "linux-2.6.35"}},
  "consumer": "guest",
  "guests": [{"mac": "52:54:00:AA:00:01", "vlan": 9, "virtio": {"rx_mode": "small"}}, {"name": "idle", "backing_page": "4KiB", "vcpus": 1}],
  "debug": {"fault": {"kind": "lose-host", "frame": 12}}
})";

TEST(Values, ReachTheStruct) {
  LoadOptions o = without_files();
  std::string text = kFull;
  text.replace(text.find("\"frame_bytes\""), 0, "");
  text.replace(text.find("\"bytes\": 64"), 11, "\"bytes\": 90");   // IPv6 and UDP take 66 B
  const Scenario s = from(text, o);
  EXPECT_EQ(s.name, "n");
  EXPECT_EQ(s.seed, 7u);
  EXPECT_EQ(s.time.warmup, kUs);
  EXPECT_EQ(s.time.measure, 3 * kMs);
  EXPECT_EQ(s.time.drain, 0);
  EXPECT_EQ(s.traffic.rate, std::optional<Rate>(2'500'000'000));
  EXPECT_EQ(s.traffic.frames, std::optional<Count>(1000));
  EXPECT_EQ(s.traffic.frame_bytes, (std::vector<FrameSize>{{90, 7}, {1518, 1}}));
  EXPECT_EQ(s.traffic.protocol, Protocol::udp);
  EXPECT_EQ(s.traffic.ip, 6u);
  EXPECT_EQ(s.traffic.arrival, Arrival::poisson);
  EXPECT_EQ(s.traffic.loop, 3u);
  EXPECT_EQ(s.nic.ring_size, 1024u);
  EXPECT_EQ(s.nic.header_split.mode, SplitMode::always);
  EXPECT_EQ(s.nic.header_split.header_buffer, 128u);
  EXPECT_EQ(s.nic.buffer_size, BufferScope::per_descriptor);
  EXPECT_FALSE(s.nic.rss);
  EXPECT_EQ(s.iommu.mode, IommuMode::strict);
  EXPECT_EQ(s.iommu.page, 2u << 20);
  EXPECT_EQ(s.memory.dram.loaded_latency, (std::vector<LoadPoint>{{0, 0}, {1'000'000, 60 * kNs}}));
  EXPECT_EQ(s.host.clock, 3'400'000'000u);
  EXPECT_EQ(s.host.affinity.vcpu, (std::vector<Count>{3, 2}));
  EXPECT_EQ(s.host.gro.rules, GroRules::linux_2_6_35);
  ASSERT_EQ(s.guests.size(), 2u);
  EXPECT_EQ(s.guests[0].name, "g0");
  EXPECT_EQ(s.guests[0].mac, std::optional<Mac>({0x52, 0x54, 0, 0xaa, 0, 1}));
  EXPECT_EQ(s.guests[0].vlan, 9u);
  EXPECT_EQ(s.guests[0].virtio.rx_mode, RxMode::small);
  EXPECT_EQ(s.guests[1].name, "idle");
  EXPECT_EQ(bytes_of(s.guests[1].backing_page), 4096u);
  EXPECT_EQ(s.debug.fault.kind, "lose-host");
  EXPECT_EQ(s.debug.fault.frame, 12u);
}

TEST(Values, PlacesAreKept) {
  const Scenario s = from("{\n  \"traffic\": {\"rate\": \"1Gbps\"},\n  \"guests\": [{\"vlan\": 3}]\n}");
  EXPECT_EQ(s.where("traffic.rate").text(), "t.json:2:23");
  EXPECT_EQ(s.where("guests.0.vlan").text(), "t.json:3:23");
  EXPECT_EQ(s.where("guests.0.mac").text(), "t.json:3:14");    // a default: its object
  EXPECT_EQ(s.where("nic.mtu").text(), "(default)");
  EXPECT_THAT(s.error("guests.0.vlan", "no").what(), testing::StartsWith("t.json:3:23: error: /guests/0/vlan: no"));
  EXPECT_THAT(s.error("nic.mtu", "no").what(), testing::StartsWith("t.json: error: /nic/mtu: no"));
}

TEST(Values, ExpectLines) {
  const Scenario s = from(R"({"traffic": {"rate": "1Gbps"}, "expect": ["drops.total == 0", "latency.p99.9[a b]<= 50.5 us",
    "throughput.goodput[x] >= 1.25 * throughput.goodput[y-z]", "drops.nic-fifo != 1e3"]})");
  ASSERT_EQ(s.expect.size(), 4u);
  EXPECT_EQ(s.expect[0].metric, "drops.total");
  EXPECT_EQ(s.expect[0].op, Compare::equal);
  EXPECT_EQ(s.expect[1].metric, "latency.p99.9");
  EXPECT_EQ(s.expect[1].label, "a b");
  EXPECT_EQ(s.expect[1].number, 50.5);
  EXPECT_EQ(s.expect[1].unit, "us");
  EXPECT_EQ(s.expect[2].op, Compare::greater_equal);
  EXPECT_EQ(s.expect[2].number, 1.25);
  EXPECT_EQ(s.expect[2].other_metric, "throughput.goodput");
  EXPECT_EQ(s.expect[2].other_label, "y-z");
  EXPECT_EQ(s.expect[3].number, 1000);
}

TEST(Values, UnknownMetric) {
  LoadOptions o = without_files();
  o.known_metric = [](std::string_view m) { return m == "drops.total"; };
  o.metric_names = {"drops.total"};
  EXPECT_THAT(mistake(R"({"expect": ["drop.total == 0"]})", o),
              testing::AllOf(testing::StartsWith("t.json:1:14: error: /expect/0: there is no metric \"drop.total\""), testing::HasSubstr("did you mean \"drops.total\"?")));
}

TEST(KeyTable, EveryKeyIsDescribedOnce) {
  std::set<std::string> seen;
  for (const KeyInfo& k : list_keys()) {
    EXPECT_TRUE(seen.insert(k.path).second) << k.path << " stands twice";
    EXPECT_GT(k.description.size(), 4u) << k.path;
    EXPECT_FALSE(k.allowed.empty()) << k.path;
  }
  EXPECT_GT(seen.size(), 120u);
}

TEST(KeyTable, Lookups) {
  ASSERT_NE(find_key("guests.3.virtio.queue_size"), nullptr);
  EXPECT_EQ(find_key("guests.3.virtio.queue_size")->path, "guests[].virtio.queue_size");
  EXPECT_EQ(find_key("nic.ring_size")->fallback, "512");
  EXPECT_EQ(find_key("nic.ring_size")->allowed, "a whole number, a multiple of 8, from 8 to 8192");
  EXPECT_EQ(find_key("nic.link_rate")->fallback, "10Gbps");
  EXPECT_EQ(find_key("traffic.rate")->fallback, "");
  EXPECT_EQ(find_key("nic.size"), nullptr);
  EXPECT_EQ(nearest_key("ring_size"), "nic.ring_size");
  EXPECT_EQ(nearest_key("nic.rign_size"), "nic.ring_size");
  const Scenario s = from(R"({"traffic": {"rate": "1Gbps"}, "iommu": {"mode": "lazy"}})");
  EXPECT_EQ(value_text(s, "iommu.mode"), "lazy");
  EXPECT_EQ(value_text(s, "traffic.rate"), "1Gbps");
  EXPECT_EQ(value_text(s, "traffic.frames"), "");
  EXPECT_EQ(value_text(s, "guests.0.virtio.queue_size"), "256");
  EXPECT_THROW(value_text(s, "nic.nothing"), UserError);
}

}  // namespace values_test
}  // namespace gd::scenario
