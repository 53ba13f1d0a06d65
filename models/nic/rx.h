// The receive path up to the queues: FIFO budget, parser, steering, and the lines in which frames wait.
#pragma once
#include <memory>
#include <vector>

#include "models/base/zeroed.h"
#include "models/nic/engine.h"
#include "models/nic/steering.h"
#include "models/packet/checksum.h"
#include "models/packet/headers.h"

namespace gd::nic {

// What the parser found, kept beside a frame while it waits.
struct RxInfo {
  FrameRef frame = kNoFrame;
  RssHash hash;
  std::uint16_t header_length = 0;   // of the frame as it came, in-band tags included
  std::uint16_t tci = 0;             // first in-band tag
  bool tagged = false, decodable = false, fragment = false, has_payload = true, pure_ack = false;
  bool transport = false, tunnel = false;   // a TCP or UDP header was found; it is VXLAN's
  csum::Checked l3 = csum::Checked::none, l4 = csum::Checked::none;
};

// A receive queue as the lines see it: a descriptor ring or a virtqueue.
class RxQueue {
 public:
  enum class Ready : std::uint8_t {
    yes,
    wait,   // buffers are missing; the queue calls RxPath::kick() when that may have changed
    never   // the frame is larger than the queue's buffers allow, or the queue is dead: refusal() says
  };
  virtual ~RxQueue() = default;
  // Whether the frame can be taken now; starts fetching buffers when it cannot.
  virtual Ready ready(const RxInfo& info, Time now) = 0;
  // Issues the DMA. Pre: ready() just answered yes.
  virtual void take(const RxInfo& info, Time now) = 0;
  // Buffers that no frame has taken, on chip and (rings) in host memory.
  virtual std::uint32_t available() const = 0;
  // Whether `waiting` frames and one more are known to find no buffers until the software posts some.
  virtual bool exhausted(std::uint32_t waiting) const = 0;
  // Whether a frame is dropped at once that finds it so, whatever NicParams says.
  virtual bool drops_when_empty() const { return false; }
  // Why a frame is dropped that finds the FIFO full while this queue has no buffers.
  virtual Drop starved() const = 0;
  virtual Drop refusal() const { return Drop::oversize; }
  virtual FrameRef take_frame(std::uint32_t /*slot*/) { return kNoFrame; }
};

class RxPath {
 public:
  explicit RxPath(Engine& engine);
  Steering& steering() { return steering_; }
  void install(std::uint32_t queue, std::unique_ptr<RxQueue> q) { lines_[queue].queue = std::move(q); }
  RxQueue* queue(std::uint32_t q) { return lines_[q].queue.get(); }
  const RxQueue* queue(std::uint32_t q) const { return lines_[q].queue.get(); }
  void set_levels(std::uint32_t fifo, const std::vector<std::uint32_t>& rings);

  void arrived(FrameRef f, Time now);
  // Buffers of queue `q` may have become available.
  void kick(std::uint32_t q, Time now);
  // Serves waiting frames as far as buffers and the bus allow.
  void pump(Time now);
  // Gives the FIFO bytes of a frame of `length` bytes back.
  void release(std::uint32_t length, Time now);
  void ring_level(std::uint32_t q, Time now);
  Bytes level() const { return used_; }
  // Frames in the FIFO for queue `q` whose DMA has not begun.
  std::uint32_t waiting(std::uint32_t q) const { return lines_[q].count; }
  void pause_due(std::uint64_t generation, Time now);   // Ev::rx_pause
  // Bytes that a frame occupies in the FIFO.
  static Bytes footprint(std::uint32_t length) { return std::max(length, ether::kMinFrame); }

 private:
  struct Node {
    RxInfo info;
    std::uint32_t next;
  };
  struct Line {
    std::unique_ptr<RxQueue> queue;
    std::uint32_t first = UINT32_MAX, last = UINT32_MAX, count = 0;
    std::uint32_t level_id = UINT32_MAX;
    bool listed = false;
  };
  void admit(std::uint32_t q, const RxInfo& info, Time now);
  void push(Line& l, const RxInfo& info);
  void pop(Line& l);
  void list(std::uint32_t q);
  void pause(bool stop, Time now);
  void tell(Time now);

  Engine& e_;
  Steering steering_;
  Zeroed<Node> nodes_;                  // as many as the FIFO can hold frames
  std::vector<std::vector<std::uint8_t>> kept_;   // by node: a replica's bytes, which may wait longer than the original's
  std::uint32_t free_ = UINT32_MAX, unused_ = 0;   // used before, a list; those from unused_ on never were
  std::vector<Line> lines_;
  std::vector<std::uint32_t> turn_;     // ring of listed queues, served round robin
  std::uint32_t turn_first_ = 0, turn_count_ = 0;
  Bytes used_ = 0;
  std::uint32_t fifo_level_id_ = UINT32_MAX;
  std::uint64_t pause_generation_ = 0;
  Time pause_begins_ = 0;               // when the latest PAUSE frame begins on the wire
  bool pumping_ = false;
  bool pausing_ = false, told_ = false; // the far end shall stand still; the latest PAUSE frame says so
};

}  // namespace gd::nic
