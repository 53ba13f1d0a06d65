// What the tests of the wire share: a NIC that only collects, and capture files made byte by byte.
#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "models/packet/checksum.h"
#include "models/packet/parse.h"
#include "models/ports/ports.h"
#include "models/wire/link.h"

namespace gd::test {

struct Arrival {
  Time at;
  FrameMeta meta;
  std::vector<std::uint8_t> bytes;
};

// Takes every frame at once: keeps a copy when asked to, and ends the frame.
struct Collector : FrameSink {
  explicit Collector(FrameTable& t, bool keep = true) : table(t), keep_bytes(keep) {}
  void frame_arrived(FrameRef r, Time now) override {
    ++count;
    last = now;
    const FrameMeta& m = table[r];
    if (keep_bytes) got.push_back({now, m, {m.bytes, m.bytes + m.length}});
    table.delivered(r, now);
  }
  FrameTable& table;
  bool keep_bytes;
  std::uint64_t count = 0;
  Time last = 0;
  std::vector<Arrival> got;
};

// L3 and L4 checksums of a frame: good, or not there.
inline bool checksums_good(const std::uint8_t* f, std::uint32_t n) {
  const Parsed p = parse(f, n);
  return csum::check_l3(f, p) != csum::Checked::bad && csum::check_l4(f, p) != csum::Checked::bad;
}

// A file that goes when the test ends.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& bytes, const char* name = "capture") {
    path_ = "wire-test-" + std::to_string(::getpid()) + "-" + name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~ScratchFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A capture that ships with the scenarios.
inline std::string shipped(const char* name) {
  std::string path(GD_CAPTURES "/");
  path += name;
  return path;
}

inline void le(std::string& s, std::uint64_t v, int n) {
  for (int i = 0; i < n; ++i, v >>= 8) s.push_back(static_cast<char>(v & 0xff));
}

struct CapturedFrame {
  std::uint64_t ns;      // stamp
  std::string bytes;
  std::uint32_t cut = 0; // bytes missing at the end
};

// A classic pcap file, little endian; `magic` 0xa1b2c3d4 (microseconds) or 0xa1b23c4d (nanoseconds).
inline std::string pcap_bytes(const std::vector<CapturedFrame>& frames, std::uint32_t magic = 0xa1b23c4d, std::uint32_t link = 1) {
  std::string s;
  le(s, magic, 4), le(s, 2, 2), le(s, 4, 2), le(s, 0, 8), le(s, 262144, 4), le(s, link, 4);
  const std::uint64_t unit = magic == 0xa1b2c3d4 ? 1000 : 1;
  for (const CapturedFrame& f : frames) {
    le(s, f.ns / 1'000'000'000, 4), le(s, f.ns % 1'000'000'000 / unit, 4);
    le(s, f.bytes.size(), 4), le(s, f.bytes.size() + f.cut, 4);
    s += f.bytes;
  }
  return s;
}

// An Ethernet frame of another protocol: `n` bytes.
inline std::string plain_frame(std::size_t n, char fill = 'x') {
  std::string f(n, fill);
  for (int i = 0; i < 6; ++i) f[i] = 2;
  if (n >= 14) f[12] = '\x88', f[13] = '\xb5';   // local experimental (IEEE 802)
  return f;
}

}  // namespace gd::test
