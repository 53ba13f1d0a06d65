// A Nic on a bus of the test's own: every write is visible kWrite after its issue, every read back after kRead, in order
// of issue; a log of transactions; a driver that posts buffers and takes frames. Times in the tests follow from these.
#pragma once
#include <gtest/gtest.h>
#include <tlm_utils/simple_target_socket.h>

#include <functional>
#include <map>
#include <vector>

#include "models/nic/nic.h"
#include "tests/packet/frames.h"

namespace gd::test {

// Before the actor that it holds.
struct OwnAgenda {
  Agenda agenda{"agenda"};
};

struct NicBench : sc_core::sc_module, OwnAgenda, Actor, TxWire {
  using OwnAgenda::agenda;
  static constexpr Time kWrite = 400 * kNs, kRead = 600 * kNs, kMmio = 100 * kNs;
  struct Seen {
    Time issued, visible;
    bool write;
    Iova address;
    Bytes length;
    std::uint32_t value;   // of a message
  };
  struct Sent {
    Time at;
    Frame bytes;
  };

  PhysMem phys{64 << 20, 1};
  Ownership ownership;
  FrameTable frames;
  FaultPlan plan;
  Nic nic;
  tlm_utils::simple_target_socket<NicBench> memory{"memory"};
  tlm_utils::simple_initiator_socket<NicBench> core{"core"};
  std::vector<Seen> log, messages;
  std::vector<Sent> sent;
  Time wire_free = 0, wire_per_frame = 0;
  Iova blocked_from = 1, blocked_to = 0;   // bus addresses that fault

  explicit NicBench(sc_core::sc_module_name name, const NicParams& p = quiet(), const FaultPlan& f = {},
                    Observer* watcher = nullptr)
      : sc_module(name), Actor(agenda, rank::kCore), plan(f), nic("nic", agenda, p, phys, ownership, frames, &plan, watcher) {
    nic.bus.bind(memory);
    core.bind(nic.registers);
    memory.register_b_transport(this, &NicBench::dma);
    nic.connect(this);
  }
  // Defaults without interrupt moderation.
  static NicParams quiet() {
    NicParams p;
    p.rx_queues = p.tx_queues = 4;
    p.moderation_delay = 0;
    return p;
  }

  // What the test does at a time, before sc_start.
  void at(Time t, std::function<void()> f) {
    todo_.emplace(t, std::move(f));
    wake_at(t);
  }
  void run(Time until) {
    sc_core::sc_start(to_sc(until) - sc_core::sc_time_stamp());
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
  }
  void act(Time now) override {
    while (!todo_.empty() && todo_.begin()->first <= now) {
      auto f = std::move(todo_.begin()->second);
      todo_.erase(todo_.begin());
      f();
    }
    if (!todo_.empty()) wake_at(todo_.begin()->first);
  }

  // Visible at the device after kMmio.
  void write_register(std::uint64_t offset, std::uint32_t value) {
    tlm::tlm_generic_payload gp;
    gp.set_command(tlm::TLM_WRITE_COMMAND);
    gp.set_address(offset);
    gp.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    gp.set_data_length(4);
    gp.set_streaming_width(4);
    sc_core::sc_time d = to_sc(kMmio);
    core->b_transport(gp, d);
  }
  FrameRef arrive(const Frame& bytes, std::uint16_t payload_offset = 54) {
    kept_.push_back(std::make_unique<Frame>(bytes));
    const FrameRef f = frames.create();
    FrameMeta& m = frames[f];
    m.bytes = kept_.back()->data();
    m.length = static_cast<std::uint32_t>(bytes.size());
    m.payload_offset = payload_offset;
    m.payload_length = m.length > payload_offset ? m.length - payload_offset : 0;
    frames.offered(f, agenda.now());
    nic.frame_arrived(f, agenda.now());
    return f;
  }

  void transmit(const std::uint8_t* bytes, std::uint32_t length, Time now) override {
    sent.push_back({now, Frame(bytes, bytes + length)});
    wire_free = std::max(now, wire_free) + wire_per_frame;
  }
  Time free_at() const override { return wire_free; }

  // Log entries of [a, a + n).
  std::vector<Seen> accesses(Iova a, Bytes n, bool write) const {
    std::vector<Seen> r;
    for (const Seen& s : log)
      if (s.write == write && s.address >= a && s.address < a + n) r.push_back(s);
    return r;
  }

