#include "models/packet/parse.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "models/base/rng.h"
#include "tests/packet/frames.h"

namespace gd {
namespace parse_test {
using namespace test;

struct Case {
  const char* name;
  Frame frame;
  Decode decode;
  L3 l3;
  L4 l4;
  unsigned l2, l3_length, header, payload_offset, payload_length;
  bool fragment;
};

Frame with_padding(Frame f, std::size_t to) {
  f.resize(to, 0);
  return f;
}
Frame cut(Frame f, std::size_t to) {
  f.resize(to);
  return f;
}
Frame fragment4(unsigned field) {
  Ip4 o;
  o.fragment = field;
  return ip4_packet(ethernet(0x0800), o, payload(64));
}
Frame other4(unsigned protocol) {
  Ip4 o;
  o.protocol = protocol;
  return ip4_packet(ethernet(0x0800), o, payload(32));
}
Frame options4() {
  Ip4 o;
  o.options = {1, 1, 1, 0};
  Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(1, 2, 0x10, {1, 1, 1, 1}, payload(10)));
  return f;
}
Frame total4(unsigned total) {
  Ip4 o;
  o.total = total;
  return ip4_packet(ethernet(0x0800), o, tcp_segment(1, 2, 0x10, {}, payload(10)));
}
Frame patched(Frame f, std::size_t at, unsigned v) {
  f[at] = static_cast<std::uint8_t>(v);
  return f;
}
Frame tagged(std::initializer_list<unsigned> tags) {
  return ip4_packet(ethernet(0x0800, tags), {}, tcp_segment(1, 2, 0x10, {}, payload(10)));
}
const Frame kDestinationOptions = {6, 0, 1, 4, 0, 0, 0, 0};

std::vector<Case> cases() {
  const Frame hop_routing_dest = {43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 2, 0, 0, 0, 0, 0, 6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  return {
      {"tcp4", tcp4_frame(100), Decode::ok, L3::ipv4, L4::tcp, 14, 20, 54, 54, 100, false},
      {"tcp4 with options", tcp4_frame(100, 1, 0x10, Frame(12, 1)), Decode::ok, L3::ipv4, L4::tcp, 14, 20, 66, 66, 100, false},
      {"ip options", options4(), Decode::ok, L3::ipv4, L4::tcp, 14, 24, 62, 62, 10, false},
      {"padding excluded", with_padding(tcp4_frame(1), 60), Decode::ok, L3::ipv4, L4::tcp, 14, 20, 54, 54, 1, false},
      {"udp4", udp4_frame(8), Decode::ok, L3::ipv4, L4::udp, 14, 20, 42, 42, 8, false},
      {"one tag", tagged({0x81000005}), Decode::ok, L3::ipv4, L4::tcp, 18, 20, 58, 58, 10, false},
      {"two tags", tagged({0x88a80005, 0x81000006}), Decode::ok, L3::ipv4, L4::tcp, 22, 20, 62, 62, 10, false},
      {"three tags", tagged({0x81000005, 0x81000006, 0x81000007}), Decode::ethertype, L3::none, L4::none, 22, 0, 22, 22, 54, false},
      {"arp", ethernet(0x0806), Decode::ethertype, L3::none, L4::none, 14, 0, 14, 14, 0, false},
      {"icmp", other4(1), Decode::protocol, L3::ipv4, L4::none, 14, 20, 34, 34, 32, false},
      {"first fragment", fragment4(0x2000), Decode::ok, L3::ipv4, L4::none, 14, 20, 34, 34, 64, true},
      {"middle fragment", fragment4(0x2010), Decode::ok, L3::ipv4, L4::none, 14, 20, 34, 34, 64, true},
      {"last fragment", fragment4(0x0010), Decode::ok, L3::ipv4, L4::none, 14, 20, 34, 34, 64, true},
      {"tcp6", tcp6_frame(100), Decode::ok, L3::ipv6, L4::tcp, 14, 40, 74, 74, 100, false},
      {"tcp6 destination options", tcp6_frame(9, 60, kDestinationOptions), Decode::ok, L3::ipv6, L4::tcp, 14, 48, 82, 82, 9, false},
      {"tcp6 three extensions", tcp6_frame(9, 0, hop_routing_dest), Decode::ok, L3::ipv6, L4::tcp, 14, 72, 106, 106, 9, false},
      {"tcp6 fragment", tcp6_frame(9, 44, {6, 0, 0, 1, 0, 0, 0, 9}), Decode::ok, L3::ipv6, L4::none, 14, 48, 62, 62, 29, true},
      {"tcp6 atomic fragment", tcp6_frame(9, 44, {6, 0, 0, 0, 0, 0, 0, 9}), Decode::ok, L3::ipv6, L4::tcp, 14, 48, 82, 82, 9, false},
      {"no next header", tcp6_frame(9, 59), Decode::protocol, L3::ipv6, L4::none, 14, 40, 54, 54, 29, false},
      {"cut payload", cut(tcp4_frame(100), 120), Decode::truncated, L3::ipv4, L4::tcp, 14, 20, 54, 54, 66, false},
      {"cut tcp header", cut(tcp4_frame(100), 50), Decode::truncated, L3::ipv4, L4::none, 14, 20, 34, 34, 16, false},
      {"cut ip header", cut(tcp4_frame(100), 30), Decode::truncated, L3::none, L4::none, 14, 0, 14, 14, 16, false},
      {"cut ethernet header", cut(tcp4_frame(100), 13), Decode::truncated, L3::none, L4::none, 0, 0, 0, 0, 13, false},
      {"total length below header", total4(19), Decode::lengths, L3::none, L4::none, 14, 0, 14, 14, 50, false},
      {"total length ends in tcp header", total4(30), Decode::lengths, L3::ipv4, L4::none, 14, 20, 34, 34, 10, false},
      {"version 5", patched(tcp4_frame(10), 14, 0x55), Decode::lengths, L3::none, L4::none, 14, 0, 14, 14, 50, false},
      {"ihl 4", patched(tcp4_frame(10), 14, 0x44), Decode::lengths, L3::none, L4::none, 14, 0, 14, 14, 50, false},
      {"data offset 4", patched(tcp4_frame(10), 46, 0x40), Decode::lengths, L3::ipv4, L4::none, 14, 20, 34, 34, 30, false},
      {"data offset beyond packet", patched(tcp4_frame(10), 46, 0xf0), Decode::lengths, L3::ipv4, L4::none, 14, 20, 34, 34, 30, false},
      {"udp length 7", patched(udp4_frame(8), 39, 7), Decode::lengths, L3::ipv4, L4::none, 14, 20, 34, 34, 16, false},
      {"udp length beyond packet", patched(udp4_frame(8), 39, 17), Decode::lengths, L3::ipv4, L4::none, 14, 20, 34, 34, 16, false},
      {"extension beyond packet", patched(tcp6_frame(9, 60, kDestinationOptions), 55, 9), Decode::lengths, L3::ipv6, L4::none, 14, 40, 54, 54, 37, false},
  };
}

TEST(Parse, Table) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Parsed p = parse(c.frame.data(), static_cast<std::uint32_t>(c.frame.size()));
    EXPECT_EQ(p.decode, c.decode);
    EXPECT_EQ(p.l3, c.l3);
    EXPECT_EQ(p.l4, c.l4);
    EXPECT_EQ(p.l2_length, c.l2);
    EXPECT_EQ(p.l3_length, c.l3_length);
    EXPECT_EQ(p.header_length, c.header);
    EXPECT_EQ(p.payload_offset, c.payload_offset);
    EXPECT_EQ(p.payload_length, c.payload_length);
    EXPECT_EQ(p.is_fragment, c.fragment);
  }
}

