// The interrupt controller: takes MSI-X messages (TLM writes into the MSI range) and hands each to its vector's sink
// at the time at which the message is visible.
#pragma once
#include <systemc>
#include <tlm>
#include <vector>

#include "models/base/agenda.h"
#include "models/ports/ports.h"
#include "models/ports/target_socket.h"

namespace gd {

class InterruptController : public sc_core::sc_module, public Actor {
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);

 public:
  InterruptController(sc_core::sc_module_name name, Agenda& agenda);
  TargetSocket<&InterruptController::b_transport> socket;
  // Vectors are dense from 0. At elaboration.
  std::uint32_t add(InterruptSink& sink);
  void act(Time now) override;
  std::uint64_t delivered() const { return delivered_; }

 private:
  struct Message { Time at; std::uint64_t sequence; std::uint32_t vector; };
  std::vector<InterruptSink*> sinks_;
  std::vector<Message> heap_;
  std::uint64_t sequence_ = 0, delivered_ = 0;
};

}  // namespace gd
