// What the host asks of the designs whose buffers are the guest's, and frames that the NIC cannot write to the guest: each
// design hands over the same bytes.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace host_requests_test {

struct Row {
  const char *name, *strategy;
  SplitMode split;
  Placement placement;
  bool big;
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.name; }

struct HostRequests : PathBench, ::testing::WithParamInterface<Row> {
  RxPath& start(unsigned buffers = 24) {
    const Row r = GetParam();
    std::uint64_t f = kModern | feature::bit(feature::kUsedOffset) | feature::bit(feature::kSplitLayout);
    if (r.big) f &= ~(feature::bit(feature::kMergeRxBuffers) | feature::bit(feature::kUsedOffset));
    env.split = r.split;
    env.used_offset = !r.big;
    env.split_layout = true;
    env.options.placement = r.placement;
    env.rx_mode = r.big ? RxMode::big : RxMode::mergeable;
    RxPath& p = bind(r.strategy, 64, f);
    for (unsigned i = 0; i < buffers; ++i) more();
    post_all();
    return p;
  }
  void more() {
    if (layout.kind == GuestRxLayout::Kind::head) {
      guest->post(static_cast<std::uint32_t>(layout.buffer - layout.headroom - layout.tailroom), kPage, layout.headroom);
    } else if (GetParam().big) {
      chain();
    } else if (layout.kind == GuestRxLayout::Kind::header_pages) {
      guest->post(static_cast<std::uint32_t>(layout.header_buffer));
      guest->post(kPage, kPage);
    } else {
      guest->post(static_cast<std::uint32_t>(layout.buffer), kPage);
    }
  }
  void chain() {
    const Gpa header = guest->memory.alloc(layout.header_buffer, kLine), page = guest->memory.alloc(kPage, kPage);
    own.add(guest->memory.translate(header), layout.header_buffer, Owner::posted, Ownership::Home::guest);
    const BufferId id = own.add(guest->memory.translate(page), kPage, Owner::posted, Ownership::Home::guest);
    const Segment s[2] = {{header, static_cast<std::uint32_t>(layout.header_buffer), true}, {page, kPage, true}};
    guest->driver.add(guest->view, s, 2, static_cast<std::uint32_t>(guest->posted.size()));
    guest->driver.publish(guest->view);
    guest->posted.push_back({header, static_cast<std::uint32_t>(layout.header_buffer), id});
    pages.push_back(page);
  }
  // The bytes of the next packet as a guest's driver would read them.
  Frame read_packet() {
    Frame f;
    unsigned left = 1;
    for (const auto& u : guest->used()) {
      const bool offsets = env.used_offset;
      const std::uint32_t length = offsets ? u.len & 0xffff : u.len, offset = offsets ? u.len >> 16 : 0;
      if (length == 0) continue;
      if (f.empty()) {
        const VirtioNetHdr h = guest->header(u.token, offset);
        left = env.mergeable ? h.num_buffers : 1;
        if (GetParam().big) {
          f = guest->bytes(u.token, 12, h.hdr_len);
          Frame rest(length - layout.header_buffer);
          if (!rest.empty()) guest->memory.read(pages[u.token], rest.data(), rest.size());
          append(f, rest);
        } else if (layout.kind == GuestRxLayout::Kind::room && offset == 0) {
          f = guest->bytes(u.token, static_cast<std::uint32_t>(layout.room) - h.hdr_len, length - static_cast<std::uint32_t>(layout.room) + h.hdr_len);
        } else {
          f = guest->bytes(u.token, offset + 12, length - 12);
        }
      } else {
        append(f, guest->bytes(u.token, offset, length));
      }
      --left;
    }
    EXPECT_EQ(left, 0u);
    return f;
  }
  std::vector<Gpa> pages;   // big: a chain's page, by number
};

