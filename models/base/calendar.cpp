#include "models/base/calendar.h"

#include <algorithm>

namespace gd {

Time Calendar::reserved(Time until) const {
  Time t = total_;
  for (std::size_t i = busy_.size(); i-- > 0 && busy_[i].end > until;) t -= busy_[i].end - std::max(busy_[i].start, until);
  return t;
}

Time Calendar::reserve(Time now, Time arrival, Time service) {
  std::size_t old = 0;
  while (old < busy_.size() && busy_[old].end <= now) ++old;
  if (old) busy_.erase(busy_.begin(), busy_.begin() + static_cast<std::ptrdiff_t>(old));
  total_ += service;
  Time at = std::max(now, arrival);
  std::size_t i = busy_.size();
  // Most requests go behind everything or close to it: look from the end for the first place that may matter.
  while (i > 0 && busy_[i - 1].end > at) --i;
  for (; i < busy_.size(); ++i) {
    if (at + service <= busy_[i].start) break;
    at = std::max(at, busy_[i].end);
  }
  const Time end = at + service;
  const bool joins_left = i > 0 && busy_[i - 1].end == at;
  const bool joins_right = i < busy_.size() && busy_[i].start == end;
  if (joins_left && joins_right) {
    busy_[i - 1].end = busy_[i].end;
    busy_.erase(busy_.begin() + static_cast<std::ptrdiff_t>(i));
  } else if (joins_left) {
    busy_[i - 1].end = end;
  } else if (joins_right) {
    busy_[i].start = at;
  } else if (service > 0) {
    busy_.insert(busy_.begin() + static_cast<std::ptrdiff_t>(i), Interval{at, end});
  }
  return at;
}

}  // namespace gd
