// The guest's network softirq: NAPI poll of the receive queue, refill, kicks, acknowledgements; and its interrupts.
//
// A round: up to `budget` packets; refill when the driver's threshold asks for it; a full budget goes on with the next round
// after GRO's flush. Else the poll is complete, in the order of the generation:
//   6.x      callbacks are enabled (prepare), then GRO is flushed, then the ring is looked at again; what came meanwhile, or an
//            interrupt that found the poll running (NAPI's MISSED), starts another round.
//   2.6.35   callbacks are enabled; what came meanwhile is received in place, within the budget that is left of the round.
// The second look at the ring is a step after the enabling. Kicks are decided one step after the index that they are about was
// published; each that is sent is a VM exit. Interrupts are exits too without posted interrupts (injection, EOI) and, to user
// space, without MSI-X (vm_interrupt() of virtio-pci reads the ISR). Not modelled: PV EOI, exits by the timer and by IPIs.
#pragma once
#include "models/guest/gro.h"
#include "models/guest/rx_queue.h"
#include "models/guest/stack.h"

namespace gd {

class GuestTimers;

class GuestSoftirq : public Task, public InterruptSink {
 public:
  GuestSoftirq(GuestContext& c, GuestRxQueue& rx, GuestTxQueue& tx, GuestGro& gro, GuestStack& stack, GuestTimers& timers);
  bool step(Step& s) override;
  void interrupt(std::uint32_t vector, Time now) override;
  void retry_refill(Time now);
  void set_vcpu(Vcpu& v) { vcpu_ = &v; }
  bool sleeps() const { return vcpu_ && vcpu_->asleep(); }   // its vCPU

 private:
  enum class Phase : std::uint8_t { idle, poll, refill, flush, armed };   // armed: callbacks are on, the second look is due
  void take_interrupts(Step& s, RingView& v);
  void interrupt_entry(Step& s);
  void exit(Step& s, Ledger::Row row, const Cost& cost, std::uint64_t& count);
  bool poll(Step& s, RingView& v);
  void schedule(RingView& v);
  void end_round(Step& s, RingView& v);
  void kicks(Step& s, RingView& v);

  GuestContext& c_;
  GuestRxQueue& rx_;
  GuestTxQueue& tx_;
  GuestGro& gro_;
  GuestStack& stack_;
  GuestTimers& timers_;
  Vcpu* vcpu_ = nullptr;
  Phase phase_ = Phase::idle;
  unsigned budget_, left_ = 0;
  bool rx_interrupt_ = false, tx_interrupt_ = false, rx_published_ = false, tx_published_ = false, retry_ = false, tx_waited_ = false;
  unsigned injections_ = 0;             // interrupts that came while the vCPU ran
  bool again_ = false;                  // another round follows the flush
  bool missed_ = false;                 // an interrupt came while the poll was scheduled
  bool from_work_ = false;              // the refill under way is refill_work()'s, not a poll's
};

// What the guest does at times of its own: kicks that reach the host, delayed ACKs, refill retries.
class GuestTimers : public Actor {
 public:
  GuestTimers(Agenda& agenda, std::uint32_t rank, GuestContext& c) : Actor(agenda, rank), c_(c) {}
  void attach(GuestSoftirq& softirq, GuestStack& stack) { softirq_ = &softirq, stack_ = &stack; }
  void set_sink(KickSink& sink) { sink_ = &sink; }
  // The guest has kicked `queue` at `now`, at the end of a step of the core `from`, which wakes who sleeps until a kick comes, unless one
  // is on its way; the host notices kick_latency later.
  void kick(std::uint32_t queue, Core& from, Time now);
  // At elaboration: the first kick of the receive queue, at time 0.
  void first_kick();
  void ack_at(Time t);
  void refill_at(Time t);
  // The behaviour's next time; the latest call holds.
  void behave_at(Time t);
  void act(Time now) override;

 private:
  struct Kick {
    Time at;
    std::uint32_t queue;
  };
  GuestContext& c_;
  GuestSoftirq* softirq_ = nullptr;
  GuestStack* stack_ = nullptr;
  KickSink* sink_ = nullptr;
  std::vector<Kick> kicks_;             // ascending
  Time ack_ = kNever, refill_ = kNever, behave_ = kNever;
};

}  // namespace gd
