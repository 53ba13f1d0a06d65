#include <gmock/gmock.h>

#include "tests/scenario/support.h"

namespace gd::scenario {
namespace strategies_test {

using testing::HasSubstr;
using testing::StartsWith;

LoadOptions known(std::optional<std::string> chosen = {}) {
  LoadOptions o = without_files();
  o.strategies = {{"vhost-copy", {{"batch", OptionType::count, {}, "64", ""}}, {}},
                  {"copy-header", {{"unsplit", OptionType::choice, {"offset", "move", "copy"}, "offset", ""}, {"room", OptionType::size, {}, "128B", ""}, {"scrub", OptionType::boolean, {}, "false", ""}}, {"room-in-every-page"}}};
  o.strategy = chosen;
  return o;
}

std::string with(const std::string& list) { return "{\"traffic\": {\"rate\": \"1Gbps\"}, \"strategies\": " + list + "}"; }

std::string labels(const Scenario& s) {
  std::string out = s.all_strategies ? "all" : "";
  for (const StrategyChoice& c : s.strategies) out += (out.empty() ? "" : ",") + c.label;
  return out;
}

TEST(Strategies, NamesLabelsAndOptions) {
  EXPECT_TRUE(from(with("\"all\""), known()).all_strategies);
  const Scenario s = from(with(R"(["vhost-copy", {"name": "copy-header", "label": "moved", "scrub": true, "unsplit": "move", "room": "0.125KiB", "hazard": "room-in-every-page"}])"), known());
  ASSERT_EQ(labels(s), "vhost-copy,moved");
  const StrategyChoice& c = s.strategies[1];
  EXPECT_EQ(c.name, "copy-header");
  EXPECT_EQ(c.hazard, "room-in-every-page");
  // In the order of the option table, in bytes.
  EXPECT_EQ(c.options, (std::vector<std::pair<std::string, std::string>>{{"unsplit", "move"}, {"room", "128"}, {"scrub", "true"}}));
}

TEST(Strategies, ReadBackFromTheResolvedConfiguration) {
  const Scenario s = from(with(R"([{"name": "copy-header", "scrub": true, "room": "4KiB"}])"), known());
  EXPECT_EQ(s.strategies[0].options, (std::vector<std::pair<std::string, std::string>>{{"room", "4096"}, {"scrub", "true"}}));
  EXPECT_EQ(load_text(resolved(s), "config.json", known()).strategies[0].options, s.strategies[0].options);
}

TEST(Strategies, AnEntryCanSetKeysOfItsOwn) {
  const Scenario s = from(with(R"(["vhost-copy", {"name": "copy-header", "set": {"nic.ring_size": 2048, "nic.fifo": "1MiB", "guests.0.virtio.queue_size": 512}}])"), known());
  EXPECT_EQ(for_strategy(s, s.strategies[0]).nic.ring_size, 512u);
  const Scenario own = for_strategy(s, s.strategies[1]);
  EXPECT_EQ(own.nic.ring_size, 2048u);
  EXPECT_EQ(own.nic.fifo, 1u << 20);
  EXPECT_EQ(own.guests[0].virtio.queue_size, 512u);
  EXPECT_EQ(own.where("nic.ring_size").text(), "t.json:1:61");
  EXPECT_EQ(own.strategies.size(), 2u);
  EXPECT_NE(config_sha256(own), config_sha256(s));
  EXPECT_EQ(load_text(resolved(s), "config.json", known()).strategies[1].set, s.strategies[1].set);
  EXPECT_THAT(mistake(with(R"([{"name": "copy-header", "set": {"nic.rign_size": 8}}])"), known()), testing::AllOf(HasSubstr("\"nic.rign_size\" is no key that an entry can set"), HasSubstr("did you mean \"nic.ring_size\"?")));
  EXPECT_THAT(mistake(with(R"([{"name": "copy-header", "set": {"nic.ring_size": 3}}])"), known()), StartsWith("t.json:1:47: error: /nic/ring_size: entry \"copy-header\": 3 is too small"));
}

TEST(Strategies, Mistakes) {
  struct { const char *list, *starts, *also; } const rows[] = {
      {"[\"vhost-cpy\"]", "t.json:1:47: error: /strategies/0: there is no strategy \"vhost-cpy\"", "did you mean \"vhost-copy\"?"},
      {"[{\"name\": \"copy-header\", \"unsplt\": \"move\"}]", "t.json:1:71: error: /strategies/0/unsplt: strategy \"copy-header\" has no option \"unsplt\"", "did you mean \"unsplit\"?"},
      {"[{\"name\": \"copy-header\", \"unsplit\": \"mov\"}]", "t.json:1:82: error: /strategies/0/unsplit: \"mov\" is not known", "did you mean \"move\"?"},
      {"[{\"name\": \"copy-header\", \"room\": 128}]", "t.json:1:79: error: /strategies/0/room: 128 has no unit", ""},
      {"[{\"name\": \"vhost-copy\", \"hazard\": \"x\"}]", "t.json:1:80: error: /strategies/0/hazard: strategy \"vhost-copy\" has no hazard \"x\"", ""},
      {"[{\"label\": \"x\"}]", "t.json:1:47: error: /strategies/0: has no name", ""},
      {"[{\"name\": \"vhost-copy\", \"label\": \"a/b\"}]", "t.json:1:79: error: /strategies/0/label: \"a/b\" cannot name a folder", ""},
      {"[]", "t.json:1:46: error: /strategies: the list is empty", ""},
  };
  for (const auto& r : rows) {
    const std::string told = mistake(with(r.list), known());
    EXPECT_THAT(told, StartsWith(r.starts));
    EXPECT_THAT(told, HasSubstr(r.also));
  }
}

TEST(Strategies, ChosenOnTheCommandLine) {
  const std::string text = with(R"(["vhost-copy", {"name": "copy-header", "label": "a"}, {"name": "copy-header", "label": "b", "unsplit": "copy"}])");
  EXPECT_EQ(labels(from(text, known("b"))), "b");
  EXPECT_EQ(from(text, known("b")).strategies[0].options.size(), 1u);
  EXPECT_EQ(labels(from(text, known("copy-header"))), "a,b");
  EXPECT_EQ(labels(from(text, known("vhost-copy,a"))), "vhost-copy,a");
  EXPECT_EQ(labels(from(text, known("all"))), "all");
  EXPECT_EQ(labels(from(with("\"all\""), known("copy-header"))), "copy-header");
  EXPECT_THAT(mistake(text, known("vhost-copy,passthru")), StartsWith("--strategy vhost-copy,passthru: error: there is no strategy \"passthru\""));
  EXPECT_THAT(mistake(text, known("")), StartsWith("--strategy : error: expected names separated by commas"));
}

}  // namespace strategies_test
}  // namespace gd::scenario
