// vhost-copy: host pages on the NIC's side, the copy into the guest's ring buffers on the other.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace vhost_copy_test {

struct VhostCopyTest : PathBench {
  // What used buffers hold, in order, virtio header removed; their lengths in `lengths`.
  Frame received(const std::vector<DriverRing::Used>& used, std::vector<std::uint32_t>* lengths = nullptr) {
    Frame f;
    for (std::size_t i = 0; i < used.size(); ++i) {
      const std::uint32_t skip = i == 0 ? guest->rx_.header_length : 0;
      append(f, guest->bytes(used[i].token, skip, used[i].len - skip));
      if (lengths) lengths->push_back(used[i].len);
    }
    return f;
  }
};

TEST_F(VhostCopyTest, GathersBuffersByByteCount) {
  bind("vhost-copy");
  refill(20);
  struct Row {
    std::size_t frame;
    std::vector<std::uint32_t> buffers, lengths;
  };
  for (const Row& r : {Row{1500, {1536}, {1512}},
                       {1524, {1536}, {1536}},                      // header and frame fill it exactly
                       {1525, {1536, 1536}, {1536, 1}},             // one byte more
                       {1514, {300, 300, 2048}, {300, 300, 926}},
                       {200, {300, 300}, {212}}}) {
    std::vector<std::uint32_t> posted;
    for (std::uint32_t n : r.buffers) posted.push_back(guest->post(n));
    const Frame f = tcp4_frame(r.frame - 54);
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    const std::size_t signals = guest->injected.size();
    EXPECT_EQ(deliver(skb), Progress::done);
    const auto used = guest->used();
    std::vector<std::uint32_t> lengths;
    EXPECT_EQ(received(used, &lengths), f);
    EXPECT_EQ(lengths, r.lengths);
    EXPECT_EQ(guest->header(used[0].token).num_buffers, used.size());
    EXPECT_EQ(guest->header(used[0].token).flags, VirtioNetHdr::kDataValid);
    EXPECT_GE(guest->injected.size(), signals);
    EXPECT_EQ(take_frames(), 1u);
    guest->posted.erase(guest->posted.end(), guest->posted.end());
    while (guest->driver.outstanding()) {                            // what is left of the row: used by small frames
      const Frame small = udp4_frame(20);
      deliver(arrive(small));
      EXPECT_EQ(received(guest->used()), small);
      take_frames();
    }
  }
  EXPECT_EQ(guest->injected.empty(), false);
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(VhostCopyTest, TooFewBuffersTakeNothing) {
  bind("vhost-copy");
  refill(4);
  const Frame f = tcp4_frame(1460);
  Skb* skb = arrive(f);
  guest->post(500);
  guest->post(500);
  EXPECT_EQ(deliver(skb), Progress::no_buffers);
  EXPECT_TRUE(guest->used().empty());
  // The worker asks for a kick: not for the two that it knows, but for the next.
  bool again = true;
  in_step([&](Step& s) { path->ask_for_kick(s, true); });
  in_step([&](Step& s) { again = path->recheck(s); });
  EXPECT_FALSE(again);
  guest->driver.kick_needed(guest->view);
  guest->post(1000);
  EXPECT_TRUE(guest->driver.kick_needed(guest->view));
  in_step([&](Step& s) { again = path->recheck(s); });
  EXPECT_TRUE(again);
  EXPECT_EQ(deliver(skb), Progress::done);
  const auto used = guest->used();
  EXPECT_EQ(used.size(), 3u);
  EXPECT_EQ(received(used), f);
  expect_no_violation();
}

TEST_F(VhostCopyTest, UnusableChainsAreGivenBackAndNothingIsLost) {
  bind("vhost-copy");
  refill(4);
  const Frame f = tcp4_frame(1460);
  Skb* skb = arrive(f);
  const std::uint32_t first = guest->post(800);
  const Segment readable{guest->memory.alloc(64, 64), 64, false};
  guest->driver.add(guest->view, &readable, 1, 99);
  guest->driver.publish(guest->view);
  EXPECT_EQ(deliver(skb), Progress::no_buffers);
  auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);                     // the bad one, and the good one that was gathered before it
  for (const auto& u : used) EXPECT_EQ(u.len, 0u);
  EXPECT_EQ(own.owner(guest->posted[first].id), Owner::guest);
  guest->again(first);
  guest->post(800);
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(received(guest->used()), f);
  expect_no_violation();
}

