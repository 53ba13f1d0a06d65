// A virtqueue whose memory the guest fills with anything, at any moment, as the device side sees it: split and packed,
// chains, lists, indirect tables, event indices. First byte: features; second: size; then acts of the guest and of the device.
#include <algorithm>
#include <array>
#include <vector>

#include "models/virtio/device_ring.h"
#include "models/virtio/layout.h"
#include "tests/fuzz/fuzz.h"

namespace gd::fuzz {
namespace ring {

constexpr Bytes kMemory = 1 << 20;
constexpr Gpa kDesc = 0x1000, kAvail = 0x2000, kUsed = 0x3000, kTables = 0x4000;
constexpr unsigned kRoom = 8;

// Plain bytes with the rules of a view checked: the device writes only where the ring lets it, and stays inside.
class CheckedView final : public RingView {
 public:
  explicit CheckedView(const VirtQueueLayout& layout) : layout_(layout), bytes_(0x6000) {}
  bool read(Gpa a, void* out, unsigned n) override {
    if (n == 16) reads_.push_back(a);
    if (a >= kMemory || n > kMemory - a) {
      std::memset(out, 0, n);
      return false;
    }
    for (unsigned i = 0; i < n; ++i) static_cast<std::uint8_t*>(out)[i] = a + i < bytes_.size() ? bytes_[a + i] : pattern(a + i);
    return true;
  }
  void write(Gpa a, const void* in, unsigned n) override {
    const bool packed = feature::has(layout_.features, feature::kPacked);
    const bool ring = packed ? inside(a, n, layout_.desc, pvring::desc_bytes(layout_.size)) : inside(a, n, layout_.used, vring::used_bytes(layout_.size));
    must(ring || (packed && inside(a, n, layout_.used, pvring::event_bytes)), "the device wrote where it may not");
    std::memcpy(&bytes_[a], in, n);
  }
  void publish(Gpa a, const void* in, unsigned n) override {
    must(n <= 32 && a / kPage == (a + n - 1) / kPage, "a publication longer than a view takes");
    write(a, in, n);
  }
  // The guest's own hand.
  void poke(Gpa a, const std::uint8_t* in, std::size_t n) {
    for (std::size_t i = 0; i < n && a + i < bytes_.size(); ++i) bytes_[a + i] = in[i];
  }
  std::uint16_t word(Gpa a) const { return static_cast<std::uint16_t>(bytes_[a] | bytes_[a + 1] << 8); }
  // Descriptors read since the last call, each at most once?
  bool read_once() {
    std::sort(reads_.begin(), reads_.end());
    const bool once = std::adjacent_find(reads_.begin(), reads_.end()) == reads_.end();
    reads_.clear();
    return once;
  }
  void forget_reads() { reads_.clear(); }

 private:
  static std::uint8_t pattern(Gpa a) { return static_cast<std::uint8_t>(a * 7 >> 3); }
  static bool inside(Gpa a, unsigned n, Gpa from, Bytes bytes) { return a >= from && n <= bytes && a - from <= bytes - n; }
  VirtQueueLayout layout_;
  std::vector<std::uint8_t> bytes_;
  std::vector<Gpa> reads_;
};

VirtQueueLayout layout(Input& in) {
  VirtQueueLayout l;
  l.desc = kDesc, l.avail = kAvail, l.used = kUsed;
  const unsigned f = in.byte(), size = in.byte();
  for (const auto& [mask, number] : {std::pair{1u, feature::kPacked}, {2u, feature::kIndirect}, {4u, feature::kEventIdx}, {8u, feature::kInOrder}, {16u, feature::kNotifyOnEmpty}})
    if (f & mask) l.features |= feature::bit(number);
  l.size = static_cast<std::uint16_t>(f & 1 ? 1 + size % 64 : 1u << size % 7);
  return l;
}

class Play {
 public:
  explicit Play(const VirtQueueLayout& l) : l_(l), view_(l), device_(l, kMemory), packed_(device_.packed()) {}

  void act(Input& in) {
    switch (in.byte() % 16) {
      case 0: write(in, kDesc, 16u * l_.size); break;
      case 1: write(in, kAvail, packed_ ? 4 : static_cast<unsigned>(vring::avail_bytes(l_.size))); break;
      case 2: write(in, kTables, 16u * 64); break;
      case 3: write(in, kUsed, packed_ ? 4 : static_cast<unsigned>(vring::used_bytes(l_.size))); break;
      case 4: descriptor(in, kDesc, l_.size); break;
      case 5: descriptor(in, kTables, 64); break;
      case 6: offer(in); break;
      case 7: case 8: case 9: take(in); break;
      case 10: untake(in); break;
      case 11: case 12: push(in); break;
      case 13: publish(); break;
      case 14: notify(in); break;
      case 15: if (device_.broken() || in.byte() == 0xff) reset(); break;
    }
  }
  void check() const {
    std::uint64_t sum = 0;
    for (int e = 1; e < static_cast<int>(RingError::count_); ++e) sum += device_.errors(static_cast<RingError>(e));
    must(sum == device_.errors() && device_.errors(RingError::none) == 0, "errors by kind do not add up");
    must(device_.taken() >= mine_.size(), "chains taken were lost");
  }

