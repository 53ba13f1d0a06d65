#include "models/memory/phys.h"

#include <sys/mman.h>

#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/ports/dma.h"

namespace gd {

namespace {
constexpr Bytes kHuge = 2 * 1024 * 1024;        // the modelled machine's large page, and the granule of its memory
constexpr Bytes kLargePage = 2 * 1024 * 1024;   // the simulating machine's
// Where the bus takes a write for an interrupt message no memory is handed out: without an IOMMU a bus address is a
// host-physical one.
constexpr bool touches_msi(Hpa a, Bytes n) { return a < kMsiBase + kMsiSize && a + n > kMsiBase; }
}  // namespace

PhysMem::PhysMem(Bytes size, std::uint64_t seed, Bytes remote, unsigned home)
    : size_(size + remote), remote_from_(size), home_(home) {
  for (const Bytes part : {size, remote})
    if (part % kHuge != 0 || part >= kMemoryLimit || size == 0)
      throw UserError("host memory of " + std::to_string(part) + " bytes: a multiple of 2 MiB below 128 GiB is needed");
  if (size_ >= kMemoryLimit) throw UserError("host memory of " + std::to_string(size_) + " bytes on two nodes: less than 128 GiB is needed");
  reserved_ = mmap(nullptr, size_ + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved_ == MAP_FAILED) throw UserError("cannot reserve " + std::to_string(size_) + " bytes of address space for host memory");
  base_ = reinterpret_cast<std::uint8_t*>(align_up(reinterpret_cast<std::uintptr_t>(reserved_), kLargePage));
  madvise(base_, size_, MADV_HUGEPAGE);   // where the kernel gives none nothing changes
  moved_.grow(size_ / kPage + 1);          // at() of no bytes at the end
  moved_here_.grow(size_ / kPage + 1);
  open(nodes_[0], 0, size, seed, "memory.pages");
  if (remote > 0) open(nodes_[1], size, size_, seed, "memory.remote_pages");
}

void PhysMem::open(Node& n, Hpa begin, Hpa end, std::uint64_t seed, const char* stream) {
  n.next = begin == 0 ? kPage : begin;
  n.middle = begin + (end - begin) / 2;
  n.end = end;
  const Hpa gap_from = std::clamp(kMsiBase, n.middle, end), gap_to = std::clamp(kMsiBase + kMsiSize, n.middle, end);
  n.lowest = static_cast<std::uint32_t>(n.middle / kPage);
  n.gap_at = (gap_from - n.middle) / kPage;
  n.gap = static_cast<std::uint32_t>((gap_to - gap_from) / kPage);
  n.free = (end - n.middle) / kPage - n.gap;
  n.places.grow(n.free + n.gap);
  n.rng.emplace(seed, stream);
  n.unsettled = n.free;
  n.next_real = n.lowest;
}

PhysMem::~PhysMem() { munmap(reserved_, size_ + kLargePage); }

PhysMem::Node& PhysMem::node(unsigned number) {
  require(number == 0 || (number == 1 && has_remote()), "memory of a node that the machine does not have");
  return nodes_[number];
}

Hpa PhysMem::alloc_page(unsigned number) {
  Node& n = node(number);
  if (n.free == 0)
    throw UserError("host memory of " + std::to_string(size_) + " bytes has no free page left");
  // The shuffle goes from the last place to the first, a step each time that a place is looked at first.
  std::uint32_t frame = n.frame(n.free - 1);
  if (n.free == n.unsettled) {
    if (n.free > 1) {
      const std::size_t other = n.rng->below(n.free);
      const std::uint32_t taken = n.frame(other);
      n.places[other] = frame;
      frame = taken;
    }
    --n.unsettled;
    put(n, frame);
  }
  --n.free;
  return Hpa{frame} * kPage;
}

// The frame changes places with the one whose bytes would be at the next place; nobody has used either.
void PhysMem::put(Node& n, std::uint32_t frame) {
  const std::uint32_t to = n.next_real++;
  const std::uint32_t from = frame + static_cast<std::uint32_t>(moved_[frame]), other = to + static_cast<std::uint32_t>(moved_here_[to]);
  if (from == to) return;
  const auto above = [](std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b); };
  moved_[frame] = above(to, frame), moved_here_[to] = above(frame, to);
  moved_[other] = above(from, other), moved_here_[from] = above(other, from);
}

void PhysMem::free_page(Hpa page) {
  Node& n = nodes_[remote(page)];
  require(page % kPage == 0 && page >= n.middle && page < n.end, "a page is freed that alloc_page never gave");
  require(n.free < n.places.size(), "more pages are freed than alloc_page gave");
  n.places[n.free++] = static_cast<std::uint32_t>(page / kPage);
}

Hpa PhysMem::alloc_contiguous(Bytes bytes, Bytes align, unsigned number) {
  require(align >= kLine && (align & (align - 1)) == 0, "alignment is not a power of two of at least 64");
  Node& n = node(number);
  Hpa a = align_up(n.next, align);
  if (touches_msi(a, bytes)) a = align_up(kMsiBase + kMsiSize, align);
  if (a > n.middle || bytes > n.middle - a)
    throw UserError("host memory of " + std::to_string(size_) + " bytes has no " + std::to_string(bytes) +
                    " contiguous bytes left (half of it serves contiguous ranges)");
  n.next = a + bytes;
  return a;
}

GuestSpace::GuestSpace(PhysMem& memory, Bytes size, Bytes backing_page, unsigned node)
    : memory_(memory), size_(size), page_(backing_page) {
  if (backing_page != kPage && backing_page != kHuge && backing_page != Bytes{1} << 30)
    throw UserError("a guest's backing page of " + std::to_string(backing_page) + " bytes: 4 KiB, 2 MiB or 1 GiB is possible");
  if (size == 0 || size % backing_page != 0)
    throw UserError("a guest's memory of " + std::to_string(size) + " bytes is not a multiple of its backing page of " +
                    std::to_string(backing_page));
  shift_ = static_cast<unsigned>(__builtin_ctzll(backing_page));
  backing_.resize(size >> shift_);
  for (Hpa& h : backing_) h = backing_page == kPage ? memory.alloc_page(node) : memory.alloc_contiguous(backing_page, backing_page, node);
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

Hpa GuestSpace::continue_unchecked(Bytes bytes) {
  behind_ = memory_.alloc_contiguous(bytes, kPage);
  behind_size_ = bytes;
  return behind_;
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
