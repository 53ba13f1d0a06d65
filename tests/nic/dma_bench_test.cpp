// The measuring device alone: a link and a root that answers after a fixed time.
#include "models/nic/dma_bench.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "tests/nic/nic_bench.h"

using namespace gd;

namespace dma_bench_test {

struct Bench : sc_core::sc_module, test::OwnAgenda, Actor {
  using OwnAgenda::agenda;
  PhysMem memory{64u << 20, 1};
  Ownership ownership;
  Pcie pcie;
  tlm_utils::simple_target_socket<Bench> root{"root"}, interrupts{"interrupts"}, registers{"registers"};
  tlm_utils::simple_initiator_socket<Bench> core{"core"};
  FaultPlan plan;
  Hpa window;
  DmaBench device;
  Time memory_latency = 40 * kNs, begin = 0, end = 0;
  DmaBenchStats first, last;
  bool quiet = false;

  Bench(sc_core::sc_module_name n, const DmaBenchParams& p, const PcieParams& link = {}, FaultPlan f = {})
      : sc_module(n), Actor(agenda, rank::kWindow), pcie("pcie", agenda, link), plan(f),
        window(memory.alloc_contiguous(align_up(p.window, kPage), kPage)),
        device("device", agenda, p, memory, ownership, pcie.params(), window, window, &plan) {
    device.bus.bind(pcie.from_device);
    pcie.to_root.bind(root);
    pcie.to_interrupts.bind(interrupts);
    pcie.to_device.bind(registers);
    core.bind(pcie.from_cpu);
    root.register_b_transport(this, &Bench::access);
  }
  void access(tlm::tlm_generic_payload& gp, sc_core::sc_time& d) {
    if (gp.is_write()) std::memcpy(memory.at(gp.get_address()), gp.get_data_ptr(), gp.get_data_length());
    else std::memcpy(gp.get_data_ptr(), memory.at(gp.get_address()), gp.get_data_length());
    d += to_sc(memory_latency);
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  // Warm-up of 20 us, window of `length`, then until all is quiet. With several benches: prepare all, run one.
  void prepare(Time length = 200 * kUs) {
    begin = 20 * kUs, end = begin + length;
    wake_at(0);
  }
  void run(Time length = 200 * kUs) {
    if (end == 0) prepare(length);
    sc_core::sc_start(to_sc(end + 101 * kUs));
    ASSERT_FALSE(agenda.failure());
    ASSERT_TRUE(quiet);
    device.verify();
  }
  void act(Time now) override {
    if (now == 0) device.measure(begin, end), device.start(), wake_at(begin);
    else if (now == begin) first = device.stats(now), wake_at(end);
    else if (now == end) last = device.stats(now), device.stop(), wake_at(now + 100 * kUs);
    else quiet = device.quiet(now);
  }
  double rate() const { return static_cast<double>(last.completed - first.completed) / static_cast<double>(end - begin); }   // per ps
  double gbps(Bytes n) const { return rate() * static_cast<double>(n) * 8000; }
};

DmaBenchParams params(BenchOp op, Bytes n) {
  DmaBenchParams p;
  p.op = op;
  p.transfer = n;
  p.window = std::max<Bytes>(8192, align_up(n, 4096));
  return p;
}

// Payload that one direction can carry, by the bytes of its TLPs.
double limit(const PcieParams& link, BenchOp op, Bytes n) {
  const double rate = static_cast<double>(link_rate(link)) / 1e9;
  const double writes = rate * static_cast<double>(n) / static_cast<double>(write_tlps(link, 0, n).bytes);
  const double reads = std::min(rate * static_cast<double>(n) / static_cast<double>(completions(link, 0, n).bytes),
                                rate * static_cast<double>(n) / static_cast<double>(read_requests(link, 0, n).bytes));
  if (op == BenchOp::write) return writes;
  if (op == BenchOp::read) return reads;
  const double up = static_cast<double>(write_tlps(link, 0, n).bytes + read_requests(link, 0, n).bytes);
  return std::min(rate * static_cast<double>(n) / up, reads);
}

struct Shape { BenchOp op; Bytes n; unsigned generation, lanes; };
class Limits : public ::testing::TestWithParam<Shape> {};

TEST_P(Limits, NeverAboveTheLinkAndLittlesLawHolds) {
  const Shape& s = GetParam();
  PcieParams link;
  link.generation = s.generation, link.lanes = s.lanes;
  const DmaBenchParams p = params(s.op, s.n);
  Bench b("bench", p, link);
  b.run();
  EXPECT_EQ(b.last.integrity_errors, 0u);
  EXPECT_EQ(b.ownership.violations(), 0u);
  EXPECT_EQ(b.ownership.count(Owner::in_flight), 0u);
  ASSERT_GT(b.last.completed, b.first.completed);
  const double each = b.gbps(s.n) / (s.op == BenchOp::read_write ? 2 : 1);
  // The window's edges are an operation wide.
  EXPECT_LE(each, limit(link, s.op, s.n) * 1.0005 + static_cast<double>(s.n) * 8e-5 * 64);
  // Little: operations under way = rate x latency, for the program and for the places of the read engine.
  const double mean = static_cast<double>(b.device.latency().sum()) / static_cast<double>(b.device.latency().count());
  const double in_flight = static_cast<double>(b.last.in_flight_ps - b.first.in_flight_ps) / static_cast<double>(b.end - b.begin);
  if (b.last.completed - b.first.completed > 10'000) {
    EXPECT_NEAR(b.rate() * mean / in_flight, 1, 0.01);
  }
  if (b.last.reads > b.first.reads + 10'000) {
    const double reads = static_cast<double>(b.last.reads - b.first.reads) / static_cast<double>(b.end - b.begin);
    const double hold = static_cast<double>(b.last.read_hold_ps - b.first.read_hold_ps) / static_cast<double>(b.last.reads - b.first.reads);
    const double places = static_cast<double>(b.last.engine_reads_ps - b.first.engine_reads_ps) / static_cast<double>(b.end - b.begin);
    EXPECT_NEAR(reads * hold / places, 1, 0.01);
    EXPECT_LE(places, p.engine.outstanding_reads);
  }
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (BenchOp op : {BenchOp::read, BenchOp::write, BenchOp::read_write, BenchOp::write_read})
    for (Bytes n : {1, 63, 64, 65, 128, 255, 256, 257, 512, 1500, 4096}) all.push_back({op, n, 3, 8});
  for (unsigned generation : {1u, 2u, 4u, 5u})
    for (unsigned lanes : {1u, 16u})
      for (BenchOp op : {BenchOp::read, BenchOp::write}) all.push_back({op, 256, generation, lanes});
  return all;
}
INSTANTIATE_TEST_SUITE_P(DmaBench, Limits, ::testing::ValuesIn(shapes()));

// One operation at a time on an idle link: the sum of its parts, exactly.
TEST(DmaBench, LatencyIsTheSumOfItsParts) {
  PcieParams link;
  link.generation = 1, link.lanes = 4, link.dllp_ppm = 0;   // a byte is 1 ns
  DmaBenchParams p = params(BenchOp::write_read, 256);
  p.outstanding = 1;
  Bench b("bench", p, link);
  b.run();
  const DmaEngineParams& e = p.engine;
  const Time engine = e.setup + e.per_tlp + 4 * e.per_chunk;
  const Time write = e.enqueue + engine + 280 * kNs + e.complete;
  const Time read = e.enqueue + 24 * kNs + 2 * (link.link_latency + link.root_latency) + b.memory_latency + 276 * kNs + engine + e.complete;
  EXPECT_EQ(static_cast<Time>(b.device.latency().min()), write + read);
  EXPECT_EQ(static_cast<Time>(b.device.latency().max()), write + read);
}

// What a pool of credits or tags lets through in a round trip bounds transfers of any size, and all of them alike.
TEST(DmaBench, CreditsBoundTransfersOfAnySizeAlike) {
  struct Pool { BenchOp op; Bytes held; void (*set)(PcieParams&); };
  const Pool pools[] = {{BenchOp::read, 128, [](PcieParams& p) { p.tags = 1, p.max_read_request = 128; }},
                        {BenchOp::read, 12 * 128, [](PcieParams& p) { p.tags = 12, p.max_read_request = 128; }},
                        {BenchOp::read, 4 * 128, [](PcieParams& p) { p.nonposted_headers = 4, p.max_read_request = 128; }},
                        {BenchOp::write, 256, [](PcieParams& p) { p.posted_headers = 1; }},
                        {BenchOp::write, 512, [](PcieParams& p) { p.posted_buffer = 512; }},
                        {BenchOp::write, 6400, [](PcieParams& p) { p.posted_buffer = 6400; }}};
  constexpr Bytes sizes[] = {256, 1024, 3200, 3328, 4096};
  std::vector<std::unique_ptr<Bench>> benches;
  for (const Pool& pool : pools)
    for (Bytes n : sizes) {
      PcieParams link;
      link.link_latency = 300 * kNs;
      pool.set(link);
      DmaBenchParams p = params(pool.op, n);
      p.outstanding = static_cast<unsigned>(2 + 4 * pool.held / n);   // more than the pool, less than the drain's time
      benches.push_back(std::make_unique<Bench>(("b" + std::to_string(benches.size())).c_str(), p, link));
      benches.back()->prepare(2 * kMs);
    }
  benches.back()->run(2 * kMs);
  auto b = benches.begin();
  for (const Pool& pool : pools)
    for (Bytes n : sizes) {
      const PcieParams& link = (*b)->pcie.params();
      const bool tags = pool.op == BenchOp::read && link.tags < PcieParams{}.tags;
      const Bytes bytes = pool.op == BenchOp::write ? 280 : tags ? 24 + 148 : 24;
      const Time trip = 2 * link.link_latency + (tags ? 2 : 1) * link.root_latency + (*b)->memory_latency +
                        RateClock(link_rate(link)).peek(bytes * 8);
      const double bound = std::min(limit(link, pool.op, n), static_cast<double>(pool.held) * 8000 / static_cast<double>(trip));
      EXPECT_LE((*b)->gbps(n), bound * 1.01) << pool.held << ", " << n;
      EXPECT_GE((*b)->gbps(n), bound * 0.94) << pool.held << ", " << n;
      ++b;
    }
}

TEST(DmaBench, CommandsPassTheEngineBy) {
  PcieParams link;
  link.generation = 1, link.lanes = 4, link.dllp_ppm = 0;
  DmaBenchParams p = params(BenchOp::read, 8);
  p.outstanding = 1, p.command = true;
  Bench b("bench", p, link);
  b.run();
  EXPECT_EQ(static_cast<Time>(b.device.latency().max()), p.engine.command_enqueue + (24 + 28) * kNs + 2 * (link.link_latency + link.root_latency) +
                                                             b.memory_latency + p.engine.command_complete);
}

// pcie-bench on Haswell, measured; the device alone sets these.
struct Measured { BenchOp op; Bytes n; double gbps, tolerance; };
class Engine : public ::testing::TestWithParam<Measured> {};
TEST_P(Engine, MeasuredBandwidth) {
  const Measured& m = GetParam();
  Bench b("bench", params(m.op, m.n));
  b.run();
  EXPECT_NEAR(b.gbps(m.n) / (m.op == BenchOp::read_write ? 2 : 1), m.gbps, m.gbps * m.tolerance);
}
INSTANTIATE_TEST_SUITE_P(DmaBench, Engine,
                         ::testing::Values(Measured{BenchOp::write, 64, 24.27, 0.005}, Measured{BenchOp::write, 128, 42.40, 0.04},
                                           Measured{BenchOp::write, 256, 50.55, 0.02}, Measured{BenchOp::write, 257, 37.38, 0.07},
                                           Measured{BenchOp::write, 512, 54.44, 0.03}, Measured{BenchOp::write, 2048, 54.44, 0.01},
                                           Measured{BenchOp::read, 2048, 55.25, 0.035}, Measured{BenchOp::read_write, 256, 42.08, 0.1},
                                           Measured{BenchOp::read_write, 1536, 47.81, 0.1}));

// Places, buffers, lanes: the next bench is never slower than the one before.
TEST(DmaBench, MoreNeverHurts) {
  PcieParams link;
  DmaBenchParams p = params(BenchOp::read, 64);
  std::vector<std::unique_ptr<Bench>> benches;
  auto add = [&] { benches.push_back(std::make_unique<Bench>(("b" + std::to_string(benches.size())).c_str(), p, link)); };
  for (unsigned places : {4u, 8u, 16u, 32u, 256u}) p.engine.outstanding_reads = places, add();
  for (unsigned queue : {1u, 4u, 64u, 512u}) p.outstanding = queue, add();
  p = params(BenchOp::write, 512);
  for (unsigned buffers : {1u, 2u, 4u, 64u}) p.engine.write_buffers = buffers, add();
  for (unsigned lanes : {1u, 2u, 4u, 8u, 16u}) link.lanes = lanes, add();
  for (auto& b : benches) b->prepare();
  for (auto& b : benches)
    if (b == benches.front()) b->run();
  const std::size_t groups[][2] = {{0, 5}, {5, 9}, {9, 13}, {13, 18}};
  for (const auto& g : groups) {
    for (std::size_t i = g[0] + 1; i < g[1]; ++i) EXPECT_GE(benches[i]->last.completed + 2, benches[i - 1]->last.completed) << i;
    EXPECT_GT(benches[g[1] - 1]->last.completed, benches[g[0]]->last.completed) << g[0];
  }
}

struct Planted { Fault fault; BenchOp op; std::uint64_t errors, violations; };
class Faults : public ::testing::TestWithParam<Planted> {};
TEST_P(Faults, AreFound) {
  FaultPlan f;
  f.kind = GetParam().fault, f.frame = 7;
  Bench b("bench", params(GetParam().op, 64), {}, f);
  b.run(20 * kUs);
  b.ownership.expect(Owner::in_flight, 0, b.end, "at the end");
  EXPECT_EQ(b.device.stats(b.agenda.now()).integrity_errors > 0, GetParam().errors > 0);
  EXPECT_EQ(b.ownership.violations(), GetParam().violations);
}
INSTANTIATE_TEST_SUITE_P(DmaBench, Faults, ::testing::Values(Planted{Fault::none, BenchOp::read, 0, 0}, Planted{Fault::flip_nic, BenchOp::read, 1, 0},
                                                             Planted{Fault::flip_nic, BenchOp::write_read, 1, 0}, Planted{Fault::leak_buffer, BenchOp::read, 0, 1},
                                                             Planted{Fault::leak_buffer, BenchOp::write, 0, 1}));

TEST(DmaBench, RefusesWhatCannotBe) {
  DmaBenchParams p;
  p.transfer = 8192, p.offset = 1;
  EXPECT_THROW(check(p), UserError);
  p = {}, p.command = true, p.transfer = 129;
  EXPECT_THROW(check(p), UserError);
  p = {}, p.transfer = 0;
  EXPECT_THROW(check(p), UserError);
}

}  // namespace dma_bench_test
