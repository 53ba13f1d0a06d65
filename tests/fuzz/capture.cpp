// A capture file of any content: read, indexed, played for some repetitions, compared with what the checker expects.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "models/base/error.h"
#include "models/packet/checksum.h"
#include "models/wire/capture.h"
#include "models/wire/expected.h"
#include "models/wire/replay.h"
#include "tests/fuzz/fuzz.h"

namespace gd::fuzz {
namespace capture {

// The bytes as a file that has a name and lies nowhere.
class File {
 public:
  File(const std::uint8_t* data, std::size_t size) : fd_(::memfd_create("capture", MFD_CLOEXEC)) {
    for (std::size_t at = 0; at < size;) {
      const ssize_t n = ::write(fd_, data + at, size - at);
      if (n <= 0) std::abort();
      at += static_cast<std::size_t>(n);
    }
  }
  ~File() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check_record(const Capture& c, const Capture::Record& r, Time before) {
  must(r.length >= 14 && r.length <= c.longest(), "length of a record");
  must(r.stamp >= before && r.stamp <= c.duration(), "stamps go back");
  must(r.payload_offset <= r.length && r.payload_length <= r.length - r.payload_offset, "payload ends behind the frame");
  must(r.patched <= r.length && r.patched <= c.longest_patched(), "patches behind the frame");
  must(r.flow < c.flows(), "flow number");
}

// A repetition changes nothing behind the patched bytes, and leaves a good checksum good and a bad one bad.
void check_repetition(const Capture& c, const Capture::Record& r, std::uint32_t loop) {
  std::vector<std::uint8_t> part(c.bytes(r), c.bytes(r) + r.patched), whole(c.bytes(r), c.bytes(r) + r.length);
  c.advance(part.data(), r, loop);
  c.advance(whole.data(), r, loop);
  must(std::equal(part.begin(), part.end(), whole.begin()), "patches read bytes that they do not own");
  must(std::equal(whole.begin() + r.patched, whole.end(), c.bytes(r) + r.patched), "bytes behind the patches changed");
  const Parsed before = parse(c.bytes(r), r.length), after = parse(whole.data(), r.length);
  must(before.header_length == after.header_length && before.l4 == after.l4, "a repetition changed the protocol");
  must(csum::check_l3(c.bytes(r), before) == csum::check_l3(whole.data(), after), "L3 checksum's verdict changed");
  must(csum::check_l4(c.bytes(r), before) == csum::check_l4(whole.data(), after), "L4 checksum's verdict changed");
}

void play(const Capture& c, std::uint64_t rate, std::uint64_t loops, unsigned frames) {
  FrameTable table(64);
  Replay replay(table, c, {rate, loops, 0});
  CaptureExpected expected(c);
  Time now = 0;
  std::uint64_t sent = 0;
  for (unsigned i = 0; i < frames; ++i) {
    Plan plan;
    const Next next = replay.plan(now, plan);
    if (next == Next::finished) {
      if (c.duration() > kNever / 1200) return;   // what does not fit into Time ends sooner
      must(loops != Replay::kForever && sent == (loops + 1) * c.records().size(), "the replay ended before its last frame");
      return;
    }
    must(next == Next::frame, "a replay that waits");
    must(plan.length >= wire::kMinimum, "a frame shorter than the wire has");
    must(plan.earliest >= 0, "a time before the start");
    now = std::max(now, plan.earliest);
    const FrameRef f = replay.emit(now);
    const FrameMeta& m = table[f];
    must(expected.matches(m, 0, m.bytes, m.length), "the checker expects other bytes");
    std::vector<std::uint8_t> original(m.length);
    must(!expected.original(m, original.data(), m.length) || std::memcmp(original.data(), m.bytes, m.length) == 0, "the original differs");
    table.offered(f, now);
    table.delivered(f, now);
    ++sent;
  }
}

}  // namespace capture
}  // namespace gd::fuzz

// First byte: which repetitions and rate. The rest: the file.
GD_FUZZ_TARGET(capture) {
  using namespace gd;
  using namespace gd::fuzz;
  using namespace gd::fuzz::capture;
  Input in(data, size);
  const unsigned how = in.byte();
  const File file(in.data(), in.left());
  try {
    const Capture c = Capture::load(file.path(), how & 1 ? std::optional<std::uint64_t>(0x020000000001) : std::nullopt);
    Time before = 0;
    for (const Capture::Record& r : c.records()) {
      check_record(c, r, before);
      before = r.stamp;
      for (const std::uint32_t loop : {1u, 2u, 77777u}) check_repetition(c, r, loop);
    }
    play(c, how & 2 ? 10'000'000'000 : 0, how & 4 ? Replay::kForever : how >> 5, 600);
  } catch (const UserError& e) {
    must(std::string(e.what()).find("capture '") == 0, "a refusal that names no file");
  }
}
