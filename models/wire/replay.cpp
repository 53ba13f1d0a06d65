#include "models/wire/replay.h"

#include <cstring>

#include "models/base/error.h"

namespace gd {
namespace {

// Time has 106 days, and others add to it; a frame that would come in its last second, or later, never does.
bool past_time(Time from, Time by) { return by > kNever - kSec - from; }

}  // namespace

Replay::Replay(FrameTable& table, const Capture& capture, const Params& p)
    : table_(table), capture_(capture), p_(p), buffers_(table, p.loop ? capture.longest() : 1), pace_(p.rate ? p.rate : 1),
      base_(p.start) {}

Next Replay::plan(Time, Plan& out) {
  const auto& records = capture_.records();
  if (record_ == records.size()) {
    ++stats_.passes;
    if (p_.loop != kForever && loop_ >= p_.loop) return end();
    ++loop_;
    record_ = 0;
    if (!p_.rate) {
      const auto gaps = static_cast<Time>(records.size() - 1);
      const Time gap = gaps ? capture_.duration() / gaps : 0;
      if (past_time(base_, capture_.duration()) || past_time(base_ + capture_.duration(), gap)) return end();
      base_ += capture_.duration() + gap;
    }
  }
  const Capture::Record& r = records[record_];
  out.length = wire::padded(r.length);
  if (p_.rate) {
    const Time takes = pace_.take(static_cast<std::uint64_t>(out.length + wire::kFcs) * 8);
    if (past_time(base_, takes)) return end();
    out.earliest = base_;
    base_ += takes;
  } else {
    if (past_time(base_, r.stamp)) return end();
    out.earliest = base_ + r.stamp;
  }
  return Next::frame;
}

Next Replay::end() {
  record_ = 0, loop_ = 0, p_.loop = 0;
  return Next::finished;
}

FrameRef Replay::emit(Time) {
  const Capture::Record& r = capture_.records()[record_];
  const FrameRef f = table_.create();
  FrameMeta& m = table_[f];
  m.bytes = capture_.bytes(r);
  if (loop_ != 0) {
    std::uint8_t* bytes = buffers_.take(f);
    std::memcpy(bytes, m.bytes, r.length);
    capture_.advance(bytes, r, loop_);
    m.bytes = bytes;
  }
  m.length = r.length;
  m.offset = capture_.offset(r, loop_);
  m.flow = r.flow;
  m.source_index = record_;
  m.loop = loop_;
  m.payload_offset = r.payload_offset;
  m.payload_length = r.payload_length;
  m.bad_checksum = r.bad_checksum;
  ++record_;
  ++stats_.frames;
  return f;
}

}  // namespace gd
