// The frame of the designs whose buffers are the guest's: posting, refill, publication, copies into the guest where the NIC
// could not write. A design adds what it reads from a written-back descriptor and how it hands a packet over.
#pragma once
#include <memory>

#include "models/buffers/bounce.h"
#include "models/buffers/copy_out.h"
#include "models/buffers/guest_side.h"
#include "models/buffers/posted.h"

namespace gd {

// What every such design asks of its environment; a reason, or nothing.
std::optional<std::string> refuse_zero_copy(const BindEnvironment& e);

// The same for a largest frame that takes `buffers` of those of which the guest posts `part` of `whole`: the guest's driver may keep half of
// its ring back, and a quota may hold fewer. `what`: their name.
std::optional<std::string> refuse_ring(const BindEnvironment& e, Bytes buffers, std::uint32_t part, std::uint32_t whole, const char* what);

class ZeroCopyPath : public RxPath {
 public:
  // Costs: zerocopy.packet (handing over one packet), destructor.skb, destructor.shared_info (per packet),
  // destructor.page_hash (per buffer); CopyOut's.
  explicit ZeroCopyPath(PathContext c);

  void publish(Step& s) override { side_.publish(s); }
  void settle(Step& s) override { side_.settle(s); }
  void reset(Time now) override;
  bool unsettled() const override { return side_.unsettled(); }
  std::uint32_t unpublished() const override { return const_cast<GuestSide&>(side_).ring().unpublished(); }
  void serve(Task& worker) override { worker_ = &worker; }
  void attend(Step& s) override { side_.attend(s); }
  bool posts() const override { return true; }
  // The worker posts whenever it runs; a kick is wanted only when the driver may run dry before that. A stall at the
  // memlock limit ends by the worker's own deliveries, or with the flush of the IOMMU's queue.
  bool ask_for_kick(Step& s, bool starved) override;
  bool wants_post() const override { return low(); }
  bool recheck(Step& s) override { return side_.recheck(s); }
  std::string blocked() const override;
  std::uint64_t free_buffers() const override { return posted_.queued() + in_ring_; }
  std::uint64_t capacity() const override { return std::min<std::uint64_t>(c_.env.ring_size - 1, c_.guest->rx().size); }
  bool guest_memory() const override { return true; }
  Progress deliver_copy(Step& s, Skb* skb) override;
  Progress give_back(Step& s, Skb* skb) override;
  void scrub(Step& s, Skb& skb, const Cost& cost) override;
  void not_for_guest(const Skb& skb) override;
  GuestHold holds(Step& s, OpId op) override;
  bool age(Step& s, Time before) override { return posted_.release_idle(s, before); }
  void close(const GuestHold& seen) override;
  void take_back(Step& s, std::uint32_t slot) override;
  bool reclaim(Step& s) override;
  const PathStats& stats() const override;

 protected:
  bool hazard(Hazard h) const { return c_.env.options.hazard == h; }
  // Buffers queued and at the device are few for the ring's size, or for the largest frame.
  virtual bool low() const {
    const std::uint64_t have = posted_.queued() + std::uint64_t{in_ring_} + (c_.env.shared_queue ? reserved() : 0);
    return have * 4 < c_.guest->rx().size || have < of_frame_;
  }
  // Buffers for the driver came after it ran short: refill runs in its softirq.
  void feed(Step& s);
  // A buffer that was taken from the guest's ring: the driver's, or kept for copies.
  void queue(Step& s, std::uint32_t token);
  // The driver's next packet buffer for `slot`: a guest's, or a host page for a frame that is to be copied; kNoToken when
  // there is none. All of a descriptor is asked for at one moment, when its refill() began; unless the step was fresh then, the guest
  // may have posted one before that which is not known of yet.
  struct Asked {
    explicit Asked(const Step& s) : at(s.now()), fresh(s.fresh()) {}
    Time at;
    bool fresh;
  };
  std::uint32_t next_for(Step& s, std::uint32_t slot, Asked asked);
  void left_ring(std::uint32_t token);
  std::uint32_t taken_from(std::uint32_t slot);

  // Buffers at the device and in packets. `room`: bytes at a guest buffer's start before those that the NIC writes; a host
  // page has none.
  Iova address(Step& s, std::uint32_t token, Bytes room) { return Bounce::is(token) ? bounce_->iova(token) : posted_.map(s, token) + room; }
  Hpa place(std::uint32_t token, Bytes room) const { return Bounce::is(token) ? bounce_->addr(token) : posted_[token].hpa + room; }
  // Where a buffer is when its write-back is seen: in flight if the NIC wrote into it. A DMA that was blocked half way may
  // have touched a buffer of which the write-back says nothing.
  Owner at_device(std::uint32_t token, bool written) const;
  void own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where);
  // The buffer becomes part of a packet.
  void received(Step& s, std::uint32_t token, Owner before, const char* where);
  // The buffer was not used by the packet: the driver gets it again before all others.
  void recycle(Step& s, std::uint32_t token, Owner from);
  // Whether the packet lies, at least in part, in pages of the host: it is handed over by deliver_copy().
  bool in_host_pages(const Skb& skb) const { return bounce_ && bounce_->out() && any_host_page(skb); }
  // Notes where the frame lies. At the memlock limit with the setting `refuse` one that came into a page of the host ends here.
  bool refused(Step& s, Skb* skb);

