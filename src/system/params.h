// The scenario's typed keys as the models' parameters. One function a model; nothing else happens here.
#pragma once
#include "models/base/costs.h"
#include "models/cpu/core.h"
#include "models/guest/guest.h"
#include "models/host/bridge.h"
#include "models/host/napi.h"
#include "models/host/reclaim.h"
#include "models/host/user_app.h"
#include "models/host/vhost_worker.h"
#include "models/iommu/iommu.h"
#include "models/memory/copy_engine.h"
#include "models/memory/memory.h"
#include "models/nic/nic.h"
#include "models/pcie/pcie.h"
#include "models/wire/link.h"
#include "models/wire/synthetic.h"
#include "models/wire/tcp_sender.h"
#include "src/scenario/scenario.h"

namespace gd::system {

constexpr Time kQuantum = 100 * kUs;                // of simulated time between visits to the kernel; changes no result
constexpr std::uint64_t kMemorySeed = 0x70616765;   // the scatter of pages is part of the machine, not of the seed

CostBook cost_book(const scenario::Scenario& s);
MemoryParams memory_params(const scenario::Scenario& s);
CopyEngineParams copy_engine_params(const scenario::Scenario& s);
CoreParams core_params(const scenario::Scenario& s);
IommuParams iommu_params(const scenario::Scenario& s);
PcieParams pcie_params(const scenario::Scenario& s);
// `device_rings`: its receive queues are guests' own rings, so that nobody but the card can replicate what is for all of them.
NicParams nic_params(const scenario::Scenario& s, std::uint32_t rx_queues, std::uint32_t tx_queues, bool device_rings = false);
NapiParams napi_params(const scenario::Scenario& s);
UserAppParams user_app_params(const scenario::Scenario& s, std::size_t application);
ReclaimParams reclaim_params(const scenario::Scenario& s);
VhostParams vhost_params(const scenario::Scenario& s);
BridgeParams bridge_params(const scenario::Scenario& s);
// Feature bits that the device side of a guest's queues offers: all, but for vhost of 2.6.35 those that came later.
// `device_ring`: the queues are the card's, not vhost's.
std::uint64_t offered_features(const scenario::Scenario& s, bool device_ring);
GuestParams guest_params(const scenario::Scenario& s, std::size_t guest);
Link::Params link_params(const scenario::Scenario& s);
Synthetic::Params synthetic_params(const scenario::Scenario& s);
TcpSender::Params tcp_params(const scenario::Scenario& s);
// The flows of synthetic traffic, spread over the guests.
std::vector<FlowHeader> flows(const scenario::Scenario& s);
// The guest of flow f is the f-th of these, modulo their number: each as often as its weight says, in turn.
std::vector<std::size_t> destinations(const scenario::Scenario& s);
// Hardware address of guest `guest`: its own, or 02:00:00:00:00:01 upwards.
std::uint64_t guest_mac(const scenario::Scenario& s, std::size_t guest);
// Refuses what the reader takes but this version cannot run. Throws UserError with the key's place.
void check_available(const scenario::Scenario& s);

}  // namespace gd::system
