#include <iterator>

#include "models/base/error.h"
#include "models/buffers/strategy.h"

namespace gd {

Progress RxPath::deliver_copy(Step&, Skb*) { broken("a packet of the host's was queued for a design that cannot copy it"); }

Hpa RxPath::frame_at(std::uint32_t) const { broken("a frame was to end in the driver of a design that has none before the skb"); }
void RxPath::recycle(Step&, std::uint32_t slot, const RxWriteback&) { frame_at(slot); }

const Strategy& vhost_copy_strategy();
const Strategy& guest_head_strategy();
const Strategy& copy_header_strategy();
const Strategy& page_frags_strategy();
const Strategy& passthrough_strategy();
const Strategy& async_copy_strategy();

const std::vector<const Strategy*>& strategies() {
  static const std::vector<const Strategy*> all = {&vhost_copy_strategy(), &guest_head_strategy(), &copy_header_strategy(),
                                                   &page_frags_strategy(), &passthrough_strategy(), &async_copy_strategy()};
  return all;
}

const Strategy* find_strategy(std::string_view name) {
  for (const Strategy* s : strategies())
    if (s->declaration().name == name) return s;
  return nullptr;
}

std::string_view Strategy::pin_in_force(const BindEnvironment& env) const {
  switch (env.pin) {
    case PinPolicy::per_buffer: return "per-buffer";
    case PinPolicy::pool: return "pool";
    case PinPolicy::whole_guest: return "whole-guest";
  }
  return "";
}

void RxPath::pulled_empty(Step&, Skb&, const Frag& f) {
  require(f.token == kNoToken, "a pull emptied a receive buffer that its path does not take back");
}

const char* hazard_name(Hazard h) {
  static const char* const names[] = {"", "room-in-every-page", "put-pulled-page", "frag-shift", "short-buffer",
                                      "layout-mismatch", "shinfo-trusted", "forgotten-destructor", "early-completion", "reclaim-undrained"};
  static_assert(std::size(names) == static_cast<std::size_t>(Hazard::count_));
  return names[static_cast<int>(h)];
}

const char* consumer_name(Consumer c) {
  static const char* const names[] = {"guest", "host-socket", "user-async", "host-forward", "drop"};
  return names[static_cast<int>(c)];
}

}  // namespace gd