  // A packet ends that held `buffers` buffers: what it costs to find out whose they are. The shared info lies in the skb's
  // own memory, behind its linear part.
  void destruct(Step& s, const Skb& skb, unsigned buffers);
  // The packet's buffers return to the driver's queue, and the packet is freed.
  void put_all(Step& s, Skb* skb);
  // Buffers that a packet keeps beside its runs (Skb::kept), and the bytes in them.
  virtual std::uint32_t next_kept(std::uint32_t) const { return kNoToken; }
  virtual std::uint32_t kept_bytes(std::uint32_t) const { return 0; }
  // Where the NIC began to write in a guest's buffer.
  virtual Hpa written_from(std::uint32_t token) const { return posted_[token].hpa + posted_[token].room; }

  // Of `whole` buffers that the guest posts only `part` hold packet bytes: as many fewer are kept for copies, such that the
  // card always has the `of_frame` that the largest frame takes.
  void share_reserve(std::uint32_t part, std::uint32_t whole, std::uint32_t of_frame);
  // The next of the guest's buffers (PostedBuffers::take_one); not pinned where it is wanted for a copy.
  bool take(Step& s, Bytes least, std::uint32_t* token) {
    if (door_ != Door::open && !opens(s)) return false;
    posted_.copies_only(uncovered() > 0);
    posted_.within_packet(out_.busy() || handing_over());
    return posted_.take_one(s, least, token);
  }
  // For blocked(): which buffers share the limit, and how much lets all be pinned.
  virtual std::string pinned_together() const { return ""; }
  // deliver() has begun a packet, and is to be called again for the rest.
  virtual bool handing_over() const { return false; }
  // Besides the driver's queue and what is kept for copies: the next buffer that the path has in store; kNoToken when none.
  virtual std::uint32_t next_stored() { return kNoToken; }
  // Copies. A buffer for a packet's next bytes; those for a first buffer may be of another kind.
  std::uint32_t spare(Step& s);
  std::uint32_t spares() const { return reserved() + posted_.queued(); }
  virtual bool ready_for_copy() const { return spares() > 0; }
  virtual std::uint32_t first_for_copy(Step& s) { return spare(s); }
  virtual void unwind_first(Step& s, std::uint32_t token) { unwind(s, token); }
  void unwind(Step& s, std::uint32_t token);
  // Adds the places of buffer `token`, a packet's `index`th, to out_. `headers`: bytes of packet headers that go apart.
  virtual void places(std::uint32_t token, std::uint32_t index, std::uint32_t headers);
  virtual std::uint32_t header_bytes(const Skb&) const { return 0; }
  // Completes the virtio header of a copied packet, and says where it goes.
  virtual Hpa header_place(std::uint32_t first, std::uint32_t /*headers*/, VirtioNetHdr&) const { return posted_[first].header; }

  // Ring buffers taken in one call of post(), in one step. A driver that had none is woken behind them all; one that looks meanwhile
  // finds those that are there by then.
  static constexpr unsigned kPostBatch = 16;
  static constexpr std::uint32_t kShortest = 1024;   // bytes that a buffer for a copy is expected to take at least
  PathContext c_;
  PathStats stats_;
  GuestSide side_;
  PostedBuffers posted_;
  CopyOut out_;
  Cost packet_, destructor_;
  std::vector<std::uint32_t> slots_;
  std::uint32_t in_ring_ = 0, pages_in_ring_ = 0;   // packet buffers that the NIC has; of them pages of the host
  bool starved_ = false;                       // the driver found no buffer at its last refill
  Task* worker_ = nullptr;

 private:
  // Calls each(from, bytes) for the runs of the guest's memory that the NIC has written for the packet.
  template <class F>
  void each_written(Skb& skb, F each);
  std::uint32_t reserved() const { return reserve_tail_ - reserve_head_; }
  bool wants_page() const;
  // Frames that find no buffer of the guest go to pages of the host, and are copied when it posts (defences.depleted copy).
  bool depleted() const;
  std::uint32_t page(Step& s);
  void release_reserve();
  // Buffers of the guest that still have to wait for pages of the reserve: one for each, and those that the rest of a frame takes of
  // which but a part lies in such a page. Until then the driver gets none: a copy at the head of the tap's queue would wait for
  // buffers that packets behind it hold.
  std::uint32_t uncovered() const;
  static constexpr std::uint32_t kFewBuffers = 16;   // guest buffers at the NIC below which pages of the host follow: one refill (ixgbe)
  static bool any_host_page(const Skb& skb);
  Progress no_spare(std::uint32_t wanted);
  // Reclaiming: the guest's buffers are on their way back (closing), and until it offers others (closed) none are taken.
  enum class Door : std::uint8_t { open, closing, closed };
  bool opens(Step& s);
  Door door_ = Door::open;
  bool renewed_ = false;                       // the guest has reset its device since
  std::uint64_t closed_at_ = 0;                // GuestHold::progress then
  std::uint32_t most_ = 0;                     // buffers that host and ring had at once, at a look
  std::unique_ptr<Bounce> bounce_;             // made when it is first needed
  std::vector<std::uint32_t> reserve_;         // buffers kept for copies, first in first out; a power of two
  std::uint32_t reserve_head_ = 0, reserve_tail_ = 0;
  std::uint32_t reserve_wanted_ = 0, reserve_always_ = 0, reserve_most_ = 0;   // buffers to keep: now; without a copy that waits; at most
  std::uint32_t of_frame_ = 1;                 // buffers that the largest frame takes of the card's
};

}  // namespace gd
