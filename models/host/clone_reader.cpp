#include "models/host/clone_reader.h"

#include <algorithm>

namespace gd {

namespace {

std::uint32_t buffers_of_copy(const CloneReader::Clone& c) {
  std::uint32_t n = 0;
  if (c.packet && !c.held) for_each_frag(*c.packet, [&](Frag& f) { n += f.token != kNoToken; });
  return n;
}

}  // namespace

CloneReader::CloneReader(Agenda& agenda, std::uint32_t actor_rank, HeldSink& sink, CostBook& costs)
    : Task("packet-socket", Priority::thread), sink_(sink), timer_(agenda, actor_rank, *this), read_(costs.get("clone.read")), ring_(kQueue) {}

void CloneReader::arm(Step& s) {
  s.at_end([](void* t, std::uint64_t due, Core&, Time now) { static_cast<Timer*>(t)->set(std::max(now, static_cast<Time>(due))); }, &timer_,
           static_cast<std::uint64_t>(ring_[head_].due));
}

bool CloneReader::add(Step& s, const Clone& c) {
  if (count_ == kQueue) return false;
  ring_[(head_ + count_++) % kQueue] = c;
  if (c.held) held_frames_ += c.packet->frames.count;
  unread_buffers_ += buffers_of_copy(c);
  if (count_ == 1) arm(s);
  return true;
}

bool CloneReader::step(Step& s) {
  while (count_ && ring_[head_].due <= s.start()) {
    if (s.over()) return true;
    Clone c = ring_[head_];
    head_ = (head_ + 1) % kQueue;
    --count_;
    s.charge(read_, c.bytes);
    if (c.packet)
      for_each_frag(*c.packet, [&](Frag& f) { s.stream_load(read_.op, f.addr, f.length); });
    else
      s.stream_load(read_.op, c.first.addr, std::min(c.first.length, c.bytes));
    if (c.held) {
      held_frames_ -= c.packet->frames.count;
      sink_.onward(s, c.packet);
    } else if (c.packet) {
      unread_buffers_ -= buffers_of_copy(c);
      c.packet->path->release(s, c.packet);
    }
  }
  if (count_) arm(s);
  return false;
}

}  // namespace gd
