#include "models/cpu/interrupts.h"

#include <algorithm>
#include <cstring>

namespace gd {

namespace {
struct Later {
  template <class M>
  bool operator()(const M& a, const M& b) const {
    return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
  }
};
}  // namespace

InterruptController::InterruptController(sc_core::sc_module_name module_name, Agenda& the_agenda)
    : sc_module(module_name), Actor(the_agenda, rank::kInterrupt), socket("socket", *this) {
  heap_.reserve(64);
}

std::uint32_t InterruptController::add(InterruptSink& sink) {
  sinks_.push_back(&sink);
  return static_cast<std::uint32_t>(sinks_.size() - 1);
}

void InterruptController::b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  std::uint32_t vector = 0;
  if (!gp.is_write() || gp.get_data_length() != sizeof vector) {
    gp.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
    return;
  }
  std::memcpy(&vector, gp.get_data_ptr(), sizeof vector);
  if (vector >= sinks_.size()) {
    gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const Time at = agenda().now() + from_sc(delay);
  heap_.push_back({at, sequence_++, vector});
  std::push_heap(heap_.begin(), heap_.end(), Later{});
  wake_at(at);
  gp.set_response_status(tlm::TLM_OK_RESPONSE);
}

void InterruptController::act(Time now) {
  while (!heap_.empty() && heap_.front().at <= now) {
    const Message m = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    heap_.pop_back();
    ++delivered_;
    sinks_[m.vector]->interrupt(m.vector, now);
  }
  if (!heap_.empty()) wake_at(heap_.front().at);
}

}  // namespace gd
