#include "models/host/user_async.h"

#include <algorithm>
#include <utility>

#include "models/packet/parse.h"

namespace gd {

UserAsync::UserAsync(const UserAsyncParams& params, UserPages& pages, PhysMem& phys, Ownership& ownership, FrameTable& frames,
                     ExpectedBytes& expected, CostBook& costs)
    : params_(params), pages_(pages), phys_(phys), ownership_(ownership), frames_(frames), check_(frames, expected), stack_(phys, costs),
      queue_(costs.get("stack.queue")), recv_(costs.get("uring.recv")), cqe_(costs.get("uring.cqe")), copy_(costs.get("uring.copy")),
      acks_(phys, costs), open_(1024) {}

void UserAsync::packet(Step& s, Skb* skb) {
  const auto [headers, p, summed] = stack_.receive(s, *skb);
  const bool bad = skb->checksum == Checksum::bad;
  if (bad || closed_ || !room(*skb)) {
    frames_.dropped(skb->frames, bad ? Drop::bad_checksum : closed_ ? Drop::stack : Drop::socket_full, s.now());
    skb->path->release(s, skb);
    return;
  }
  ++stats_.packets;
  frames_.stamp(skb->frames, Stage::stack, s.now());
  if (p.l4 == L4::tcp && p.payload_length == 0) {      // the protocol's own: no reader sees it
    for (FrameRef f; (f = frames_.pop(skb->frames)) != kNoFrame;) frames_.delivered(f, s.now());
    skb->path->release(s, skb);
    return;
  }
  s.charge(queue_);
  acks_.received(s, *skb, headers, p);
  skb->header_length = static_cast<std::uint16_t>(p.payload_offset);
  skb->next = nullptr;
  truesize_ += truesize(*skb);
  filled(s.now());
  held_frames_ += skb->frames.count;
  entering_ = true;
  s.at_end(&UserAsync::show, this, reinterpret_cast<std::uintptr_t>(skb));
}

// The packet is in the queue when the step that brought it is done.
void UserAsync::show(void* self, std::uint64_t packet, Core& core, Time now) {
  auto& u = *static_cast<UserAsync*>(self);
  Skb* skb = reinterpret_cast<Skb*>(packet);
  (u.head_ ? u.queue_tail_->next : u.head_) = skb;
  u.queue_tail_ = skb;
  u.entering_ = false;
  if (u.head_ == skb) core.wake_from_step(*u.worker_, now);   // a worker that sleeps with packets there waits for buffers
}

bool UserAsync::completions_fit(std::uint32_t n) const {
  const UserArea& a = pages_.area();
  return tail_ - phys_.load<std::uint32_t>(a.completion_head) + n <= a.completion_entries;
}

bool UserAsync::can_complete() const { return !closed_ && head_ && completions_fit(2) && (!no_buffer_ || pages_.kept() || pages_.offered()); }

void UserAsync::begin(Step& s, Skb& skb) {
  begun_ = true;
  s.charge(recv_);
  if (skb.head.length && !skb.snapshot) ownership_.acts_on(phys_.at(skb.head.addr), skb.head.addr);
  skip_ = skb.header_length;
  // Ethernet padding is no payload: what the frames carry is what is read.
  left_ = 0;
  const unsigned owner = pages_.area().owner;
  for (FrameRef f = skb.frames.first; f != kNoFrame; f = frames_[f].next) {
    left_ += frames_[f].payload_length;
    if (frames_.mixed() && !frames_[f].astray && !frames_.is_for(f, owner)) ownership_.foreign_frame(frames_[f].length);
  }
  left_ = std::min(left_, skb.length - std::min(skip_, skb.length));
  if (end_ - first_ == open_.size()) {
    std::vector<Packet> larger(2 * open_.size());
    for (std::uint64_t i = first_; i != end_; ++i) larger[i & (larger.size() - 1)] = packet_at(i);
    open_.swap(larger);
  }
  packet_at(end_++) = {};
}

// The bytes of a completion are visible with its tail, at the end of the step.
void UserAsync::post(Step& s, Gpa offset, std::uint32_t length) {
  const Hpa at = pages_.area().completion_at(tail_++);
  s.charge(cqe_);
  s.store(cqe_.op, at, UserArea::kCompletion);
  phys_.store(at, std::uint64_t{1});
  phys_.store(at + 8, static_cast<std::uint32_t>(length));
  phys_.store(at + 12, std::uint32_t{UserArea::kMore});
  phys_.store(at + 16, static_cast<std::uint64_t>(offset));
  phys_.store(at + 24, std::uint64_t{0});
  ++packet_at(end_ - 1).left;
  ++stats_.completions;
}

void UserAsync::post_copy(Step& s) {
  if (copy_token_ == kNoToken) return;
  const Gpa offset = pages_.give(s, copy_token_);
  post(s, offset, copy_fill_);
  copy_token_ = kNoToken;
  copy_fill_ = 0;
}

UserAsync::Next UserAsync::pieces(Step& s, Skb& skb) {
  std::uint32_t from = skip_;
  Next next = Next::done;
  const auto buffer = static_cast<std::uint32_t>(pages_.area().buffer);
  for_each_frag(skb, [&](Frag& f) {
    if (next != Next::done || left_ == 0) return;
    if (from >= f.length) {
      from -= f.length;
      return;
    }
    std::uint32_t at = from;
    from = 0;
    while (at < f.length && left_ && next == Next::done) {
      if (s.over()) {
        next = Next::over;
        return;
      }
      if (!completions_fit(2)) {
        ++stats_.queue_full;
        next = Next::stuck;
        return;
      }
      std::uint32_t n = std::min(f.length - at, left_);
      const Gpa given = f.token == kNoToken ? RxPath::kNotTheirs : skb.path->hand_over(s, f);
      if (given != RxPath::kNotTheirs) {
        post_copy(s);
        post(s, given + at, n);
      } else {
        if (copy_token_ == kNoToken) {
          copy_token_ = pages_.take(s);
          no_buffer_ = copy_token_ == kNoToken;
          if (no_buffer_) {
            ++stats_.no_buffer;
            next = Next::stuck;
            return;
          }
          pages_.own(s, copy_token_, Owner::posted, Owner::skb, "an application's buffer for a copy");
        }
        n = std::min(n, buffer - copy_fill_);
        s.copy(copy_, pages_.addr(copy_token_) + copy_fill_, f.addr + at, n);
        ownership_.wrote_for(pages_.area().owner, pages_.addr(copy_token_) + copy_fill_, n);
        stats_.copied += n;
        copy_fill_ += n;
        if (copy_fill_ == buffer) post_copy(s);
      }
      at += n, skip_ += n, left_ -= n;
    }
  });
  if (next == Next::done) post_copy(s);
  return next;
}

// All of the packet is posted: what it kept of buffers and its skb go back.
void UserAsync::end(Step& s, Skb* skb) {
  begun_ = false;
  head_ = skb->next;
  skb->next = nullptr;
  truesize_ -= truesize(*skb);
  filled(s.now());
  Packet& k = packet_at(end_ - 1);
  frames_.join(k.frames, skb->frames);
  k.whole = true;
  skb->path->release(s, skb);
  settle(s);
}

// Frames end with the process that they were for; bytes that it was told of and has not read, too.
bool UserAsync::drop_all(Step& s) {
  if (copy_token_ != kNoToken) {
    pages_.own(s, copy_token_, Owner::skb, Owner::posted, "the application has ended");
    pages_.keep(std::exchange(copy_token_, kNoToken));
    copy_fill_ = 0;
  }
  if (begun_) begun_ = false, --end_;                       // its completions are those of a packet that is not whole
  for (Skb* skb; (skb = head_) != nullptr;) {
    if (s.over()) return true;
    head_ = skb->next;
    skb->next = nullptr;
    truesize_ -= truesize(*skb);
    filled(s.now());
    held_frames_ -= skb->frames.count;
    frames_.dropped(skb->frames, Drop::stack, s.now());
    skb->path->release(s, skb);
  }
  for (; first_ != end_; ++first_) {
    held_frames_ -= packet_at(first_).frames.count;
    frames_.dropped(packet_at(first_).frames, Drop::stack, s.now());
  }
  return entering_;
}

void UserAsync::reopen() {
  closed_ = no_buffer_ = false;
  tail_ = shown_ = 0;
  pages_.reopen();
}

void UserAsync::settle(Step& s) {
  for (; first_ != end_ && packet_at(first_).whole && packet_at(first_).left == 0; ++first_, ++stats_.packets_read)
    for (FrameRef f; (f = frames_.pop(packet_at(first_).frames)) != kNoFrame; --held_frames_) frames_.delivered(f, s.now());
}

bool UserAsync::complete(Step& s, bool watched) {
  if (closed_) return false;
  if (pages_.fetches() && path_->look_for_buffers(s)) return true;
  Next next = Next::done;
  while (head_ && next == Next::done && !s.over()) {
    if (!begun_) begin(s, *head_);
    next = pieces(s, *head_);
    if (next == Next::done) end(s, head_);
    if (next == Next::over || shown_ == tail_) continue;
    shown_ = tail_;
    s.store(cqe_.op, pages_.area().completion_tail, sizeof shown_);
    s.publish(pages_.area().completion_tail, &shown_, sizeof shown_, watched);
  }
  return next != Next::stuck && (head_ || !s.fresh());   // what has come meanwhile is this call's, too
}

void UserAsync::read(Step& s, Hpa at, std::uint32_t n) {
  if (at == kNoAddress) --packet_at(first_).left;
  if (at == kNoAddress) return settle(s);
  ownership_.read_for(pages_.area().owner, at, n);
  Packet& k = packet_at(first_);
  // While the packet is not whole its frames are still the skb's at the head of the queue.
  check_.payload(k.whole ? k.frames : head_->frames, k.cursor, phys_.at(at), n);
  --k.left;
  settle(s);
}

}  // namespace gd
