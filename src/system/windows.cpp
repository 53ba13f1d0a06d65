#include "src/system/windows.h"

#include <algorithm>

namespace gd::system {

namespace {
constexpr Time kQuietCheck = 5 * kUs;   // how often a draining run is asked whether all is quiet
constexpr Time kFillCheck = 10 * kUs;   // how often, from kBringUp on, whether the rings are filled; longer than a doorbell's way
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
  s.pcie = m.pcie.stats(at);
  s.up_reserved = m.pcie.upstream_reserved(at);
  s.down_reserved = m.pcie.downstream_reserved(at);
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
      drain_(m.scenario.time.drain) {
  m_.link->listen(this);
  progress_step_ = std::max<Time>(1, (m.scenario.time.warmup + m.scenario.time.measure) / 50);
  wake_at(kBringUp);
}

// False while a driver still fills its ring, and until the last one's doorbell has reached the card.
bool Windows::ready(Time now) {
  const bool filled = now >= kLastBringUp || m_.filled();
  if (filled && !filling_) return true;
  filling_ = !filled;
  wake_at(now + kFillCheck);
  return false;
}

void Windows::bring_up(Time now) {
  const scenario::Windows& t = m_.scenario.time;
  from_ = now + (follows_capture_ ? 0 : t.warmup);
  to_ = follows_capture_ ? kNever : from_ + t.measure;
  m_.frames.measure(from_, to_);
  if (to_ != kNever) m_.link->stop_at(to_);
  link_up_ = true;
  m_.link->start();
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
  if (now >= to_) return;   // the window has ended the traffic
  wire_done_ = true;
  to_ = std::min(to_, now);
  wake_at(now);
}

void Windows::act(Time now) {
  if (!link_up_) {
    if (!ready(now)) return;
    bring_up(now);
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
