// Cores on both sockets. Default latencies: 16 ns in the own last-level cache, DRAM 82 more, remote DRAM 53 more; the other socket's
// cache 83 beyond the own one's.
#include <gtest/gtest.h>

#include "models/memory/memory.h"

namespace gd {
namespace sockets_test {

constexpr Bytes kMiB = 1024 * 1024;
constexpr Hpa kFar = 64 * kMiB;   // memory of socket 1
constexpr unsigned kNear = 3, kOther = 4;

MemoryParams params(bool directory) {
  MemoryParams p;
  p.llc_size = kMiB;
  p.dram_channels = 2;
  p.dram_channel_rate = 16'000'000'000;
  for (Time& t : p.dram_loaded) t = 0;
  p.remote_latency = 53 * kNs;
  p.far_cores_from = kOther;
  p.directory = directory;
  return p;
}

struct SocketsTest : ::testing::Test {
  explicit SocketsTest(bool directory = false)
      : agenda("agenda"), phys(64 * kMiB, 1, 64 * kMiB), memory("memory", agenda, phys, params(directory), 1) {}
  Time load(Hpa a, unsigned core, Bytes len = 64) { return touch(a, core, Touch::load, len); }
  Time store(Hpa a, unsigned core) { return touch(a, core, Touch::store, 64); }
  Time touch(Hpa a, unsigned core, Touch how, Bytes len) { return memory.cpu(at += kUs, a, len, how, false, core); }
  Time at = 0;
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
};

struct DirectoryTest : SocketsTest {
  DirectoryTest() : SocketsTest(true) {}
};

TEST_F(SocketsTest, EachSocketHasItsCacheAndItsMemory) {
  EXPECT_EQ(load(0x10000, kNear), 98 * kNs);
  EXPECT_EQ(load(kFar + 0x10000, kOther), 98 * kNs) << "its own memory";
  EXPECT_EQ(load(kFar + 0x10000, kOther), 16 * kNs);
  EXPECT_EQ(load(kFar + 0x20000, kNear), 151 * kNs);
  EXPECT_EQ(load(0x20000, kOther), 151 * kNs);
  EXPECT_EQ(memory.stats().remote_hits, 0u);
}

TEST_F(SocketsTest, ALoadLeavesACopyAndAStoreNone) {
  store(0x10000, kNear);
  const std::uint64_t before = memory.stats().dram_write_bytes;
  EXPECT_EQ(load(0x10000, kOther), 99 * kNs) << "from the other cache";
  EXPECT_EQ(memory.stats().dram_write_bytes - before, 64u) << "the home gets what both share";
  EXPECT_EQ(load(0x10000, kOther), 16 * kNs);
  EXPECT_EQ(load(0x10000, kNear), 16 * kNs) << "still there as well";
  EXPECT_EQ(store(0x10000, kOther), 99 * kNs / 2) << "the other copy has to go";
  EXPECT_EQ(store(0x10000, kOther), 16 * kNs / 2);
  EXPECT_EQ(load(0x10000, kNear), 99 * kNs);
  EXPECT_EQ(memory.stats().remote_hits, 3u);
  EXPECT_EQ(memory.stats().cpu_misses, 1u);
}

TEST_F(SocketsTest, DevicesWriteThisSocketsCache) {
  memory.device_write(at, at, 0x10000, 1024);
  EXPECT_EQ(load(0x10000, kNear), 16 * kNs);
  EXPECT_EQ(load(0x10040, kOther), 99 * kNs);
  EXPECT_EQ(touch(0x10080, kOther, Touch::stream_load, 512), 8 * 99 * kNs / 8) << "lines of a copy come at once";
  at += kUs;
  EXPECT_EQ(memory.device_write(at, at, 0x10040, 64), 103 * kNs) << "the far copy is taken first";
  EXPECT_EQ(load(0x10040, kOther), 99 * kNs) << "and is gone";
  at += kUs;
  EXPECT_EQ(memory.device_write(at, at, 0x10000, 64), 20 * kNs) << "nobody far has it";
}

TEST_F(SocketsTest, DevicesReadWhatTheOtherSocketHasWritten) {
  store(0x10000, kOther);
  store(kFar + 0x10000, kOther);
  at += kUs;
  EXPECT_EQ(memory.device_read(at, at, 0x10000, 64), 103 * kNs);
  EXPECT_EQ(memory.device_read(at, at, kFar + 0x10000, 64), 103 * kNs) << "out of its home's cache";
  EXPECT_EQ(memory.device_read(at, at, kFar + 0x20000, 64), 155 * kNs);
  EXPECT_EQ(memory.stats().device_read_hits, 2u);
  EXPECT_EQ(memory.stats().device_read_misses, 1u);
}

TEST_F(DirectoryTest, TheHomeLooksIntoItsMemoryFirst) {
  store(0x10000, kNear);
  store(kFar + 0x10000, kNear);
  EXPECT_EQ(load(0x10000, kOther), 99 * kNs) << "home where the line is";
  EXPECT_EQ(load(kFar + 0x10000, kOther), 181 * kNs) << "home at the reader: memory, then the other cache";
}

}  // namespace sockets_test
}  // namespace gd
