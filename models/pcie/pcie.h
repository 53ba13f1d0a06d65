// A PCI Express link between a device and the root complex, both directions, and the root complex's routing.
//
// Modelled: generations 1 to 5, lanes, encoding; TLP and DLLP bytes in closed form (writes cut by max_payload, reads by
// max_read_request, completions by max_payload and the read completion boundary, all by 4 KiB borders); link and
// root-complex latency as separate parameters; both directions as calendars, so that two users slow each other; posted
// order; a bounded buffer for posted writes in the root complex, so that a slow IOMMU or memory holds the device back.
// Not modelled: credits per type and TLP, replays, ASPM, relaxed ordering, tags (the device bounds its own reads).
//
// Sources: byte counts and encoding, pcie-bench model (Neugebauer et al., SIGCOMM 2018): 24 B beside a write's payload and
// for a read request, 20 B beside a completion's payload (64-bit addresses, no ECRC). DLLP share: 54.44 Gb/s measured at
// 512 B writes on Gen3 x8, MPS 256, is 94.5 % of what the bytes allow (pcie-bench data); the guideline of the
// specification gives 81,500 ppm instead. Posted buffer: about 100 cache lines in flight (Fast & Safe, SOSP 2024).
//
// Order of a device's requests: the model takes them in the order of the calls; a device calls in the order of time.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/calendar.h"
#include "models/ports/dma.h"

namespace gd {

struct PcieParams {
  unsigned generation = 3, lanes = 8;   // 1..5; 1, 2, 4, 8, 12, 16 or 32
  Bytes max_payload = 256;              // of a write or a completion: power of two, 128..4096
  Bytes max_read_request = 512;         // power of two, 128..4096
  Bytes read_completion_boundary = 64;  // 64 or 128: where a completion that does not end its request may end
  Bytes tlp_framing = 8;                // physical and data link framing of a TLP
  Bytes write_header = 16, read_header = 16, completion_header = 12;   // transaction layer, 64-bit addresses
  std::uint32_t dllp_ppm = 56'000;      // share of link bytes taken by ACK and flow-control DLLPs, below 1,000,000
  Bytes posted_buffer = 6400;           // posted writes on their way to memory: payload and transaction-layer headers
  Time link_latency = 80 * kNs;         // one way, device pins to root port
  Time root_latency = 60 * kNs;         // root complex, either way
  Time mmio_write = 100 * kNs;          // core to link for a posted write, or for a read's request
};

struct PcieStats {
  // On the link, headers, framing and DLLPs included. Upstream is device to root.
  std::uint64_t upstream_bytes = 0, downstream_bytes = 0;
  std::uint64_t write_tlps = 0;        // of the device's writes, messages included
  std::uint64_t read_tlps = 0;         // the device's read requests
  std::uint64_t completion_tlps = 0;   // to the device's reads
  std::uint64_t mmio_writes = 0;       // by CPUs to the device's registers
  std::uint64_t mmio_reads = 0;
  std::uint64_t messages = 0;          // MSI-X
  Time posted_wait = 0;                // ps for which the idle link waited for room in the posted buffer
};

// TLPs and bytes (payload, headers, framing; no DLLPs) of one transfer of `n` bytes at bus address `address`; pure, closed
// form. No TLP crosses a 4 KiB border. n = 0: nothing.
struct TlpCount {
  std::uint64_t tlps = 0, bytes = 0;
};
// Memory writes: between two 4 KiB borders ceil(length / max_payload).
TlpCount write_tlps(const PcieParams& p, std::uint64_t address, Bytes n);
// Memory read requests: between two 4 KiB borders ceil(length / max_read_request).
TlpCount read_requests(const PcieParams& p, std::uint64_t address, Bytes n);
// Completions of those requests: a request of at most max_payload has one; otherwise the first ends at the last read
// completion boundary within max_payload, the others are max_payload long, but for the last.
TlpCount completions(const PcieParams& p, std::uint64_t address, Bytes n);
// Bits per second of one direction after encoding, before DLLPs.
std::uint64_t raw_rate(const PcieParams& p);
// Bits per second of TLP bytes after encoding and DLLPs.
std::uint64_t link_rate(const PcieParams& p);
// Throws UserError, naming the parameter, its value and what is allowed.
void check(const PcieParams& p);
// Share of `window` for which a direction was reserved, in parts per million; 0 for an empty window.
constexpr std::uint64_t utilisation_ppm(Time reserved, Time window) {
  return window <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<__int128>(reserved) * 1'000'000 / window);
}

class Pcie : public sc_core::sc_module {
 public:
  // Throws UserError when the parameters are impossible (check()).
  Pcie(sc_core::sc_module_name name, Agenda& agenda, const PcieParams& params);

  // All five must be bound before the simulation starts, as TLM-2.0 asks; a test binds what it does not use to a
  // simple_target_socket or simple_initiator_socket of its own.

  // DMA and MSI-X of the device. Writes: the delay becomes the time of visibility, never before an earlier write's.
  // Reads: the delay becomes the time at which the last byte is in the device; a read does not overtake earlier writes.
  // A blocked write (response not OK) moves nothing; a blocked read is answered by one completion without data.
  tlm_utils::simple_target_socket<Pcie> from_device;
  tlm_utils::simple_initiator_socket<Pcie> to_root;         // towards the IOMMU
  tlm_utils::simple_initiator_socket<Pcie> to_interrupts;   // MSI-X messages
  // MMIO. A write is posted: the delay becomes the time at which the device has it, for which the core need not wait; the
  // device is called with that delay and applies it then. A read: the time at which the value is back in the core.
  tlm_utils::simple_target_socket<Pcie> from_cpu;
  tlm_utils::simple_initiator_socket<Pcie> to_device;       // the device's registers

  const PcieStats& stats() const;
  const PcieParams& params() const { return params_; }
  // Time for which a direction was reserved so far (for utilisation: utilisation_ppm of differences).
  Time upstream_reserved() const { return up_.calendar.reserved(); }
  Time downstream_reserved() const { return down_.calendar.reserved(); }

 private:
  struct Posted {
    Time done;
    Bytes bytes;
  };
  void dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  void mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  Time write(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info);
  Time read(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info);
  struct Direction {
    explicit Direction(std::uint64_t bits_per_second) : rate(bits_per_second) {}
    // Sends TLPs of `bytes` at or after `arrival`; returns when the last byte has left.
    Time send(Time now, Time arrival, Bytes bytes) {
      tlp_bytes += bytes;
      const Time service = rate.take(bytes * 8);
      return calendar.reserve(now, arrival, service) + service;
    }
    Calendar calendar;
    RateClock rate;
    std::uint64_t tlp_bytes = 0;
  };
  Time wait_for_room(Time arrival, Bytes bytes);

  Agenda& agenda_;
  PcieParams params_;
  mutable PcieStats stats_;          // the bytes on the link are brought up to date when asked for
  Direction up_, down_;
  Time last_posted_ = 0;             // posted writes become visible in order
  std::vector<Posted> posted_;       // ring of the writes that are in the posted buffer, oldest first
  std::size_t posted_first_ = 0, posted_count_ = 0;
  Bytes posted_bytes_ = 0;
};

}  // namespace gd
