// A wire frame as it passes between rooms, and the table that follows each frame from the wire to its end.
//
// The bytes of a frame move through FIFO, DMA and copies as real bytes in simulated memory. Beside them travels a
// FrameRef: the simulator's own knowledge of which wire frames a buffer, an skb or a merged packet holds. It costs
// no simulated time, no model decides by it, and it is what conservation, latency and the byte check work on.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/fingerprint.h"
#include "models/base/histogram.h"
#include "models/base/units.h"
#include "models/base/zeroed.h"

namespace gd {

using FrameRef = std::uint32_t;
constexpr FrameRef kNoFrame = UINT32_MAX;

// Where a frame has been; the time of each is kept. Names: stage_name().
enum class Stage : std::uint8_t { wire, nic, dma, driver, stack, deliver, guest, app, count_ };
const char* stage_name(Stage s);

// Why a frame was dropped: metric drops.<name>, see drop_name().
enum class Drop : std::uint8_t {
  nic_fifo,         // receive FIFO full
  no_descriptor,    // FIFO full while the frame's ring had no descriptor
  bad_fcs, bad_checksum, oversize,
  filtered,         // no queue claims the destination
  tap_full, socket_full, guest_no_buffer, memlock, iommu_fault, unsplittable,
  link_down, stack, // refused by a protocol stack
  foreign,          // for somebody else, and the host drops such frames
  mempool,          // a user driver's pool has no buffer to take the frame's place in the ring
  tx_full,          // forwarded, and the transmit ring is full
  tx_error,         // discarded by the card on transmission
  runt,             // cut short on the wire
  dma_lost,         // its report never reached memory
  count_
};
const char* drop_name(Drop d);

// What is wrong with a frame as it comes. Runts and wrong FCS are seen by a MAC alone (the FCS is not among the bytes); the
// others stand in the bytes, and the mark is for the books.
enum class Damage : std::uint8_t { none, runt, giant, fcs, l3_checksum, l4_checksum };

enum class Fate : std::uint8_t { live, delivered, consumed, dropped };

struct FrameMeta {
  std::uint64_t id = 0;          // wire sequence number, from 0
  std::uint64_t offset = 0;      // first payload byte's place in its flow's byte stream (or the source's own cookie)
  const std::uint8_t* bytes = nullptr;  // the frame as sent, without FCS; valid until the NIC's DMA has taken it
  std::uint32_t length = 0;      // bytes of the frame without FCS
  std::uint32_t flow = 0;        // the source's flow number
  std::uint32_t source_index = 0;// pcap: record number; synthetic: packet number of the flow
  std::uint32_t loop = 0;        // pcap: which repetition
  std::uint16_t payload_offset = 0;   // where the L4 payload begins (L3 payload for a fragment or an unknown L4)
  std::uint16_t vlan = 0;        // tag stripped by the NIC, or 0
  std::uint32_t payload_length = 0;
  FrameRef next = kNoFrame;      // chain of frames in one buffer, skb or packet
  Fate fate = Fate::live;
  bool in_cohort = false;        // last bit on the wire inside `measure`
  bool bad_checksum = false;     // as recorded in the capture
  bool replica : 1 = false;      // made by the host of a broadcast, never on the wire
  bool scribbled : 1 = false;    // copied from memory that a guest which does wrong may have changed: nobody's bytes
  bool astray = false;           // the card has put it into memory of a guest that it is not for
  std::uint8_t rewrite = 0;      // what the host did to the headers (Rewrite, models/packet); 0 nothing
  Damage damage = Damage::none;
  std::int8_t grown = 0;         // bytes that this added to length and payload_offset
  Time at[static_cast<int>(Stage::count_)] = {};
};

// Frames in order, linked through FrameMeta::next.
struct FrameChain {
  FrameRef first = kNoFrame, last = kNoFrame;
  std::uint32_t count = 0;
  bool empty() const { return count == 0; }
};

// All frames of a run. Slots are reused; memory does not grow with the length of a run.
class FrameTable {
 public:
  // `capacity`: frames that may be alive at once; grown when exceeded (never on a steady path).
  explicit FrameTable(std::uint32_t capacity = 16384);

  FrameRef create();                       // a new frame, id assigned in order, everything else cleared
  FrameMeta& operator[](FrameRef r) { return slots_[r]; }
  const FrameMeta& operator[](FrameRef r) const { return slots_[r]; }
  void stamp(FrameRef r, Stage s, Time t) { slots_[r].at[static_cast<int>(s)] = t; }
  void stamp(const FrameChain& c, Stage s, Time t);

  // A replica of a live frame, of the same cohort: one more frame that must end.
  FrameRef replicate(FrameRef r);
  // On the wire at `t` (last bit): counts it as offered and decides whether it belongs to the cohort.
  void offered(FrameRef r, Time t);
  // The frame's end. Each frame ends exactly once; a second end is a broken invariant.
  void delivered(FrameRef r, Time t);      // to the application, or accepted by the guest's stack where it has no payload
  void consumed(FrameRef r, Time t);       // taken by the host itself
  void dropped(FrameRef r, Drop why, Time t);
  void dropped(FrameChain& c, Drop why, Time t);
  // Planted fault: forgets a frame without an end.
  void lose(FrameRef r);

