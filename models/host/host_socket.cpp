#include "models/host/host_socket.h"

#include <algorithm>
#include <cstring>

#include "models/packet/parse.h"

namespace gd {

HostSocket::HostSocket(const HostSocketParams& params, PhysMem& phys, FrameTable& frames, ExpectedBytes& expected, CostBook& costs)
    : Task("host-app", Priority::thread), params_(params), phys_(phys), frames_(frames), check_(frames, expected),
      stack_(phys, costs), queue_(costs.get("stack.queue")), read_(costs.get("app.read")), copy_(costs.get("app.copy")),
      move_(costs.get("stack.socket_move")), user_(phys.alloc_contiguous(align_up(params.read_size, kPage), kPage)), acks_(phys, costs), connections_(1024) {
  if (params.windows) acks_.windows(params.socket_buffer);
}

void HostSocket::move_to(Step& s) {
  const std::uint32_t core = s.core().index();
  if (used_by_ != core && used_by_ != UINT32_MAX) s.charge(move_);
  used_by_ = core;
}

void HostSocket::packet(Step& s, Skb* skb) {
  const auto [headers, p, summed] = stack_.receive(s, *skb);
  if (summed) stats_.checksummed += skb->length;
  if (skb->checksum == Checksum::bad) {
    ++stats_.bad_checksums;
    frames_.dropped(skb->frames, Drop::bad_checksum, s.now());
    skb->path->release(s, skb);
    return;
  }
  ++stats_.packets;
  stats_.frames += skb->frames.count;
  frames_.stamp(skb->frames, Stage::stack, s.now());
  if (skb->frames.count == 1 && skb->nr_frags == 0) check_.whole(skb->frames.first, phys_.at(skb->head.addr), skb->length);
  if (p.l4 == L4::tcp && p.payload_length == 0) {      // the protocol's own: no reader sees it
    for (FrameRef f; (f = frames_.pop(skb->frames)) != kNoFrame;) frames_.delivered(f, s.now());
    skb->path->release(s, skb);
    return;
  }
  if (!room(*skb)) {
    stats_.socket_drops += skb->frames.count;
    frames_.dropped(skb->frames, Drop::socket_full, s.now());
    skb->path->release(s, skb);
    return;
  }
  move_to(s);
  s.charge(queue_);
  truesize_ += truesize(*skb);
  remember(acks_.received(s, *skb, headers, p, truesize_));
  skb->header_length = static_cast<std::uint16_t>(p.payload_offset);
  skb->next = nullptr;
  held_frames_ += skb->frames.count;
  if (observer_) observer_->level(level_, static_cast<std::int64_t>(truesize_), s.now());
  s.at_end(&HostSocket::show, this, reinterpret_cast<std::uintptr_t>(skb));
  s.wake(*this);
}

// The reader sees the packet when the step that queued it is done.
void HostSocket::show(void* self, std::uint64_t packet, Core&, Time) {
  auto& h = *static_cast<HostSocket*>(self);
  Skb* skb = reinterpret_cast<Skb*>(packet);
  (h.head_ ? h.tail_->next : h.head_) = skb;
  h.tail_ = skb;
}

void HostSocket::remember(std::uint32_t connection) {
  if (end_ - first_ == connections_.size()) {
    std::vector<std::uint32_t> larger(2 * connections_.size());
    for (std::size_t i = first_; i != end_; ++i) larger[i & (larger.size() - 1)] = connections_[i & (connections_.size() - 1)];
    connections_.swap(larger);
  }
  connections_[end_++ & (connections_.size() - 1)] = connection;
}

void HostSocket::end(Step& s, Skb* skb) {
  const std::uint32_t connection = connection_in_hand();
  ++first_;
  truesize_ -= truesize(*skb);
  held_frames_ -= skb->frames.count;
  for (FrameRef f; (f = frames_.pop(skb->frames)) != kNoFrame;) frames_.delivered(f, s.now());
  skb->path->release(s, skb);
  acks_.read(s, connection, truesize_);
  if (observer_) observer_->level(level_, static_cast<std::int64_t>(truesize_), s.now());
}

// The next packet of the queue: within the read under way, or with a new one.
void HostSocket::begin(Step& s, Skb* skb) {
  skip_ = skb->header_length;
  // Ethernet padding is no payload: what the frames carry is what is read.
  left_ = 0;
  for (FrameRef f = skb->frames.first; f != kNoFrame; f = frames_[f].next) left_ += frames_[f].payload_length;
  left_ = std::min(left_, skb->length - skip_);
  cursor_ = {};
  move_to(s);
  const std::uint32_t connection = connection_in_hand();
  if (!in_read_ || connection == 0 || connection != last_connection_ || user_at_ == params_.read_size) {
    user_at_ = 0;
    ++stats_.reads;
    s.charge(read_);
    in_read_ = true;
  }
  last_connection_ = connection;
}

bool HostSocket::step(Step& s) {
  while (head_) {
    Skb* skb = head_;
    if (!reading_) {
      reading_ = true;
      begin(s, skb);
    }
    std::uint32_t from = skip_;
    bool cut = false;
    for_each_frag(*skb, [&](Frag& f) {
      if (cut || left_ == 0) return;
      if (from >= f.length) {
        from -= f.length;
        return;
      }
      std::uint32_t at = from;
      from = 0;
      while (at < f.length && left_) {
        if (s.over()) {
          cut = true;
          return;
        }
        if (user_at_ == params_.read_size) {
          user_at_ = 0;
          ++stats_.reads;
          s.charge(read_);
        }
        const auto n = static_cast<std::uint32_t>(
            std::min<Bytes>({f.length - at, left_, params_.copy_chunk, params_.read_size - user_at_}));
        s.copy(copy_, user_ + user_at_, f.addr + at, n);
        check_.payload(skb->frames, cursor_, phys_.at(user_ + user_at_), n);
        stats_.user_copied += n;
        user_at_ += n;
        at += n, skip_ += n, left_ -= n;
      }
    });
    if (cut) return true;
    reading_ = false;
    head_ = skb->next;
    skb->next = nullptr;
    end(s, skb);
    if (s.over() && head_) return true;
  }
  if (!s.fresh()) return true;             // what came meanwhile is still part of this read
  in_read_ = false;
  return false;
}

}  // namespace gd
