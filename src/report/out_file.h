// A file written in large pieces. A failure is remembered and thrown by close().
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "models/base/units.h"

namespace gd::report {

class OutFile {
 public:
  // Throws UserError when the file cannot be made.
  explicit OutFile(std::string path);
  ~OutFile();
  OutFile(const OutFile&) = delete;
  OutFile& operator=(const OutFile&) = delete;
  void put(std::string_view text) { bytes(text.data(), text.size()); }
  void put(char c) { bytes(&c, 1); }
  void put(std::int64_t number);
  // Picoseconds as microseconds with six decimals.
  void put_us(Time t);
  void bytes(const void* data, std::size_t size);
  // Throws UserError when anything could not be written.
  void close();

 private:
  std::string path_;
  std::FILE* file_;
  int error_ = 0;
};

}  // namespace gd::report
