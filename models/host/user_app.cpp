#include "models/host/user_app.h"

#include <algorithm>

namespace gd {

UserApp::UserApp(Agenda& agenda, std::uint32_t actor_rank, const UserAppParams& params, UserAsync& kernel, const UserArea& area, PhysMem& phys,
                 Ownership& ownership, CostBook& costs)
    : Task("user-app", Priority::thread), Actor(agenda, actor_rank), params_(params), kernel_(kernel), area_(area), phys_(phys), ownership_(ownership),
      enter_(costs.get("uring.enter")), cqe_(costs.get("uring.app_cqe")), read_(costs.get("uring.app_read")),
      rng_(params.seed, params.stream) {
  if (params_.kernel_thread) spin_ = costs.account("uring.app_spin");
  kept_.reserve(area.buffers);
  if (params_.behaviour == AppBehaviour::header_scribbler) marked_.reserve(2 * area.buffers);
  if (params_.behaviour == AppBehaviour::unmapper) recent_.reserve(area.buffers);
  if (params_.behaviour == AppBehaviour::unmapper) page_alloc_ = costs.get("page.alloc");
  next_batch_ = params_.interval;
  if (params_.behaviour == AppBehaviour::crasher) next_visit_ = params_.up_time;
  else if (params_.behaviour > AppBehaviour::ring_liar) next_visit_ = params_.interval;
  turn_.assign(params_.behaviour == AppBehaviour::header_scribbler ? area.buffers : 0, 0);
  wake_at(0);
}

// An entry of the refill ring; visible by show_given().
void UserApp::give(Step& s, Gpa buffer) {
  std::uint64_t says = buffer;
  const UserAppParams& b = params_;
  if (b.behaviour == AppBehaviour::ring_liar && rng_.below(1'000'000) < b.share) {
    ++stats_.lies;
    says = rng_.below(2) ? area_.at(area_.buffers) + buffer : buffer + 1;      // outside the area; inside a buffer
  }
  if (b.behaviour == AppBehaviour::header_scribbler || b.behaviour == AppBehaviour::unmapper) mark(s, buffer);
  write_entry(s, says, static_cast<std::uint32_t>(area_.buffer));
}

void UserApp::write_entry(Step& s, std::uint64_t offset, std::uint32_t length) {
  const Hpa at = area_.refill_at(given_++);
  s.store(cqe_.op, at, UserArea::kRefill);
  phys_.store(at, offset);
  phys_.store(at + 8, length);
  phys_.store(at + 12, std::uint32_t{0});
}

void UserApp::show_given(Step& s) {
  if (shown_ == given_) return;
  s.store(cqe_.op, area_.refill_tail, 4);
  s.publish32(area_.refill_tail, shown_ = given_);
}

// All buffers are the kernel's at the start. True while there are more.
bool UserApp::start(Step& s) {
  if (params_.behaviour == AppBehaviour::idle) return false;
  if (kernel_.open(s)) return true;
  for (; started_ < area_.buffers && !s.over(); ++started_) {
    s.charge(cqe_);
    give(s, area_.at(started_));
  }
  show_given(s);
  return started_ < area_.buffers;
}

void UserApp::done_with(Step& s, Gpa offset) {
  const Gpa buffer = offset - offset % area_.buffer;
  const UserAppParams& b = params_;
  if (b.behaviour == AppBehaviour::slow_refill) return kept_.push_back({0, s.now(), buffer});
  if (b.behaviour != AppBehaviour::hoarder) return give(s, buffer);
  const auto mean = static_cast<std::uint64_t>(b.hold_time);
  Time until = kNever;
  switch (b.hold) {
    case AppHold::never: break;
    case AppHold::fixed: until = s.now() + b.hold_time; break;
    case AppHold::uniform: until = s.now() + static_cast<Time>(rng_.below(2 * mean + 1)); break;
    case AppHold::exponential: until = s.now() + static_cast<Time>(rng_.exponential(mean)); break;
  }
  kept_.push_back({until, s.now(), buffer});
  std::push_heap(kept_.begin(), kept_.end(), later);
}

Time UserApp::due() const {
  if (next_visit_ != kNever) return next_visit_;
  if (params_.behaviour == AppBehaviour::slow_refill) return first_kept_ < kept_.size() ? next_batch_ : kNever;
  return kept_.empty() ? kNever : kept_.front().until;
}

// Buffers whose time has come.
void UserApp::release_due(Step& s) {
  const UserAppParams& b = params_;
  const auto back = [&](const Kept& k) {
    holds_.add(static_cast<std::uint64_t>(s.now() - k.since));
    s.charge(cqe_);
    give(s, k.buffer);
  };
  if (b.behaviour == AppBehaviour::slow_refill) {
    if (s.now() < next_batch_) return;
    for (; first_kept_ < kept_.size() && in_batch_ < b.batch && !s.over(); ++in_batch_) back(kept_[first_kept_++]);
    if (first_kept_ == kept_.size()) kept_.clear(), first_kept_ = 0;
    if (in_batch_ < b.batch && first_kept_ < kept_.size()) return;    // the step is over
    show_given(s);
    in_batch_ = 0;
    next_batch_ = s.now() + b.interval;
    return;
  }
  while (!kept_.empty() && kept_.front().until <= s.now() && !s.over()) {
    std::pop_heap(kept_.begin(), kept_.end(), later);
    const Kept k = kept_.back();
    kept_.pop_back();
    back(k);
    show_given(s);
  }
}

void UserApp::read_some(Step& s) {
  if (params_.behaviour == AppBehaviour::idle || s.over()) return;
  s.load(cqe_.op, area_.completion_tail, 4);
  const auto tail = phys_.load<std::uint32_t>(area_.completion_tail);
  for (const std::uint32_t first = head_; head_ != tail;) {
    if (head_ != first && s.over()) return;
    const Hpa at = area_.completion_at(head_++);
    s.load(cqe_.op, at, UserArea::kCompletion);
    s.charge(cqe_);
    const auto n = phys_.load<std::uint32_t>(at + 8);
    const auto offset = phys_.load<std::uint64_t>(at + 16);
    const Hpa data = area_.host(offset);
    if (data == kNoAddress) {              // the kernel has believed a wrong entry
      ++stats_.misled;
      kernel_.read(s, data, n);
      continue;
    }
    s.charge(read_, n);
    s.stream_load(read_.op, data, n);
    ++stats_.reads;
    stats_.bytes += n;
    kernel_.read(s, data, n);
    done_with(s, offset);
    show_given(s);
  }
  if (shown_head_ != head_) s.publish32(area_.completion_head, shown_head_ = head_);
}

// Nothing to read: into the kernel, to make completions of what waits, or to sleep there.
bool UserApp::nothing_to_read(Step& s) {
  if (const Time t = due(); t != kNever) wake_at(std::max(t, s.now()));
  if (thread_) {
    s.wake(*thread_);
    s.spin(spin_);
    return false;
  }
  s.charge(enter_);
  ++stats_.enters;
  kernel_.entered(s);
  if (kernel_.can_complete() || kernel_.can_fetch()) return in_kernel_ = true;
  waiting_ = true;
  return false;
}

bool UserApp::step(Step& s) {
  if (params_.behaviour == AppBehaviour::crasher && dead(s)) return false;
  if (started_ < area_.buffers && params_.behaviour != AppBehaviour::idle) {
    if (start(s) || s.over()) return true;
  }
  if (waiting_) waiting_ = false, in_kernel_ = true;      // woken in the call
  if (in_kernel_) {
    if (kernel_.complete(s, false)) return true;
    in_kernel_ = false;
    if (!s.fresh()) return true;                          // back in user space, where the tail is visible now
  }
  if (next_visit_ <= s.now()) {
    if (misbehave(s)) return true;
    show_given(s);
  }
  const bool fresh = s.fresh();
  const std::uint32_t given = given_, head = head_;
  release_due(s);
  read_some(s);
  if (given_ != given || head_ != head || !s.settled(fresh)) return true;   // once more, with what came meanwhile
  return nothing_to_read(s);
}

bool UserAsyncThread::step(Step& s) {
  const std::uint32_t before = kernel_.shown();
  kernel_.entered(s);
  const bool fresh = s.fresh();
  const bool more = kernel_.complete(s, true);
  const bool shown = kernel_.shown() != before;
  if (shown) s.wake(*app_);
  if (more || shown || !s.settled(fresh)) return true;
  s.spin(spin_);
  return false;
}

}  // namespace gd
