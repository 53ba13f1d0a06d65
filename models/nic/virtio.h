// Receive and transmit queues whose ring is the guest's own virtqueue (passthrough, vDPA).
#pragma once
#include "models/nic/rx.h"
#include "models/nic/tx.h"
#include "models/nic/virtqueue.h"

namespace gd::nic {

// Header and frame into one chain, or with mergeable buffers into as many as their bytes need (virtio 1.2 section
// 5.1.6.4). All buffers of a used chain are the guest's when the entry is visible, those that no byte reached included.
// NEEDS_CSUM and GSO are never set; DATA_VALID where the card found the L4 sum good and GUEST_CSUM is negotiated.
class VirtioRx final : public RxQueue, private VirtOwner {
 public:
  VirtioRx(Engine& engine, RxPath& path, std::uint32_t index, const VirtioQueueConfig& config);
  Ready ready(const RxInfo& info, Time now) override;
  void take(const RxInfo& info, Time now) override;
  std::uint32_t available() const override { return q_.known(); }
  bool exhausted(std::uint32_t) const override { return q_.starved(); }
  bool drops_when_empty() const override { return q_.config().drop_when_empty; }
  Drop starved() const override { return Drop::guest_no_buffer; }
  Drop refusal() const override { return q_.broken() ? Drop::guest_no_buffer : Drop::oversize; }
  VirtQueue& ring() { return q_; }

 private:
  struct Packet {                      // by place of its last used entry
    FrameRef frame = kNoFrame;
    std::uint32_t length = 0, writes = 0;
    std::uint16_t head = 0;            // of the first buffer
    std::uint32_t buffers = 0;         // of its chains, in given_
    bool failed = false;
    Hpa hpa = kNoAddress;
    Iova iova = 0;
    Time done = 0;                     // of the last write of its bytes
  };
  void chains_fetched(Time now) override;
  void used_visible(std::uint64_t cookie, bool lost, Time now) override;
  const std::uint8_t* stage(const RxInfo& info, std::uint32_t chains);
  void write(Packet& p, Iova a, const std::uint8_t* from, Bytes n, Time at);
  void give(Packet& p, BufferId b);
  void give_unwritten(Packet& p, Iova a, Time at);

  Engine& e_;
  RxPath& path_;
  std::uint32_t index_;
  VirtQueue q_;
  std::vector<Packet> packets_;
  std::vector<BufferId> given_;        // ring, a power of two long: buffers in flight, in the order of their used entries
  std::uint32_t given_head_ = 0, given_tail_ = 0;
  std::uint32_t plan_chains_ = 0;
};

// Header and frame are read from the guest's chain into a transmit slot; NEEDS_CSUM is completed by the card; GSO is not
// supported (such a frame is discarded and counted). The used entry follows when the frame has left.
class VirtioTx final : public TxQueue, private VirtOwner {
 public:
  VirtioTx(Engine& engine, TxPath& path, std::uint32_t index, const VirtioQueueConfig& config);
  void sent(std::uint64_t tag, bool discarded, Time now) override;
  void resume(Time now) override;
  VirtQueue& ring() { return q_; }

 private:
  void chains_fetched(Time now) override { resume(now); }
  void used_visible(std::uint64_t, bool, Time now) override { resume(now); }
  Engine& e_;
  TxPath& path_;
  std::uint32_t index_;
  VirtQueue q_;
  std::uint32_t in_flight_ = 0;        // chains taken whose used entry is not given yet
};

}  // namespace gd::nic
