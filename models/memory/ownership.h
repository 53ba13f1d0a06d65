// Who owns which bytes. Every receive buffer has exactly one owner at any time; every wrong move is a violation,
// reported with the buffer's last events. The check is independent of what drivers, rings and strategies believe.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/base/units.h"
#include "models/base/zeroed.h"

namespace gd {

class PhysMem;

enum class Owner : std::uint8_t {
  none,      // not allocated
  host,      // in a host pool
  guest,     // the guest's own
  posted,    // available to the device or queued for it
  in_flight, // a device is writing it, or has written it and the host has not yet looked
  skb,       // part of a packet in the host stack
  count_
};
const char* owner_name(Owner o);

using BufferId = std::uint32_t;
constexpr BufferId kNoBuffer = UINT32_MAX;

class Ownership {
 public:
  enum class Home : std::uint8_t { host, guest };   // whose memory it is; a guest page freed to the host is a violation

  // Registers [start, start+len), len > 0; overlapping a live buffer is a violation. Lookups by address visit as many
  // pages as the longest buffer ever registered spans.
  BufferId add(Hpa start, Bytes len, Owner owner, Home home);
  // Ends a registration. Pre-condition checked: owner is `from` (host or guest).
  void remove(BufferId b, Owner from, Time t, const char* where);
  // Moves the buffer; a violation when its owner is not `from`, or when a guest's buffer moves to Owner::host. It is moved
  // then too, so that one mistake is counted once.
  void move(BufferId b, Owner from, Owner to, Time t, const char* where);
  // A device writes [a, a+len) at `t`: all of it must lie in one buffer that is posted (and is in flight from then on) or
  // in flight. Returns the buffer (kNoBuffer, with a violation counted, when there is none).
  BufferId device_write(Hpa a, Bytes len, Time t, const char* where);
  // Memory [start, start+len) that nobody has a reason to write for a guest. A device's or a CPU's write that touches it
  // is counted, whatever those who wrote believed.
  void fence(Hpa start, Bytes len) { fences_.push_back({start, len}); }
  void cpu_write(Hpa a, Bytes len) {
    for (const Fence& f : fences_)
      if (a < f.start + f.len && f.start < a + len) ++escapes_;
  }
  std::uint64_t escapes() const { return escapes_; }
  // The buffer that holds address `a`; kNoBuffer when none does.
  BufferId find(Hpa a) const {
    // Of most the buffer begins in the same page.
    if (const std::uint64_t page = a / kPage; page < page_head_.size())
      for (BufferId i = head(page); i != kNoBuffer; i = buffers_[i].next_in_page)
        if (a - buffers_[i].start < buffers_[i].len) return i;
    return search(a);
  }
  Owner owner(BufferId b) const { return buffers_[b].owner; }
  Hpa start(BufferId b) const { return buffers_[b].start; }
  Bytes length(BufferId b) const { return buffers_[b].len; }

  // [start, start + len) is guest `guest`'s memory (0 to 30): pins there are reckoned for it, too. `trusted` false: the guest
  // may do wrong with it what it likes; wrong moves there are its faults (guest_faults), no violations.
  void belongs(Hpa start, Bytes len, unsigned guest, bool trusted);
  // Whose memory the page is: the guest's number, or kNobody.
  static constexpr unsigned kNobody = 31;
  unsigned guest_of(Hpa a) const { return (whose(a) & kGuest) ^ kNobody; }
  // Memory of a guest that may do wrong with it.
  bool suspect(Hpa a) const { return (whose(a) & kSuspect) != 0; }
  // The page is its guest's no longer (taken away while it may be posted): who has pinned it keeps it, else it is the host's.
  void revoke(Hpa page, Time t);
  std::uint64_t guest_faults() const { return guest_faults_; }

