// Packets that the host copies into pages of its own: what the copy keeps, where its bytes lie, what it costs.
#include "models/buffers/spare.h"
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace spare_test {

constexpr std::uint32_t kRoom = SparePath::kRoom;

struct SpareTest : PathBench {
  SpareTest() { env.rx_buffer = kPage; }
  // A packet of runs of these lengths in the host's memory; byte i of it is i * 7 + 1. The first is the linear part.
  Skb* packet(const std::vector<std::uint32_t>& runs) {
    Skb* skb = nullptr;
    in_step([&](Step& s) { skb = skbs_.alloc(s); });
    std::uint8_t next = 1;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const Hpa at = phys.alloc_page();
      for (std::uint32_t k = 0; k < runs[i]; ++k, next = static_cast<std::uint8_t>(next + 7)) *phys.at(at + k) = next;
      (i == 0 ? skb->head : skb->frags[skb->nr_frags++]) = {at, runs[i], kNoToken};
      skb->length += runs[i];
    }
    return skb;
  }
  Skb* slice_of(const Skb& from, std::uint32_t header, std::uint32_t at, std::uint32_t length) {
    Skb* skb = nullptr;
    in_step([&](Step& s) { skb = spare.slice(s, from, header, at, length); });
    return skb;
  }
  void drop(Skb* skb) {
    in_step([&](Step& s) { spare.release(s, skb); });
  }
  PathContext c = context();
  SparePath spare{c};
};

// Lengths of the pieces of a slice: the first page begins behind the headroom and the new headers.
TEST_F(SpareTest, SlicesLieInPagesOneBehindTheOther) {
  struct Row {
    std::vector<std::uint32_t> runs;
    std::uint32_t header, at, length;
    std::vector<std::uint32_t> pieces;
  };
  const Row rows[] = {{{100}, 0, 0, 100, {100}},
                      {{54, 1000, 1000}, 54, 54, 1000, {1054}},
                      {{54, 1000, 1000}, 54, 1000, 800, {854}},          // across two runs
                      {{54, 1000, 1000}, 54, 1054, 1000, {1054}},        // from a run's first byte
                      {{54, 1000, 1000}, 54, 2053, 1, {55}},             // the last byte
                      {{54, 4096}, 0, 0, 4032, {4032}},                  // as much as the first page takes
                      {{54, 4096}, 0, 0, 4033, {4032, 1}},
                      {{54, 4096}, 54, 54, 4096, {4032, 118}},
                      {{64, 4096, 4096, 4096}, 0, 0, 12352, {4032, 4096, 4096, 128}}};
  for (const Row& r : rows) {
    SCOPED_TRACE(::testing::PrintToString(r.runs) + " " + std::to_string(r.at));
    Skb* from = packet(r.runs);
    const std::uint64_t copied = spent("host.copy").bytes;
    Skb* to = slice_of(*from, r.header, r.at, r.length);
    std::vector<std::uint32_t> pieces;
    for_each_frag(*to, [&](Frag& f) { pieces.push_back(f.length); });
    EXPECT_EQ(pieces, r.pieces);
    EXPECT_EQ(to->length, r.header + r.length);
    EXPECT_EQ(to->head.addr % kPage, kRoom);
    EXPECT_EQ(slice(all_bytes(*to), r.header), slice(all_bytes(*from), r.at, r.length));
    EXPECT_EQ(spent("host.copy").bytes - copied, r.length);
    EXPECT_EQ(own.count(Owner::skb), r.pieces.size());
    drop(to);
    in_step([&](Step& s) { skbs_.free(s, from); });
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(skbs_.in_use(), 0u);
  }
  EXPECT_EQ(spare.free_buffers(), spare.capacity());
  EXPECT_EQ(spare.capacity(), 4u) << "pages are used again";
  expect_no_violation();
}

// What skb_copy takes along: all that the virtio header is made of, and what a guest's bytes were when the host looked at them.
TEST_F(SpareTest, ACopyKeepsWhatTheHostKnows) {
  Skb* from = packet({200, 300});
  from->hash = 0x12345678;
  from->hash_type = RxDescriptor::kRssTcp6;
  from->checksum = Checksum::partial;
  from->gso_type = VirtioNetHdr::kGsoTcpV6;
  from->gso_size = 1440;
  from->gso_segments = 3;
  from->gso_fixed_id = from->gso_accecn = true;
  from->csum_start = 54;
  from->csum_offset = 16;
  from->header_length = 74;
  Frame expected = all_bytes(*from);
  const Hpa first_look = phys.alloc_page();
  for (const std::uint16_t n : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{128}}) {
    SCOPED_TRACE(n);
    std::memset(phys.at(first_look), 0xee, n);
    from->snapshot = n ? first_look : 0;
    from->snapshot_length = n;
    std::fill_n(expected.begin(), n, std::uint8_t{0xee});
    const std::uint64_t copied = spent("host.copy").bytes;
    Skb* to = nullptr;
    in_step([&](Step& s) { to = spare.copy(s, *from); });
    EXPECT_EQ(all_bytes(*to), expected);
    EXPECT_EQ(spent("host.copy").bytes - copied, 500u + n);
    EXPECT_EQ(to->path, &spare);
    EXPECT_TRUE(to->frames.empty());
    EXPECT_EQ(to->snapshot, 0u);
    const auto known = [](const Skb& k) {
      return std::tuple(k.hash, k.hash_type, k.checksum, k.gso_type, k.gso_size, k.gso_segments, k.gso_fixed_id, k.gso_accecn, k.csum_start,
                        k.csum_offset, k.header_length, k.length);
    };
    EXPECT_EQ(known(*to), known(*from));
    drop(to);
  }
}

// Headers grow into the headroom, to its last byte; and shrink.
TEST_F(SpareTest, TheStartMovesWithinTheHeadroom) {
  struct Row {
    int by;
    bool moves;
  };
  Skb* from = packet({200});
  for (const Row& r : {Row{4, true}, {64, true}, {65, false}, {-4, true}}) {
    SCOPED_TRACE(r.by);
    Skb* to = slice_of(*from, 0, 0, 200);
    const Hpa before = to->head.addr;
    bool moved = false;
    in_step([&](Step& s) { moved = spare.move_start(s, *to, 54, r.by); });
    EXPECT_EQ(moved, r.moves);
    const int by = r.moves ? r.by : 0;
    EXPECT_EQ(static_cast<std::int64_t>(before - to->head.addr), by);
    EXPECT_EQ(to->head.length, 200u + static_cast<std::uint32_t>(by));
    EXPECT_EQ(to->length, to->head.length);
    drop(to);
  }
}

}  // namespace spare_test
}  // namespace gd::test
