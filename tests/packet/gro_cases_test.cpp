// The cases of tests/data/gro_cases.json: what a Linux host of 2026 makes of short packet sequences (facts of the
// kernel's GRO selftest), and what the rules of 2.6.35 make of them where that differs.
#include "tests/packet/gro_case_frames.h"
#include "tests/packet/gro_driver.h"

namespace gd {
namespace gro_cases_test {
using namespace test;
using nlohmann::json;

void play(Driver& d, const json& c, bool checked) {
  for (const auto& p : c.at("packets")) {
    if (p.contains("delay_us_before") && !p["delay_us_before"].is_null() && p["delay_us_before"] > 0) d.end_of_poll();
    d.receive(build(p, c.at("family") == "ipv6"), 0, checked);
  }
  d.end_of_poll();
}

TEST(GroCases, Linux6) {
  unsigned count = 0;
  for (const auto& c : cases())
    for (bool checked : {false, true}) {
      SCOPED_TRACE(c.at("id").get<std::string>() + (checked ? ", checksums verified by the NIC" : ", software checksums"));
      Driver d(GroRules::linux_6);
      play(d, c, checked);
      EXPECT_EQ(d.lengths(), c.at("expect_payload_lens").get<std::vector<std::uint32_t>>());
      std::vector<std::vector<std::uint32_t>> offsets;
      const std::uint32_t base = c["packets"][0].at("seq").get<std::uint32_t>() - c["packets"][0].at("seq_offset").get<std::uint32_t>();
      for (const auto& x : d.delivered) {
        offsets.emplace_back();
        for (std::uint32_t seq : x.seqs) offsets.back().push_back(seq - base);
      }
      if (c.contains("model_delivery_seq_offsets")) {
        EXPECT_EQ(offsets, c["model_delivery_seq_offsets"].get<std::vector<std::vector<std::uint32_t>>>());
      }
      ++count;
    }
  EXPECT_EQ(count, 2 * 35u);
}

TEST(GroCases, Linux2635WithVerifiedChecksums) {
  for (const auto& c : cases()) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const char* older = "expect_payload_lens_older_rules_model_derived";
    const char* rules = "rules_D_2.6.35_with_NIC_verified_checksums";
    json expected = c.at("expect_payload_lens");
    if (c.contains(older) && c[older].contains(rules)) expected = c[older][rules];
    Driver d(GroRules::linux_2_6_35);
    play(d, c, true);
    EXPECT_EQ(d.lengths(), expected.get<std::vector<std::uint32_t>>());
  }
}

TEST(GroCases, Linux2635HoldsNothingWithoutVerifiedChecksums) {
  for (const auto& c : cases()) {
    Driver d(GroRules::linux_2_6_35);
    play(d, c, false);
    EXPECT_EQ(d.delivered.size(), c.at("packets").size()) << c.at("id");
  }
}

}  // namespace gro_cases_test
}  // namespace gd
