#include "models/host/reclaim.h"

#include <algorithm>

namespace gd {

BufferReclaim::BufferReclaim(Agenda& agenda, std::uint32_t actor_rank, const ReclaimParams& params, NicControl& nic, MmioBus& bus,
                             CostBook& costs)
    : Actor(agenda, actor_rank), Task("reclaim", Priority::thread), params_(params), nic_(nic), bus_(bus), look_(costs.get("reclaim.look")),
      clean_(costs.get("reclaim.clean")), head_(costs.get("driver.head")) {}

void BufferReclaim::watch(NapiQueue& queue, RxPath& path, VhostWorker& worker, bool drains) {
  guests_.push_back({&queue, &path, &worker, drains});
  guests_.back().at = agenda().now() + params_.after / 2;
  wake_at(guests_.back().at);
}

void BufferReclaim::act(Time now) { Task::wake(now); }

bool BufferReclaim::look(Step& s, Watched& w) {
  if (!w.ageing) s.charge(look_);
  const GuestHold h = w.path->holds(s, look_.op);
  w.ageing = h.pinned && w.path->age(s, s.now() - params_.after);
  if (w.ageing) return true;
  const std::uint64_t all = std::uint64_t{h.at_host} + h.at_guest;
  const bool holds = h.at_guest && h.at_guest * std::uint64_t{1'000'000} >= all * params_.share && (h.at_host || h.pinned);
  if (!holds || !w.holds || h.progress != w.progress) w.since = s.now();
  w.holds = holds;
  w.progress = h.progress;
  w.at = s.now() + params_.after / 2;
  if (!holds || s.now() - w.since < params_.after) return false;
  w.holds = false;
  w.stopped = s.now();
  w.path->close(h);
  w.queue->stop(s);
  w.state = w.drains ? State::draining : State::cleaning;
  w.at = s.now() + (w.drains ? params_.reread : 0);
  return false;
}

// What is due for one guest; true when the step must end before it is done.
bool BufferReclaim::go_on(Step& s, Watched& w) {
  switch (w.state) {
    case State::watching:
      return look(s, w);
    case State::draining:
      s.charge(head_);
      w.at = s.now() + params_.reread;
      if (!nic_.rx_drained(w.queue->queue())) return false;
      w.state = State::waiting;
      w.at = s.now() + params_.stop_wait;
      return false;
    case State::waiting: {
      const std::uint32_t head = nic_.rx_head(w.queue->queue());
      w.at = s.now() + params_.reread;
      if (!w.queue->caught_up(head)) {               // its interrupt or a report was lost
        w.queue->skip_to(head);
        bus_.write(s, reg::irq_cause(w.queue->queue()), 1);
        return false;
      }
      w.state = State::cleaning;
      [[fallthrough]];
    }
    case State::cleaning:
      if (w.queue->clean_ring(s, clean_)) return true;
      w.state = State::giving;
      w.at = kNever;
      w.worker->give_all_back(s, *this);
      return false;
    case State::giving:
      if (w.worker->giving_back()) return false;
      ++stats_.reclaims;
      stats_.longest = std::max(stats_.longest, s.now() - w.stopped);
      w.state = State::watching;
      w.at = s.now() + params_.after / 2;
      return false;
  }
  return false;
}

bool BufferReclaim::step(Step& s) {
  Time next = kNever;
  for (Watched& w : guests_) {
    const bool due = w.at <= s.start() || w.state == State::giving;
    if (due && (s.over() || go_on(s, w))) return true;
    next = std::min(next, w.at);
  }
  if (next != kNever) wake_at(std::max(next, s.now()));
  return false;
}

}  // namespace gd
