#include "src/report/out_file.h"

#include <cerrno>
#include <charconv>
#include <cstring>

#include "models/base/error.h"

namespace gd::report {

namespace {
constexpr std::size_t kBuffer = 256 * 1024;
}

OutFile::OutFile(std::string path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "wb")) {
  if (file_ == nullptr) throw UserError("cannot write " + path_ + ": " + std::strerror(errno));
  std::setvbuf(file_, nullptr, _IOFBF, kBuffer);
}

OutFile::~OutFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void OutFile::bytes(const void* data, std::size_t size) {
  if (file_ != nullptr && std::fwrite(data, 1, size, file_) != size && error_ == 0) error_ = errno;
}

void OutFile::put(std::int64_t number) {
  char text[24];
  bytes(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, number).ptr - text));
}

void OutFile::put_us(Time t) {
  if (t < 0) put('-'), t = -t;
  put(t / kUs);
  char part[8] = ".000000";
  for (Time rest = t % kUs, at = 6; rest != 0; rest /= 10, --at) part[at] = static_cast<char>('0' + rest % 10);
  bytes(part, 7);
}

void OutFile::close() {
  if (file_ == nullptr) return;
  if (std::fclose(file_) != 0 && error_ == 0) error_ = errno;
  file_ = nullptr;
  if (error_ != 0) throw UserError("cannot write " + path_ + ": " + std::strerror(error_));
}

}  // namespace gd::report
