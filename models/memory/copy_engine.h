// A DMA engine of the host that copies memory to memory: Intel's I/OAT (CBDMA) and the Data Streaming Accelerator.
//
// Modelled: channels that work side by side, each through its copies in order; queues of descriptors of 64 B in memory, which a core
// writes, and of which it tells the engine by a doorbell; the doorbell's way and the descriptor's fetch and decoding before the first
// byte is read; a rate of each channel and a time that each copy occupies it at least; reads and writes by the rules of a device: reads
// do not allocate in the cache, writes allocate in the DDIO ways; the bytes, which move when the copy is done; a completion count that
// the engine writes after the copy's last byte, as a line that cores read; completions in the order of a queue.
// Not modelled: translation of the engine's addresses (it is given host addresses, as I/OAT without an IOMMU; shared virtual memory of
// DSA and its page faults), engines grouped behind a queue, batch descriptors, operations other than copies, its descriptors in a
// queue of the device (MOVDIR64B) instead of memory, traffic classes.
// Sources: DPDK doc/guides/dmadevs (ioat, idxd), lib/vhost (threshold, completion in order); Kuper et al., A Quantitative Analysis and
// Guidelines of Data Streaming Accelerator, ASPLOS 2024.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "models/base/agenda.h"
#include "models/memory/memory.h"

namespace gd {

struct CopyEngineParams {
  unsigned channels = 1;
  std::uint64_t rate = 30'000'000'000;   // bytes/s that a channel copies
  Time per_copy = 20 * kNs;              // of a channel, for each copy beside its bytes
  Time start = 300 * kNs;                // from the doorbell to the first read: posted write, descriptor fetch and decoding, without memory
  std::uint32_t ring = 4096;             // descriptors of a queue
};

struct CopyEngineStats {
  std::uint64_t copies = 0, bytes = 0, doorbells = 0, full = 0;   // full: copies that found no descriptor free
  Time busy = 0;                                                  // of all channels
};

// When the copies of a channel take place, as plain arithmetic: times in ps.
struct CopyTimes {
  Time begin = 0, free = 0, done = 0;    // reads begin; the channel takes the next; the last byte is written
};
// `ready`: the descriptor is known; `channel_free`, `last_done`: of the channel's copy before; `memory`: its read and write by themselves.
CopyTimes copy_times(const CopyEngineParams& p, Time ready, Time channel_free, Time last_done, Bytes n, Time memory);

class CopyEngine : public Actor {
 public:
  // Told when a queue's count has reached what was waited for.
  struct Listener {
    virtual ~Listener() = default;
    virtual void copies_done(Time now) = 0;
  };

  CopyEngine(Agenda& agenda, std::uint32_t actor_rank, MemorySystem& memory, const CopyEngineParams& params);
  // At elaboration: a queue of descriptors; queues are dealt out to the channels in turn.
  unsigned open();

  // Where a core writes the next descriptor of a queue; 0: all are in use (counted).
  Hpa slot(unsigned queue);
  // The descriptor that it has written there. The engine does not know of it before ring(). Returns its number: from 1.
  std::uint64_t add(unsigned queue, Hpa to, Hpa from, std::uint32_t n);
  // The doorbell: all that was added up to `number` may begin.
  void ring(unsigned queue, std::uint64_t number, Time now);
  // Copies done, in order; and the line of memory in which the engine tells so.
  std::uint64_t completed(unsigned queue) const { return queues_[queue].completed; }
  Hpa status(unsigned queue) const { return queues_[queue].status; }
  // Tells `l` when `number` is completed: now, if it is.
  void await(unsigned queue, std::uint64_t number, Listener& l, Time now);

  void act(Time now) override;
  const CopyEngineStats& stats() const { return stats_; }

 private:
  struct Copy {
    Hpa to = 0, from = 0;
    std::uint32_t n = 0;
    Time ready = 0, done = 0, told = 0;   // its descriptor is known; its last byte is written; the count is
  };
  struct Queue {
    std::vector<Copy> ring;
    Hpa descriptors = 0, status = 0;
    unsigned channel = 0;
    std::uint64_t added = 0, rung = 0, begun = 0, moved = 0, completed = 0, awaited = 0;   // moved: their bytes are there
    Time last_told = 0;
    Listener* listener = nullptr;
  };
  struct Channel {
    std::vector<unsigned> queues;
    unsigned turn = 0;                   // of them, whose copy is next
    Time free = 0, last_done = 0;
  };
  bool begin(Channel& c, Time now);
  void complete(Queue& q, Time now);
  Copy& copy(Queue& q, std::uint64_t number) { return q.ring[(number - 1) % params_.ring]; }
  CopyEngineParams params_;
  MemorySystem& memory_;
  std::deque<Queue> queues_;
  std::vector<Channel> channels_;
  CopyEngineStats stats_;
};

}  // namespace gd
