// Bandwidth of back-to-back DMA on Gen3 x8, MPS 256, MRRS 512, against the pcie-bench model (Neugebauer et al., SIGCOMM
// 2018; DLLP share of the specification's guideline) and against its measurements (54.44 Gb/s).
#include "tests/pcie/link_bench.h"

using namespace gd;

namespace bandwidth_test {

constexpr int kTransfers = 20'000;

struct Result { double write = 0, read = 0; };   // Gb/s of payload

// `ops`: w, r or b (both in turn).
Result measure(LinkBench& b, Bytes n, char ops) {
  Time last_write = 0, last_read = 0;
  Time first_read = 0;
  for (int i = 0; i < kTransfers; ++i) {
    const std::uint64_t address = static_cast<std::uint64_t>(i % 16) * kPage;
    if (ops != 'r') b.write(address, n), last_write = b.t.info().link_free;
    if (ops != 'w') last_read = b.read(address, n);
    if (i == 0) first_read = last_read;
  }
  Result r;
  const double bits = static_cast<double>(n) * 8 * kTransfers;
  if (ops != 'r') r.write = bits / (static_cast<double>(last_write) / 1000);
  if (ops != 'w') r.read = bits / (static_cast<double>(last_read - first_read) / 1000);
  return r;
}

PcieParams guideline() {
  PcieParams p;
  p.dllp_ppm = 81'500;
  p.ack_tlps = p.fc_tlps = 0;
  p.posted_buffer = 1 << 20;
  p.posted_headers = p.nonposted_headers = p.tags = 4096;
  return p;
}

struct Row { Bytes n; double gbps; };

TEST(PcieBandwidth, WritesOfThePublishedModel) {
  LinkBench b("bench", guideline());
  double offset = 0;   // every row goes on where the one before ended
  for (const Row& r : {Row{64, 42.10}, Row{128, 48.75}, Row{256, 52.92}, Row{512, 52.92}, Row{1024, 52.92}, Row{1500, 52.81}}) {
    const Result got = measure(b, r.n, 'w');
    const double bits = static_cast<double>(r.n) * 8 * kTransfers;
    const double end = bits / got.write;   // ns since the start
    EXPECT_NEAR(bits / (end - offset), r.gbps, r.gbps * 0.003) << r.n;
    offset = end;
  }
}

TEST(PcieBandwidth, ReadsOfThePublishedModel) {
  LinkBench b("bench", guideline());
  for (const Row& r : {Row{64, 44.10}, Row{128, 50.06}, Row{256, 53.69}, Row{512, 53.69}, Row{1024, 53.69}, Row{1500, 53.60}}) {
    const Time before = b.pcie.downstream_reserved();
    measure(b, r.n, 'r');
    const double ns = static_cast<double>(b.pcie.downstream_reserved() - before) / 1000;
    EXPECT_NEAR(static_cast<double>(r.n) * 8 * kTransfers / ns, r.gbps, r.gbps * 0.003) << r.n;
  }
}

TEST(PcieBandwidth, BothDirectionsContend64) {
  LinkBench b("bench", guideline());
  const Result r = measure(b, 64, 'b');
  EXPECT_NEAR(r.write, 33.08, 33.08 * 0.01);
  EXPECT_NEAR(r.read, 33.08, 33.08 * 0.01);
}

TEST(PcieBandwidth, BothDirectionsContend512) {
  LinkBench b("bench", guideline());
  const Result r = measure(b, 512, 'b');
  EXPECT_NEAR(r.write, 50.75, 50.75 * 0.01);
  EXPECT_NEAR(r.read, 50.75, 50.75 * 0.01);
}

TEST(PcieBandwidth, MeasuredWrites) {
  PcieParams p;
  p.posted_buffer = 1 << 20;
  p.posted_headers = 4096;
  LinkBench b("bench", p);
  const Result r = measure(b, 512, 'w');
  EXPECT_NEAR(r.write, 54.44, 54.44 * 0.01);
}

// The default posted buffer does not limit a link whose memory is as fast as an LLC.
TEST(PcieBandwidth, PostedBufferSuffices) {
  LinkBench b("bench");
  b.memory_latency = 100 * kNs;
  EXPECT_NEAR(measure(b, 1500, 'w').write, 54.3, 0.6);
  EXPECT_EQ(b.pcie.stats().posted_wait, 0);
}

TEST(PcieBandwidth, BytesOnTheLinkIncludeDllpsWithoutDrift) {
  LinkBench b("bench");
  for (int i = 0; i < 10'001; ++i) b.write(0, 60 + i % 7);
  std::uint64_t tlp = 0;
  for (int i = 0; i < 10'001; ++i) tlp += write_tlps(b.pcie.params(), 0, 60 + i % 7).bytes;
  EXPECT_EQ(b.pcie.stats().upstream_bytes, tlp * 1'000'000 / (1'000'000 - 56'000));
  // Reserved time and bytes tell the same share: bytes on the link at the raw rate fill the reserved time.
  const double at_raw = static_cast<double>(b.pcie.stats().upstream_bytes) * 8 / static_cast<double>(raw_rate(b.pcie.params()));
  EXPECT_NEAR(at_raw * 1e12 / static_cast<double>(b.pcie.upstream_reserved()), 1.0, 1e-6);
}

}  // namespace bandwidth_test
