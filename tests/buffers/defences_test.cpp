// What the host does against its guests: with each defence the trouble stays out, without it the trouble appears.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace defences_test {

constexpr Bytes kBehindGuest = 64 * 1024;

struct DefencesTest : PathBench {
  // The guest, and behind its memory host pages that are not its own.
  void guest_before(Bytes behind = kBehindGuest) {
    guest = std::make_unique<StubGuest>(phys, own, 64, kModern);
    own.fence(guest->memory.continue_unchecked(behind), behind);
  }
  RxPath& bind_to(const char* name) { return bind(name, 64, kModern, false); }
  // Offers [gpa, gpa + length), whose bytes need not be the guest's.
  std::uint16_t offer(Gpa gpa, std::uint32_t length) {
    const Segment g{gpa, length, true};
    const std::uint16_t at = guest->driver.add(guest->view, &g, 1, 99);
    guest->driver.publish(guest->view);
    return at;
  }
  // The guest changes a descriptor that it has offered.
  void change(std::uint16_t which, Gpa gpa, std::uint32_t length) {
    const Gpa at = vring::desc_at(guest->rx(), which);
    guest->memory.write(at, &gpa, sizeof gpa);
    guest->memory.write(at + sizeof gpa, &length, sizeof length);
  }
  Gpa outside() const { return guest->memory.size() + kPage; }
};

// A descriptor that names memory behind the guest's.
struct Validation : DefencesTest, ::testing::WithParamInterface<bool> {};

TEST_P(Validation, ACopyToAnAddressOutside) {
  env.defences.validate = GetParam();
  guest_before();
  bind_to("vhost-copy");
  refill(4);
  offer(outside(), 2048);
  Skb* skb = arrive(udp4_frame(600));
  const Progress p = deliver(skb);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  if (GetParam()) {
    EXPECT_EQ(p, Progress::no_buffers);
    EXPECT_EQ(used[0].len, 0u);
    EXPECT_EQ(own.escapes(), 0u);
    EXPECT_EQ(path->stats().guest_errors, 1u);
    EXPECT_GT(spent("defence.validate").calls, 0u);
  } else {
    EXPECT_EQ(p, Progress::done);
    EXPECT_GT(own.escapes(), 0u);
    EXPECT_EQ(std::memcmp(phys.at(guest->memory.reach(outside()) + 12), sent[0].data(), 600), 0) << "the host's memory was not overwritten";
    EXPECT_EQ(spent("defence.validate").calls, 0u);
  }
}

