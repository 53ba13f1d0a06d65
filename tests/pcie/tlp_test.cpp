// TLP arithmetic: closed forms against a loop that sends one TLP after the other, rates against the published model.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/pcie/pcie.h"

using namespace gd;

namespace tlp_test {

std::uint64_t naive_chunks(std::uint64_t a, Bytes n, Bytes chunk) {
  std::uint64_t count = 0;
  while (n > 0) {
    const Bytes take = std::min({n, chunk, kPage - a % kPage});
    a += take, n -= take, ++count;
  }
  return count;
}

std::uint64_t naive_completions(const PcieParams& p, std::uint64_t a, Bytes n) {
  std::uint64_t count = 0;
  while (n > 0) {
    Bytes request = std::min({n, p.max_read_request, kPage - a % kPage});
    n -= request;
    while (request > 0) {
      const Bytes take = request <= p.max_payload ? request : (a + p.max_payload) / p.read_completion_boundary * p.read_completion_boundary - a;
      a += take, request -= take, ++count;
    }
  }
  return count;
}

TEST(Tlp, ClosedFormsEqualTheLoop) {
  Rng rng(7, "tlp-test");
  for (int i = 0; i < 100'000; ++i) {
    PcieParams p;
    p.max_payload = 128u << rng.below(6);
    p.max_read_request = 128u << rng.below(6);
    p.read_completion_boundary = 64u << rng.below(2);
    const std::uint64_t a = rng.below(3) == 0 ? rng.below(1 << 20) * 64 : rng.u64() >> 16;
    const Bytes n = rng.below(4) == 0 ? rng.below(70'000) : rng.below(2'100);
    SCOPED_TRACE(testing::Message() << "address " << a << " length " << n << " MPS " << p.max_payload << " MRRS "
                                    << p.max_read_request << " RCB " << p.read_completion_boundary);
    const TlpCount w = write_tlps(p, a, n), r = read_requests(p, a, n), c = completions(p, a, n);
    ASSERT_EQ(w.tlps, naive_chunks(a, n, p.max_payload));
    ASSERT_EQ(w.bytes, n + w.tlps * 24);
    ASSERT_EQ(r.tlps, naive_chunks(a, n, p.max_read_request));
    ASSERT_EQ(r.bytes, r.tlps * 24);
    ASSERT_EQ(c.tlps, naive_completions(p, a, n));
    ASSERT_EQ(c.bytes, n + c.tlps * 20);
  }
}

TEST(Tlp, Table) {
  const PcieParams p;   // 256, 512, 64
  struct Row { std::uint64_t a; Bytes n; std::uint64_t writes, reads, completions; };
  const Row rows[] = {{0, 0, 0, 0, 0},       {0, 1, 1, 1, 1},         {0, 64, 1, 1, 1},      {0, 256, 1, 1, 1},
                      {0, 257, 2, 1, 2},     {0, 512, 2, 1, 2},       {0, 1500, 6, 3, 6},    {4095, 2, 2, 2, 2},
                      {4000, 256, 2, 2, 2},  {32, 512, 2, 1, 3},      {32, 256, 1, 1, 1},    {0, 4096, 16, 8, 16},
                      {2048, 4096, 16, 8, 16}, {64, 9000, 36, 18, 36}};
  for (const Row& r : rows) {
    EXPECT_EQ(write_tlps(p, r.a, r.n).tlps, r.writes) << r.a << "+" << r.n;
    EXPECT_EQ(read_requests(p, r.a, r.n).tlps, r.reads) << r.a << "+" << r.n;
    EXPECT_EQ(completions(p, r.a, r.n).tlps, r.completions) << r.a << "+" << r.n;
  }
}

// pcie-bench model: raw and TLP-layer rates (Gb/s, two decimals).
TEST(Tlp, RatesOfThePublishedModel) {
  struct Row { unsigned generation, lanes; double raw; };
  for (const Row& r : {Row{1, 8, 16.00}, Row{2, 8, 32.00}, Row{3, 8, 63.02}, Row{3, 16, 126.03}, Row{4, 8, 126.03},
                       Row{4, 16, 252.06}, Row{5, 16, 504.12}}) {
    PcieParams p;
    p.generation = r.generation, p.lanes = r.lanes;
    EXPECT_NEAR(static_cast<double>(raw_rate(p)) / 1e9, r.raw, 0.006);
    p.dllp_ppm = 0;
    EXPECT_EQ(link_rate(p), raw_rate(p));
  }
  PcieParams p;
  p.dllp_ppm = 81'500;
  EXPECT_NEAR(static_cast<double>(link_rate(p)) / 1e9, 57.88, 0.006);
}

TEST(Tlp, ImpossibleParametersAreRefusedByName) {
  struct Row { const char* word; void (*spoil)(PcieParams&); };
  const Row rows[] = {{"pcie.generation: 6", [](PcieParams& p) { p.generation = 6; }},
                      {"pcie.lanes: 3", [](PcieParams& p) { p.lanes = 3; }},
                      {"pcie.max_payload: 200", [](PcieParams& p) { p.max_payload = 200; }},
                      {"pcie.max_read_request: 64", [](PcieParams& p) { p.max_read_request = 64; }},
                      {"pcie.read_completion_boundary", [](PcieParams& p) { p.read_completion_boundary = 256; }},
                      {"pcie.dllp_ppm", [](PcieParams& p) { p.dllp_ppm = 1'000'000; }},
                      {"pcie.write_header", [](PcieParams& p) { p.write_header = 0; }},
                      {"pcie.posted_buffer", [](PcieParams& p) { p.posted_buffer = 1; }},
                      {"pcie.link_latency", [](PcieParams& p) { p.link_latency = -1; }}};
  check(PcieParams{});
  for (const Row& r : rows) {
    PcieParams p;
    r.spoil(p);
    try {
      check(p);
      ADD_FAILURE() << "accepted: " << r.word;
    } catch (const UserError& e) {
      EXPECT_NE(std::string(e.what()).find(r.word), std::string::npos) << e.what();
    }
  }
}

TEST(Tlp, Utilisation) {
  EXPECT_EQ(utilisation_ppm(0, 0), 0u);
  EXPECT_EQ(utilisation_ppm(25 * kUs, 100 * kUs), 250'000u);
}

}  // namespace tlp_test
