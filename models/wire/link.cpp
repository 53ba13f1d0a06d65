#include "models/wire/link.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/packet/checksum.h"
#include "models/packet/mac_control.h"
#include "models/packet/parse.h"

namespace gd {
namespace {
constexpr std::uint64_t kBitsBefore = (wire::kPreamble + wire::kFcs) * 8, kGapBits = wire::kGap * 8;
}

Link::Link(Agenda& agenda, std::uint32_t actor_rank, FrameTable& table, const Params& p)
    : Actor(agenda, actor_rank), table_(table), p_(p), rx_clock_(p.rate), tx_clock_(p.rate), tx_(64) {
  if (p.rate == 0) throw UserError("the link rate is 0");
  if (p.damage.any()) damage_ = std::make_unique<WireDamage>(table, p.damage);
}

void Link::connect(Traffic& traffic, FrameSink& nic) {
  traffic_ = &traffic;
  nic_ = &nic;
  traffic.attach(*this);
}

void Link::start() {
  require(traffic_ && nic_, "a link was started without traffic or NIC");
  running_ = true;
  up_since_ = agenda().now();
  traffic_->begin(up_since_);
  plan(up_since_);
  wake();
}

void Link::stop_at(Time t) {
  stop_ = t;
  if (finished_) return;
  if (arrival_ != kNever && arrival_ >= stop_) {
    arrival_ = kNever;
    over_ = true;
  }
  wake();
}

void Link::finish(Time now) {
  if (finished_) return;
  finished_ = true;
  if (listener_) listener_->wire_finished(now);
}

// Puts the next frame on the wire if there is one and the wire is free of planned frames.
void Link::plan(Time now) {
  if (!running_ || over_ || finished_ || arrival_ != kNever) return;
  if (sent_ >= p_.frames || now >= stop_) return finish(now);
  Plan next;
  switch (traffic_->plan(now, next)) {
    case Next::finished: return finish(now);
    case Next::later: return;
    case Next::frame: break;
  }
  if (damage_) next.length = damage_->plan(next.length);
  ready_ = std::max({now, rx_free_, next.earliest});
  first_bit_ = std::max(ready_, paused_until_);
  const Time last_bit = first_bit_ + rx_clock_.take(static_cast<std::uint64_t>(next.length) * 8 + kBitsBefore);
  rx_free_ = last_bit + rx_clock_.take(kGapBits);
  if (last_bit >= stop_ && paused_until_ <= ready_) {   // a pause may yet end early
    over_ = true;                                       // it never comes; the end is stop_
    return;
  }
  stats_.busy += rx_free_ - first_bit_;
  arrival_ = last_bit;
}

void Link::traffic_ready(Time now) {
  plan(now);
  wake();
}

void Link::arrive(Time now) {
  arrival_ = kNever;
  last_arrival_ = now;
  stats_.paused += first_bit_ - ready_;
  ++sent_;
  const FrameRef r = traffic_->emit(now);
  if (damage_) damage_->apply(r);
  if (fault_ && table_[r].payload_length > 0 && fault_->hit(Fault::flip_wire, table_[r].id)) flip(r);
  if (p_.down_length && down(first_bit_, now)) {
    table_.offered(r, now);
    table_.dropped(r, Drop::link_down, now);
    return plan(now);
  }
  ++stats_.frames;
  stats_.bytes += table_[r].length;
  table_.offered(r, now);
  if (observer_) observer_->wire_frame(table_[r], now);
  nic_->frame_arrived(r, now);
  plan(now);
}

bool Link::down(Time from, Time to) const {
  const Time since = to - up_since_ - p_.down_at;
  if (since < 0) return false;
  const Time begin = p_.down_at + up_since_ + (p_.down_period ? since / p_.down_period * p_.down_period : 0);
  return from < begin + p_.down_length;
}

// The frame goes on as a copy with one payload byte changed and a checksum that is right again, so that only a check
// against the source finds it. A checksum that was wrong or absent stays as it is.
void Link::flip(FrameRef r) {
  FrameMeta& m = table_[r];
  flipped_.assign(m.bytes, m.bytes + m.length);
  std::uint8_t* f = flipped_.data();
  const bool good = csum::check_l4(f, parse(f, m.length)) == csum::Checked::good;
  f[m.payload_offset + m.payload_length / 2] ^= 0x5a;
  if (good) csum::complete_l4(f, m.length);
  m.bytes = f;
}

// The far end's MAC has taken a PAUSE frame: a planned frame that has not begun moves.
void Link::pause(std::uint16_t quanta, Time now) {
  const auto length = static_cast<Time>(static_cast<unsigned __int128>(quanta) * mac_control::kQuantumBits * kSec / p_.rate);
  paused_until_ = now + length;
  if (arrival_ == kNever || first_bit_ < now) return;
  const Time begin = std::max({ready_, paused_until_, now});
  arrival_ += begin - first_bit_;
  rx_free_ += begin - first_bit_;
  first_bit_ = begin;
}

// Frames that the NIC sent and that have arrived at the far end.
void Link::arrive_there(Time now) {
  while (tx_head_ != tx_tail_) {
    Sent& s = tx_[tx_head_ & (tx_.size() - 1)];
    if (s.due > now) break;
    ++tx_head_;
    far_->from_nic(s.bytes.data(), static_cast<std::uint32_t>(s.bytes.size()), now);
  }
  while (!pauses_.empty() && pauses_.front().due <= now) {
    pause(pauses_.front().quanta, now);
    pauses_.pop();
  }
}

void Link::act(Time now) {
  if (tx_head_ != tx_tail_ || !pauses_.empty()) arrive_there(now);
  if (arrival_ <= now && now < stop_) arrive(now);
  if (now >= stop_) arrival_ = kNever, finish(now);
  wake();
}

void Link::transmit(const std::uint8_t* bytes, std::uint32_t length, Time now) {
  const Time first_bit = std::max(now, tx_free_);
  const Time last_bit = first_bit + tx_clock_.take(static_cast<std::uint64_t>(wire::padded(length)) * 8 + kBitsBefore);
  tx_free_ = last_bit + tx_clock_.take(kGapBits);
  stats_.tx_busy += tx_free_ - first_bit;
  if (p_.down_length && running_ && down(first_bit, last_bit)) {
    ++stats_.tx_frames;
    ++stats_.tx_lost;
    return;
  }
  const Time there = last_bit + 2 * p_.propagation;
  if (const std::optional<std::uint16_t> quanta = pause_quanta(bytes, length)) {
    ++stats_.pauses;
    pauses_.push({there + p_.pause_response, *quanta});
    return wake();
  }
  ++stats_.tx_frames;
  stats_.tx_bytes += length;
  if (!far_) return;
  if (tx_tail_ - tx_head_ == tx_.size()) {
    std::vector<Sent> larger(tx_.size() * 2);
    for (std::uint64_t i = tx_head_; i != tx_tail_; ++i)
      larger[i & (larger.size() - 1)] = std::move(tx_[i & (tx_.size() - 1)]);
    tx_.swap(larger);
  }
  Sent& s = tx_[tx_tail_++ & (tx_.size() - 1)];
  s.bytes.assign(bytes, bytes + length);   // keeps its memory from one use to the next
  s.due = there + p_.far_end_delay;
  wake();
}

void Link::wake() {
  Time t = arrival_;
  if (tx_head_ != tx_tail_) t = std::min(t, tx_[tx_head_ & (tx_.size() - 1)].due);
  if (!pauses_.empty()) t = std::min(t, pauses_.front().due);
  if (running_ && !finished_) t = std::min(t, std::max(stop_, agenda().now()));
  if (t != pending()) wake_only_at(t);
}

}  // namespace gd
