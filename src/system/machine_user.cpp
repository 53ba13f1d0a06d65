// The consumer user-async: applications of the host that post their own pages for asynchronous reads.
#include <bit>

#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

constexpr Bytes kBehindArea = 1 << 20;   // memory of the host behind an application's area, for a kernel that does not check

}  // namespace

// Area and rings: the area in pages as an application's memory has them, the rings in the kernel's, shared.
void Machine::make_area(UserSlot& slot, std::size_t i) {
  const sc::UserAsyncConsumer& u = scenario.user_async;
  UserArea& a = slot.area;
  a.owner = static_cast<unsigned>(i);
  a.buffer = u.buffer;
  a.buffers = static_cast<std::uint32_t>(u.buffers);
  const Bytes size = align_up(a.buffers * a.buffer, kPage);
  slot.space = std::make_unique<GuestSpace>(phys, size, kPage, 0u);
  a.space = slot.space.get();
  a.refill_entries = std::bit_ceil(a.buffers);
  a.completion_entries = static_cast<std::uint32_t>(u.completion_ring);
  if (slot.params.behaviour == AppBehaviour::flood_poster) a.refill_head = phys.alloc_contiguous(kLine, kLine);
  a.refill_tail = phys.alloc_contiguous(kLine, kLine);
  a.completion_tail = phys.alloc_contiguous(kLine, kLine);
  a.completion_head = phys.alloc_contiguous(kLine, kLine);
  a.refill = phys.alloc_contiguous(a.refill_entries * UserArea::kRefill, kPage);
  a.completions = phys.alloc_contiguous(a.completion_entries * UserArea::kCompletion, kPage);
  for (Gpa g = 0; g < size; g += kPage) ownership.belongs(slot.space->translate(g), kPage, a.owner, slot.trusted);
  if (scenario.defences.validate) return;
  const Hpa behind = slot.space->continue_unchecked(kBehindArea);
  ownership.fence(behind, kBehindArea);
  ownership.belongs(behind, kBehindArea, Ownership::kNobody, false);
}

UserPagesParams Machine::pages_params(const UserSlot& slot, const BindEnvironment& env) const {
  UserPagesParams p;
  p.validate = env.defences.validate;
  p.memlock = env.memlock_limit;
  p.pin_quota = env.defences.pin_quota;
  p.buffer_quota = env.defences.buffer_quota;
  if (!strategy.declaration().guest_memory || demux) p.pinning = UserPinning::none, p.buffer_quota = 0;
  else if (env.pin == PinPolicy::per_buffer) p.pinning = UserPinning::per_read;
  else if (slot.params.behaviour == AppBehaviour::crasher) p.pinning = UserPinning::registers;
  return p;
}

// The application on its core, and the kernel's thread, if there is one, on another.
void Machine::place_user(UserSlot& slot, std::size_t i) {
  const sc::Affinity& on = scenario.host.affinity;
  core_for((on.socket_app + i) % cores.size(), "host.affinity.socket_app").attach(*slot.app);
  if (scenario.user_async.completions != sc::Completer::kernel_thread) return;
  slot.thread = std::make_unique<UserAsyncThread>(*slot.kernel, costs);
  core_for((on.vhost + i) % cores.size(), "host.affinity.vhost").attach(*slot.thread);
  slot.thread->connect(*slot.app);
  slot.app->connect(*slot.thread);
}

void Machine::build_user(std::size_t i, const sc::StrategyChoice& choice) {
  users.push_back(std::make_unique<UserSlot>());
  UserSlot& slot = *users.back();
  slot.name = scenario.guests[i].name;
  slot.params = user_app_params(scenario, i);
  slot.trusted = !spoils_memory(slot.params.behaviour);
  make_area(slot, i);
  host_envs.push_back(std::make_unique<BindEnvironment>(environment(scenario, choice, i)));
  PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, *host_envs.back());
  slot.pages = std::make_unique<UserPages>(phys, ownership, iommu, costs, slot.area, pages_params(slot, *host_envs.back()));
  c.user = slot.pages.get();
  if (!demux) {
    host_queues.push_back(std::make_unique<HostQueue>());
    open(*host_queues.back(), static_cast<std::uint32_t>(i), c, true);
  }
  slot.kernel = std::make_unique<UserAsync>(UserAsyncParams{scenario.host.socket_buffer}, *slot.pages, phys, ownership, frames, *expected, costs);
  slot.app = std::make_unique<UserApp>(agenda, kGuestRank + static_cast<std::uint32_t>(i), slot.params, *slot.kernel, slot.area, phys, ownership, costs);
  place_user(slot, i);
  slot.kernel->transmit_by(ack_queue());
  if (slot.params.behaviour == AppBehaviour::crasher) {
    UserExitParams p;
    p.stop_wait = scenario.nic.queue_stop.wait;
    p.reread = scenario.nic.queue_stop.reread;
    p.drains = host_envs.back()->options.hazard != Hazard::reclaim_undrained;
    slot.exit = std::make_unique<UserExit>(agenda, kExitRank + static_cast<std::uint32_t>(i), p, *slot.kernel, *slot.pages, nic, bus, costs);
    slot.exit->connect(*slot.app);
    slot.app->connect(*slot.exit);
    if (!demux && strategy.declaration().guest_memory) slot.exit->connect(*host_queues.back()->napi, *host_queues.back()->path);
    core_for(scenario.host.affinity.vhost, "host.affinity.vhost").attach(*slot.exit);
  }
  const std::string socket = scenario.guests.size() == 1 ? "socket" : "socket-" + slot.name;
  if (!observers.empty()) slot.kernel->observe(&observers, static_cast<std::uint32_t>(i), level("host", socket, "bytes", static_cast<std::int64_t>(scenario.host.socket_buffer)));
  Task& worker = slot.thread ? static_cast<Task&>(*slot.thread) : *slot.app;
  if (demux) {
    const sc::Guest& g = scenario.guests[i];
    slot.kernel->connect(*host_queues.front()->path, worker);
    demux->add(g.mac ? guest_mac(scenario, i) : 0, static_cast<std::uint16_t>(g.vlan), *slot.kernel, *slot.kernel, Drop::socket_full);
  } else {
    slot.kernel->connect(*host_queues.back()->path, worker);
    start(*host_queues.back(), *slot.kernel, interrupt_core(static_cast<std::uint32_t>(i)));
  }
}

void Machine::build_users(const sc::StrategyChoice& choice) {
  HostQueue* shared = demux ? &open_host(0, choice) : nullptr;
  for (std::size_t i = 0; i < scenario.guests.size(); ++i) build_user(i, choice);
  if (shared) start(*shared, *demux, interrupt_core(0));
}

}  // namespace gd::system
