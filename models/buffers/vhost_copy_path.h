// The data path of vhost-copy towards a guest: ring buffers gathered by byte count, the packet copied into them piece by piece, used
// entries. How a piece is moved, and when a packet has arrived, is left to who derives from it.
//
// Modelled: mergeable buffers gathered by byte count, small and big chains, used entries in batches. Merged frames that the guest
// did not negotiate never come here: the tap has cut them (models/host/gso.h). Source: drivers/vhost/net.c handle_rx,
// drivers/net/tun.c tun_put_user.
#pragma once
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "models/buffers/guest_side.h"
#include "models/buffers/host_page_path.h"
#include "models/buffers/vhost_gather.h"

namespace gd {

class VhostCopyPath : public HostPagePath {
 public:
  explicit VhostCopyPath(PathContext c)
      : HostPagePath(std::move(c)), side_(c_), packet_(c_.costs.get("vhost.packet")), copy_(c_.costs.get("vhost.copy")) {
    segments_.resize(kMaxSegments);
    heads_.resize(kMaxHeads);
    if (!c_.env.defences.read_once) again_.resize(kMaxSegments);
    quota_ = gather_quota(c_.env.vhost, c_.env.mergeable);
  }

  Progress deliver(Step& s, Skb* skb) override {
    if (!begun_) {
      if (!gather(s, *skb)) return Progress::no_buffers;
      if (dropped_) {
        dropped_ = false;
        c_.frames.dropped(skb->frames, Drop::oversize, s.now());
        skb->path->release(s, skb);
        return Progress::done;
      }
      begun_ = true;
      use_ = segments_.data();
      if (!again_.empty()) {                 // the copy's own look at the descriptors comes later
        use_ = nullptr;
        return Progress::more;
      }
    }
    if (!use_) look_again(s);
    if (!copy(s, *skb)) return Progress::more;
    begun_ = false;
    conclude(s, skb);
    return Progress::done;
  }
  Progress deliver_copy(Step& s, Skb* skb) override { return deliver(s, skb); }
  void reset(Time) override {
    side_.reset();
    for (unsigned i = 0; begun_ && i < head_count_; ++i) side_.stale(heads_[i].id);
  }

  void publish(Step& s) override { side_.publish(s); }
  void settle(Step& s) override { side_.settle(s); }
  bool unsettled() const override { return side_.unsettled(); }
  void attend(Step& s) override { side_.attend(s); }
  void probe(Step& s) override {
    DeviceRing::Taken t;
    if (side_.take(s, segments_.data(), kMaxSegments, t)) side_.ring().untake(1);
  }
  bool ask_for_kick(Step& s, bool starved) override { return starved && side_.ask_for_kick(s); }
  bool recheck(Step& s) override { return side_.recheck(s); }
  std::uint32_t unpublished() const override {
    return const_cast<GuestSide&>(side_).ring().unpublished();
  }
  const PathStats& stats() const override {
    auto& st = const_cast<PathStats&>(stats_);
    st.guest_errors = side_.guest_errors();
    st.logged_pages = side_.logged_pages();
    return st;
  }

 protected:
  static constexpr unsigned kMaxSegments = 2048;
  struct Head {
    std::uint16_t id;
    std::uint32_t capacity, used;
  };
  // Takes ring buffers for the whole packet by byte count; false (and nothing kept) when the guest has too few.
  bool gather(Step& s, const Skb& skb) {
    const std::uint64_t need = skb.length + side_.header_length();
    std::uint64_t room = 0;
    head_count_ = segment_count_ = 0;
    std::uint64_t skipped = 0;
    Gather next = Gather::more;
    while ((next = gather_next(need, room, head_count_, quota_)) == Gather::more) {
      DeviceRing::Taken t;
      if (!side_.take(s, &segments_[segment_count_], kMaxSegments - segment_count_, t)) {
        put_back(s, side_.skipped() == skipped);
        return false;
      }
      const bool broken_off = head_count_ > 0 && side_.skipped() != skipped;   // an unusable chain in between
      skipped = side_.skipped();
      heads_[head_count_++] = {t.head, t.writable, 0};
      segment_count_ += t.segments;
      room += t.writable;
      if (broken_off) {
        put_back(s, false);
        room = 0;
      }
    }
    if (next == Gather::overrun) {           // larger than the guest's buffers can ever take: discarded
      put_back(s, true);
      dropped_ = true;
      return true;
    }
    s.charge(packet_);
    std::uint64_t before = 0;
    for (unsigned i = 0; i < head_count_; before += heads_[i++].capacity) heads_[i].used = used_length(need, before, heads_[i].capacity);
    header_ = side_.header_for(skb, head_count_);
    header_done_ = 0;
    at_segment_ = 0;
    in_segment_ = 0;
    source_member_ = nullptr;
    source_frag_ = 0;
    in_frag_ = 0;
    return true;
  }

  // Without read_once the copy uses what the descriptors say by now. The used lengths are those of the first look.
  void look_again(Step& s) {
    for (unsigned i = 0; i < segment_count_; ++i) again_[i] = side_.again(s, segments_[i]);
    use_ = again_.data();
  }

