// From the scenario's words to what a strategy is bound with.
#pragma once
#include "models/buffers/strategy.h"
#include "src/scenario/scenario.h"

namespace gd::system {

// What strategy `choice` meets at bind, for guest `guest` (0 when the consumer is not a guest). Throws UserError for an
// option text that cannot be (the loader has checked them).
BindEnvironment environment(const scenario::Scenario& s, const scenario::StrategyChoice& choice, std::size_t guest);

// Whether each entry of `guests` takes the frames of its own address: guests, and applications of user-async.
bool addressed(const scenario::Scenario& s);
// Whether frames may come that are not for one guest alone: drawn, or recorded.
bool foreign_frames(const scenario::Scenario& s);
// Whether there is one guest or application, and every frame of a capture is for it.
bool one_takes_all(const scenario::Scenario& s);

// Several guests, or applications, on one receive queue, because the card does not steer.
bool shares_queue(const scenario::Scenario& s);

// Whether a defence without which a guest may break the host's books is switched off for this run: validate, read_once, shadow_shared_info.
bool defenceless(const scenario::Scenario& s, const scenario::StrategyChoice& choice);

}  // namespace gd::system
