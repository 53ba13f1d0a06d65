#include "models/ports/frame.h"

#include <cstring>

#include "models/base/error.h"

namespace gd {

const char* stage_name(Stage s) {
  static const char* const names[] = {"wire", "nic", "dma", "driver", "stack", "deliver", "guest", "app"};
  return names[static_cast<int>(s)];
}

const char* drop_name(Drop d) {
  static const char* const names[] = {"nic-fifo", "no-descriptor", "bad-fcs", "bad-checksum", "oversize", "filtered", "tap-full",
                                      "socket-full", "guest-no-buffer", "memlock", "iommu-fault", "unsplittable",
                                      "link-down", "stack", "foreign", "mempool", "tx-full", "tx-error", "runt", "dma-lost"};
  return names[static_cast<int>(d)];
}

FrameTable::FrameTable(std::uint32_t capacity) : slots_(capacity) { free_.reserve(capacity); }

FrameRef FrameTable::create() {
  FrameRef r = unused_;
  if (!free_.empty()) {
    r = free_.back();
    free_.pop_back();
  } else if (++unused_ > slots_.size()) {
    slots_.grow(2 * slots_.size());
  }
  slots_[r] = FrameMeta{};
  slots_[r].id = next_id_++;
  ++live_;
  return r;
}

void FrameTable::stamp(const FrameChain& c, Stage s, Time t) {
  for (FrameRef r = c.first; r != kNoFrame; r = slots_[r].next) stamp(r, s, t);
}

void FrameTable::offered(FrameRef r, Time t) {
  FrameMeta& f = slots_[r];
  f.in_cohort = t >= from_ && t < to_;
  stamp(r, Stage::wire, t);
  ++all_.offered;
  all_.payload_offered += f.payload_length;
  if (f.in_cohort) {
    ++cohort_.offered;
    cohort_.payload_offered += f.payload_length;
    window_offered_ += f.payload_length;
    if (Group* g = group_of(f)) {
      ++g->cohort.offered;
      g->cohort.payload_offered += f.payload_length;
      g->window_offered += f.payload_length;
    }
  }
  print_.add(t, 0, 0, f.id);
}

void FrameTable::group(const std::vector<std::uint32_t>& of_flow, std::uint32_t count) {
  groups_.resize(count);
  by_flow_.clear();
  for (const std::uint32_t g : of_flow) by_flow_.push_back(g < count ? &groups_[g] : nullptr);
}

FrameRef FrameTable::replicate(FrameRef r) {
  const FrameRef copy = create();
  --next_id_;                    // it carries the original's: ids count wire frames
  FrameMeta& m = slots_[copy];
  m = slots_[r];
  m.bytes = nullptr;
  m.next = kNoFrame;
  m.replica = true;
  ++all_.replicas;
  if (!m.in_cohort) return copy;
  ++cohort_.replicas;
  if (Group* g = group_of(m)) ++g->cohort.replicas;
  return copy;
}

void FrameTable::end(FrameRef r, Fate fate, Drop why, Time t) {
  FrameMeta& f = slots_[r];
  if (f.fate != Fate::live) broken("frame " + std::to_string(f.id) + " ended twice");
  f.fate = fate;
  print_.add(t, 1, static_cast<std::uint32_t>(fate) << 8 | static_cast<std::uint32_t>(why), f.id);
  Group* const group = group_of(f);
  const auto book = [&](Counts& c) {
    if (fate == Fate::delivered) ++c.delivered, c.payload_delivered += f.payload_length;
    else if (fate == Fate::consumed) ++c.consumed;
    else ++c.dropped, ++c.drops[static_cast<int>(why)];
  };
  book(all_);
  if (f.in_cohort) {
    book(cohort_);
    if (group) book(group->cohort);
  }
  if (fate == Fate::delivered) {
    if (t >= from_ && t < to_) {
      window_payload_ += f.payload_length, ++window_frames_;
      if (group) group->window_payload += f.payload_length;
    }
    stamp(r, Stage::app, t);
    if (f.flow >= last_id_.size()) last_id_.resize(f.flow + 1, 0);
    if (f.payload_length == 0 || f.replica) {
      // ends in the stack, ahead of data that waits for the application
    } else if (f.id < last_id_[f.flow]) {
      if (f.in_cohort) ++reordered_;
    } else {
      last_id_[f.flow] = f.id + 1;
    }
    if (f.in_cohort) {
      if (group) group->latency.add(static_cast<std::uint64_t>(t - f.at[0]));
      std::memcpy(passed_[waits_], f.at, sizeof f.at);
      if (++waits_ == kWaiting) count_passed();
    }
  }
  if (listener_) listener_->ended(f, why, t);
  f.next = kNoFrame;
  free_.push_back(r);
  --live_;
}

void FrameTable::count_passed() const {
  Time last[kWaiting];
  std::uint64_t took[kWaiting];
  for (unsigned i = 0; i < waits_; ++i) {
    last[i] = passed_[i][0];
    took[i] = static_cast<std::uint64_t>(passed_[i][static_cast<int>(Stage::app)] - last[i]);
  }
  latency_.add_all(took, waits_);
  for (unsigned s = 1; s < kStages; ++s) {
    unsigned n = 0;
    for (unsigned i = 0; i < waits_; ++i) {
      const Time t = passed_[i][s];
      if (t == 0) continue;   // it did not pass there
      took[n++] = static_cast<std::uint64_t>(t > last[i] ? t - last[i] : 0);
      last[i] = t;
    }
    stages_[s].add_all(took, n);
  }
  waits_ = 0;
}

void FrameTable::delivered(FrameRef r, Time t) { end(r, Fate::delivered, Drop::count_, t); }
void FrameTable::consumed(FrameRef r, Time t) { end(r, Fate::consumed, Drop::count_, t); }
void FrameTable::dropped(FrameRef r, Drop why, Time t) { end(r, Fate::dropped, why, t); }

void FrameTable::dropped(FrameChain& c, Drop why, Time t) {
  for (FrameRef r; (r = pop(c)) != kNoFrame;) dropped(r, why, t);
}

void FrameTable::lose(FrameRef r) { slots_[r].next = kNoFrame; }

void FrameTable::append(FrameTable& t, FrameChain& to, FrameRef r) {
  t.slots_[r].next = kNoFrame;
  if (to.count++ == 0)
    to.first = r;
  else
    t.slots_[to.last].next = r;
  to.last = r;
}

void FrameTable::join(FrameChain& to, FrameChain& from) {
  if (from.empty()) return;
  if (to.empty()) {
    to = from;
  } else {
    slots_[to.last].next = from.first;
    to.last = from.last;
    to.count += from.count;
  }
  from = {};
}

FrameRef FrameTable::pop(FrameChain& c) {
  if (c.empty()) return kNoFrame;
  const FrameRef r = c.first;
  c.first = slots_[r].next;
  if (--c.count == 0) c = {};
  slots_[r].next = kNoFrame;
  return r;
}

}  // namespace gd
