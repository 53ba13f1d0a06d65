// Metrics of the consumer user-async: completions, what they cost in system calls, what was short; and each application's own.
#include "src/system/metrics.h"
#include "src/system/sheet.h"

namespace gd::system {

namespace {

// What an application did in the window, or all of them.
struct UserWindow {
  std::uint64_t bytes = 0, reads = 0, enters = 0, completions = 0, no_buffer = 0, queue_full = 0;
  void add(const Snapshot::PerUser& b, const Snapshot::PerUser& e) {
    bytes += e.app.bytes - b.app.bytes;
    reads += e.app.reads - b.app.reads;
    enters += e.app.enters - b.app.enters;
    completions += e.kernel.completions - b.kernel.completions;
    no_buffer += e.kernel.no_buffer - b.kernel.no_buffer;
    queue_full += e.kernel.queue_full - b.kernel.queue_full;
  }
};

void of_window(Sheet& sheet, const std::string& prefix, const UserWindow& w) {
  sheet.ratio(prefix + "user.bytes_per_completion", "bytes", w.bytes, w.reads);
  sheet.count(prefix + "user.enters", "", w.enters);
  sheet.count(prefix + "limits.user_buffers", "", w.no_buffer);
  sheet.count(prefix + "limits.completion_ring", "", w.queue_full);
}

void holds(Sheet& sheet, const std::string& prefix, const Histogram& h) {
  sheet.quantile(prefix + "buffers.hold_ns.p50", h, 1, 2);
  sheet.quantile(prefix + "buffers.hold_ns.p99", h, 99, 100);
}

void of_application(Sheet& sheet, const Machine& m, std::size_t i, const Snapshot& b, const Snapshot& e) {
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  const UserSlot& slot = *m.users[i];
  const std::string prefix = "guest." + slot.name + ".";
  UserWindow w;
  w.add(b.users[i], e.users[i]);
  of_window(sheet, prefix, w);
  holds(sheet, prefix, slot.app->holds());
  sheet.ratio(prefix + "throughput.goodput", "Gb/s", w.bytes * 8000, window);
  sheet.count(prefix + "stack.packets", "packets", e.users[i].kernel.packets_read - b.users[i].kernel.packets_read);
  sheet.count(prefix + "pinned.peak_bytes", "bytes", m.ownership.pinned_peak(slot.area.owner));
  sheet.ratio(prefix + "pinned.avg_bytes", "bytes",
              static_cast<std::uint64_t>((e.users[i].pinned - b.users[i].pinned) / std::max<std::uint64_t>(window, 1)), 1);
  sheet.count(prefix + "misbehaves", "", slot.params.behaviour != AppBehaviour::well_behaved);
  sheet.count(prefix + "ownership.guest_faults", "", e.users[i].bad_entries);
  if (slot.params.behaviour >= AppBehaviour::ring_liar) sheet.count(prefix + "misdeeds", "", slot.app->stats().misdeeds());
  if (!slot.trusted) sheet.count(prefix + "integrity.self_inflicted", "frames", slot.kernel->check().errors());
  if (i < m.frames.groups().size()) of_group(sheet, prefix, m.frames.groups()[i], window, m.users.size() > 1);
}

}  // namespace

void of_applications(Sheet& sheet, const Machine& m, const Snapshot& b, const Snapshot& e) {
  UserWindow all;
  Histogram held;
  std::vector<std::uint64_t> shares;
  for (std::size_t i = 0; i < m.users.size(); ++i) {
    all.add(b.users[i], e.users[i]);
    shares.push_back(e.users[i].app.bytes - b.users[i].app.bytes);
    of_application(sheet, m, i, b, e);
    m.users[i]->app->holds().each([&](std::uint64_t, std::uint64_t upper, std::uint64_t n) { held.add(upper, n); });
  }
  of_window(sheet, "", all);
  sheet.ratio("user.completions_per_packet", "", all.completions, m.frames.delivered_in_window());
  holds(sheet, "", m.users.size() == 1 ? m.users.front()->app->holds() : held);
  if (m.users.size() > 1) fairness(sheet, shares);
}

}  // namespace gd::system
