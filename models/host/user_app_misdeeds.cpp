// What an application with asynchronous reads does that it should not.
#include <algorithm>
#include <cstring>

#include "models/base/error.h"
#include "models/host/user_app.h"
#include "models/host/user_exit.h"
#include "models/packet/scribble.h"

namespace gd {
namespace {

constexpr std::size_t kLooks = 96;        // buffers looked at in a visit: more than the kernel takes at once, last in first out
constexpr std::size_t kRecent = 64;       // of the buffers given last, one loses its page

}  // namespace

// A buffer is about to be given.
void UserApp::mark(Step& s, Gpa buffer) {
  if (params_.behaviour == AppBehaviour::unmapper) {
    if (recent_.size() < kRecent) recent_.push_back(buffer);
    else recent_[recent_at_++ % kRecent] = buffer;
    return;
  }
  const std::uint32_t turn = ++turn_[buffer / area_.buffer];
  if (rng_.below(1'000'000) >= params_.share) return;
  const Hpa at = area_.host(buffer);
  phys_.store(at, scribble::kMarker);
  s.store(cqe_.op, at, sizeof scribble::kMarker);
  marked_.push_back({buffer, turn, kNever});
}

// One field of Ethernet, IPv4 or TCP header gets a value of its choice.
void UserApp::scribble(Step& s) {
  std::size_t kept = 0, i = 0;
  for (unsigned looked = 0; i < marked_.size() && looked < kLooks; ++i) {
    Marked& m = marked_[i];
    if (turn_[m.buffer / area_.buffer] != m.turn) continue;       // read and given again
    ++looked;
    const Hpa at = area_.host(m.buffer);
    s.load(cqe_.op, at, sizeof scribble::kMarker);
    if (m.seen == kNever && phys_.load<std::uint64_t>(at) != scribble::kMarker) m.seen = s.now();
    if (m.seen == kNever || s.now() < m.seen + params_.delay) {
      marked_[kept++] = m;
      continue;
    }
    const Hpa field = at + scribble::field(rng_);
    phys_.store(field, static_cast<std::uint16_t>(rng_()));
    s.store(cqe_.op, field, 2);
    ++stats_.scribbles;
  }
  marked_.erase(marked_.begin() + static_cast<std::ptrdiff_t>(kept), marked_.begin() + static_cast<std::ptrdiff_t>(i));
}

// munmap() and mmap() of one page: what was behind it is the application's no longer, though whoever has pinned it keeps it.
void UserApp::exchange_page(Step& s) {
  if (recent_.empty()) return;
  const Gpa page = align_down(recent_[rng_.below(recent_.size())], kPage);
  Hpa fresh = 0;
  try {
    fresh = phys_.alloc_page();
  } catch (const UserError&) {
    return;   // the host has no page left to give
  }
  std::memset(phys_.at(fresh), 0, kPage);
  ownership_.revoke(area_.space->remap(page, fresh), s.now());
  ownership_.belongs(fresh, kPage, area_.owner, false);
  s.charge(page_alloc_);
  ++stats_.unmapped;
}

// Entries up to the ring's brim, but for what its own buffers will need until the next visit. True while there is room and the step is over.
bool UserApp::flood(Step& s) {
  s.load(cqe_.op, area_.refill_head, 4);
  const auto taken = phys_.load<std::uint32_t>(area_.refill_head);
  for (const std::uint32_t first = given_; given_ - taken < area_.refill_entries - area_.refill_entries / 4; ++stats_.flooded) {
    if (given_ != first && s.over()) return true;
    AppFlood kind = params_.flood;
    if (kind == AppFlood::mixed) kind = static_cast<AppFlood>(1 + rng_.below(3));
    const Gpa buffer = area_.at(static_cast<std::uint32_t>(rng_.below(area_.buffers)));
    switch (kind) {
      case AppFlood::tiny: write_entry(s, buffer + 1 + rng_.below(area_.buffer - 1), 1 + static_cast<std::uint32_t>(rng_.below(16))); break;
      case AppFlood::zero: write_entry(s, buffer, 0); break;
      default: write_entry(s, buffer, UINT32_MAX);
    }
    s.charge(cqe_);
  }
  return false;
}

bool UserApp::misbehave(Step& s) {
  switch (params_.behaviour) {
    case AppBehaviour::flood_poster:
      if (flood(s)) return true;
      break;
    case AppBehaviour::header_scribbler: scribble(s); break;
    case AppBehaviour::unmapper: exchange_page(s); break;
    default: return false;
  }
  next_visit_ = s.now() + params_.interval;
  wake_at(next_visit_);
  return false;
}

// The crasher: killed, down, and begun again. True while it does not run.
bool UserApp::dead(Step& s) {
  if (!down_) {
    if (s.now() < next_visit_) return false;
    down_ = true;
    next_visit_ = s.now() + params_.down_time;
    ++stats_.crashes;
    in_kernel_ = waiting_ = false;
    kernel_.close();
    exit_->begin(s);
  }
  if (s.now() < next_visit_ || !exit_->done()) {
    if (s.now() < next_visit_) wake_at(next_visit_);
    return true;                           // or woken when the kernel is done
  }
  for (const Hpa index : {area_.refill_tail, area_.completion_tail, area_.completion_head}) phys_.store(index, std::uint32_t{0});
  given_ = shown_ = head_ = shown_head_ = started_ = 0;
  kernel_.reopen();
  down_ = false;
  next_visit_ = s.now() + params_.up_time;
  wake_at(next_visit_);
  return false;
}

}  // namespace gd
