// Every adversity scenario with every design: it ends, the books are exact, nobody but the guest that does wrong has wrong bytes;
// and each misbehaviour shows what it is meant to show.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "src/system/system.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace adversity_test {

// Those of guests; those of hardware (hw-*) are device_faults_test's, those of applications (app-*) user_async_test's.
std::vector<std::string> scenarios() {
  std::vector<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(scenario_path("adversity"))) {
    const std::string stem = e.path().stem().string();
    if (e.path().extension() == ".json" && stem.rfind("defences-", 0) != 0 && stem.rfind("hw-", 0) != 0 && stem.rfind("app-", 0) != 0) names.push_back("adversity/" + stem + ".json");
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A broken ledger or conservation, or a requirement that a guest's act does not meet, ends the child with exit code 3.
void is_survived(const std::string& scenario, const std::string& strategy) {
  const ChildResult r = run_child(scenario, strategy);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("ownership.violations"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("security.escapes"), 0);
  EXPECT_EQ(r.value("security.leaked_bytes"), 0);
  EXPECT_GT(r.value("packets.offered"), 0);
  EXPECT_LT(r.value("guest.victim.packets.lost_share"), 1);
  EXPECT_EQ(r.value("packets.offered"), r.value("packets.delivered") + r.value("packets.dropped") + r.value("packets.in_flight"));
}

class Adversity : public ::testing::TestWithParam<std::string> {};

TEST_P(Adversity, IsSurvivedWithExactBooks) {
  for_each_served(GetParam(), {}, [](const std::string& s) { is_survived(GetParam(), s); });
}

INSTANTIATE_TEST_SUITE_P(All, Adversity, ::testing::ValuesIn(scenarios()), [](const auto& i) { return test_name(i.param.substr(10, i.param.size() - 15)); });

// On a packed ring a `next` that was meant to lead back is a legal list of two descriptors.
TEST(AdversityOfRings, ALiarOnAPackedRingIsSurvived) {
  for (const std::string& strategy : system::strategy_names())
    for (const char* lie : {"loop", "indirect", "mixed"}) {
      const std::vector<std::string> set = {"guests.1.virtio.ring=packed", std::string("guests.1.misbehaviour.lie=") + lie};
      if (!can_serve("adversity/ring-liar.json", strategy, set)) continue;
      const ChildResult r = run_child("adversity/ring-liar.json", strategy, set);
      EXPECT_EQ(r.exit_code, 0) << strategy << " " << lie << ": " << r.error;
      EXPECT_EQ(r.value("security.escapes"), 0) << strategy << " " << lie;
    }
}

// The trouble itself: scenario, design, metric, and whether it must be more than a bound.
struct Trouble {
  const char *scenario, *strategy, *metric;
  double more_than;
};
void PrintTo(const Trouble& t, std::ostream* out) { *out << t.scenario << " " << t.metric; }

class Shows : public ::testing::TestWithParam<Trouble> {};

TEST_P(Shows, ItsTrouble) {
  const Trouble t = GetParam();
  const ChildResult r = run_child(std::string("adversity/") + t.scenario + ".json", t.strategy);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_GT(r.value(t.metric), t.more_than);
}

constexpr Trouble kTroubles[] = {
    {"idle", "guest-head", "guest.other.packets.lost_share", 99},
    {"hoarder", "guest-head", "guest.other.pinned.peak_bytes", 2'500'000},
    {"hoarder-late", "vhost-copy", "guest.other.buffers.hold_ns.p50", 100'000},
    {"slow-refill", "page-frags", "guest.other.packets.lost_share", 20},
    {"flood-poster", "vhost-copy", "ownership.guest_faults", 100},
    {"flood-poster", "copy-header", "ownership.guest_faults", 100},
    {"header-scribbler", "page-frags", "guest.other.misdeeds", 20},
    {"shinfo-scribbler", "guest-head", "guest.other.misdeeds", 20},
    {"ring-liar", "vhost-copy", "ownership.guest_faults", 20},
    {"ring-liar", "page-frags", "ownership.guest_faults", 20},
    {"ring-jump", "vhost-copy", "guest.other.packets.lost_share", 20},
    {"unmapper", "page-frags", "guest.other.misdeeds", 10},
    {"crasher", "guest-head", "guest.other.misdeeds", 0},
    {"crasher", "passthrough", "guest.other.misdeeds", 0},
    {"crasher", "passthrough", "guest.other.drops.guest-no-buffer", 0},
    {"crasher", "vhost-copy", "guest.other.drops.guest-no-buffer", 0},
};

INSTANTIATE_TEST_SUITE_P(Adversity, Shows, ::testing::ValuesIn(kTroubles), [](const auto& i) {
  return test_name(std::string(i.param.scenario) + "_" + i.param.strategy + "_" + i.param.metric);
});

// The published table of guests that hold buffers: losses fall and the guest's CPU rises with the share of packets that are
// copied; a larger ring loses nothing without copying.
TEST(Adversity, HeldBuffersFollowThePublishedOrder) {
  const auto run = [](const char* copied, int buffers) {
    const std::string n = std::to_string(buffers);
    return run_child("adversity/netkvm-hold.json", "vhost-copy",
                     {std::string("guests.0.misbehaviour.copy_share=") + copied, "guests.0.misbehaviour.buffers=" + n, "guests.0.virtio.queue_size=" + n});
  };
  const ChildResult none = run("0%", 256), some = run("25%", 256), half = run("50%", 256), all = run("100%", 256), large = run("0%", 1024);
  for (const ChildResult* r : {&none, &some, &half, &all, &large}) ASSERT_EQ(r->exit_code, 0) << r->error;
  EXPECT_GT(none.value("packets.dropped"), some.value("packets.dropped"));
  EXPECT_GT(some.value("packets.dropped"), 0);
  EXPECT_EQ(half.value("packets.dropped"), 0);
  EXPECT_EQ(all.value("packets.dropped"), 0);
  EXPECT_GT(all.value("guest.cycles_per_packet"), half.value("guest.cycles_per_packet"));
  EXPECT_EQ(large.value("packets.dropped"), 0);
  EXPECT_GT(all.value("guest.cycles_per_packet"), large.value("guest.cycles_per_packet"));
}

// Without its own queue being allowed to drop, an idle guest stands before its neighbour in the card.
TEST(Adversity, AnIdleGuestBlocksItsNeighbourWhereTheCardWaits) {
  const ChildResult r = run_child("adversity/idle.json", "guest-head", {"nic.drop_when_no_descriptor=false"});
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_GT(r.value("guest.victim.packets.lost_share"), 20);
}

// Nothing of the behaviours touches a guest that has none: the victim alone, and with its own name for well-behaved.
TEST(Adversity, WellBehavedIsTheDefault) {
  const ChildResult a = run_child("adversity/base.json", "page-frags");
  const ChildResult b = run_child("adversity/base.json", "page-frags", {"guests.0.behaviour=\"well-behaved\""});
  EXPECT_EQ(a.everything, b.everything);
}

}  // namespace adversity_test
}  // namespace gd::test
