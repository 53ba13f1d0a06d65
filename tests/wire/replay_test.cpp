#include "models/wire/replay.h"

#include <gtest/gtest.h>

#include <cstring>

#include "models/packet/headers.h"
#include "tests/wire/support.h"

namespace gd {
namespace replay_test {

using test::ScratchFile;

struct Played {
  Time earliest;
  std::uint32_t length;
  FrameMeta meta;
};

std::vector<Played> play(const Capture& c, const Replay::Params& p, int most = 1000) {
  FrameTable t;
  Replay r(t, c, p);
  std::vector<Played> out;
  Plan plan;
  while (static_cast<int>(out.size()) < most && r.plan(0, plan) == Next::frame) {
    const FrameRef f = r.emit(0);
    out.push_back({plan.earliest, plan.length, t[f]});
    t.dropped(f, Drop::filtered, 1);
  }
  return out;
}

const std::vector<test::CapturedFrame> kFour = {{1000, test::plain_frame(42), 0},
                                                {2500, test::plain_frame(60), 0},
                                                {2500, test::plain_frame(1514), 0},
                                                {7000, test::plain_frame(100), 0}};

TEST(Replay, AsRecorded) {
  const ScratchFile file(test::pcap_bytes(kFour));
  const Capture c = Capture::load(file.path());
  Replay::Params p;
  p.start = 11;
  const auto got = play(c, p);
  ASSERT_EQ(got.size(), 4u);
  const Time at[] = {0, 1500, 1500, 6000};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got[i].earliest, at[i] * kNs + 11);
  EXPECT_EQ(got[0].length, 60u) << "a short frame takes 60 bytes of the link";
  EXPECT_EQ(got[0].meta.length, 42u) << "and is delivered as captured";
  EXPECT_EQ(got[2].meta.source_index, 2u);
}

TEST(Replay, LoopsAndGap) {
  const ScratchFile file(test::pcap_bytes(kFour));
  const Capture c = Capture::load(file.path());
  Replay::Params p;
  p.loop = 2;
  const auto got = play(c, p);
  ASSERT_EQ(got.size(), 12u);
  const Time pass = (6000 + 2000) * kNs;   // duration and the average of three gaps
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(got[i].meta.loop, static_cast<std::uint32_t>(i / 4));
    EXPECT_EQ(got[i].earliest, got[i % 4].earliest + i / 4 * pass);
    EXPECT_EQ(got[i].meta.offset, got[i % 4].meta.offset + i / 4 * (28 + 46 + 1500 + 86));
  }
  p.loop = Replay::kForever;
  EXPECT_EQ(play(c, p, 777).size(), 777u);
}

TEST(Replay, EndsBeforeTimeDoes) {
  constexpr std::uint64_t kDay = 86'400'000'000'000;   // ns
  struct Case {
    std::uint64_t last, rate;
    std::size_t frames;
  };
  for (const Case& c : {Case{100 * kDay, 0, 2}, Case{50 * kDay, 0, 3}, Case{10 * kDay, 0, 11}, Case{1, 1, 18'000}}) {
    const ScratchFile file(test::pcap_bytes({{0, test::plain_frame(60), 0}, {c.last, test::plain_frame(60), 0}}));
    const Capture capture = Capture::load(file.path());
    Replay::Params p;
    p.loop = Replay::kForever;
    p.rate = c.rate;
    const auto got = play(capture, p, 20'000);
    Time before = 0;
    for (const Played& f : got) {
      EXPECT_GE(f.earliest, before);
      before = f.earliest;
    }
    if (c.rate) EXPECT_NEAR(static_cast<double>(got.size()), static_cast<double>(c.frames), 100);   // 512 s a frame
    else EXPECT_EQ(got.size(), c.frames);
  }
}

TEST(Replay, Retimed) {
  const ScratchFile file(test::pcap_bytes(kFour));
  const Capture c = Capture::load(file.path());
  Replay::Params p;
  p.rate = 3'000'000'000;
  p.loop = Replay::kForever;
  const auto got = play(c, p, 1000);
  std::uint64_t bits = 0;
  for (const Played& f : got) {
    ASSERT_EQ(f.earliest, static_cast<Time>(static_cast<unsigned __int128>(bits) * kSec / p.rate));
    bits += (f.length + 4) * 8;
  }
}

TEST(Replay, OneFrameForEver) {
  const ScratchFile file(test::pcap_bytes({kFour[0]}));
  const Capture c = Capture::load(file.path());
  Replay::Params p;
  p.loop = 9;
  const auto got = play(c, p);
  EXPECT_EQ(got.size(), 10u);
  EXPECT_EQ(got[9].earliest, 0) << "back to back";
}

// Three passes of a real capture: the frames that leave are the capture's, advanced, with good checksums.
TEST(Replay, RealCaptureThreePasses) {
  const Capture c = Capture::load(test::shipped("web-responses.pcap"));
  FrameTable t;
  Replay::Params p;
  p.loop = 2;
  Replay r(t, c, p);
  Plan plan;
  std::uint64_t n = 0, changed = 0;
  while (r.plan(0, plan) == Next::frame) {
    const FrameRef f = r.emit(0);
    const FrameMeta& m = t[f];
    const auto& rec = c.records()[m.source_index];
    ASSERT_EQ(m.id, n++);
    ASSERT_EQ(m.length, rec.length);
    ASSERT_TRUE(test::checksums_good(m.bytes, m.length));
    ASSERT_EQ(std::memcmp(m.bytes + m.payload_offset, c.bytes(rec) + m.payload_offset, m.payload_length), 0);
    changed += std::memcmp(m.bytes, c.bytes(rec), m.length) != 0;
    t.dropped(f, Drop::filtered, 1);
  }
  EXPECT_EQ(n, 3 * c.records().size());
  EXPECT_EQ(changed, 2 * c.records().size());
  EXPECT_EQ(r.stats().passes, 3u);
  EXPECT_EQ(t.live(), 0u);
}

}  // namespace replay_test
}  // namespace gd