  // The security check, independent of every defence: told by those who move bytes for guest `guest`, it judges by whose
  // memory the pages are. No call costs simulated time.
  struct Watch {
    std::uint64_t escapes = 0;         // writes for a guest to memory that is not its own and no buffer of the host
    std::uint64_t leaked_bytes = 0;    // of other guests' memory, or of frames for others, that a guest got
    std::uint64_t exposed_bytes = 0;   // of headers that the host parsed where the guest can change them
    std::uint64_t acted_on = 0;        // packets whose headers had changed there when the host relied on what it had parsed
  };
  const Watch& watch() const { return watch_; }
  void wrote_for(unsigned guest, Hpa a, Bytes len) {
    // Within a page that is the guest's own beyond doubt, or the host's where no guest is suspect.
    const std::uint8_t of = whose(a);
    if (parsed_.empty() && (of == 0 || of == (guest ^ kNobody)) && a / kPage == (a + len - 1) / kPage) [[likely]] return;
    judge_write(guest, a, len);
  }
  // What a device has written into the buffer at `a` last is not for the guest whose memory it is. Told by whoever knows that
  // from the traffic, or has decided it. When the buffer changes hands next, what still lies there has leaked, whatever the
  // host says that it wiped: lines with a byte that is not 0, by sees()'s memory (without it: all that was written).
  void not_for_its_guest(Hpa a);
  void sees(const PhysMem& memory) { memory_ = &memory; }
  void read_for(unsigned guest, Hpa a, Bytes len);
  void foreign_frame(Bytes len) { watch_.leaked_bytes += len; }
  // The host parses n header bytes at `a` (`bytes` there); later it acts on what it found. Only guest memory counts.
  void parsed(const std::uint8_t* bytes, Hpa a, Bytes n) {
    if (guest_of(a) != kNobody) note_parsed(bytes, a, n);
  }
  // The host has changed them itself.
  void rewrote(const std::uint8_t* bytes, Hpa a) {
    if (!parsed_.empty()) renew_parsed(bytes, a);
  }
  void acts_on(const std::uint8_t* bytes, Hpa a) {
    if (!parsed_.empty()) check_parsed(bytes, a);
  }
  // The host looks at n header bytes at `a` and decides by them what becomes of the packet: both in one. It acts on a change
  // since they were parsed, and what it sees now counts as parsed.
  void decides(const std::uint8_t* bytes, Hpa a, Bytes n) {
    if (guest_of(a) != kNobody) note_decided(bytes, a, n);
  }
  Bytes pinned_peak(unsigned guest) const { return of_guest_[guest].peak * kPage; }
  unsigned __int128 pinned_integral(unsigned guest, Time t);

  // Page pins: a page may be pinned several times. Unpinning below zero, or while the page is mapped, is a violation.
  // `page` is any address in the page.
  void pin(Hpa page, Time t);
  void unpin(Hpa page, Time t);
  // The page became reachable for a device, or ceased to be (IOMMU map and unmap, counted). The last pin must outlive it.
  void map(Hpa page, Time t);
  void unmap(Hpa page, Time t);
  Bytes pinned_bytes() const { return pinned_pages_ * kPage; }
  Bytes pinned_peak() const { return pinned_peak_ * kPage; }
  // Time integral of pinned bytes, for averages: advances to `t`.
  unsigned __int128 pinned_integral(Time t);
  std::uint64_t pin_ops() const { return pin_ops_; }

  // Buffers that are owned as `o`.
  std::uint64_t count(Owner o) const { return counts_[static_cast<int>(o)]; }
  // At the end of a run: a violation unless `expected` buffers are owned as `o`. The message names the one that has
  // been so for longest.
  void expect(Owner o, std::uint64_t expected, Time t, const char* where);
  std::uint64_t violations() const { return violations_; }
  void violation(BufferId b, Time t, const std::string& what);
  // Messages of the first violations (at most 16), each with the buffer's last 8 events.
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  // Small: one is written at each move, and read after a mistake alone.
  class Event {
   public:
    Event(Time t, const char* where, Owner from, Owner to)
        : when_(static_cast<std::uint64_t>(t) << 8 | static_cast<std::uint64_t>(from) << 4 | static_cast<std::uint64_t>(to)), where_(where) {}
    Time t() const { return static_cast<Time>(when_ >> 8); }   // below 20 hours
    const char* where() const { return where_; }
    Owner from() const { return static_cast<Owner>(when_ >> 4 & 15); }
    Owner to() const { return static_cast<Owner>(when_ & 15); }

