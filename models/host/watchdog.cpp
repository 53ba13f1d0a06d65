#include "models/host/watchdog.h"

namespace gd {

RxWatchdog::RxWatchdog(Agenda& agenda, std::uint32_t actor_rank, const WatchdogParams& params, NicControl& nic, MmioBus& bus,
                       CostBook& costs)
    : Actor(agenda, actor_rank), Task("watchdog", Priority::thread), params_(params), nic_(nic), bus_(bus),
      round_(costs.get("driver.watchdog")), head_(params.skip_stuck ? costs.get("driver.head") : Cost{}) {}

void RxWatchdog::watch(NapiQueue& queue) {
  if (queues_.empty()) wake_at(agenda().now() + params_.period);
  queues_.push_back({&queue});
}

void RxWatchdog::act(Time now) {
  Task::wake(now);
  wake_at(now + params_.period);
}

bool RxWatchdog::step(Step& s) {
  s.charge(round_);
  for (Watched& w : queues_) {
    if (params_.skip_stuck) {
      s.charge(head_);
      const std::uint64_t cleaned = w.queue->cleaned();
      if (cleaned == w.cleaned && w.queue->stuck_before(nic_.rx_head(w.queue->queue()))) {
        ++skipped_;
        w.queue->skip_to(nic_.rx_head(w.queue->queue()));
        if (!params_.rearm) bus_.write(s, reg::irq_cause(w.queue->queue()), 1);
      }
      w.cleaned = cleaned;
    }
    if (params_.rearm) bus_.write(s, reg::irq_cause(w.queue->queue()), 1);
  }
  return false;
}

}  // namespace gd
