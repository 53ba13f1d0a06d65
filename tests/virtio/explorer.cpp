#include "tests/virtio/explorer.h"

#include <algorithm>
#include <cstring>

namespace gd {

// Answers earlier accesses from the log, performs one more, and after that gives nothing and remembers that it did.
struct Explorer::View final : RingView {
  View(Memory& m, Log& l) : memory(m), log(l), done(l.size()) {}
  bool perform() {
    if (at < done) return false;
    if (at > done) beyond = true;
    return at == done;
  }
  bool read(Gpa a, void* out, unsigned n) override {
    require(a + n <= kMemory && n <= 16, "access outside the explorer's memory");
    std::memset(out, 0, n);
    if (perform()) {
      log.push_back({});
      std::memcpy(log.back().data(), &memory[a], n);
    }
    if (!beyond) std::memcpy(out, log[at].data(), n);
    ++at;
    return true;
  }
  void write(Gpa a, const void* in, unsigned n) override {
    require(a + n <= kMemory, "access outside the explorer's memory");
    if (perform()) {
      log.push_back({});
      std::memcpy(&memory[a], in, n);
    }
    ++at;
  }
  void publish(Gpa a, const void* in, unsigned n) override { write(a, in, n); }
  Memory& memory;
  Log& log;
  std::size_t at = 0, done;
  bool beyond = false;
};

namespace {
// At once, for the way to the start.
struct PlainView final : RingView {
  explicit PlainView(std::uint8_t* m) : memory(m) {}
  bool read(Gpa a, void* out, unsigned n) override { return std::memcpy(out, memory + a, n), true; }
  void write(Gpa a, const void* in, unsigned n) override { std::memcpy(memory + a, in, n); }
  void publish(Gpa a, const void* in, unsigned n) override { write(a, in, n); }
  std::uint8_t* memory;
};

VirtQueueLayout place(const ExplorerCase& c) {
  VirtQueueLayout l;
  l.desc = 0;
  l.avail = 64;
  l.used = 96;
  l.tables = feature::has(c.features, feature::kIndirect) ? 160 : 0;
  l.table_entries = l.tables ? 2 : 0;
  l.size = c.size;
  l.features = c.features;
  return l;
}
}  // namespace

Explorer::Explorer(const ExplorerCase& c) : c_(c), layout_(place(c)), events_(feature::has(c.features, feature::kEventIdx)) {
  require(c.size <= 4 && c.buffers <= kMaxBuffers, "a case too large to explore");
  State s{{}, DriverRing(layout_), DeviceRing(layout_, 1 << 20), {}, {}};
  PlainView v(s.memory.data());
  // `start` buffers of one segment go through, so that indices and wrap counters are where they shall be.
  Segment segment[1];
  DeviceRing::Taken t;
  DriverRing::Used u;
  for (unsigned i = 0; i < c.start; ++i) {
    const Segment one{0x1000, 8, true};
    require(s.driver.add(v, &one, 1, 0) != DriverRing::kFull, "no room on the way to the start");
    s.driver.publish(v);
    s.driver.kick_needed(v);
    require(s.device.take(v, segment, 1, t), "nothing to take on the way to the start");
    s.device.push(v, t.head, 4);
    s.device.publish(v);
    s.device.signal_needed(v);
    require(s.driver.get_used(v, u), "nothing used on the way to the start");
  }
  s.avail_count = s.avail_decided = s.used_count = s.used_decided = c.start;
  s.first_signal = c.start == 0;
  s.driver.enable_callbacks(v);
  s.device.enable_notify(v);
  reach(std::move(s));
}

unsigned Explorer::segments(unsigned token, Segment* s) const {
  const unsigned n = token % 3 == 2 && c_.size > 1 ? 2 : 1;
  for (unsigned k = 0; k < n; ++k) s[k] = Segment{0x1000 + 256 * token + k, 8 + token, true};
  return n;
}

unsigned Explorer::units(unsigned token) const {
  Segment s[2];
  return packed() && !layout_.tables ? segments(token, s) : 1;
}

// Whether what the other side has written demands a notification for what was published since the last decision.
bool Explorer::must_notify(const State& s, bool device, const std::uint8_t* word) const {
  const std::uint32_t from = device ? s.used_decided : s.avail_decided, to = device ? s.used_count : s.avail_count;
  std::uint16_t w[2];
  std::memcpy(w, word, 4);
  if (!packed() && !events_) return to != from && !(w[0] & 1);
  if (packed() && w[1] != pvring::kEventDesc) return to != from && w[1] == pvring::kEventEnable;
  for (std::uint32_t i = from; i != to; ++i) {
    const auto mark = packed() ? i % c_.size | (i / c_.size % 2 ? 0u : 0x8000u) : i & 0xffff;
    if (mark == w[0]) return true;
  }
  return false;
}

// Driver: what follows an operation that has ended. False: the state leads nowhere.
bool Explorer::driver_done(State& s, unsigned choice, View& v) {
  const bool early = c_.mutation == Mutation::driver_decides_early;
  switch (s.driver_op) {
    case Op::idle:
      if (choice == 0) {
        if (!s.interrupt) return false;
        s.interrupt = false;
        s.driver_op = Op::disable;
        return true;
      }
      if (s.posted == c_.buffers) return false;
      s.driver_op = Op::add;
      return true;
    case Op::add: {
      Segment b[2];
      const unsigned n = segments(s.posted, b);
      if (s.driver.slots_for(n) > s.driver.free_descriptors()) {   // no room: publishes what it has, or waits
        if (s.adding == 0) return false;
        s.driver_op = early ? Op::decide_early : Op::publish;
        return true;
      }
      const int head = s.driver.add(v, b, n, s.posted);
      if (v.beyond) return true;
      if (head == DriverRing::kFull) return wrong("add() refuses what fits"), false;
      s.token_state[s.posted++] = 1;
      s.avail_pending += units(s.posted - 1u);
      s.adding = static_cast<std::uint8_t>(s.adding + 1);
      s.driver_op = choice == 0 || s.posted == c_.buffers ? (early ? Op::decide_early : Op::publish) : Op::add;
      return true;
    }
    case Op::publish:
    case Op::publish_late:
      s.driver.publish(v);
      if (v.beyond) return true;
      s.avail_count += s.avail_pending;
      s.avail_pending = s.adding = 0;
      s.driver_op = s.driver_op == Op::publish ? Op::decide : Op::idle;
      return true;
    case Op::decide_early: {   // the mutation: looks at the suppression before the index is visible
      std::uint8_t word[4] = {};
      v.read(packed() ? pvring::device_event(layout_) : events_ ? vring::avail_event(layout_) : vring::used_flags(layout_), word, packed() ? 4 : 2);
      if (v.beyond) return true;
      State then = s;
      then.avail_count += then.avail_pending;
      if (must_notify(then, false, word)) s.kick = true;
      s.avail_decided = then.avail_count;
      s.driver_op = Op::publish_late;
      return true;
    }
    case Op::decide: {
      const bool kick = s.driver.kick_needed(v);
      if (v.beyond) return true;
      const bool must = v.log.empty() ? false : must_notify(s, false, v.log.back().data());
      if (kick != must) wrong(kick ? "a kick that the device did not want" : "no kick, and the device wanted one");
      s.avail_decided = s.avail_count;
      s.kick |= kick;
      s.driver_op = Op::idle;
      return true;
    }
    case Op::disable:
      s.driver.disable_callbacks(v);
      if (!v.beyond) s.driver_op = Op::get;
      return true;
    case Op::get: {
      DriverRing::Used u;
      const bool got = s.driver.get_used(v, u);
      if (v.beyond) return true;
      if (!got) {
        s.driver_op = Op::enable;
        return true;
      }
      if (u.token >= s.posted || s.token_state[u.token] != 2) return wrong("a buffer came back that was not used"), false;
      s.token_state[u.token] = 3;
      ++s.returned;
      return true;
    }
    case Op::enable:
      s.driver.enable_callbacks(v);
      if (!v.beyond) s.driver_op = c_.mutation == Mutation::driver_skips_recheck ? Op::idle : Op::check;
      return true;
    case Op::check: {
      const bool more = s.driver.more_used(v);
      if (!v.beyond) s.driver_op = more ? Op::disable : Op::idle;
      return true;
    }
    default: return false;
  }
}

bool Explorer::device_done(State& s, unsigned choice, View& v) {
  const bool early = c_.mutation == Mutation::device_decides_early;
  switch (s.device_op) {
    case Op::asleep:
      if (!s.kick || choice != 0) return false;
      s.kick = s.hungry = false;
      s.device_op = Op::quiet;
      return true;
    case Op::quiet:
      s.device.disable_notify(v);
      if (!v.beyond) s.device_op = Op::take;
      return true;
    case Op::take: {
      Segment b[4];
      DeviceRing::Taken t;
      const bool got = s.device.take(v, b, 4, t);
      if (v.beyond) return true;
      if (!got) {
        s.hungry = true;
        s.device_op = s.taken.empty() ? Op::ask : s.taken.size() < c_.want ? Op::give_back : Op::push;
        s.lifo = static_cast<std::uint8_t>(choice);
        return true;
      }
      const unsigned token = static_cast<unsigned>(b[0].gpa - 0x1000) / 256;
      Segment mine[2];
      if (t.error != RingError::none || token >= s.posted || s.token_state[token] != 1 || segments(token, mine) != t.segments)
        return wrong("a chain that was not posted"), false;
      s.token_state[token] = 2;
      s.taken.emplace_back(t.head, static_cast<std::uint8_t>(token));
      s.hungry = false;
      s.lifo = static_cast<std::uint8_t>(choice & 1);
      if (s.taken.size() >= c_.want && choice < 2) s.device_op = Op::push;   // else it takes more first
      return true;
    }
    case Op::give_back:
      for (const auto& e : s.taken) s.token_state[e.second] = 1;
      s.device.untake(static_cast<unsigned>(s.taken.size()));
      s.taken.clear();
      s.device_op = Op::ask;
      return true;
    case Op::push: {
      const auto e = s.lifo ? s.taken.back() : s.taken.front();
      const std::uint16_t before = s.device.next_used();
      s.device.push(v, e.first, 4);
      if (v.beyond) return true;
      // In order, some may wait for others; what is given is counted by what the ring gave.
      s.taken.erase(s.lifo ? s.taken.end() - 1 : s.taken.begin());
      if (!s.device.in_order()) s.used_pending += units(e.second);
      else for (std::uint16_t i = before; i != s.device.next_used(); ++i) s.used_pending += units(static_cast<std::uint16_t>(i - c_.start));
      if (s.taken.empty()) s.device_op = early ? Op::signal_early : Op::use;
      return true;
    }
    case Op::use:
    case Op::use_late:
      s.device.publish(v);
      if (v.beyond) return true;
      s.used_count += s.used_pending;
      s.used_pending = 0;
      s.device_op = s.device_op == Op::use ? Op::signal : s.hungry ? Op::ask : Op::take;
      return true;
    case Op::signal_early: {
      std::uint8_t word[4] = {};
      v.read(packed() ? pvring::driver_event(layout_) : events_ ? vring::used_event(layout_) : vring::avail_flags(layout_), word, packed() ? 4 : 2);
      if (v.beyond) return true;
      State then = s;
      then.used_count += then.used_pending;
      s.interrupt |= must_notify(then, true, word);
      s.used_decided = then.used_count;
      s.device_op = Op::use_late;
      return true;
    }
    case Op::signal: {
      const bool signal = s.device.signal_needed(v);
      if (v.beyond) return true;
      const bool must = v.log.empty() ? false : must_notify(s, true, v.log.back().data());
      if (!signal && must) wrong("no interrupt, and the driver wanted one");
      if (signal && !must && !(events_ && !packed() && s.first_signal)) wrong("an interrupt that the driver did not want");
      s.first_signal = false;
      s.used_decided = s.used_count;
      s.interrupt |= signal;
      s.device_op = s.hungry ? Op::ask : Op::take;
      return true;
    }
    case Op::ask:
      s.device.enable_notify(v);
      if (!v.beyond) s.device_op = c_.mutation == Mutation::device_skips_recheck ? Op::asleep : Op::recheck;
      return true;
    case Op::recheck: {
      const bool more = s.device.recheck(v);
      if (!v.beyond) s.device_op = more ? Op::quiet : Op::asleep;
      return true;
    }
    default: return false;
  }
}

void Explorer::step_driver(const State& from, unsigned choice) {
  State s = from;
  for (;;) {   // operations without an access end in the same step
    State next = s;
    View v(next.memory, next.driver_log);
    const Op op = next.driver_op;
    if (!driver_done(next, choice, v)) return;
    if (v.beyond) {            // one access further, the operation goes on: its objects stay as they were at its start
      s.memory = next.memory;
      s.driver_log = next.driver_log;
      return reach(std::move(s));
    }
    const bool accessed = v.at > v.done;
    next.driver_log.clear();
    if (accessed || op == Op::idle) return reach(std::move(next));
    s = std::move(next);
  }
}

void Explorer::step_device(const State& from, unsigned choice) {
  State s = from;
  for (;;) {
    State next = s;
    View v(next.memory, next.device_log);
    const Op op = next.device_op;
    if (!device_done(next, choice, v)) return;
    if (v.beyond) {
      s.memory = next.memory;
      s.device_log = next.device_log;
      return reach(std::move(s));
    }
    const bool accessed = v.at > v.done;
    next.device_log.clear();
    if (accessed || op == Op::asleep) return reach(std::move(next));
    s = std::move(next);
  }
}

void Explorer::reach(State&& s) {
  std::string key(reinterpret_cast<const char*>(s.memory.data()), s.memory.size());
  key.resize(layout_.tables ? 288 : 160);
  const auto put = [&key](auto x) { key.append(reinterpret_cast<const char*>(&x), sizeof x); };
  s.driver.each_state(put);
  s.device.each_state(put);
  for (const auto* log : {&s.driver_log, &s.device_log}) {
    put(static_cast<std::uint8_t>(log->size()));
    for (const auto& e : *log) key.append(reinterpret_cast<const char*>(e.data()), e.size());
  }
  put(s.driver_op), put(s.device_op), put(s.posted), put(s.adding), put(s.lifo), put(s.token_state);
  for (const auto& e : s.taken) put(e.first), put(e.second);
  put(s.kick), put(s.interrupt), put(s.hungry), put(s.avail_count - s.avail_decided), put(s.used_count - s.used_decided), put(s.first_signal);
  if (seen_.insert(std::move(key)).second) work_.push_back(std::move(s));
}

void Explorer::judge_end(const State& s) {
  ++ends_;
  const unsigned left = static_cast<unsigned>(s.posted - s.returned);
  if (s.posted < c_.buffers && left == 0) return wrong("the driver cannot post, and everything came back");
  if (left >= c_.want) {
    wrong("both sides sleep, " + std::to_string(left) + " buffers are out: " + std::to_string(std::count(s.token_state, s.token_state + c_.buffers, 1)) +
          " were not taken, " + std::to_string(std::count(s.token_state, s.token_state + c_.buffers, 2)) + " not taken back");
  }
}

std::string Explorer::run() {
  while (!work_.empty() && wrong_.empty()) {
    const State s = std::move(work_.back());
    work_.pop_back();
    const unsigned driver_choices = s.driver_op == Op::idle || s.driver_op == Op::add ? 2 : 1;
    for (unsigned i = 0; i < driver_choices; ++i) step_driver(s, i);
    const unsigned device_choices = s.device_op == Op::take ? 3 : 1;
    for (unsigned i = 0; i < device_choices; ++i) step_device(s, i);
    Segment b[2];
    const bool can_post = s.posted < c_.buffers && s.driver.slots_for(segments(s.posted, b)) <= s.driver.free_descriptors();
    if (s.driver_op == Op::idle && s.device_op == Op::asleep && !s.kick && !s.interrupt && !can_post) judge_end(s);
  }
  return wrong_;
}

}  // namespace gd
