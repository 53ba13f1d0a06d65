#include "tests/matrix/whole_run.h"

#include "models/buffers/strategy.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace {

// Whether the host merges and may pass what it merged on as one packet: small buffers take no merged packet.
bool merges(const Space& space, const Row& row) { return space.value(row, "rx_mode") != "small" && space.merges(row); }

// Frames that a combination may lose by design, as reason of drop. The driver of 2.6.35 has no frag_list: a packet of more
// ring buffers than an skb has fragments is an error to it, and designs that hand over a page for each segment make such
// packets whenever GRO merges long enough.
std::string may_drop(const Space& space, const Row& row) {
  const bool old = space.value(row, "driver") == "linux-2.6.35" && space.value(row, "rx_mode") == "mergeable";
  const bool page_each = find_strategy(space.value(row, "strategy"))->declaration().guest_memory && space.value(row, "gro") != "off";
  return old && page_each ? "stack" : "";
}

std::vector<SentFrame> arrived(const std::vector<SentFrame>& sent, const std::map<std::uint64_t, std::string>& dropped) {
  std::vector<SentFrame> out;
  for (std::size_t i = 0; i < sent.size(); ++i)
    if (dropped.count(i) == 0) out.push_back(sent[i]);
  return out;
}

}  // namespace

std::string whole_run(const Space& space, const Row& row, const std::vector<SentFrame>& sent) {
  const ChildResult r = run_child(kStreamScenario, space.value(row, "strategy"), space.settings(row), true);
  std::string wrong;
  const auto must = [&](bool holds, const std::string& what) {
    if (!holds) wrong += what + "\n";
  };
  // A broken ledger or conservation ends the child with exit code 3.
  must(r.exit_code == 0, "exit code " + std::to_string(r.exit_code) + ": " + r.error);
  if (r.exit_code == 0) {
    const double frames = static_cast<double>(sent.size());
    for (const char* name : {"integrity.errors", "ownership.violations"})
      must(r.metrics.at(name) == "0", std::string(name) + " is " + r.metrics.at(name) + (r.messages.empty() ? "" : ": " + r.messages.front()));
    must(r.value("packets.offered") == frames, "not every frame was offered");
    must(r.value("packets.delivered") + r.value("drops.total") == frames, "frames were neither delivered nor dropped");
    must(r.value("drops.total") == static_cast<double>(r.dropped.size()), "drops.total is not the number of frames dropped");
    must(r.dropped.size() * 4 < sent.size(), std::to_string(r.dropped.size()) + " frames were dropped");
    for (const auto& [frame, why] : r.dropped)
      if (why != may_drop(space, row)) must(false, "frame " + std::to_string(frame) + " was dropped: " + why);
    const std::string streams = compare_streams(arrived(sent, r.dropped), r.handed_up);
    must(streams.empty(), streams);
    const double segments = r.value("gro.segments_per_packet");
    if (merges(space, row)) must(segments > 1, "nothing was merged");
    if (space.value(row, "gro") == "off") must(segments <= 1, "merged with GRO off");
  }
  return wrong.empty() ? "" : wrong + space.text(row) + "\n" + space.command(row);
}

}  // namespace gd::test
