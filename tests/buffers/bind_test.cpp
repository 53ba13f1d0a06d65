// What each design asks for at bind, and what write-backs mean. Tables.
#include <gtest/gtest.h>

#include "models/buffers/page_frags.h"
#include "models/buffers/received.h"
#include "models/buffers/strategy.h"

namespace gd {
namespace bind_test {

BindEnvironment fit() {
  BindEnvironment e;
  e.split = SplitMode::split;
  e.header_buffer = 128;
  e.guest_memory = 64 << 20;
  return e;
}

void mtu(BindEnvironment& e, Bytes frame) { e.mtu = static_cast<std::uint32_t>(frame - kLargestL2); }
// An application's, in place of a guest.
void area(BindEnvironment& e) {
  e.consumer = Consumer::user_async;
  e.user_buffer = kPage;
}

TEST(Registry, NamesInTheOrderOfTheTable) {
  std::vector<std::string_view> names;
  for (const Strategy* s : strategies()) names.push_back(s->declaration().name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough", "async-copy"}));
  for (const Strategy* s : strategies()) EXPECT_EQ(find_strategy(s->declaration().name), s);
  EXPECT_EQ(find_strategy("vhost"), nullptr);
  EXPECT_EQ(find_strategy(""), nullptr);
  EXPECT_TRUE(find_strategy("passthrough")->declaration().device_ring);
  EXPECT_FALSE(find_strategy("vhost-copy")->declaration().guest_memory);
}

TEST(Registry, Refusals) {
  using Change = void (*)(BindEnvironment&);
  struct Row {
    const char* what;
    Change change;
    const char* refused[5];    // by vhost-copy, guest-head, copy-header, page-frags, passthrough: part of the reason, null when served
  };
  const Row rows[] = {
      {"all fits", [](BindEnvironment&) {}, {}},
      {"host socket", [](BindEnvironment& e) { e.consumer = Consumer::host_socket; }, {nullptr, "guest and user-async only", "guest and user-async only", "guest and user-async only", "guest only"}},
      {"drop", [](BindEnvironment& e) { e.consumer = Consumer::drop; }, {nullptr, "guest and user-async only", "guest and user-async only", "guest and user-async only", "guest only"}},
      {"forward", [](BindEnvironment& e) { e.consumer = Consumer::host_forward; }, {nullptr, "guest and user-async only", "guest and user-async only", "guest and user-async only", "guest only"}},
      {"forward, jumbo", [](BindEnvironment& e) { e.consumer = Consumer::host_forward; e.mtu = 4000; }, {"one buffer", "guest and user-async only", "guest and user-async only", "guest and user-async only", "guest only"}},
      {"user async", [](BindEnvironment& e) { e.consumer = Consumer::user_async; e.user_buffer = kPage; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"area of the memlock limit", [](BindEnvironment& e) { area(e); e.pin = PinPolicy::pool; e.memlock_limit = e.guest_memory; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"larger", [](BindEnvironment& e) { area(e); e.pin = PinPolicy::pool; e.memlock_limit = e.guest_memory - 1; }, {nullptr, "memlock_limit is smaller", "memlock_limit is smaller", "memlock_limit is smaller", "guest only"}},
      {"larger, page by page", [](BindEnvironment& e) { area(e); e.memlock_limit = e.guest_memory - 1; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"area of the quota", [](BindEnvironment& e) { area(e); e.pin = PinPolicy::pool; e.defences.pin_quota = e.guest_memory; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"area over the quota", [](BindEnvironment& e) { area(e); e.pin = PinPolicy::pool; e.defences.pin_quota = e.guest_memory - 1; },
       {nullptr, "and defences.pin_quota is smaller", "and defences.pin_quota is smaller", "and defences.pin_quota is smaller", "guest only"}},
      {"a buffer of the quota", [](BindEnvironment& e) { area(e); e.defences.pin_quota = e.user_buffer; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"a buffer over it", [](BindEnvironment& e) { area(e); e.defences.pin_quota = e.user_buffer - 1; }, {nullptr, "than one buffer", "than one buffer", "than one buffer", "guest only"}},
      {"a buffer of the limit", [](BindEnvironment& e) { area(e); e.memlock_limit = e.user_buffer; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"a buffer over the limit", [](BindEnvironment& e) { area(e); e.memlock_limit = e.user_buffer - 1; }, {nullptr, "than one buffer", "than one buffer", "than one buffer", "guest only"}},
      {"a guest's hazard", [](BindEnvironment& e) { area(e); e.options.hazard = Hazard::forgotten_destructor; }, {nullptr, "need a guest", "need a guest", "need a guest", "guest only"}},
      {"the driver's", [](BindEnvironment& e) { area(e); e.options.hazard = Hazard::reclaim_undrained; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"a queue for each", [](BindEnvironment& e) { area(e); e.rx_queues = e.guests = 3; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"one for all", [](BindEnvironment& e) { area(e); e.guests = 3; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"other queues", [](BindEnvironment& e) { area(e); e.guests = 3, e.rx_queues = 2; }, {nullptr, "one receive queue", "one receive queue", "one receive queue", "guest only"}},
      {"a frame that fills a buffer", [](BindEnvironment& e) { area(e); mtu(e, 4096); e.scatter = false; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"a byte more", [](BindEnvironment& e) { area(e); mtu(e, 4097); e.scatter = false; }, {nullptr, "does not fit", "scatter is off", "scatter is off", "guest only"}},
      {"scattered", [](BindEnvironment& e) { area(e); mtu(e, 4097); }, {nullptr, "does not fit", nullptr, nullptr, "guest only"}},
      {"in 16 buffers", [](BindEnvironment& e) { area(e); e.user_buffer = 1024; mtu(e, 16384); }, {nullptr, "does not fit", nullptr, nullptr, "guest only"}},
      {"in 17", [](BindEnvironment& e) { area(e); e.user_buffer = 1024; mtu(e, 16385); }, {nullptr, "does not fit", "fragments, 17", "fragments, 17", "guest only"}},
      {"an area, no split", [](BindEnvironment& e) { area(e); e.split = SplitMode::off; }, {nullptr, nullptr, "must split", nullptr, "guest only"}},
      {"an area, split always", [](BindEnvironment& e) { area(e); e.split = SplitMode::always; }, {nullptr, nullptr, "first bytes of a payload", nullptr, "guest only"}},
      {"an area, header buffer 0", [](BindEnvironment& e) { area(e); e.header_buffer = 0; }, {nullptr, nullptr, "64 to 512", nullptr, "guest only"}},
      {"an area, header buffer 512", [](BindEnvironment& e) { area(e); e.header_buffer = 512; }, {nullptr, nullptr, nullptr, nullptr, "guest only"}},
      {"an area, header buffer 576", [](BindEnvironment& e) { area(e); e.header_buffer = 576; }, {nullptr, nullptr, "64 to 512", nullptr, "guest only"}},
      {"softirq", [](BindEnvironment& e) { e.softirq_publish = true; }, {"every byte is copied", nullptr, nullptr, nullptr, nullptr}},
      {"softirq, dirty log", [](BindEnvironment& e) { e.softirq_publish = e.dirty_log = true; }, {"every byte is copied", "pinned to be marked", "pinned to be marked", "pinned to be marked", "keeps no log"}},
      {"softirq, shared queue", [](BindEnvironment& e) { e.softirq_publish = e.shared_queue = true; }, {"every byte is copied", "shared_queue copies", "shared_queue copies", "shared_queue copies", nullptr}},
      {"softirq, copies", [](BindEnvironment& e) { e.softirq_publish = e.host_copies = true; e.copied_work = "host.rewrite"; },
       {"every byte is copied", "host.rewrite copies", "host.rewrite copies", "host.rewrite copies", nullptr}},
      {"softirq, at the limit", [](BindEnvironment& e) { e.softirq_publish = true; e.at_limit = AtLimit::copy; },
       {"every byte is copied", "at_memlock_limit copies", "at_memlock_limit copies", "at_memlock_limit copies", nullptr}},
      {"softirq, depleted", [](BindEnvironment& e) { e.softirq_publish = true; e.defences.depleted = Depleted::copy; },
       {"every byte is copied", "depleted copies", "depleted copies", "depleted copies", nullptr}},
      {"room of a header buffer's 76", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.options.room = 76; }, {}},
      {"room of half a page", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.options.room = 2048; }, {}},
      {"room of 140, always", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.split = SplitMode::always; e.options.room = 140; }, {}},
      {"room of 139", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.options.room = 139; }, {}},
      {"no split", [](BindEnvironment& e) { e.split = SplitMode::off; }, {nullptr, nullptr, "must split", nullptr, nullptr}},
      {"header buffer 0", [](BindEnvironment& e) { e.header_buffer = 0; }, {nullptr, nullptr, "header_buffer is 0", nullptr, nullptr}},
      {"header buffer 512", [](BindEnvironment& e) { e.header_buffer = 512; }, {}},
      {"header buffer 576", [](BindEnvironment& e) { e.header_buffer = 576; }, {nullptr, nullptr, "512 bytes", nullptr, nullptr}},
      {"not mergeable", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::small; }, {nullptr, nullptr, "small receive buffers", "small buffers of 1518", nullptr}},
      {"not mergeable, copied", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::small; e.options.unfit_buffers = UnfitBuffers::copy; e.scatter = false; },
       {nullptr, nullptr, "small receive buffers", nullptr, nullptr}},
      {"big mode", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::big; }, {nullptr, "big receive mode", "split_layout", "big receive mode", nullptr}},
      {"in order", [](BindEnvironment& e) { e.in_order = true; }, {nullptr, "IN_ORDER", "IN_ORDER", "IN_ORDER", nullptr}},
      {"in order, prefix", [](BindEnvironment& e) { e.in_order = true; e.options.in_order = InOrder::prefix; }, {nullptr, nullptr, "IN_ORDER", nullptr, nullptr}},
      {"in order, prefix, jumbo", [](BindEnvironment& e) { e.in_order = true; e.options.in_order = InOrder::prefix; e.mtu = 9000; },
       {nullptr, "4 KiB page", "IN_ORDER", "must fit one buffer", nullptr}},
      {"in order, prefix, copies", [](BindEnvironment& e) { e.in_order = e.host_copies = true; e.options.in_order = InOrder::prefix; e.copied_work = "host.rewrite"; },
       {nullptr, "copies (host.rewrite)", "IN_ORDER", "copies (host.rewrite)", nullptr}},
      {"unsplit offset", [](BindEnvironment& e) { e.options.unsplit = Unsplit::offset; }, {nullptr, nullptr, "used_offset", nullptr, nullptr}},
      {"big mode, split_layout", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::big; e.split_layout = true; },
       {nullptr, "big receive mode", nullptr, "big receive mode", nullptr}},
      {"jumbo chains", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::big; e.split_layout = true; e.mtu = 5000; },
       {nullptr, "big receive mode", "one page of a chain", "big receive mode", nullptr}},
      {"small, MTU 1496", [](BindEnvironment& e) { e.mergeable = false; e.rx_mode = RxMode::small; e.mtu = 1496; },
       {nullptr, nullptr, "small receive buffers", nullptr, nullptr}},
      {"room", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; }, {nullptr, nullptr, "split_layout", nullptr, nullptr}},
      {"room, split_layout", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; }, {}},
      {"room of 64", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.options.room = 64; },
       {nullptr, nullptr, "smallest header buffer", nullptr, nullptr}},
      {"room of 3000", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.options.room = 3000; },
       {nullptr, nullptr, "half a page", nullptr, nullptr}},
      {"room of 139, always", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.split = SplitMode::always; e.options.room = 139; },
       {nullptr, nullptr, "mode always", nullptr, nullptr}},
      {"room, MTU 9000", [](BindEnvironment& e) { e.options.placement = Placement::in_first_buffer; e.split_layout = true; e.mtu = 9000; },
       {nullptr, "4 KiB page", "used_offset", nullptr, nullptr}},
      {"smaller layout", [](BindEnvironment& e) { e.options.guest_layout = GuestLayout::smaller; }, {nullptr, "are smaller than", nullptr, nullptr, nullptr}},
      {"MTU 9000, no scatter", [](BindEnvironment& e) { e.mtu = 9000; e.scatter = false; }, {nullptr, "4 KiB page", nullptr, "scatters", nullptr}},
      {"buffer of 3 KiB", [](BindEnvironment& e) { e.options.buffer = 3072; }, {nullptr, nullptr, nullptr, "2KiB or 4KiB", nullptr}},
      {"frag-shift without a split", [](BindEnvironment& e) { e.options.hazard = Hazard::frag_shift; }, {nullptr, nullptr, nullptr, "splits headers", nullptr}},
      {"no header buffers", [](BindEnvironment& e) { e.options.headers_of_8 = 0; }, {nullptr, nullptr, "1 to 7", nullptr, nullptr}},
      {"no pages", [](BindEnvironment& e) { e.options.headers_of_8 = 8; }, {nullptr, nullptr, "1 to 7", nullptr, nullptr}},
      {"7 of 8", [](BindEnvironment& e) { e.options.headers_of_8 = 7; }, {}},
      {"ring of 4", [](BindEnvironment& e) { e.queue_size = 4; }, {nullptr, nullptr, "8 entries", nullptr, nullptr}},
      {"MTU 4000", [](BindEnvironment& e) { e.mtu = 4000; }, {nullptr, "4 KiB page", nullptr, nullptr, nullptr}},
      {"MTU 9000 in 512 B", [](BindEnvironment& e) { e.mtu = 9000; e.rx_buffer = 512; }, {"fragments, 17", "4 KiB page", nullptr, nullptr}},
      {"MTU 9000 in 2 KiB", [](BindEnvironment& e) { e.mtu = 9000; }, {nullptr, "4 KiB page", nullptr, nullptr, nullptr}},
      {"MTU 9000, ring of 8", [](BindEnvironment& e) { e.mtu = 9000; e.queue_size = 8; }, {nullptr, "4 KiB page", "5 pages", nullptr, nullptr}},
      {"MTU 9000, quota of 2", [](BindEnvironment& e) { e.mtu = 9000; e.defences.buffer_quota = 2; }, {nullptr, "4 KiB page", "5 pages", "3 buffers", nullptr}},
      {"quota of 1", [](BindEnvironment& e) { e.defences.buffer_quota = 1; }, {nullptr, nullptr, "one of each kind", nullptr, nullptr}},
      {"no hardware rings", [](BindEnvironment& e) { e.virtio_rings = false; }, {nullptr, nullptr, nullptr, nullptr, "virtio rings"}},
      {"small memlock", [](BindEnvironment& e) { e.memlock_limit = 1 << 20; }, {nullptr, nullptr, nullptr, nullptr, "memlock_limit"}},
      {"small memlock, whole guest", [](BindEnvironment& e) { e.memlock_limit = 1 << 20; e.pin = PinPolicy::whole_guest; },
       {nullptr, "memlock_limit", "memlock_limit", "memlock_limit", "memlock_limit"}},
      {"memlock of a page", [](BindEnvironment& e) { e.memlock_limit = kPage; }, {nullptr, nullptr, "2 pinned pages", nullptr, "memlock_limit"}},
      {"memlock below a page", [](BindEnvironment& e) { e.memlock_limit = 4095; }, {nullptr, "one pinned page", "one pinned page", "one pinned page", "memlock_limit"}},
  };
  for (const Row& r : rows) {
    BindEnvironment e = fit();
    r.change(e);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto why = strategies()[i]->refuse(e);
      const auto name = strategies()[i]->declaration().name;
      if (!r.refused[i]) {
        EXPECT_EQ(why, std::nullopt) << r.what << ": " << name;
      } else {
        ASSERT_TRUE(why.has_value()) << r.what << ": " << name;
        EXPECT_NE(why->find(r.refused[i]), std::string::npos) << r.what << ": " << name << ": " << *why;
      }
    }
  }
}

