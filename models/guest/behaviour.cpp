#include "models/guest/behaviour.h"

#include "models/guest/behaviours.h"

namespace gd {

std::unique_ptr<Behaviour> make_behaviour(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx) {
  switch (c.params.behaviour.kind) {
    case BehaviourKind::well_behaved: return nullptr;
    case BehaviourKind::hoarder: return make_hoarder(c, buffers);
    case BehaviourKind::flood_poster: return make_flood_poster(c);
    case BehaviourKind::idle: return make_idle();
    case BehaviourKind::slow_refill: return make_slow_refill(c);
    case BehaviourKind::header_scribbler: return make_header_scribbler(c, buffers, rx);
    case BehaviourKind::shinfo_scribbler: return make_shinfo_scribbler(c, buffers, rx);
    case BehaviourKind::ring_liar: return make_ring_liar(c, rx);
    case BehaviourKind::unmapper: return make_unmapper(c, buffers);
    case BehaviourKind::crasher: return make_crasher(c, rx);
  }
  return nullptr;
}

}  // namespace gd