TEST(Parse, Fields) {
  Frame f = tcp4_frame(5, 0xfedcba98, 0x18);
  f.resize(60);
  const Parsed p = parse(f.data(), 60);
  EXPECT_EQ(p.seq, 0xfedcba98u);
  EXPECT_EQ(p.ack, 200u);
  EXPECT_EQ(p.flags, 0x18);
  EXPECT_EQ(p.window, 4321);
  EXPECT_EQ(p.src_port, 1500);
  EXPECT_EQ(p.dst_port, 8000);
  EXPECT_EQ(p.protocol, 6);
  EXPECT_EQ(p.ip_length, 45u);
  EXPECT_EQ(p.padding(), 1u);
  EXPECT_EQ(p.l4_offset(), 34u);
}

TEST(Parse, FirstTagIsReported) {
  const Frame f = tagged({0x88a8e005, 0x81000006});
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  EXPECT_EQ(p.vlan_tags, 2);
  EXPECT_EQ(p.vlan_tci, 0xe005);
  EXPECT_EQ(p.vlan_id(), 5);
  EXPECT_EQ(p.vlan_type, 0x88a8);
  EXPECT_EQ(p.ethertype, 0x0800);
}

TEST(Parse, PureAck) {
  struct Row {
    std::size_t data;
    unsigned flags;
    bool pure;
  };
  for (const Row& r : {Row{0, 0x10, true}, {0, 0x18, true}, {1, 0x10, false}, {0, 0x11, false}, {0, 0x12, false}, {0, 0x14, false}, {0, 0x00, false}}) {
    Frame f = tcp4_frame(r.data, 1, r.flags);
    f.resize(60);
    EXPECT_EQ(parse(f.data(), 60).pure_ack, r.pure) << r.data << " bytes, flags " << r.flags;
  }
}

