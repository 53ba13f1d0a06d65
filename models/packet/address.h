// Whose a frame is by destination MAC and VLAN, as a card's filters and a software bridge decide it.
#pragma once
#include <climits>
#include <cstdint>
#include <vector>

namespace gd {

// A MAC as a number, first byte on the wire highest: 48 bits.
constexpr std::uint64_t mac_number(const std::uint8_t* m) {
  std::uint64_t v = 0;
  for (unsigned i = 0; i < 6; ++i) v = v << 8 | m[i];
  return v;
}

// The most specific of `rules` that a frame to `mac` (mac_number) in VLAN `vlan` (0: none) matches; nullptr where none does. A rule has
// `mac` and `vlan`, 0: any; of equals the first. MAC and VLAN come before MAC, VLAN, any. Broadcast and multicast match rules without
// a MAC; where there is none, the first rule of their VLAN, else of any (82599: FCTRL.BAM, FCTRL.MPE).
template <class Rule>
const Rule* best_rule(const std::vector<Rule>& rules, std::uint64_t mac, std::uint16_t vlan) {
  const bool multicast = mac >> 40 & 1;
  const Rule* best = nullptr;
  int best_rank = INT_MIN;
  for (const Rule& r : rules) {
    if (r.mac != 0 && r.mac != mac && !multicast) continue;
    if (r.vlan != 0 && r.vlan != vlan) continue;
    const int of_mac = r.mac == 0 ? 0 : multicast ? -2 : 2, rank = of_mac + (r.vlan != 0 ? 1 : 0);
    if (rank > best_rank) best_rank = rank, best = &r;
  }
  return best;
}

}  // namespace gd
