// Host-physical memory: one arena of real bytes, allocated in scattered pages, and the guests' memory backed by it.
//
// Modelled: the bytes; physical scatter (page frames are handed out in seeded random order, so that buffers that are
// neighbours for software are not neighbours for a cache index); two nodes: memory of the socket that cores and card sit
// on, and, above it in the address space, memory of the other socket. Not modelled: zones, fragmentation, reclaim,
// balancing between nodes.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "models/base/rng.h"
#include "models/base/units.h"
#include "models/base/zeroed.h"

namespace gd {

constexpr Hpa kNoAddress = UINT64_MAX;

class PhysMem {
 public:
  // `size` bytes, a multiple of 2 MiB, below kMemoryLimit; the simulating machine's memory is touched only where it is used.
  // Page 0 and the range of interrupt messages (ports/dma.h) are never handed out.
  // `seed` orders the page frames. `remote` bytes more, a multiple of 2 MiB too, belong to the other socket.
  // `home`: the node, 0 or 1, of the host's own memory: what alloc_page and alloc_contiguous use unless told.
  // Throws UserError when the arena cannot be reserved.
  PhysMem(Bytes size, std::uint64_t seed, Bytes remote = 0, unsigned home = 0);
  ~PhysMem();
  PhysMem(const PhysMem&) = delete;
  PhysMem& operator=(const PhysMem&) = delete;

  Bytes size() const { return size_; }   // of both nodes
  // Does `a` lie in the other socket's memory?
  bool remote(Hpa a) const { return a >= remote_from_; }
  bool has_remote() const { return remote_from_ < size_; }
  bool contains(Hpa a, Bytes n) const { return a <= size_ && n <= size_ - a; }
  // The bytes at `a`; the caller stays inside what it allocated: they lie in a row only within one allocation.
  std::uint8_t* at(Hpa a) { return base_ + kPage * static_cast<std::int64_t>(moved_[a / kPage]) + a; }
  const std::uint8_t* at(Hpa a) const { return const_cast<PhysMem*>(this)->at(a); }
  // Of n bytes that may lie in pages of several allocations, which happen to be neighbours. Pre: contains(a, n).
  void read(Hpa a, void* out, Bytes n) const {
    auto* to = static_cast<std::uint8_t*>(out);
    for (Bytes part; n > 0; a += part, to += part, n -= part) {
      part = in_page(a, n);
      std::memcpy(to, at(a), part);
    }
  }
  void write(Hpa a, const void* in, Bytes n) {
    auto* from = static_cast<const std::uint8_t*>(in);
    for (Bytes part; n > 0; a += part, from += part, n -= part) {
      part = in_page(a, n);
      std::memcpy(at(a), from, part);
    }
  }
  template <class T>
  T load(Hpa a) const {
    T v;
    std::memcpy(&v, at(a), sizeof v);
    return v;
  }
  template <class T>
  void store(Hpa a, T v) {
    std::memcpy(at(a), &v, sizeof v);
  }

  // A 4 KiB page frame of a node's upper half, zeroed on first use only. Throws UserError when memory is exhausted.
  Hpa alloc_page() { return alloc_page(home_); }
  Hpa alloc_page(unsigned node);
  void free_page(Hpa page);
  // `bytes` contiguous and aligned to `align` (a power of two, at least 64); of a node's lower half, ascending;
  // never freed (rings, slabs, huge pages). Throws UserError when that half is full.
  Hpa alloc_contiguous(Bytes bytes, Bytes align) { return alloc_contiguous(bytes, align, home_); }
  Hpa alloc_contiguous(Bytes bytes, Bytes align, unsigned node);

