// A request whose pages are scattered: what goes to memory, in what pieces, and when it is complete.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace pieces_test {

struct PiecesBench {
  PiecesBench() {
    // Bus pages 0, 1, 2, 3 are the host's pages 2, 3, 0, 1: contiguous in pairs.
    const Hpa pages[] = {hpa + 2 * kPage, hpa + 3 * kPage, hpa, hpa + kPage};
    b.run([&](Step& s) { iova = b.iommu->map_pages(s, pages, 4); }, kMs);
    for (std::size_t i = 0; i < b.bytes.size(); ++i) b.bytes[i] = static_cast<unsigned char>(i * 7 + i / 256);
    b.write(iova, 4 * kPage);   // the walks are over
    between.seen.clear();
  }
  Between between{"between"};
  IommuBench b{"bench", IommuBench::params(IommuMode::strict), 1, 1, &between};
  const Hpa hpa = b.phys.alloc_contiguous(4 * kPage, kPage);
  Iova iova = 0;
};

// One transaction for each stretch that is contiguous in host memory, whatever pages it takes.
TEST(ScatteredRequest, OneTransactionForEachContiguousStretch) {
  PiecesBench p;
  struct Row {
    Bytes at, length;
    std::vector<Between::Seen> pieces;   // from the first host page
  };
  const Row rows[] = {{0, 64, {{2 * kPage, 64}}},
                      {100, 2 * kPage - 100, {{2 * kPage + 100, 2 * kPage - 100}}},
                      {kPage + 8, 2 * kPage, {{3 * kPage + 8, kPage - 8}, {0, kPage + 8}}},
                      {0, 4 * kPage, {{2 * kPage, 2 * kPage}, {0, 2 * kPage}}},
                      {4 * kPage - 1, 1, {{2 * kPage - 1, 1}}},
                      {64, 0, {}}};
  for (const Row& r : rows) {
    SCOPED_TRACE(std::to_string(r.at) + " " + std::to_string(r.length));
    for (const auto command : {tlm::TLM_WRITE_COMMAND, tlm::TLM_READ_COMMAND}) {
      p.between.seen.clear();
      p.b.dma(command, p.iova + r.at, r.length);
      for (Between::Seen& s : p.between.seen) s.at -= p.hpa;
      EXPECT_EQ(p.between.seen, r.pieces);
      EXPECT_EQ(p.b.status, tlm::TLM_OK_RESPONSE);
      if (r.length) {
        EXPECT_EQ(p.b.t.info().hpa, p.hpa + r.pieces[0].at);
      }
    }
  }
}

// All pieces are under way at once; the request is complete with the last of them.
TEST(ScatteredRequest, IsCompleteWithItsLastPiece) {
  PiecesBench p;
  struct Row {
    Time first, second, more;
  };
  Time base = 0;
  for (const Row& r : {Row{0, 0, 0}, Row{300 * kNs, 0, 300 * kNs}, Row{0, 300 * kNs, 300 * kNs}, Row{200 * kNs, 300 * kNs, 300 * kNs}}) {
    p.between.seen.clear();
    p.between.later = {r.first, r.second};
    const Time done = p.b.write(p.iova + kPage, 2 * kPage);
    if (base == 0) base = done;
    EXPECT_EQ(done - base, r.more) << r.first << " " << r.second;
  }
}

TEST(ScatteredRequest, EndsWithAPieceThatMemoryRefuses) {
  PiecesBench p;
  for (const std::size_t refused : {1u, 2u}) {
    p.between.seen.clear();
    p.between.refused = refused;
    sc_core::sc_time delay;
    DmaTransaction t;
    tlm::tlm_generic_payload& gp = t.prepare(tlm::TLM_WRITE_COMMAND, p.iova + kPage, p.b.bytes.data(), 2 * kPage, false);
    p.b.device->b_transport(gp, delay);
    EXPECT_EQ(gp.get_response_status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(p.between.seen.size(), refused);
    EXPECT_EQ(gp.get_data_length(), 2 * kPage);
    EXPECT_EQ(gp.get_address(), p.iova + kPage);
  }
}

}  // namespace pieces_test
