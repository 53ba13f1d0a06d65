#include "models/wire/capture.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "models/packet/headers.h"
#include "tests/wire/support.h"

namespace gd {
namespace capture_test {

using test::ScratchFile;
using test::shipped;

std::vector<std::uint8_t> advanced(const Capture& c, const Capture::Record& r, std::uint32_t loop) {
  std::vector<std::uint8_t> b(c.bytes(r), c.bytes(r) + r.length);
  c.advance(b.data(), r, loop);
  return b;
}

const char* const kShipped[] = {"bulk-tcp4.pcap", "bulk-tcp6.pcap",  "ip-fragments.pcap", "udp-small.pcap",
                                "vlan-tcp4.pcap", "vxlan-tcp4.pcap", "web-responses.pcap"};

TEST(Capture, ShippedFilesLoad) {
  const std::size_t frames[] = {500, 400, 240, 2000, 250, 250, 700};
  for (std::size_t i = 0; i < std::size(kShipped); ++i) {
    const Capture c = Capture::load(shipped(kShipped[i]));
    EXPECT_EQ(c.records().size(), frames[i]) << kShipped[i];
    Time last = 0;
    for (const auto& r : c.records()) {
      ASSERT_GE(r.stamp, last);
      last = r.stamp;
      ASSERT_EQ(r.bad_checksum, !test::checksums_good(c.bytes(r), r.length));
    }
  }
}

// Every repetition: the same lengths and payload, checksums good where they were, and each byte outside the fields that
// may change as it was.
TEST(Capture, RepetitionsKeepChecksumsAndPayload) {
  for (const char* name : kShipped) {
    const Capture c = Capture::load(shipped(name));
    for (std::uint32_t loop : {1u, 2u, 3u, 70000u}) {
      for (const auto& r : c.records()) {
        const auto b = advanced(c, r, loop);
        const Parsed p = parse(b.data(), r.length), q = parse(c.bytes(r), r.length);
        ASSERT_EQ(r.bad_checksum, !test::checksums_good(b.data(), r.length)) << name << " loop " << loop;
        ASSERT_EQ(p.payload_offset, q.payload_offset);
        ASSERT_EQ(std::memcmp(b.data() + r.patched, c.bytes(r) + r.patched, r.length - r.patched), 0);
        ASSERT_LE(r.patched, p.header_length) << name;
      }
    }
  }
}

// Over three passes each flow's sequence numbers and offsets go on where the pass before ended, and ids go on counting.
TEST(Capture, RepetitionsContinueEachFlow) {
  for (const char* name : {"bulk-tcp4.pcap", "bulk-tcp6.pcap", "web-responses.pcap", "vlan-tcp4.pcap"}) {
    const Capture c = Capture::load(shipped(name));
    std::map<std::uint32_t, std::uint32_t> end;           // flow -> end of its sequence space after the pass
    std::map<std::uint32_t, std::uint64_t> end_offset;
    for (std::uint32_t loop = 0; loop < 3; ++loop) {
      std::map<std::uint32_t, std::uint32_t> low, high;
      std::map<std::uint32_t, std::uint64_t> high_offset, low_offset;
      for (const auto& r : c.records()) {
        const auto b = advanced(c, r, loop);
        const Parsed p = parse(b.data(), r.length);
        if (p.l4 != L4::tcp || (p.flags & tcp::kRst)) continue;
        const std::uint32_t stop = p.seq + p.payload_length + (p.flags & tcp::kSyn ? 1 : 0) + (p.flags & tcp::kFin ? 1 : 0);
        const std::uint64_t offset = c.offset(r, loop);
        if (!low.count(r.flow)) low[r.flow] = p.seq, high[r.flow] = stop, low_offset[r.flow] = offset;
        if (static_cast<std::int32_t>(p.seq - low[r.flow]) < 0) low[r.flow] = p.seq;
        if (static_cast<std::int32_t>(stop - high[r.flow]) > 0) high[r.flow] = stop;
        low_offset[r.flow] = std::min(low_offset[r.flow], offset);
        high_offset[r.flow] = std::max(high_offset[r.flow], offset + p.payload_length);
      }
      ASSERT_FALSE(low.empty());
      for (const auto& [flow, seq] : low) {
        if (loop) {
          ASSERT_EQ(seq, end[flow]) << name << " flow " << flow << " pass " << loop;
          ASSERT_GE(low_offset[flow], end_offset[flow]);
        }
        end[flow] = high[flow];
        end_offset[flow] = high_offset[flow];
      }
    }
  }
}

TEST(Capture, FragmentsOfOneDatagramKeepOneId) {
  const Capture c = Capture::load(shipped("ip-fragments.pcap"));
  std::map<std::uint16_t, int> first, second;
  for (const auto& r : c.records()) {
    const auto b = advanced(c, r, 1);
    const Parsed p = parse(b.data(), r.length);
    if (!p.is_fragment) continue;
    ++first[be16(c.bytes(r) + p.l3_offset() + ip4::kId)];
    ++second[be16(b.data() + p.l3_offset() + ip4::kId)];
  }
  ASSERT_GT(first.size(), 2u);
  ASSERT_EQ(first.size(), second.size());
  for (const auto& [id, n] : second) EXPECT_EQ(first.count(id), 0u) << "a second pass's datagram takes a first one's id";
}

// One datagram alone, whose fragments share an id: a repetition must not mix with it.
TEST(Capture, OneFragmentedDatagram) {
  std::vector<test::CapturedFrame> frames;
  for (std::uint16_t part : {0x2000, 0x0004}) {
    std::string f(14 + 20 + 32, 'p');
    auto* b = reinterpret_cast<std::uint8_t*>(f.data());
    put_be16(b + 12, 0x0800);
    std::memset(b + 14, 0, 20);
    b[14] = 0x45, b[22] = 64, b[23] = 17;
    put_be16(b + 16, 52), put_be16(b + 18, 0xffff), put_be16(b + 20, part);
    put_be16(b + 24, static_cast<std::uint16_t>(~csum::sum(b + 14, 20)));
    frames.push_back({0, f, 0});
  }
  const ScratchFile file(test::pcap_bytes(frames));
  const Capture c = Capture::load(file.path());
  for (const auto& r : c.records()) {
    for (std::uint32_t loop : {1u, 2u}) {
      const auto b = advanced(c, r, loop);
      EXPECT_EQ(be16(b.data() + 18), loop - 1) << "counts on, through the wrap";
      EXPECT_TRUE(test::checksums_good(b.data(), r.length));
    }
  }
}

TEST(Capture, SynTakesOneNumber) {
  const Capture c = Capture::load(shipped("bulk-tcp4.pcap"));   // SYN, ACK, 37 bytes
  for (std::size_t i : {0, 1, 2}) EXPECT_EQ(c.offset(c.records()[i], 0), 1u) << i;
  EXPECT_EQ(c.records()[2].payload_length, 37u);
}

// Two directions: acknowledgements follow the other side's sequence space, timestamps go on, SACK edges too.
TEST(Capture, BothDirectionsAndOptions) {
  auto frame = [](bool there, std::uint32_t seq, std::uint32_t ack, std::uint32_t ts, std::uint32_t echo, std::uint32_t payload,
                  std::uint32_t sack = 0) {
    std::string f(14 + 20 + 20 + (sack ? 24 : 12) + payload, '\0');
    auto* b = reinterpret_cast<std::uint8_t*>(f.data());
    put_be16(b + 12, 0x0800);
    std::uint8_t *ip = b + 14, *t = ip + 20;
    ip[0] = 0x45, ip[8] = 64, ip[9] = 6;
    put_be16(ip + 2, static_cast<std::uint16_t>(f.size() - 14));
    put_be32(ip + 12, there ? 1 : 2), put_be32(ip + 16, there ? 2 : 1);
    put_be16(ip + 10, static_cast<std::uint16_t>(~csum::sum(ip, 20)));
    put_be16(t, there ? 80 : 90), put_be16(t + 2, there ? 90 : 80);
    put_be32(t + 4, seq), put_be32(t + 8, ack);
    t[12] = sack ? 11 << 4 : 8 << 4, t[13] = 0x10;
    // An odd start of the timestamp option: kind at 1, so the values stand at odd offsets.
    t[20] = 1, t[21] = 8, t[22] = 10;
    put_be32(t + 23, ts), put_be32(t + 27, echo);
    t[31] = 1;
    if (sack) t[32] = 5, t[33] = 10, put_be32(t + 34, sack), put_be32(t + 38, sack + 100), t[42] = 1, t[43] = 1;
    csum::complete_l4(b, static_cast<std::uint32_t>(f.size()));
    return f;
  };
  const ScratchFile file(test::pcap_bytes({{0, frame(true, 0xfffffff0, 500, 1000, 0, 100)},
                                           {10, frame(false, 500, 0x54, 2000, 1000, 30)},
                                           {20, frame(true, 0x54, 530, 1010, 2000, 100)},
                                           {30, frame(false, 530, 0xb8, 2007, 1010, 0, 0x54)}}));
  const Capture c = Capture::load(file.path());
  ASSERT_EQ(c.flows(), 2u);
  auto word = [&](std::size_t i, std::uint32_t loop, unsigned at) { return be32(advanced(c, c.records()[i], loop).data() + 34 + at); };
  for (std::uint32_t loop = 0; loop < 4; ++loop) {
    EXPECT_EQ(word(0, loop, 4), 0xfffffff0 + 200 * loop);
    EXPECT_EQ(word(0, loop, 8), 500 + 30 * loop);
    EXPECT_EQ(word(3, loop, 8), 0xb8 + 200 * loop);
    EXPECT_EQ(word(3, loop, 34), 0x54 + 200 * loop);
    EXPECT_EQ(word(3, loop, 38), 0x54 + 100 + 200 * loop);
    EXPECT_EQ(word(1, loop, 23), 2000 + 7 * loop);
    EXPECT_EQ(word(1, loop, 27), 1000 + 10 * loop);
    EXPECT_EQ(word(0, loop, 27), 0u) << "no echo stays no echo";
    for (const auto& r : c.records()) {
      const auto b = advanced(c, r, loop);
      EXPECT_TRUE(test::checksums_good(b.data(), r.length)) << loop;
    }
  }
  EXPECT_EQ(c.offset(c.records()[2], 0), 100u);
  EXPECT_EQ(c.offset(c.records()[2], 2), 500u);
}

TEST(Capture, WrongChecksumStaysEquallyWrong) {
  const Capture good = Capture::load(shipped("bulk-tcp4.pcap"));
  std::vector<test::CapturedFrame> frames;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto& r = good.records()[i];
    frames.push_back({i, std::string(reinterpret_cast<const char*>(good.bytes(r)), r.length), 0});
  }
  frames[3].bytes[14 + 20 + 16] ^= 0x11;   // TCP checksum
  frames[4].bytes[14 + 10] ^= 0x22;        // IP checksum
  const ScratchFile file(test::pcap_bytes(frames));
  const Capture c = Capture::load(file.path());
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(c.records()[i].bad_checksum, i == 3 || i == 4);
    auto b = advanced(c, c.records()[i], 5);
    if (i == 3) b[14 + 20 + 16] ^= 0x11;
    if (i == 4) b[14 + 10] ^= 0x22;
    // Undoing the damage in the advanced frame need not give the right sum (carries), but the frame must be wrong before.
    EXPECT_EQ(test::checksums_good(advanced(c, c.records()[i], 5).data(), c.records()[i].length), i != 3 && i != 4);
  }
}

