#include "models/skb/user_pages.h"

namespace gd {

UserPages::UserPages(PhysMem& phys, Ownership& ownership, Iommu& iommu, CostBook& costs, const UserArea& area, bool device)
    : phys_(phys), ownership_(ownership), area_(area), refill_(costs.get("uring.refill")), iova_(area.buffers, 0), held_(area.buffers, false) {
  kept_.reserve(area.buffers);
  for (std::uint32_t i = 0; i < area.buffers; ++i) {
    const Hpa at = area.host(area.at(i));
    addr_.push_back(at);
    ids_.push_back(ownership.add(at, area.buffer, Owner::guest, Ownership::Home::guest));
    if (!device) continue;
    if (at % kPage == 0) {
      ownership.pin(at, 0);
      ownership.map(at, 0);
    }
    iova_[i] = at % kPage == 0 ? iommu.map_static(at, kPage) : iova_[i - 1] + area.buffer;
  }
}

// A batch of the refill ring. What an entry says is read once and believed only where it names a whole buffer that is not here.
void UserPages::look(Step& s) {
  s.load(refill_.op, area_.refill_tail, 4);
  const auto tail = phys_.load<std::uint32_t>(area_.refill_tail);
  if (tail - head_ > area_.refill_entries) {          // no honest application writes such an index
    ++bad_;
    return;
  }
  for (std::uint32_t n = 0; n < kBatch && head_ != tail; ++n, ++head_) {
    const Hpa at = area_.refill_at(head_);
    s.load(refill_.op, at, UserArea::kRefill);
    s.charge(refill_);
    const auto offset = phys_.load<std::uint64_t>(at);
    const std::uint64_t token = offset / area_.buffer;
    if (offset % area_.buffer != 0 || token >= area_.buffers || held_[token]) {
      ++bad_;
      continue;
    }
    held_[token] = true;
    ownership_.move(ids_[token], Owner::guest, Owner::posted, s.now(), "taken from the refill ring");
    kept_.push_back(static_cast<std::uint32_t>(token));
  }
}

std::uint32_t UserPages::take(Step& s) {
  if (kept_.empty()) look(s);
  if (kept_.empty()) return kNoToken;
  const std::uint32_t token = kept_.back();
  kept_.pop_back();
  return token;
}

void UserPages::received(Step& s, std::uint32_t token, bool written, const char* where) {
  // A DMA that was blocked half way may have touched a buffer of which the write-back says nothing.
  const bool touched = written || ownership_.owner(ids_[token]) == Owner::in_flight;
  ownership_.move(ids_[token], touched ? Owner::in_flight : Owner::posted, Owner::skb, s.now(), where);
}

Gpa UserPages::give(Step& s, std::uint32_t token) {
  ownership_.move(ids_[token], Owner::skb, Owner::guest, s.now(), "handed over with a completion");
  held_[token] = false;
  return area_.at(token);
}

}  // namespace gd