TEST(Parse, RoutingHeaderWithSegmentsLeft) {
  const Frame f = tcp6_frame(9, 43, {6, 0, 2, 1, 0, 0, 0, 0});
  EXPECT_TRUE(parse(f.data(), static_cast<std::uint32_t>(f.size())).routing_pending);
}

// The bytes end where an unreadable page begins.
class Guarded {
 public:
  Guarded() : size_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    base_ = static_cast<std::uint8_t*>(mmap(nullptr, 2 * size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_, size_, PROT_NONE);
  }
  ~Guarded() { munmap(base_, 2 * size_); }
  const std::uint8_t* place(const std::uint8_t* p, std::size_t n) {
    if (n) std::memcpy(base_ + size_ - n, p, n);
    return base_ + size_ - n;
  }

 private:
  std::size_t size_;
  std::uint8_t* base_;
};

void expect_inside(const Parsed& p, std::size_t n) {
  ASSERT_LE(p.header_length, n);
  ASSERT_LE(p.payload_offset + static_cast<std::uint64_t>(p.payload_length), n);
  if (p.l3 != L3::none) {
    ASSERT_LE(p.l4_offset() + p.l4_length, n);
  }
}

TEST(Parse, NothingBeyondTheFrameIsReadAtAnyLength) {
  Guarded memory;
  for (const Case& c : cases())
    for (std::size_t n = 0; n <= c.frame.size(); ++n) {
      SCOPED_TRACE(std::string(c.name) + " cut to " + std::to_string(n));
      const Parsed p = parse(memory.place(c.frame.data(), n), static_cast<std::uint32_t>(n));
      expect_inside(p, n);
      if (n < c.header) {
        EXPECT_NE(p.decode, Decode::ok);
      }
    }
}

TEST(Parse, RandomDamageIsSurvived) {
  Guarded memory;
  Rng rng(1, "parse-test");
  const auto all = cases();
  for (int i = 0; i < 100000; ++i) {
    Frame f = all[rng.below(all.size())].frame;
    for (std::uint64_t k = rng.below(4); k-- > 0;) f[rng.below(f.size())] = static_cast<std::uint8_t>(rng());
    const std::size_t n = rng.below(4) ? f.size() : rng.below(f.size() + 1);
    expect_inside(parse(memory.place(f.data(), n), static_cast<std::uint32_t>(n)), n);
  }
}

TEST(Parse, EndlessExtensionHeadersEnd) {
  Frame f = ip6_packet(ethernet(0x86dd), 60, {}, Frame(65000, 60));   // each: destination options of 488 bytes
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  EXPECT_EQ(p.decode, Decode::lengths);
  EXPECT_EQ(p.l4, L4::none);
}

}  // namespace parse_test
}  // namespace gd
