#include "tests/report/made_up.h"

#include <algorithm>

namespace gd::report::made_up {

namespace {

constexpr std::uint64_t kPackets = 100'000;

struct Cost { const char *core, *context, *component, *operation; std::uint64_t cycles[6]; };   // per packet, by strategy
const Cost kCosts[] = {
    {"core0", "hardirq", "irq", "entry", {18, 18, 18, 0, 18, 18}},
    {"core0", "softirq", "napi", "frame", {210, 215, 230, 0, 240, 210}},
    {"core0", "softirq", "skb", "alloc", {180, 60, 150, 0, 90, 180}},
    {"core0", "softirq", "gro", "receive", {240, 300, 245, 0, 290, 240}},
    {"core0", "softirq", "page", "recycle", {110, 0, 12, 0, 10, 110}},
    {"core0", "softirq", "memory", "stall", {260, 240, 220, 0, 230, 260}},
    {"core1", "vhost", "vhost", "copy", {1420, 0, 0, 0, 0, 180}},
    {"core1", "vhost", "vhost", "packet", {160, 150, 150, 0, 150, 190}},
    {"core1", "vhost", "header", "copy", {0, 0, 95, 0, 40, 0}},
    {"core1", "vhost", "post", "track", {0, 130, 128, 0, 131, 0}},
    {"core1", "vhost", "pin", "page", {0, 60, 45, 0, 50, 20}},
    {"core2", "guest", "guest", "driver", {310, 330, 315, 620, 320, 310}},
    {"core2", "guest", "guest", "tcp", {420, 420, 420, 980, 420, 420}},
    {"core2", "guest", "memory", "stall", {190, 320, 310, 330, 315, 200}},
    {"core2", "guest", "app", "copy", {610, 700, 690, 720, 695, 612}},
    {"core2", "exit", "vm", "exit_kick", {40, 42, 41, 12, 44, 41}},
};

// Half of the frames below `middle`, a tail above it.
system::Distribution distribution(const std::string& name, std::uint64_t middle) {
  system::Distribution d{name, "ns", {}};
  if (name != "latency") middle /= 3;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const std::uint64_t away = i < 200 ? 199 - i : i - 200, width = i < 200 ? middle / 400 : middle / 200;
    const std::uint64_t lower = i < 200 ? middle - (200 - i) * (middle / 400) : middle + away * width;
    d.buckets.push_back({lower, lower + width - 1, 1 + 90'000 / (40 + away * away)});
  }
  return d;
}

}  // namespace

std::vector<std::string> strategies() { return {"vhost-copy", "guest-head", "copy-header", "passthrough", "page-frags", "async-copy"}; }

system::RunResult run(const std::string& strategy) {
  const std::vector<std::string> all = strategies();
  const auto n = static_cast<std::uint64_t>(std::find(all.begin(), all.end(), strategy) - all.begin());
  system::RunResult r;
  r.scenario = "made-up";
  r.strategy = r.label = strategy;
  r.seed = 7;
  r.config_sha256 = std::string(64, 'a');
  r.fingerprint = 0x0123456789abcdef + n;
  std::uint64_t host = 0, guest = 0;
  for (const Cost& c : kCosts) {
    if (c.cycles[n] == 0) continue;
    r.ledger.push_back({c.core, c.context, c.component, c.operation, c.cycles[n] * 1000 * kPackets, kPackets, std::string(c.operation) == "copy" ? 1448 * kPackets : 0});
    (std::string(c.core) == "core2" ? guest : host) += c.cycles[n] * 1000 * kPackets;
  }
  const auto add = [&](const char* name, const char* unit, std::int64_t num, std::uint64_t den = 1) { r.metrics.push_back({name, unit, num, den}); };
  const auto whole = [](std::uint64_t v) { return static_cast<std::int64_t>(v); };
  const std::int64_t lost = n == 0 ? 1210 : n == 3 ? 96 : 0;
  add("throughput.goodput", "Gb/s", 9'412'007 - 120'000 * (n == 0), 1'000'000);
  add("throughput.offered", "Gb/s", 9'412'007, 1'000'000);
  add("packets.offered", "frames", whole(kPackets) + lost);
  add("packets.delivered", "frames", whole(kPackets));
  add("packets.dropped", "frames", lost);
  add("drops.total", "frames", lost);
  add("drops.nic-fifo", "frames", n == 0 ? 200 : 0);
  add("drops.tap-full", "frames", n == 0 ? 1010 : 0);
  add("drops.no-descriptor", "frames", n == 3 ? 96 : 0);
  add("latency.p50", "ns", 45'200 - 3'100 * whole(n));
  add("latency.p99", "ns", 80'250 - 5'010 * whole(n));
  add("latency.p99.9", "ns", 89'007 - 5'900 * whole(n));
  add("latency.stage.driver.p50", "ns", 18'000 - 900 * whole(n));
  add("latency.stage.guest.p50", "ns", 15'500 - 1'700 * whole(n));
  add("host.cycles_per_packet", "cycles", whole(host), kPackets * 1000);
  add("guest.cycles_per_packet", "cycles", whole(guest), kPackets * 1000);
  add("cpu.cycles_per_packet", "cycles", whole(host + guest), kPackets * 1000);
  add("cpu.cycles_per_byte", "cycles", whole(host + guest), kPackets * 1000 * 1448);
  add("copy.host_bytes_per_packet", "bytes", n == 0 ? 1526 : n == 2 ? 78 : n == 5 ? 200 : n == 3 ? 0 : 12);
  add("copy.guest_bytes_per_packet", "bytes", 1448);
  add("pcie.upstream_bytes", "bytes", whole(kPackets) * 1620 + 31);
  add("pcie.downstream_bytes", "bytes", whole(kPackets) * (n == 3 ? 64 : 40));
  add("dram.read_bytes", "bytes", whole(kPackets) * 900);
  add("dram.write_bytes", "bytes", whole(kPackets) * (n == 0 ? 1900 : 700));
  add("dram.bytes_per_payload_byte", "", n == 0 ? 2800 : 1600, 1448);
  add("llc.ddio_write_hit_rate", "%", 871 + whole(n), 10);
  add("pinned.peak_bytes", "bytes", n == 0 ? 0 : n == 3 ? 268'435'456 : 4'194'304);
  add("interrupts.host", "", 4200 + whole(n));
  add("interrupts.guest", "", 3900);
  add("vm_exits", "", 3'911 - whole(n) * 100);
  add("gro.segments_per_packet", "", n == 3 ? 1000 : 7'133, 1000);
  add("integrity.errors", "", 0);
  std::sort(r.metrics.begin(), r.metrics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const char* name : {"latency", "latency.stage.driver", "latency.stage.guest"}) r.distributions.push_back(distribution(name, 45'200 - 3'100 * n));
  r.way = {n, 1514, {{"wire", 0}, {"nic", 51'000}, {"dma", 951'000}, {"driver", 18'951'000 - 900'000 * whole(n)}, {"guest", 34'451'000 - 2'600'000 * whole(n)}, {"app", 45'200'000 - 3'100'000 * whole(n)}}};
  r.messages.ownership = {"first message: \"quoted\" | piped"};
  r.messages.integrity = {"bytes: one", "bytes: two"};
  r.messages.standstill = {"a queue | that stands"};
  r.frames = kPackets + 5000, r.activations = 6 * r.frames, r.lookups = 80 * r.frames, r.bytes_moved = 4500 * r.frames;
  r.wall_s = 0.35, r.cpu_s = 0.31, r.peak_rss_bytes = 41'000'000, r.simulated = 120 * kMs;
  return r;
}

ComparisonInput comparison(unsigned strategies) {
  ComparisonInput in;
  in.scenario = "made-up";
  in.description = "10 Gb/s of 1500-byte frames";
  const std::vector<std::string> all = made_up::strategies();
  for (unsigned i = 0; i < strategies; ++i) {
    in.runs.push_back(run(all[i % all.size()]));
    if (i >= all.size()) in.runs.back().label += "-" + std::to_string(i);
    in.buffering.push_back(i == 0 ? 1768 : 512);
  }
  in.refused.push_back({"other", "other", "the NIC does not split headers"});
  return in;
}

system::Topology topology() {
  system::Topology t;
  t.levels = {{0, "nic.queue0", "descriptors", "descriptors", 512}, {1, "tap0", "queue", "frames", 1000}, {2, "nic", "fifo", "bytes", 1LL << 40}};
  t.cores = {"core0", "core1"};
  t.contexts = {"softirq", "vhost", "guest g0"};
  t.guests = {"g0"};
  return t;
}

void play(system::TraceObserver& to, unsigned frames) {
  to.begin(topology());
  std::vector<std::uint8_t> bytes(1514);
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  Time now = 0;
  for (unsigned i = 0; i < frames; ++i) {
    now = 1000 + i * 1200 * kNs + i % 7;
    FrameMeta f;
    f.id = i;
    f.bytes = bytes.data();
    f.length = 60 + i % 1455;
    f.payload_length = f.length - 54;
    f.at[0] = now;
    to.wire_frame(f, now);
    f.at[1] = now + 51 * kNs;
    f.at[2] = f.at[1] + 900 * kNs;
    // Levels are told with annotated times, the later one first.
    to.level(1, i % 40, now + 2 * kUs);
    to.level(0, 512 - i % 64, now);
    to.level(2, static_cast<std::int64_t>(i % 3) << 33, now);
    if (i % 50 == 49) {
      f.fate = Fate::dropped;
      to.ended(f, Drop::tap_full, f.at[2]);
      continue;
    }
    f.at[3] = f.at[2] + (20 - i % 16) * kUs;
    f.at[6] = f.at[3] + 5 * kUs;
    f.at[7] = f.at[6] + 3 * kUs;
    to.core_busy(0, 0, now, now + 400 * kNs);
    to.core_busy(1, 1 + i % 2, now + 600 * kNs, now + 900 * kNs);
    if (to.wants_handed_up()) to.handed_up(0, bytes.data(), f.length, f.at[6]);
    f.fate = Fate::delivered;
    to.ended(f, Drop::count_, f.at[7]);
  }
  to.finish(now + 2 * kMs);
}

}  // namespace gd::report::made_up
