#include "models/host/user_exit.h"

#include <algorithm>

namespace gd {

UserExit::UserExit(Agenda& agenda, std::uint32_t actor_rank, const UserExitParams& params, UserAsync& kernel, UserPages& pages, NicControl& nic,
                   MmioBus& bus, CostBook& costs)
    : Task("user-exit", Priority::thread), Actor(agenda, actor_rank), params_(params), kernel_(kernel), pages_(pages), nic_(nic), bus_(bus),
      clean_(costs.get("reclaim.clean")), head_(costs.get("driver.head")) {}

void UserExit::begin(Step& s) {
  state_ = State::closing;
  at_ = s.now();
  s.wake(*this);
}

// Packets end that wait; true while there are more, or one is on its way in a step of another core.
bool UserExit::drops(Step& s) {
  if (!kernel_.drop_all(s)) return false;
  if (!s.over()) at_ = s.now() + params_.reread;
  return true;
}

// What is due; true when the step must end before it is done.
bool UserExit::go_on(Step& s) {
  at_ = s.now();
  switch (state_) {
    case State::done: return false;
    case State::closing:
      pages_.close();
      if (drops(s)) return s.over();
      state_ = State::giving;
      if (!queue_) return false;
      path_->close({});
      queue_->stop(s);
      state_ = params_.drains ? State::draining : State::cleaning;
      at_ = s.now() + (params_.drains ? params_.reread : 0);
      return false;
    case State::draining:
      s.charge(head_);
      at_ = s.now() + params_.reread;
      if (!nic_.rx_drained(queue_->queue())) return false;
      state_ = State::waiting;
      at_ = s.now() + params_.stop_wait;
      return false;
    case State::waiting: {
      const std::uint32_t head = nic_.rx_head(queue_->queue());
      at_ = s.now() + params_.reread;
      if (!queue_->caught_up(head)) {                // its interrupt or a report was lost
        queue_->skip_to(head);
        bus_.write(s, reg::irq_cause(queue_->queue()), 1);
        return false;
      }
      state_ = State::cleaning;
      at_ = s.now();
      return false;
    }
    case State::cleaning:
      if (queue_->clean_ring(s, clean_)) return true;
      path_->reclaim(s);
      state_ = State::giving;
      return false;
    case State::giving:
      if (drops(s)) return s.over();                 // that were on their way to the socket
      if (pages_.shut(s)) {
        state_ = State::done;
        at_ = kNever;
        s.wake(*app_);
      } else if (!s.over()) {
        at_ = std::max(pages_.shut_at(), s.now() + params_.reread);
      }
      return false;
  }
  return false;
}

bool UserExit::step(Step& s) {
  while (state_ != State::done && at_ <= s.now())
    if (s.over() || go_on(s)) return true;
  if (state_ != State::done) wake_at(at_);
  return false;
}

}  // namespace gd
