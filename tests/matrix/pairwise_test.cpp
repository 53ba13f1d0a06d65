// Few whole runs in which every two settings of the receive path meet: strategy, GRO, receive mode, ring, event index,
// indirect descriptors, header split, driver, extensions, in-order use. Whatever combination the program serves must lose
// and change nothing; whatever it refuses is named.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "models/buffers/strategy.h"
#include "tests/matrix/whole_run.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace {

constexpr unsigned kMostRuns = 60, kParts = 3;

// A capture of random streams in this test's folder, and settings short enough for rings to wrap several times.
std::vector<std::string> common_settings(const std::string& capture) {
  return {"traffic.file=" + capture, "guests.0.virtio.queue_size=128", "nic.ring_size=128"};
}

struct Set {
  Space space;
  Covering cover;
  std::map<Row, std::string> refused;
};

Set make_set(const std::string& capture) {
  Set s{Space(scenario_path(kStreamScenario), common_settings(capture)), {}, {}};
  std::vector<Row> candidates;
  for (const Row& row : all_rows(s.space.sizes())) {
    if (auto why = s.space.refusal(row)) s.refused[row] = *why;
    else candidates.push_back(row);
  }
  s.cover = cover_pairs(s.space.sizes(), candidates, [&](const Row& row) {
    auto why = s.space.refusal_when_loaded(row);
    if (why) s.refused[row] = *why;
    return !why;
  });
  return s;
}

TEST(Pairwise, EveryPairThatCanBeServedIsRun) {
  const std::string capture = "streams-covering.pcap";
  write_capture(capture, random_streams({}));
  const Set s = make_set(capture);
  EXPECT_LE(s.cover.rows.size(), kMostRuns);
  // Not the covering algorithm's word for it: each pair again, over every combination. A value that nothing serves is
  // named once, not with each of its partners. Of several reasons the one counts that stands against a combination with
  // nothing else impossible in it.
  std::map<Row, std::size_t> faults;
  for (const auto& [row, why] : s.refused)
    for (const ValuePair& p : s.cover.impossible) faults[row] += holds(row, p);
  const std::vector<Row> rows = all_rows(s.space.sizes());
  std::map<std::string, std::string> impossible;
  std::set<std::pair<std::size_t, std::size_t>> served;
  for (const Row& row : s.cover.rows)
    for (std::size_t d = 0; d < row.size(); ++d) served.insert({d, row[d]});
  std::size_t unserved = 0;
  for (const ValuePair& p : all_pairs(s.space.sizes())) {
    bool run = false, servable = false;
    for (const Row& row : s.cover.rows) run |= holds(row, p);
    std::string why;
    std::size_t least = SIZE_MAX;
    for (const Row& row : rows) {
      if (!holds(row, p)) continue;
      const auto it = s.refused.find(row);
      if (it == s.refused.end()) servable = true;
      else if (faults[row] < least) why = it->second, least = faults[row];
    }
    EXPECT_EQ(run, servable) << s.space.text(p);
    if (servable) continue;
    ++unserved;
    const bool a = served.count({p.a, p.va}), b = served.count({p.b, p.vb});
    impossible.emplace(a && b ? s.space.text(p) : a ? s.space.text(p.b, p.vb) : s.space.text(p.a, p.va), why);
  }
  EXPECT_EQ(unserved, s.cover.impossible.size());
  std::cout << s.cover.rows.size() << " runs cover " << s.cover.pairs - unserved << " of " << s.cover.pairs
            << " pairs; no combination serves the others:\n";
  for (const auto& [what, why] : impossible) std::cout << "  " << what << ": " << why << '\n';
}

// Each strategy without options is run at least once.
TEST(Pairwise, EveryStrategyIsAmongTheRuns) {
  const std::string capture = "streams-covering.pcap";
  write_capture(capture, random_streams({}));
  const Set s = make_set(capture);
  std::map<std::string, unsigned> runs;
  for (const Row& row : s.cover.rows) ++runs[s.space.strategy(row)];
  for (const Strategy* strategy : strategies()) EXPECT_GT(runs[std::string(strategy->declaration().name)], 0u) << strategy->declaration().name;
}

class PairwiseRuns : public ::testing::TestWithParam<unsigned> {};

TEST_P(PairwiseRuns, LoseAndChangeNothing) {
  const StreamOptions streams{1 + GetParam(), 300, 25};
  const std::vector<SentFrame> sent = random_streams(streams);
  const std::string capture = "streams-" + std::to_string(streams.seed) + ".pcap";
  write_capture(capture, sent);
  const Set s = make_set(capture);
  for (std::size_t i = GetParam(); i < s.cover.rows.size(); i += kParts) EXPECT_EQ(whole_run(s.space, s.cover.rows[i], sent), "");
}

// What these runs look for is found when it is there.
TEST(Pairwise, APlantedFaultFails) {
  const std::vector<SentFrame> sent = random_streams({});
  write_capture("streams-covering.pcap", sent);
  for (const char* kind : {"flip-guest", "lose-guest", "leak-buffer"}) {
    std::vector<std::string> set = common_settings("streams-covering.pcap");
    set.push_back(std::string("debug.fault.kind=") + kind);
    set.push_back("debug.fault.frame=20");
    const Space space(scenario_path(kStreamScenario), set);
    EXPECT_NE(whole_run(space, Row(space.sizes().size(), 0), sent), "") << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Part, PairwiseRuns, ::testing::Range(0u, kParts));

}  // namespace
}  // namespace gd::test
