// The host software's way to the NIC's registers: posted MMIO writes over PCIe, at the end of a step.
#pragma once
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include "models/base/costs.h"
#include "models/cpu/core.h"

namespace gd {

class MmioBus : public sc_core::sc_module {
 public:
  // Costs: mmio.write (a posted uncached write as the core sees it).
  MmioBus(sc_core::sc_module_name name, CostBook& costs);
  tlm_utils::simple_initiator_socket<MmioBus> socket;   // to Pcie::from_cpu
  // Writes `value` to register `offset` when the step ends, at once if the write is `awaited`.
  void write(Step& s, std::uint64_t offset, std::uint32_t value, bool awaited = true);
  // A write whose core time was charged elsewhere (a guest's doorbell), at the present time.
  void post(std::uint64_t offset, std::uint32_t value);

 private:
  Cost write_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace gd
