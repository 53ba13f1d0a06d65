#include "models/memory/phys.h"

#include <sys/mman.h>

#include <string>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/ports/dma.h"

namespace gd {

namespace {
constexpr Bytes kHuge = 2 * 1024 * 1024;
constexpr Bytes kLimit = Bytes{128} << 30;
// Where the bus takes a write for an interrupt message no memory is handed out: without an IOMMU a bus address is a
// host-physical one.
constexpr bool touches_msi(Hpa a, Bytes n) { return a < kMsiBase + kMsiSize && a + n > kMsiBase; }
}  // namespace

PhysMem::PhysMem(Bytes size, std::uint64_t seed) : size_(size), contiguous_next_(kPage) {
  if (size == 0 || size % kHuge != 0 || size >= kLimit)
    throw UserError("host memory of " + std::to_string(size) + " bytes: a multiple of 2 MiB below 128 GiB is needed");
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw UserError("cannot reserve " + std::to_string(size) + " bytes of address space for host memory");
  base_ = static_cast<std::uint8_t*>(p);
  contiguous_end_ = size / 2;
  free_pages_.reserve((size - contiguous_end_) / kPage);
  for (Hpa a = contiguous_end_; a < size; a += kPage)
    if (!touches_msi(a, kPage)) free_pages_.push_back(static_cast<std::uint32_t>(a / kPage));
  Rng rng(seed, "memory.pages");
  for (std::size_t i = free_pages_.size(); i > 1; --i) std::swap(free_pages_[i - 1], free_pages_[rng.below(i)]);
}

PhysMem::~PhysMem() { munmap(base_, size_); }

Hpa PhysMem::alloc_page() {
  if (free_pages_.empty())
    throw UserError("host memory of " + std::to_string(size_) + " bytes has no free page left");
  const Hpa page = Hpa{free_pages_.back()} * kPage;
  free_pages_.pop_back();
  return page;
}

void PhysMem::free_page(Hpa page) {
  require(page % kPage == 0 && page >= contiguous_end_ && page < size_, "a page is freed that alloc_page never gave");
  free_pages_.push_back(static_cast<std::uint32_t>(page / kPage));
}

Hpa PhysMem::alloc_contiguous(Bytes bytes, Bytes align) {
  require(align >= kLine && (align & (align - 1)) == 0, "alignment is not a power of two of at least 64");
  Hpa a = align_up(contiguous_next_, align);
  if (touches_msi(a, bytes)) a = align_up(kMsiBase + kMsiSize, align);
  if (a > contiguous_end_ || bytes > contiguous_end_ - a)
    throw UserError("host memory of " + std::to_string(size_) + " bytes has no " + std::to_string(bytes) +
                    " contiguous bytes left (half of it serves contiguous ranges)");
  contiguous_next_ = a + bytes;
  return a;
}

GuestSpace::GuestSpace(PhysMem& memory, Bytes size, Bytes backing_page) : memory_(memory), size_(size), page_(backing_page) {
  if (backing_page != kPage && backing_page != kHuge && backing_page != Bytes{1} << 30)
    throw UserError("a guest's backing page of " + std::to_string(backing_page) + " bytes: 4 KiB, 2 MiB or 1 GiB is possible");
  if (size == 0 || size % backing_page != 0)
    throw UserError("a guest's memory of " + std::to_string(size) + " bytes is not a multiple of its backing page of " +
                    std::to_string(backing_page));
  shift_ = static_cast<unsigned>(__builtin_ctzll(backing_page));
  backing_.resize(size >> shift_);
  for (Hpa& h : backing_) h = backing_page == kPage ? memory.alloc_page() : memory.alloc_contiguous(backing_page, backing_page);
}

void GuestSpace::read(Gpa gpa, void* out, Bytes len) const {
  auto* to = static_cast<std::uint8_t*>(out);
  while (len > 0) {
    Bytes n = 0;
    const Hpa h = translate(gpa, &n);
    require(h != kNoAddress, "a read leaves the guest's memory");
    if (n > len) n = len;
    std::memcpy(to, memory_.at(h), n);
    gpa += n, to += n, len -= n;
  }
}

void GuestSpace::write(Gpa gpa, const void* in, Bytes len) {
  auto* from = static_cast<const std::uint8_t*>(in);
  while (len > 0) {
    Bytes n = 0;
    const Hpa h = translate(gpa, &n);
    require(h != kNoAddress, "a write leaves the guest's memory");
    if (n > len) n = len;
    std::memcpy(memory_.at(h), from, n);
    gpa += n, from += n, len -= n;
  }
}

Gpa GuestSpace::alloc(Bytes bytes, Bytes align) {
  require(align > 0 && (align & (align - 1)) == 0, "alignment is not a power of two");
  const Gpa a = align_up(next_, align);
  if (a > size_ || bytes > size_ - a)
    throw UserError("a guest's memory of " + std::to_string(size_) + " bytes is too small for its rings and buffers");
  next_ = a + bytes;
  return a;
}

}  // namespace gd
