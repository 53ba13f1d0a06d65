// An array whose elements begin as zero bytes, and of which the simulating machine gives only the pages that are used: a table as large
// as a simulated machine's memory costs nothing where nobody looks, and setting it up takes no time.
#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "models/base/units.h"

namespace gd {

// T is a plain type for which zero bytes are its initial value. Page-aligned. Throws std::bad_alloc where there is no address space.
template <class T>
class Zeroed {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit Zeroed(std::size_t n = 0) { grow(n); }
  Zeroed(const Zeroed& other) : Zeroed(other.size_) {
    if (size_ > 0) std::memcpy(static_cast<void*>(data_), other.data_, size_ * sizeof(T));
  }
  Zeroed(Zeroed&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), room_(std::exchange(other.room_, 0)) {}
  Zeroed& operator=(Zeroed other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~Zeroed() {
    if (data_) munmap(data_, room_);
  }

  // To `n` elements, if it has fewer; references to elements do not survive it. What is new is zero.
  void grow(std::size_t n) {
    if (n <= size_) return;
    if (const std::size_t bytes = n * sizeof(T); bytes > room_) {
      const std::size_t room = align_up(std::max(bytes, 2 * room_), kPage);
      void* const p = data_ ? mremap(data_, room_, room, MREMAP_MAYMOVE)
                            : mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (p == MAP_FAILED) throw std::bad_alloc();
      data_ = static_cast<T*>(p);
      room_ = room;
    }
    size_ = n;
  }

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0, room_ = 0;   // elements; bytes reserved
};

}  // namespace gd
