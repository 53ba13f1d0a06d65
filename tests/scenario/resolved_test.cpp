// The resolved configuration reads back to itself; the hash covers what it must and nothing else; the schema file is
// the table's.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/scenario/keys.h"
#include "tests/scenario/support.h"

namespace gd::scenario {
namespace resolved_test {

const char* const kText = R"({
  "description": "d",
  "strategies": ["vhost-copy", {"name": "copy-header", "label": "moved", "unsplit": "move", "n": 3, "scrub": true}],
  "time": {"measure": "1.5ms"}, "traffic": {"rate": "2.5Gbps", "frame_bytes": [{"bytes": 64, "weight": 7}, {"bytes": 1518}], "protocol": "udp", "loop": true},
  "nic": {"ring_size": 1024}, "memory": {"llc": {"size": "24.75MiB", "ways": 11}}, "pcie": {"dllp_overhead": "5.6%"},
  "host": {"costs": "inline", "clock": "2.67GHz", "affinity": {"vcpu": [2, 3]}},
  "guests": [{"mac": "52:54:00:00:00:01"}, {"name": "b", "vlan": 4}],
  "expect": ["drops.total == 0"],
  "costs": {"a.b": {"cycles": 12.5, "cycles_per_unit": 0.33, "per": "byte", "source": "here", "confidence": "read"}, "a.c": {"cycles": 1}}
})";

TEST(Resolved, ReadsBackToItself) {
  const Scenario s = from(kText);
  const std::string once = resolved(s);
  const Scenario again = load_text(once, "config.json", {});
  EXPECT_EQ(resolved(again), once);
  EXPECT_EQ(config_sha256(again), config_sha256(s));
  EXPECT_EQ(again.name, "t");
  EXPECT_EQ(again.costs, s.costs);
  EXPECT_EQ(again.guests[1].name, "b");
  EXPECT_EQ(again.strategies[1].options, s.strategies[1].options);
}

TEST(Resolved, EveryKeyHasItsValue) {
  const Scenario s = from(kText), again = load_text(resolved(s), "config.json", {});
  for (const KeyInfo& k : list_keys()) {
    std::string path = k.path;
    if (const std::size_t at = path.find("[]"); at != std::string::npos) path.replace(at, 2, ".1");
    EXPECT_EQ(value_text(again, path), value_text(s, path)) << path;
  }
}

TEST(Resolved, RecordsTheCapturesHashAndHoldsItAgainstTheFile) {
  const Folder f;
  const std::string capture = f.write("t.pcap", "bytes");
  const std::string s = f.write("s.json", R"({"traffic": {"kind": "pcap", "file": "t.pcap"}, "host": {"costs": "inline"}})");
  const std::string config = f.write("out/config.json", resolved(load(s)));
  EXPECT_EQ(load(config).traffic.file, capture);
  EXPECT_EQ(config_sha256(load(config)), config_sha256(load(s)));
  const std::string before = config_sha256(load(s));
  f.write("t.pcap", "others");
  EXPECT_NE(config_sha256(load(s)), before);
  EXPECT_THAT([&] { load(config); }, testing::ThrowsMessage<ScenarioError>(testing::HasSubstr("is not the file that the recorded run read")));
  LoadOptions o;
  o.set = {"traffic.file=" + capture};
  EXPECT_NO_THROW(load(config, o));
}

TEST(ConfigHash, CoversWhatChangesARun) {
  const std::string before = config_sha256(from(kText));
  const auto after = [](const char* argument) {
    LoadOptions o = without_files();
    o.set = {argument};
    return config_sha256(from(kText, o));
  };
  for (const char* same : {"name=other", "description=other", "seed=99", "strategies=all", "debug.shuffle=true", "sources={\"a\":\"b\"}", "costs.a.b.source=there", "nic.ring_size=1024"}) {
    EXPECT_EQ(after(same), before) << same;
  }
  for (const char* other : {"nic.ring_size=512", "guests.1.vlan=5", "costs.a.b.cycles=12.6", "time.measure=2ms", "traffic.loop=false", "debug.fault.kind=lose-nic"}) {
    EXPECT_NE(after(other), before) << other;
  }
}

// GUESTDMA_UPDATE=1 writes the schema file anew.
TEST(Schema, FileEqualsTheTable) {
  const std::string file = GD_SOURCE_DIR "/scenarios/schema/scenario.schema.json";
  if (const char* update = std::getenv("GUESTDMA_UPDATE"); update != nullptr && *update == '1') std::ofstream(file) << schema();
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == schema()) << file << " differs from the key table; GUESTDMA_UPDATE=1 writes it anew";
}

TEST(Schema, HasEveryKeyAndNothingElse) {
  const nlohmann::json root = nlohmann::json::parse(schema());
  for (const KeyInfo& k : list_keys()) {
    std::string at = "/properties/";
    for (char c : k.path) at += c == '.' ? "/properties/" : std::string(1, c);
    if (const std::size_t list = at.find("[]"); list != std::string::npos) at.replace(list, 2, "/items");
    EXPECT_TRUE(root.contains(nlohmann::json::json_pointer(at))) << at;
  }
  EXPECT_FALSE(root["additionalProperties"]);
  EXPECT_FALSE(root["properties"]["nic"]["properties"]["header_split"]["additionalProperties"]);
  EXPECT_FALSE(root["properties"]["guests"]["items"]["additionalProperties"]);
}

}  // namespace resolved_test
}  // namespace gd::scenario
