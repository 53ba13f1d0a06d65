#include "models/iommu/page_table.h"

#include <cstring>

#include "models/base/error.h"

namespace gd {
namespace {
constexpr std::uint64_t kReadWrite = 3, kLarge = 1u << 7, kAddress = 0x000F'FFFF'FFFF'F000;
}

IoPageTable::IoPageTable(PhysMem& phys, unsigned levels) : phys_(phys), levels_(levels), root_(new_table()) {}

Hpa IoPageTable::new_table() {
  const Hpa page = phys_.alloc_page();
  std::memset(phys_.at(page), 0, kPage);
  ++tables_;
  return page;
}

Hpa IoPageTable::map(Iova iova, Hpa hpa, unsigned level) {
  Hpa table = root_;
  for (unsigned l = levels_; l > level; --l) {
    const Hpa at = entry_address(table, iova, l);
    std::uint64_t e = phys_.load<std::uint64_t>(at);
    require((e & kLarge) == 0, "iommu: a page is mapped inside a large page");
    if (e == 0) {
      e = new_table() | kReadWrite;
      phys_.store(at, e);
    }
    table = e & kAddress;
  }
  const Hpa at = entry_address(table, iova, level);
  require(phys_.load<std::uint64_t>(at) == 0, "iommu: a bus address is mapped twice");
  phys_.store(at, std::uint64_t{hpa | kReadWrite | (level > 1 ? kLarge : 0)});
  return at;
}

IoPageTable::Walk IoPageTable::walk(Iova iova) const {
  Walk w;
  Hpa table = root_;
  for (unsigned l = levels_;; --l) {
    w.entry[l] = entry_address(table, iova, l);
    w.reached = l;
    const std::uint64_t e = phys_.load<std::uint64_t>(w.entry[l]);
    if (e == 0) return w;
    if (l == 1 || (e & kLarge)) {
      w.mapped = true;
      w.page = e & kAddress;
      return w;
    }
    table = e & kAddress;
  }
}

Hpa IoPageTable::unmap(Iova iova) {
  const Walk w = walk(iova);
  require(w.mapped && w.reached == 1, "iommu: unmap of a bus address that is not mapped");
  phys_.store(w.entry[1], std::uint64_t{0});
  return w.entry[1];
}

}  // namespace gd
