#include "src/report/suffering.h"

#include <algorithm>

namespace gd::report {

namespace {

constexpr double kLoss = 1;                       // per cent
constexpr double kSlow = 1'000'000;               // ns
constexpr double kPinned = 1024 * 1024;     // bytes

struct Guests {
  const system::Metric* lost_by_honest = nullptr;       // the worst of each
  const system::Metric* slowest_honest = nullptr;
  const system::Metric* lost_by_others = nullptr;
  const system::Metric* pinned_for_others = nullptr;
  const system::Metric* pinned_for_honest = nullptr;
  bool misbehave = false;                               // one of them does
};

// As short as a cell of a table: tenths of a per cent, of KiB, of us, else as it is.
std::string short_figure(const system::Metric& m) {
  const auto tenths = [&](std::uint64_t per) {
    const std::uint64_t n = (static_cast<std::uint64_t>(m.num) * 10 + m.den * per / 2) / (m.den * per);
    return std::to_string(n / 10) + (n % 10 ? "." + std::to_string(n % 10) : "");
  };
  if (m.unit == "%") return tenths(1) + " %";
  if (m.unit == "ns") return tenths(1000) + " us";
  if (m.unit == "bytes" && m.num >= 1024) return tenths(1024) + " KiB";
  return m.text() + (m.unit.empty() ? "" : " " + m.unit);
}

void worse(const system::Metric*& kept, const system::Metric* m) {
  if (m && (!kept || m->value() > kept->value())) kept = m;
}

Guests guests(const system::RunResult& r) {
  Guests g;
  const std::string tail = ".misbehaves";
  for (const system::Metric& m : r.metrics) {
    if (m.name.rfind("guest.", 0) != 0 || m.name.size() <= tail.size() || m.name.compare(m.name.size() - tail.size(), tail.size(), tail) != 0) continue;
    const std::string prefix = m.name.substr(0, m.name.size() - tail.size() + 1);
    const auto find = [&](const char* name) { return r.find(prefix + name); };
    if (m.num == 0) {
      worse(g.lost_by_honest, find("packets.lost_share"));
      worse(g.slowest_honest, find("latency.p99"));
      worse(g.pinned_for_honest, find("pinned.peak_bytes"));
    } else {
      g.misbehave = true;
      worse(g.lost_by_others, find("packets.lost_share"));
      worse(g.pinned_for_others, find("pinned.peak_bytes"));
    }
  }
  return g;
}

}  // namespace

std::vector<Suffering> sufferings(const system::RunResult& r) {
  std::vector<Suffering> out;
  const auto say = [&](const char* word, const system::Metric* m, bool applies) {
    if (m && applies) out.push_back({word, short_figure(*m)});
  };
  const auto counted = [&](const char* word, const char* name) {
    const system::Metric* m = r.find(name);
    say(word, m, m && m->num != 0);
  };
  const Guests g = guests(r);
  const auto at_least = [](const system::Metric* m, double limit) { return m && m->value() >= limit; };
  const system::Metric* integrity = r.find("integrity.errors");
  if (integrity && integrity->num != 0) counted("broken", "integrity.errors");
  else counted("broken", "ownership.violations");
  counted("escaped", "security.escapes");
  counted("leaked", "security.leaked_bytes");
  counted("acted-on", "toctou.acted_on");
  const bool lossy = at_least(g.lost_by_honest, kLoss);
  say(g.misbehave ? "starved" : "lossy", g.lost_by_honest, lossy);
  say(g.misbehave ? "slowed" : "slow", g.slowest_honest, !lossy && at_least(g.slowest_honest, kSlow));
  say("pinned", g.pinned_for_others, at_least(g.pinned_for_others, kPinned) && !(g.pinned_for_honest && g.pinned_for_honest->value() > g.pinned_for_others->value() / 2));
  counted("exposed", "toctou.exposed_bytes");
  const bool stalled = at_least(g.lost_by_others, 100);
  say("stalled", g.lost_by_others, stalled);
  say("dropped", g.lost_by_others, !stalled && at_least(g.lost_by_others, kLoss));
  if (out.empty()) out.push_back({"fine", ""});
  return out;
}

}  // namespace gd::report
