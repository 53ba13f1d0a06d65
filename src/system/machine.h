// All models of one run, wired as the strategy's declaration says. Nothing here knows what a design does.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/costs.h"
#include "models/base/plant.h"
#include "models/buffers/strategy.h"
#include "models/cpu/core.h"
#include "models/cpu/interrupts.h"
#include "models/guest/guest.h"
#include "models/host/bridge.h"
#include "models/host/bus.h"
#include "models/host/drop_stage.h"
#include "models/host/forwarder.h"
#include "models/host/gro_stage.h"
#include "models/host/guest_demux.h"
#include "models/host/host_socket.h"
#include "models/host/iommu_faults.h"
#include "models/host/napi.h"
#include "models/host/reclaim.h"
#include "models/host/tap_queue.h"
#include "models/host/transmit.h"
#include "models/host/user_app.h"
#include "models/host/user_exit.h"
#include "models/host/vhost_worker.h"
#include "models/host/watchdog.h"
#include "models/iommu/iommu.h"
#include "models/memory/copy_engine.h"
#include "models/memory/memory.h"
#include "models/memory/ownership.h"
#include "models/nic/nic.h"
#include "models/pcie/pcie.h"
#include "models/wire/expected.h"
#include "models/wire/link.h"
#include "models/wire/replay.h"
#include "src/system/observers.h"
#include "src/system/system.h"
#include "src/system/way.h"

namespace gd::system {

// The link comes up when all drivers have filled their rings, but not before kBringUp, which is enough for most, and not later than
// kLastBringUp. Warm-up and captures begin there.
constexpr Time kBringUp = 1 * kMs, kLastBringUp = 1 * kSec;

// Ranks between interrupts and cores.
constexpr std::uint32_t kGuestRank = 4500, kInjectionRank = 4600, kTimerRank = 4700, kPollRank = 4800, kExitRank = 4850, kCloneRank = 4900, kWatchdogRank = 4990, kIommuFaultRank = 4991, kReclaimRank = 4992;
// Of a device beside the card.
constexpr std::uint32_t kCopyEngineRank = 3990;

// A NIC queue of the host's driver with all that hangs on it; of a guest that shares its queue the path alone.
struct HostQueue {
  std::unique_ptr<NapiQueue> napi;
  std::unique_ptr<GroStage> gro;
  std::unique_ptr<RxPath> path;
  std::unique_ptr<NapiTimer> timer;        // null without gro_flush_timeout
};

// A guest and the host's side of it.
struct GuestSlot {
  std::unique_ptr<GuestSpace> space;
  std::unique_ptr<Guest> guest;
  std::unique_ptr<Vcpu> vcpu;
  BindEnvironment env;
  HostQueue queue;                         // empty for a device ring
  std::unique_ptr<HostBridge> bridge;      // null: GRO feeds the tap
  std::unique_ptr<TapQueue> tap;
  std::unique_ptr<VhostWorker> vhost;
  std::unique_ptr<SoftirqDelivery> delivery;   // vhost.publish softirq: in the tap's place
  std::unique_ptr<TxDriver> tx;
  std::unique_ptr<InterruptSink> rx_vector, tx_vector;   // device ring: MSI-X vectors to the guest's own
  std::unique_ptr<KickSink> doorbell;
  std::unique_ptr<ResetSink> reset;
};

// An application with asynchronous reads, and the kernel's side of it.
struct UserSlot {
  std::string name;
  UserAppParams params;
  bool trusted = true;                       // it does not spoil its own memory or ring
  std::unique_ptr<GuestSpace> space;
  UserArea area;
  std::unique_ptr<UserPages> pages;
  std::unique_ptr<UserAsync> kernel;
  std::unique_ptr<UserApp> app;
  std::unique_ptr<UserAsyncThread> thread;   // null where the application's own thread completes
  std::unique_ptr<UserExit> exit;            // null but for a crasher
};

class Machine {
 public:
  // Throws UserError when the scenario cannot be built.
  Machine(const scenario::Scenario& s, const scenario::StrategyChoice& choice, const RunOptions& options);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Every driver of the card's queues has filled its ring for the first time, or as far as its buffers went.
  bool filled() const;
  // Frames that any stage holds now; must equal the frame table's live frames.
  std::uint64_t held() const;
  // Every core's ledger rows must sum to its busy milli-cycles; names the core that does not.
  std::string ledger_mismatch() const;
  std::uint64_t integrity_errors() const;
  // Buffers of packets that have ended, and that software may keep until it has something to do again.
  std::uint64_t unreclaimed() const;
  Messages messages() const;
  Topology topology() const;

