// I/O page tables in host memory, in the layout of VT-d second-level tables: 512 entries of 8 bytes a table; bits 0 and 1
// read and write, bit 7 a large page, bits 51:12 the address. Pure over PhysMem; no time, no caches.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/memory/phys.h"

namespace gd {

// Level 1 holds entries of 4 KiB, level 2 of 2 MiB, level 3 of 1 GiB, and so on.
constexpr unsigned io_level_shift(unsigned level) { return 12 + 9 * (level - 1); }
constexpr Bytes io_level_size(unsigned level) { return Bytes{1} << io_level_shift(level); }

class IoPageTable {
 public:
  static constexpr unsigned kMaxLevels = 5;
  // `levels` 4 or 5 (48 or 57 bits of address).
  IoPageTable(PhysMem& phys, unsigned levels);

  // Maps the page of `level` at `iova` to `hpa` (both aligned to it); takes table pages from PhysMem where they lack.
  // Returns the address of the entry. Broken invariant when a page is mapped there.
  Hpa map(Iova iova, Hpa hpa, unsigned level);
  // Clears the 4 KiB entry of `iova` and returns its address; broken invariant when it is not mapped. Tables are kept.
  Hpa unmap(Iova iova);

  // What a walker reads on its way down.
  struct Walk {
    Hpa entry[kMaxLevels + 1] = {};   // by level: address of the entry read; valid from `levels` down to `reached`
    unsigned reached = 0;             // level of the last entry read
    bool mapped = false;
    Hpa page = 0;                     // host page of size io_level_size(reached), when mapped
  };
  Walk walk(Iova iova) const;
  unsigned levels() const { return levels_; }
  Bytes table_bytes() const { return tables_ * kPage; }

 private:
  Hpa entry_address(Hpa table, Iova iova, unsigned level) const {
    return table + (iova >> io_level_shift(level) & 511) * 8;
  }
  Hpa new_table();
  PhysMem& phys_;
  unsigned levels_;
  std::uint64_t tables_ = 0;
  Hpa root_;
};

}  // namespace gd