// Small mode: of 2.6.35 the virtio header is apart and the NIC writes from the buffer's start; a legacy header of 10 bytes alone
// does not make it so. A frame that small buffers do not take is written whole, to a page of the host.
TEST(Registry, PageFragsInSmallMode) {
  BindEnvironment e = fit();
  e.mergeable = false;
  e.rx_mode = RxMode::small;
  e.header_length = 10;
  e.mtu = 1496;
  EXPECT_EQ(page_frags_geometry(e).room, 10u);
  EXPECT_EQ(page_frags_geometry(e).packet_buffer, e.buffer_size_per_descriptor ? 1536u : 2048u);
  e.header_apart = true;
  EXPECT_EQ(page_frags_geometry(e).room, 0u);
  EXPECT_TRUE(page_frags_geometry(e).fits);
  e.mtu = 1500;
  EXPECT_FALSE(page_frags_geometry(e).fits);
  EXPECT_GE(page_frags_geometry(e).packet_buffer, 1522u);
}

// As vhost-copy towards a guest, where there is an engine.
TEST(Registry, AsyncCopy) {
  const Strategy& s = *find_strategy("async-copy");
  BindEnvironment e = fit();
  EXPECT_NE(s.refuse(e)->find("no copy engine"), std::string::npos);
  e.copy_engine = true;
  EXPECT_EQ(s.refuse(e), std::nullopt);
  e.softirq_publish = true;
  EXPECT_EQ(s.refuse(e), find_strategy("vhost-copy")->refuse(e));
  e.softirq_publish = false;
  e.consumer = Consumer::drop;
  EXPECT_NE(s.refuse(e)->find("guest only"), std::string::npos);
  EXPECT_EQ(s.pin_in_force(e), "none");
}