TEST_P(HostRequests, APacketOfTheHostsIsCopied) {
  start();
  EXPECT_TRUE(path->guest_memory());
  PathBench::head = 0;
  const Frame f = tcp4_frame(1300);
  // Another path's packet, in two runs of host memory.
  Skb* skb = nullptr;
  in_step([&](Step& s) { skb = skbs_.alloc(s); });
  const Hpa page = phys.alloc_page();
  std::memcpy(phys.at(skb->slab_addr), f.data(), 100);
  std::memcpy(phys.at(page), f.data() + 100, f.size() - 100);
  skb->head = {skb->slab_addr, 100, kNoToken};
  skb->frags[skb->nr_frags++] = {page, static_cast<std::uint32_t>(f.size() - 100), kNoToken};
  skb->length = static_cast<std::uint32_t>(f.size());
  skb->path = path.get();
  frames.append(skb->frames, wire(f));
  Progress p = Progress::more;
  for (int i = 0; p == Progress::more && i < 100; ++i) in_step([&](Step& s) { p = path->deliver_copy(s, skb); });
  EXPECT_EQ(p, Progress::done);
  publish();
  EXPECT_EQ(read_packet(), f);
  EXPECT_EQ(take_frames(), 1u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_P(HostRequests, AReturnedPacketsBuffersGoToTheGuestUnused) {
  start();
  refill(8);
  Skb* skb = arrive(tcp4_frame(1300));
  frames.dropped(skb->frames, Drop::filtered, now());
  in_step([&](Step& s) { EXPECT_EQ(path->give_back(s, skb), Progress::done); });
  publish();
  const auto used = guest->used();
  EXPECT_GE(used.size(), 1u);
  for (const auto& u : used) EXPECT_EQ(u.len, 0u);
  EXPECT_EQ(own.count(Owner::in_flight), 0u);
  expect_no_violation();
}

TEST_P(HostRequests, ScrubbingLeavesNothingOfAFrame) {
  start();
  refill(8);
  const Frame f = tcp4_frame(1300);
  Skb* skb = arrive(f);
  const Frag last = skb->nr_frags ? skb->frags[skb->nr_frags - 1] : skb->head;
  in_step([&](Step& s) { path->scrub(s, *skb, Cost{}); });
  for (std::uint32_t i = 0; i < last.length; ++i) ASSERT_EQ(*phys.at(last.addr + i), 0);
  frames.dropped(skb->frames, Drop::filtered, now());
  in_step([&](Step& s) { path->release(s, skb); });
  expect_no_violation();
}

// A VLAN tag goes: the packet begins four bytes later.
TEST_P(HostRequests, AShorterHeader) {
  start();
  refill(8);
  Frame f = tcp4_frame(700);
  Skb* skb = arrive(f);
  if (path->napi_frags()) {
    in_step([&](Step& s) {
      Emptied emptied;
      skbs_.pull(s, *skb, 54, Cost{}, emptied);
      for (unsigned i = 0; i < emptied.count; ++i) path->pulled_empty(s, *skb, emptied.frags[i]);
    });
  }
  bool moved = false;
  in_step([&](Step& s) { moved = path->move_start(s, *skb, 54, -4); });
  ASSERT_TRUE(moved);
  EXPECT_EQ(skb->length, f.size() - 4);
  const Hpa at = path->headers(*skb);
  for (std::uint32_t i = 0; i < 50; ++i) *phys.at(at + i) = static_cast<std::uint8_t>(i);
  in_step([&](Step& s) { path->edited(s, *skb, 0, 50); });
  Frame wanted = slice(f, 4);
  for (std::uint32_t i = 0; i < 50; ++i) wanted[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(read_packet(), wanted);
  take_frames();
  expect_no_violation();
}

// Taking a stopped guest's buffers back: all that the path and the card have goes to the guest unused, nothing of it stays pinned, and
// no buffer is taken before the guest offers one that it had not offered then, or has reset its device.
TEST_P(HostRequests, ReclaimTakesAllBackUntilTheGuestGoesOn) {
  start(8);
  GuestHold h;
  const auto look = [&] { in_step([&](Step& s) { h = path->holds(s, costs.get("vhost.head").op); }); };
  look();
  const GuestHold all = h;
  EXPECT_GE(all.at_host, 8u);
  EXPECT_EQ(all.at_guest, 0u);
  EXPECT_GT(all.pinned, 0u);
  ASSERT_GE(refill(3), 2u);
  EXPECT_EQ(deliver(arrive(tcp4_frame(700))), Progress::done);
  guest->used();
  take_frames();
  look();
  EXPECT_EQ(h.at_host + h.at_guest, all.at_host);
  EXPECT_GE(h.at_guest, 1u);
  EXPECT_EQ(h.progress, all.progress);
  const std::uint32_t had = h.at_host;
  path->close(h);
  EXPECT_EQ(refill(3), 0u);
  for (; PathBench::head != tail; ++PathBench::head) in_step([&](Step& s) { path->take_back(s, PathBench::head % env.ring_size); });
  for (bool left = true; left;) in_step([&](Step& s) { left = path->reclaim(s); });
  publish();
  std::uint32_t back = 0;
  for (const auto& u : guest->used()) back += u.len == 0;
  EXPECT_EQ(back, had);
  EXPECT_EQ(path->stats().reclaimed, had);
  EXPECT_EQ(path->free_buffers(), 0u);
  EXPECT_EQ(own.count(Owner::posted) + own.count(Owner::skb) + own.count(Owner::in_flight), 0u);
  EXPECT_EQ(own.pinned_bytes(), 0u);
  look();
  EXPECT_EQ(h.at_host, 0u);
  EXPECT_EQ(h.at_guest, 0u) << "what was taken back is not asked for again";
  EXPECT_EQ(h.pinned, 0u);
  const std::uint64_t posted = path->stats().posted;
  post_all();
  EXPECT_EQ(refill(1), 0u);
  for (int i = 0; i < 4; ++i) more();
  post_all();
  EXPECT_GT(path->stats().posted, posted);
  look();
  EXPECT_GE(h.at_host, 4u);
  EXPECT_EQ(refill(1), 1u);
  expect_no_violation();
}

TEST_P(HostRequests, AtTheMemlockLimitFramesAreCopied) {
  env.at_limit = AtLimit::copy;
  env.memlock_limit = kPage;
  start(8);
  ASSERT_GE(refill(4), 2u);                        // one guest buffer, then pages of the host
  for (std::uint32_t i = 0; i < 2; ++i) {
    const Frame f = tcp4_frame(1300, 1300 * i);
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    EXPECT_EQ(all_bytes(*skb), f);
    EXPECT_EQ(deliver(skb), Progress::done);
    EXPECT_EQ(read_packet(), f) << i;
    EXPECT_EQ(take_frames(), 1u);
  }
  EXPECT_GE(path->stats().copied_no_buffer, 1u);
  EXPECT_LE(own.pinned_bytes(), kPage);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_P(HostRequests, AtTheMemlockLimitFramesAreRefused) {
  env.at_limit = AtLimit::refuse;
  const bool two_kinds = std::string(GetParam().name) == "copy_header";
  env.memlock_limit = (two_kinds ? 2 : 1) * kPage;
  start(8);
  ASSERT_EQ(refill(6), 6u);
  std::uint64_t none = 0;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Skb* skb = arrive(tcp4_frame(1300, 1300 * i));
    if (skb) in_step([&](Step& s) { frames.dropped(skb->frames, Drop::stack, now()); path->release(s, skb); });
    else ++none;
  }
  EXPECT_GE(none, 2u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::memlock)], none);
  EXPECT_EQ(own.count(Owner::in_flight), 0u);
  expect_no_violation();
}

INSTANTIATE_TEST_SUITE_P(All, HostRequests,
                         ::testing::Values(Row{"guest_head", "guest-head", SplitMode::off, Placement::separate_buffer, false},
                                           Row{"page_frags", "page-frags", SplitMode::off, Placement::separate_buffer, false},
                                           Row{"page_frags_split", "page-frags", SplitMode::split, Placement::separate_buffer, false},
                                           Row{"copy_header", "copy-header", SplitMode::split, Placement::separate_buffer, false},
                                           Row{"copy_header_room", "copy-header", SplitMode::split, Placement::in_first_buffer, false},
                                           Row{"copy_header_chain", "copy-header", SplitMode::split, Placement::separate_buffer, true}),
                         [](const auto& i) { return i.param.name; });

struct Unfit : PathBench {};

TEST_F(Unfit, BuffersThatTheNicCannotBeGivenAreFilledByCopies) {
  env.options.unfit_buffers = UnfitBuffers::copy;
  env.used_offset = true;
  bind("page-frags", 64, kModern | feature::bit(feature::kUsedOffset));
  guest->post(1000, kPage);                        // too short
  guest->post(2000, kPage, 3000);                  // across two pages
  guest->post(700);
  post_all();
  ASSERT_EQ(refill(4), 3u);
  const Frame f = tcp4_frame(1400);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);
  EXPECT_EQ(used[0].len, 1000u);
  EXPECT_EQ(guest->bytes(used[0].token, 12, 988) + guest->bytes(used[1].token, 0, used[1].len), f);
  EXPECT_EQ(path->stats().copied_no_buffer, 1u);
  EXPECT_EQ(own.pinned_bytes(), 0u);
  take_frames();
  expect_no_violation();
}

TEST_F(Unfit, ASmallerGuestLayoutIsCopied) {
  env.options.unfit_buffers = UnfitBuffers::copy;
  env.options.guest_layout = GuestLayout::smaller;
  bind("guest-head");
  EXPECT_EQ(layout.buffer, 1920u);
  for (int i = 0; i < 3; ++i) guest->post(1536, kPage);
  post_all();
  ASSERT_EQ(refill(4), 3u);
  const Frame f = tcp4_frame(1400);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(guest->bytes(used[0].token, 12, static_cast<std::uint32_t>(f.size())), f);
  take_frames();
  expect_no_violation();
}

}  // namespace host_requests_test
}  // namespace gd::test
