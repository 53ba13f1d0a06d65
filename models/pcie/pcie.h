// A PCI Express link between a device and the root complex, both directions, and the root complex's routing.
//
// Modelled: generations 1 to 5, lanes, encoding; TLP and DLLP bytes in closed form (writes cut by max_payload, reads by
// max_read_request, completions by max_payload and the read completion boundary, 4 KiB borders); link, root-complex and
// engine latency as separate parameters; both directions as calendars, so that two users slow each other; posted order.
// Byte counts: pcie-bench model (Neugebauer et al., SIGCOMM 2018). Not modelled: credits as tokens, replays, ASPM.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "models/base/agenda.h"
#include "models/base/calendar.h"
#include "models/ports/dma.h"

namespace gd {

struct PcieParams {
  unsigned generation = 3, lanes = 8;
  Bytes max_payload = 256, max_read_request = 512, read_completion_boundary = 64;
  Bytes tlp_framing = 8;             // physical and data link framing of a TLP
  Bytes write_header = 16, read_header = 16, completion_header = 12;   // transaction layer, 64-bit addresses
  std::uint32_t dllp_ppm = 56'000;   // share of link bytes taken by ACK and flow-control DLLPs
  Time link_latency = 80 * kNs;      // one way, device pins to root port
  Time root_latency = 60 * kNs;      // root complex, either way
  Time mmio_write = 100 * kNs;       // core to link for a posted write
};

struct PcieStats {
  std::uint64_t upstream_bytes = 0, downstream_bytes = 0;        // on the link, headers and DLLPs included
  std::uint64_t write_tlps = 0, read_tlps = 0, completion_tlps = 0, mmio_writes = 0, messages = 0;
};

// TLPs and bytes of one transfer; pure.
struct TlpCount { std::uint64_t tlps = 0, bytes = 0; };
TlpCount write_tlps(const PcieParams& p, std::uint64_t address, Bytes n);
TlpCount read_requests(const PcieParams& p, std::uint64_t address, Bytes n);
TlpCount completions(const PcieParams& p, std::uint64_t address, Bytes n);
// Bits per second of TLP bytes after encoding and DLLPs.
std::uint64_t link_rate(const PcieParams& p);

class Pcie : public sc_core::sc_module {
 public:
  Pcie(sc_core::sc_module_name name, Agenda& agenda, const PcieParams& params);

  tlm_utils::simple_target_socket<Pcie> from_device;        // DMA and MSI-X of the device
  tlm_utils::simple_initiator_socket<Pcie> to_root;         // towards the IOMMU
  tlm_utils::simple_initiator_socket<Pcie> to_interrupts;   // MSI-X messages
  tlm_utils::simple_target_socket<Pcie> from_cpu;           // MMIO writes to the device
  tlm_utils::simple_initiator_socket<Pcie> to_device;       // the device's registers

  const PcieStats& stats() const { return stats_; }
  const PcieParams& params() const { return params_; }
  // Time for which a direction was reserved so far (for utilisation).
  Time upstream_reserved() const { return up_.reserved(); }
  Time downstream_reserved() const { return down_.reserved(); }

 private:
  void dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  void mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  Agenda& agenda_;
  PcieParams params_;
  PcieStats stats_;
  Calendar up_, down_;
  RateClock rate_up_, rate_down_;
  Time last_posted_ = 0;             // posted writes become visible in order
};

}  // namespace gd
