// An Iommu between a device of the test's own and a MemorySystem with round latencies, and a core that runs scripts.
// A page-table entry costs 60 ns from DRAM and 10 ns from the cache; a full-line write 10 ns.
#pragma once
#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <functional>
#include <memory>
#include <vector>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/iommu/iommu.h"

namespace gd {

// Between IOMMU and memory, where a test asks for it: notes what passes, makes some of it slower, refuses some.
struct Between : sc_core::sc_module {
  struct Seen {
    Hpa at;
    Bytes length;
    bool operator==(const Seen&) const = default;
  };
  explicit Between(sc_core::sc_module_name n) : sc_module(n), in("in"), out("out") { in.register_b_transport(this, &Between::b_transport); }
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
    seen.push_back({gp.get_address(), gp.get_data_length()});
    EXPECT_EQ(gp.get_streaming_width(), gp.get_data_length());
    if (seen.size() == refused) return gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    out->b_transport(gp, delay);
    if (seen.size() <= later.size()) delay += to_sc(later[seen.size() - 1]);
  }
  tlm_utils::simple_target_socket<Between> in;
  tlm_utils::simple_initiator_socket<Between> out;
  std::vector<Seen> seen;
  std::vector<Time> later;      // by transaction
  std::size_t refused = 0;      // which transaction; 0: none
};

struct IommuBench : sc_core::sc_module {
  struct Script : Task {
    Script() : Task("driver", Priority::thread) {}
    std::function<void(Step&)> body;
    bool step(Step& s) override {
      body(s);
      return false;
    }
  };
  struct Alarm : Actor {
    Alarm(Agenda& a, std::uint32_t index) : Actor(a, rank::kNic + index) {}
    std::function<void(Time)> body;
    void at(Time t, std::function<void(Time)> f) { body = std::move(f), wake_only_at(t); }
    void act(Time now) override { body(now); }
  };

  static IommuParams params(IommuMode mode) {
    IommuParams p;
    p.mode = mode;
    p.walk_overhead = 100 * kNs;
    return p;
  }
  static MemoryParams memory_params() {
    MemoryParams p;
    p.llc_size = 1 << 20;
    p.llc_device = 10 * kNs;
    p.dram_idle = 50 * kNs;
    for (Time& t : p.dram_loaded) t = 0;
    p.dram_channel_rate = 1'000'000'000'000;   // never the limit here
    return p;
  }
  static constexpr std::uint64_t kMap = 1'000'000, kMapPage = 100'000, kUnmap = 700'000, kUnmapPage = 50'000,
                                 kInvalidate = 3'000'000, kFlush = 2'000'000, kFlushOne = 10'000, kDma = 20'000;

  Agenda agenda{"agenda"};
  PhysMem phys{256 << 20, 1};
  MemorySystem memory{"memory", agenda, phys, memory_params(), 1};
  CostBook costs;
  Ledger ledger;
  std::unique_ptr<Iommu> iommu;
  std::unique_ptr<Core> core;
  Script script;
  std::vector<std::unique_ptr<Script>> more_scripts;   // of the further cores
  std::vector<std::unique_ptr<Core>> more_cores;
  Alarm begin{agenda, 0}, end{agenda, 1};
  tlm_utils::simple_initiator_socket<IommuBench> device{"device"};
  DmaTransaction t;
  std::vector<unsigned char> bytes = std::vector<unsigned char>(65536);
  std::vector<Time> under_way = std::vector<Time>(16);
  std::size_t turns = 0;

  IommuBench(sc_core::sc_module_name name, const IommuParams& p, std::uint64_t seed = 1, unsigned cores = 1, Between* between = nullptr) : sc_module(name) {
    costs.define("dma.map", kDma, 0, "");
    costs.define("dma.unmap", kDma, 0, "");
    costs.define("iommu.map", kMap, kMapPage, "page");
    costs.define("iommu.unmap", kUnmap, kUnmapPage, "page");
    costs.define("iommu.invalidate", kInvalidate, 0, "");
    costs.define("iommu.flush", kFlush, kFlushOne, "queued unmap");
    for (const char* n : {"sched.context_switch", "sched.wakeup", "irq.entry", "vm.world_switch"}) costs.define(n, 0, 0, "");
    iommu = std::make_unique<Iommu>("iommu", agenda, p, memory, costs, seed);
    core = std::make_unique<Core>(agenda, 0, CoreParams{}, memory, ledger, costs);
    core->attach(script);
    for (unsigned i = 1; i < cores; ++i) {
      more_scripts.push_back(std::make_unique<Script>());
      more_cores.push_back(std::make_unique<Core>(agenda, i, CoreParams{}, memory, ledger, costs));
      more_cores.back()->attach(*more_scripts.back());
    }
    ledger.seal(costs.entries().size());
    device.bind(iommu->from_bus);
    if (between) iommu->to_memory.bind(between->in), between->out.bind(memory.socket);
    else iommu->to_memory.bind(memory.socket);
  }

  void start() {
    if (sc_core::sc_get_status() == sc_core::SC_ELABORATION) sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
  // A DMA at present time + delay; its completion, absolute.
  Time dma(tlm::tlm_command c, Iova a, Bytes n, Time delay = 0, std::uint16_t domain = 0, bool timing_only = false) {
    start();
    sc_core::sc_time d = to_sc(delay);
    t.info().domain = domain;
    tlm::tlm_generic_payload& gp = t.prepare(c, a, bytes.data(), n, timing_only);
    device->b_transport(gp, d);
    EXPECT_EQ(gp.get_response_status() == tlm::TLM_OK_RESPONSE, !t.info().fault);
    // Nobody on the way leaves marks on the payload.
    EXPECT_EQ(gp.get_address(), a);
    EXPECT_EQ(gp.get_data_ptr(), bytes.data());
    EXPECT_EQ(gp.get_data_length(), n);
    EXPECT_EQ(gp.get_streaming_width(), n);
    status = gp.get_response_status();
    return agenda.now() + from_sc(d);
  }
  Time write(Iova a, Bytes n = 64, Time delay = 0, std::uint16_t domain = 0) { return dma(tlm::TLM_WRITE_COMMAND, a, n, delay, domain); }
  // The same, as long as simulated time stands: with at most so many under way, each begins when the one that many before it has ended.
  Time write_in_turn(Iova a) {
    Time& place = under_way[turns++ % under_way.size()];
    return place = write(a, 64, place);
  }
  tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;   // of the last DMA
  bool blocked() { return t.info().fault; }
  static Time kernel_now() { return from_sc(sc_core::sc_time_stamp()); }
  // Wakes the core now to run `body` as one step, and runs everything up to `until`, which is the present time then.
  void run(std::function<void(Step&)> body, Time until) {
    start();
    script.body = std::move(body);
    begin.at(kernel_now(), [this](Time now) { script.wake(now); });
    end.at(until, [](Time) {});
    sc_core::sc_start(to_sc(until + 1 - kernel_now()));   // events at the very end are not run
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
    ASSERT_EQ(agenda.now(), until);
  }
  const Ledger::Cell& cell(const char* op) { return ledger.cell(script.row(), costs.account(op)); }
};

}  // namespace gd
