// The NIC driver's transmit side, as far as a guest's ACKs need it: frames are copied into driver buffers, posted to a
// ring, announced by doorbell; completed descriptors are cleaned by the poll of the receive queue beside it (models/host/napi.h). The
// buffers are mapped for the device once and for all, or each frame for its time on the ring, as Linux drivers map the skbs that
// they send.
//
// Source: ixgbe_xmit_frame, ixgbe_clean_tx_irq, mlx5e_napi_poll. Not modelled: the interrupt of a completion (what is sent answers
// what is received, whose interrupt follows), offloads, scatter-gather, queue disciplines.
#pragma once
#include <vector>

#include "models/host/bus.h"
#include "models/iommu/iommu.h"
#include "models/ports/nic_port.h"

namespace gd {

class TxDriver {
 public:
  // `map_each`: a frame is mapped by xmit() and unmapped when its descriptor is cleaned. Costs: tx.xmit (per frame), tx.clean (per
  // completed descriptor).
  TxDriver(std::uint32_t queue, std::uint32_t ring_size, NicControl& nic, PhysMem& phys, Iommu& iommu,
           MmioBus& bus, CostBook& costs, bool map_each = false);
  // Address of a free buffer of kSlot bytes for the next frame; 0 when the ring is full, also after cleaning.
  Hpa reserve(Step& s);
  // Sends what was written to the reserved buffer; the doorbell follows by flush().
  void xmit(Step& s, std::uint32_t length);
  void flush(Step& s);
  // Takes back what the card has sent, one frame at least; true when the step is over and there may be more.
  bool clean(Step& s);
  std::uint64_t sent() const { return sent_; }

  static constexpr Bytes kSlot = 2048;

 private:
  std::uint32_t queue_, size_;
  PhysMem& phys_;
  Iommu& iommu_;
  MmioBus& bus_;
  Cost xmit_, clean_;
  Hpa ring_ = 0, slots_ = 0;
  Iova ring_iova_ = 0, slots_iova_ = 0;
  std::uint32_t head_ = 0, tail_ = 0, used_ = 0;
  bool pending_ = false;
  std::uint64_t sent_ = 0;
  struct Mapping {
    Iova iova = 0;
    std::uint32_t length = 0;
  };
  std::vector<Mapping> mapped_;          // by descriptor; empty where buffers keep their mapping
};

}  // namespace gd
