#include "models/guest/softirq.h"

#include <algorithm>

#include "models/guest/behaviour.h"

namespace gd {

GuestSoftirq::GuestSoftirq(GuestContext& c, GuestRxQueue& rx, GuestTxQueue& tx, GuestGro& gro, GuestStack& stack, GuestTimers& timers)
    : Task("guest-softirq", Priority::softirq, World::guest), c_(c), rx_(rx), tx_(tx), gro_(gro), stack_(stack), timers_(timers),
      budget_(c.params.napi_budget ? c.params.napi_budget : c.linux6() ? 64 : 128) {}

void GuestSoftirq::interrupt(std::uint32_t vector, Time now) {
  const bool pending = c_.params.msix ? (vector == 0 ? rx_interrupt_ : tx_interrupt_) : rx_interrupt_ || tx_interrupt_;
  if (!pending && vcpu_ && !vcpu_->halted()) ++injections_;
  (vector == 0 ? rx_interrupt_ : tx_interrupt_) = true;
  wake(now);
}

void GuestSoftirq::retry_refill(Time now) {
  retry_ = true;
  wake(now);
}

// One exit and the way back.
void GuestSoftirq::exit(Step& s, Ledger::Row row, const Cost& cost, std::uint64_t& count) {
  s.charge_to(row, cost);
  ++count;
  if (vcpu_) ++vcpu_->exits;
}

// An interrupt as the guest meets it, with the exits that it takes.
void GuestSoftirq::interrupt_entry(Step& s) {
  const GuestParams& p = c_.params;
  if (!p.posted_interrupts) {
    if (injections_) exit(s, s.core().exit_row(), c_.costs.exit_inject, c_.stats.injections);
    exit(s, s.core().exit_row(), c_.costs.exit_eoi, c_.stats.eois);
  }
  if (injections_) --injections_;
  s.charge(c_.costs.irq);
  ++c_.stats.interrupts;
  if (!p.msix) exit(s, c_.user_exits, c_.costs.exit_user, c_.stats.isr_reads);
}

void GuestSoftirq::take_interrupts(Step& s, RingView& v) {
  const bool one_line = !c_.params.msix && tx_interrupt_ && rx_interrupt_;
  if (tx_interrupt_) {
    tx_interrupt_ = false;
    interrupt_entry(s);
    tx_.ring().disable_callbacks(v);
    tx_.reclaim(s, v);
  }
  if (!rx_interrupt_) return;
  rx_interrupt_ = false;
  if (!one_line) interrupt_entry(s);
  if (phase_ == Phase::idle || phase_ == Phase::armed) schedule(v);
  else missed_ = true;
}

// A new round, with its whole budget.
void GuestSoftirq::schedule(RingView& v) {
  rx_.ring().disable_callbacks(v);
  phase_ = Phase::poll;
  left_ = 0;
  missed_ = false;
}

// A piece of a poll round; true when the round has ended.
bool GuestSoftirq::poll(Step& s, RingView& v) {
  if (left_ == 0) {
    left_ = budget_;
    ++c_.stats.polls;
    s.charge(c_.costs.napi_poll);
    if (c_.linux6()) tx_.reclaim(s, v);
  }
  while (!s.over()) {
    if (!gro_.deliver(s, v)) return false;
    const bool fresh = s.fresh();
    std::uint32_t packet = kNil;
    switch (rx_.receive(s, v, packet)) {
      case GuestRxQueue::Got::none: return s.settled(fresh);
      case GuestRxQueue::Got::packet:
        gro_.receive(s, packet);
        gro_.deliver(s, v);
        break;
      case GuestRxQueue::Got::nothing: break;
    }
    if (--left_ == 0) return true;
  }
  return false;
}

// After a round's packets and refill: GRO gives up what it holds. A round that used its budget is followed by the next.
void GuestSoftirq::end_round(Step& s, RingView& v) {
  again_ = left_ == 0;
  if (!again_) {
    s.charge(c_.costs.napi_complete);
    rx_.ring().enable_callbacks(v);
  }
  gro_.end_round(s, again_);
  phase_ = Phase::flush;
}

// Decides about kicks for what earlier steps have published.
void GuestSoftirq::kicks(Step& s, RingView& v) {
  for (const std::uint32_t queue : {0u, 1u}) {
    bool& due = queue == 0 ? rx_published_ : tx_published_;
    if (!due) continue;
    due = false;
    DriverRing& ring = queue == 0 ? rx_.ring() : tx_.ring();
    if (!ring.kick_needed(v)) continue;
    ++(queue == 0 ? c_.stats.kicks : c_.stats.tx_kicks);
    if (c_.params.kick_exits) {
      s.charge_to(s.core().exit_row(), c_.costs.exit_kick);
      if (vcpu_) ++vcpu_->exits;
    } else {
      s.charge(c_.costs.doorbell);
    }
    s.at_end([](void* t, std::uint64_t q, Core& core, Time now) { static_cast<GuestTimers*>(t)->kick(static_cast<std::uint32_t>(q), core, now); }, &timers_, queue);
  }
}

bool GuestSoftirq::step(Step& s) {
  CpuView v(s, c_.space, c_.costs.ring);
  if (c_.behaviour) {
    if (c_.behaviour->due() <= s.now() && c_.behaviour->work(s, v)) retry_ = true;
    timers_.behave_at(c_.behaviour->due());
    if (c_.behaviour->stopped()) return false;
  }
  kicks(s, v);
  take_interrupts(s, v);
  if (phase_ == Phase::armed) {
    // The enabled callbacks are visible since an earlier step's end: what came before that brings no interrupt.
    phase_ = Phase::idle;
    if (rx_.ring().more_used(v) || (missed_ && c_.linux6())) {
      const unsigned left = left_;
      schedule(v);
      if (!c_.linux6()) left_ = left;
    }
  }
  if (stack_.requests()) stack_.send_requested(s, v);
  if (retry_ && phase_ == Phase::idle) {
    phase_ = Phase::refill;
    from_work_ = true;
  }
  if (phase_ == Phase::poll && poll(s, v)) {
    if (rx_.wants_refill() || retry_) phase_ = Phase::refill;
    else end_round(s, v);
  }
  if (phase_ == Phase::refill && !s.over()) {
    if (!rx_.refill(s, v)) {
      // refill_work() of 6.x polls afterwards; that of 2.6.35 waits for an interrupt.
      if (!from_work_) end_round(s, v);
      else if (c_.linux6() || missed_) schedule(v);
      else phase_ = Phase::idle;
      retry_ = from_work_ = false;
      if (rx_.starved()) timers_.refill_at(s.now() + c_.params.refill_retry);
      rx_published_ = true;
    }
    if (c_.observer) c_.observer->level(c_.params.ring_level, static_cast<std::int64_t>(rx_.ring().outstanding()), s.now());
  }
  if (phase_ == Phase::flush && (!gro_.ready() || (!s.over() && gro_.deliver(s, v)))) phase_ = again_ ? Phase::poll : Phase::armed;
  if (tx_.ring().unpublished() > 0) {
    tx_.ring().publish(v);
    tx_published_ = true;
  }
  if (const Time t = stack_.take_deadline(); t != kNever) timers_.ack_at(t);
  // Transmit callbacks were enabled for want of room: one more look, since what came before brings no interrupt.
  const bool waits = stack_.requests(), look = waits && !tx_waited_;
  tx_waited_ = waits;
  return phase_ != Phase::idle || rx_published_ || tx_published_ || look;
}

void GuestTimers::kick(std::uint32_t queue, Core& from, Time now) {
  if (sink_ && kicks_.empty() && sink_->asleep()) from.pay_wakeup();
  kicks_.push_back(Kick{now + c_.params.kick_latency, queue});
  wake_at(kicks_.front().at);
}

void GuestTimers::first_kick() {
  kicks_.push_back(Kick{0, 0});
  wake_at(0);
}

void GuestTimers::ack_at(Time t) {
  ack_ = std::min(ack_, t);
  wake_at(ack_);
}

void GuestTimers::refill_at(Time t) {
  refill_ = std::min(refill_, t);
  wake_at(refill_);
}

void GuestTimers::behave_at(Time t) {
  behave_ = t;
  if (t != kNever) wake_at(std::max(t, agenda().now()));
}

void GuestTimers::act(Time now) {
  while (!kicks_.empty() && kicks_.front().at <= now) {
    const std::uint32_t queue = kicks_.front().queue;
    kicks_.erase(kicks_.begin());
    if (sink_) sink_->kick(queue, now);
  }
  if (ack_ <= now) {
    ack_ = stack_->expire(now);
    if (stack_->requests()) softirq_->wake(now);
  }
  if (refill_ <= now) {
    refill_ = kNever;
    softirq_->retry_refill(now);
  }
  if (behave_ <= now) {
    behave_ = kNever;
    softirq_->wake(now);
  }
  const Time next = std::min({kicks_.empty() ? kNever : kicks_.front().at, ack_, refill_, behave_});
  if (next != kNever) wake_at(next);
}

}  // namespace gd
