// Where values come from: extends, --set, --seed, standard input, and the files that a scenario names.
#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "src/scenario/sha256.h"
#include "tests/scenario/support.h"

namespace gd::scenario {
namespace merge_test {

using testing::HasSubstr;
using testing::StartsWith;

std::string mistake_of(const std::string& file, const LoadOptions& o = without_files()) {
  try {
    load(file, o);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

LoadOptions set(std::vector<std::string> arguments) {
  LoadOptions o = without_files();
  o.set = std::move(arguments);
  return o;
}

const char* const kTraffic = "\"traffic\": {\"rate\": \"1Gbps\"}";

TEST(Extends, LeftToRightThenTheScenario) {
  const Folder f;
  f.write("a.json", R"({"nic": {"ring_size": 64, "mtu": "9000B", "fifo": "64KiB"}, "guests": [{"vlan": 1}, {"vlan": 2}], "seed": 3})");
  f.write("sub/b.json", R"({"extends": "c.json", "nic": {"ring_size": 128}})");
  f.write("sub/c.json", R"({"nic": {"ring_size": 256, "tx_ring_size": 256}})");
  const std::string s = f.write("s.json", std::string("{\"extends\": [\"a.json\", \"sub/b.json\"], \"nic\": {\"fifo\": null}, \"guests\": [{\"name\": \"x\"}], ") + kTraffic + "}");
  const Scenario r = load(s, without_files());
  EXPECT_EQ(r.nic.ring_size, 128u);                 // b over a
  EXPECT_EQ(r.nic.tx_ring_size, 256u);              // through c
  EXPECT_EQ(r.nic.mtu, 9000u);
  EXPECT_EQ(r.nic.fifo, Nic{}.fifo);                // null removes
  ASSERT_EQ(r.guests.size(), 1u);                   // lists are replaced
  EXPECT_EQ(r.guests[0].vlan, 0u);
  EXPECT_EQ(r.seed, 3u);
  EXPECT_EQ(r.name, "s");
  EXPECT_EQ(r.where("nic.ring_size").file, f.path + "/sub/b.json");
}

TEST(Extends, MistakesPointToTheFileTheyComeFrom) {
  const Folder f;
  const std::string base = f.write("base.json", "{\n  \"nic\": {\"ring_size\": 3}\n}");
  const std::string s = f.write("s.json", std::string("{\"extends\": \"base.json\", ") + kTraffic + "}");
  EXPECT_THAT(mistake_of(s), StartsWith(base + ":2:24: error: /nic/ring_size: 3 is too small"));
}

TEST(Extends, MissingAndCircular) {
  const Folder f;
  const std::string missing = f.write("m.json", "{\"extends\": \"none.json\"}");
  EXPECT_THAT(mistake_of(missing), StartsWith(missing + ":1:13: error: /extends: there is no file \"none.json\""));
  f.write("x.json", "{\"extends\": \"y.json\"}");
  const std::string y = f.write("y.json", "{\"extends\": \"x.json\"}");
  EXPECT_THAT(mistake_of(y), HasSubstr("x.json:1:13: error: /extends: \"y.json\" extends itself"));
  const std::string number = f.write("n.json", "{\"extends\": 5}");
  EXPECT_THAT(mistake_of(number), StartsWith(number + ":1:13: error: /extends: expected a file name, found a number"));
}

TEST(Extends, ShareFolderComesAfterTheFilesOwn) {
  const Folder f, share;
  share.write("platforms/p.json", R"({"nic": {"ring_size": 64}})");
  const std::string s = f.write("s.json", std::string("{\"extends\": \"platforms/p.json\", ") + kTraffic + "}");
  LoadOptions o = without_files();
  o.share_dir = share.path;
  EXPECT_EQ(load(s, o).nic.ring_size, 64u);
  f.write("platforms/p.json", R"({"nic": {"ring_size": 72}})");
  EXPECT_EQ(load(s, o).nic.ring_size, 72u);
}

TEST(Set, ReplacesValuesInOrder) {
  const std::string text = std::string("{") + kTraffic + ", \"guests\": [{\"vlan\": 1}, {\"vlan\": 2}]}";
  const Scenario s = from(text, set({"nic.ring_size=64", "nic.ring_size=128", "nic.link_rate=25Gbps", "guests.1.virtio.queue_size=512", "iommu.mode=strict",
                                     "name=123", "traffic.frame_bytes=[{\"bytes\":64,\"weight\":2}]", "nic.rss=false", "host.affinity.vcpu=[1,2]"}));
  EXPECT_EQ(s.nic.ring_size, 128u);
  EXPECT_EQ(s.nic.link_rate, 25'000'000'000u);
  EXPECT_EQ(s.guests[0].virtio.queue_size, 256u);
  EXPECT_EQ(s.guests[1].virtio.queue_size, 512u);
  EXPECT_EQ(s.guests[1].vlan, 2u);
  EXPECT_EQ(s.iommu.mode, IommuMode::strict);
  EXPECT_EQ(s.name, "123");                         // string keys take raw text
  EXPECT_EQ(s.traffic.frame_bytes, (std::vector<FrameSize>{{64, 2}}));
  EXPECT_FALSE(s.nic.rss);
  EXPECT_EQ(s.host.affinity.vcpu, (std::vector<Count>{1, 2}));
  EXPECT_EQ(s.where("nic.ring_size").text(), "--set nic.ring_size=128");
}

TEST(Set, MakesWhatIsNotThere) {
  const Scenario s = from(std::string("{") + kTraffic + "}", set({"guests.0.vlan=7", "debug.fault.kind=flip-nic", "traffic.rate=null", "traffic.tcp=closed"}));
  ASSERT_EQ(s.guests.size(), 1u);
  EXPECT_EQ(s.guests[0].vlan, 7u);
  EXPECT_EQ(s.debug.fault.kind, "flip-nic");
  EXPECT_FALSE(s.traffic.rate);
}

TEST(Set, Mistakes) {
  struct { const char *argument, *starts, *also; } const rows[] = {
      {"nic.ring_size=3", "--set nic.ring_size=3: error: /nic/ring_size: 3 is too small", "from 8 to 8192"},
      {"nic.rign_size=8", "--set nic.rign_size=8: error: /nic/rign_size: unknown key \"nic.rign_size\"", "did you mean \"nic.ring_size\"?"},
      {"ring_size=8", "--set ring_size=8: error: /ring_size: unknown key", "did you mean \"nic.ring_size\"?"},
      {"guests.0.vlna=8", "--set guests.0.vlna=8: error: /guests/0/vlna: unknown key", "did you mean \"guests.0.vlan\"?"},
      {"nic.zzzzz=8", "--set nic.zzzzz=8: error: /nic/zzzzz: unknown key", "allowed: model, link_rate"},
      {"nic.ring_size", "--set nic.ring_size: error: expected KEY=VALUE", ""},
      {"guests.2.vlan=1", "--set guests.2.vlan=1: error: /guests/2/vlan: there is no item 2 in the list", "from 0 to 0"},
      {"guests.0.virtio.queue=1", "--set guests.0.virtio.queue=1: error: /guests/0/virtio/queue: unknown key", ""},
      {"guests[].name=x", "--set guests[].name=x: error: /guests[]/name: unknown key", "did you mean \"guests.0.name\"?"},
      {"guests[3].virtio.queue_size=64", "--set guests[3].virtio.queue_size=64: error: ", "did you mean \"guests.3.virtio.queue_size\"?"},
      {"guests[]={}", "--set guests[]={}: error: /guests[]: unknown key", "did you mean \"guests.0\"?"},
      {"guests[].nam=x", "--set guests[].nam=x: error: ", "did you mean \"guests.0.name\"?"},
      {"nic.link_rate=10", "--set nic.link_rate=10: error: /nic/link_rate: 10 has no unit", "Gbps"},
  };
  for (const auto& r : rows) {
    const std::string told = mistake(std::string("{") + kTraffic + "}", set({r.argument}));
    EXPECT_THAT(told, StartsWith(r.starts));
    EXPECT_THAT(told, HasSubstr(r.also));
  }
}

TEST(Seed, ComesLastAndIsChecked) {
  LoadOptions o = set({"seed=5"});
  o.seed = "9";
  EXPECT_EQ(from(std::string("{\"seed\": 1, ") + kTraffic + "}", o).seed, 9u);
  o.seed = "x";
  EXPECT_THAT(mistake(std::string("{") + kTraffic + "}", o), StartsWith("--seed x: error: \"x\" is not a seed"));
}

TEST(StandardInput, IsAFile) {
  std::istringstream in(std::string("{") + kTraffic + ", \"nic\": {\"ring_size\": 16}}");
  LoadOptions o = without_files();
  o.standard_input = &in;
  const Scenario s = load("-", o);
  EXPECT_EQ(s.nic.ring_size, 16u);
}

TEST(Capture, RelativeToTheFileThatNamesIt) {
  const Folder f;
  f.write("base/t.pcap", "bytes");
  f.write("base/b.json", R"({"traffic": {"kind": "pcap", "file": "t.pcap"}, "host": {"costs": "inline"}})");
  const std::string s = f.write("s.json", "{\"extends\": \"base/b.json\"}");
  const Scenario r = load(s);
  EXPECT_EQ(r.traffic.file, f.path + "/base/t.pcap");
  EXPECT_EQ(r.traffic.file_sha256, sha256("bytes"));
  LoadOptions o;
  o.set = {"traffic.file=" + f.path + "/no.pcap"};
  EXPECT_THAT(mistake_of(s, o), StartsWith("--set traffic.file=" + f.path + "/no.pcap: error: /traffic/file: there is no file"));
  o.set = {"traffic.file=" + f.path};
  EXPECT_THAT(mistake_of(s, o), HasSubstr("/traffic/file: cannot read"));
  o.set = {"traffic.file=" + f.write("empty.pcap", "")};
  EXPECT_THAT(mistake_of(s, o), HasSubstr("is empty"));
}

TEST(Costs, ProfileAndOverrides) {
  const Folder f, share;
  share.write("costs/p.json", R"({"description": "d", "costs": {"b.two": {"cycles": 10, "cycles_per_unit": 0.33, "per": "byte", "source": "s", "confidence": "read"},
    "a.one": {"cycles": 123.5}}})");
  const std::string s = f.write("s.json", std::string("{\"host\": {\"costs\": \"p\"}, \"costs\": {\"b.two\": {\"cycles\": 11}}, ") + kTraffic + "}");
  LoadOptions o;
  o.share_dir = share.path;
  o.set = {"costs.a.one.cycles=7.25"};
  Scenario r = load(s, o);
  ASSERT_EQ(r.costs.size(), 2u);
  EXPECT_EQ(r.costs[0], (CostEntry{"a.one", 7'250, 0, "", "", ""}));
  EXPECT_EQ(r.costs[1], (CostEntry{"b.two", 11'000, 330, "byte", "s", "read"}));
  EXPECT_EQ(r.inputs.size(), 1u);
  o.set = {"costs.a.on.cycles=1"};
  EXPECT_THAT(mistake_of(s, o), testing::AllOf(StartsWith("--set costs.a.on.cycles=1: error:"), HasSubstr("did you mean \"a.one\"?")));
  o.set = {"host.costs=q"};
  EXPECT_THAT(mistake_of(s, o), StartsWith("--set host.costs=q: error: /host/costs: there is no cost profile \"q\""));
  EXPECT_EQ(load_costs(share.path + "/costs/p.json").size(), 2u);
}

TEST(Costs, AProfileExtendsAnother) {
  const Folder share;
  share.write("costs/new.json", R"({"costs": {"a.one": {"cycles": 1, "source": "s", "confidence": "read"},
    "b.two": {"cycles": 10, "cycles_per_unit": 0.5, "per": "byte", "source": "t", "confidence": "read"}, "c.three": {"cycles": 5}}})");
  const std::string old = share.write("costs/old.json", R"({"extends": "new.json", "costs": {"a.one": {"cycles": 2},
    "b.two": {"cycles": 11, "cycles_per_unit": null, "source": "u", "confidence": "derived"}, "c.three": null, "d.four": {"cycles": 7}}})");
  const std::vector<CostEntry> e = load_costs(old);
  ASSERT_EQ(e.size(), 3u);
  EXPECT_EQ(e[0], (CostEntry{"a.one", 2'000, 0, "", "s", "read"}));
  EXPECT_EQ(e[1], (CostEntry{"b.two", 11'000, 0, "byte", "u", "derived"}));
  EXPECT_EQ(e[2], (CostEntry{"d.four", 7'000, 0, "", "", ""}));
  LoadOptions o;
  o.share_dir = share.path;
  o.set = {"host.costs=old", "costs.d.four.cycles=8"};
  const std::vector<CostEntry> s = load_text(std::string("{") + kTraffic + "}", "s.json", o).costs;
  ASSERT_EQ(s.size(), 3u);
  EXPECT_EQ(s[2].fixed_mc, 8'000u);
  share.write("costs/new.json", R"({"extends": "old.json", "costs": {}})");
  o.set = {"host.costs=old"};
  try {
    load_text(std::string("{") + kTraffic + "}", "s.json", o);
    ADD_FAILURE() << "a circle was taken";
  } catch (const UserError& circle) {
    EXPECT_THAT(circle.what(), HasSubstr("extends itself"));
  }
}

}  // namespace merge_test
}  // namespace gd::scenario
