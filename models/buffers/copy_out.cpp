#include "models/buffers/copy_out.h"

#include <algorithm>

namespace gd {

CopyOut::CopyOut(PathContext& c, GuestSide& side, PostedBuffers& posted, PathStats& stats)
    : c_(c), side_(side), posted_(posted), stats_(stats), copy_(c.costs.get("vhost.copy")), places_(2 * c.guest->rx().size + 2) {}

void CopyOut::add(const CopyPlace& p) {
  places_[count_++] = p;
  room_ += p.space;
}

void CopyOut::header(Step& s, Hpa at, std::uint16_t head, const VirtioNetHdr& h) {
  c_.frames.stamp(skb_->frames, Stage::deliver, s.now());
  side_.write_header(s, at, h);
  side_.carry(head, skb_->frames);
  buffers_ = place_ = done_ = at_ = 0;
  member_ = skb_;
  run_ = -1;
}

bool CopyOut::run(Step& s) {
  while (place_ < count_) {
    if (s.over()) return false;
    const CopyPlace& p = places_[place_];
    const Frag* f = member_ ? (run_ < 0 ? &member_->head : run_ < member_->nr_frags ? &member_->frags[run_] : nullptr) : nullptr;
    if (member_ && !f) {                    // the next member of the frag_list
      member_ = member_ == skb_ ? skb_->list : member_->next;
      run_ = -1;
      at_ = 0;
      continue;
    }
    if (f && at_ < f->length && done_ < p.space) {
      Bytes contiguous = 0;
      const Hpa to = side_.space().reach(p.gpa + done_, &contiguous);
      if (to == kNoAddress) {               // a length that was believed: the copy ends with -EFAULT
        ++stats_.copy_faults;
        at_ = f->length;
        continue;
      }
      const auto n = static_cast<std::uint32_t>(
          std::min<Bytes>(std::min<Bytes>(f->length - at_, p.space - done_), std::min<Bytes>(contiguous, kChunk)));
      c_.ownership.read_for(side_.guest(), f->addr + at_, n);
      c_.ownership.cpu_write(to, n);
      c_.ownership.wrote_for(side_.guest(), to, n);
      s.copy(copy_, to, f->addr + at_, n);
      at_ += n;
      done_ += n;
      continue;
    }
    if (f && done_ < p.space) {             // this run of the source is at its end
      ++run_;
      at_ = 0;
      continue;
    }
    if (p.last) {
      posted_.give(s, p.token, p.before + done_, Owner::skb);
      ++buffers_;
    }
    ++place_;
    done_ = 0;
  }
  ++stats_.delivered_packets;
  stats_.used_entries += buffers_;
  skb_ = nullptr;
  return true;
}

}  // namespace gd
