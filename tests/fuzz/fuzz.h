// What the fuzz targets share. A target is a function of bytes; with GUESTDMA_FUZZ it is libFuzzer's entry point of a
// program of its own, else replay_test.cpp calls it with every file of its corpus.
//
// A target throws Found when something does not hold; any other exception is a finding too. What is refused as the
// user's or the guest's mistake is no finding.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <stdlib.h>

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

// A folder of files that a text may name; gone with the process.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "guestdma-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void file(const std::string& name, const char* text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name) << text;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
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
