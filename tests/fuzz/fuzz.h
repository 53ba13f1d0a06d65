// What the fuzz targets share. A target is a function of bytes; with GUESTDMA_FUZZ it is libFuzzer's entry point of a
// program of its own, else replay_test.cpp calls it with every file of its corpus.
//
// A target throws Found when something does not hold; any other exception is a finding too. What is refused as the
// user's or the guest's mistake is no finding.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace gd::fuzz {

struct Found : std::logic_error {
  using std::logic_error::logic_error;
};
inline void must(bool holds, const char* what) {
  if (!holds) throw Found(what);
}

// Takes the input apart from its front; zeros when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::size_t left() const { return size_; }
  const std::uint8_t* data() const { return data_; }
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::uint16_t word() {
    const unsigned low = byte();
    return static_cast<std::uint16_t>(low | byte() << 8);
  }
  std::uint32_t wide() {
    const std::uint32_t low = word();
    return low | static_cast<std::uint32_t>(word()) << 16;
  }
  // At most `n` bytes; their number in `got`.
  const std::uint8_t* bytes(std::size_t n, std::size_t& got) {
    got = n < size_ ? n : size_;
    const std::uint8_t* at = data_;
    data_ += got;
    size_ -= got;
    return at;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace gd::fuzz

// GD_FUZZ_TARGET(name) { ... data, size ... }
#ifdef GUESTDMA_FUZZ
#define GD_FUZZ_TARGET(name)                                             \
  static void fuzz_##name(const std::uint8_t* data, std::size_t size);   \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name(data, size);                                             \
    return 0;                                                            \
  }                                                                      \
  static void fuzz_##name(const std::uint8_t* data, std::size_t size)
#else
#define GD_FUZZ_TARGET(name) void fuzz_##name(const std::uint8_t* data, std::size_t size)
#endif
