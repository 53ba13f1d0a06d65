#include "models/wire/synthetic.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"

namespace gd {
namespace {

std::uint32_t largest(const std::vector<Synthetic::Params::Size>& sizes) {
  std::uint32_t n = 64;
  for (const auto& s : sizes) n = std::max(n, s.bytes);
  return n;
}

void check(const Synthetic::Params& p, const Stream& s) {
  if (p.sizes.empty()) throw UserError("synthetic traffic has no frame size");
  const std::uint32_t least = std::max(wire::padded(s.longest_header() + 1), wire::kMinimum) + wire::kFcs;
  for (const auto& size : p.sizes) {
    if (size.bytes < least)
      throw UserError("frame size " + std::to_string(size.bytes) + " is too small: the headers of this traffic, one byte of payload and the FCS need " +
                      std::to_string(least) + " bytes");
    if (size.bytes > 65535) throw UserError("frame size " + std::to_string(size.bytes) + " is above 65535 bytes");
    if (size.weight == 0) throw UserError("frame size " + std::to_string(size.bytes) + " has weight 0");
  }
  if (p.burst_frames == 0) throw UserError("a burst needs at least one frame");
  if (p.rate == 0 && p.arrivals == Arrivals::poisson) throw UserError("Poisson arrivals need a rate");
  if (p.rate == 0 && p.arrivals == Arrivals::burst && p.burst_gap == 0)
    throw UserError("bursts need a rate or a gap between them");
  if (p.link_rate == 0) throw UserError("the link rate is 0");
}

}  // namespace

Synthetic::Synthetic(FrameTable& table, const Params& p)
    : table_(table), p_(p), stream_(p.flows, p.seed), buffers_(table, std::max(largest(p.sizes), stream_.longest_shaped() + 1 + wire::kFcs)), size_rng_(p.seed, "traffic.size"),
      gap_rng_(p.seed, "traffic.gap"), flow_rng_(p.seed, "traffic.flow"), foreign_rng_(p.seed, "traffic.foreign"), pace_(p.rate ? p.rate : 1),
      line_(p.link_rate ? p.link_rate : 1), offset_(p.flows.size()), index_(p.flows.size()), clock_(p.start) {
  check(p_, stream_);
  for (const auto& s : p_.sizes) total_weight_ += s.weight;
  if (p_.rate)
    mean_gap_ = static_cast<std::uint64_t>(static_cast<unsigned __int128>(mean_millibytes()) * 8 * kSec / 1000 / p_.rate);
}

std::uint64_t Synthetic::mean_millibytes() const {
  unsigned __int128 bytes = 0;
  std::uint64_t weights = 0;
  for (const auto& s : p_.sizes) {
    bytes += static_cast<unsigned __int128>(s.bytes) * s.weight;
    weights += s.weight;
  }
  return static_cast<std::uint64_t>(bytes * 1000 / weights);
}

std::uint32_t Synthetic::draw_size() {
  if (p_.sizes.size() == 1) return p_.sizes[0].bytes;
  std::uint64_t at = size_rng_.below(total_weight_);
  for (const auto& s : p_.sizes) {
    if (at < s.weight) return s.bytes;
    at -= s.weight;
  }
  return p_.sizes.back().bytes;
}

// Earliest start of a frame of `bytes` with FCS; advances the arrival process.
Time Synthetic::next_start(std::uint32_t bytes) {
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes) * 8;
  switch (p_.arrivals) {
    case Arrivals::poisson:
      clock_ += static_cast<Time>(gap_rng_.exponential(mean_gap_));
      return clock_;
    case Arrivals::burst: {
      if (in_burst_ == p_.burst_frames) {
        clock_ += p_.burst_gap ? burst_length_ + p_.burst_gap : burst_at_;
        in_burst_ = 0;
        burst_length_ = burst_at_ = 0;
      }
      ++in_burst_;
      if (p_.burst_gap)
        burst_length_ += line_.take(bits + (wire::kPreamble + wire::kGap) * 8);
      else
        burst_at_ += pace_.take(bits);
      return clock_;
    }
    case Arrivals::paced:
      break;
  }
  const Time start = clock_;
  if (p_.rate) clock_ += pace_.take(bits);
  return start;
}

std::uint32_t Synthetic::draw_flow() {
  const auto flows = static_cast<std::uint32_t>(offset_.size() - p_.drawn.size());
  if (!p_.drawn.empty()) {
    std::uint32_t at = foreign_rng_.at(planned_++) % 1'000'000;
    for (std::uint32_t k = 0; k < p_.drawn.size(); at -= p_.drawn[k++])
      if (at < p_.drawn[k]) return flows + k;
  }
  if (p_.random_flows) return static_cast<std::uint32_t>(flow_rng_.below(flows));
  const std::uint32_t f = turn_;
  if (++turn_ == flows) turn_ = 0;
  return f;
}

void Synthetic::make(Made& out) {
  std::uint32_t bytes = draw_size();
  const std::uint32_t f = draw_flow();
  const bool empty = stream_.shape(f) == Shape::pure_ack;
  if (empty) bytes = wire::padded(stream_.header_length(f)) + wire::kFcs;
  else if (stream_.shape(f) != Shape::plain)
    bytes = std::max(bytes, wire::padded(stream_.header_length(f) + stream_.inner_length(f) + 1) + wire::kFcs);
  StreamSegment& s = out.segment;
  s.flow = f;
  s.offset = offset_[f];
  s.source_index = index_[f]++;
  s.payload = empty ? 0 : bytes - wire::kFcs - stream_.header_length(f);
  s.push = p_.psh_every && index_[f] % p_.psh_every == 0;
  offset_[f] += s.payload;
  out.plan.earliest = next_start(bytes);
  out.plan.length = bytes - wire::kFcs;
  out.buffer = buffers_.take();
  stream_.write(buffers_.bytes(out.buffer), s);
}

void Synthetic::make_ahead() {
  static_assert(kAhead < FrameBuffers::kReserve);
  for (Made& m : made_) make(m);
  next_ = 0;
}

Next Synthetic::plan(Time, Plan& out) {
  if (next_ == kAhead) make_ahead();
  out = made_[next_].plan;
  return Next::frame;
}

FrameRef Synthetic::emit(Time) {
  const Made& m = made_[next_++];
  const FrameRef r = frame_of(table_, buffers_, m.buffer, stream_, m.segment);
  ++stats_.frames;
  stats_.bytes += table_[r].length + wire::kFcs;
  return r;
}

}  // namespace gd