TEST(Capture, DestinationRewrittenForUnicastOnly) {
  std::string group = test::plain_frame(60), single = test::plain_frame(60);
  group[0] = 1;
  const ScratchFile file(test::pcap_bytes({{0, group}, {1, single}}));
  const Capture c = Capture::load(file.path(), 0x0a0b0c0d0e0f);
  EXPECT_EQ(c.bytes(c.records()[0])[0], 1);
  const std::uint8_t mac[] = {10, 11, 12, 13, 14, 15};
  EXPECT_EQ(std::memcmp(c.bytes(c.records()[1]), mac, 6), 0);
}

TEST(Capture, StampResolutions) {
  const std::vector<test::CapturedFrame> frames = {
      {1'700'000'000'123'456'789, test::plain_frame(60), 0}, {1'700'000'000'123'456'000, test::plain_frame(60), 0},
      {1'700'000'001'000'001'999, test::plain_frame(60), 0}};
  const ScratchFile nano(test::pcap_bytes(frames)), micro(test::pcap_bytes(frames, 0xa1b2c3d4), "micro");
  const Capture n = Capture::load(nano.path()), m = Capture::load(micro.path());
  EXPECT_EQ(n.records()[1].stamp, 0) << "a stamp that goes back counts as equal";
  EXPECT_EQ(n.records()[2].stamp, 876'545'210 * kNs);
  EXPECT_EQ(m.records()[2].stamp, 876'545'000 * kNs);
}

