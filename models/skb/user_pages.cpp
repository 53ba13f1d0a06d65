#include "models/skb/user_pages.h"

#include <algorithm>

namespace gd {

UserPages::UserPages(PhysMem& phys, Ownership& ownership, Iommu& iommu, CostBook& costs, const UserArea& area, const UserPagesParams& params)
    : phys_(phys), ownership_(ownership), iommu_(iommu), area_(area), params_(params), refill_(costs.get("uring.refill")) {
  const auto tokens = static_cast<std::uint32_t>(params.validate ? area.buffers : area.space->reachable() / area.buffer);
  iova_.assign(tokens, 0);
  held_.assign(tokens, false);
  kept_.reserve(area.buffers);
  if (params.pinning == UserPinning::registers || params.pinning == UserPinning::per_read) {
    pin_ = costs.get("pin.page"), unpin_ = costs.get("unpin.page");
    later_.reserve(2 * area.buffers);
  }
  if (params.buffer_quota || (params.pinning == UserPinning::per_read && params.pin_quota != UINT64_MAX)) quota_ = costs.get("defence.quota");
  for (std::uint32_t i = 0; i < tokens; ++i) {
    const Hpa at = reach(i);
    addr_.push_back(at);
    ids_.push_back(i < area.buffers ? ownership.add(at, area.buffer, Owner::guest, Ownership::Home::guest) : kNoBuffer);
    if (params.pinning == UserPinning::none) continue;
    if (i >= area.buffers) {                          // bus addresses that are no mapping of the host's
      iova_[i] = iommu.params().mode == IommuMode::lazy || iommu.params().mode == IommuMode::strict ? 0 : at;
      continue;
    }
    if (params.pinning != UserPinning::registered) continue;
    if (at % kPage == 0) {
      ownership.pin(at, 0);
      ownership.map(at, 0);
    }
    iova_[i] = at % kPage == 0 ? iommu.map_static(at, kPage) : iova_[i - 1] + area.buffer;
  }
}

// Pins the page of a buffer and maps the buffer, where the application's memory is now.
void UserPages::pin(Step& s, std::uint32_t token) {
  addr_[token] = reach(token);
  s.charge(pin_);
  ownership_.pin(addr_[token], s.now());
  ownership_.map(addr_[token], s.now());
  iova_[token] = iommu_.map(s, addr_[token], area_.buffer);
}

void UserPages::unmap(Step& s, std::uint32_t token) {
  iommu_.unmap(s, iova_[token], area_.buffer);
  later_.push({s.now(), addr_[token]});
}

// Unpins what the card can reach no longer.
void UserPages::drain(Step& s) {
  for (; !later_.empty() && iommu_.safe_to_unpin(later_.front().unmapped_at) <= s.now(); later_.pop()) {
    s.charge(unpin_);
    pinned_ -= area_.buffer;
    stalled_ = false;
    ownership_.unmap(later_.front().page, s.now());
    ownership_.unpin(later_.front().page, s.now());
  }
}

// Whether the kernel takes the buffer now; not at the limit of what may be pinned.
bool UserPages::accept(Step& s, std::uint32_t token) {
  if (params_.pinning == UserPinning::per_read && !beyond(token) && !held_[token]) {
    if (pinned_ + area_.buffer > params_.memlock) return ++stalls_.memlock, stalled_ = true, false;
    if (pinned_ + area_.buffer > params_.pin_quota) return ++stalls_.pin_quota, stalled_ = true, false;
    pinned_ += area_.buffer;
    pin(s, token);
  }
  if (quota_.fixed_mc) s.charge(quota_);
  holds_ += !held_[token];
  held_[token] = true;
  if (!beyond(token)) own(s, token, Owner::guest, Owner::posted, "taken from the refill ring");
  kept_.push_back(token);
  return true;
}

// A batch of the refill ring. What an entry says is read once and believed only where it names a whole buffer that is not here.
void UserPages::look(Step& s) {
  if (shut_) return;
  s.load(refill_.op, area_.refill_tail, 4);
  // An index that is ahead by more than the ring counts as a full ring, as in io_zcrx_rqring_entries().
  const std::uint32_t there = std::min(phys_.load<std::uint32_t>(area_.refill_tail) - head_, area_.refill_entries);
  const std::uint32_t before = head_;
  for (std::uint32_t n = 0; n < std::min(kBatch, there); ++n, ++head_) {
    if (at_quota()) {
      ++stalls_.buffer_quota;
      break;
    }
    if (n > 0 && fetches() && s.over()) break;        // pinning takes its time
    const Hpa at = area_.refill_at(head_);
    s.load(refill_.op, at, UserArea::kRefill);
    s.charge(refill_);
    const auto offset = phys_.load<std::uint64_t>(at);
    const std::uint64_t token = offset / area_.buffer;
    const bool wrong = offset % area_.buffer != 0 || token >= area_.buffers || held_[token];
    if (token >= held_.size() || (wrong && params_.validate)) {
      ++bad_;
      continue;
    }
    if (!accept(s, static_cast<std::uint32_t>(token))) break;
  }
  if (area_.refill_head && head_ != before) {
    s.store(refill_.op, area_.refill_head, 4);
    s.publish(area_.refill_head, &head_, 4, false);
  }
}

std::uint32_t UserPages::take(Step& s) {
  if (shut_) return kNoToken;
  if (kept_.empty() && !fetches()) look(s);
  if (kept_.empty()) return kNoToken;
  const std::uint32_t token = kept_.back();
  kept_.pop_back();
  return token;
}

bool UserPages::fetch(Step& s) {
  if (!fetches()) return false;
  drain(s);
  while (can_fetch() && !s.over()) {
    const std::uint32_t before = head_;
    look(s);
    if (head_ == before) break;
  }
  return can_fetch() && s.over();
}

void UserPages::received(Step& s, std::uint32_t token, bool written, const char* where) {
  if (beyond(token)) return;
  // A DMA that was blocked half way may have touched a buffer of which the write-back says nothing.
  const bool touched = written || ownership_.owner(ids_[token]) == Owner::in_flight;
  ownership_.move(ids_[token], touched ? Owner::in_flight : Owner::posted, Owner::skb, s.now(), where);
}

Gpa UserPages::give(Step& s, std::uint32_t token) {
  own(s, token, Owner::skb, Owner::guest, "handed over with a completion");
  if (params_.pinning == UserPinning::per_read && !beyond(token) && held_[token]) {
    unmap(s, token);
    drain(s);
  }
  holds_ -= held_[token];
  held_[token] = false;
  return area_.at(token);
}

bool UserPages::open(Step& s) {
  if (params_.pinning != UserPinning::registers) return false;
  for (; opened_ < area_.buffers; ++opened_) {
    if (s.over()) return true;
    pin(s, opened_);
  }
  return false;
}

bool UserPages::shut(Step& s) {
  wait_ = s.now();
  for (; !kept_.empty(); kept_.pop_back()) {
    if (s.over()) return false;
    const std::uint32_t token = kept_.back();
    own(s, token, Owner::posted, Owner::guest, "the application has ended");
    if (params_.pinning == UserPinning::per_read && !beyond(token) && held_[token]) unmap(s, token);
    holds_ -= held_[token];
    held_[token] = false;
  }
  if (holds_) return false;                           // in packets, or in the ring
  for (; undone_ < opened_; ++undone_) {
    if (s.over()) return false;
    unmap(s, undone_);
    pinned_ += area_.buffer;
  }
  drain(s);
  if (later_.empty()) {
    opened_ = undone_ = 0;
    return true;
  }
  wait_ = std::max(s.now(), iommu_.safe_to_unpin(later_.front().unmapped_at));
  return false;
}

}  // namespace gd