 private:
  void dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
    DmaInfo* info = gp.get_extension<DmaInfo>();
    const Iova a = gp.get_address();
    const Bytes n = gp.get_data_length();
    const Time issued = agenda.now() + from_sc(delay);
    if (gp.is_write() && a - kMsiBase < kMsiSize) {
      std::uint32_t vector;
      std::memcpy(&vector, gp.get_data_ptr(), 4);
      messages.push_back({issued, issued + kWrite, true, a, n, vector});
      delay += to_sc(kWrite);
      gp.set_response_status(tlm::TLM_OK_RESPONSE);
      return;
    }
    const Time done = issued + (gp.is_write() ? kWrite : kRead);
    delay = to_sc(done - agenda.now());
    log.push_back({issued, done, gp.is_write(), a, n, 0});
    EXPECT_EQ(a / kPage, (a + n - 1) / kPage) << "a transaction crosses a page border";
    if ((a >= blocked_from && a < blocked_to) || !phys.contains(a, n)) {
      info->fault = true;
      gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    info->hpa = a;
    if (!info->timing_only) {
      if (gp.is_write()) std::memcpy(phys.at(a), gp.get_data_ptr(), n);
      else std::memcpy(gp.get_data_ptr(), phys.at(a), n);
    }
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  std::multimap<Time, std::function<void()>> todo_;
  std::vector<std::unique_ptr<Frame>> kept_;
};

// The driver's side of a receive ring; bus addresses are host addresses.
struct TestRing {
  NicBench& b;
  std::uint32_t queue;
  RxQueueConfig c;
  Hpa packets, headers;
  std::uint32_t tail = 0, head = 0;
  std::vector<BufferId> buffers;

  TestRing(NicBench& bench, std::uint32_t q, RxQueueConfig config, Bytes stride = 2048) : b(bench), queue(q), c(config) {
    c.ring = b.phys.alloc_contiguous(c.size * 16, 4096);
    packets = b.phys.alloc_contiguous(c.size * stride, 4096);
    headers = b.phys.alloc_contiguous(c.size * 1024, 4096);
    for (std::uint32_t i = 0; i < c.size; ++i) {
      b.phys.store(c.ring + i * 16, packet(i, stride));
      b.phys.store(c.ring + i * 16 + 8, header(i));
      buffers.push_back(b.ownership.add(packets + i * stride, stride, Owner::posted, Ownership::Home::host));
      b.ownership.add(headers + i * 1024, 1024, Owner::posted, Ownership::Home::host);
    }
    stride_ = stride;
    b.nic.configure_rx(queue, c);
  }
  Hpa packet(std::uint32_t i, Bytes stride) const { return packets + i * stride; }
  Hpa packet(std::uint32_t i) const { return packets + i * stride_; }
  Hpa header(std::uint32_t i) const { return headers + i * 1024; }
  // Rewrites the descriptors (a write-back has replaced them) and rings the doorbell.
  void post(std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i, tail = (tail + 1) % c.size) {
      b.phys.store(c.ring + tail * 16, packet(tail));
      b.phys.store(c.ring + tail * 16 + 8, header(tail));
    }
    b.write_register(reg::rx_tail(queue), tail);
  }
  RxWriteback done(std::uint32_t i) const {
    return RxDescriptor::decode(b.phys.load<std::uint64_t>(c.ring + i * 16), b.phys.load<std::uint64_t>(c.ring + i * 16 + 8));
  }
  // Descriptors done from `head` on; their frames are taken and delivered.
  std::uint32_t reap() {
    std::uint32_t n = 0;
    while (n < c.size && done(head).done) {
      const FrameRef f = b.nic.take_frame(queue, head);
      if (f != kNoFrame) b.frames.delivered(f, b.agenda.now()), taken.push_back(f);
      b.phys.store(c.ring + head * 16 + 8, std::uint64_t{0});
      head = (head + 1) % c.size;
      ++n;
    }
    return n;
  }
  Frame bytes(Hpa a, Bytes n) const { return Frame(b.phys.at(a), b.phys.at(a) + n); }
  std::vector<FrameRef> taken;

 private:
  Bytes stride_ = 0;
};

}  // namespace gd::test
