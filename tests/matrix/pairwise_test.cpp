// Few whole runs in which every two settings of the receive path meet: strategy, GRO, receive mode, ring, event index,
// indirect descriptors, header split, driver, extensions, in-order use. Whatever combination the program serves must lose
// and change nothing; whatever it refuses is named.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "models/buffers/strategy.h"
#include "tests/matrix/whole_run.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace pairwise_test {

constexpr unsigned kMostRuns = 60;
constexpr unsigned kParts = 2;   // as many captures of random streams, the runs shared between them

// A capture of random streams in this test's folder, and settings short enough for rings to wrap several times.
std::vector<std::string> common_settings(const std::string& capture) {
  return {"traffic.file=" + capture, "guests.0.virtio.queue_size=128", "nic.ring_size=128", "host.copy_engine.channels=2"};
}

struct Set {
  Space space;
  Covering cover;
  std::map<Row, std::string> refused_late;   // those that only the whole reader refused
};

Set make_set(const std::string& capture) {
  Set s{Space(scenario_path(kStreamScenario), common_settings(capture)), {}, {}};
  std::vector<Row> candidates = all_rows(s.space.sizes());
  std::erase_if(candidates, [&](const Row& row) { return s.space.refusal(row).has_value(); });
  s.cover = cover_pairs(s.space.sizes(), std::move(candidates), [&](const Row& row) {
    const auto why = s.space.refusal_when_loaded(row);
    if (why) s.refused_late[row] = *why;
    return !why;
  });
  return s;
}

void lose_and_change_nothing(const Covering& cover, unsigned part) {
  const StreamOptions streams{1 + part, 300, 25};
  const std::vector<SentFrame> sent = random_streams(streams);
  const std::string capture = "streams-" + std::to_string(streams.seed) + ".pcap";
  write_capture(capture, sent);
  const Space space(scenario_path(kStreamScenario), common_settings(capture));
  for (std::size_t i = part; i < cover.rows.size(); i += kParts) EXPECT_EQ(whole_run(space, cover.rows[i], sent), "");
}

// One test, because finding the set takes as long as its runs.
TEST(Pairwise, EveryPairThatCanBeServedIsRunAndLosesNothing) {
  const std::string capture = "streams-covering.pcap";
  write_capture(capture, random_streams({}));
  Set s = make_set(capture);
  EXPECT_LE(s.cover.rows.size(), kMostRuns);
  std::map<std::string, unsigned> runs;
  for (const Row& row : s.cover.rows) ++runs[s.space.value(row, "strategy")];
  for (const Strategy* strategy : strategies()) EXPECT_GT(runs[std::string(strategy->declaration().name)], 0u) << strategy->declaration().name;
  const std::vector<std::size_t> sizes = s.space.sizes();
  const std::vector<ValuePair> pairs = all_pairs(sizes);
  const PairIndex index(sizes);
  // Not the covering algorithm's word for it: each pair again, over every combination.
  std::vector<char> run(pairs.size(), 0), servable(pairs.size(), 0), impossible(pairs.size(), 0);
  for (const Row& row : s.cover.rows) index.each(row, [&](std::size_t p) { run[p] = 1; });
  for (const ValuePair& p : s.cover.impossible)
    impossible[static_cast<std::size_t>(std::find(pairs.begin(), pairs.end(), p) - pairs.begin())] = 1;
  // Of several reasons against a pair the one counts that stands against a combination with least else impossible in it.
  std::vector<std::string> reason(pairs.size());
  std::vector<std::size_t> least(pairs.size(), SIZE_MAX);
  for (const Row& row : all_rows(sizes)) {
    const auto late = s.refused_late.find(row);
    const auto why = late == s.refused_late.end() ? s.space.refusal(row) : late->second;
    std::size_t faults = why == kNoSuchOption ? pairs.size() : 0;   // says nothing of the other values
    index.each(row, [&](std::size_t p) { faults += impossible[p]; });
    index.each(row, [&](std::size_t p) {
      if (!why) servable[p] = 1;
      else if (faults < least[p]) reason[p] = *why, least[p] = faults;
    });
  }
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    EXPECT_EQ(run[p], servable[p]) << s.space.text(pairs[p]);
    EXPECT_NE(run[p], impossible[p]) << s.space.text(pairs[p]);
  }
  // A value that nothing serves is named once, not with each of its partners.
  std::set<std::pair<std::size_t, std::size_t>> served;
  for (const Row& row : s.cover.rows)
    for (std::size_t d = 0; d < row.size(); ++d) served.insert({d, row[d]});
  std::map<std::string, std::string> told;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!impossible[i] || reason[i] == kNoSuchOption) continue;
    const ValuePair& p = pairs[i];
    const bool a = served.count({p.a, p.va}), b = served.count({p.b, p.vb});
    told.emplace(a && b ? s.space.text(p) : a ? s.space.text(p.b, p.vb) : s.space.text(p.a, p.va), reason[i]);
  }
  std::cout << s.cover.rows.size() << " runs cover " << s.cover.pairs - s.cover.impossible.size() << " of " << s.cover.pairs
            << " pairs; of the others no combination serves, beside options of other "
               "strategies:\n";
  for (const auto& [what, why] : told) std::cout << "  " << what << ": " << why << '\n';
  for (unsigned part = 0; part < kParts; ++part) lose_and_change_nothing(s.cover, part);
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

}  // namespace pairwise_test
}  // namespace gd::test