 private:
  struct Node {
    Hpa next = 0;                            // contiguous ranges; grows upwards through the lower half
    Hpa middle = 0, end = 0;
    // Free frame numbers of the upper half, the last to be taken next. A place that holds 0 has not been written to: its frame is
    // the one that lay there at first, in ascending order but for the `gap` frames from place `gap_at` on.
    Zeroed<std::uint32_t> places;
    std::size_t free = 0, gap_at = 0;
    std::uint32_t lowest = 0, gap = 0;
    std::uint32_t frame(std::size_t place) const {
      if (places[place] != 0) return places[place];
      return lowest + static_cast<std::uint32_t>(place) + (place >= gap_at ? gap : 0);
    }
    std::size_t unsettled = 0;               // of these, from the bottom, how many the shuffle has not come to
    std::uint32_t next_real = 0;             // where the next frame to be handed out first is put
    std::optional<Rng> rng;
  };
  void open(Node& n, Hpa begin, Hpa end, std::uint64_t seed, const char* stream);
  Node& node(unsigned number);
  void put(Node& n, std::uint32_t frame);
  void* reserved_ = nullptr;
  std::uint8_t* base_ = nullptr;             // at a large page's edge
  // The simulating machine keeps page frames in the order in which they were first handed out, so that the scattered ones that are used
  // lie side by side in large pages of its own: a frame of 4 KiB here and there costs it a page fault and an entry of its TLB each.
  // By frame, how many pages above its place in the simulated memory its bytes are; and by such a place, how many above it its frame is.
  Zeroed<std::int32_t> moved_, moved_here_;
  Bytes size_;
  Hpa remote_from_;
  unsigned home_ = 0;
  Node nodes_[2];
};

// A guest's memory: guest-physical pages of 4 KiB, 2 MiB or 1 GiB, each backed by one contiguous host range.
class GuestSpace {
 public:
  // `node`: of the host memory behind it.
  GuestSpace(PhysMem& memory, Bytes size, Bytes backing_page, unsigned node = 0);
  Bytes size() const { return size_; }
  Bytes backing_page() const { return page_; }
  // Host address of `gpa`, and in `contiguous` how many bytes from there on are contiguous in host memory (at most up
  // to the end of the backing page). kNoAddress when outside the guest's memory.
  Hpa translate(Gpa gpa, Bytes* contiguous = nullptr) const {
    if (gpa >= size_) return kNoAddress;
    const Gpa in_page = gpa & (page_ - 1);
    if (contiguous) *contiguous = page_ - in_page;
    return backing_[gpa >> shift_] + in_page;
  }
  // True when [gpa, gpa+len) lies in the guest's memory and in one backing page.
  bool in_one_page(Gpa gpa, Bytes len) const {
    return len > 0 && gpa < size_ && len <= size_ - gpa && (gpa >> shift_) == ((gpa + len - 1) >> shift_);
  }
  // Gives guest page `gpa` other host memory; backing pages of 4 KiB only. Returns what was behind it.
  Hpa remap(Gpa gpa, Hpa fresh) {
    Hpa& b = backing_[gpa >> shift_];
    const Hpa old = b;
    b = fresh;
    return old;
  }
  // What an address outside names for a host that does not look: the process behind the guest goes on there for `bytes`, in host
  // pages that are not the guest's, and ends. At set-up, right after construction. Returns where they begin.
  Hpa continue_unchecked(Bytes bytes);
  // Without looking at the end of the guest's memory: translate() for [0, reachable()).
  Hpa reach(Gpa gpa, Bytes* contiguous = nullptr) const {
    if (gpa < size_ || gpa - size_ >= behind_size_) return translate(gpa, contiguous);
    if (contiguous) *contiguous = behind_size_ - (gpa - size_);
    return behind_ + (gpa - size_);
  }
  Bytes reachable() const { return size_ + behind_size_; }
  // As in_one_page(), of what reach() reaches.
  bool one_piece(Gpa gpa, Bytes len) const {
    if (gpa < size_ && len <= size_ - gpa) return in_one_page(gpa, len);
    return gpa >= size_ && len > 0 && gpa < reachable() && len <= reachable() - gpa;
  }
  // Functional copies between guest-physical ranges and plain memory, across backing pages. Pre: inside the guest.
  void read(Gpa gpa, void* out, Bytes len) const;
  void write(Gpa gpa, const void* in, Bytes len);
  PhysMem& memory() { return memory_; }
  // Guest-physical allocator for set-up (rings, buffers): `align` a power of two. Throws UserError when full.
  Gpa alloc(Bytes bytes, Bytes align);

 private:
  PhysMem& memory_;
  Bytes size_, page_;
  unsigned shift_;
  Gpa next_ = kPage;               // page 0 stays unused, so that address 0 is never valid
  std::vector<Hpa> backing_;
  Hpa behind_ = 0;
  Bytes behind_size_ = 0;
};

}  // namespace gd
