// The checked, typed scenario: what the system is built from. Made by load() (loader.h) from JSON text; every key of it
// is a row of the key table (keys.h).
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/base/error.h"
#include "src/scenario/software.h"

namespace gd::scenario {

// Where a value stands: a file with line and column from 1 (columns count bytes), or a command-line argument (line 0,
// `file` is then "--set KEY=VALUE", "--seed", "--strategy"), or nowhere (a default: `file` is empty).
struct Position {
  std::string file;
  unsigned line = 0, column = 0;
  std::string text() const;       // "file:line:col", "--set KEY=VALUE", or "(default)"
};

struct Windows {
  Time warmup = 200 * kUs, measure = 2 * kMs, drain = 2 * kMs;
};

enum class TrafficKind : std::uint8_t { synthetic, pcap, dma_bench };
enum class Protocol : std::uint8_t { udp, tcp };
enum class Arrival : std::uint8_t { paced, poisson, burst };
enum class TcpMode : std::uint8_t { open, closed };
enum class DstMac : std::uint8_t { keep, guest };
enum class DmaOp : std::uint8_t { read, write, read_write, write_read };
enum class Access : std::uint8_t { random, sequential };
enum class CacheState : std::uint8_t { warm, cold };
enum class DmaInterface : std::uint8_t { dma, command };

struct FrameSize {
  Count bytes = 1518;             // with the 4 bytes of FCS
  Count weight = 1;
  bool operator==(const FrameSize&) const = default;
};

struct DmaBench {
  DmaOp op = DmaOp::write;
  Bytes transfer = 64, window = 8192, offset = 0;
  Access access = Access::random;
  CacheState cache = CacheState::warm;
  Count outstanding = 0;          // 0: nic.dma_engine.queue
  DmaInterface interface = DmaInterface::dma;
};

// Shares of frames that are not for a simulated guest alone.
struct ForeignTraffic {
  Share host = 0, other_guest = 0, broadcast = 0, multicast = 0;
  Share total() const { return host + other_guest + broadcast + multicast; }
};

// Shares of synthetic frames that a card cannot cut between transport header and payload.
struct UnsplittableTraffic {
  Share fragments = 0, tunnels = 0, unknown_l4 = 0, long_headers = 0, pure_acks = 0;
  Share total() const { return fragments + tunnels + unknown_l4 + long_headers + pure_acks; }
};

// Shares of frames that come damaged.
struct DamagedTraffic {
  Share runts = 0, giants = 0, bad_fcs = 0, bad_ip_checksum = 0, bad_l4_checksum = 0;
  Share total() const { return runts + giants + bad_fcs + bad_ip_checksum + bad_l4_checksum; }
};

// When the link is down.
struct LinkDown {
  Time length = 0;                // 0: never
  Time at = 0;                    // of the first time, from the link's first coming up
  Time period = 0;                // from one time to the next; 0: once
};

constexpr Count kForever = UINT64_MAX;

struct Traffic {
  TrafficKind kind = TrafficKind::synthetic;
  std::optional<Rate> rate;       // bits per second of frames with FCS, without preamble and gap; absent with pcap: as recorded
  std::optional<Count> frames;    // the run ends after so many
  std::vector<FrameSize> frame_bytes = {{1518, 1}};
  Count flows = 1;
  Protocol protocol = Protocol::tcp;
  Count ip = 4;
  Count vlan = 0;                 // 0: untagged
  Arrival arrival = Arrival::paced;
  Count burst_frames = 32;
  Time burst_gap = 0;             // 0: what makes the average `rate`
  TcpMode tcp = TcpMode::open;
  Bytes tcp_window = 256 * 1024;
  Count tcp_initial_window = 10;  // segments
  Time tcp_rto = 5 * kMs;
  Time tcp_peer_delay = 10 * kUs;
  Count psh_every = 0;            // frames from one PSH to the next; 0: never
  std::string file;               // capture, absolute once loaded
  std::string file_sha256;        // of the capture's bytes
  Count loop = 0;                 // repetitions after the first pass; kForever
  DstMac rewrite_dst_mac = DstMac::keep;
  ForeignTraffic foreign;
  UnsplittableTraffic unsplittable;
  DamagedTraffic errors;
  LinkDown link_down;
  DmaBench dma;                   // keys op, transfer, offset, window, access, cache, outstanding, interface of traffic
};

enum class Consumer : std::uint8_t { guest, host_socket, user_async, host_forward, drop };

// One entry of `strategies`, as text: which strategies and options exist is the caller's knowledge (LoadOptions).
struct StrategyChoice {
  std::string name, label, hazard;
  // In the order of the option table. Sizes are in bytes, times in ps, shares in ppm: "4096", "true", "move".
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<std::string> written;       // the same values as JSON text with units, for the resolved configuration
  // Keys that have another value for this entry alone (rings for equal total buffering); see for_strategy() in loader.h.
  std::vector<std::pair<std::string, std::string>> set;
  Position at;
};

enum class Compare : std::uint8_t { less, less_equal, equal, not_equal, greater_equal, greater };

// METRIC[LABEL]? OP (NUMBER UNIT? | NUMBER * METRIC[LABEL])
struct Expectation {
  std::string text;
  std::string metric, label;              // label "": every strategy that runs
  Compare op = Compare::equal;
  double number = 0;
  std::string unit;                       // as written; "" when none
  std::string other_metric, other_label;  // right side of the second form
  Position at;
};

// What `sweep` varies (sweep.h). Values are JSON text.
struct SweepAxis {
  struct Key {
    std::string key;                      // dotted
    std::vector<std::string> values;
  };
  std::vector<Key> keys;                  // that move together; all have the same number of values
};
// One key whose value is searched instead of swept (sweep_search.h).
enum class Type : std::uint8_t;
struct SweepSearch {
  enum class Aim : std::uint8_t { highest, lowest, crossover };
  std::string key;                        // dotted
  Type type{};                            // of its numbers
  std::uint64_t from = 0, to = 0;         // in the type's base unit; from < to
  std::string precision;                  // as written; "1%" by default
  bool doubling = false;                  // precision "log2": values are from * 2^n
  std::uint64_t step = 0;                 // values are from + n * step; 0: the gap that is left is `relative` of its lower end
  Share relative = 10'000;
  std::uint64_t unit = 1;                 // every value is a multiple of it
  Aim aim = Aim::highest;
  Expectation holds;                      // highest, lowest
  std::string metric;                     // crossover
  std::vector<std::string> between;       // crossover: the first label against each other; empty: of all that run
};
struct Sweep {
  using Exclusion = std::vector<std::pair<std::string, std::string>>;   // key and value: runs that have all of them are left out
  std::vector<SweepAxis> axes;
  std::vector<Exclusion> exclude;
  std::vector<std::uint64_t> seeds;       // these, or
  std::uint64_t seed_count = 0;           // this many from the scenario's on; both empty: the scenario's alone
  std::optional<SweepSearch> search;
  bool empty() const { return axes.empty() && seeds.empty() && seed_count == 0 && !search; }
};

struct PlantedFault {
  std::string kind = "none";      // names of models/base/plant.h, with dashes
  Count frame = 0;
};

struct Debug {
  bool shuffle = false;
  PlantedFault fault;
};

// A file that the scenario read besides itself.
struct InputFile {
  std::string key, path, sha256;          // "traffic.file", absolute path, hex
};

struct Scenario {
  Count version = 1;
  std::string name, description;          // name: default is the file's stem
  Count seed = 1;
  bool all_strategies = true;             // "all"; else `strategies`
  std::vector<StrategyChoice> strategies;
  Windows time;
  Traffic traffic;
  Nic nic;
  Pcie pcie;
  Iommu iommu;
  Memory memory;
  Host host;
  Consumer consumer = Consumer::guest;
  DropConsumer drop;
  UserAsyncConsumer user_async;
  ForwardConsumer forward;
  Vhost vhost;
  Defences defences;
  std::vector<Guest> guests = {Guest{}};
  std::vector<Expectation> expect;
  Sweep sweep;
  Debug debug;
  std::vector<CostEntry> costs;           // profile with overrides, by name
  std::string file;                       // what was loaded ("-": standard input)
  std::vector<InputFile> inputs;
  std::map<std::string, Position, std::less<>> origins;   // dotted path -> where it was set; defaults are absent

  // Where `key` ("nic.ring_size", "guests.0.vlan") was set; for a default the nearest enclosing object's place.
  Position where(std::string_view key) const;
  // A message about `key` in the form of the reader's own, for checks that only the caller can do.
  UserError error(std::string_view key, const std::string& what) const;
};

// Physical memory of one node that a run needs: twice what the host itself uses and every guest on it (one half is handed out by
// the page, the other in one piece); huge backing pages need room to align. Node 0 is never empty. Not of dma-bench.
Bytes memory_of(const Scenario& s, unsigned node);

}  // namespace gd::scenario
