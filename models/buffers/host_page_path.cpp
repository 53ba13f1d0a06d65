#include "models/buffers/host_page_path.h"

#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/packet/gro.h"

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

HostPagePath::HostPagePath(PathContext c)
    : c_(std::move(c)), pages_(c_.env.unmap_batch > 1 ? HostPages(c_, c_.env.rx_buffer, c_.env.unmap_batch, c_.env.ring_size, c_.env.page_cache)
                                                      : HostPages(c_, c_.env.rx_buffer, c_.env.page_recycle)), split_(c_.env.split != SplitMode::off),
      header_buffer_(split_ ? std::min<Bytes>(c_.env.header_buffer, Skb::kSlab) : 0),
      copybreak_(c_.costs.get("copybreak.copy")), expand_(c_.costs.get("skb.expand")), slots_(c_.env.ring_size) {}

void HostPagePath::shape(RxQueueConfig& q) {
  q.packet_buffer = c_.env.rx_buffer;
  q.split = c_.env.split;
  q.header_buffer = header_buffer_;
  q.split_threshold = c_.env.split_threshold;
}

bool HostPagePath::refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) {
  if (const std::uint32_t most = c_.env.shared_queue ? c_.env.defences.shared_pool : 0; most && pages_.total() - pages_.idle() >= most) {
    if (!starved_) ++stats_.pool_empty;
    starved_ = true;
    return false;
  }
  Slot& x = slots_[slot];
  x.token = pages_.post(s);
  Iova header = 0;
  if (split_) {
    x.header = c_.skbs.alloc(s);
    c_.skbs.post_head(s, x.header);
    header = x.header->slab_iova;
  }
  d = RxDescriptor::read_format(pages_[x.token].iova, header);
  ++posted_;
  return true;
}

// The first (or only) descriptor of a packet.
Skb* HostPagePath::start(Step& s, Slot& x, const RxWriteback& w, std::uint32_t in_header) {
  Skb* skb = x.header;
  if (skb) {
    c_.skbs.take_head(s, skb, in_header > 0);
    x.header = nullptr;
  } else {
    skb = c_.skbs.alloc(s);
  }
  const Hpa page = pages_[x.token].addr;
  if (in_header > 0) {
    skb->head = {skb->slab_addr, in_header, kNoToken};
    if (w.packet_length) {
      skb->frags[skb->nr_frags++] = {page, w.packet_length, x.token};
    } else {
      pages_.free(s, x.token);
    }
  } else if (w.end_of_packet && w.packet_length <= c_.env.copybreak && w.packet_length <= Skb::kSlab) {
    s.copy(copybreak_, skb->slab_addr, page, w.packet_length);
    skb->head = {skb->slab_addr, w.packet_length, kNoToken};
    pages_.free(s, x.token);
    ++stats_.copied_small;
  } else {
    skb->head = {page, w.packet_length, x.token};
    skb->head_is_page = true;
  }
  skb->length = in_header + w.packet_length;
  describe(*skb, w);
  return skb;
}

// The NIC has used one of the posted buffers.
void HostPagePath::taken() {
  --posted_;
  stats_.fill_sum += posted_;
  ++stats_.fill_samples;
  if (posted_ < stats_.min_free) stats_.min_free = posted_;
}

void HostPagePath::recycle(Step& s, std::uint32_t slot, const RxWriteback& w) {
  Slot& x = slots_[slot];
  taken();
  pages_.take(s, x.token, w.packet_length > 0);
  pages_.free(s, x.token);
  x.token = kNoToken;
}

Skb* HostPagePath::receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) {
  Slot& x = slots_[slot];
  taken();
  const std::uint32_t in_header = partial_ ? 0 : header_buffer_bytes(c_.env.split, header_buffer_, w);
  pages_.take(s, x.token, w.packet_length > 0);
  if (!partial_) {
    partial_ = start(s, x, w, in_header);
  } else {
    if (x.header) {                       // only a packet's first header buffer is used
      c_.skbs.take_head(s, x.header, false);
      c_.skbs.free_shell(s, x.header);
      x.header = nullptr;
    }
    require(partial_->nr_frags < kMaxSkbFrags, "a scattered frame has more pieces than an skb has fragments");
    partial_->frags[partial_->nr_frags++] = {pages_[x.token].addr, w.packet_length, x.token};
    partial_->length += w.packet_length;
  }
  x.token = kNoToken;
  if (!w.end_of_packet) return nullptr;
  Skb* skb = partial_;
  partial_ = nullptr;
  if (frame == kNoFrame) {                // the NIC gave the buffer back without a frame (a blocked DMA)
    release(s, skb);
    return nullptr;
  }
  c_.frames.append(skb->frames, frame);
  const std::uint64_t id = c_.frames[frame].id;
  if (c_.fault.hit(Fault::flip_host, id)) {
    Frag& last = skb->nr_frags ? skb->frags[skb->nr_frags - 1] : skb->head;
    *c_.phys.at(last.addr + last.length - 1) ^= 0x40;
  }
  Frag& first = skb->nr_frags ? skb->frags[0] : skb->head;
  if (first.token != kNoToken && c_.fault.hit(Fault::leak_buffer, id)) first.token = kNoToken;
  if (first.token != kNoToken && c_.fault.hit(Fault::free_twice, id)) pages_.free(s, first.token);
  return skb;
}

namespace {

// The consumer is the host itself, a socket or a stage that drops: packets go up its own stack, which gives the buffers back
// by release().
class HostStackPath final : public HostPagePath {
 public:
  using HostPagePath::HostPagePath;
  Progress deliver(Step&, Skb*) override { broken("the host's own stack has no guest to deliver to"); }
};

}  // namespace

std::unique_ptr<RxPath> make_host_path(PathContext c) { return std::make_unique<HostStackPath>(std::move(c)); }

bool HostPagePath::move_start(Step& s, Skb& skb, std::uint32_t headers, int by) {
  if (by > 0) return open_head(s, skb, headers, static_cast<std::uint32_t>(by), expand_);
  const auto less = static_cast<std::uint32_t>(-by);
  if (skb.head.length < headers || headers < less) return false;
  skb.head.addr += less;
  skb.head.length -= less;
  skb.length -= less;
  return true;
}

void HostPagePath::release(Step& s, Skb* skb) {
  if (Skb* of = skb->origin) {             // a replica: the pages are the original's
    c_.skbs.free(s, skb);
    if (--of->shares == 0 && of->released) release(s, of);
    return;
  }
  if (skb->shares) {
    skb->released = true;
    return;
  }
  for_each_frag(*skb, [&](Frag& f) {
    if (f.token != kNoToken) pages_.free(s, f.token);
  });
  c_.skbs.free(s, skb);
  if (std::exchange(starved_, false) && c_.softirq) s.wake(*c_.softirq);
}

}  // namespace gd
