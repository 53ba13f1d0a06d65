// Small copies without a call.
#pragma once
#include <cstddef>
#include <cstring>

namespace gd {

// memcpy for lengths that are mostly those of an index, a descriptor or a used element.
inline void copy_few(void* to, const void* from, std::size_t n) {
  switch (n) {
    case 2: std::memcpy(to, from, 2); break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    case 16: std::memcpy(to, from, 16); break;
    default: std::memcpy(to, from, n);
  }
}

}  // namespace gd
