// A guest's memory with one ring in it, and both sides' logic over it, without cost and time.
#pragma once
#include <gtest/gtest.h>

#include "models/base/error.h"
#include "models/virtio/device_ring.h"
#include "models/virtio/driver_ring.h"

namespace gd {

struct RingFixture {
  // `table_entries`: of the driver's indirect tables, where INDIRECT_DESC is among the features.
  explicit RingFixture(std::uint16_t size, std::uint64_t features = 0, unsigned table_entries = 0)
      : layout(place(space, size, features, table_entries)), device(layout, space.size()), driver(layout) {}
  static VirtQueueLayout place(GuestSpace& space, std::uint16_t size, std::uint64_t features, unsigned table_entries) {
    VirtQueueLayout l = vring::place(space, size, features);
    vring::place_tables(space, l, table_entries);
    return l;
  }
  void desc(unsigned i, Gpa addr, std::uint32_t len, std::uint16_t flags, std::uint16_t next) {
    const vring::Desc d{addr, len, flags, next};
    view.write(vring::desc_at(layout, i), &d, sizeof d);
  }
  // As a guest that keeps no rules would: head into the next slot, index one further.
  void offer(std::uint16_t head) {
    view.write(vring::avail_slot(layout, offered & (layout.size - 1u)), &head, 2);
    ++offered;
    view.write(vring::avail_idx(layout), &offered, 2);
  }
  // A descriptor of a packed ring, its marks included.
  void packed(unsigned i, Gpa addr, std::uint32_t len, std::uint16_t id, unsigned flags) {
    const pvring::Desc d{addr, len, id, static_cast<std::uint16_t>(flags)};
    view.write(pvring::desc_at(layout, i), &d, sizeof d);
  }
  pvring::Desc packed(unsigned i) {
    pvring::Desc d;
    view.read(pvring::desc_at(layout, i), &d, sizeof d);
    return d;
  }
  std::uint16_t word(Gpa a) {
    std::uint16_t v = 0;
    view.read(a, &v, 2);
    return v;
  }
  void set(Gpa a, std::uint16_t v) { view.write(a, &v, 2); }

  PhysMem memory{8 << 20, 1};
  GuestSpace space{memory, 1 << 20, kPage};
  SpaceView view{space};
  VirtQueueLayout layout;
  DeviceRing device;
  DriverRing driver;
  std::uint16_t offered = 0;
};

}  // namespace gd
