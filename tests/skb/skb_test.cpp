// sk_buff geometry: where bytes lie after merges, who owns an skb's own memory, what the pool reuses.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace skb_test {

constexpr std::uint32_t kHeader = 54;

struct SkbTest : PathBench {
  // `linear` bytes in a head (in a page of its own when `page`), then fragments of these lengths. Bytes count up.
  Skb* make(Step& s, std::uint32_t linear, std::vector<std::uint32_t> frags, bool page) {
    Skb* k = skbs_.alloc(s);
    k->head = {page ? place(linear) : k->slab_addr, linear, page ? token++ : kNoToken};
    if (!page) fill(k->head);
    k->head_is_page = page;
    k->length = linear;
    for (std::uint32_t n : frags) {
      k->frags[k->nr_frags++] = {place(n), n, token++};
      k->length += n;
    }
    return k;
  }
  Hpa place(std::uint32_t n) {
    const Frag f{phys.alloc_contiguous(std::max(n, 64u), 64), n, 0};
    fill(f);
    return f.addr;
  }
  void fill(const Frag& f) {
    for (std::uint32_t i = 0; i < f.length; ++i) *phys.at(f.addr + i) = next++;
  }
  std::uint32_t token = 0;
  std::uint8_t next = 0;
};

struct Form {
  const char* what;
  std::uint32_t linear;
  std::vector<std::uint32_t> frags;
  bool page;
};

TEST_F(SkbTest, MergeMovesFragmentsOrChains) {
  struct Row {
    Form to, from;
    bool old;
    unsigned moved;      // descriptors
    bool shell;
    unsigned to_frags, members;
  };
  const Form page{"linear in a page", 600, {}, true}, slab{"linear in the slab", 600, {}, false}, split{"split", 54, {500}, false},
      scattered{"split, two pieces", 54, {400, 300}, false}, short_split{"Ethernet header linear", 14, {540}, false},
      full{"full array", 54, std::vector<std::uint32_t>(17, 100), false}, page_frag{"page and fragment", 300, {200}, true};
  const std::vector<Row> rows = {
      {page, page, false, 1, true, 1, 0},        // form A: the head becomes a fragment
      {page, slab, false, 0, false, 0, 1},       // a head that cannot leave its slab: frag_list
      {split, split, false, 1, true, 2, 0},      // form B
      {split, scattered, false, 2, true, 3, 0},
      {split, short_split, false, 1, true, 2, 0},
      {page, split, false, 1, true, 1, 0},       // mixed
      {split, page, false, 1, true, 2, 0},
      {split, page_frag, false, 2, true, 3, 0},
      {full, split, false, 0, false, 17, 1},     // array full: frag_list
      {full, page, false, 0, false, 17, 1},
      {page, page, true, 0, false, 0, 1},        // 2.6.35: no linear part becomes a fragment
      {split, split, true, 1, true, 2, 0},
  };
  for (const Row& r : rows) {
    SCOPED_TRACE(std::string(r.from.what) + " to " + r.to.what + (r.old ? " (2.6.35)" : ""));
    in_step([&](Step& s) {
      Skb* to = make(s, r.to.linear, r.to.frags, r.to.page);
      Skb* from = make(s, r.from.linear, r.from.frags, r.from.page);
      const Frame expected = all_bytes(*to) + slice(all_bytes(*from), kHeader);
      bool shell = !r.shell;
      EXPECT_EQ(merge_payload(*to, *from, kHeader, &shell, r.old), r.moved);
      EXPECT_EQ(shell, r.shell);
      EXPECT_EQ(to->nr_frags, r.to_frags);
      unsigned members = 0;
      for (Skb* m = to->list; m; m = m->next) ++members;
      EXPECT_EQ(members, r.members);
      EXPECT_EQ(to->length, expected.size());
      EXPECT_EQ(all_bytes(*to), expected);
    });
  }
}

TEST_F(SkbTest, LaterSegmentsFillTheLastMember) {
  in_step([&](Step& s) {
    Skb* to = make(s, 54, {100}, false);
    Frame expected = all_bytes(*to);
    bool shell = false;
    unsigned chained = 0;
    for (int i = 0; i < 40; ++i) {
      Skb* from = make(s, 54, {100}, false);
      append(expected, slice(all_bytes(*from), kHeader));
      merge_payload(*to, *from, kHeader, &shell);
      chained += !shell;
    }
    EXPECT_EQ(chained, 2u);                       // 17 + 17 + 7 fragments
    EXPECT_EQ(to->nr_frags, 17u);
    EXPECT_EQ(to->list->nr_frags, 17u);
    EXPECT_EQ(to->list_tail->nr_frags, 7u);
    EXPECT_EQ(to->list->length, 1700u);
    EXPECT_EQ(to->length, expected.size());
    EXPECT_EQ(all_bytes(*to), expected);
  });
}

