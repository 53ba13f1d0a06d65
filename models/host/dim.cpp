#include "models/host/dim.h"

namespace gd {
namespace {

constexpr std::uint64_t kSignificant = 10;   // per cent

// NET_DIM_RX_EQE_PROFILES and NET_DIM_RX_CQE_PROFILES.
constexpr std::array<std::array<Dim::Profile, Dim::kProfiles>, 2> kDimProfiles = {{
    {{{1 * kUs, 256}, {8 * kUs, 256}, {64 * kUs, 256}, {128 * kUs, 256}, {256 * kUs, 256}}},
    {{{2 * kUs, 256}, {8 * kUs, 128}, {16 * kUs, 64}, {32 * kUs, 64}, {64 * kUs, 64}}},
}};

bool differs(std::uint64_t a, std::uint64_t reference) {
  return 100 * (a > reference ? a - reference : reference - a) / reference > kSignificant;
}

}  // namespace

const Dim::Profile& Dim::profile(Period period, int index) { return kDimProfiles[static_cast<std::size_t>(period)][static_cast<std::size_t>(index)]; }

Dim::Verdict Dim::compare(const Rates& now, const Rates& before) {
  if (before.bytes == 0) return now.bytes ? Verdict::better : Verdict::same;
  if (differs(now.bytes, before.bytes)) return now.bytes > before.bytes ? Verdict::better : Verdict::worse;
  if (before.frames == 0) return now.frames ? Verdict::better : Verdict::same;
  if (differs(now.frames, before.frames)) return now.frames > before.frames ? Verdict::better : Verdict::worse;
  if (before.events != 0 && differs(now.events, before.events)) return now.events < before.events ? Verdict::better : Verdict::worse;
  return Verdict::same;
}

Dim::Stepped Dim::step() {
  if (steps_ == kSteps) return Stepped::tired;
  if (walk_ == Walk::right) {
    if (index_ == kProfiles - 1) return Stepped::edge;
    ++index_, ++to_right_;
  } else if (walk_ == Walk::left) {
    if (index_ == 0) return Stepped::edge;
    --index_, ++to_left_;
  }
  ++steps_;
  return Stepped::yes;
}

void Dim::turn() {
  if (walk_ == Walk::right) walk_ = Walk::left, to_left_ = 0;
  else if (walk_ == Walk::left) walk_ = Walk::right, to_right_ = 0;
}

// It went on for more than a step, turned, and has gone back that one.
bool Dim::on_top() const {
  if (walk_ == Walk::right) return to_left_ > 1 && to_right_ == 1;
  if (walk_ == Walk::left) return to_right_ > 1 && to_left_ == 1;
  return true;
}

void Dim::park(Walk how) {
  to_right_ = to_left_ = 0;
  if (how == Walk::parked) steps_ = 0;
  walk_ = how;
}

void Dim::leave_parking() {
  walk_ = index_ ? Walk::left : Walk::right;
  step();
}

bool Dim::decide(const Rates& now) {
  const Walk walked = walk_;
  const int was = index_;
  switch (walk_) {
    case Walk::parked:
      if (compare(now, before_) != Verdict::same) leave_parking();
      break;
    case Walk::tired:
      if (--steps_ == 0) leave_parking();
      break;
    case Walk::right:
    case Walk::left:
      if (compare(now, before_) != Verdict::better) turn();
      if (on_top()) {
        park(Walk::parked);
        break;
      }
      switch (step()) {
        case Stepped::edge: park(Walk::parked); break;
        case Stepped::tired: park(Walk::tired); break;
        case Stepped::yes: break;
      }
      break;
  }
  // While it is parked what it had when it stopped is the reference.
  if (walked != Walk::parked || walk_ != Walk::parked) before_ = now;
  return index_ != was;
}

bool Dim::sample(const Sample& s) {
  if (state_ == State::applying) return false;
  if (state_ == State::measuring) {
    if (s.events - start_.events < kEvents) return false;
    const auto us = static_cast<std::uint64_t>((s.at - start_.at) / kUs);
    if (us == 0) return false;
    const auto rate = [us](std::uint64_t n) { return (n * 1000 + us - 1) / us; };
    if (decide({rate(s.bytes - start_.bytes), rate(s.frames - start_.frames), rate(kEvents)})) {
      state_ = State::applying;
      return true;
    }
  }
  start_ = s;
  state_ = State::measuring;
  return false;
}

}  // namespace gd
