// vhost-copy: what Linux does. The NIC writes into host pages (host_page_path.h); after GRO the vhost worker copies the virtio
// header and every byte into the guest's ring buffers (vhost_copy_path.h).
#include "models/base/error.h"
#include "models/buffers/vhost_copy_path.h"

namespace gd {

namespace {

class VhostCopy final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"vhost-copy",
                               "What Linux does: host pages, GRO, and a copy by the vhost worker.",
                               "whole frame (or header and payload) to host pages",
                               "virtio header and every byte, by the vhost worker, after GRO",
                               "start of the first buffer",
                               "nothing",
                               "nothing",
                               0, false, false, true, {}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override { return refuse_host_copy(e); }
  std::string_view pin_in_force(const BindEnvironment&) const override { return "none"; }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t tap_queue) const override {
    if (e.consumer == Consumer::host_forward || e.consumer == Consumer::drop) return e.ring_size - 1;
    return e.ring_size - 1 + tap_queue + e.queue_size;
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override;
};

}  // namespace

std::unique_ptr<RxPath> VhostCopy::make_path(PathContext c) const {
  if (c.guest) return std::make_unique<VhostCopyPath>(std::move(c));
  return make_host_path(std::move(c));
}

const Strategy& vhost_copy_strategy() {
  static const VhostCopy s;
  return s;
}

}  // namespace gd