TEST_P(Validation, ADeviceWriteToAnAddressOutside) {
  env.defences.validate = GetParam();
  guest_before();
  bind_to("guest-head");
  offer(outside(), 4096 - 384);
  post_all();
  EXPECT_EQ(refill(4), GetParam() ? 0u : 1u);
  if (GetParam()) {
    EXPECT_EQ(own.escapes(), 0u);
    return expect_no_violation();
  }
  deliver(arrive(udp4_frame(600)));
  EXPECT_GT(own.escapes(), 1u);                  // the card's write, and the host's virtio header
  EXPECT_GT(own.violations(), 0u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
}

// A buffer shorter than the card may write: the card overruns it.
TEST_P(Validation, ALengthThatIsTooShort) {
  env.defences.validate = GetParam();
  guest_before();
  bind_to("page-frags");
  guest->post(200);
  post_all();
  EXPECT_EQ(refill(4), GetParam() ? 0u : 1u);
  if (GetParam()) return expect_no_violation();
  arrive(udp4_frame(600));
  ASSERT_GT(own.violations(), 0u);
  EXPECT_NE(own.messages()[0].find("beyond the buffer's end"), std::string::npos) << own.messages()[0];
}

// Where nothing is mapped at all the host's access faults, checked or not.
TEST_P(Validation, NothingIsMappedThere) {
  env.defences.validate = GetParam();
  guest_before();
  bind_to("page-frags");
  offer(guest->memory.size() + kBehindGuest, 4096);
  offer(UINT64_MAX - 8191, 4096);
  post_all();
  EXPECT_EQ(refill(4), 0u);
  publish();
  EXPECT_EQ(guest->used().size(), 2u);
  EXPECT_EQ(own.escapes(), 0u);
  expect_no_violation();
}
INSTANTIATE_TEST_SUITE_P(OnAndOff, Validation, ::testing::Bool(), [](const auto& i) { return i.param ? "on" : "off"; });

// A descriptor that is changed between the host's check and its use.
struct ReadOnce : DefencesTest, ::testing::WithParamInterface<bool> {};

TEST_P(ReadOnce, ACopyWhoseAddressChanges) {
  env.defences.read_once = GetParam();
  guest_before();
  bind_to("vhost-copy");
  refill(4);
  const std::uint32_t n = guest->post(2048);
  const Frame f = udp4_frame(600);
  Skb* skb = arrive(f);
  Progress p = Progress::more;
  in_step([&](Step& s) { p = path->deliver(s, skb); });
  EXPECT_EQ(p, GetParam() ? Progress::done : Progress::more);
  change(0, outside(), 2048);
  if (p == Progress::more) deliver(skb);
  else publish();
  EXPECT_EQ(guest->used().size(), 1u);
  EXPECT_EQ(own.escapes() > 0, !GetParam());
  EXPECT_EQ(guest->bytes(n, 12, static_cast<std::uint32_t>(f.size())) == f, GetParam());
  EXPECT_EQ(spent("defence.read_once").calls > 0, GetParam());
  EXPECT_EQ(own.owner(guest->posted[n].id), Owner::guest);
}

TEST_P(ReadOnce, ACopyWhoseLengthShrinks) {
  env.defences.read_once = GetParam();
  guest_before();
  bind_to("vhost-copy");
  refill(4);
  const std::uint32_t n = guest->post(2048);
  const Frame f = udp4_frame(600);
  Skb* skb = arrive(f);
  Progress p = Progress::more;
  in_step([&](Step& s) { p = path->deliver(s, skb); });
  change(0, guest->posted[n].gpa, 100);
  if (p == Progress::more) deliver(skb);
  else publish();
  EXPECT_EQ(path->stats().copy_faults, GetParam() ? 0u : 1u);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].len, 12 + f.size()) << "the used length is that of the first look";
  expect_no_violation();
}

TEST_P(ReadOnce, ADeviceWriteWhoseAddressChanges) {
  for (const PinPolicy pin : {PinPolicy::per_buffer, PinPolicy::pool}) {
    env.defences.read_once = GetParam();
    env.pin = pin;
    head = tail = 0;
    const std::uint64_t before = own.escapes();
    guest_before();
    bind_to("page-frags");
    const std::uint32_t n = guest->post(4096);
    post_all();
    change(0, outside(), 4096);
    EXPECT_EQ(refill(4), 1u);
    deliver(arrive(udp4_frame(600)));
    EXPECT_EQ(own.escapes() > before, !GetParam());
    EXPECT_EQ(guest->used().size(), 1u);
    EXPECT_EQ(own.owner(guest->posted[n].id), Owner::guest);
    EXPECT_EQ(own.count(Owner::skb), 0u);
  }
  if (GetParam()) expect_no_violation();
}
INSTANTIATE_TEST_SUITE_P(OnAndOff, ReadOnce, ::testing::Bool(), [](const auto& i) { return i.param ? "on" : "off"; });

TEST_F(DefencesTest, AQuotaOfBuffers) {
  for (const std::uint32_t quota : {0u, 8u}) {
    env.defences.buffer_quota = quota;
    head = tail = 0;
    bind("page-frags");
    for (int i = 0; i < 20; ++i) guest->post(4096);
    post_all();
    EXPECT_EQ(path->stats().posted, quota ? quota : 20u);
    EXPECT_EQ(path->stats().buffer_quota_stalls > 0, quota > 0);
    EXPECT_EQ(spent("defence.quota").calls, quota);
    refill(32);
    deliver(arrive(udp4_frame(600)));            // one is given back: another may be taken
    post_all();
    EXPECT_EQ(path->stats().posted, quota ? quota + 1 : 20u);
    guest->used();
  }
  expect_no_violation();
}

