#include "models/host/bus.h"

#include "models/base/error.h"

namespace gd {

MmioBus::MmioBus(sc_core::sc_module_name name, CostBook& costs)
    : sc_module(name), socket("socket"), write_(costs.get("mmio.write")) {}

void MmioBus::write(Step& s, std::uint64_t offset, std::uint32_t value, bool awaited) {
  s.charge(write_);
  s.at_end([](void* bus, std::uint64_t argument, Core&, Time) { static_cast<MmioBus*>(bus)->post(argument >> 32, static_cast<std::uint32_t>(argument)); },
           this, offset << 32 | value, awaited);
}

void MmioBus::post(std::uint64_t offset, std::uint32_t value) {
  auto& gp = payload_;
  gp.set_command(tlm::TLM_WRITE_COMMAND);
  gp.set_address(offset);
  gp.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
  gp.set_data_length(4);
  gp.set_streaming_width(4);
  gp.set_byte_enable_ptr(nullptr);
  gp.set_dmi_allowed(false);
  gp.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->b_transport(gp, delay);
  require(gp.is_response_ok(), "a register write was refused by the NIC");
}

}  // namespace gd