// Section header, an interface with nanosecond stamps (if_tsresol 9), two enhanced packet blocks.
TEST(Capture, Pcapng) {
  using test::le;
  std::string s;
  le(s, 0x0a0d0d0a, 4), le(s, 28, 4), le(s, 0x1a2b3c4d, 4), le(s, 1, 2), le(s, 0, 2), le(s, UINT64_MAX, 8), le(s, 28, 4);
  le(s, 1, 4), le(s, 32, 4), le(s, 1, 2), le(s, 0, 2), le(s, 0, 4), le(s, 9, 2), le(s, 1, 2), le(s, 9, 4), le(s, 0, 4), le(s, 32, 4);
  for (std::uint64_t ns : {5'000'000'000'000ull, 5'000'000'000'777ull}) {
    le(s, 6, 4), le(s, 32 + 64, 4), le(s, 0, 4), le(s, ns >> 32, 4), le(s, ns & 0xffffffff, 4), le(s, 62, 4), le(s, 62, 4);
    s += test::plain_frame(62) + std::string(2, '\0');
    le(s, 32 + 64, 4);
  }
  const ScratchFile file(s, "capture.pcapng");
  const Capture c = Capture::load(file.path());
  ASSERT_EQ(c.records().size(), 2u);
  EXPECT_EQ(c.records()[1].stamp, 777 * kNs);
  EXPECT_EQ(c.records()[1].length, 62u);
}

}  // namespace capture_test
}  // namespace gd
