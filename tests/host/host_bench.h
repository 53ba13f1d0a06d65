// The host's receive software on a scripted NIC: the driver's ring is real memory, doorbells come over the MMIO bus, and
// every frame is written and reported by the test.
#pragma once
#include <map>

#include "models/host/gro_stage.h"
#include "models/host/host_socket.h"
#include "models/host/napi.h"
#include "models/host/tap_queue.h"
#include "models/host/transmit.h"
#include "models/host/vhost_worker.h"
#include "tests/buffers/path_bench.h"
#include "tests/host/sinks.h"

namespace gd::test {

// Registers and rings; bus addresses are host addresses.
struct StubNic : sc_core::sc_module, NicControl {
  explicit StubNic(sc_core::sc_module_name n) : sc_module(n), registers("registers") {
    registers.register_b_transport(this, &StubNic::write);
  }
  void write(tlm::tlm_generic_payload& gp, sc_core::sc_time&) {
    std::uint32_t v = 0;
    std::memcpy(&v, gp.get_data_ptr(), 4);
    writes.push_back({gp.get_address(), v, from_sc(sc_core::sc_time_stamp())});
    if (gp.get_address() == reg::rx_tail(0)) tail = v;
    if (gp.get_address() == reg::irq_enable(0) || gp.get_address() == reg::rx_arm(0)) armed = true;
    gp.set_response_status(refuse ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_OK_RESPONSE);
  }
  std::uint32_t rx_queues() const override { return 1; }
  void configure_rx(std::uint32_t, const RxQueueConfig& c) override { rx = c; }
  void configure_tx(std::uint32_t, const TxQueueConfig& c) override { tx = c; }
  void configure_virtio_rx(std::uint32_t, const VirtioQueueConfig&) override {}
  void configure_virtio_tx(std::uint32_t, const VirtioQueueConfig&) override {}
  void steer(std::uint64_t, std::uint16_t, std::uint32_t, std::uint32_t) override {}
  FrameRef take_frame(std::uint32_t, std::uint32_t slot) override {
    const auto i = visible.find(slot);
    if (i == visible.end()) return kNoFrame;
    const FrameRef f = i->second;
    visible.erase(i);
    return f;
  }
  bool rx_drained(std::uint32_t) const override { return false; }
  std::uint32_t rx_head(std::uint32_t) const override { return head; }
  void give_frame(std::uint32_t, std::uint32_t slot, FrameRef f) override { given[slot] = f; }
  struct Write {
    std::uint64_t offset;
    std::uint32_t value;
    Time at;
  };
  std::size_t count(std::uint64_t offset) const {
    return static_cast<std::size_t>(std::count_if(writes.begin(), writes.end(), [&](const Write& w) { return w.offset == offset; }));
  }
  tlm_utils::simple_target_socket<StubNic> registers;
  RxQueueConfig rx;
  TxQueueConfig tx;
  std::vector<Write> writes;
  std::map<std::uint32_t, FrameRef> visible, given;
  std::uint32_t head = 0, tail = 0;
  bool armed = false, refuse = false;
};

// The frames as the bench sent them.
struct Sent : ExpectedBytes {
  explicit Sent(std::vector<Frame>& f) : all(f) {}
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t n) override {
    const Frame& b = all[f.id];
    return at + n <= b.size() && std::memcmp(&b[at], data, n) == 0;
  }
  std::vector<Frame>& all;
};

struct HostBench : PathBench {
  HostBench() : nic("nic"), mmio("mmio", costs) { mmio.socket.bind(nic.registers); }
  static GroParams gro_params(bool enabled, GroRules rules, std::uint32_t hz = 250) {
    GroParams p;
    p.enabled = enabled;
    p.rules = rules;
    p.hz = hz;
    return p;
  }
  // The driver's queue; before bind() where the path must be able to wake it.
  void make_driver(NapiParams p = {}) {
    p.ring_size = env.ring_size;
    napi = std::make_unique<NapiQueue>(0, p, nic, mmio, phys, *iommu_, frames, fault, costs);
    softirq = napi.get();
  }
  // The driver over the bound path; `sink` null: the stub above; `on` null: on the first core.
  void start(const char* strategy, PacketSink* sink = nullptr, NapiParams p = {}, GroRules rules = GroRules::linux_6, Core* on = nullptr) {
    if (!napi) make_driver(p);
    if (!path) bind(strategy);
    gro = std::make_unique<GroStage>(gro_params(env.gro, rules, hz), phys, skbs_, frames, costs);
    napi->connect(*path, *gro, sink ? *sink : up);
    Core& c = on ? *on : core();
    c.attach(napi->irq());
    c.attach(*napi);
    napi->start(0);
    run(now() + 100 * kUs);
  }
  // The NIC receives a frame now; an interrupt when armed. False: no descriptor.
  bool receive(const Frame& bytes, bool checked = true, bool l4_error = false) {
    if (nic.head == nic.tail) return false;
    slots.assign(env.ring_size, {});
    head = nic.head;
    for (unsigned i = 0; i < env.ring_size; ++i)
      slots[i] = {phys.load<std::uint64_t>(nic.rx.ring + i * 16), phys.load<std::uint64_t>(nic.rx.ring + i * 16 + 8)};
    queue = nic.rx;
    const FrameRef f = wire(bytes);
    std::vector<RxWriteback> done = dma(bytes, checked);
    for (std::size_t i = 0; i < done.size(); ++i) {
      done[i].l4_error = l4_error;
      const auto q = RxDescriptor::encode(done[i]);
      phys.store(nic.rx.ring + nic.head * 16, q[0]);
      phys.store(nic.rx.ring + nic.head * 16 + 8, q[1]);
      if (i + 1 == done.size()) nic.visible[nic.head] = f;
      nic.head = (nic.head + 1) % env.ring_size;
    }
    if (nic.armed) {
      nic.armed = false;
      script.at(now() + kNs, [this](Time t) { napi->irq().interrupt(0, t); });
    }
    return true;
  }
  void wait(Time t = 200 * kUs) { run(now() + t); }

  std::uint32_t hz = 250;
  StubNic nic;
  MmioBus mmio;
  StubUp up;
  std::unique_ptr<NapiQueue> napi;
  std::unique_ptr<GroStage> gro;
};

}  // namespace gd::test