TEST_F(SkbTest, HeaderOnlyFragmentStaysAsAnEmptySlot) {
  in_step([&](Step& s) {
    Skb* to = make(s, 54, {100}, false);
    Skb* from = make(s, 0, {54, 200}, false);     // form C of a splitting NIC: the first page holds just the headers
    const Frame expected = all_bytes(*to) + slice(all_bytes(*from), kHeader);
    bool shell = false;
    EXPECT_EQ(merge_payload(*to, *from, kHeader, &shell), 2u);
    EXPECT_EQ(to->nr_frags, 3u);
    EXPECT_EQ(to->frags[1].length, 0u);
    EXPECT_NE(to->frags[1].token, kNoToken);      // its buffer still wants to go back
    EXPECT_EQ(all_bytes(*to), expected);
  });
}

TEST_F(SkbTest, OldKernelsGrowANewHead) {
  in_step([&](Step& s) {
    Skb* p = make(s, 300, {}, true);
    p->hash = 77;
    frames.append(p->frames, wire(Frame(300)));
    Frame expected = all_bytes(*p);
    Skb* top = skbs_.lift_head(s, *p, p->head.addr, kHeader, Cost{costs.get("gro.chain").op, 0, 0});
    EXPECT_EQ(top->list, p);
    EXPECT_EQ(top->head.length, kHeader);
    EXPECT_EQ(top->frames.count, 1u);
    EXPECT_TRUE(p->frames.empty());
    EXPECT_EQ(top->hash, 77u);
    Skb* page = make(s, 54, {246}, false);        // behind a frag_list even fragments are chained
    append(expected, slice(all_bytes(*page), kHeader));
    bool shell = true;
    merge_payload(*top, *page, kHeader, &shell, true);
    EXPECT_FALSE(shell);
    EXPECT_EQ(top->length, expected.size());
    EXPECT_EQ(all_bytes(*top), expected);
  });
}

TEST_F(SkbTest, CanMerge2635) {
  struct Row {
    unsigned to_frags, from_frags;
    std::uint32_t linear;
    bool list, can;
  };
  for (const Row& r : {Row{1, 1, 54, false, true}, {17, 1, 54, false, true}, {18, 1, 54, false, false}, {17, 2, 54, false, false},
                       {18, 1, 54, true, true}, {18, 0, 600, false, true}}) {
    Skb to, from, member;
    to.nr_frags = static_cast<std::uint8_t>(r.to_frags);
    from.nr_frags = static_cast<std::uint8_t>(r.from_frags);
    from.head.length = r.linear;
    if (r.list) to.list = &member;
    EXPECT_EQ(can_merge_2635(to, from, kHeader), r.can) << r.to_frags << '+' << r.from_frags;
  }
}

TEST_F(SkbTest, PullCopiesHeadersAndDropsWhatItEmpties) {
  struct Row {
    std::uint32_t linear;
    std::vector<std::uint32_t> frags;
    std::uint32_t want;
    unsigned emptied, left;
    std::uint32_t first;   // bytes in the first fragment left
  };
  const Cost copy{costs.get("gro.pull").op, 0, 0};
  for (const Row& r : {Row{0, {1000}, 54, 0, 1, 946}, {0, {54, 1000}, 54, 1, 1, 1000}, {0, {20, 20, 20, 100}, 54, 2, 2, 6},
                       {14, {40}, 54, 1, 0, 0}, {54, {100}, 54, 0, 1, 100}, {100, {100}, 54, 0, 1, 100}, {0, {700}, 600, 0, 1, 188},
                       {30, {100}, 54, 0, 1, 76}, {0, {40}, 54, 1, 0, 0}}) {
    in_step([&](Step& s) {
      Skb* k = make(s, r.linear, r.frags, false);
      const Frame expected = all_bytes(*k);
      Emptied e;
      skbs_.pull(s, *k, r.want, copy, e);
      const std::uint32_t linear = std::min({std::max(r.want, r.linear), k->length, static_cast<std::uint32_t>(Skb::kSlab)});
      EXPECT_EQ(k->head.length, linear);
      EXPECT_EQ(k->pulled, linear - r.linear);
      EXPECT_EQ(e.count, r.emptied);
      for (unsigned i = 0; i < e.count; ++i) EXPECT_NE(e.frags[i].token, kNoToken);
      ASSERT_EQ(k->nr_frags, r.left);
      if (r.left) {
        EXPECT_EQ(k->frags[0].length, r.first);
      }
      EXPECT_EQ(all_bytes(*k), expected);
      EXPECT_FALSE(k->broken);
      skbs_.free(s, k);
    });
  }
}

