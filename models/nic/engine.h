// What the card's engines share: the pending events, the bus master, interrupt moderation, the books.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/base/time_ring.h"
#include "models/nic/faults.h"
#include "models/nic/nic.h"

namespace gd::nic {

constexpr std::uint32_t kNoVector = UINT32_MAX;

enum class Ev : std::uint8_t {
  mmio,            // arg: offset << 32 | value
  rx_fetch,        // descriptors read
  rx_data,         // arg: descriptors whose payload is visible (free-running count)
  rx_flush,        // arg: generation; a write-back batch waited long enough
  rx_pause,        // arg: generation; a PAUSE is half over, or another one may be sent
  rx_writeback,    // arg: descriptors written back (free-running count)
  vector,          // moderation time of a vector (queue) is over
  moderation,      // of a vector (queue); arg as reg::moderation
  tx_fetch, tx_writeback,   // arg: free-running count
  tx_data,         // arg: slot whose bytes have been read
  tx_wire,         // the wire can take a frame
  vq_index, vq_avail, vq_desc, vq_armed,   // steps of a virtqueue's fetch
  vq_used,         // arg: used index that becomes visible
  vq_suppress,     // the guest's suppression has been read
  vq_timer         // moderation time of a virtqueue is over
};

// Virtqueue events: the queue field carries this bit for a transmit queue.
constexpr std::uint32_t kTxSide = 1u << 31;

struct Event {
  Time at;
  std::uint64_t arg;
  std::uint32_t queue;
  Ev kind;
};

// Pending events by time, then in the order of the calls.
class EventQueue {
 public:
  void push(Time at, Ev kind, std::uint32_t queue, std::uint64_t arg) { events_.put({at, arg, queue, kind}); }
  Time next() const { return events_.empty() ? kNever : events_.front().at; }
  Event pop() { return events_.pop(); }

 private:
  TimeRing<Event, &Event::at> events_{1024};
};

// One transaction on the bus; `done` is absolute. hpa is kNoAddress after a fault.
struct Transfer {
  Time done = 0;
  Hpa hpa = kNoAddress;
  bool fault() const { return hpa == kNoAddress; }
};

class BusMaster {
 public:
  BusMaster(tlm_utils::simple_initiator_socket<Nic>& socket, Agenda& agenda, std::uint16_t requester)
      : socket_(socket), agenda_(agenda), requester_(requester) {}
  // The range lies in one 4 KiB page. `from`: when the engine issues it, not before the present.
  Transfer write(Time from, Iova a, const void* data, Bytes n, std::uint16_t domain, bool timing_only) {
    return run(tlm::TLM_WRITE_COMMAND, from, a, const_cast<void*>(data), n, domain, timing_only);
  }
  Transfer read(Time from, Iova a, void* data, Bytes n, std::uint16_t domain, bool timing_only) {
    return run(tlm::TLM_READ_COMMAND, from, a, data, n, domain, timing_only);
  }
  // The MSI-X message of a vector.
  void message(std::uint32_t vector) { run(tlm::TLM_WRITE_COMMAND, agenda_.now(), kMsiBase, &vector, 4, 0, false); }

 private:
  Transfer run(tlm::tlm_command c, Time from, Iova a, void* data, Bytes n, std::uint16_t domain, bool timing_only) {
    tlm::tlm_generic_payload& gp = dma_.prepare(c, a, data, n, timing_only);
    dma_.info().requester = requester_;
    dma_.info().domain = domain;
    const Time now = agenda_.now();
    sc_core::sc_time delay = to_sc(from - now);
    socket_->b_transport(gp, delay);
    Transfer t;
    t.done = now + from_sc(delay);
    if (!dma_.info().fault && gp.get_response_status() == tlm::TLM_OK_RESPONSE) t.hpa = dma_.info().hpa;
    return t;
  }
  tlm_utils::simple_initiator_socket<Nic>& socket_;
  Agenda& agenda_;
  std::uint16_t requester_;
  DmaTransaction dma_;
};

struct Engine;

// When completions that nobody has been told of came.
struct Unseen {
  std::uint64_t count = 0;
  Time first = 0, last = 0;
  void add(std::uint32_t n, Time now) {
    if (count == 0) first = now;
    if (n != 0) last = now;
    count += n;
  }
};

// Least time between the messages of a vector or behind its completions, and auto-mask.
class Moderation {
 public:
  Moderation(Engine& engine, const NicParams& p);
  std::uint32_t count() const { return static_cast<std::uint32_t>(vectors_.size()); }
  // `n` completions of a host ring became visible.
  void completions(std::uint32_t vector, std::uint32_t n, Time now);
  void enable(std::uint32_t vector, Time now);
  // The same by a driver that has taken all but the last `n` completions.
  void enable_behind(std::uint32_t vector, std::uint32_t n, Time now);
  void timer(std::uint32_t vector, Time now);
  // As reg::moderation.
  void set(std::uint32_t vector, std::uint32_t value, Time now);
  // Software asks for the vector's message as if something had completed.
  void raise(std::uint32_t vector, Time now);
  // When a message may be sent with `unseen` completions waiting.
  Time allowed_at(std::uint32_t vector, const Unseen& unseen, Time now) const;
  // Sends the message.
  void fire(std::uint32_t vector, Time now);

