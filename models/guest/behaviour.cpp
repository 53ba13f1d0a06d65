#include "models/guest/behaviour.h"

#include "models/base/error.h"
#include "models/guest/behaviours.h"

namespace gd {

std::unique_ptr<Behaviour> make_behaviour(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx) {
  switch (c.params.behaviour.kind) {
    case BehaviourKind::well_behaved: return nullptr;
    case BehaviourKind::hoarder: return make_hoarder(c, buffers);
    case BehaviourKind::flood_poster: return make_flood_poster(c);
    case BehaviourKind::idle: return make_idle();
    case BehaviourKind::slow_refill: return make_slow_refill(c);
    default: break;
  }
  (void)rx;
  throw UserError("guest " + c.params.name + ": this behaviour is not available");
}

}  // namespace gd
