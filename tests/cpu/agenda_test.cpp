#include "models/base/agenda.h"

#include <gmock/gmock.h>

#include "models/base/error.h"
#include "tests/cpu/machine.h"

namespace gd::test {
namespace agenda_test {

// By time, of one instant by rank, whoever was made or asked first.
TEST(Agenda, TimesAndRanksDecideWhoActs) {
  Agenda agenda("agenda");
  Log seen;
  Script high(agenda, 9), low(agenda, 2), middle(agenda, 5);
  for (Script* s : {&high, &middle, &low})
    for (const Time t : {2 * kUs, kUs, 7 * kSec}) {
      const char* const name = s == &high ? "high" : s == &low ? "low" : "middle";
      s->at(t, [&seen, name](Time now) { log(seen, name, now); });
    }
  // Asked for at the instant itself by who acts before, and by who acts after.
  middle.at(3 * kUs, [&](Time now) {
    high.at(now, [&](Time t) { log(seen, "woken", t); });
    low.at(now, [&](Time t) { log(seen, "woken low", t); });
  });
  sc_core::sc_start(to_sc(8 * kSec));
  EXPECT_THAT(seen, ::testing::ElementsAre("low@1000", "middle@1000", "high@1000", "low@2000", "middle@2000", "high@2000", "woken low@3000", "woken@3000",
                                           "low@7000000000", "middle@7000000000", "high@7000000000"));
}

// A key is a time and a place: of many actors, times that leave no room for the place are refused, never mistaken for earlier ones.
TEST(Agenda, TimesWithoutRoomForThePlaceAreRefused) {
  Agenda agenda("agenda");
  std::vector<std::unique_ptr<Script>> many;
  for (std::uint32_t i = 0; i < 1000; ++i) many.push_back(std::make_unique<Script>(agenda, i));
  const Time end = Time{1} << 54;   // ten bits are the place's
  Log seen;
  many[999]->at(end - 2, [&](Time now) { log(seen, "last", now); });
  EXPECT_EQ(many[999]->pending(), end - 2);
  EXPECT_EQ(many[0]->pending(), kNever);
  try {
    many[3]->at(end - 1, nullptr);
    ADD_FAILURE() << "not refused";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("with 1000 actors a run may take 18014 s"));
  }
  many.resize(999);
  EXPECT_EQ(many[0]->pending(), kNever);
  many.resize(2);
  many[0]->at(end - 1, nullptr);   // there is room for it as long as there are no more actors
  try {
    while (many.size() < 1000) many.push_back(std::make_unique<Script>(agenda, 1000 + static_cast<std::uint32_t>(many.size())));
    ADD_FAILURE() << "not refused";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("with 513 actors"));
  }
}

}  // namespace agenda_test
}  // namespace gd::test