TEST(Registry, PinPolicyInForce) {
  BindEnvironment e = fit();
  e.pin = PinPolicy::pool;
  const char* const expected[] = {"none", "pool", "pool", "pool", "whole-guest"};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(strategies()[i]->pin_in_force(e), expected[i]);
}

TEST(Registry, BufferingInFrames) {
  BindEnvironment e = fit();
  e.ring_size = 512;
  e.queue_size = 256;
  EXPECT_EQ(find_strategy("vhost-copy")->buffering(e, 1000), 511u + 1000 + 256);
  EXPECT_EQ(find_strategy("guest-head")->buffering(e, 1000), 256u);
  EXPECT_EQ(find_strategy("copy-header")->buffering(e, 1000), 128u);   // half of the ring's buffers are pages
  e.ring_size = 64;
  EXPECT_EQ(find_strategy("guest-head")->buffering(e, 1000), 63u);
  EXPECT_EQ(find_strategy("passthrough")->buffering(e, 1000), 256u);
}

TEST(Layout, GuestHeadBuffers) {
  struct Row {
    std::uint32_t mtu;
    bool per_descriptor;
    Bytes headroom, tailroom, buffer;
  };
  // 64 + 12 + area + 320: the 82599's registers count 1 KiB, a descriptor's own size 64 B
  for (const Row& r : {Row{1500, false, 64, 320, 4096}, {1500, true, 64, 320, 2048}, {900, false, 64, 320, 2048}, {500, true, 64, 320, 1024},
                       {1500, true, 256, 320, 4096}, {1500, true, 64, 512, 4096}, {2026, false, 64, 320, 4096}}) {
    BindEnvironment e = fit();
    e.mtu = r.mtu;
    e.buffer_size_per_descriptor = r.per_descriptor;
    e.options.headroom = r.headroom;
    e.options.tailroom = r.tailroom;
    const GuestRxLayout l = find_strategy("guest-head")->guest_layout(e);
    EXPECT_EQ(l.kind, GuestRxLayout::Kind::head);
    EXPECT_EQ(l.buffer, r.buffer) << r.mtu;
    EXPECT_EQ(l.headroom, r.headroom);
    EXPECT_EQ(l.tailroom, r.tailroom);
  }
}