  const scenario::Scenario& scenario;
  const Strategy& strategy;
  FaultPlan fault;
  ObserverFan observers;
  WaySampler way;
  CostBook costs;
  Ledger ledger;
  PhysMem phys;
  Ownership ownership;
  FrameTable frames;
  Agenda agenda;
  MemorySystem memory;
  Iommu iommu;
  Pcie pcie;
  InterruptController interrupts;
  Nic nic;
  MmioBus bus;
  SkbPool skbs;
  std::unique_ptr<CopyEngine> copy_engine;   // null: the host has none
  std::vector<std::unique_ptr<Core>> cores;
  std::unique_ptr<Capture> capture;
  std::unique_ptr<Traffic> traffic;
  FarEnd* far_end = nullptr;
  std::unique_ptr<ExpectedBytes> expected;
  std::unique_ptr<Link> link;
  std::vector<std::unique_ptr<GuestSlot>> guests;
  std::vector<std::unique_ptr<HostQueue>> host_queues;   // consumers host-socket and drop; guests that share one
  std::vector<std::unique_ptr<BindEnvironment>> host_envs;
  std::unique_ptr<GuestDemux> demux;       // behind a queue that guests or applications share (the first of host_queues)
  std::vector<std::unique_ptr<HostSocket>> sockets;        // consumer host-socket
  std::vector<std::unique_ptr<TxDriver>> socket_tx;        // the ACKs of each; or of each application of user-async
  std::vector<std::unique_ptr<UserSlot>> users;            // consumer user-async; application i has queue i of host_queues, or all share one
  std::unique_ptr<DropStage> drop;
  std::unique_ptr<Mempool> pool;                           // consumer host-forward, with all below
  std::unique_ptr<Departures> departures;
  std::vector<std::unique_ptr<Forwarder>> forwarders;
  std::unique_ptr<RxWatchdog> watchdog;                    // null without host.watchdog.period, or without a driver's queue
  std::unique_ptr<BufferReclaim> reclaim;                  // null without defences.reclaim.after
  std::unique_ptr<IommuFaultHandler> fault_handler;        // null where nothing is translated
  std::vector<Topology::Level> levels;

 private:
  void build_traffic();
  void build_guest(std::size_t g, const scenario::StrategyChoice& choice);
  void connect_host(GuestSlot& slot, std::size_t g);
  // A queue's driver, GRO and path. `udp`: whoever gets the packets can take merged UDP.
  void open(HostQueue& queue, std::uint32_t q, PathContext& context, bool udp);
  // The same for a queue of the host's own.
  HostQueue& open_host(std::uint32_t q, const scenario::StrategyChoice& choice);
  static bool takes_merged_udp(const GuestSlot& slot);
  Core& interrupt_core(std::uint32_t q);
  // What was opened gets its taker and its core, and fills its ring.
  void start(HostQueue& queue, PacketSink& up, Core& core);
  void attach(HostQueue& queue, Core& core, std::uint32_t timer_rank);
  // Transmit queues are cleaned beside the receive queues, in turn.
  void clean_transmit_queues();
  void connect_device(GuestSlot& slot, std::size_t g);
  void build_sockets(const scenario::StrategyChoice& choice);
  // A transmit queue for ACKs of the host's own sockets.
  TxDriver& ack_queue();
  void build_users(const scenario::StrategyChoice& choice);
  void build_user(std::size_t i, const scenario::StrategyChoice& choice);
  void make_area(UserSlot& slot, std::size_t i);
  void place_user(UserSlot& slot, std::size_t i);
  UserPagesParams pages_params(const UserSlot& slot, const BindEnvironment& env) const;
  void build_drop(const scenario::StrategyChoice& choice);
  void build_forward();
  void steer();
  std::uint32_t level(const std::string& component, const std::string& name, const std::string& unit, std::int64_t capacity);
  Core& core_for(std::size_t wanted, const char* key);
};

}  // namespace gd::system
