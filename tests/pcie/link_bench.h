// A Pcie between a device, a core and a memory of the test's own. All sockets are bound, as TLM-2.0 asks. The simulation
// starts with the first request: build all benches of a test before.
#pragma once
#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <vector>

#include "models/pcie/pcie.h"

struct LinkBench : sc_core::sc_module {
  gd::Agenda agenda{"agenda"};
  gd::Pcie pcie;
  tlm_utils::simple_initiator_socket<LinkBench> device{"device"}, core{"core"};
  tlm_utils::simple_target_socket<LinkBench> root{"root"}, interrupts{"interrupts"}, registers{"registers"};
  gd::DmaTransaction t;
  unsigned char bytes[70000] = {};

  gd::Time memory_latency = 0;          // added by the root's target
  bool blocked = false;                 // the root's target refuses
  struct Seen { gd::Time at; std::uint64_t address; bool write; };
  std::vector<Seen> at_memory, at_interrupts, at_registers;

  explicit LinkBench(sc_core::sc_module_name name, const gd::PcieParams& p = {}) : sc_module(name), pcie("pcie", agenda, p) {
    device.bind(pcie.from_device);
    core.bind(pcie.from_cpu);
    pcie.to_root.bind(root);
    pcie.to_interrupts.bind(interrupts);
    pcie.to_device.bind(registers);
    root.register_b_transport(this, &LinkBench::memory);
    interrupts.register_b_transport(this, &LinkBench::message);
    registers.register_b_transport(this, &LinkBench::register_access);
  }

  // One DMA at present time + delay; returns its completion time.
  gd::Time dma(tlm::tlm_command c, std::uint64_t address, gd::Bytes n, gd::Time delay = 0) {
    return issue(device, t.prepare(c, address, bytes, n, true), delay);
  }
  gd::Time write(std::uint64_t address, gd::Bytes n, gd::Time delay = 0) { return dma(tlm::TLM_WRITE_COMMAND, address, n, delay); }
  gd::Time read(std::uint64_t address, gd::Bytes n, gd::Time delay = 0) { return dma(tlm::TLM_READ_COMMAND, address, n, delay); }
  gd::Time mmio(tlm::tlm_command c, std::uint64_t address, gd::Time delay = 0) {
    return issue(core, t.prepare(c, address, bytes, 4, false), delay);
  }

 private:
  template <class Socket>
  gd::Time issue(Socket& s, tlm::tlm_generic_payload& gp, gd::Time delay) {
    if (sc_core::sc_get_status() == sc_core::SC_ELABORATION) sc_core::sc_start(sc_core::SC_ZERO_TIME);
    sc_core::sc_time d = gd::to_sc(delay);
    s->b_transport(gp, d);
    return agenda.now() + gd::from_sc(d);
  }
  void memory(tlm::tlm_generic_payload& gp, sc_core::sc_time& d) {
    at_memory.push_back({agenda.now() + gd::from_sc(d), gp.get_address(), gp.is_write()});
    d += gd::to_sc(memory_latency);
    gp.set_response_status(blocked ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_OK_RESPONSE);
  }
  void message(tlm::tlm_generic_payload& gp, sc_core::sc_time& d) {
    at_interrupts.push_back({agenda.now() + gd::from_sc(d), gp.get_address(), gp.is_write()});
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  void register_access(tlm::tlm_generic_payload& gp, sc_core::sc_time& d) {
    at_registers.push_back({agenda.now() + gd::from_sc(d), gp.get_address(), gp.is_write()});
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
  }
};
