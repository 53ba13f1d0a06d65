// The consumer user-async: an application of the host that posts its own pages for asynchronous reads.
#include <bit>

#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

// Area and rings: the area in pages as an application's memory has them, the rings in the kernel's, shared.
UserArea Machine::make_area() {
  const sc::UserAsyncConsumer& u = scenario.user_async;
  UserArea a;
  a.buffer = u.buffer;
  a.buffers = static_cast<std::uint32_t>(u.buffers);
  const Bytes size = align_up(a.buffers * a.buffer, kPage);
  user_space = std::make_unique<GuestSpace>(phys, size, kPage, 0u);
  a.space = user_space.get();
  a.refill_entries = std::bit_ceil(a.buffers);
  a.completion_entries = static_cast<std::uint32_t>(u.completion_ring);
  a.refill_tail = phys.alloc_contiguous(kLine, kLine);
  a.completion_tail = phys.alloc_contiguous(kLine, kLine);
  a.completion_head = phys.alloc_contiguous(kLine, kLine);
  a.refill = phys.alloc_contiguous(a.refill_entries * UserArea::kRefill, kPage);
  a.completions = phys.alloc_contiguous(a.completion_entries * UserArea::kCompletion, kPage);
  for (Gpa g = 0; g < size; g += kPage) ownership.belongs(user_space->translate(g), kPage, a.owner, true);
  return a;
}

void Machine::build_user(const sc::StrategyChoice& choice) {
  const UserArea area = make_area();
  host_envs.push_back(std::make_unique<BindEnvironment>(environment(scenario, choice, 0)));
  PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, *host_envs.back());
  user_pages = std::make_unique<UserPages>(phys, ownership, iommu, costs, area, strategy.declaration().guest_memory);
  c.user = user_pages.get();
  host_queues.push_back(std::make_unique<HostQueue>());
  HostQueue& q = *host_queues.back();
  open(q, 0, c, true);
  user = std::make_unique<UserAsync>(UserAsyncParams{scenario.host.socket_buffer}, *user_pages, phys, ownership, frames, *expected, costs);
  user_app = std::make_unique<UserApp>(agenda, kGuestRank, user_app_params(scenario), *user, area, phys, costs);
  core_for(scenario.host.affinity.socket_app, "host.affinity.socket_app").attach(*user_app);
  Task* worker = user_app.get();
  if (scenario.user_async.completions == sc::Completer::kernel_thread) {
    user_thread = std::make_unique<UserAsyncThread>(*user, costs);
    if (scenario.host.affinity.vhost == scenario.host.affinity.socket_app)
      throw scenario.error("host.affinity.vhost", "a kernel thread and an application that both poll need a core each; allowed: another than host.affinity.socket_app");
    core_for(scenario.host.affinity.vhost, "host.affinity.vhost").attach(*user_thread);
    user_thread->connect(*user_app);
    user_app->connect(*user_thread);
    worker = user_thread.get();
  }
  user->connect(*q.path, *worker);
  user->transmit_by(ack_queue());
  start(q, *user, interrupt_core(0));
}

}  // namespace gd::system