TEST_F(VhostCopyTest, FrameTooLargeForANonMergeableGuestIsDropped) {
  bind("vhost-copy", 64, feature::bit(feature::kVersion1));
  refill(4);
  guest->post(1000);
  Skb* skb = arrive(tcp4_frame(1460));
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::oversize)], 1u);
  EXPECT_TRUE(guest->used().empty());
  const Frame small = udp4_frame(400);
  EXPECT_EQ(deliver(arrive(small)), Progress::done);   // the buffer is still there
  EXPECT_EQ(received(guest->used()), small);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(VhostCopyTest, AChainsBuffersAllGoBack) {                     // big mode: header part, page, page
  bind("vhost-copy", 64, feature::bit(feature::kVersion1));
  refill(4);
  Segment chain[3];
  BufferId ids[2];
  for (int i = 0; i < 2; ++i) {
    const Gpa page = guest->memory.alloc(kPage, kPage);
    ids[i] = own.add(guest->memory.translate(page), kPage, Owner::posted, Ownership::Home::guest);
    if (i == 0) chain[0] = {page, 12, true}, chain[1] = {page + 32, 1000, true};
    else chain[2] = {page, 4096, true};
  }
  guest->driver.add(guest->view, chain, 3, 5);
  guest->driver.publish(guest->view);
  const Frame f = tcp4_frame(1460);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].len, f.size() + 12);
  Frame got(1000), rest(f.size() - 1000);
  guest->memory.read(chain[1].gpa, got.data(), got.size());
  guest->memory.read(chain[2].gpa, rest.data(), rest.size());
  EXPECT_EQ(got + rest, f);
  for (BufferId b : ids) EXPECT_EQ(own.owner(b), Owner::guest);
  expect_no_violation();
}

