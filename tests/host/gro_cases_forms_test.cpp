// The cases of tests/data/gro_cases.json through the GRO stage, in each delivery form and by both rule sets.
#include "tests/host/gro_forms.h"
#include "tests/packet/gro_case_frames.h"

namespace gd::test {
namespace gro_cases_forms_test {

using Lengths = std::vector<std::uint32_t>;

struct GroCasesFormsTest : GroBench {
  // As in the wire test: payload as the IP header says; a first fragment's TCP header is not payload.
  Lengths lengths() {
    Lengths v;
    for (Skb* k : up.packets) {
      const Frame f = all_bytes(*k);
      EXPECT_EQ(f.size(), k->length);
      const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
      v.push_back(p.is_fragment || p.l4 == L4::none ? p.payload_length - 20 : p.payload_length);
    }
    return v;
  }
  Lengths play(const json& c, const Form& form, bool verified) {
    std::vector<std::vector<Frame>> polls(1);
    for (const auto& p : c.at("packets")) {
      if (p.contains("delay_us_before") && !p["delay_us_before"].is_null() && p["delay_us_before"] > 0) polls.emplace_back();
      polls.back().push_back(build(p, c.at("family") == "ipv6"));
    }
    up.packets.clear();
    for (const auto& packets : polls) {
      in_step([&](Step& s) {
        pieces.frags = form.frags;
        for (const Frame& f : packets) {
          const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
          checksum = !verified || p.l4 == L4::none ? Checksum::none
                     : csum::check_l4(f.data(), p) == csum::Checked::good ? Checksum::unnecessary : Checksum::bad;
          gro->receive(s, make(s, f, form), pieces, up);
        }
      });
      end_poll();
    }
    const Lengths got = lengths();
    drop_all();
    expect_clean();
    return got;
  }
  std::vector<Form> forms(const json& c) {
    std::uint32_t longest = 0;
    for (const auto& p : c.at("packets")) longest = std::max(longest, p.at("frame_len_no_pad").get<std::uint32_t>());
    const std::uint32_t header = c.at("header_len_no_options");
    std::vector<Form> v = {kLinearPage, split_at(header), split_at(14), split_at(header - 8), kFrags, frags_at(header), frags_at(20)};
    if (longest <= Skb::kSlab) v.push_back(kLinearSlab);
    return v;
  }
};

TEST_F(GroCasesFormsTest, Linux6) {
  unsigned count = 0;
  for (const auto& c : cases())
    for (const Form& form : forms(c))
      for (const bool verified : {false, true}) {
        SCOPED_TRACE(c.at("id").get<std::string>() + ", " + form.name + (verified ? ", verified" : ""));
        renew(rules(GroRules::linux_6));
        EXPECT_EQ(play(c, form, verified), c.at("expect_payload_lens").get<Lengths>());
        ++count;
      }
  EXPECT_GT(count, 2 * 7 * 34u);
}

TEST_F(GroCasesFormsTest, Linux2635) {
  for (const auto& c : cases())
    for (const Form& form : forms(c)) {
      SCOPED_TRACE(c.at("id").get<std::string>() + ", " + form.name);
      const char* older = "expect_payload_lens_older_rules_model_derived";
      const char* name = "rules_D_2.6.35_with_NIC_verified_checksums";
      Lengths expected = c.at("expect_payload_lens").get<Lengths>();
      if (c.contains(older) && c[older].contains(name)) expected = c[older][name].get<Lengths>();
      // Two fragments a segment, the first empty: 18 slots hold nine segments (1 + 8 pairs), and the tenth is refused.
      if (c.at("id") == "large_rem_v6" && form.frags && form.pieces[0] == c.at("header_len_no_options")) expected = {36324, 29152, 900};
      renew(rules(GroRules::linux_2_6_35));
      EXPECT_EQ(play(c, form, true), expected);
      renew(rules(GroRules::linux_2_6_35));
      EXPECT_EQ(play(c, form, false).size(), c.at("packets").size());   // nothing verified: nothing held
    }
}

}  // namespace gro_cases_forms_test
}  // namespace gd::test
