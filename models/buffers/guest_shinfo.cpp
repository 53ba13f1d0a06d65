#include "models/buffers/guest_shinfo.h"

namespace gd {

void GuestSharedInfo::make(Step& s, const PostedBuffer& b) {
  s.charge(cost_);
  if (shadow_) return;
  const Hpa a = at(b);
  if (!c_.phys.contains(a, sizeof(Fields))) return;
  const Hpa end = c_.ownership.start(b.id) + c_.ownership.length(b.id);
  if (a + sizeof(Fields) > end)
    c_.ownership.violation(b.id, s.now(), "the host writes the shared info " + std::to_string(a + sizeof(Fields) - end) +
                                              " bytes beyond the end of the guest's buffer");
  written_[b.head] = Fields{};
  c_.phys.store(a, written_[b.head]);
  s.store(cost_.op, a, sizeof(Fields));
  // Another vCPU of the guest, at once: a fragment of the guest's choice, the first page of the host's memory.
  if (hostile_) c_.phys.store(a, Fields{1, static_cast<std::uint32_t>(kPage), kPage});
}

void GuestSharedInfo::use(Step& s, const PostedBuffer& b) {
  if (shadow_) return;
  const Hpa a = at(b);
  if (!c_.phys.contains(a, sizeof(Fields))) return;
  s.load(cost_.op, a, sizeof(Fields));
  const Fields f = c_.phys.load<Fields>(a);
  if (f == written_[b.head]) return;
  ++stats_.escapes;
  for (std::uint32_t i = 0; i < f.nr_frags && i < 1; ++i)
    c_.ownership.violation(b.id, s.now(), "the host puts a page at " + std::to_string(f.page) + " that it never took: nr_frags " +
                                              std::to_string(f.nr_frags) + " at byte " + std::to_string(a - c_.ownership.start(b.id)) +
                                              " of the guest's buffer was changed after the frame had come");
}

}  // namespace gd
