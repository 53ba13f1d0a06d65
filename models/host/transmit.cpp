#include "models/host/transmit.h"

namespace gd {

TxDriver::TxDriver(std::uint32_t queue, std::uint32_t ring_size, NicControl& nic, PhysMem& phys, Iommu& iommu,
                   MmioBus& bus, CostBook& costs, bool map_each)
    : queue_(queue), size_(ring_size), phys_(phys), iommu_(iommu), bus_(bus), xmit_(costs.get("tx.xmit")), clean_(costs.get("tx.clean")) {
  ring_ = phys.alloc_contiguous(size_ * TxDescriptor::kSize, kPage);
  slots_ = phys.alloc_contiguous(size_ * kSlot, kPage);
  ring_iova_ = iommu.map_static(ring_, size_ * TxDescriptor::kSize);
  if (map_each) mapped_.resize(size_);
  else slots_iova_ = iommu.map_static(slots_, size_ * kSlot);
  TxQueueConfig c;
  c.ring = ring_iova_;
  c.size = size_;
  c.vector = UINT32_MAX;
  nic.configure_tx(queue_, c);
}

bool TxDriver::clean(Step& s) {
  for (bool first = true; used_; first = false) {
    if (!first && s.over()) return true;
    const Hpa at = ring_ + head_ * TxDescriptor::kSize + 8;
    s.load(clean_.op, at, 8);
    if (!(phys_.load<std::uint64_t>(at) & TxDescriptor::kDone)) return false;
    s.charge(clean_);
    if (!mapped_.empty()) iommu_.unmap(s, mapped_[head_].iova, mapped_[head_].length);
    head_ = head_ + 1 == size_ ? 0 : head_ + 1;
    --used_;
  }
  return false;
}

Hpa TxDriver::reserve(Step& s) {
  if (used_ + 1 == size_) clean(s);
  if (used_ + 1 < size_) return slots_ + tail_ * kSlot;
  s.charge(clean_);   // a look in vain takes time too, so that who looks again and again lets the card go on
  return 0;
}

void TxDriver::xmit(Step& s, std::uint32_t length) {
  const Hpa at = ring_ + tail_ * TxDescriptor::kSize;
  s.charge(xmit_);
  Iova address = slots_iova_ + tail_ * kSlot;
  if (!mapped_.empty()) {
    address = iommu_.map(s, slots_ + tail_ * kSlot, length);
    mapped_[tail_] = {address, length};
  }
  phys_.store<std::uint64_t>(at, address);
  phys_.store<std::uint64_t>(at + 8, length | TxDescriptor::kEop | TxDescriptor::kReport);
  s.store(xmit_.op, at, TxDescriptor::kSize);
  tail_ = tail_ + 1 == size_ ? 0 : tail_ + 1;
  ++used_;
  ++sent_;
  pending_ = true;
}

void TxDriver::flush(Step& s) {
  if (!pending_) return;
  pending_ = false;
  bus_.write(s, reg::tx_tail(queue_), tail_);
}

}  // namespace gd
