// The behaviours' makers, one each.
#pragma once
#include "models/guest/behaviour.h"

namespace gd {

std::unique_ptr<Behaviour> make_idle();
std::unique_ptr<Behaviour> make_slow_refill(GuestContext& c);
std::unique_ptr<Behaviour> make_flood_poster(GuestContext& c);
std::unique_ptr<Behaviour> make_hoarder(GuestContext& c, GuestBuffers& buffers);
std::unique_ptr<Behaviour> make_header_scribbler(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx);
std::unique_ptr<Behaviour> make_shinfo_scribbler(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx);
std::unique_ptr<Behaviour> make_ring_liar(GuestContext& c, GuestRxQueue& rx);
std::unique_ptr<Behaviour> make_unmapper(GuestContext& c, GuestBuffers& buffers);
std::unique_ptr<Behaviour> make_crasher(GuestContext& c, GuestRxQueue& rx);

}  // namespace gd