TEST(Layout, CopyHeaderBuffers) {
  for (const auto& [nic, guest] : {std::pair<Bytes, Bytes>{64, 256}, {128, 256}, {192, 256}, {256, 320}, {512, 576}}) {
    BindEnvironment e = fit();
    e.header_buffer = nic;
    e.options.headers_of_8 = 3;
    const GuestRxLayout l = find_strategy("copy-header")->guest_layout(e);
    EXPECT_EQ(l.kind, GuestRxLayout::Kind::header_pages);
    EXPECT_EQ(l.header_buffer, guest) << nic;     // 12 bytes of virtio header, at least 192 of packet header, whole lines
    EXPECT_EQ(l.headers_of_8, 3u);
  }
  EXPECT_EQ(find_strategy("vhost-copy")->guest_layout(fit()).kind, GuestRxLayout::Kind::driver);
}

// 82575 manual, table 33.
TEST(Writeback, HeaderBufferBytes) {
  struct Row {
    const char* what;
    SplitMode mode;
    bool sph, hbo;
    std::uint16_t hdr_len;
    std::uint32_t bytes;
  };
  for (const Row& r : {Row{"off", SplitMode::off, false, false, 0, 0},
                       {"undecodable", SplitMode::split, false, false, 0, 0},
                       {"clean", SplitMode::split, true, false, 54, 54},
                       {"pure ACK, padded", SplitMode::split, true, false, 60, 60},
                       {"header too long", SplitMode::split, true, true, 150, 0},
                       {"whole frame fits", SplitMode::always, false, false, 100, 100},
                       {"clean", SplitMode::always, true, false, 54, 54},
                       {"undecodable, cut", SplitMode::always, false, false, 128, 128},
                       {"header too long, cut", SplitMode::always, true, true, 150, 128},
                       {"below the threshold", SplitMode::always, false, false, 0, 0}}) {
    RxWriteback w;
    w.split = r.sph, w.header_overflow = r.hbo, w.header_length = r.hdr_len;
    EXPECT_EQ(header_buffer_bytes(r.mode, 128, w), r.bytes) << r.what;
  }
}

TEST(Writeback, ChecksumState) {
  struct Row {
    bool checked, l4_error, ip_error;
    Checksum state;
  };
  for (const Row& r : {Row{false, false, false, Checksum::none}, {true, false, false, Checksum::unnecessary}, {true, true, false, Checksum::bad},
                       {true, false, true, Checksum::bad}, {false, false, true, Checksum::bad}}) {
    RxWriteback w;
    w.l4_checked = r.checked, w.l4_error = r.l4_error, w.ip_error = r.ip_error;
    EXPECT_EQ(checksum_of(w), r.state);
  }
}

}  // namespace bind_test
}  // namespace gd
