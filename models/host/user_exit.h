// What the kernel does when a process with asynchronous reads has died, before its memory may be used otherwise.
//
// Modelled, in this order:
//   1 close   the socket: packets that wait or come, and bytes that it was told of and has not read, are dropped (stack)
//   2 stop    where the card writes into its memory, its receive queue: RXDCTL.ENABLE is cleared; the card drops the queue's frames
//   3 drain   the register is read until the card has ended what is under way; then `stop_wait`, and the driver takes what was reported
//   4 clean   descriptors that the card has not used give up their buffers
//   5 wait    for packets in the stack that hold buffers; the area is unmapped, and unpinned when no device can reach it any more
// Without 3 (hazard reclaim-undrained) the card still writes where the memory is somebody else's. The queue begins again with the first
// buffer that the next process gives.
// Not modelled: the process's other memory, the time of its own death (do_exit), a queue that goes on with pages of the kernel meanwhile.
// Source: io_uring/zcrx.c (io_shutdown_zcrx_ifqs, io_zcrx_scrub), net/core/netdev_rx_queue.c (netdev_rx_queue_restart: the queue is
// stopped and emptied before the memory provider is gone), net/core/page_pool.c (page_pool_release_retry: looked at again until all are back);
// 82599 data sheet 4.6.7.1.2.
#pragma once
#include "models/host/napi.h"
#include "models/host/user_async.h"

namespace gd {

struct UserExitParams {
  Time stop_wait = 100 * kUs;     // from the card's answer until memory may be given away
  Time reread = 15 * kUs;         // between reads of the register, and between looks for packets
  bool drains = true;             // false: the hazard
};

class UserExit : public Task, public Actor {
 public:
  // Costs: reclaim.clean (a descriptor emptied), driver.head (a read of the queue's register), mmio.write.
  UserExit(Agenda& agenda, std::uint32_t actor_rank, const UserExitParams& params, UserAsync& kernel, UserPages& pages, NicControl& nic, MmioBus& bus,
           CostBook& costs);
  // Set-up: who is told when it is done. And the queue, where it is the application's own, with the path of its buffers.
  void connect(Task& app) { app_ = &app; }
  void connect(NapiQueue& queue, RxPath& path) { queue_ = &queue, path_ = &path; }
  // The process has died.
  void begin(Step& s);
  bool done() const { return state_ == State::done; }
  void act(Time now) override { Task::wake(now); }
  bool step(Step& s) override;

 private:
  enum class State : std::uint8_t { done, closing, draining, waiting, cleaning, giving };
  bool go_on(Step& s);
  bool drops(Step& s);
  UserExitParams params_;
  UserAsync& kernel_;
  UserPages& pages_;
  NicControl& nic_;
  MmioBus& bus_;
  Cost clean_, head_;
  Task* app_ = nullptr;
  NapiQueue* queue_ = nullptr;
  RxPath* path_ = nullptr;
  State state_ = State::done;
  Time at_ = 0;                   // next thing to do
};

}  // namespace gd
