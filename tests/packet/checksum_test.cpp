#include "models/packet/checksum.h"

#include <gtest/gtest.h>

#include "models/base/rng.h"
#include "tests/packet/frames.h"

namespace gd::csum {
namespace checksum_test {
using namespace test;

Parsed parsed(const Frame& f) { return parse(f.data(), static_cast<std::uint32_t>(f.size())); }

TEST(Checksum, SumEqualsTheNaiveOneAtEveryLengthAndAlignment) {
  Rng rng(1, "checksum-test");
  Frame f(2100);
  for (auto& b : f) b = static_cast<std::uint8_t>(rng());
  for (std::uint32_t at = 0; at < 9; ++at)
    for (std::uint32_t n = 0; n <= 200; ++n) ASSERT_EQ(sum(&f[at], n), naive_sum(&f[at], n)) << at << " " << n;
  EXPECT_EQ(sum(f.data(), 2048), naive_sum(f.data(), 2048));
}

TEST(Checksum, SumOfExtremes) {
  const Frame ones(65536, 0xff), zeros(65536, 0);
  EXPECT_EQ(sum(ones.data(), 65536), 0xffff);
  EXPECT_EQ(sum(zeros.data(), 65536), 0);
  EXPECT_EQ(sum(ones.data(), 65535), naive_sum(ones.data(), 65535));
}

TEST(Checksum, CombineAtEvenAndOddSplits) {
  const Frame f = payload(333);
  for (std::uint32_t n = 0; n <= 333; ++n)
    ASSERT_EQ(combine(sum(f.data(), n), n, sum(&f[n], 333 - n)), naive_sum(f.data(), 333)) << n;
}

TEST(Checksum, UpdateEqualsRecomputation) {
  Rng rng(2, "checksum-test");
  for (int i = 0; i < 20000; ++i) {
    Frame f(20);
    for (auto& b : f) b = static_cast<std::uint8_t>(rng());
    if (rng.below(4) == 0) set16(f, 4, rng.below(2) ? 0xffff : 0);
    const auto check = static_cast<std::uint16_t>(~naive_sum(f.data(), 20));
    const unsigned before = f[4] << 8 | f[5], after = rng.below(4) ? rng() & 0xffff : 0;
    set16(f, 4, after);
    ASSERT_EQ(update(check, static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after)), ~naive_sum(f.data(), 20) & 0xffff);
  }
  // The case of RFC 1624, section 4: 0xdd2f with 0x5555 -> 0x3285 gives 0x0000, not 0xffff.
  EXPECT_EQ(update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, GoodFramesAreGoodAndEveryFlippedBitIsSeen) {
  for (const Frame& good : {tcp4_frame(101), udp4_frame(20), tcp6_frame(33), tcp6_frame(33, 60, {6, 0, 1, 4, 0, 0, 0, 0})}) {
    const Parsed p = parsed(good);
    EXPECT_EQ(check_l4(good.data(), p), Checked::good);
    for (std::size_t i = p.l4_offset(); i < good.size(); ++i) {
      Frame f = good;
      f[i] ^= 1u << i % 8;
      const Checked c = check_l4(f.data(), parsed(f));
      // A flipped length field makes the segment undecodable, or changes what is covered.
      ASSERT_NE(c, Checked::good) << i;
    }
  }
}

TEST(Checksum, HeaderOfIpv4) {
  Frame f = tcp4_frame(10);
  EXPECT_EQ(check_l3(f.data(), parsed(f)), Checked::good);
  f[22] ^= 1;   // TTL
  EXPECT_EQ(check_l3(f.data(), parsed(f)), Checked::bad);
  const Frame v6 = tcp6_frame(10);
  EXPECT_EQ(check_l3(v6.data(), parsed(v6)), Checked::none);
}

TEST(Checksum, PaddingIsNotCovered) {
  Frame f = tcp4_frame(1);
  f.resize(60, 0x55);
  EXPECT_EQ(check_l4(f.data(), parsed(f)), Checked::good);
}

TEST(Checksum, NothingToCheck) {
  Frame udp = udp4_frame(9);
  set16(udp, 40, 0);
  EXPECT_EQ(check_l4(udp.data(), parsed(udp)), Checked::none);   // UDP over IPv4 without checksum

  Frame udp6 = ip6_packet(ethernet(0x86dd), 17, {}, udp_segment(payload(9)));
  EXPECT_EQ(check_l4(udp6.data(), parsed(udp6)), Checked::bad);  // must not be 0 over IPv6
  seal(udp6, 14, 54, true, 17);
  EXPECT_EQ(check_l4(udp6.data(), parsed(udp6)), Checked::good);

  Frame cut = tcp4_frame(50);
  cut.resize(80);
  EXPECT_EQ(check_l4(cut.data(), parsed(cut)), Checked::none);

  Ip4 o;
  o.fragment = 0x2000;
  const Frame fragment = ip4_packet(ethernet(0x0800), o, payload(64));
  EXPECT_EQ(check_l4(fragment.data(), parsed(fragment)), Checked::none);
}

TEST(Checksum, CompleteStoresTheRightOne) {
  for (const Frame& good : {tcp4_frame(101), udp4_frame(20), tcp6_frame(33)}) {
    Frame f = good;
    const Parsed p = parsed(f);
    set16(f, p.l4_offset() + (p.l4 == L4::tcp ? 16 : 6), 0xbeef);
    EXPECT_TRUE(complete_l4(f.data(), static_cast<std::uint32_t>(f.size())));
    EXPECT_EQ(f, good);
  }
  Frame arp = ethernet(0x0806);
  EXPECT_FALSE(complete_l4(arp.data(), 14));
}

TEST(Checksum, UdpZeroIsStoredAsAllOnes) {
  Frame f = udp4_frame(2);
  // Choose the payload so that the checksum comes out as zero.
  set16(f, 42, 0);
  set16(f, 40, 0);
  const unsigned rest = naive_sum(&f[34], 10, pseudo_sum(f, 14, false, 17, 10));
  set16(f, 42, 0xffff - rest);
  ASSERT_TRUE(complete_l4(f.data(), static_cast<std::uint32_t>(f.size())));
  EXPECT_EQ(f[40] << 8 | f[41], 0xffff);
  EXPECT_EQ(check_l4(f.data(), parsed(f)), Checked::good);
}

}  // namespace checksum_test
}  // namespace gd::csum
