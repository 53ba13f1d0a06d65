#include "models/host/napi.h"

#include "models/base/error.h"
#include "models/ports/completion.h"

namespace gd {

IrqTask::IrqTask(NapiQueue& napi, CostBook& costs)
    : Task("irq", Priority::irq), napi_(napi), handler_(costs.get("irq.handler")) {}

bool IrqTask::step(Step& s) {
  s.charge(handler_);
  napi_.scheduled();
  s.wake(napi_);
  return false;
}

void IrqTask::interrupt(std::uint32_t, Time now) { wake(now); }

NapiTimer::NapiTimer(Agenda& agenda, std::uint32_t actor_rank, NapiQueue& napi, CostBook& costs)
    : Actor(agenda, actor_rank), Task("irq", Priority::irq), napi_(napi), expire_(costs.get("napi.timer")),
      arm_(costs.get("napi.arm_timer")) {}

void NapiTimer::arm(Step& s, Time t) {
  s.charge(arm_);
  wake_only_at(t);
}

bool NapiTimer::step(Step& s) {
  s.charge(expire_);
  if (napi_.expired()) s.wake(napi_);
  return false;
}

NapiQueue::NapiQueue(std::uint32_t queue, const NapiParams& params, NicControl& nic, MmioBus& bus, PhysMem& phys, Iommu& iommu,
                     FrameTable& frames, FaultPlan& fault, CostBook& costs)
    : Task("softirq", Priority::softirq), queue_(queue), params_(params), nic_(nic), bus_(bus), phys_(phys), frames_(frames),
      fault_(fault), poll_(costs.get("napi.poll")), frame_(costs.get("napi.frame")),
      refill_(costs.get("napi.refill")), complete_(costs.get("napi.complete")),
      expand_(costs.get("napi.cqe_expand")), irq_(*this, costs) {
  if (params_.adaptive) moderate_ = costs.get("napi.dim"), apply_ = costs.get("napi.dim_apply");
  ring_ = phys.alloc_contiguous(params_.ring_size * RxDescriptor::kSize, kPage);
  ring_iova_ = iommu.map_static(ring_, params_.ring_size * RxDescriptor::kSize);
  if (params_.completion_size > RxDescriptor::kSize) {
    completions_ = phys.alloc_contiguous(params_.ring_size * params_.completion_size, kPage);
    completions_iova_ = iommu.map_static(completions_, params_.ring_size * params_.completion_size);
  }
}

void NapiQueue::connect(RxPath& path, GroStage& gro, PacketSink& up) {
  path_ = &path;
  gro_ = &gro;
  up_ = &up;
}

void NapiQueue::hook(DriverHook& h, CostBook& costs) {
  hook_ = &h;
  frame_ = costs.get("xdp.frame");
}

void NapiQueue::start(std::uint32_t vector) {
  RxQueueConfig c;
  c.ring = ring_iova_;
  c.size = params_.ring_size;
  c.vector = vector;
  c.completions = completions_iova_;
  c.completion_size = params_.completion_size;
  c.compress = params_.compress;
  c.strip_vlan = false;    // the virtio-net header has no place for a stripped tag
  c.drop_when_empty = params_.drop_when_empty;
  path_->shape(c);
  if (params_.adaptive) c.moderation = moderation_of(Dim::kInitial);
  nic_.configure_rx(queue_, c);
  wake(0);
}

// The next mini-completion of a session. After the last one the session's other places get the owner bit of this round, as
// the card has not written them (mlx5e_cqes_update_owner).
RxWriteback NapiQueue::take_mini(Step& s) {
  const Bytes size = completion::kEntry;
  const Hpa title = completions_ + title_slot_ * size;
  const Hpa at = title + completion::array_place(mini_) * size + completion::mini_offset(mini_);
  s.charge(expand_);
  s.load(expand_.op, at, completion::kMini);
  const RxWriteback w = completion::decode_mini(phys_.at(at), title_);
  if (++mini_ < minis_) return w;
  for (std::uint32_t i = 1; i <= minis_; ++i) *(phys_.at(title + i * size) + completion::kOwner) = phase_ ? completion::kPhase : 0;
  s.store(expand_.op, title + size, minis_ * size);
  minis_ = mini_ = 0;
  return w;
}

// The next completion of the queue; false when the card has written none.
bool NapiQueue::completion(Step& s, RxWriteback& w) {
  if (mini_ < minis_) {
    w = take_mini(s);
    return true;
  }
  const Hpa at = completions_ + (clean_ + 1) * params_.completion_size - completion::kEntry;
  s.load(frame_.op, at, completion::kEntry);
  const completion::Entry e = completion::decode(phys_.at(at));
  if (e.phase != phase_ || !e.writeback.done) return false;
  w = e.writeback;
  title_ = w;
  title_slot_ = clean_;
  minis_ = e.minis;
  mini_ = 0;
  return true;
}

bool NapiQueue::stuck_before(std::uint32_t head) const {
  const std::uint32_t passed = (head + params_.ring_size - clean_) % params_.ring_size;
  return !polling_ && posted_ > 0 && passed > 0 && passed <= posted_;
}

void NapiQueue::skip_to(std::uint32_t head) { skip_before_ = cleaned_ + (head + params_.ring_size - clean_) % params_.ring_size; }

// The card's report on the next descriptor; false when it has written none.
bool NapiQueue::reported(Step& s, RxWriteback& w) {
  if (completions_) return completion(s, w);
  const Hpa at = ring_ + clean_ * RxDescriptor::kSize;
  s.load(frame_.op, at, RxDescriptor::kSize);
  w = RxDescriptor::decode(phys_.load<std::uint64_t>(at), phys_.load<std::uint64_t>(at + 8));
  return w.done;
}

// One written-back descriptor; false when the NIC has written none.
bool NapiQueue::take_one(Step& s) {
  if (posted_ == 0) return false;
  RxWriteback w;
  if (!reported(s, w)) {
    if (cleaned_ >= skip_before_) return false;
    w = RxWriteback{};
    w.done = w.end_of_packet = true;
    ++stats_.skipped;
    if (completions_)   // as if the card had written this round's owner bit
      *phys_.at(completions_ + (clean_ + 1) * params_.completion_size - completion::kEntry + completion::kOwner) = phase_ ? completion::kPhase : 0;
  }
  s.charge(w.end_of_packet ? Cost{frame_.op, frame_.fixed_mc, 0} : Cost{frame_.op, frame_.unit_mc, 0});
  const std::uint32_t slot = clean_;
  if (++clean_ == params_.ring_size) clean_ = 0, phase_ = !phase_;
  --posted_;
  ++cleaned_;
  FrameRef f = nic_.take_frame(queue_, slot);
  if (f != kNoFrame) {
    ++stats_.frames;
    ++work_;
    frames_.stamp(f, Stage::driver, s.now());
  }
  if (hook_) {
    if (f != kNoFrame && fault_.hit(Fault::lose_host, frames_[f].id)) frames_.lose(f);
    else if (f != kNoFrame) hook_->frame(s, path_->frame_at(slot), f);
    path_->recycle(s, slot, w);
    if (observer_) observer_->level(level_, posted_, s.now());
    return true;
  }
  if (w.end_of_packet) ++stack_frames_;
  stack_bytes_ += w.packet_length + (w.split ? w.header_length : 0u);
  Skb* skb = path_->receive(s, slot, w, f);
  if (observer_) observer_->level(level_, posted_, s.now());
  if (!skb) return true;
  skb->path = path_;
  if (fault_.hit(Fault::lose_host, frames_[skb->frames.first].id)) {
    frames_.lose(frames_.pop(skb->frames));
    path_->release(s, skb);
    return true;
  }
  gro_->receive(s, skb, *path_, *up_);
  return true;
}

// Fills the ring; one doorbell when it is full or the path has no more buffers. False while the step has to end before that.
bool NapiQueue::refill(Step& s) {
  if (stopped_ && posted_ == 0) align(s);
  std::array<std::uint64_t, 2> d;
  // One descriptor stays empty, so that tail == head means none.
  while (posted_ < params_.ring_size - 1) {
    if (s.over()) return false;
    const bool fresh = s.fresh();
    if (!path_->refill(s, fill_, d)) {
      if (!s.settled(fresh)) return false;   // there were none when the step began: as it is now
      if (posted_ == 0) ++stats_.shortages;
      break;
    }
    const Hpa at = ring_ + fill_ * RxDescriptor::kSize;
    phys_.store(at, d[0]);
    phys_.store(at + 8, d[1]);
    s.charge(refill_);
    s.store(refill_.op, at, RxDescriptor::kSize);
    fill_ = fill_ + 1 == params_.ring_size ? 0 : fill_ + 1;
    ++posted_;
    ++untold_;
  }
  refilling_ = false;
  if (untold_ == 0) return true;
  untold_ = 0;
  if (stopped_) begin_again(s);
  ++stats_.refills;
  ++stats_.doorbells;
  bus_.write(s, reg::rx_tail(queue_), fill_);
  if (observer_) observer_->level(level_, posted_, s.now());
  return true;
}

bool NapiQueue::expired() {
  if (polling_ || !started_) return false;
  polling_ = true;
  ++stats_.timer_polls;
  return true;
}

// The ring is empty: what follows is decided now. napi_complete_done: work renews the count of polls by timer, and each
// of them uses one up.
void NapiQueue::begin_end() {
  ending_ = rearm_ = true;
  timeout_ = work_ && gro_->holds() ? params_.gro_flush_timeout : 0;
  if (work_) defers_ = params_.defer_hard_irqs;
  if (defers_ == 0) return;
  --defers_;
  timeout_ = params_.gro_flush_timeout;
  rearm_ = timeout_ == 0;
}

// The walk begins at 0, the card at kInitial: what was chosen is the walk's from the first change on.
const Dim::Profile* NapiQueue::moderation() const {
  return params_.adaptive ? &Dim::profile(params_.period, changed_ ? dim_.index() : Dim::kInitial) : nullptr;
}

std::uint32_t NapiQueue::moderation_of(int index) const {
  const Dim::Profile& p = Dim::profile(params_.period, index);
  return static_cast<std::uint32_t>(p.delay / kUs) << 16 | p.frames;
}

// mlx5e_handle_rx_dim: before the interrupt is armed. What a hook took never was the stack's and is not counted (rx_packets of
// mlx5). A change is a worker's, whose time is charged here.
void NapiQueue::moderate(Step& s) {
  s.charge(moderate_);
  if (applied_at_ != kNever) {
    if (s.now() < applied_at_) return;
    applied_at_ = kNever;
    dim_.applied();
  }
  if (!dim_.sample({s.now(), stats_.interrupts, stack_frames_, stack_bytes_})) return;
  s.charge(apply_);
  bus_.write(s, reg::moderation(queue_), moderation_of(dim_.index()), false);
  applied_at_ = s.now() + params_.moderation_command;
  changed_ = true;
}

void NapiQueue::arm(Step& s) {
  if (params_.arm_by_index) bus_.write(s, reg::rx_arm(queue_), static_cast<std::uint32_t>(cleaned_));
  else bus_.write(s, reg::irq_enable(queue_), 1);
}

// Ends the poll; true when there is something left to do at once.
bool NapiQueue::complete(Step& s) {
  if (!gro_->end_poll(s, *path_, *up_, timeout_ ? PollEnd::timer : PollEnd::complete)) return true;
  if (!refill(s)) return true;
  in_poll_ = polling_ = ending_ = false;
  work_ = 0;
  s.charge(complete_);
  if (timeout_) timer_->arm(s, s.now() + timeout_);
  if (rearm_) {
    if (params_.adaptive) moderate(s);
    arm(s);
  }
  return false;
}

bool NapiQueue::step(Step& s) {
  if (!started_) {                       // first fill of the ring, then interrupts on
    if (!refill(s)) return true;
    started_ = true;
    if (polling_) return true;           // a frame came early; its interrupt is not repeated
    arm(s);
    return false;
  }
  if (!polling_) {                       // buffers came after a shortage
    return !refill(s);
  }
  if (!in_poll_) {
    in_poll_ = true;
    work_ = 0;
    to_fill_ = params_.ring_size - 1 - posted_;
    next_tx_ = 0;
    ++stats_.polls;
    s.charge(poll_);
  }
  while (!s.over()) {
    if (!gro_->hand_up(s, *up_)) return true;   // what the last frame let go, before all else
    if (path_->unmap(s)) continue;
    if (next_tx_ < tx_.size()) {
      if (!tx_[next_tx_]->clean(s)) ++next_tx_;
      continue;
    }
    if (ending_) return complete(s);
    if (refilling_) {
      if (!refill(s)) return true;
      continue;
    }
    if (work_ >= params_.budget) {       // give others a turn
      if (!gro_->end_poll(s, *path_, *up_, PollEnd::budget)) return true;
      ++stats_.full_polls;
      in_poll_ = false;
      s.yield();
      return true;
    }
    const bool fresh = s.fresh();
    const bool took = take_one(s);
    refilling_ = took && ++to_fill_ >= params_.refill_threshold;   // again after as many frames, also where there were no buffers
    if (refilling_) to_fill_ = 0;
    if (took) continue;
    if (!s.settled(fresh)) return true;  // seen as it was at the step's start: once more, as it is now
    begin_end();
  }
  return true;
}

}  // namespace gd
