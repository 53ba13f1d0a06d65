#include <sys/resource.h>

#include <chrono>

#include "models/base/error.h"
#include "src/system/drive.h"
#include "src/system/machine_bench.h"
#include "src/system/metrics.h"
#include "src/system/params.h"
#include "src/system/system.h"

namespace gd::system {

namespace {

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

std::uint64_t peak_rss() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<std::uint64_t>(u.ru_maxrss) * 1024;
}

void of_machine(RunResult& r, std::chrono::steady_clock::time_point wall, double cpu) {
  r.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
  r.cpu_s = cpu_seconds() - cpu;
  r.peak_rss_bytes = peak_rss();
}

// What must hold when a run ends, whatever the scenario.
void check_end(const Machine& m) {
  const std::string ledger = m.ledger_mismatch();
  if (!ledger.empty()) broken("ledger: " + ledger);
  const auto& c = m.frames.all();
  const std::uint64_t live = m.frames.live();
  if (c.offered + c.replicas != c.delivered + c.consumed + c.dropped + live)
    broken("conservation: " + std::to_string(c.offered) + " frames offered, " + std::to_string(c.replicas) + " replicas, " + std::to_string(c.delivered) + " delivered, " +
           std::to_string(c.consumed) + " consumed, " + std::to_string(c.dropped) + " dropped, " + std::to_string(live) + " in flight");
  if (m.held() != live)
    broken("conservation: " + std::to_string(live) + " frames have no end, the stages hold " + std::to_string(m.held()));
}

// A queue that stands still loses frames without dropping them: said of guests that do nothing wrong, when the drain was longer than
// interrupts are held back and timers run.
void note_standstills(const Machine& m, const Snapshot& window_end, Time end, RunResult& r) {
  if (end < window_end.at + kMs) return;
  for (std::size_t g = 0; g < m.guests.size(); ++g) {
    const GuestSlot& slot = *m.guests[g];
    if (slot.guest->params().behaviour.kind != BehaviourKind::well_behaved) continue;
    std::uint64_t held = slot.queue.napi ? slot.queue.napi->held() : 0;
    if (slot.queue.path) held += slot.queue.path->held();
    if (slot.tap) held += slot.tap->held();
    if (slot.delivery) held += slot.delivery->held();
    if (slot.vhost) held += slot.vhost->held();
    if (!m.demux) held += m.nic.waiting(static_cast<std::uint32_t>(g));
    const std::string why = slot.queue.path ? slot.queue.path->blocked() : "";
    if ((held == 0 && why.empty()) || slot.guest->stats().frames != window_end.guests[g].guest.frames) continue;
    r.messages.standstill.push_back("the queue of guest " + slot.guest->name() + " holds " + std::to_string(held) +
                                    " frames, and has handed over none since the window's end" + (why.empty() ? "" : ": " + why));
  }
}

}  // namespace

RunResult run(const scenario::Scenario& common, const scenario::StrategyChoice& choice, const RunOptions& options) {
  const scenario::Scenario s = scenario::for_strategy(common, choice);
  check_available(s);
  if (auto why = refusal(s, choice)) throw UserError(choice.label + " cannot be served: " + *why);
  const auto wall = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  if (s.traffic.kind == scenario::TrafficKind::dma_bench) {
    RunResult r = run_bench(s, choice, options);
    of_machine(r, wall, cpu);
    return r;
  }
  Machine m(s, choice, options);
  Windows windows(m, options);
  const Time end = drive(m, windows, options);
  check_end(m);
  // With nothing in flight, every buffer is somebody's: what is still part of a packet was never given back. Buffers
  // that the driver has not taken are the card's in its eyes: of frames that ended in the card, or reports that were lost.
  if (m.frames.live() == 0 && m.nic.untaken() == 0) {
    m.ownership.expect(Owner::skb, m.unreclaimed(), end, "at the end, with nothing in flight");
    m.ownership.expect(Owner::in_flight, 0, end, "at the end, with nothing in flight");
  }

  RunResult r = result_of(s, choice);
  r.fingerprint = m.frames.fingerprint().value();
  r.hazard = !choice.hazard.empty() || s.nic.faults.corrupt() || defenceless(s, choice);
  compute_metrics(m, windows.begin(), windows.end(), r);
  r.messages = m.messages();
  note_standstills(m, windows.end(), end, r);
  r.way = m.way.way();
  r.frames = m.frames.all().offered;
  r.activations = m.agenda.activations();
  r.lookups = m.memory.stats().lookups;
  for (const auto& row : r.ledger) r.bytes_moved += row.context == "device" ? 0 : row.bytes;
  r.simulated = end;
  of_machine(r, wall, cpu);
  return r;
}

}  // namespace gd::system
