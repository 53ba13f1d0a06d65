#include "models/base/error.h"
#include "models/buffers/vhost_copy_path.h"

namespace gd {

std::optional<std::string> refuse_host_copy(const BindEnvironment& e) {
  if (e.softirq_publish && e.consumer == Consumer::guest)
    return "every byte is copied into the guest's memory, which may fault and sleep: not from softirq (vhost.publish)";
  if (e.consumer == Consumer::host_forward)   // its driver has a pool of its own and neither splits headers nor scatters
    return e.mtu + kLargestL2 <= e.rx_buffer ? std::nullopt
                                             : std::optional<std::string>("a frame must fit one buffer of the forwarding driver (nic.mtu and " +
                                                                          std::to_string(kLargestL2) + " B within nic.rx_buffer)");
  if (e.before_skb && (e.split != SplitMode::off || e.mtu + kLargestL2 > e.rx_buffer))
    return "a frame that ends in the driver must lie in one receive buffer (nic.header_split.mode off, nic.mtu and " +
           std::to_string(kLargestL2) + " B within nic.rx_buffer)";
  if (ceil_div(e.mtu + kLargestL2, e.rx_buffer) > kMaxSkbFrags)
    return "a frame of MTU " + std::to_string(e.mtu) + " takes more receive buffers (nic.rx_buffer) than an skb has fragments, 17";
  return std::nullopt;
}

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
