#include "src/report/series.h"

#include "src/report/words.h"

namespace gd::report {

void SeriesTrace::begin(const system::Topology& t) {
  out_.put("time [us],offered [frames],delivered [frames],consumed by host [frames],dropped [frames],delivered payload [bytes]");
  values_.resize(counts);
  for (const auto& l : t.levels) {
    if (column_.size() <= l.id) column_.resize(l.id + 1, UINT32_MAX);
    column_[l.id] = static_cast<std::uint32_t>(values_.size());
    values_.push_back(0);
    out_.put("," + csv_field(l.component + "." + l.name + " [" + (l.unit.empty() ? "count" : l.unit) + "]"));
  }
  out_.put('\n');
}

void SeriesTrace::add(Time t, const Event& e) {
  order_.add(t, e, [this](Time at, const Event& x) { take(at, x); });
}

void SeriesTrace::wire_frame(const FrameMeta&, Time t) { add(t, {offered, 1}); }

void SeriesTrace::ended(const FrameMeta& f, Drop, Time t) {
  if (f.fate == Fate::delivered) {
    add(t, {delivered, 1});
    add(t, {payload, f.payload_length});
  } else {
    add(t, {f.fate == Fate::dropped ? dropped : consumed, 1});
  }
}

void SeriesTrace::level(std::uint32_t id, std::int64_t value, Time t) {
  if (id < column_.size() && column_[id] != UINT32_MAX) add(t, {column_[id], value});
}

void SeriesTrace::take(Time t, const Event& e) {
  if (e.what >= counts && values_[e.what] == e.value) return;
  close_intervals(t);
  if (e.what < counts) values_[e.what] += e.value;
  else values_[e.what] = e.value;
  changed_ = true;
}

// An interval is [edge - interval, edge). Of quiet ones only the first and the last are written.
void SeriesTrace::close_intervals(Time until) {
  if (until < edge_) return;
  if (changed_) line(edge_);
  changed_ = false;
  const Time last = until - until % interval_;     // end of the last interval that is over
  if (last > edge_) line(edge_ + interval_);
  if (last > edge_ + interval_) line(last);
  edge_ = last + interval_;
}

void SeriesTrace::line(Time end) {
  out_.put_us(end);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    out_.put(',');
    out_.put(values_[i]);
    if (i < counts) values_[i] = 0;
  }
  out_.put('\n');
}

void SeriesTrace::finish(Time end) {
  order_.drain([this](Time at, const Event& x) { take(at, x); });
  close_intervals(end);
  if (changed_) line(edge_);
  out_.close();
}

}  // namespace gd::report