TEST_F(SkbTest, ShiftByBytesLosesDescriptors) {
  const Cost copy{costs.get("gro.pull").op, 0, 0};
  struct Row {
    unsigned others;       // fragments behind the emptied one
    std::uint64_t lost;    // violations
  };
  for (const Row& r : {Row{0, 0}, {1, 1}, {2, 1}, {3, 1}, {16, 1}, {17, 1}}) {
    const std::uint64_t before = own.violations();
    in_step([&](Step& s) {
      std::vector<std::uint32_t> lengths = {54};
      for (unsigned i = 0; i < r.others; ++i) lengths.push_back(100 + i);
      Skb* k = make(s, 0, lengths, false);
      Emptied e;
      skbs_.pull(s, *k, 54, copy, e, PullBug::shift_bytes);
      EXPECT_EQ(k->nr_frags, r.others);
      EXPECT_EQ(k->broken, r.lost > 0);
      for (unsigned i = 0; i < k->nr_frags; ++i)      // what points nowhere holds no bytes and no buffer
        EXPECT_EQ(k->frags[i].token == kNoToken, k->frags[i].length == 0);
      skbs_.free(s, k);
    });
    EXPECT_EQ(own.violations() - before, r.lost) << r.others;
  }
  ASSERT_FALSE(own.messages().empty());
  EXPECT_NE(own.messages()[0].find("fragment 1 of 1 (100 bytes) was lost"), std::string::npos) << own.messages()[0];
}

TEST_F(SkbTest, SpareShellIsUsedAgain) {
  in_step([&](Step& s) {
    Skb* spare = nullptr;
    Skb* k = skbs_.get_frags(s, spare);
    k->nr_frags = 2;
    k->length = 100;
    skbs_.reuse(s, k, spare);
    EXPECT_EQ(spare, k);
    EXPECT_EQ(k->nr_frags, 0);
    EXPECT_EQ(k->length, 0u);
    Skb* other = skbs_.alloc(s);
    skbs_.reuse(s, other, spare);                  // one is kept, the next is freed
    EXPECT_EQ(skbs_.in_use(), 1u);
    EXPECT_EQ(skbs_.get_frags(s, spare), k);
    EXPECT_EQ(spare, nullptr);
    skbs_.free(s, k);
  });
  EXPECT_EQ(skbs_.in_use(), 0u);
}

TEST_F(SkbTest, PoolGivesTheLastFreedFirstAndCleans) {
  const auto before = counts();
  in_step([&](Step& s) {
    Skb* a = skbs_.alloc(s);
    const Hpa at = a->struct_addr;
    a->nr_frags = 3;
    a->checksum = Checksum::partial;
    Skb* member = skbs_.alloc(s);
    a->list = a->list_tail = member;
    EXPECT_EQ(skbs_.in_use(), 2u);
    skbs_.free(s, a);                              // the frag_list member goes along
    EXPECT_EQ(skbs_.in_use(), 0u);
    Skb* b = skbs_.alloc(s);
    EXPECT_EQ(b->struct_addr, at);
    EXPECT_EQ(b->slab_addr, at + Skb::kStruct);
    EXPECT_EQ(b->nr_frags, 0);
    EXPECT_EQ(b->checksum, Checksum::none);
    EXPECT_EQ(b->list, nullptr);
    EXPECT_EQ(b->head.token, kNoToken);
    skbs_.free_shell(s, b);
    std::vector<Skb*> many;
    for (int i = 0; i < 65; ++i) many.push_back(skbs_.alloc(s));   // one beyond the capacity: grown, never null
    EXPECT_EQ(skbs_.peak(), 65u);
    for (Skb* k : many) skbs_.free(s, k);
  });
  EXPECT_EQ(skbs_.in_use(), 0u);
  EXPECT_EQ(own.count(Owner::host), before[static_cast<int>(Owner::host)] + 1024);
  expect_no_violation();
}

TEST_F(SkbTest, HeaderBufferChangesHands) {
  in_step([&](Step& s) {
    for (const bool written : {false, true}) {
      Skb* k = skbs_.alloc(s);
      skbs_.post_head(s, k);
      EXPECT_EQ(own.owner(k->slab_buffer), Owner::posted);
      if (written) own.device_write(k->slab_addr, 54, s.now(), "nic");
      skbs_.take_head(s, k, written);
      EXPECT_EQ(own.owner(k->slab_buffer), Owner::skb);
      skbs_.free(s, k);
      EXPECT_EQ(own.owner(k->slab_buffer), Owner::host);
    }
    Skb* k = skbs_.alloc(s);                        // a DMA that failed after the header: the write-back is empty
    skbs_.post_head(s, k);
    own.device_write(k->slab_addr, 54, s.now(), "nic");
    skbs_.take_head(s, k, false);
    skbs_.free(s, k);
    expect_no_violation();
    k = skbs_.alloc(s);                             // freed while the NIC still has it: found
    skbs_.post_head(s, k);
    skbs_.free(s, k);
    EXPECT_EQ(own.violations(), 1u);
  });
}

}  // namespace skb_test
}  // namespace gd::test
