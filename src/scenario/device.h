// The hardware part of a scenario: card, link, IOMMU, memory. Defaults stand here once; ranges, units, descriptions and
// sources of the defaults stand in the key table (keys_*.cpp), which reads these defaults.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/base/units.h"

namespace gd::scenario {

using Count = std::uint64_t;
using Rate = std::uint64_t;      // bits per second
using Hertz = std::uint64_t;
using Share = std::uint64_t;     // parts per million

enum class SplitMode : std::uint8_t { off, split, always };
enum class BufferScope : std::uint8_t { per_queue, per_descriptor };

struct HeaderSplit {
  SplitMode mode = SplitMode::off;
  Bytes header_buffer = 256;
  Bytes threshold = 0;           // frames up to this length are not split
};

enum class ModerationStart : std::uint8_t { last_interrupt, first_completion, last_completion };
enum class AdaptiveModeration : std::uint8_t { off, dim };
enum class VectorArming : std::uint8_t { cause, consumer_index };

struct InterruptModeration {
  Time delay = 20 * kUs;         // shortest time between two interrupts of a queue
  ModerationStart from = ModerationStart::last_interrupt;
  Count frames = 0;              // interrupt at once after so many frames; 0: by time alone
  VectorArming arming = VectorArming::cause;
  AdaptiveModeration adaptive = AdaptiveModeration::off;
  Time command = 50 * kUs;       // from a driver's decision until the card moderates by it
};

// How the card reports received frames.
struct Completion {
  Bytes bytes = 16;              // 16: in the descriptor; 64, 128: an entry of a completion queue
  bool compression = false;
};

// PAUSE frames of the card (IEEE 802.3 Annex 31B).
struct Pause {
  Bytes high = 0;                // FIFO level above which the far end is asked to stop; 0: never
  Bytes low = 0;                 // and at which it may go on
  Count quanta = 0xffff;
  Time response = 3'072 * kNs;   // of the far end's MAC
};

// How a driver stops a receive queue.
struct QueueStop {
  Time reread = 15 * kUs;        // between two reads of the register that says it has stopped
  Time wait = 100 * kUs;         // from then on, until memory may be given away
};

// Of the measuring device (traffic.kind dma-bench); see models/nic/dma_bench.h.
struct DmaEngine {
  Time write_interval = 21'100, setup = 3'333, per_tlp = 3'333, per_chunk = 8'333;
  Time port_per_tlp = 5'833, port_per_chunk = 4'167;
  Count outstanding_reads = 22, write_buffers = 4, queue = 64;
  Time enqueue_latency = 98 * kNs, complete_latency = 97 * kNs;
  Time command_enqueue_latency = 39 * kNs, command_complete_latency = 39 * kNs;
};

// What a card, or the bus behind it, does wrong.
struct NicFaults {
  Share lost_data_writes = 0;    // of frames: one TLP of the payload never reaches memory
  Share lost_writebacks = 0;     // of write-backs
  Share lost_interrupts = 0;     // of interrupt messages
  bool misplaced_fragments = false;
  bool corrupt() const { return lost_data_writes != 0 || misplaced_fragments; }
};

struct Nic {
  std::string model;             // informative
  Rate link_rate = 10'000'000'000;
  Bytes mtu = 1500;
  Count rx_queues = 1;
  Count ring_size = 512;
  Count tx_ring_size = 512;
  Bytes fifo = 512 * 1024;
  HeaderSplit header_split;
  InterruptModeration interrupt_moderation;
  Completion completion;
  Pause pause;
  QueueStop queue_stop;
  BufferScope buffer_size = BufferScope::per_queue;
  Bytes rx_buffer = 2048;
  Count descriptor_prefetch = 8;
  Count descriptor_writeback_batch = 1;
  Time writeback_timeout = 2 * kUs;
  Count max_outstanding_writes = 64;
  Bytes max_outstanding_bytes = 32 * 1024;
  Count descriptor_cache = 64, prefetch_threshold = 32, prefetch_host = 8;
  Bytes tx_fifo = 160 * 1024;
  Count tx_fetch_batch = 40;
  Count virtio_chain_cache = 64, virtio_fetch_batch = 32;
  Count max_outstanding_reads = 32;
  Time engine_latency = 50 * kNs;
  bool drop_when_no_descriptor = false;
  bool scatter = true;
  bool steering = true;
  bool virtio_rings = true;
  bool rss = true;
  bool rss_udp = false;
  bool flow_filters = false;
  bool checksum_check = true;
  bool drop_bad_checksum = false;
  DmaEngine dma_engine;
  NicFaults faults;
};

struct Pcie {
  Count generation = 3;
  Count lanes = 8;
  Bytes max_payload = 256;
  Bytes max_read_request = 512;
  Bytes read_completion_boundary = 64;
  Time link_latency = 80 * kNs;
  Time root_complex_latency = 60 * kNs;
  Time mmio_write_latency = 100 * kNs;
  Count tags = 32;
  Bytes posted_credit_bytes = 16 * 1024;
  Count posted_headers = 64, nonposted_headers = 72;
  Count completion_headers = 0;            // 0: unbounded
  Bytes completion_credit_bytes = 0;       // 0: unbounded
  bool ecrc = false;
  Share dllp_overhead = 56'000;
  Count ack_tlps = 1, flow_control_tlps = 1;   // 0: none
};

enum class IommuMode : std::uint8_t { off, passthrough, lazy, strict };
enum class IovaCache : std::uint8_t { shared, per_core };

// Faults of the IOMMU: how many it records, and how many are provoked.
struct IommuFaults {
  Count records = 8;             // fault recording registers
  Share injected = 0;            // of the card's data writes
};

struct Iommu {
  IommuMode mode = IommuMode::off;
  Bytes page = 4096;
  Count iotlb_entries = 64;
  Count walkers = 6;
  Count levels = 4;
  Count cached_levels = 3;
  Time hit_latency = 0;
  Count walk_cache_entries = 32;
  Time walk_overhead = 200 * kNs;
  bool invalidation_hint = false;
  Time invalidation_latency = 800 * kNs;
  Time invalidation_interval = 100 * kNs;
  IovaCache iova_cache = IovaCache::shared;
  Count lazy_batch = 250;
  Time lazy_timeout = 10 * kMs;
  IommuFaults faults;
};

struct Llc {
  Bytes size = 12 * 1024 * 1024;
  Count ways = 16;
  Time hit_latency = 16 * kNs;
  Time device_latency = 20 * kNs;
};

struct PrivateCache {
  Bytes size = 256 * 1024;
  Time hit_latency = 3'700;
};

// The other socket's memory, as seen from this one.
struct RemoteNode {
  Time latency = 38 * kNs;
  Rate rate = 102'400'000'000;
  Time cache_latency = 83 * kNs;
  bool directory = false;
};

// Added latency at a share of the DRAM channels' peak rate.
struct LoadPoint {
  Share load = 0;
  Time added = 0;
  bool operator==(const LoadPoint&) const = default;
};

struct Dram {
  Count channels = 3;
  Rate channel_rate = 85'360'000'000;
  Time idle_latency = 67 * kNs;
  Time window = 1 * kUs;
  Count ranks = 2;
  Time refresh_interval = 7'800 * kNs;
  Time refresh_time = 160 * kNs;
  std::vector<LoadPoint> loaded_latency = {
      {0, 0},           {125'000, 2 * kNs},  {250'000, 4 * kNs},  {375'000, 7 * kNs},    {500'000, 10 * kNs},
      {625'000, 15 * kNs}, {750'000, 24 * kNs}, {875'000, 42 * kNs}, {1'000'000, 60 * kNs}};
};

struct Memory {
  Llc llc;
  Count ddio_ways = 2;
  Count stream_parallelism = 8;
  Count prefetch_distance = 0;
  PrivateCache private_cache;
  Dram dram;
  RemoteNode remote;
};

}  // namespace gd::scenario
