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

// What the counters say of one access of a core; the other socket's cache is asked line by line.
TEST_F(SocketsTest, EveryLineIsCountedOnce) {
  struct Row {
    const char* what;
    Hpa a;
    Bytes len;
    unsigned core;
    Touch how;
    bool guest;
    MemoryStats more;
  };
  const auto stats = [](std::uint64_t hits, std::uint64_t misses, std::uint64_t remote, std::uint64_t guests, std::uint64_t read, std::uint64_t written) {
    MemoryStats s;
    s.cpu_hits = hits, s.cpu_misses = misses, s.remote_hits = remote, s.guest_misses = guests, s.dram_read_bytes = read * 64, s.dram_write_bytes = written * 64;
    return s;
  };
  for (const Row& r : {Row{"cold", 0x10000, 256, kNear, Touch::load, false, stats(0, 4, 0, 0, 4, 0)},
                       {"a guest's", 0x20000, 128, kOther, Touch::load, true, stats(0, 2, 0, 2, 2, 0)},
                       {"here and cold", 0x10080, 256, kNear, Touch::load, true, stats(2, 2, 0, 2, 2, 0)},
                       {"changed by copying", 0x30000, 128, kNear, Touch::stream_store, false, stats(0, 2, 0, 0, 2, 0)},
                       {"read there: both share, the home gets it", 0x30000, 128, kOther, Touch::load, true, stats(2, 0, 2, 0, 0, 2)},
                       {"read there, clean", 0x10000, 64, kOther, Touch::load, false, stats(1, 0, 1, 0, 0, 0)},
                       {"taken, dirty or not: nothing for the home", 0x20000, 64, kNear, Touch::store, false, stats(1, 0, 1, 0, 0, 0)},
                       {"and back", 0x20000, 64, kOther, Touch::store, false, stats(1, 0, 1, 0, 0, 0)}}) {
    SCOPED_TRACE(r.what);
    const MemoryStats before = memory.stats();
    memory.cpu(at += kUs, r.a, r.len, r.how, r.guest, r.core);
    const MemoryStats& now = memory.stats();
    EXPECT_EQ(now.cpu_hits - before.cpu_hits, r.more.cpu_hits);
    EXPECT_EQ(now.cpu_misses - before.cpu_misses, r.more.cpu_misses);
    EXPECT_EQ(now.remote_hits - before.remote_hits, r.more.remote_hits);
    EXPECT_EQ(now.guest_misses - before.guest_misses, r.more.guest_misses);
    EXPECT_EQ(now.dram_read_bytes - before.dram_read_bytes, r.more.dram_read_bytes);
    EXPECT_EQ(now.dram_write_bytes - before.dram_write_bytes, r.more.dram_write_bytes);
    EXPECT_EQ(now.private_hits, 0u);
    EXPECT_EQ(now.lookups - before.lookups, (r.a % 64 + r.len + 63) / 64);
  }
}

// A core that reads what another socket's core is still fetching waits for that fill: once, and it is counted.
TEST_F(SocketsTest, AFillUnderWayIsWaitedFor) {
  struct Row {
    unsigned core;
    Time after, stall;
    std::uint64_t waits;
  };
  Hpa a = 0x10000;
  for (const Row& r : {Row{kNear, 0, 16, 0}, {kNear - 1, 20, 78, 1}, {kNear - 1, 200, 16, 1}}) {
    memory.cpu(at += kUs, a, 64, Touch::load, false, kNear);     // 98 ns
    EXPECT_EQ(memory.cpu(at + r.after * kNs, a, 64, Touch::load, false, r.core), r.stall * kNs) << r.core << " " << r.after;
    EXPECT_EQ(memory.stats().fill_waits, r.waits);
    a += 0x10000;
  }
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
