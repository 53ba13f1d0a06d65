// The measuring device of pcie-bench: DMA without host software. Operations of one size go to places of one buffer in
// host memory, as many at a time as asked for; each is timed from the request of the device's own program to the moment
// at which the program sees its end.
//
// An operation's way. Program: enqueue (a delay). Engine: writes and reads have engines of their own, each takes its
// operations in order.
//   read   waits for one of `outstanding_reads` places, then its request goes to the bus (one transaction, whatever its
//          size); when the last byte is in the device, the engine stores it into device memory (one at a time); the place
//          is free; `complete` later the program sees it
//   write  the engine fetches the data from device memory (one at a time, at most `write_buffers` of them fetched and not
//          sent), then sends it; once the last byte has left over the link, `complete` later the program sees it. Posted:
//          the program does not see when memory has it
// A fetch or a store takes setup + per_tlp * TLPs + per_chunk * chunks of 64 B; two writes begin at least write_interval
// apart. Device memory has one port, which a fetch or store holds for port_per_tlp * TLPs + port_per_chunk * chunks and
// without which it does not end. A command (interface command) goes the same way through registers instead of the engine: no fetch, no store, no
// interval, delays of its own, at most kMaxCommand bytes.
// write-read: the program waits for the end of the write and then reads the same place; one latency for both. read-write:
// a read and a write in turn, independent of each other.
//
// Places: the window is divided into units of transfer + offset rounded up to 64 B, as pcie-bench does; a transfer begins
// `offset` bytes into its unit.
//
// Bytes are real: a word's value follows from its place. What is read is compared; what was written is compared at the
// end. Ownership: a page is in flight from the bus transaction until the last operation that touches it has ended (a
// write: is visible in memory).
//
// Source: Neugebauer et al., "Understanding PCIe performance for end host networking", SIGCOMM 2018, and the data of the
// repository pcie-bench/data; parameters: see DmaEngineParams. Not modelled: the tick of the device's time stamps (16
// cycles, 13.3 ns), queues of different priority.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/calendar.h"
#include "models/base/fingerprint.h"
#include "models/base/histogram.h"
#include "models/base/plant.h"
#include "models/base/rng.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"
#include "models/pcie/pcie.h"
#include "models/ports/dma.h"
#include "models/ports/ports.h"

namespace gd {

// Defaults: Netronome NFP-6000 at 1.2 GHz (a cycle is 833 ps). The times of fetch and store are those that give the
// measured bandwidth of writes of 128, 256, 257 and 1024 B, those of the port the bandwidth of reads and writes in turn; the delays are what a write adds to a read of the same place
// (786 - 586 ns, 760 - 546 ns at 8 B), and what a command is faster than DMA (546 - 413 ns).
struct DmaEngineParams {
  Time write_interval = 21'100;        // 47.4 million writes a second, on every host
  Time setup = 3'333;                  // of a fetch or store: 4 cycles an operation,
  Time per_tlp = 3'333;                // 4 cycles a TLP,
  Time per_chunk = 8'333;              // 10 cycles for each 64 B begun
  Time port_per_tlp = 5'833;           // device memory has one port for both engines: 7 cycles a TLP,
  Time port_per_chunk = 4'167;         // 5 cycles for each 64 B begun
  unsigned outstanding_reads = 22;     // operations between request and end of store; 1..4096
  unsigned write_buffers = 4;          // operations fetched or being fetched, not sent; 1..4096
  unsigned queue = 64;                 // operations that the program keeps in the engine's queues; 1..4096
  Time enqueue = 98 * kNs;             // from the program to the engine
  Time complete = 97 * kNs;            // from the engine to the program
  Time command_enqueue = 39 * kNs;     // the same two of a direct command
  Time command_complete = 39 * kNs;
};

enum class BenchOp : std::uint8_t { read, write, read_write, write_read };

struct DmaBenchParams {
  BenchOp op = BenchOp::write;
  Bytes transfer = 64;                 // 1 B to 1 MiB
  Bytes window = 8192;                 // at least one unit
  Bytes offset = 0;                    // below 4 KiB
  bool random = true;                  // else one unit after the other
  bool command = false;
  unsigned outstanding = 0;            // operations of the program at a time; 0: engine.queue
  std::uint64_t limit = 0;             // operations in all; 0: until stop()
  std::uint64_t seed = 1;
  DmaEngineParams engine;
};

// Throws UserError, naming the key, when the parameters are impossible together.
void check(const DmaBenchParams& p);

struct DmaBenchStats {
  std::uint64_t issued = 0, completed = 0;         // operations (write-read: both halves are one)
  std::uint64_t reads = 0, writes = 0;             // ended
  Bytes read_bytes = 0, written_bytes = 0;
  unsigned __int128 in_flight_ps = 0;              // integral of operations of the program over time, up to the last end
  unsigned __int128 engine_reads_ps = 0;           // the same of the places of the read engine
  std::uint64_t read_hold_ps = 0;                  // sum over reads: from request to end of store
  std::uint64_t integrity_errors = 0, faults = 0;  // operations with a wrong byte; blocked by the IOMMU
};

class DmaBench : public sc_core::sc_module, public Actor {
 public:
  static constexpr Bytes kMaxCommand = 128;

