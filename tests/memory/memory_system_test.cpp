#include "models/memory/memory.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <vector>

#include "models/ports/dma.h"

namespace gd {
namespace memory_system_test {

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

// A line is there for others when its fill has come; who waited for it himself does not wait again.
TEST_F(MemorySystemTest, HitAfterFillWaits) {
  constexpr Time kFill = 98 * kNs;   // LLC and DRAM
  struct Row {
    const char* what;
    Time at;
    unsigned core;   // 9: the device reads
    Time time;
    std::uint64_t waits;
  };
  memory.cpu(0, 0x10000, 64, Touch::load, false, 0);
  for (const Row& r : {Row{"the same core", 10'000, 0, 16'000, 0}, Row{"another device's read", 20'000, 9, kFill - 20'000, 1},
                       Row{"another core", 30'000, 1, kFill - 30'000, 2}, Row{"later", 98'000, 2, 16'000, 2}, Row{"a read later", 98'000, 9, 20'000, 2}}) {
    const Time t = r.core == 9 ? memory.device_read(0, r.at, 0x10000, 64) : memory.cpu(r.at, 0x10000, 64, Touch::load, false, r.core);
    EXPECT_EQ(t, r.time) << r.what;
    EXPECT_EQ(memory.stats().fill_waits, r.waits) << r.what;
  }
  // A device's partial write fetches its line; the next one into the line waits for it, its neighbour does not.
  EXPECT_EQ(memory.device_write(0, 0, 0x20000, 16), 102 * kNs);
  EXPECT_EQ(memory.device_write(0, 2'000, 0x20010, 16), 100 * kNs);
  EXPECT_EQ(memory.device_write(0, 2'000, 0x20040, 64), 20 * kNs);
  EXPECT_EQ(memory.cpu(2'000, 0x20000, 16, Touch::load, false), 100 * kNs);
  EXPECT_EQ(memory.device_write(0, 102'000, 0x20020, 16), 20 * kNs);
}

struct PrivateCacheTest : ::testing::Test {
  PrivateCacheTest() : agenda("agenda"), phys(64 * kMiB, 1), memory("memory", agenda, phys, params(), 1) {}
  static MemoryParams params() {
    MemoryParams p = MemorySystemTest::params();
    p.private_size = 64 * 1024;
    p.private_hit = 4 * kNs;
    return p;
  }
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
};

TEST_F(PrivateCacheTest, WhatTheCoreTouchedIsNear) {
  struct Row {
    const char* what;
    Hpa a;
    Bytes len;
    Touch how;
    unsigned core;
    Time stall;
    std::uint64_t lookups;   // of the LLC, by then
  };
  Time at = kMs;
  for (const Row& r : {Row{"cold", 0x10000, 1536, Touch::stream_load, 0, 24 * 98'000 / 8, 24},
                       Row{"again", 0x10000, 1536, Touch::stream_load, 0, 24 * 4'000 / 8, 24},
                       Row{"a part of it", 0x10100, 64, Touch::load, 0, 4'000, 24},
                       Row{"a store: the LLC must hear of it", 0x10000, 64, Touch::store, 0, 16'000 / 2, 25},
                       Row{"a store again", 0x10000, 64, Touch::store, 0, 4'000 / 2, 25},
                       Row{"more than was touched", 0x10000, 2048, Touch::stream_load, 0, (24 * 16'000 + 8 * 98'000) / 8, 57},
                       Row{"another core", 0x10000, 1536, Touch::stream_load, 1, 24 * 16'000 / 8, 81},
                       Row{"has taken it over", 0x10000, 1536, Touch::stream_load, 0, 24 * 16'000 / 8, 105}}) {
    EXPECT_EQ(memory.cpu(at, r.a, r.len, r.how, false, r.core), r.stall) << r.what;
    EXPECT_EQ(memory.stats().lookups, r.lookups) << r.what;
    at += kUs;
  }
  EXPECT_EQ(memory.stats().private_hits, 24u + 1 + 1);
  // What a device writes is nobody's.
  memory.device_write(at, at, 0x10000, 64);
  EXPECT_EQ(memory.cpu(at + kUs, 0x10000, 64, Touch::load, false, 0), 16'000);
  EXPECT_EQ(memory.cpu(at + kUs, 0x10040, 64, Touch::load, false, 0), 4'000);
}

// 64 KiB: a line leaves when the core has brought in 1024 others since its last use.
TEST_F(PrivateCacheTest, LeastRecentlyUsedLeaves) {
  for (unsigned others : {1023u, 1025u}) {
    const Hpa base = kMiB * others / 512 & ~(kMiB - 1);
    memory.cpu(0, base, 64, Touch::load, false, 2);
    for (unsigned i = 0; i < others - 1; ++i) memory.cpu(0, base + kMiB + i * 64, 64, Touch::load, false, 2);
    const bool kept = memory.cpu(kMs, base, 64, Touch::load, false, 2) == 4'000;
    EXPECT_EQ(kept, others < 1024) << others;
  }
}

struct RemoteTest : ::testing::Test {
  RemoteTest() : agenda("agenda"), phys(64 * kMiB, 1, 64 * kMiB), memory("memory", agenda, phys, params(), 1) {}
  static MemoryParams params() {
    MemoryParams p = MemorySystemTest::params();
    p.remote_latency = 53 * kNs;
    return p;
  }
  static constexpr Hpa kFar = 64 * kMiB;
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
};

TEST_F(RemoteTest, OtherSocketsMemoryIsFurtherAway) {
  const Time later = kMs;
  EXPECT_EQ(memory.device_read(0, 0, 0x10000, 64), 102 * kNs);
  EXPECT_EQ(memory.device_read(0, 0, kFar + 0x10000, 64), 155 * kNs);
  EXPECT_EQ(memory.cpu(0, kFar + 0x10000, 64, Touch::load, false), 151 * kNs);
  EXPECT_EQ(memory.cpu(later, kFar + 0x10000, 64, Touch::load, false), 16 * kNs) << "cached here";
  EXPECT_EQ(memory.device_read(later, later, kFar + 0x10000, 64), 155 * kNs) << "a device is answered by the home";
  EXPECT_EQ(memory.device_write(later, later, kFar + 0x10000, 1536), 20 * kNs) << "posted";
  EXPECT_EQ(memory.stats().ddio_bypassed, 24u);
  EXPECT_EQ(memory.stats().ddio_allocs, 0u) << "no DDIO for the other socket";
  EXPECT_EQ(memory.cpu(2 * later, kFar + 0x10000, 64, Touch::load, false), 151 * kNs) << "the copy here was stale";
}

// 12.8 GB/s between the sockets, 32 GB/s in either memory.
TEST_F(RemoteTest, TheInterconnectLimits) {
  const auto rate = [this](Hpa base) {
    Time t = 0;
    Bytes bytes = 0;
    for (Hpa a = base; t < 100 * kUs; a += 4096, bytes += 16 * 4096) {
      Time longest = 0;
      for (unsigned u = 0; u < 16; ++u) longest = std::max(longest, memory.device_read(t, t, a + u * kMiB, 4096));
      t += longest;
    }
    return bytes * 1000 / static_cast<Bytes>(t / kNs);   // MB/s
  };
  const Bytes far = rate(kFar);
  EXPECT_LE(far, 12'800u);
  EXPECT_GT(far, 11'500u);
  EXPECT_GT(rate(0), 2 * far);
}

// Whoever misses meets refreshes: the tail of a cold read is refresh time longer than its median, a warm one has none.
TEST(MemorySystemOptions, RefreshIsTheTailOfColdReads) {
  Agenda agenda("agenda");
  PhysMem phys(64 * kMiB, 1);
  MemoryParams p = MemorySystemTest::params();
  p.dram_refresh_interval = 7'800 * kNs;
  p.dram_refresh_time = 350 * kNs;
  MemorySystem memory("memory", agenda, phys, p, 1);
  std::vector<Time> cold, warm;
  memory.device_write(0, 0, 0x10000, 64);
  for (Time t = 1; t < 40 * kMs; t += 1'001'003) {
    cold.push_back(memory.device_read(t, t, 0x100000 + static_cast<Hpa>(t / 1000 % 128) * 64, 64));
    warm.push_back(memory.device_read(t, t, 0x10000, 64));
  }
  std::sort(cold.begin(), cold.end());
  std::sort(warm.begin(), warm.end());
  EXPECT_EQ(warm.back(), 20 * kNs);
  EXPECT_EQ(cold[cold.size() / 2], 102 * kNs);
  EXPECT_NEAR(static_cast<double>(cold[cold.size() * 999 / 1000]), 102e3 + 342e3, 6e3);
}

TEST(MemorySystemOptions, WithoutDdioWritesGoToDram) {
  Agenda agenda("agenda");
  PhysMem phys(64 * kMiB, 1);
  MemoryParams p = MemorySystemTest::params();
  p.ddio_ways = 0;
  MemorySystem memory("memory", agenda, phys, p, 1);
  memory.cpu(0, 0x10000, 64, Touch::load, false);
  EXPECT_EQ(memory.device_write(0, kUs, 0x10000, 1536), 20 * kNs);
  EXPECT_EQ(memory.stats().dram_write_bytes, 1536u);
  EXPECT_EQ(memory.stats().ddio_bypassed, 24u);
  EXPECT_EQ(memory.cpu(2 * kUs, 0x10000, 64, Touch::load, false), 98 * kNs);
}

}  // namespace memory_system_test
}  // namespace gd
