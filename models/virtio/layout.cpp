#include "models/virtio/layout.h"

#include <algorithm>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/memory/phys.h"

namespace gd {

namespace vring {

namespace {
// Zeroed guest memory, within one backing page where it fits.
Gpa part(GuestSpace& space, Bytes bytes) {
  Bytes align = 64;
  while (align < bytes && align < kPage) align *= 2;
  const Gpa a = space.alloc(bytes, align);
  const std::vector<std::uint8_t> zero(bytes, 0);
  space.write(a, zero.data(), bytes);
  return a;
}
}  // namespace

void check(const VirtQueueLayout& l, const char* what) {
  const bool packed = feature::has(l.features, feature::kPacked);
  if (l.size > 0 && l.size <= 32768 && (packed || (l.size & (l.size - 1)) == 0)) return;
  throw UserError(std::string(what) + ": queue size " + std::to_string(l.size) +
                  (packed ? " is not in 1..32768" : " is not a power of two in 1..32768"));
}

VirtQueueLayout place(GuestSpace& space, std::uint16_t size, std::uint64_t features) {
  VirtQueueLayout l;
  l.size = size;
  l.features = features;
  l.header_length = feature::header_length(features);
  check(l, "virtqueue");
  const bool packed = feature::has(features, feature::kPacked);
  l.desc = part(space, desc_bytes(size));
  l.avail = part(space, packed ? pvring::event_bytes : avail_bytes(size));
  l.used = part(space, packed ? pvring::event_bytes : used_bytes(size));
  return l;
}

void place_tables(GuestSpace& space, VirtQueueLayout& l, unsigned entries) {
  if (!feature::has(l.features, feature::kIndirect) || entries <= 1) return;
  if (entries > l.size)
    throw UserError("virtqueue: chains of " + std::to_string(entries) + " descriptors are longer than the ring of " + std::to_string(l.size));
  l.tables = part(space, desc_bytes(entries) * l.size);
  l.table_entries = static_cast<std::uint16_t>(entries);
}

}  // namespace vring
}  // namespace gd
