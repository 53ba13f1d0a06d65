// operator new (and new[], which calls it) of the program and of the tests: what is two megabytes or more begins on a large page's edge
// and asks for large pages. SystemC's library takes 3 MiB for temporary values before main() and clears them: 768 page faults, two
// thirds of all that a start of the program costs; with large pages they are two. Texts and captures gain as well. Where the kernel
// gives none (transparent_hugepage: never) nothing changes.
#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace {
constexpr std::size_t kLargePage = std::size_t{2} << 20;   // bytes; x86-64, and ARM64 with pages of 4 KiB
}

// The library's operator delete ends with std::free().
void* operator new(std::size_t bytes) {
  void* p = nullptr;
  if (bytes < kLargePage) {
    p = std::malloc(bytes > 0 ? bytes : 1);
  } else if (const std::size_t whole = (bytes + kLargePage - 1) & ~(kLargePage - 1); whole >= bytes) {
    p = std::aligned_alloc(kLargePage, whole);
    if (p) madvise(p, whole, MADV_HUGEPAGE);
  }
  if (!p) throw std::bad_alloc();
  return p;
}
