#include "models/host/vhost_worker.h"

#include <algorithm>

namespace gd {

VhostWorker::VhostWorker(const VhostParams& params, GuestPort& guest, FrameTable& frames, CostBook& costs)
    : Task("vhost", Priority::thread), params_(params), guest_(guest), frames_(frames),
      tx_ring_(guest.tx(), guest.space().size()), log_(params.dirty_log, costs),
      wakeup_(costs.get(vhost::old(params) ? "vhost.work" : "vhost.wakeup")), batch_(costs.get("vhost.batch")),
      tx_cost_(costs.get("vhost.tx")), tx_copy_(costs.get("vhost.tx_copy")),
      signal_(costs.get("vhost.signal")), post_round_(costs.get("vhost.post_round")) {
  if (params.busy_poll) spin_ = costs.account("vhost.spin");
}

void VhostWorker::kick(std::uint32_t queue, Time now) {
  ++stats_.kicks;
  if (queue == 0) {
    post_wanted_ = true;
    starved_ = false;
  } else {
    tx_wanted_ = true;
  }
  wake(now);
}

// Takes the guest's buffers for the driver; true when the step is over or there are more.
bool VhostWorker::post(Step& s) {
  since_post_ = 0;
  if (!path_->posts()) return post_wanted_ = false;
  s.charge(post_round_);
  if (delivery_ && delivery_->holds_ring()) return post_wanted_ = true;   // its spin lock
  const std::uint64_t before = path_->stats().posted;
  post_wanted_ = path_->post(s);
  if (path_->stats().posted != before) {
    starved_ = false;
    if (delivery_ && delivery_->waits()) s.wake(*delivery_);
  }
  return post_wanted_ || s.over();
}

void VhostWorker::give_all_back(Step& s, Task& asker) {
  asker_ = &asker;
  s.wake(*this);
}

// True while there is more. A packet that would need a further buffer of the guest's ends here.
bool VhostWorker::give_back_some(Step& s) {
  if (delivery_ && (delivery_->held() || delivery_->holds_ring())) return s.charge(post_round_), true;   // its spin lock
  while (current_ || !tap_->empty()) {
    if (s.over()) return true;
    if (!current_) {
      current_ = tap_->pop();
      s.load(batch_.op, current_->struct_addr, kLine);
    }
    const Progress p = hand_over(s);
    if (p == Progress::more) return true;
    if (p == Progress::no_buffers) {
      frames_.dropped(current_->frames, Drop::guest_no_buffer, s.now());
      if (current_->path == path_) path_->give_back(s, current_);
      else current_->path->release(s, current_);
    }
    current_ = nullptr;
  }
  if (path_->reclaim(s)) return true;
  s.wake(*asker_);
  asker_ = nullptr;
  return false;
}

// What was pushed becomes visible: where a softirq delivers, by it alone, so that the index never goes back.
void VhostWorker::publish(Step& s) {
  if (!delivery_) path_->publish(s);
  else if (path_->unpublished() && !delivery_->holds_ring()) s.wake(*delivery_);
}

// One packet, by what the host made of it.
Progress VhostWorker::hand_over(Step& s) {
  if (current_->returned) return path_->give_back(s, current_);
  if (current_->path != path_) return path_->deliver_copy(s, current_);
  return path_->deliver(s, current_);
}

// Hands over packets until the step, a batch, the round's weight or the queue ends. True when there is more.
bool VhostWorker::receive_round(Step& s) {
  if (starved_) return false;
  while (!s.over()) {
    if (!current_) {
      if (tap_->empty()) {
        if (!s.fresh()) return true;
        in_batch_ = 0;
        if (vhost::old(params_) && round_packets_) path_->probe(s);
        return false;
      }
      if (tap_->full() && !s.fresh()) return true;   // room is there from now on, not from the step's start
      polled_ = false;
      if (in_batch_ == 0 && vhost::batch_costs(params_)) s.charge(batch_);
      current_ = tap_->pop();
      s.load(batch_.op, current_->struct_addr, kLine);
      if (++in_batch_ == vhost::batch(params_)) in_batch_ = 0;
    }
    const std::uint32_t bytes = current_->length;
    switch (hand_over(s)) {
      case Progress::more:
        return true;
      case Progress::no_buffers:
        ++stats_.starved;
        starved_ = true;
        publish(s);
        return false;
      case Progress::done:
        current_ = nullptr;
        ++stats_.packets;
        ++round_packets_;
        round_bytes_ += bytes;
        if (vhost::publish_now(params_, path_->unpublished())) publish(s);
        if (vhost::round_over(params_, round_packets_, round_bytes_)) return true;
        if (++since_post_ >= params_.batch && path_->posts()) {
          post_wanted_ = true;
          return true;
        }
        if (vhost::old(params_)) return true;   // the signal decision of this packet comes before the next one
    }
  }
  return true;
}

// Frames that the guest put into its transmit ring (ACKs): copied to a driver buffer and sent. True when there is more.
bool VhostWorker::transmit_round(Step& s) {
  CpuView v(s, guest_.space(), tx_cost_.op);
  if (tx_undecided_) {
    tx_undecided_ = false;
    if (tx_ring_.signal_needed(v)) {
      ++tx_signals_;
      s.charge(signal_);
      s.at_end([](void* g, std::uint64_t, Core& core, Time now) {
        auto& guest = *static_cast<GuestPort*>(g);
        if (guest.asleep()) core.pay_wakeup();
        guest.interrupts().interrupt(1, now);
      }, &guest_, 0);
    }
  }
  if (!tx_wanted_ || !tx_) return false;
  if (tx_armed_) {
    log_.notify(s, tx_ring_, v, false);
    tx_armed_ = false;
  }
  Segment seg[32];
  DeviceRing::Taken t;
  bool more = true;
  while (!s.over()) {
    const bool fresh = s.fresh();
    const Hpa slot = tx_->reserve(s);
    if (slot == 0) break;                       // transmit ring full: tried again in a later step
    more = tx_ring_.take(v, seg, 32, t);
    if (!more) {
      more = !s.settled(fresh);                 // looked at too early: again in a later step
      break;
    }
    const unsigned header = tx_ring_.layout().header_length;
    if (t.error != RingError::none || t.writable || t.readable <= header || t.readable - header > TxDriver::kSlot) {
      ++stats_.tx_errors;
      if (t.error != RingError::bad_head) tx_ring_.push(v, t.head, 0);
      continue;
    }
    s.charge(tx_cost_);
    std::uint32_t skip = header, at = 0;
    for (unsigned i = 0; i < t.segments; ++i) {
      Gpa gpa = seg[i].gpa;
      std::uint32_t left = seg[i].len;
      const std::uint32_t part = std::min(skip, left);
      gpa += part, left -= part, skip -= part;
      while (left) {
        Bytes contiguous = 0;
        const Hpa from = guest_.space().translate(gpa, &contiguous);
        const auto n = static_cast<std::uint32_t>(std::min<Bytes>(left, contiguous));
        s.copy(tx_copy_, slot + at, from, n);
        at += n, gpa += n, left -= n;
      }
    }
    tx_ring_.push(v, t.head, 0);
    tx_->xmit(s, at);
    ++stats_.tx_frames;
  }
  tx_->flush(s);
  if (tx_ring_.unpublished()) {
    log_.publish(s, tx_ring_, v);
    tx_undecided_ = true;
  }
  if (!more) {
    tx_wanted_ = false;
    log_.notify(s, tx_ring_, v, true);
    tx_armed_ = tx_check_ = true;
  }
  stats_.logged_pages = log_.pages();
  return more;
}

// Nothing to do now: the worker stays on its core for a while, with the guest's kicks as they are. True while something
// has to be decided before.
bool VhostWorker::spin(Step& s) {
  if (unsettled() || tx_undecided_) return true;
  ++stats_.polls;
  state_ = State::polling;
  tap_->listen(true);
  s.spin(spin_);
  s.at_end([](void* t, std::uint64_t until, Core&, Time) { static_cast<PollTimer*>(t)->set(static_cast<Time>(until)); }, timer_.get(),
           static_cast<std::uint64_t>(s.now() + params_.busy_poll));
  return false;
}

// Something ended the spin; true when it is work. The timer and other threads end it for this time.
bool VhostWorker::end_of_spin(Step&) {
  timer_->set(kNever);
  polled_ = true;
  const bool work = !tap_->empty() || tx_wanted_ || post_wanted_ || asker_;
  if (work) ++stats_.polls_ended_by_work;
  return work;
}

// Nothing to do now but to wait for copies that an engine makes: polling, or asleep until its interrupt, a packet or a kick.
bool VhostWorker::await(Step& s) {
  if (unsettled() || tx_undecided_) return true;
  state_ = State::awaiting;
  tap_->listen(vhost::listens(params_, starved_));
  spins_ = path_->await(s);
  return false;
}

// Nothing to do now: arm what must be armed, look once more in a later step, sleep.
bool VhostWorker::go_to_sleep(Step& s) {
  if (path_->awaits()) return await(s);
  if (params_.busy_poll && !polled_ && !starved_) return spin(s);
  const bool again = path_->ask_for_kick(s, starved_ || (delivery_ && delivery_->waits()));
  if (again || unsettled() || tx_undecided_ || tx_check_) {
    state_ = State::recheck;
    return true;
  }
  return sleep();
}

// False: the task sleeps. A worker that waits for the guest's buffers is woken by its kick, not by packets.
bool VhostWorker::sleep() {
  tap_->listen(vhost::listens(params_, starved_));
  state_ = State::asleep;
  return false;
}

bool VhostWorker::step(Step& s) {
  if (!delivery_) path_->settle(s);
  if (state_ == State::asleep) {
    ++stats_.wakeups;
    s.charge(wakeup_);
    path_->attend(s);
    state_ = State::run;
    post_wanted_ = true;
    polled_ = false;
    if (vhost::old(params_)) starved_ = false;   // handle_rx looks for a buffer whatever has woken it
  } else if (state_ == State::awaiting) {
    state_ = State::run;
    if (!spins_) {
      ++stats_.wakeups;
      s.charge(wakeup_);
    }
  } else if (state_ == State::polling) {
    state_ = State::run;
    if (!end_of_spin(s)) return go_to_sleep(s);
  } else if (state_ == State::recheck) {
    state_ = State::run;
    if (path_->recheck(s)) {
      starved_ = false;
      post_wanted_ = true;
    }
    if (tx_check_) {
      tx_check_ = false;
      CpuView v(s, guest_.space(), tx_cost_.op);
      if (tx_ring_.recheck(v)) tx_wanted_ = true;
    }
    transmit_round(s);
    const bool waiting = starved_ || (tap_->empty() && !current_);
    if (!post_wanted_ && !tx_wanted_ && !tx_undecided_ && !asker_ && waiting) return sleep();
    return true;
  }
  if (asker_ && give_back_some(s)) return true;
  if (post_wanted_ && post(s)) return true;
  const bool more = receive_round(s);
  const bool weighed = vhost::round_over(params_, round_packets_, round_bytes_);
  if (more && !weighed) return true;         // the round goes on
  if (round_packets_) {                      // its end: publish, look for buffers, let the transmit side run
    ++stats_.rounds;
    round_packets_ = 0;
    round_bytes_ = 0;
    post_wanted_ = true;
  }
  publish(s);
  const bool sending = transmit_round(s);
  if (more || sending) return true;
  if (post_wanted_ && (s.over() || post(s))) return true;
  if (current_ && !starved_) return true;
  return go_to_sleep(s);
}

}  // namespace gd
