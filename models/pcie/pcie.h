// A PCI Express link between a device and the root complex, both directions, and the root complex's routing.
//
// Modelled: generations 1 to 5, lanes, encoding; TLP and DLLP bytes in closed form (writes cut by max_payload, reads by
// max_read_request, completions by max_payload and the read completion boundary, all by 4 KiB borders); link and
// root-complex latency as separate parameters (those of the device are its own: NIC, dma_bench.h); both directions as
// calendars, so that DMA, completions, register accesses and interrupt messages slow each other; posted order; credits of
// the root complex for posted and non-posted requests, headers and data, so that a slow IOMMU or memory holds the device
// back; tags and, if bounded, the device's room for completions; acknowledgements and credit updates, which load the
// direction opposite to the TLPs that they are for.
// A TLP takes its credits, a read request its tag, when they are free, and the TLPs that find them free one behind the other
// leave together as a run. They come back one TLP after the other, at the pace at which the run was on the link: a posted
// request's when it is visible in memory, a read request's when memory has answered, both after the link's latency; its tag
// and room for completions when its last byte is in the device. So no more is under way than the pools hold, whatever the
// size of objects. An object is seen by memory at once, when its last TLP is there; one of more TLPs than the pools hold in
// parts of as many as they hold: if a part is blocked, those before it have been moved and those behind it are not sent.
// Not modelled: credits of the device for register accesses, replays, ASPM, relaxed ordering; a TLP's place among those of
// other objects (requests are served in the order of the calls, read requests of a run leave when its first has its tag).
//
// Sources: byte counts and encoding, pcie-bench model (Neugebauer et al., SIGCOMM 2018): 24 B beside a write's payload and
// for a read request, 20 B beside a completion's payload (64-bit addresses, no ECRC). DLLP share: 54.44 Gb/s measured at
// 512 B writes on Gen3 x8, MPS 256, is 94.5 % of what the bytes allow (pcie-bench data), with nothing to acknowledge in that
// direction: ordered sets, idle symbols, periodic updates. pcie-bench's model has 81,500 ppm in both directions instead,
// from the specification's guideline for acknowledgements and updates, whatever the other direction carries; for that set
// ack_tlps and fc_tlps to 0. One of each for every TLP: 47.81 Gb/s each way measured for reads and writes in turn of
// 1536 B; 49 with both, 52 with neither. Credits: Intel Xeon C5500/C3500 data sheet vol. 1, table 76 (x8: 32 posted headers,
// 160 units of posted data, 36 non-posted headers; x16: twice as many); posted data about 100 cache lines in flight (Fast & Safe, SOSP 2024).
//
// Order of a device's requests: the model takes them in the order of the calls; a device calls in the order of time.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/calendar.h"
#include "models/pcie/credits.h"
#include "models/ports/dma.h"
#include "models/ports/target_socket.h"

namespace gd {

struct PcieParams {
  unsigned generation = 3, lanes = 8;   // 1..5; 1, 2, 4, 8, 12, 16 or 32
  Bytes max_payload = 256;              // of a write or a completion: power of two, 128..4096
  Bytes max_read_request = 512;         // power of two, 128..4096
  Bytes read_completion_boundary = 64;  // 64 or 128: where a completion that does not end its request may end
  Bytes tlp_framing = 8;                // physical and data link framing of a TLP
  Bytes write_header = 16, read_header = 16, completion_header = 12;   // transaction layer, 64-bit addresses
  std::uint32_t dllp_ppm = 56'000;      // share of link bytes that no TLP can have even if the other way is idle, below 1,000,000
  std::uint32_t ack_tlps = 1, fc_tlps = 1;   // TLPs received for each ACK and for each UpdateFC sent; 0: none
  Bytes posted_buffer = 6400;           // posted data on its way to memory, in whole units of 16 B; 128 B or more
  unsigned posted_headers = 64;         // posted requests on their way to memory; 1..4096
  unsigned nonposted_headers = 72;      // read requests that the root complex has not answered; 1..4096
  unsigned tags = 32;                   // read requests of the device without all their completions; 1..4096
  unsigned completion_headers = 0;      // completions that the device has room for; 0: unbounded, as end points advertise
  Bytes completion_buffer = 0;          // and their data; 0: unbounded
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
  Time posted_wait = 0;                // ps for which the idle link waited for posted credits
  Time read_wait = 0;                  // ps that reads waited for tags, credits or room for completions, summed
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
  void dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  void mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);

 public:
  // Throws UserError when the parameters are impossible (check()).
  Pcie(sc_core::sc_module_name name, Agenda& agenda, const PcieParams& params);

  // All five must be bound before the simulation starts, as TLM-2.0 asks; a test binds what it does not use to a
  // simple_target_socket or simple_initiator_socket of its own.

