#include "src/system/windows.h"

#include <algorithm>

namespace gd::system {

namespace {
constexpr Time kQuietCheck = 5 * kUs;   // how often a draining run is asked whether all is quiet
}

Snapshot take_snapshot(Machine& m, Time at) {
  Snapshot s;
  s.at = at;
  for (const auto& c : m.cores) c->settle_spin(at);
  s.ledger = m.ledger.snapshot();
  for (const auto& c : m.cores) {
    s.core_busy.push_back(static_cast<std::uint64_t>(c->busy_time()));
    s.exits += c->guest_exits();
  }
  s.memory = m.memory.stats();
  s.pcie = m.pcie.stats();
  s.up_reserved = m.pcie.upstream_reserved();
  s.down_reserved = m.pcie.downstream_reserved();
  if (m.copy_engine) s.copy_engine = m.copy_engine->stats();
  s.iommu = m.iommu.stats();
  s.nic = m.nic.stats();
  s.link = m.link->stats();
  s.pinned = m.ownership.pinned_integral(at);
  s.pin_ops = m.ownership.pin_ops();
  s.watch = m.ownership.watch();
  s.interrupts = m.interrupts.delivered();
  for (const auto& g : m.guests) {
    Snapshot::PerGuest p;
    p.guest = g->guest->stats();
    if (g->queue.path) p.path = g->queue.path->stats();
    if (g->vhost) p.vhost = g->vhost->stats();
    if (g->queue.gro) p.gro = g->queue.gro->stats();
    if (g->delivery) p.gso = g->delivery->segmented();
    else if (g->tap) p.gso = g->tap->segmented();
    if (g->bridge) p.bridge = g->bridge->stats();
    p.exits = g->vcpu->exits;
    s.exits += p.exits;
    p.pinned = m.ownership.pinned_integral(static_cast<unsigned>(s.guests.size()), at);
    s.guests.push_back(p);
  }
  for (const auto& q : m.host_queues) {
    s.host_gro.push_back(q->gro->stats());
    s.host_path.push_back(q->path->stats());
  }
  for (const auto& socket : m.sockets) s.socket.add(socket->stats());
  if (m.demux) s.shared_frames = m.demux->stats().frames;
  for (const auto& u : m.users)
    s.users.push_back({u->kernel->stats(), u->app->stats(), u->pages->bad_entries(), m.ownership.pinned_integral(u->area.owner, at)});
  for (const auto& f : m.forwarders) {
    const ForwarderStats& x = f->stats();
    s.forward.bursts += x.bursts;
    s.forward.frames += x.frames;
    s.forward.min_free = std::min(s.forward.min_free, x.min_free);
  }
  return s;
}

Windows::Windows(Machine& m, const RunOptions& options)
    : Actor(m.agenda, rank::kWindow), m_(m), options_(options),
      follows_capture_(m.scenario.traffic.kind == scenario::TrafficKind::pcap && m.scenario.traffic.loop == 0),
      from_(kBringUp + (follows_capture_ ? 0 : m.scenario.time.warmup)), to_(from_ + m.scenario.time.measure), drain_(m.scenario.time.drain) {
  if (follows_capture_) to_ = kNever;
  m_.frames.measure(from_, to_);
  m_.link->listen(this);
  progress_step_ = std::max<Time>(1, (m.scenario.time.warmup + m.scenario.time.measure) / 50);
  if (to_ != kNever) m_.link->stop_at(to_);
  wake_at(kBringUp);
}

void Windows::close(Time now) {
  if (have_end_) return;
  if (!have_begin_) {
    begin_ = take_snapshot(m_, std::min(now, from_));
    have_begin_ = true;
  }
  have_end_ = true;
  end_ = take_snapshot(m_, now);
  if (wire_done_) m_.frames.measure(from_, now + 1);   // deliveries of the drain are outside
}

// The traffic has ended by itself: the window ends with it.
void Windows::wire_finished(Time now) {
  wire_done_ = true;
  to_ = std::min(to_, now);
  wake_at(now);
}

void Windows::act(Time now) {
  if (!link_up_) {
    link_up_ = true;
    m_.link->start();
  }
  if (!have_begin_ && now >= from_) {
    have_begin_ = true;
    begin_ = take_snapshot(m_, now);
  }
  if (now >= to_ && !have_end_) close(now);
  if (options_.progress && now >= next_progress_) {
    options_.progress(now, to_ == kNever ? from_ + m_.capture->duration() : to_ + drain_);
    next_progress_ = now + progress_step_;
  }
  if (have_end_) {
    const bool quiet = m_.frames.live() == 0;
    if (quiet || now >= end_.at + drain_) {
      finished_ = now;
      agenda().stop();
      return;
    }
    wake_at(now + kQuietCheck);
    return;
  }
  Time next = have_begin_ ? to_ : from_;
  if (options_.progress) next = std::min(next, now + progress_step_);
  if (next != kNever) wake_at(next);
}

}  // namespace gd::system