  static void append(FrameTable& t, FrameChain& to, FrameRef r);
  void append(FrameChain& to, FrameRef r) { append(*this, to, r); }
  void join(FrameChain& to, FrameChain& from);   // `from` becomes empty
  FrameRef pop(FrameChain& c);                   // kNoFrame when empty

  std::uint32_t live() const { return live_; }
  void measure(Time from, Time to) { from_ = from, to_ = to; }   // the cohort's window [from, to)

  struct Counts {
    std::uint64_t offered = 0, delivered = 0, consumed = 0, dropped = 0, replicas = 0;
    std::uint64_t drops[static_cast<int>(Drop::count_)] = {};
    std::uint64_t payload_offered = 0, payload_delivered = 0;   // bytes
  };
  // Counts of a group of flows (a guest's): its cohort, and inside the window payload offered and accepted; latency.
  struct Group {
    Counts cohort;
    std::uint64_t window_offered = 0, window_payload = 0;   // bytes
    Histogram latency;                                       // ps
  };
  // Before the first frame: `of_flow` says which group a flow is in, `count` or more: none.
  void group(const std::vector<std::uint32_t>& of_flow, std::uint32_t count);
  // Flows [first, first + count) are for nobody here: the host itself, or machines that are not simulated.
  void strangers(std::uint32_t first, std::uint32_t count) { stranger_ = first, strangers_end_ = first + count; }
  // Whether guest `guest` may have the frame, by the traffic's own word. A flow without a group is for everybody.
  bool is_for(FrameRef r, std::uint32_t guest) const {
    const std::uint32_t flow = slots_[r].flow;
    if (flow >= stranger_ && flow < strangers_end_) return false;
    const Group* const g = group_of(slots_[r]);
    return !g || g == groups_.data() + guest;
  }
  // Whether is_for() can be false.
  bool mixed() const { return groups_.size() > 1 || stranger_ != strangers_end_; }
  const std::vector<Group>& groups() const { return groups_; }
  const Counts& all() const { return all_; }
  const Counts& cohort() const { return cohort_; }
  // Payload bytes that the application accepted at a time inside the window, whatever cohort they are of.
  std::uint64_t payload_in_window() const { return window_payload_; }
  // Frames that ended as delivered inside the window, whatever cohort they are of.
  std::uint64_t delivered_in_window() const { return window_frames_; }
  std::uint64_t offered_payload_in_window() const { return window_offered_; }
  // Frames with payload of the cohort that were delivered after a later one of their flow.
  std::uint64_t reordered() const { return reordered_; }
  const Histogram& latency() const { return count_passed(), latency_; }      // ps, wire to application, cohort
  const Histogram& stage_latency(Stage s) const { return count_passed(), stages_[static_cast<int>(s)]; }  // ps since the stage before
  Fingerprint& fingerprint() { return print_; }
  // Told of each frame as it ends (traces); may be null.
  struct Listener {
    virtual ~Listener() = default;
    virtual void ended(const FrameMeta& f, Drop why, Time t) = 0;
  };
  void listen(Listener* l) { listener_ = l; }

 private:
  void end(FrameRef r, Fate fate, Drop why, Time t);
  Group* group_of(const FrameMeta& f) const { return f.flow < by_flow_.size() ? by_flow_[f.flow] : nullptr; }
  void count_passed() const;
  Zeroed<FrameMeta> slots_;
  std::vector<FrameRef> free_;           // used before; those from unused_ on never were
  FrameRef unused_ = 0;
  std::uint64_t next_id_ = 0;
  std::uint32_t live_ = 0;
  Time from_ = 0, to_ = kNever;
  Counts all_, cohort_;
  std::uint64_t window_payload_ = 0, window_offered_ = 0, window_frames_ = 0;
  std::uint64_t reordered_ = 0;
  std::vector<Group> groups_;
  std::vector<Group*> by_flow_;            // null: in none
  std::uint32_t stranger_ = 0, strangers_end_ = 0;
  std::vector<std::uint64_t> last_id_;     // by flow: 1 + id of the latest frame delivered; grows with new flows only
  // The times of the cohort's delivered frames wait until a few have come; each stage's are then counted together.
  static constexpr unsigned kStages = static_cast<unsigned>(Stage::count_), kWaiting = 16;
  Time passed_[kWaiting][kStages];         // of these `waits_`
  mutable unsigned waits_ = 0;
  mutable Histogram latency_, stages_[kStages];
  Fingerprint print_;
  Listener* listener_ = nullptr;
};

// What a frame's bytes must be, from a source other than the frame itself: regenerated from flow and offset, or the
// capture. Implemented by the traffic sources, asked by the application's checker.
struct ExpectedBytes {
  virtual ~ExpectedBytes() = default;
  // True when data[0..len) equals bytes [at, at + len) of frame `f` as it was sent.
  virtual bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) = 0;
  // The first `n` bytes of the frame as it was sent, its headers; false where the source cannot tell.
  virtual bool original(const FrameMeta& /*f*/, std::uint8_t* /*out*/, std::uint32_t /*n*/) { return false; }
};

}  // namespace gd
