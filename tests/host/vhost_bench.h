// The host's whole way to a guest on a scripted NIC and a scripted guest: driver, tap queue, vhost worker, transmit.
#pragma once
#include "tests/host/host_bench.h"

namespace gd::test {

struct VhostTest : HostBench {
  void open(const char* strategy = "vhost-copy", std::uint32_t queue_capacity = 1000, VhostParams p = {}, std::uint16_t ring = 256,
            std::uint64_t features = kModern) {
    env.gro = gro_on;
    env.vhost = p.rules;
    make_driver();
    bind(strategy, ring, features);
    tap = std::make_unique<TapQueue>(queue_capacity, phys, skbs_, frames, costs, backend, TapOffloads::of(features));
    worker = std::make_unique<VhostWorker>(p, *guest, frames, costs);
    worker_core = &add_core();
    worker_core->attach(*worker);
    if (neighbour) worker_core->attach(*neighbour);
    if (p.busy_poll) worker->use_timer(agenda, 4800);
    tap->connect(*worker);
    tx = std::make_unique<TxDriver>(0, 8, nic, phys, *iommu_, mmio, costs);
    worker->connect(*path, *tap, tx.get());
    guest->on_kick(*worker);
    start(strategy, tap.get());
  }
  // The guest posts; a kick follows when the device asked for one.
  void post(unsigned n, std::uint32_t length = 2048) {
    for (unsigned i = 0; i < n; ++i) guest->post(length);
    kick_if_wanted();
  }
  void kick_if_wanted() {
    if (!guest->driver.kick_needed(guest->view)) return;
    ++kicks;
    script.at(now() + kNs, [this](Time t) { worker->kick(0, t); });
  }
  // Used entries that carry frames; their frames end. Buffers are posted again when asked.
  unsigned harvest(bool again = false) {
    unsigned n = 0;
    for (const auto& u : guest->used()) {
      n += u.len > 0;
      if (again) guest->again(u.token);
    }
    take_frames();
    return n;
  }
  void send(const Frame& f) {
    Frame b(guest->tx_.header_length, 0);
    append(b, f);
    const Gpa at = guest->memory.alloc(2048, 2048);
    guest->memory.write(at, b.data(), b.size());
    const Segment g{at, static_cast<std::uint32_t>(b.size()), false};
    guest->tx_driver.add(guest->view, &g, 1, 0);
    guest->tx_driver.publish(guest->view);
    if (guest->tx_driver.kick_needed(guest->view)) script.at(now() + kNs, [this](Time t) { worker->kick(1, t); });
  }
  std::unique_ptr<TapQueue> tap;
  std::unique_ptr<VhostWorker> worker;
  std::unique_ptr<TxDriver> tx;
  bool gro_on = false;
  const char* backend = "tap";
  Task* neighbour = nullptr;     // another thread on the worker's core
  Core* worker_core = nullptr;
  unsigned kicks = 0;
};

}  // namespace gd::test
