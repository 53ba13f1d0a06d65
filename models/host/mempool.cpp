#include "models/host/mempool.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

Mempool::Mempool(const MempoolParams& params, PhysMem& phys, Ownership& ownership, Iommu& iommu)
    : params_(params), ownership_(ownership), stride_(align_up(kHeader + kMbuf + params.headroom + params.data_room, kLine)),
      ring_(params.objects) {
  constexpr Bytes kHuge = 2ull << 20;
  const Bytes bytes = align_up(params.objects * stride_, kHuge);
  base_ = phys.alloc_contiguous(bytes, kHuge);
  iova_ = iommu.map_static(base_, bytes);
  for (std::uint32_t i = 0; i < params.objects; ++i) {
    ids_.push_back(ownership.add(data(i), params.data_room, Owner::host, Ownership::Home::host));
    push(i);
  }
}

std::uint32_t Mempool::pop() {
  require(count_ > 0, "an object was taken from an empty mempool");
  const std::uint32_t object = ring_[first_];
  first_ = first_ + 1 == ring_.size() ? 0 : first_ + 1;
  --count_;
  return object;
}

void Mempool::push(std::uint32_t object) {
  if (count_ == ring_.size()) return;   // one was freed twice: the ownership check has said so
  std::uint32_t at = first_ + count_++;
  if (at >= ring_.size()) at -= static_cast<std::uint32_t>(ring_.size());
  ring_[at] = object;
}

MempoolCache::MempoolCache(Mempool& pool, std::uint32_t size, CostBook& costs)
    : pool_(pool), size_(size), get_(costs.get("mempool.get")), put_(costs.get("mempool.put")), bulk_(costs.get("mempool.bulk")) {
  stack_.reserve(size + size / 2 + 2);
}

bool MempoolCache::get(Step& s, std::uint32_t& object) {
  if (stack_.empty()) {
    const std::uint32_t n = std::min(std::max(size_, 1u), pool_.in_ring());
    if (n == 0) return false;
    s.charge(bulk_, n);
    for (std::uint32_t i = 0; i < n; ++i) stack_.push_back(pool_.pop());
  }
  s.charge(get_);
  object = stack_.back();
  stack_.pop_back();
  pool_.ownership().move(pool_.id(object), Owner::host, Owner::skb, s.now(), "mempool get");
  return true;
}

void MempoolCache::put(Step& s, std::uint32_t object) {
  s.charge(put_);
  pool_.ownership().move(pool_.id(object), Owner::skb, Owner::host, s.now(), "mempool put");
  stack_.push_back(object);
  if (stack_.size() <= size_ + size_ / 2) return;
  const auto n = static_cast<std::uint32_t>(stack_.size()) - size_;
  s.charge(bulk_, n);
  for (std::uint32_t i = 0; i < n; ++i) {
    pool_.push(stack_.back());
    stack_.pop_back();
  }
}

}  // namespace gd
