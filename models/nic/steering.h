// Which receive queue a frame belongs to: (MAC, VLAN) rules, then RSS among the rule's queues.
//
// Modelled: exact-match rules, most specific first (mac and vlan, mac, vlan, any); broadcast and multicast accepted (82599:
// FCTRL.BAM, FCTRL.MPE) into the default pool, the first rule's, where no rule without a MAC takes them; a 128-entry indirection table as the
// 82599's RETA; exact-match filters that give each flow a queue of its own choice (Flow Director, mlx5 flow tables), set by the first
// frame of the flow in the order in which accelerated RFS or an administrator would spread them: the queues in turn. Not modelled:
// the time to set a filter and its ageing, multicast filters and promiscuous replication.
#pragma once
#include <cstdint>
#include <vector>

#include "models/packet/address.h"
#include "models/packet/parse.h"
#include "models/packet/toeplitz.h"

namespace gd::nic {

struct SteeringRule {
  std::uint64_t mac = 0;       // 48 bits, first byte on the wire highest; 0 = any
  std::uint16_t vlan = 0;      // VLAN id; 0 = any or none
  std::uint32_t first = 0, count = 1;
};

struct Steered {
  bool claimed = false;
  std::uint32_t queue = 0;
  RssHash hash;                // as descriptors report it; none with RSS off
};

class Steering {
 public:
  static constexpr unsigned kIndirection = 128;
  static constexpr std::uint32_t kFilters = 8192;   // perfect-match filters of the 82599
  Steering();
  void fields(const RssFields& f) { fields_ = f; }
  // Off: no hash is computed, and a rule's frames go to its first queue.
  void rss(bool on) { rss_ = on; }
  // On: flows go to a rule's queues in turn, the first kFilters of them; known by their hash, so that two with one hash are one.
  void filters(bool on) { filters_.assign(on ? 2 * kFilters : 0, {}); }
  // A second rule of the same (mac, vlan) replaces the first. Pre: count >= 1.
  void add(const SteeringRule& rule);
  // Entry i serves hashes with i in their low seven bits; entries are taken modulo the rule's count.
  void indirection(const std::vector<std::uint8_t>& table);
  // The rule that serves a destination (best_rule in packet/address.h); nullptr: none.
  const SteeringRule* match(std::uint64_t mac, std::uint16_t vlan) const { return best_rule(rules_, mac, vlan); }
  Steered steer(const std::uint8_t* frame, const Parsed& p);
  // Of a frame to everybody in VLAN `vlan` that steer() gave to `queue`: f(first queue) of each other rule that takes the VLAN.
  template <class F>
  void others(std::uint16_t vlan, std::uint32_t queue, F f) const {
    for (const SteeringRule& r : rules_)
      if ((r.vlan == 0 || r.vlan == vlan) && (queue < r.first || queue - r.first >= r.count)) f(r.first);
  }

 private:
  struct Filter {
    std::uint32_t hash = 0, turn = 0;      // turn 0: no filter
  };
  // The flow's number, from 1 on; 0 when there is no filter left for it.
  std::uint32_t turn(std::uint32_t hash);
  std::vector<Filter> filters_;            // open addressing; empty: off
  std::uint32_t flows_ = 0;
  std::vector<SteeringRule> rules_;
  std::uint8_t table_[kIndirection];
  Toeplitz toeplitz_;
  RssFields fields_;
  bool rss_ = true;
};

}  // namespace gd::nic