TEST_F(DefencesTest, AQuotaOfPinnedBytes) {
  env.pin = PinPolicy::per_buffer;
  for (const Bytes quota : {Bytes{UINT64_MAX}, Bytes{5 * kPage}}) {
    env.defences.pin_quota = quota;
    const Bytes base = own.pinned_bytes();
    bind("page-frags");
    for (int i = 0; i < 20; ++i) guest->post(4096, kPage);
    post_all();
    EXPECT_EQ(own.pinned_bytes() - base, std::min<Bytes>(quota, 20 * kPage));
    EXPECT_EQ(path->stats().pin_quota_stalls > 0, quota != UINT64_MAX);
    EXPECT_EQ(path->stats().memlock_stalls, 0u);
  }
  expect_no_violation();
}

// A guest that posts nothing for a while: pages of the host take the frames, and are copied when it posts.
TEST_F(DefencesTest, CopiesWhenTheGuestsBuffersAreDepleted) {
  for (const char* name : {"guest-head", "copy-header", "page-frags"}) {
    SCOPED_TRACE(name);
    env.split = name == std::string("copy-header") ? SplitMode::split : SplitMode::off;
    head = tail = 0;
    env.defences.depleted = Depleted::wait;
    bind(name);
    EXPECT_EQ(refill(63), 0u);
    env.defences.depleted = Depleted::copy;
    env.defences.host_reserve = 10;
    bind(name);
    EXPECT_EQ(refill(63), 10u);
    EXPECT_EQ(path->stats().reserve_pages, 10u);
    EXPECT_EQ(path->stats().reserve_empty, 1u);
    const Frame f = tcp4_frame(1000);
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    EXPECT_TRUE(skb->host_pages) << "GRO must not merge it with what lies in the guest's memory";
    EXPECT_EQ(deliver(skb), Progress::no_buffers);
    for (int i = 0; i < 12; ++i) guest->post(static_cast<std::uint32_t>(layout.kind == GuestRxLayout::Kind::head ? 4096 - 384 : i % 2 || env.split == SplitMode::off ? 4096 : 256), 4096);
    post_all();
    EXPECT_EQ(deliver(skb), Progress::done);
    EXPECT_EQ(path->stats().copied_no_buffer, 1u);
    EXPECT_FALSE(guest->used().empty());
    EXPECT_EQ(take_frames(), 1u);
    // Nine pages lie in the ring: further descriptors get the guest's buffers, and no page more than the reserve.
    const std::uint64_t pages = path->stats().reserve_pages;
    EXPECT_GT(refill(63), 0u);
    EXPECT_LE(path->stats().reserve_pages - pages, 1u);
    expect_no_violation();
  }
}

// Another vCPU writes to the headers after the card and before the host's bridge looks where the packet goes.
TEST_F(DefencesTest, ASnapshotOfHeaders) {
  for (const bool on : {false, true}) {
    env.defences.header_snapshot = on;
    env.used_offset = false;
    head = tail = 0;
    bind("guest-head");
    const std::uint32_t n = guest->post(4096 - 384, 4096);
    post_all();
    refill(1);
    const Frame f = udp4_frame(600);
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    EXPECT_FALSE(skb->host_pages);
    const std::uint8_t other[6] = {2, 0, 0, 0, 0, 9};
    guest->memory.write(guest->posted[n].gpa + 12, other, sizeof other);
    EXPECT_EQ(std::memcmp(phys.at(path->headers(*skb)), other, 6) == 0, !on) << "the host acts on what the guest wrote";
    EXPECT_EQ(spent("defence.snapshot").bytes, on ? 192u : 0u);
    // A rewrite by the host reaches the guest's buffer.
    in_step([&](Step& s) {
      phys.at(path->headers(*skb))[22] = 17;
      path->edited(s, *skb, 22, 23);
    });
    EXPECT_EQ(deliver(skb), Progress::done);
    EXPECT_EQ(guest->bytes(n, 12 + 22, 1)[0], 17);
    guest->used();
  }
  expect_no_violation();
}

}  // namespace defences_test
}  // namespace gd::test
