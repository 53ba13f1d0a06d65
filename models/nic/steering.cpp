#include "models/nic/steering.h"

#include "models/base/error.h"
#include "models/packet/headers.h"

namespace gd::nic {

Steering::Steering() {
  for (unsigned i = 0; i < kIndirection; ++i) table_[i] = static_cast<std::uint8_t>(i);
}

void Steering::add(const SteeringRule& rule) {
  for (SteeringRule& r : rules_)
    if (r.mac == rule.mac && r.vlan == rule.vlan) {
      r = rule;
      return;
    }
  rules_.push_back(rule);
}

void Steering::indirection(const std::vector<std::uint8_t>& table) {
  if (table.size() != kIndirection) throw UserError("the RSS indirection table has 128 entries, not " + std::to_string(table.size()));
  for (unsigned i = 0; i < kIndirection; ++i) table_[i] = table[i];
}

std::uint32_t Steering::turn(std::uint32_t hash) {
  for (std::size_t i = hash * 0x9E3779B1u % filters_.size();; i = (i + 1) % filters_.size()) {
    Filter& f = filters_[i];
    if (f.turn && f.hash == hash) return f.turn;
    if (f.turn) continue;
    if (flows_ == kFilters) return 0;
    f = {hash, ++flows_};
    return f.turn;
  }
}

Steered Steering::steer(const std::uint8_t* frame, const Parsed& p) {
  Steered s;
  if (p.length < 14) return s;
  const SteeringRule* r = match(mac_number(frame), p.vlan_id());
  if (!r) return s;
  s.claimed = true;
  s.queue = r->first;
  if (rss_) {
    s.hash = toeplitz_.hash(frame, p, fields_);
    if (r->count == 1) return s;
    const std::uint32_t t = filters_.empty() ? 0 : turn(s.hash.value);
    s.queue += (t ? t - 1 : table_[s.hash.value & (kIndirection - 1)]) % r->count;
  }
  return s;
}

}  // namespace gd::nic
