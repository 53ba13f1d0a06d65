// First in, first out, in one run of memory that grows to what is waited for and is used again. Pure.
#pragma once
#include <cstddef>
#include <vector>

namespace gd {

template <class T>
class Backlog {
 public:
  void reserve(std::size_t n) { items_.reserve(n); }
  bool empty() const { return items_.empty(); }
  void push(const T& item) { items_.push_back(item); }
  // Pre of both: not empty.
  const T& front() const { return items_[first_]; }
  void pop() {
    if (++first_ != items_.size() && first_ <= kTogether) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

 private:
  static constexpr std::size_t kTogether = 4096;   // done ones that are cleared away at once
  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace gd
