// A view that remembers what was accessed in which order.
#pragma once
#include <vector>

#include "models/virtio/view.h"

namespace gd {

struct AccessLog final : RingView {
  struct Access {
    bool write;
    Gpa at;
    unsigned bytes;
  };
  explicit AccessLog(RingView& view) : inner(view) {}
  bool read(Gpa a, void* out, unsigned n) override { return all.push_back({false, a, n}), inner.read(a, out, n); }
  void write(Gpa a, const void* in, unsigned n) override { all.push_back({true, a, n}), inner.write(a, in, n); }
  void publish(Gpa a, const void* in, unsigned n) override { all.push_back({true, a, n}), inner.publish(a, in, n); }

  // Place in `all` of the first or last access to the byte `a`; -1: none.
  int first(bool write, Gpa a) const {
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].write == write && a >= all[i].at && a < all[i].at + all[i].bytes) return static_cast<int>(i);
    return -1;
  }
  int last(bool write, Gpa a) const {
    for (std::size_t i = all.size(); i-- > 0;)
      if (all[i].write == write && a >= all[i].at && a < all[i].at + all[i].bytes) return static_cast<int>(i);
    return -1;
  }
  // Accesses of one kind to [from, from + bytes).
  unsigned count(bool write, Gpa from, Bytes bytes) const {
    unsigned n = 0;
    for (const Access& x : all) n += x.write == write && x.at < from + bytes && from < x.at + x.bytes;
    return n;
  }

  RingView& inner;
  std::vector<Access> all;
};

}  // namespace gd
