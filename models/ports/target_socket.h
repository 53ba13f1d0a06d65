// A TLM-2.0 target socket that calls a member function of its module, which the compiler knows: on the way of each DMA
// tlm_utils::simple_target_socket would ask twice, through pointers, whom to call (some 35 instructions a hop, three hops).
//
// Base protocol, 32 bits, blocking transport alone, as all of this simulator's traffic is: no DMI, no debug transport, and a non-blocking
// call is a broken invariant. Binds to any initiator socket of the base protocol.
#pragma once
#include <tlm>

#include "models/base/error.h"

namespace gd {

template <auto answer>
class TargetSocket;

// `answer`: void Module::answer(tlm::tlm_generic_payload&, sc_core::sc_time& delay), which does not wait() and is declared before the socket.
template <class Module, void (Module::*answer)(tlm::tlm_generic_payload&, sc_core::sc_time&)>
class TargetSocket<answer> : public tlm::tlm_target_socket<32> {
 public:
  TargetSocket(const char* name, Module& module) : tlm::tlm_target_socket<32>(name), forward_(module) { this->bind(forward_); }

 private:
  struct Forward final : tlm::tlm_fw_transport_if<> {
    explicit Forward(Module& m) : module(m) {}
    void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) override { (module.*answer)(gp, delay); }
    tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload&, tlm::tlm_phase&, sc_core::sc_time&) override {
      broken("a target that answers blocking transport alone was called without blocking");
    }
    bool get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi&) override { return false; }
    unsigned transport_dbg(tlm::tlm_generic_payload&) override { return 0; }
    Module& module;
  };
  Forward forward_;
};

}  // namespace gd
