#include "models/guest/app.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/guest/behaviour.h"

namespace gd {

GuestApp::GuestApp(GuestContext& c, GuestBuffers& buffers, GuestChecker& checker, GuestStack& stack, GuestSocket& socket)
    : Task("guest-app", Priority::thread, World::guest), c_(c), buffers_(buffers), checker_(checker), stack_(stack), socket_(socket) {
  if (c.params.app.read_size == 0 || c.params.app.copy_chunk == 0)
    throw UserError("guest " + c.params.name + ": the application's read size and copy chunk are at least 1 byte");
  user_ = c.space.alloc(align_up(c.params.app.read_size, kPage), kPage);
  socket.reader = this;
}

bool GuestApp::next_packet(Step& s) {
  packet_ = socket_.first;
  if (packet_ == kNil) {
    if (s.fresh()) reading_ = false;
    return false;
  }
  GuestPacket& p = buffers_.packet(packet_);
  socket_.first = p.next;
  if (socket_.first == kNil) socket_.last = kNil;
  // A read() goes on into the next packet only on the same stream.
  if (!reading_ || p.parsed.l4 != L4::tcp || p.flow != last_flow_ || filled_ >= c_.params.app.read_size) {
    s.charge(c_.costs.read);
    ++c_.stats.reads;
    filled_ = 0;
    reading_ = true;
  }
  last_flow_ = p.flow;
  checker_.headers(p);
  FrameChain old;
  checker_.start(p, cursor_, old);
  if (old.count > 0) {
    c_.stats.stack_drops += old.count;
    c_.dropped(old, Drop::stack, s.now());
  }
  left_ = p.parsed.payload_length - std::min(p.skip, p.parsed.payload_length);
  at_ = p.parsed.payload_offset + p.skip;
  buffer_ = p.first;
  while (buffer_ != kNil && at_ >= buffers_[buffer_].length) {
    at_ -= buffers_[buffer_].length;
    buffer_ = buffers_[buffer_].next;
  }
  if (p.frames.count > 0 && left_ > 0 && buffer_ != kNil && c_.hit(Fault::flip_guest, p.frames.first))
    *c_.phys.at(buffers_[buffer_].hpa + buffers_[buffer_].at + at_) ^= 0x01;
  return true;
}

void GuestApp::copy(Step& s) {
  if (filled_ >= c_.params.app.read_size) {
    s.charge(c_.costs.read);
    ++c_.stats.reads;
    filled_ = 0;
  }
  const GuestBuffer& g = buffers_[buffer_];
  Bytes room = 0;
  const Hpa to = c_.space.translate(user_ + filled_, &room);
  const std::uint32_t packet = std::min(left_, g.length - at_);
  const Bytes user = std::min<Bytes>(c_.params.app.read_size - filled_, room);
  const std::uint32_t n = static_cast<std::uint32_t>(std::min<Bytes>(packet, std::min<Bytes>(c_.params.app.copy_chunk, user)));
  s.copy(c_.costs.copy_user, to, g.hpa + g.at + at_, n);
  c_.stats.user_copied += n;
  checker_.take(buffers_.packet(packet_), cursor_, c_.phys.at(to), n, s.now());
  filled_ += n;
  left_ -= n;
  at_ += n;
  while (buffer_ != kNil && at_ >= buffers_[buffer_].length) {
    at_ = 0;
    buffer_ = buffers_[buffer_].next;
  }
}

void GuestApp::finish(Step& s) {
  GuestPacket& p = buffers_.packet(packet_);
  checker_.finish(p, cursor_, s.now());
  const std::uint32_t flow = p.flow, truesize = p.truesize;
  s.charge_times(c_.costs.skb_free, 1 + p.members);
  if (!c_.behaviour || !c_.behaviour->keeps(s, p)) {
    s.charge_times(c_.costs.page_free, p.pieces);
    c_.hold.add(static_cast<std::uint64_t>(s.now() - p.taken));
  }
  buffers_.free_packet(packet_, s.now());
  packet_ = kNil;
  socket_.truesize -= truesize;
  if (c_.observer) c_.observer->level(c_.params.socket_level, static_cast<std::int64_t>(socket_.truesize), s.now());
  if (c_.behaviour && c_.behaviour->due() != kNever) s.wake(*softirq_);
  if (flow != kNil && stack_.consumed(flow, truesize)) s.wake(*softirq_);
}

bool GuestApp::step(Step& s) {
  while (!s.over()) {
    if (packet_ == kNil && !next_packet(s)) return !s.fresh();
    if (left_ > 0 && buffer_ != kNil) {
      copy(s);
      continue;
    }
    finish(s);
  }
  return true;
}

}  // namespace gd