  // DMA and MSI-X of the device. Writes: the delay becomes the time of visibility, never before an earlier write's.
  // Reads: the delay becomes the time at which the last byte is in the device; a read does not overtake earlier writes.
  // A blocked write (response not OK) moves nothing; a blocked read is answered by one completion without data.
  TargetSocket<&Pcie::dma> from_device;
  tlm_utils::simple_initiator_socket<Pcie> to_root;         // towards the IOMMU
  tlm_utils::simple_initiator_socket<Pcie> to_interrupts;   // MSI-X messages
  // MMIO. A write is posted: the delay becomes the time at which the device has it, for which the core need not wait; the
  // device is called with that delay and applies it then. A read: the time at which the value is back in the core.
  TargetSocket<&Pcie::mmio> from_cpu;
  tlm_utils::simple_initiator_socket<Pcie> to_device;       // the device's registers

  // Counted when a transfer is asked for; of the bytes those that pass the link before `until` (not before the present).
  const PcieStats& stats(Time until = kNever) const;
  const PcieParams& params() const { return params_; }
  // Time for which a direction was reserved so far, up to `until` (for utilisation: utilisation_ppm of differences).
  Time upstream_reserved(Time until = kNever) const { return up_.calendar.reserved(until); }
  Time downstream_reserved(Time until = kNever) const { return down_.calendar.reserved(until); }

 private:
  // TLPs that went together.
  struct Run {
    Time left = 0;        // when the last of them had
    Time service = 0;     // for which they had the link
    std::uint64_t tlps = 0;
    Bytes answer = 0;     // bytes of a read's completions
    Units units;
  };
  // The object or a part of it, at most as many TLPs as the pools hold; left_ is when the last has left.
  Time write(tlm::tlm_generic_payload& gp, const TlpCount& t, Time now, Time arrival);
  void visible(const Run& r, Time at);
  [[gnu::noinline]] void visible_runs(Time left, Time done);   // those of runs_, of a write that had left at `left`
  Time read(tlm::tlm_generic_payload& gp, const TlpCount& request, Time now, Time arrival);
  Time in_parts(tlm::tlm_generic_payload& gp, std::uint64_t tlps, Time now, Time arrival, DmaInfo* info);
  // For when not all the credits are free: fill runs_.
  void send_writes(Time now, Time arrival, std::uint64_t address, Bytes length, const TlpCount& t);
  void send_requests(Time now, Time arrival, std::uint64_t address, Bytes length, const TlpCount& request, const TlpCount& answer);
  struct Direction {
    Direction(std::uint64_t bits_per_second, const PcieParams& p) : rate(bits_per_second), ack_tlps(p.ack_tlps), fc_tlps(p.fc_tlps) {}
    // Sends TLPs of `bytes`, and DLLPs that are owed and found no idle time, at or after `arrival`; returns when the last
    // byte has left.
    Time send(Time now, Time arrival, Bytes bytes) {
      tlp_bytes += bytes;
      if (owed != 0 && arrival - calendar.horizon() >= rate.peek(owed * 8)) owed = 0;
      service = rate.take((bytes + owed) * 8);
      owed = 0;
      return calendar.reserve(now, arrival, service) + service;
    }
    // `n` TLPs came the other way.
    void acknowledge(std::uint64_t n) {
      const Bytes due = (due_for(n, ack_rest, ack_tlps) + due_for(n, fc_rest, fc_tlps)) * kDllp;
      owed += due;
      dllp_bytes += due;
    }
    // DLLPs of which there is one for `each` TLPs; none for 0.
    static std::uint64_t due_for(std::uint64_t n, std::uint64_t& rest, const Divisor& each) {
      if (each.value() == 1) [[likely]] return n;
      return each.value() == 0 ? 0 : divide(n, 1, rest, each);
    }
    static constexpr Bytes kDllp = 8;   // framing, type, data, CRC
    Calendar calendar;
    RateClock rate;
    Divisor ack_tlps, fc_tlps;
    std::uint64_t ack_rest = 0, fc_rest = 0;
    Bytes owed = 0;
    Time service = 0;                   // of the last send
    std::uint64_t tlp_bytes = 0, dllp_bytes = 0;
  };

  Agenda& agenda_;
  PcieParams params_;
  mutable PcieStats stats_;          // the bytes on the link are brought up to date when asked for
  Direction up_, down_;
  Time last_mmio_ = 0;               // of the cores' accesses
  Time last_posted_ = 0;             // posted writes become visible in order
  Time left_ = 0;                    // when the last TLP of the last request had
  Credits posted_, nonposted_, tags_;   // tags with the room for completions
  std::uint64_t most_writes_, most_requests_;   // TLPs of full size that the pools hold, at least 1
  std::vector<Run> runs_;            // of the present request; its memory is kept
};

}  // namespace gd
