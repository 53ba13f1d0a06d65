#include "models/wire/tcp_sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "models/base/error.h"
#include "models/packet/headers.h"
#include "models/wire/expected.h"
#include "tests/wire/support.h"

namespace gd {
namespace tcp_sender_test {

// A receiver at the NIC: drops what the script says, keeps what is out of order, answers with real ACK frames.
struct Receiver : FrameSink {
  Receiver(FrameTable& t, std::uint32_t flows) : table(t), next(flows), held(flows) {}
  void frame_arrived(FrameRef r, Time now) override {
    const FrameMeta m = table[r];
    arrivals.push_back({now, m, {m.bytes, m.bytes + m.length}});
    const Parsed p = parse(m.bytes, m.length);
    pushes += (p.flags & tcp::kPsh) != 0;
    bool lose = false;
    if (auto it = drop.find({m.flow, m.offset}); it != drop.end() && it->second > 0) --it->second, lose = true;
    if (lose) {
      table.dropped(r, Drop::nic_fifo, now);
      return;
    }
    const bool old = m.offset < next[m.flow];   // seen before: answered at once
    most_in_flight = std::max(most_in_flight, sender->flow(m.flow).flight());
    held[m.flow][m.offset] = m.payload_length;
    for (auto& h = held[m.flow]; !h.empty() && h.begin()->first <= next[m.flow]; h.erase(h.begin()))
      next[m.flow] = std::max(next[m.flow], h.begin()->first + h.begin()->second);
    if (++unanswered >= every || old || (p.flags & tcp::kPsh) || !held[m.flow].empty()) {
      unanswered = 0;
      std::uint8_t out[kMaxAck];
      AckFields f;
      f.seq = p.ack;
      f.ack = Stream::isn(m.flow) + static_cast<std::uint32_t>(next[m.flow]);
      f.window = window;
      const std::uint32_t n = build_tcp_ack(out, m.bytes, p, f);
      if (spoil > 0) --spoil, out[n - 1] ^= 1;
      link->transmit(out, n, now);
    }
    table.delivered(r, now);
  }
  FrameTable& table;
  Link* link = nullptr;
  const TcpSender* sender = nullptr;
  std::vector<std::uint64_t> next;
  std::vector<std::map<std::uint64_t, std::uint64_t>> held;
  std::map<std::pair<std::uint32_t, std::uint64_t>, int> drop;   // (flow, offset) -> how many times
  std::vector<test::Arrival> arrivals;
  std::uint64_t most_in_flight = 0;
  std::uint16_t window = 65535;
  int every = 1, unanswered = 0, pushes = 0, spoil = 0;
};

struct Loop {
  explicit Loop(const TcpSender::Params& tp, Time rtt = 100 * kUs)
      : sender(agenda, rank::kWire + 1, table, tp), link(agenda, rank::kWire, table, link_params(rtt)),
        nic(table, static_cast<std::uint32_t>(tp.flows.size())), params(tp) {
    link.connect(sender, nic);
    link.far_end(&sender);
    nic.link = &link;
    nic.sender = &sender;
  }
  static Link::Params link_params(Time rtt) {
    Link::Params p;
    p.propagation = 500 * kNs;
    p.far_end_delay = rtt - kUs;
    return p;
  }
  void run(Time t) {
    link.start();
    sc_core::sc_start(to_sc(t));
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
  }
  // Every frame's bytes are those of its offset, with good checksums and its own number.
  void check_bytes() {
    StreamExpected e(params.flows, params.seed);
    std::uint64_t id = 0;
    for (const auto& a : nic.arrivals) {
      ASSERT_EQ(a.meta.id, id++);
      ASSERT_TRUE(e.matches(a.meta, 0, a.bytes.data(), a.meta.length));
      ASSERT_TRUE(test::checksums_good(a.bytes.data(), a.meta.length));
    }
  }
  Agenda agenda{"agenda"};
  FrameTable table;
  TcpSender sender;
  Link link;
  Receiver nic;
  TcpSender::Params params;
};

TcpSender::Params bulk(std::uint64_t limit = UINT64_MAX, std::uint32_t flows = 1, bool ipv6 = false) {
  TcpSender::Params p;
  FlowPlan plan;
  plan.count = flows;
  plan.ipv6 = ipv6;
  p.flows = make_flows(plan);
  p.tcp.limit = limit;
  return p;
}

TEST(TcpSender, SlowStartDoublesEachRoundTrip) {
  Loop l(bulk());
  l.run(420 * kUs);
  std::vector<int> rounds(1);
  for (std::size_t i = 0; i < l.nic.arrivals.size(); ++i) {
    if (i && l.nic.arrivals[i].at - l.nic.arrivals[i - 1].at > 10 * kUs) rounds.push_back(0);
    ++rounds.back();
  }
  ASSERT_GE(rounds.size(), 4u);
  EXPECT_EQ(rounds[0], 10);
  EXPECT_EQ(rounds[1], 20);
  EXPECT_EQ(rounds[2], 40);
  EXPECT_EQ(l.sender.stats().tcp.retransmits, 0u);
  EXPECT_EQ(l.sender.stats().bad_acks, 0u);
  l.check_bytes();
}

// 256 KiB a round trip of about 1 ms: 179 whole segments.
TEST(TcpSender, WindowLimitsTheRate) {
  TcpSender::Params p = bulk();
  Loop l(p, kMs);
  l.run(21 * kMs);
  EXPECT_LE(l.nic.most_in_flight, p.tcp.max_window);
  std::uint64_t late = 0;
  for (const auto& a : l.nic.arrivals) late += a.at > 10 * kMs && a.at <= 20 * kMs;
  EXPECT_NEAR(static_cast<double>(late), 1795, 40);
}

TEST(TcpSender, FillsTheLinkWhenTheWindowIsLarger) {
  Loop l(bulk(), 50 * kUs);
  l.run(5 * kMs);
  std::uint64_t late = 0;
  for (const auto& a : l.nic.arrivals) late += a.at > kMs;
  EXPECT_NEAR(static_cast<double>(late), 4e9 / 1230400, 5) << "4 ms of 1538-byte times";
}

TEST(TcpSender, PeersWindow) {
  TcpSender::Params p = bulk();
  p.window_scale = 0;
  p.tcp.initial_window = 3;
  Loop l(p);
  l.nic.window = 5000;
  l.run(3 * kMs);
  EXPECT_EQ(l.nic.most_in_flight, 3u * 1460);
  EXPECT_GE(l.nic.arrivals.size(), 3 * 25u);
}

TEST(TcpSender, FastRetransmit) {
  Loop l(bulk(3000 * 1460));
  l.nic.drop[{0, 50 * 1460}] = 1;
  l.run(30 * kMs);
  const auto s = l.sender.stats();
  EXPECT_EQ(s.tcp.fast_retransmits, 1u);
  EXPECT_EQ(s.tcp.retransmits, 1u);
  EXPECT_EQ(s.tcp.timeouts, 0u);
  EXPECT_EQ(l.nic.next[0], 3000u * 1460);
  EXPECT_EQ(l.nic.arrivals.size(), 3001u);
  EXPECT_TRUE(l.link.finished()) << "all acknowledged: the traffic is over";
  l.check_bytes();
}

TEST(TcpSender, ManyLossesInOneWindow) {
  Loop l(bulk(3000 * 1460));
  for (std::uint64_t k : {60, 63, 64, 68}) l.nic.drop[{0, k * 1460}] = 1;
  l.run(60 * kMs);
  const auto s = l.sender.stats();
  EXPECT_EQ(s.tcp.fast_retransmits, 1u);
  EXPECT_EQ(s.tcp.retransmits, 4u);
  EXPECT_EQ(s.tcp.timeouts, 0u);
  EXPECT_EQ(l.nic.next[0], 3000u * 1460);
}

TEST(TcpSender, TailLossIsATimeout) {
  Loop l(bulk(100 * 1460));
  l.nic.drop[{0, 99 * 1460}] = 2;   // its retransmission too
  l.run(60 * kMs);
  const auto s = l.sender.stats();
  EXPECT_EQ(s.tcp.timeouts, 2u);
  EXPECT_EQ(l.nic.next[0], 100u * 1460);
  const auto& a = l.nic.arrivals;
  const Time wait = a.back().at - a[a.size() - 2].at;
  EXPECT_NEAR(static_cast<double>(wait), 1e10, 1e7) << "the second wait is twice 5 ms";
  l.check_bytes();
}

TEST(TcpSender, FlowsTakeTurns) {
  Loop l(bulk(UINT64_MAX, 7, true));
  l.run(5 * kMs);
  const auto [least, most] = std::minmax_element(l.nic.next.begin(), l.nic.next.end());
  EXPECT_GT(*least, 0u);
  EXPECT_LT(static_cast<double>(*most - *least), 0.1 * static_cast<double>(*most));
  EXPECT_GE(l.nic.pushes, 7);
  l.check_bytes();
}

TEST(TcpSender, PushEndsABurst) {
  Loop l(bulk());
  l.run(90 * kUs);   // the first flight alone
  ASSERT_EQ(l.nic.arrivals.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto& b = l.nic.arrivals[i].bytes;
    EXPECT_EQ(parse(b.data(), static_cast<std::uint32_t>(b.size())).flags & tcp::kPsh, i == 9 ? tcp::kPsh : 0);
  }
}

TEST(TcpSender, StretchAcknowledgementsAndBadOnes) {
  Loop l(bulk(2000 * 1460));
  l.nic.every = 10;
  l.nic.spoil = 3;   // three ACKs arrive damaged
  l.run(60 * kMs);
  EXPECT_EQ(l.sender.stats().bad_acks, 3u);
  EXPECT_EQ(l.nic.next[0], 2000u * 1460);
}

TEST(TcpSender, StrangersAreCounted) {
  Loop l(bulk(), kMs);
  l.run(10 * kUs);
  const auto& a = l.nic.arrivals.front();
  std::uint8_t out[kMaxAck];
  const std::uint32_t n = build_tcp_ack(out, a.bytes.data(), parse(a.bytes.data(), a.meta.length), AckFields{});
  out[34 + 3] ^= 1;   // another port; the checksum follows
  csum::complete_l4(out, n);
  l.sender.from_nic(out, n, l.agenda.now());
  EXPECT_EQ(l.sender.stats().unknown, 1u);
  l.sender.from_nic(out, 20, l.agenda.now());
  EXPECT_EQ(l.sender.stats().bad_acks, 1u);
}

TEST(TcpSender, Refusals) {
  Agenda agenda("agenda");
  FrameTable t;
  TcpSender::Params p = bulk();
  p.frame_bytes = 58;
  EXPECT_THROW(TcpSender(agenda, rank::kWire, t, p), UserError);
  FlowPlan udp;
  udp.udp = true;
  p = bulk();
  p.flows = make_flows(udp);
  EXPECT_THROW(TcpSender(agenda, rank::kWire, t, p), UserError);
}

}  // namespace tcp_sender_test
}  // namespace gd