 private:
  struct Vector {
    Time last = -kSec;
    Unseen unseen;
    Time delay;
    std::uint32_t frames;      // 0: by time alone
    bool armed = true, timer = false;
  };
  void evaluate(std::uint32_t vector, Time now);
  Engine& engine_;
  std::vector<Vector> vectors_;
};

struct Engine {
  Engine(tlm_utils::simple_initiator_socket<Nic>& socket, Agenda& a, const NicParams& p, PhysMem& m, Ownership& o,
         FrameTable& f, FaultPlan* fp, Observer* ob, std::uint16_t index)
      : agenda(a), params(p), memory(m), ownership(o), frames(f), plan(fp), observer(ob), bus(socket, a, index),
        moderation(*this, p), staging(2 * kPage + 65536) {
    if (p.faulty())
      faults = std::make_unique<Faults>(p.fault_seed, p.lost_data_writes, p.lost_writebacks, p.lost_interrupts, p.write_tlp);
  }

  Agenda& agenda;
  const NicParams& params;
  PhysMem& memory;
  Ownership& ownership;
  FrameTable& frames;
  FaultPlan* plan;
  Observer* observer;
  DepartureSink* departures = nullptr;
  BusMaster bus;
  EventQueue events;
  TxWire* wire = nullptr;                    // null: what is sent is discarded
  Moderation moderation;
  NicStats stats;
  std::vector<std::uint8_t> staging;         // a frame on its way to the bus when its bytes differ from the wire's
  std::unique_ptr<Faults> faults;            // null: none by share
  std::uint64_t held = 0, untaken = 0;
  std::uint64_t writes_in_flight = 0;        // transactions
  Bytes bytes_in_flight = 0;                 // of frames
  Hpa returned = kNoAddress;                 // where the last frame given to the software begins (planted fault)
  Iova returned_iova = 0;
  std::uint16_t returned_domain = 0;

  // A write of frame bytes at `from` + n: that of the bus, but for a TLP that is lost.
  Transfer data_write(Time at, Iova a, const std::uint8_t* from, Bytes n, std::uint16_t domain) {
    Bytes lo, hi;
    if (!faults || !faults->torn(from, n, lo, hi)) return bus.write(at, a, from, n, domain, false);
    return torn_write(at, a, from, n, domain, lo, hi);
  }
  Transfer torn_write(Time at, Iova a, const std::uint8_t* from, Bytes n, std::uint16_t domain, Bytes lo, Bytes hi);
  bool hit(Fault k, FrameRef f) { return plan && plan->hit(k, frames[f].id); }
  // Bytes of the frame lie at `a`, for the check: a guest's memory that it is not for?
  void landed(FrameRef f, Hpa a) {
    if (!frames.mixed()) return;
    const unsigned g = ownership.guest_of(a);
    if (g == Ownership::kNobody || frames.is_for(f, g)) return;
    frames[f].astray = true;
    ownership.not_for_its_guest(a);
  }
  // Fault::dma_after_return: writes into the buffer that `returned` names, once it belongs to somebody else.
  void plant_stale_write(FrameRef f, Time now);
  bool bus_busy() const {
    return writes_in_flight >= params.max_outstanding_writes || bytes_in_flight >= params.max_outstanding_bytes;
  }
  // What is left of rx_latency for a frame whose DMA is issued now. It is added to the completions and not to the issue:
  // the link is reserved in time order, and no message waits behind writes of the future.
  Time rx_lag(const FrameMeta& m, Time now) const {
    return std::max<Time>(0, m.at[static_cast<int>(Stage::nic)] + params.rx_latency - now);
  }
  void drop(FrameRef f, Drop why, Time now) {
    ++stats.drops[static_cast<int>(why)];
    frames.dropped(f, why, now);
  }
  void level(std::uint32_t id, std::int64_t value, Time now) {
    if (observer && id != UINT32_MAX) observer->level(id, value, now);
  }
};

}  // namespace gd::nic
