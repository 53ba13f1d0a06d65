// Each kind of mistake: where it is told, in which words, and what is offered instead.
#include <gmock/gmock.h>

#include "tests/scenario/support.h"

namespace gd::scenario {
namespace bad_input_test {

using testing::HasSubstr;

struct Bad {
  const char* name;
  const char* text;
  const char* first_line;          // of one of the mistakes
  const char* also;                // somewhere in it
};

void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }

const Bad kBad[] = {
    {"empty_file", "", "t.json:1:1: error: the file is empty", ""},
    {"not_an_object", "[1]", "t.json:1:1: error: expected an object, found a list", ""},
    {"broken", "{\n  \"nic\": {\n    \"mtu\": }\n}", "t.json:3:12: error: syntax error", ""},
    {"cut_off", "{\n  \"nic\": {", "t.json:2:11: error: syntax error", ""},
    {"trailing_comma", "{\"seed\": 1,}", "t.json:1:12: error: syntax error", ""},
    {"trailing_garbage", "{\"traffic\":{\"rate\":\"1Gbps\"}} x", "t.json:1:30: error: syntax error", ""},
    {"unknown_key", "{\n  \"nic\": {\"rign_size\": 512}\n}", "t.json:2:11: error: /nic/rign_size: unknown key \"rign_size\"", "did you mean \"ring_size\"?"},
    {"unknown_section", "{\"nicc\": {}}", "t.json:1:2: error: /nicc: unknown key \"nicc\"", "did you mean \"nic\"?"},
    {"unknown_guest_key", "{\"guests\": [{\"virtio\": {\"queue\": 1}}]}", "t.json:1:25: error: /guests/0/virtio/queue: unknown key", "queue_size"},
    {"pattern_as_section", "{\"guests[]\": {\"name\": \"a\"}}", "t.json:1:2: error: /guests[]: unknown key \"guests[]\"", "did you mean \"guests\"?"},
    {"pattern_as_key", "{\"guests[].name\": \"a\"}", "t.json:1:2: error: /guests[]/name: unknown key \"guests[].name\"", "did you mean \"guests\"?"},
    {"path_as_key", "{\"nic.ring_size\": 64}", "t.json:1:2: error: /nic/ring_size: unknown key \"nic.ring_size\"", "did you mean \"nic\"?"},
    {"pattern_in_an_entry", "{\"strategies\": [{\"name\": \"a\", \"set\": {\"guests[].name\": \"x\"}}]}", "t.json:1:39: error: /strategies/0/set: \"guests[].name\" is no key that an entry can set", "did you mean \"guests.0.name\"?"},
    {"duplicate_key", "{\n  \"seed\": 1,\n  \"seed\": 2\n}", "t.json:3:3: error: /seed: duplicate key; first at t.json:2:3", ""},
    {"duplicate_in_section", "{\"nic\": {\"mtu\": \"1500B\", \"mtu\": \"1400B\"}}", "t.json:1:26: error: /nic/mtu: duplicate key", ""},
    {"missing_unit", "{\"nic\": {\"link_rate\": 10}}", "t.json:1:23: error: /nic/link_rate: 10 has no unit", "Gbps"},
    {"missing_unit_in_string", "{\"time\": {\"measure\": \"10\"}}", "t.json:1:22: error: /time/measure: \"10\" has no unit", "ms"},
    {"wrong_unit", "{\"nic\": {\"link_rate\": \"10GB\"}}", "t.json:1:23: error: /nic/link_rate: \"10GB\" is not a bit rate: unknown unit \"GB\"", "Gbps"},
    {"inexact", "{\"time\": {\"measure\": \"0.1ps\"}}", "t.json:1:22: error: /time/measure: \"0.1ps\" is not a whole number of ps", ""},
    {"negative_time", "{\"time\": {\"measure\": \"-1ms\"}}", "t.json:1:22: error: /time/measure: \"-1ms\" is negative", ""},
    {"ring_0", "{\"nic\": {\"ring_size\": 0}}", "t.json:1:23: error: /nic/ring_size: 0 is too small", "a multiple of 8, from 8 to 8192"},
    {"ring_3", "{\"nic\": {\"ring_size\": 3}}", "t.json:1:23: error: /nic/ring_size: 3 is too small", "from 8 to 8192"},
    {"ring_12", "{\"nic\": {\"ring_size\": 12}}", "t.json:1:23: error: /nic/ring_size: 12 is not a multiple of 8", ""},
    {"ring_negative", "{\"nic\": {\"ring_size\": -8}}", "t.json:1:23: error: /nic/ring_size: -8 is negative", "from 8 to 8192"},
    {"ring_fraction", "{\"nic\": {\"ring_size\": 8.5}}", "t.json:1:23: error: /nic/ring_size: 8.5 is not a whole number", ""},
    {"ring_huge", "{\"nic\": {\"ring_size\": 99999999999999999999}}", "t.json:1:23: error: /nic/ring_size: 99999999999999999999 is too large", ""},
    {"seed_huge", "{\"seed\": 9223372036854775808}", "t.json:1:10: error: /seed: 9223372036854775808 is too large", "allowed: a whole number, at most 9223372036854775807"},
    {"rate_huge", "{\"traffic\": {\"rate\": \"99999999999Gbps\"}}", "t.json:1:22: error: /traffic/rate: \"99999999999Gbps\" is too large", "at most 9223372Tbps"},
    {"time_huge", "{\"time\": {\"measure\": \"999999999s\"}}", "t.json:1:22: error: /time/measure: \"999999999s\" is too large", "at most 9223372s"},
    {"ring_string", "{\"nic\": {\"ring_size\": \"512\"}}", "t.json:1:23: error: /nic/ring_size: expected a whole number, found the string \"512\"", ""},
    {"enum", "{\"iommu\": {\"mode\": \"stric\"}}", "t.json:1:20: error: /iommu/mode: \"stric\" is not known", "did you mean \"strict\"?"},
    {"boolean", "{\"nic\": {\"rss\": 1}}", "t.json:1:17: error: /nic/rss: expected true or false, found a number", ""},
    {"section_kind", "{\"nic\": 5}", "t.json:1:9: error: /nic: expected an object, found a number", ""},
    {"version", "{\"version\": 2}", "t.json:1:13: error: /version: this program reads version 1, not 2", ""},
    {"no_guests", "{\"guests\": []}", "t.json:1:12: error: /guests: the list is empty", ""},
    {"mac", "{\"guests\": [{\"mac\": \"52:54:00:00:00\"}]}", "t.json:1:21: error: /guests/0/mac: \"52:54:00:00:00\" is not a MAC address", ""},
    {"group_mac", "{\"guests\": [{\"mac\": \"01:00:5e:00:00:01\"}]}", "t.json:1:21: error: /guests/0/mac: \"01:00:5e:00:00:01\" is a group address", ""},
    {"frame_too_small", "{\"traffic\": {\"rate\": \"1Gbps\", \"frame_bytes\": 60}}", "t.json:1:46: error: /traffic/frame_bytes: 60 is too small", ""},
    {"frame_unit", "{\"traffic\": {\"frame_bytes\": \"64B\"}}", "t.json:1:29: error: /traffic/frame_bytes: expected a number without unit", ""},
    {"mix_weight", "{\"traffic\": {\"frame_bytes\": [{\"bytes\": 64, \"weight\": 0}]}}", "t.json:1:54: error: /traffic/frame_bytes/0/weight: 0 is out of range", ""},
    {"loop_0", "{\"traffic\": {\"loop\": 0}}", "t.json:1:22: error: /traffic/loop: 0 is too small", ""},
    {"curve", "{\"memory\": {\"dram\": {\"loaded_latency\": [[\"0%\", \"0ns\"], [\"50%\", \"9ns\"]]}}}", "t.json:1:40: error: /memory/dram/loaded_latency: does not run from 0% to 100%", ""},
    {"expect_form", "{\"expect\": [\"drops.total = 0\"]}", "t.json:1:26: error: /expect/0: expected a comparison", "=="},
    {"expect_unit", "{\"expect\": [\"latency.p99 < 5 lightyears\"]}", "t.json:1:30: error: /expect/0: \"lightyears\" is not a unit", ""},
    {"expect_number", "{\"expect\": [\"latency.p99 < x\"]}", "t.json:1:28: error: /expect/0: expected a number", ""},
    {"strategies_word", "{\"strategies\": \"most\"}", "t.json:1:16: error: /strategies: \"most\" is neither \"all\" nor a list", ""},
    {"same_label", "{\"strategies\": [\"a\", \"a\"]}", "t.json:1:22: error: /strategies/1: the label \"a\" is already taken", ""},
    {"label_of_a_file", "{\"strategies\": [{\"name\": \"a\", \"label\": \"config.json\"}]}", "t.json:1:40: error: /strategies/0/label: \"config.json\" is the name of a file", ""},
    {"label_of_a_picture", "{\"strategies\": [{\"name\": \"a\", \"label\": \"comparison.png\"}]}", "t.json:1:40: error: /strategies/0/label: \"comparison.png\" is the name of a file", ""},
    {"label_of_a_folder", "{\"strategies\": [{\"name\": \"a\", \"label\": \"runs\"}]}", "t.json:1:40: error: /strategies/0/label: \"runs\" is the name of a file or folder", ""},
    // Impossible sets.
    {"split_ring", "{\"guests\": [{\"virtio\": {\"queue_size\": 300}}]}", "t.json:1:39: error: /guests/0/virtio/queue_size: 300 is not a power of two", ""},
    {"tso_without_csum", "{\"guests\": [{\"virtio\": {\"guest_csum\": false, \"guest_tso4\": true}}]}", "t.json:1:60: error: /guests/0/virtio/guest_tso4: merged packets need guest_csum", "guest_csum true"},
    {"tso_in_small_mode", "{\"guests\": [{\"virtio\": {\"rx_mode\": \"small\", \"guest_tso6\": true}}]}", "t.json:1:59: error: /guests/0/virtio/guest_tso6: a driver that takes merged packets does not post small buffers", "big or mergeable"},
    {"big_without_need", "{\"guests\": [{\"virtio\": {\"rx_mode\": \"big\", \"guest_csum\": false}}]}", "t.json:1:36: error: /guests/0/virtio/rx_mode: without merged packets and a large MTU", "rx_mode small"},
    {"small_with_large_mtu", "{\"nic\": {\"mtu\": \"9000B\"}, \"guests\": [{\"virtio\": {\"rx_mode\": \"small\"}}]}", "t.json:1:61: error: /guests/0/virtio/rx_mode: with an MTU of more than 1500 B", "mergeable"},
    {"hash_of_an_old_driver", "{\"guests\": [{\"virtio\": {\"driver\": \"linux-2.6.35\", \"hash_report\": true}}]}", "t.json:1:66: error: /guests/0/virtio/hash_report: a hash report needs a driver that knows it", "version_1"},
    {"odd_ip_align", "{\"guests\": [{\"virtio\": {\"ip_align\": 1}}]}", "t.json:1:37: error: /guests/0/virtio/ip_align: 1 is not a multiple of 2", ""},
    {"ddio", "{\"memory\": {\"ddio_ways\": 3, \"llc\": {\"ways\": 2}}}", "t.json:1:26: error: /memory/ddio_ways: DDIO has 3 ways of a cache with 2", ""},
    {"pcap_without_file", "{\"traffic\": {\"kind\": \"pcap\"}}", "t.json:1:22: error: /traffic/kind: a capture needs traffic.file", ""},
    {"no_rate", "{\"traffic\": {\"kind\": \"synthetic\"}}", "t.json:1:22: error: /traffic/kind: synthetic traffic needs a rate", ""},
    {"no_rate_at_all", "{\"seed\": 1}", "t.json:1:1: error: /traffic/rate: synthetic traffic needs a rate", ""},
    {"rate_over_link", "{\"traffic\": {\"rate\": \"11Gbps\"}}", "t.json:1:22: error: /traffic/rate: 11Gbps is more than the link's 10Gbps", ""},
    {"frame_over_mtu", "{\"traffic\": {\"rate\": \"1Gbps\", \"frame_bytes\": 1519}}", "t.json:1:46: error: /traffic/frame_bytes: 1519 B is more than a frame of MTU 1500B has", "1518"},
    {"frame_under_headers", "{\"traffic\": {\"rate\": \"1Gbps\", \"ip\": 6, \"frame_bytes\": 64}}", "t.json:1:55: error: /traffic/frame_bytes: 64 B is less than the headers", "78"},
    {"closed_udp", "{\"traffic\": {\"tcp\": \"closed\", \"protocol\": \"udp\"}}", "t.json:1:21: error: /traffic/tcp: a closed TCP loop needs protocol tcp", ""},
    {"dma_bench", "{\"traffic\": {\"kind\": \"dma-bench\", \"transfer\": \"1KiB\", \"window\": \"512B\"}}", "t.json:1:47: error: /traffic/transfer: a unit of 1KiB", "at most traffic.window"},
    {"dma_bench_strategies", "{\"strategies\": [\"vhost-copy\"], \"traffic\": {\"kind\": \"dma-bench\"}}", "t.json:1:16: error: /strategies: dma-bench is bare DMA", ""},
    {"same_name", "{\"guests\": [{\"name\": \"a\"}, {\"name\": \"a\", \"vlan\": 2}]}", "t.json:1:37: error: /guests/1/name: the name \"a\" is already that of guests.0", ""},
    {"bad_name", "{\"guests\": [{\"name\": \"Web 1\"}]}", "t.json:1:22: error: /guests/0/name: \"Web 1\" is no name for a guest", ""},
    {"same_mac", "{\"guests\": [{\"mac\": \"52:54:00:00:00:01\"}, {\"mac\": \"52:54:00:00:00:01\"}]}", "t.json:1:51: error: /guests/1/mac: has mac and vlan of guests.0", ""},
    {"two_catch_alls", "{\"guests\": [{}, {}]}", "t.json:1:17: error: /guests/1: takes every unclaimed frame, as does guests.0", ""},
    {"unmap_batch", "{\"host\": {\"unmap_batch\": 64}}", "t.json:1:26: error: /host/unmap_batch: receive pages that keep their mapping are not unmapped", ""},
    {"page_cache", "{\"host\": {\"page_recycle\": false, \"page_cache\": 255}}", "t.json:1:48: error: /host/page_cache: receive pages are kept in the cache by the batch", ""},
    {"sockets_of_a_guest", "{\"host\": {\"sockets\": 2}}", "t.json:1:22: error: /host/sockets: no application of the host takes the frames", ""},
    {"sockets", "{\"consumer\": \"host-socket\", \"host\": {\"sockets\": 2}}", "t.json:1:49: error: /host/sockets: 2 applications would share 1 receive queues", ""},
    {"filters_without_hash", "{\"nic\": {\"rss\": false, \"flow_filters\": true}}", "t.json:1:40: error: /nic/flow_filters: flows are known by the hash that the card does not compute", ""},
    {"core", "{\"host\": {\"affinity\": {\"vhost\": 4}}}", "t.json:1:33: error: /host/affinity/vhost: there is no core 4 among 4", ""},
    {"no_scatter", "{\"nic\": {\"mtu\": \"9000B\", \"scatter\": false}}", "t.json:1:37: error: /nic/scatter: frames of up to 9018 B do not fit", ""},
    {"cost_without_unit", "{\"host\":{\"costs\":\"inline\"},\"costs\": {\"a.b\": {\"cycles_per_unit\": 1}}}", "t.json:1:45: error: /costs/a/b: has cycles_per_unit but does not say per what", ""},
    {"cost_too_fine", "{\"costs\": {\"a.b\": {\"cycles\": 1.2345}}}", "t.json:1:30: error: /costs/a/b/cycles: 1.2345 is not a whole number of milli-cycles", ""},
    {"damage_beyond_all", "{\"traffic\": {\"rate\": \"1Gbps\", \"errors\": {\"runts\": \"60%\", \"giants\": \"50%\"}}}", "t.json:1:41: error: /traffic/errors: the shares of damaged frames add up to more than 100 %", ""},
    {"shapes_of_a_closed_loop", "{\"traffic\": {\"tcp\": \"closed\", \"unsplittable\": {\"tunnels\": \"1%\"}}}", "t.json:1:47: error: /traffic/unsplittable: frames of other shapes need synthetic traffic", ""},
    {"ipv6_header_sum", "{\"traffic\": {\"rate\": \"1Gbps\", \"ip\": 6, \"errors\": {\"bad_ip_checksum\": \"1%\"}}}", "t.json:1:70: error: /traffic/errors/bad_ip_checksum: IPv6 has no header checksum", ""},
    {"never_down", "{\"traffic\": {\"rate\": \"1Gbps\", \"link_down\": {\"at\": \"1ms\"}}}", "t.json:1:51: error: /traffic/link_down/at: the link is never down", ""},
    {"never_up", "{\"traffic\": {\"rate\": \"1Gbps\", \"link_down\": {\"length\": \"2ms\", \"period\": \"1ms\"}}}", "t.json:1:72: error: /traffic/link_down/period: the link would never come up again", ""},
    {"faults_of_nothing", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"iommu\": {\"faults\": {\"injected\": \"1%\"}}}", "t.json:1:65: error: /iommu/faults/injected: nothing is translated that could fault", ""},
    {"three_levels", "{\"iommu\": {\"levels\": 3, \"cached_levels\": 1}}", "t.json:1:22: error: /iommu/levels: 3 is too small", "from 4 to 5"},
    {"guest_of_64_gib", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"guests\": [{\"memory\": \"64GiB\"}]}", "t.json:1:54: error: /guests/0/memory: 64GiB is too large", "63GiB"},
    {"guest_beside_the_host", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"host\": {\"memory\": \"2GiB\"}, \"guests\": [{\"memory\": \"63GiB\"}]}",
     "t.json:1:82: error: /guests/0/memory: host and guests have too much memory together", "less than 64GiB"},
    {"guests_together", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"guests\": [{\"memory\": \"20GiB\", \"vlan\": 1}, {\"memory\": \"30GiB\", \"vlan\": 2}, {\"memory\": \"20GiB\", \"vlan\": 3}]}",
     "t.json:1:86: error: /guests/1/memory: host and guests have too much memory together", ""},
    {"host_memory", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"host\": {\"memory\": \"63GiB\"}, \"guests\": [{\"vlan\": 1}, {\"vlan\": 2}, {\"vlan\": 3}, {\"vlan\": 4}]}",
     "t.json:1:51: error: /host/memory: host and guests have too much memory together", ""},
    {"no_watchdog", "{\"traffic\": {\"rate\": \"1Gbps\"}, \"host\": {\"watchdog\": {\"skip_stuck\": true}}}", "t.json:1:68: error: /host/watchdog/skip_stuck: there is no watchdog", ""},
};

class BadInput : public testing::TestWithParam<Bad> {};

TEST_P(BadInput, IsToldWithItsPlace) {
  const std::string told = mistake(GetParam().text);
  EXPECT_THAT("\n" + told, HasSubstr("\n" + std::string(GetParam().first_line)));
  EXPECT_THAT(told, HasSubstr(GetParam().also));
}
INSTANTIATE_TEST_SUITE_P(Each, BadInput, testing::ValuesIn(kBad), [](const auto& p) { return std::string(p.param.name); });

TEST(BadInputForm, LineAndCaret) {
  EXPECT_EQ(mistake("{\n  \"nic\": {\"ring_size\": 3},\n  \"traffic\": {\"rate\": \"1Gbps\"}\n}"),
            "t.json:2:24: error: /nic/ring_size: 3 is too small\n"
            "    2 |   \"nic\": {\"ring_size\": 3},\n"
            "      |                        ^\n"
            "  allowed: a whole number, a multiple of 8, from 8 to 8192");
}

TEST(BadInputForm, UpToTwentyAtOnce) {
  std::string text = "{\"traffic\": {\"rate\": \"1Gbps\"}";
  for (int i = 0; i < 25; ++i) text += ", \"key" + std::to_string(i) + "\": 1";
  try {
    from(text + "}");
    FAIL() << "25 unknown keys were accepted";
  } catch (const ScenarioError& e) {
    EXPECT_EQ(e.diagnostics.size(), 20u);
    EXPECT_THAT(e.what(), HasSubstr("(5 more)"));
  }
}

TEST(BadInputForm, CommentsAreSkippedInPositions) {
  EXPECT_THAT(mistake("// a comment\n{ // another\n  /* and \"one\" */ \"sed\": 1}"), testing::StartsWith("t.json:3:19: error: /sed: unknown key"));
}

TEST(BadInputForm, MissingFile) {
  try {
    load("no-such-folder/x.json");
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "no-such-folder/x.json: error: there is no such file");
  }
}

}  // namespace bad_input_test
}  // namespace gd::scenario