  // What was gathered goes back: to the avail ring, or, where an unusable chain was met in between, unused to the guest.
  void put_back(Step& s, bool untake) {
    if (untake) {
      side_.ring().untake(head_count_);
    } else {
      unsigned seg = 0;
      for (unsigned i = 0; i < head_count_; ++i) {
        const unsigned first = seg;
        for (std::uint32_t bytes = 0; bytes < heads_[i].capacity;) bytes += segments_[seg++].len;
        side_.refuse(s, heads_[i].id, &segments_[first], seg - first);
      }
    }
    head_count_ = segment_count_ = 0;
  }

  // Where the next bytes go: at most `n` contiguous in host memory.
  // 0: the descriptors have come to an end before the packet (shortened after they were counted).
  Bytes target(Hpa* at, Bytes n) {
    while (at_segment_ < segment_count_ && in_segment_ == use_[at_segment_].len) ++at_segment_, in_segment_ = 0;
    if (at_segment_ == segment_count_) return 0;
    const Segment& g = use_[at_segment_];
    Bytes contiguous = 0;
    *at = side_.space().reach(g.gpa + in_segment_, &contiguous);
    return std::min(n, std::min<Bytes>(g.len - in_segment_, contiguous));
  }

  // The next unread run of bytes of the packet; null when all was read.
  const Frag* source(const Skb& skb) {
    if (!source_member_) source_member_ = &skb;
    for (;;) {
      const unsigned runs = 1u + source_member_->nr_frags;
      if (source_frag_ < runs) {
        const Frag& f = source_frag_ == 0 ? source_member_->head : source_member_->frags[source_frag_ - 1];
        if (in_frag_ < f.length) return &f;
        ++source_frag_;
        in_frag_ = 0;
        continue;
      }
      source_member_ = source_member_ == &skb ? skb.list : source_member_->next;
      if (!source_member_) return nullptr;
      source_frag_ = 0;
    }
  }

  // True when all bytes are in the guest; false when the step is over.
  bool copy(Step& s, const Skb& skb) {
    while (header_done_ < side_.header_length()) {
      Hpa at = 0;
      const Bytes n = target(&at, side_.header_length() - header_done_);
      if (n == 0) return ++stats_.copy_faults, true;
      if (header_done_ == 0) s.charge(packet_header_);
      c_.ownership.cpu_write(at, n);
      s.store(copy_.op, at, n);
      std::memcpy(c_.phys.at(at), reinterpret_cast<const std::uint8_t*>(&header_) + header_done_, n);
      header_done_ += static_cast<unsigned>(n);
      in_segment_ += static_cast<std::uint32_t>(n);
    }
    const Frag* f;
    while ((f = source(skb))) {
      if (s.over()) return false;
      Hpa at = 0;
      const Bytes n = target(&at, std::min<Bytes>(f->length - in_frag_, kChunk));
      if (n == 0) return ++stats_.copy_faults, true;
      c_.ownership.cpu_write(at, n);
      c_.ownership.read_for(side_.guest(), f->addr + in_frag_, n);
      c_.ownership.wrote_for(side_.guest(), at, n);
      move(s, at, f->addr + in_frag_, static_cast<std::uint32_t>(n));
      in_frag_ += static_cast<std::uint32_t>(n);
      in_segment_ += static_cast<std::uint32_t>(n);
    }
    return true;
  }
  // A piece of the packet goes to the guest: by this core.
  virtual void move(Step& s, Hpa to, Hpa from, std::uint32_t n) { s.copy(copy_, to, from, n); }
  // All pieces of the packet that was gathered are on their way: here they have arrived.
  virtual void conclude(Step& s, Skb* skb) {
    finish(s, *skb, heads_.data(), head_count_, segments_.data());
    skb->path->release(s, skb);
  }
  // Its used entries.
  void finish(Step& s, Skb& skb, const Head* heads, unsigned count, const Segment* segments) {
    c_.frames.stamp(skb.frames, Stage::deliver, s.now());
    side_.carry(heads[0].id, skb.frames);
    unsigned seg = 0;
    for (unsigned i = 0; i < count; ++i) {
      std::uint32_t written = heads[i].used;
      BufferId before = kNoBuffer;           // segments of one buffer are neighbours in a chain
      for (std::uint32_t bytes = 0; bytes < heads[i].capacity; ++seg) {
        bytes += segments[seg].len;
        const std::uint32_t here = std::min(written, segments[seg].len);
        side_.wrote(s, segments[seg].gpa, here);
        written -= here;
        side_.for_each_piece(segments[seg], [&](BufferId b) {
          if (b != before) c_.ownership.move(b, Owner::posted, Owner::guest, s.now(), "vhost used");
          before = b;
        });
      }
      side_.used(s, heads[i].id, heads[i].used);
    }
    ++stats_.delivered_packets;
    stats_.used_entries += count;
  }

  static constexpr Bytes kChunk = 4096;    // one piece of a copy between looks at the clock
  GuestSide side_;
  Cost packet_, copy_;
  Cost packet_header_ = c_.costs.get("vhost.header");
  unsigned quota_;
  std::vector<Segment> segments_, again_;  // as gathered; without read_once, as looked at again
  const Segment* use_ = nullptr;           // those that the copy goes by
  std::vector<Head> heads_;
  unsigned head_count_ = 0, segment_count_ = 0;
  VirtioNetHdr header_;
  unsigned header_done_ = 0, at_segment_ = 0;
  std::uint32_t in_segment_ = 0;
  const Skb* source_member_ = nullptr;
  unsigned source_frag_ = 0;
  std::uint32_t in_frag_ = 0;
  bool begun_ = false, dropped_ = false;
};

}  // namespace gd