TEST_F(VhostCopyTest, CutCopiesGiveTheSameBytes) {
  bind("vhost-copy");
  refill(50);
  for (int i = 0; i < 40; ++i) guest->post(1536);
  Frame expected;
  Skb* all = nullptr;
  for (std::uint32_t i = 0; i < 30; ++i) {
    const Frame f = tcp4_frame(1400, 100 + i * 1400);
    Skb* k = arrive(f);
    append(expected, i ? slice(f, 54) : f);
    bool shell = false;
    if (all) {
      merge_payload(*all, *k, 54, &shell);
      frames.join(all->frames, k->frames);
      if (shell) in_step([&](Step& s) { skbs_.free_shell(s, k); });
    } else {
      all = k;
    }
  }
  all->gso_type = VirtioNetHdr::kGsoTcpV4;
  all->gso_size = 1400;
  all->header_length = 54;
  all->checksum = Checksum::partial;
  all->csum_start = 34, all->csum_offset = 16;
  unsigned steps = 0;
  EXPECT_EQ(deliver(all, &steps), Progress::done);
  EXPECT_GT(steps, 3u);                                               // a step takes 1 us
  const auto used = guest->used();
  EXPECT_EQ(received(used), expected);
  const VirtioNetHdr h = guest->header(used[0].token);
  EXPECT_EQ(h.num_buffers, (expected.size() + 12 + 1535) / 1536);
  EXPECT_EQ(h.flags, VirtioNetHdr::kNeedsCsum);
  EXPECT_EQ(h.gso_type, VirtioNetHdr::kGsoTcpV4);
  EXPECT_EQ(h.gso_size, 1400);
  EXPECT_EQ(h.hdr_len, 54);
  EXPECT_EQ(h.csum_start, 34);
  EXPECT_EQ(take_frames(), 30u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  EXPECT_EQ(skbs_.in_use(), 0u);
  expect_no_violation();
}

TEST_F(VhostCopyTest, TheHeaderCarriesTheReceiveHash) {
  bind("vhost-copy", 64, kModern | feature::bit(feature::kHashReport));
  refill(8);
  const struct {
    std::uint8_t rss_type;
    std::uint16_t report;
  } rows[] = {{RxDescriptor::kRssTcp4, 2}, {RxDescriptor::kRssIp4, 1}, {RxDescriptor::kRssUdp6, 6}, {RxDescriptor::kRssNone, 0}};
  for (const auto& r : rows) {
    const std::uint32_t n = guest->post(1536);
    const Frame f = tcp4_frame(400);
    Skb* skb = arrive(f);
    skb->hash = 0x12345678;
    skb->hash_type = r.rss_type;
    EXPECT_EQ(deliver(skb), Progress::done);
    EXPECT_EQ(received(guest->used()), f);
    EXPECT_EQ(guest->header(n).hash_report, r.report);
    EXPECT_EQ(guest->header(n).hash_value, r.report ? 0x12345678u : 0u);
    take_frames();
  }
}

TEST_F(VhostCopyTest, NoChecksumFlagWithoutGuestCsum) {
  bind("vhost-copy", 64, kModern & ~feature::bit(feature::kGuestCsum));
  refill(8);
  for (const Checksum c : {Checksum::partial, Checksum::unnecessary}) {
    const std::uint32_t n = guest->post(1536);
    Skb* skb = arrive(tcp4_frame(400));
    skb->checksum = c;
    EXPECT_EQ(deliver(skb), Progress::done);
    EXPECT_EQ(guest->header(n).flags, 0);
    guest->used();
    take_frames();
  }
}

TEST_F(VhostCopyTest, NicSideGeometryAndReturn) {
  struct Row {
    SplitMode split;
    bool recycle;
    Frame frame;
    std::uint32_t head, frags;
    bool head_is_page;
  };
  const std::vector<Row> rows = {{SplitMode::off, true, tcp4_frame(1460), 1514, 0, true},
                                 {SplitMode::off, true, udp4_frame(58), 100, 0, false},      // copybreak
                                 {SplitMode::off, true, tcp4_frame(4000), 2048, 1, true},    // two buffers
                                 {SplitMode::off, false, tcp4_frame(1460), 1514, 0, true},
                                 {SplitMode::split, true, tcp4_frame(1460), 54, 1, false},
                                 {SplitMode::split, true, tcp4_frame(0), 54, 0, false},
                                 {SplitMode::split, false, tcp4_frame(4000), 54, 2, false},
                                 {SplitMode::always, true, tcp4_frame(40), 94, 0, false},
                                 {SplitMode::always, false, Frame(300, 7), 128, 1, false}};   // undecodable: cut
  for (const Row& r : rows) {
    SCOPED_TRACE(r.frame.size());
    env.split = r.split;
    env.page_recycle = r.recycle;
    head = tail = 0;
    bind("vhost-copy", 64, kModern, false);
    refill(4);
    const auto before = counts();
    Skb* skb = arrive(r.frame);
    ASSERT_NE(skb, nullptr);
    EXPECT_EQ(skb->head.length, r.head);
    EXPECT_EQ(skb->nr_frags, r.frags);
    EXPECT_EQ(skb->head_is_page, r.head_is_page);
    EXPECT_EQ(skb->length, r.frame.size());
    EXPECT_EQ(all_bytes(*skb), r.frame);
    EXPECT_EQ(skb->checksum, Checksum::unnecessary);
    const unsigned taken = head;
    frames.dropped(skb->frames, Drop::stack, now());
    in_step([&](Step& s) { path->release(s, skb); });
    refill(taken);
    EXPECT_EQ(counts(), before);
    expect_no_violation();
  }
}

TEST_F(VhostCopyTest, HeaderBufferIsNoLargerThanAnSkbsHead) {
  env.split = SplitMode::always;
  env.header_buffer = 1024;
  bind("vhost-copy", 64, kModern, false);
  EXPECT_EQ(queue.header_buffer, Skb::kSlab);
  refill(2);
  const Frame f(700, 9);
  Skb* skb = arrive(f);
  EXPECT_EQ(all_bytes(*skb), f);
  expect_no_violation();
}

// Pages of a batch stay mapped, and are no free pages, until the last of them has been used.
TEST_F(VhostCopyTest, PagesAreUnmappedByTheBatch) {
  env.page_recycle = false;
  env.unmap_batch = 3;
  env.rx_buffer = kPage;
  bind("vhost-copy", 64, kModern, false);
  refill(8);
  const auto unmap = [this] {
    unsigned n = 0;
    in_step([&](Step& s) {
      while (path->unmap(s)) ++n;
    });
    return n;
  };
  struct Row {
    unsigned unmapped;     // after this packet
    bool kept;             // the packet outlives that
  };
  std::vector<Skb*> kept;
  std::uint64_t unmaps = 0, frees = 0;
  for (const Row& r : {Row{0, false}, Row{0, true}, Row{3, false}, Row{0, false}, Row{0, false}, Row{3, true}, Row{0, false}}) {
    SCOPED_TRACE(unmaps);
    Skb* skb = arrive(tcp4_frame(3000));
    ASSERT_NE(skb, nullptr);
    frames.dropped(skb->frames, Drop::stack, now());
    if (r.kept) kept.push_back(skb);
    else in_step([&](Step& s) { path->release(s, skb); });
    EXPECT_EQ(spent("page.free").calls, frees) << "freed while it is mapped";
    EXPECT_EQ(unmap(), r.unmapped);
    unmaps += r.unmapped;
    if (r.unmapped) frees = unmaps - kept.size();
    EXPECT_EQ(spent("dma.unmap").calls, unmaps);
    EXPECT_EQ(spent("page.free").calls, frees);
  }
  for (Skb* skb : kept) in_step([&](Step& s) { path->release(s, skb); });
  EXPECT_EQ(spent("page.free").calls, 6u) << "of a batch that is unmapped, at once";
  EXPECT_EQ(spent("dma.map").calls, 8u);
  expect_no_violation();
}

// A driver's cache: what was used stays mapped and is posted again, the oldest first, once its packet has ended; while the oldest is in use
// new pages are mapped, and what the cache has no room for is unmapped.
TEST_F(VhostCopyTest, PagesOfTheDriversCacheKeepTheirMapping) {
  env.page_recycle = false;
  env.unmap_batch = 2;
  env.page_cache = 3;
  env.rx_buffer = kPage;
  bind("vhost-copy", 64, kModern, false);
  refill(4);
  std::uint64_t first[4];
  for (unsigned i = 0; i < 4; ++i) first[i] = slots[i][0];
  struct Row {
    bool kept, last;                // the two packets outlive what follows; those kept so far have ended
    std::uint64_t maps, unmaps;     // after both, what is due, and two buffers posted
  };
  std::vector<Skb*> kept;
  unsigned posted = 4;
  for (const Row& r : {Row{false, false, 4, 0}, Row{true, false, 6, 0}, Row{false, false, 8, 1}, Row{false, false, 10, 3}, Row{false, true, 10, 5}}) {
    SCOPED_TRACE(posted);
    for (Skb* skb : kept)
      if (r.last) in_step([&](Step& s) { path->release(s, skb); });
    for (int i = 0; i < 2; ++i) {
      Skb* skb = arrive(tcp4_frame(3000));
      ASSERT_NE(skb, nullptr);
      frames.dropped(skb->frames, Drop::stack, now());
      if (r.kept) kept.push_back(skb);
      else in_step([&](Step& s) { path->release(s, skb); });
    }
    in_step([&](Step& s) {
      while (path->unmap(s)) {}
    });
    refill(2);
    posted += 2;
    EXPECT_EQ(spent("dma.map").calls, r.maps);
    EXPECT_EQ(spent("dma.unmap").calls, r.unmaps);
    if (posted == 6) {
      EXPECT_EQ(slots[4][0], first[0]) << "the oldest first, at its old bus address";
      EXPECT_EQ(slots[5][0], first[1]);
    }
  }
  expect_no_violation();
}

TEST_F(VhostCopyTest, ABlockedDmaGivesItsBuffersBack) {
  env.split = SplitMode::split;
  bind("vhost-copy", 64, kModern, false);
  refill(2);
  const auto before = counts();
  const Frame header(54);
  write(slots[0][1], header.data(), 54);          // the header arrived, the payload was blocked
  RxWriteback w;
  w.done = w.end_of_packet = true;
  in_step([&](Step& s) { EXPECT_EQ(path->receive(s, 0, w, kNoFrame), nullptr); });
  tail = 64;
  refill(1);
  EXPECT_EQ(counts(), before);
  expect_no_violation();
}

}  // namespace vhost_copy_test
}  // namespace gd::test
