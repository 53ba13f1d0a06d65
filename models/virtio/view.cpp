#include "models/virtio/view.h"

#include <algorithm>

#include "models/base/bytes.h"
#include "models/base/error.h"

namespace gd {
namespace {
bool inside(const GuestSpace& space, Gpa a, Bytes n) { return a < space.size() && n <= space.size() - a; }

// Calls f(host address, offset, bytes) for each part of [a, a+n) that is contiguous in host memory.
template <class F>
void each_part(const GuestSpace& space, Gpa a, unsigned n, F f) {
  for (unsigned done = 0; done < n;) {
    Bytes room = 0;
    const Hpa h = space.translate(a + done, &room);
    const unsigned part = static_cast<unsigned>(std::min<Bytes>(n - done, room));
    f(h, done, part);
    done += part;
  }
}
}  // namespace

bool CpuView::read(Gpa a, void* out, unsigned n) {
  const Hpa h = one_piece(a, n);
  if (h == kNoAddress) [[unlikely]] return read_pieces(a, out, n);
  copy_few(out, space_.memory().at(h), n);
  step_.load(op_, h, n);
  return true;
}

[[gnu::cold]] bool CpuView::read_pieces(Gpa a, void* out, unsigned n) {
  if (!inside(space_, a, n)) {
    std::memset(out, 0, n);
    return false;
  }
  each_part(space_, a, n, [&](Hpa h, unsigned at, unsigned part) {
    step_.load(op_, h, part);
    copy_few(static_cast<std::uint8_t*>(out) + at, space_.memory().at(h), part);
  });
  return true;
}

void CpuView::write(Gpa a, const void* in, unsigned n) {
  const Hpa h = one_piece(a, n);
  if (h == kNoAddress) [[unlikely]] return write_pieces(a, in, n);
  copy_few(space_.memory().at(h), in, n);
  step_.store(op_, h, n);
}

[[gnu::cold]] void CpuView::write_pieces(Gpa a, const void* in, unsigned n) {
  require(inside(space_, a, n), "ring write outside guest memory");
  each_part(space_, a, n, [&](Hpa h, unsigned at, unsigned part) {
    step_.store(op_, h, part);
    copy_few(space_.memory().at(h), static_cast<const std::uint8_t*>(in) + at, part);
  });
}

void CpuView::put(Gpa a, const void* in, unsigned n, bool awaited) {
  require(inside(space_, a, n), "ring publication outside guest memory");
  each_part(space_, a, n, [&](Hpa h, unsigned at, unsigned part) {
    step_.store(op_, h, part);
    step_.publish(h, static_cast<const std::uint8_t*>(in) + at, part, awaited);
  });
}

bool SpaceView::read(Gpa a, void* out, unsigned n) {
  if (!inside(space_, a, n)) {
    std::memset(out, 0, n);
    return false;
  }
  space_.read(a, out, n);
  return true;
}

void SpaceView::write(Gpa a, const void* in, unsigned n) {
  require(inside(space_, a, n), "ring write outside guest memory");
  space_.write(a, in, n);
}

}  // namespace gd