  // The buffer lies at bus address `iova` and host address `hpa`, contiguous in both. `plan` may be null: flip-nic,
  // lose-nic and leak-buffer strike here, by the number of the operation.
  DmaBench(sc_core::sc_module_name name, Agenda& agenda, const DmaBenchParams& params, PhysMem& memory, Ownership& ownership,
           const PcieParams& link, Iova iova, Hpa hpa, FaultPlan* plan);

  tlm_utils::simple_initiator_socket<DmaBench> bus;

  void start();                        // at the present time
  void stop() { running_ = false; }    // what is under way ends
  // Latencies of operations that end in [from, to) are kept.
  void measure(Time from, Time to) { from_ = from, to_ = to; }
  // Nothing is under way, and every write is visible.
  bool quiet(Time now);
  std::uint64_t in_flight() const { return in_flight_; }
  bool limit_reached() const { return params_.limit != 0 && stats_.completed >= params_.limit; }
  // After the last operation: compares all that was written; counts wrong units as integrity errors.
  void verify();

  // Integrals up to `now`.
  const DmaBenchStats& stats(Time now);
  const Histogram& latency() const { return latency_; }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  const std::vector<std::string>& messages() const { return messages_; }
  // Operations of the program; the observer is told of changes by the program alone.
  void observe(Observer* observer, std::uint32_t level) { observer_ = observer, level_ = level; }
  void act(Time now) override;

 private:
  enum class Ev : std::uint8_t { at_engine, write_ready, fetched, sent, arrived, stored, complete };
  struct Event {
    Time at;
    std::uint64_t sequence;
    std::uint32_t slot;
    Ev kind;
  };
  struct Slot {
    Time began = 0, requested = 0;
    std::uint64_t id = 0;
    Bytes place = 0;                   // of the first byte in the window
    bool write = false;
  };
  struct Queue {                       // slots in order of arrival; a ring of as many as there are slots
    std::vector<std::uint32_t> ring;
    std::size_t first = 0, count = 0;
    void push(std::uint32_t s) { ring[(first + count++) % ring.size()] = s; }
    std::uint32_t pop() {
      const std::uint32_t s = ring[first];
      first = (first + 1) % ring.size();
      --count;
      return s;
    }
  };
  struct Visible {
    Time at;
    Bytes place;
  };

  void push(Time at, Ev kind, std::uint32_t slot);
  void issue(std::uint32_t slot, Time now);
  void try_writes(Time now);
  void try_reads(Time now);
  void send(std::uint32_t slot, Time now);
  void request(std::uint32_t slot, Time now);
  void finish(std::uint32_t slot, Time now);
  void settle(Time now);
  void take_pages(const Slot& s, bool write, Time now);
  void release_pages(Bytes place, std::uint64_t id, Time now);
  void release_visible(Time now);
  void mistake(const char* what, const Slot& s, Time now);
  std::uint8_t* pattern(std::vector<std::uint64_t>& words, Bytes place) const;
  void fill_page(std::uint64_t page);
  Time work(Bytes place, bool write, Time from);
  Time enqueue() const { return params_.command ? params_.engine.command_enqueue : params_.engine.enqueue; }
  Time complete() const { return params_.command ? params_.engine.command_complete : params_.engine.complete; }

  DmaBenchParams params_;
  PhysMem& memory_;
  Ownership& ownership_;
  PcieParams link_;
  Iova iova_;
  Hpa hpa_;
  FaultPlan* plan_;
  Rng random_;
  Bytes unit_;
  std::uint64_t units_;
  DmaTransaction dma_;
  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
  std::vector<Slot> slots_;
  Queue writes_, reads_;
  std::vector<Visible> visible_;       // ring of a power of two: writes that are on their way to memory, in order
  std::size_t visible_first_ = 0, visible_count_ = 0;
  unsigned fetching_ = 0, reading_ = 0;
  bool write_timer_ = false;
  Time write_next_ = 0, fetch_free_ = 0, store_free_ = 0;
  Calendar port_;
  std::uint64_t next_unit_ = 0, turn_ = 0, in_flight_ = 0;
  bool running_ = false;
  std::vector<BufferId> buffers_;      // by page of the window
  std::vector<std::uint32_t> users_;   // operations that touch it
  std::vector<std::uint8_t> filled_;   // by page: holds the pattern for reads
  std::vector<std::uint8_t> written_;  // by unit
  std::vector<std::uint64_t> staging_, expected_;
  Time from_ = kNever, to_ = kNever, settled_ = 0;
  DmaBenchStats stats_;
  Histogram latency_;
  Fingerprint fingerprint_;
  std::vector<std::string> messages_;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
};

}  // namespace gd