   private:
    std::uint64_t when_;
    const char* where_;
  };
  static_assert(sizeof(Event) == 16 && static_cast<int>(Owner::count_) <= 16);
  // Half a line of the simulating machine, for a frame looks at a dozen of them; their events lie elsewhere.
  struct Buffer {
    Hpa start = 0;
    Bytes len = 0;
    std::uint32_t written = 0, written_end = 0;   // what a device has written since it was posted, from the start
    BufferId next_in_page = kNoBuffer;
    Owner owner = Owner::none;
    Home home = Home::host;
    bool foreign = false;          // not_for_its_guest()
    std::uint8_t events = 0;       // below 8 the number of them; from 8 to 15 there were more, and the ring is full
  };
  static_assert(sizeof(Buffer) == 32);
  static constexpr unsigned kEvents = 8;
  struct History {
    Event last[kEvents];           // a ring
  };
  struct Fence {
    Hpa start;
    Bytes len;
  };
  void note(BufferId id, Owner from, Owner to, Time t, const char* where) {
    Buffer& b = buffers_[id];
    history_[id].last[b.events % kEvents] = Event(t, where, from, to);
    // Stays in 8..15 once the ring is full, so that the count tells how many events there are.
    b.events = static_cast<std::uint8_t>(b.events + 1 == 2 * kEvents ? kEvents : b.events + 1);
  }
  void set_owner(Buffer& b, Owner to) {
    --counts_[static_cast<int>(b.owner)];
    ++counts_[static_cast<int>(to)];
    b.owner = to;
  }
  void change_hands(BufferId id, Owner from, Owner to, Time t, const char* where);   // move(), whether that is right or not
  [[gnu::noinline, gnu::cold]] void move_wrongly(BufferId id, Owner from, Owner to, Time t, const char* where);
  BufferId search(Hpa a) const;
  void judge_write(unsigned guest, Hpa a, Bytes len);
  BufferId head(std::uint64_t page) const { return ~page_head_[page]; }
  void unlink(BufferId b);
  std::string describe(BufferId b) const;
  std::vector<Buffer> buffers_;
  Zeroed<History> history_;              // by BufferId
  std::vector<Fence> fences_;
  std::uint64_t escapes_ = 0;
  std::vector<BufferId> free_;
  Zeroed<BufferId> page_head_;           // by page number: ~first buffer that starts in the page
  struct Pins {
    std::uint16_t pins, maps;
  };
  // Whose a page is, in a byte: guest_of() as its difference from kNobody, so that 0 is nobody's, and two marks.
  static constexpr std::uint8_t kGuest = 31, kSuspect = 32, kRevoked = 64;
  std::uint8_t whose(Hpa a) const { return a / kPage < whose_.size() ? whose_[a / kPage] : 0; }
  // The page of `a` is `guest`'s own, or still held for it.
  bool is_of(unsigned guest, Hpa a) const {
    return guest_of(a) == guest && ((whose(a) & kRevoked) == 0 || (a / kPage < pins_.size() && pins_[a / kPage].pins > 0));
  }
  struct Parsed {
    Hpa at = 0;
    std::uint32_t length = 0;
    std::uint64_t hash = 0;
  };
  void note_parsed(const std::uint8_t* bytes, Hpa a, Bytes n);
  void renew_parsed(const std::uint8_t* bytes, Hpa a);
  void check_parsed(const std::uint8_t* bytes, Hpa a);
  void note_decided(const std::uint8_t* bytes, Hpa a, Bytes n);
  void leaks(Buffer& b);
  const PhysMem* memory_ = nullptr;
  Watch watch_;
  std::vector<Parsed> parsed_;         // by address, where a guest spoils its memory; one of two that clash is forgotten
  std::vector<BufferId> free_suspect_; // ids of such guests' buffers are theirs for ever: the host may still use one
  struct Pinned {
    std::uint64_t pages = 0, peak = 0;
    Time since = 0;
    unsigned __int128 sum = 0;
    void advance(Time t);
  };
  bool suspect(BufferId b) const { return b < buffers_.size() && buffers_[b].home == Home::guest && suspect(buffers_[b].start); }
  Pinned of_guest_[kNobody + 1];
  std::uint64_t guest_faults_ = 0;
  Pins& pins_at(Hpa a);
  void page_violation(Hpa a, Time t, const std::string& what);
  void report(Time t, const std::string& what, const std::string& which);
  Zeroed<Pins> pins_;                    // by page number
  Zeroed<std::uint8_t> whose_;           // the same
  std::uint64_t longest_pages_ = 1;      // pages that the longest buffer so far can reach over
  std::uint64_t counts_[static_cast<int>(Owner::count_)] = {};
  std::uint64_t pinned_pages_ = 0, pinned_peak_ = 0, pin_ops_ = 0, violations_ = 0;
  Time pinned_since_ = 0;
  unsigned __int128 pinned_sum_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace gd
