// Latencies of the defaults: 16 ns in the last-level cache, DRAM 82 more, remote DRAM 53 more; a private cache of 4 ns; 8 fills at once, and
// a prefetcher 20 lines ahead.
#include "models/memory/streamer.h"

#include <gtest/gtest.h>

#include "models/memory/memory.h"

namespace gd {
namespace streamer_test {

constexpr Bytes kMiB = 1024 * 1024;
constexpr Hpa kFar = 64 * kMiB;   // memory of socket 1

MemoryParams params(unsigned distance, bool both_sockets) {
  MemoryParams p;
  p.llc_size = kMiB;
  p.dram_channels = 2;
  p.dram_channel_rate = 16'000'000'000;
  for (Time& t : p.dram_loaded) t = 0;
  p.private_size = 64 * 1024;
  p.private_hit = 4 * kNs;
  p.remote_latency = 53 * kNs;
  p.prefetch_distance = distance;
  if (both_sockets) p.far_cores_from = 4;
  return p;
}

struct StreamerBench {
  explicit StreamerBench(unsigned distance, bool both_sockets = false)
      : agenda(sc_core::sc_gen_unique_name("agenda")), phys(64 * kMiB, 1, 64 * kMiB),
        memory(sc_core::sc_gen_unique_name("memory"), agenda, phys, params(distance, both_sockets), 1) {}
  Time touch(Hpa a, Bytes len, Touch how, unsigned core = 0) { return memory.cpu(at += kUs, a, len, how, false, core); }
  Time at = 0;
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
};

// 98 ns a line: of `lines`, `demanded` are asked for 8 at a time, the others come 20 at a time and are hits of 4 ns.
constexpr Time streamed_time(Time lines, Time demanded, Time line = 98'000) {
  return (demanded * line + (lines - demanded) * 4'000) / 8 + (lines - demanded) * line / 20;
}

TEST(Streamer, RunsAheadOfACopyWithinAPage) {
  StreamerBench b(20);
  struct Row {
    const char* what;
    Hpa a;
    Bytes len;
    Touch how;
    Time time;
  };
  for (const Row& r : {Row{"a frame at the start of a page", 0x10000, 1536, Touch::stream_load, streamed_time(24, 2)},
                       Row{"where it ended", 0x10600, 512, Touch::stream_load, streamed_time(8, 0)},
                       Row{"in the next region of the page too", 0x10800, 512, Touch::stream_load, streamed_time(8, 0)},
                       Row{"the next page is another stream", 0x11000, 512, Touch::stream_load, streamed_time(8, 2)},
                       Row{"and so is a place elsewhere in a page", 0x10c00, 512, Touch::stream_store, streamed_time(8, 2)},
                       Row{"stores show a stream to loads", 0x10e00, 256, Touch::stream_load, streamed_time(4, 0)},
                       Row{"one line: no stream", 0x12000, 64, Touch::stream_load, 98'000 / 8},
                       Row{"with it two are known after one more", 0x12040, 256, Touch::stream_load, streamed_time(4, 1)},
                       Row{"two pages at once", 0x14f00, 512, Touch::stream_load, streamed_time(8, 4)},
                       Row{"what is in the private cache", 0x10000, 512, Touch::stream_load, 8 * 4'000 / 8},
                       Row{"loads one by one", 0x16000, 256, Touch::load, 4 * 98'000}})
    EXPECT_EQ(b.touch(r.a, r.len, r.how), r.time) << r.what;
  EXPECT_EQ(b.touch(0x10000, 1536, Touch::stream_load, 1), (2 * 16'000 + 22 * 4'000) / 8 + 22 * 16'000 / 20)
      << "another core's: from the last-level cache, and its streamer begins anew";
}

TEST(Streamer, OfTheOtherSocketsMemory) {
  StreamerBench b(20, true);
  EXPECT_EQ(b.touch(kFar + 0x10000, 512, Touch::stream_load), streamed_time(8, 2, 151'000));
  EXPECT_EQ(b.touch(kFar + 0x10200, 512, Touch::stream_load), streamed_time(8, 0, 151'000));
  EXPECT_EQ(b.touch(0x10000, 512, Touch::stream_store), streamed_time(8, 2));
}

// A copy that is cut into steps takes as long as one that is not.
TEST(Streamer, CutsDoNotMatter) {
  for (const Bytes piece : {Bytes{128}, Bytes{512}, Bytes{2048}}) {
    StreamerBench b(20);
    Time cut = 0;
    for (Bytes done = 0; done < kPage; done += piece) cut += b.touch(0x20000 + done, piece, Touch::stream_load);
    EXPECT_EQ(cut, streamed_time(64, 2)) << piece;
  }
}

TEST(Streamer, FurtherAheadNeverHurts) {
  Time before = kSec;
  for (unsigned distance = 0; distance <= 64; ++distance) {
    StreamerBench b(distance);
    Time t = 0;
    for (Hpa a = 0x10000; a < 0x20000; a += kPage) t += b.touch(a, 1536, Touch::stream_load);
    EXPECT_LE(t, before) << distance;
    before = t;
  }
  EXPECT_LT(before, 16 * streamed_time(24, 2));
}

}  // namespace streamer_test
}  // namespace gd
