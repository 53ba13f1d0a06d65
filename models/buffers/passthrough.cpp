// passthrough (vDPA, SR-IOV with virtio rings in hardware): the NIC serves the guest's own rings by DMA. There is no host
// data path here; the device side is the NIC's (models/nic). The whole guest is pinned and mapped in a static domain.
#include "models/buffers/strategy.h"

namespace gd {
namespace {

class Passthrough final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"passthrough",
                               "The NIC serves the guest's virtio rings itself (vDPA, SR-IOV); the host copies nothing.",
                               "frame and virtio header straight into the guest's ring buffers, and the used entries",
                               "nothing",
                               "DMA by the NIC",
                               "all its memory pinned",
                               "virtio rings in hardware",
                               0, true, true, false, {}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (e.consumer != Consumer::guest) return "serves the consumer guest only";
    if (!e.host_work.empty())
      return "no software of the host sees its packets between the card and the guest, which " + std::string(e.host_work) + " needs";
    if (!e.virtio_rings) return "the NIC has no virtio rings in hardware (nic.virtio_rings)";
    if (e.guest_memory > e.memlock_limit) return "the whole guest must be pinned; host.memlock_limit is smaller than its memory";
    if (e.dirty_log) return "it cannot be migrated: the card keeps no log of the pages that it writes in the guest (host.dirty_log)";
    return std::nullopt;
  }
  std::string_view pin_in_force(const BindEnvironment&) const override { return "whole-guest"; }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override { return e.queue_size; }
  std::unique_ptr<RxPath> make_path(PathContext) const override { return nullptr; }
};

}  // namespace

const Strategy& passthrough_strategy() {
  static const Passthrough s;
  return s;
}

}  // namespace gd