 private:
  void write(Input& in, Gpa at, unsigned bytes) {
    const unsigned offset = in.word() % bytes;
    std::size_t got;
    const std::uint8_t* from = in.bytes(std::min<std::size_t>(in.byte(), bytes - offset), got);
    view_.poke(at + offset, from, got);
  }
  // A descriptor made of likely values, which a driver may really have written.
  void descriptor(Input& in, Gpa at, unsigned count) {
    const unsigned place = in.byte() % count, kind = in.byte();
    vring::Desc d;
    d.addr = kind & 1 ? in.wide() : kind & 2 ? kTables + 16u * (in.byte() % 64) : 0x8000u + 64u * in.byte();
    d.len = kind & 4 ? in.wide() : kind & 8 ? 16u * (in.byte() % 70) : in.byte();
    d.flags = in.byte() & 7;
    d.next = in.byte() % (count + 1);
    if (packed_ && at == kDesc) {
      pvring::Desc p{d.addr, d.len, d.next, static_cast<std::uint16_t>(d.flags | (kind & 16 ? pvring::kAvail : pvring::kUsed))};
      view_.poke(at + 16u * place, reinterpret_cast<const std::uint8_t*>(&p), sizeof p);
    } else {
      view_.poke(at + 16u * place, reinterpret_cast<const std::uint8_t*>(&d), sizeof d);
    }
  }
  void offer(Input& in) {
    if (packed_) return;
    const unsigned head = in.byte() % (l_.size + 1u), more = in.byte() % (l_.size + 2u);
    const std::uint16_t old = view_.word(vring::avail_idx(l_)), idx = static_cast<std::uint16_t>(old + more);
    const std::uint8_t h[] = {static_cast<std::uint8_t>(head), static_cast<std::uint8_t>(head >> 8)};
    const std::uint8_t i[] = {static_cast<std::uint8_t>(idx), static_cast<std::uint8_t>(idx >> 8)};
    view_.poke(vring::avail_slot(l_, old & (l_.size - 1u)), h, 2);
    view_.poke(vring::avail_idx(l_), i, 2);
  }
  void take(Input& in) {
    const unsigned room = in.byte() % (kRoom + 1);
    std::array<Segment, kRoom> out;
    DeviceRing::Taken t;
    view_.forget_reads();
    if (mine_.size() >= 4u * l_.size || !device_.take(view_, out.data(), room, t)) return;
    must(t.head < l_.size, "a head outside the table");
    must(t.segments <= room, "more segments than there is room for");
    if (t.error == RingError::none) {
      must(view_.read_once(), "a descriptor was read twice");
      std::uint64_t sum[2] = {};
      for (unsigned i = 0; i < t.segments; ++i) {
        must(out[i].len > 0 && out[i].gpa < kMemory && out[i].len <= kMemory - out[i].gpa, "a segment outside the guest's memory");
        must(i == 0 || out[i].write || !out[i - 1].write, "a readable segment after a writable one");
        sum[out[i].write] += out[i].len;
      }
      must(t.segments > 0 && sum[0] == t.readable && sum[1] == t.writable, "bytes of a chain");
    }
    must(!packed_ || std::find(mine_.begin(), mine_.end(), t.head) == mine_.end(), "an id that the device still has");
    mine_.push_back(t.head);
    ++last_;
  }
  void untake(Input& in) {
    const std::size_t n = std::min<std::size_t>(in.byte() % 4, last_);
    device_.untake(static_cast<unsigned>(n));
    mine_.resize(mine_.size() - n);
    last_ -= n;
  }
  void push(Input& in) {
    if (mine_.empty()) return;
    const std::size_t at = in.byte() % mine_.size();
    device_.push(view_, mine_[at], in.byte());
    mine_.erase(mine_.begin() + static_cast<std::ptrdiff_t>(at));
    last_ = std::min(last_, mine_.size() - at);
  }
  void publish() {
    const bool some = device_.unpublished() > 0;
    device_.publish(view_);
    must(device_.unpublished() == 0, "something stayed unpublished");
    must(packed_ || !some || view_.word(vring::used_idx(l_)) == device_.next_used(), "the used index is not what was used");
    device_.signal_needed(view_);
  }
  void notify(Input& in) {
    const unsigned what = in.byte();
    if (what & 1) device_.enable_notify(view_);
    if (what & 2) device_.recheck(view_);
    if (what & 4) device_.disable_notify(view_);
    if (what & 8) device_.available(view_);
  }
  void reset() {
    device_.reset();
    mine_.clear();
    last_ = 0;
    must(!device_.broken() && device_.taken() == 0, "broken after a reset");
  }

  VirtQueueLayout l_;
  CheckedView view_;
  DeviceRing device_;
  bool packed_;
  std::vector<std::uint16_t> mine_;   // chains taken and not given back, oldest first
  std::size_t last_ = 0;              // of them taken since the last push, which untake() may bring back
};

}  // namespace ring
}  // namespace gd::fuzz

GD_FUZZ_TARGET(ring) {
  using namespace gd::fuzz;
  Input in(data, size);
  ring::Play play(ring::layout(in));
  for (unsigned acts = 0; !in.empty() && acts < 4096; ++acts) {
    play.act(in);
    play.check();
  }
}
