#include "models/memory/memory.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include "models/ports/dma.h"

namespace gd {
namespace {

constexpr Bytes kMiB = 1024 * 1024;

struct Device : sc_core::sc_module {
  explicit Device(sc_core::sc_module_name name) : sc_module(name), port("port") {}
  tlm_utils::simple_initiator_socket<Device> port;
};

struct MemorySystemTest : ::testing::Test {
  MemorySystemTest() : agenda("agenda"), phys(64 * kMiB, 1), memory("memory", agenda, phys, params(), 1), device("device") {
    device.port.bind(memory.socket);
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
  }
  static MemoryParams params() {
    MemoryParams p;
    p.llc_size = kMiB;
    p.dram_channels = 2;
    p.dram_channel_rate = 16'000'000'000;
    for (Time& t : p.dram_loaded) t = 0;
    return p;
  }
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
  Device device;
};

// Default latencies: hit 16 ns, DRAM 82 ns more; 8 fills of a stream at once.
TEST_F(MemorySystemTest, CpuStalls) {
  struct Row {
    Touch how;
    Hpa a;
    Bytes len;
    Time stall;
  };
  for (const Row& r : {Row{Touch::load, 0x10000, 64, 98'000}, Row{Touch::load, 0x10000, 8, 16'000}, Row{Touch::load, 0x10030, 0x20, 16'000 + 98'000},
                       Row{Touch::store, 0x11000, 64, 49'000}, Row{Touch::store, 0x11000, 64, 8'000}, Row{Touch::stream_load, 0x12000, 1536, 24 * 98'000 / 8},
                       Row{Touch::stream_store, 0x12000, 1536, 24 * 16'000 / 8}, Row{Touch::load, 0x12000, 0, 0}})
    EXPECT_EQ(memory.cpu(0, r.a, r.len, r.how, false), r.stall) << std::hex << r.a;
  EXPECT_EQ(memory.stats().cpu_misses, 1u + 1 + 1 + 24);
  EXPECT_EQ(memory.stats().dram_read_bytes, 27u * 64);
  EXPECT_EQ(memory.stats().guest_misses, 0u);
  memory.cpu(0, 0x20000, 128, Touch::load, true);
  EXPECT_EQ(memory.stats().guest_misses, 2u);
}

// LLC from the root complex: 20 ns.
TEST_F(MemorySystemTest, DeviceAccesses) {
  struct Row {
    bool write;
    Hpa a;
    Bytes len;
    Time t;
    std::uint64_t dram_read;   // bytes by then
  };
  for (const Row& r : {Row{true, 0x10000, 1536, 20'000, 0},             // full lines: allocated without a fetch
                       Row{true, 0x10000, 1500, 20'000, 0},             // hit
                       Row{false, 0x10000, 1536, 20'000, 0},            // read hit
                       Row{true, 0x20000, 100, 102'000, 64},            // the second line is written in part: fetched
                       Row{true, 0x21010, 0x10, 102'000, 128},          // one line in part
                       Row{true, 0x22020, 0x40, 102'000, 256},          // both ends in part
                       Row{false, 0x30000, 64, 102'000, 320},           // read from DRAM
                       Row{false, 0x30000, 640, 102'000 + 18'000, 960}})// ten lines: nine more at 2 ns
  {
    EXPECT_EQ(r.write ? memory.device_write(0, 0, r.a, r.len) : memory.device_read(0, 0, r.a, r.len), r.t) << std::hex << r.a;
    EXPECT_EQ(memory.stats().dram_read_bytes, r.dram_read) << std::hex << r.a;
  }
  EXPECT_EQ(memory.stats().ddio_allocs, 24u + 2 + 1 + 2);
  EXPECT_EQ(memory.stats().ddio_hits, 24u);
  EXPECT_EQ(memory.stats().device_read_hits, 24u);
  EXPECT_EQ(memory.stats().device_read_misses, 11u);
}

TEST_F(MemorySystemTest, CpuSeesWhatTheDeviceWrote) {
  memory.device_write(0, 0, 0x40000, 1536);
  EXPECT_EQ(memory.cpu(0, 0x40000, 1536, Touch::load, false), 24 * 16'000);
}

// Two users that always ask again when they are served share the rate; one alone has it all.
TEST_F(MemorySystemTest, TwoUsersOfDramSlowEachOther) {
  const auto served = [this](unsigned users, Hpa base) {
    Time t = 0;
    const Time begin = 100 * kUs * (base ? 1 : 0);
    Bytes each = 0;
    Hpa a = 8 * kMiB + base;
    for (Time now = begin; t < 50 * kUs; now = begin + t) {
      Time longest = 0;
      for (unsigned u = 0; u < users; ++u, a += 4096) longest = std::max(longest, memory.device_read(now, now, a, 4096));
      each += 4096;
      t += longest;
    }
    return each;
  };
  const Bytes alone = served(16, 0), with_other = served(32, 16 * kMiB);
  EXPECT_LT(with_other * 10, alone * 6);
  EXPECT_LE(alone * 16, Bytes{32} * 1000 * 52);
  EXPECT_LE(with_other * 32, Bytes{32} * 1000 * 56);
}

TEST_F(MemorySystemTest, TransportMovesBytesAndAddsTime) {
  DmaTransaction dma;
  std::uint8_t out[200], in[200] = {};
  for (unsigned i = 0; i < sizeof out; ++i) out[i] = static_cast<std::uint8_t>(i);
  sc_core::sc_time delay = to_sc(5 * kNs);
  auto& w = dma.prepare(tlm::TLM_WRITE_COMMAND, 0x50000, out, 192, false);
  device.port->b_transport(w, delay);
  EXPECT_TRUE(w.is_response_ok());
  EXPECT_EQ(from_sc(delay), 25 * kNs);
  EXPECT_EQ(dma.info().hpa, 0x50000u);
  EXPECT_EQ(phys.load<std::uint8_t>(0x50000 + 191), 191);
  EXPECT_EQ(phys.load<std::uint8_t>(0x50000 + 192), 0);

  auto& r = dma.prepare(tlm::TLM_READ_COMMAND, 0x50000, in, 192, false);
  device.port->b_transport(r, delay);
  EXPECT_EQ(from_sc(delay), 45 * kNs);
  EXPECT_EQ(std::memcmp(in, out, 192), 0);
}

TEST_F(MemorySystemTest, TimingOnlyMovesNothing) {
  DmaTransaction dma;
  std::uint64_t word = 0x1122334455667788;
  sc_core::sc_time delay;
  device.port->b_transport(dma.prepare(tlm::TLM_WRITE_COMMAND, 0x50000, &word, 8, true), delay);
  EXPECT_EQ(phys.load<std::uint64_t>(0x50000), 0u);
  EXPECT_EQ(from_sc(delay), 102 * kNs);
}

TEST_F(MemorySystemTest, OutsideOfMemoryIsAFault) {
  DmaTransaction dma;
  std::uint64_t word = 0;
  sc_core::sc_time delay;
  auto& gp = dma.prepare(tlm::TLM_WRITE_COMMAND, 64 * kMiB - 4, &word, 8, false);
  device.port->b_transport(gp, delay);
  EXPECT_EQ(gp.get_response_status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  EXPECT_TRUE(dma.info().fault);
  EXPECT_EQ(from_sc(delay), 0);
}

TEST(MemorySystemOptions, WithoutDdioWritesGoToDram) {
  Agenda agenda("agenda");
  PhysMem phys(64 * kMiB, 1);
  MemoryParams p = MemorySystemTest::params();
  p.ddio_ways = 0;
  MemorySystem memory("memory", agenda, phys, p, 1);
  memory.cpu(0, 0x10000, 64, Touch::load, false);
  EXPECT_EQ(memory.device_write(0, 0, 0x10000, 1536), 20 * kNs);
  EXPECT_EQ(memory.stats().dram_write_bytes, 1536u);
  EXPECT_EQ(memory.stats().ddio_bypassed, 24u);
  EXPECT_EQ(memory.cpu(0, 0x10000, 64, Touch::load, false), 98 * kNs);
}

}  // namespace
}  // namespace gd
