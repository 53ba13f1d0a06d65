#include "models/memory/memory.h"

#include <algorithm>
#include <cstring>

#include "models/base/bytes.h"
#include "models/base/error.h"
#include "models/memory/dram.h"
#include "models/memory/llc.h"
#include "models/memory/memory_line.h"
#include "models/memory/recent.h"
#include "models/memory/streamer.h"
#include "models/ports/dma.h"

namespace gd {

namespace {

DramParams dram_params(const MemoryParams& p) {
  DramParams d;
  d.rate = p.dram_channels * p.dram_channel_rate;
  d.idle = p.dram_idle;
  d.window = p.dram_window;
  for (int i = 0; i < 9; ++i) d.loaded[i] = p.dram_loaded[i];
  d.ranks = p.dram_channels * p.dram_ranks;
  d.refresh_interval = p.dram_refresh_interval;
  d.refresh_time = p.dram_refresh_time;
  return d;
}

// The interconnect is a budget of bytes with a fixed latency.
DramParams interconnect_params(const MemoryParams& p) {
  DramParams d;
  d.rate = p.remote_rate;
  d.idle = p.remote_latency;
  d.window = p.dram_window;
  return d;
}

const MemoryParams& checked(const MemoryParams& p) {
  if (p.stream_parallelism == 0) throw UserError("the memory's stream parallelism is 0; at least 1 is needed");
  return p;
}

constexpr Hpa region_end(Hpa a, Hpa end) { return std::min(end, (a / RecentLines::kRegion + 1) * RecentLines::kRegion); }

constexpr std::uint64_t lines_of(Hpa a, Hpa end) { return (end - 1) / kLine - a / kLine + 1; }

}  // namespace

MemorySystem::MemorySystem(sc_core::sc_module_name module_name, Agenda& agenda, PhysMem& phys, const MemoryParams& params,
                           std::uint64_t seed)
    : sc_module(module_name), socket("socket", *this), agenda_(agenda), phys_(phys), params_(checked(params)),
      by_parallelism_(params.stream_parallelism),
      llc_(std::make_unique<LastLevelCache>(params.llc_size, params.llc_ways, params.ddio_ways, seed)),
      recent_(std::make_unique<RecentLines>(params.private_size / kLine)), dram_(std::make_unique<Dram>(dram_params(params))) {
  if (phys.has_remote()) {
    remote_dram_ = std::make_unique<Dram>(dram_params(params));
  }
  const bool far_cores = params.far_cores_from < RecentLines::kCores;
  if (far_cores) far_llc_ = std::make_unique<LastLevelCache>(params.llc_size, params.llc_ways, params.ddio_ways, seed + 1);
  if (phys.has_remote() || far_cores) interconnect_ = std::make_unique<Dram>(interconnect_params(params));
}

MemorySystem::~MemorySystem() = default;

MemorySystem::Fetch MemorySystem::fetch(Time now, Time at, Hpa a, std::uint64_t lines, Bytes bytes, bool from_far) {
  const bool far = phys_.remote(a);
  Dram& dram = far ? *remote_dram_ : *dram_;
  const Dram::Grant g = dram.access(now, at, bytes);
  Fetch f;
  f.refresh = dram.refresh(at, a, lines);
  f.latency = g.latency + f.refresh;
  f.queue = g.queue;
  if (far != from_far) {
    const Dram::Grant way = interconnect_->access(now, at, bytes);
    f.latency += way.latency;
    f.queue = std::max(f.queue, way.queue);
  }
  return f;
}

Time MemorySystem::wait_for_fills(Hpa a, Bytes len, std::uint16_t who, Time at) {
  Time longest = 0;
  const Hpa end = a + len;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p);
    longest = std::max(longest, RecentLines::pending(recent_->slot(region), region, who, RecentLines::mask(p, stop), at));
  }
  stats_.fill_waits += longest > 0;
  return longest;
}

Time MemorySystem::waited_for(Time beyond, std::uint64_t own, std::uint64_t lines, std::uint64_t demanded, Touch how) const {
  const Time kept = static_cast<Time>(own) * params_.private_hit;
  if (lines == 0 || !prefetched(how)) return waited(kept + beyond, how);
  return waited(kept, how) + streamed(beyond, lines, demanded, params_.private_hit, params_.stream_parallelism, params_.prefetch_distance);
}

// The lines [a, end) of one region, which the core has not all got, are looked for in the last-level cache, and are its own then.
inline void MemorySystem::look(Met& met, RecentLines::Entry& e, std::uint32_t region, std::uint32_t want, Time at, Hpa a, Hpa end, Touch how,
                               std::uint16_t who) {
  const bool writes = how == Touch::store || how == Touch::stream_store;
  const auto lines = static_cast<std::uint32_t>(lines_of(a, end));
  met.wait = std::max(met.wait, RecentLines::pending(e, region, who, want, at));
  const LastLevelCache::Walk w = llc_->cpu(a, end - a, writes);
  met.misses += w.misses;
  met.write_backs += w.write_backs;
  if (prefetched(how)) met.demanded += lines_on_demand(*recent_, e, a, who, lines);
  recent_->touch(e, region, who, want, lines, writes);
  met.lines += lines;
}

// What a core waits for the lines that it has met; `ready`: when the last of those has come that were fetched, if any were.
inline __attribute__((always_inline)) Time MemorySystem::price(const Met& met, Time at, Hpa a, Touch how, bool guest, Time& ready) {
  stats_.lookups += met.lines;
  stats_.cpu_hits += met.lines - met.misses;
  stats_.fill_waits += met.wait > 0;
  Time beyond = static_cast<Time>(met.lines) * params_.llc_hit, queue = 0;
  if (met.misses > 0) {
    stats_.cpu_misses += met.misses;
    if (guest) stats_.guest_misses += met.misses;
    stats_.dram_read_bytes += met.misses * kLine;     // a store that misses fetches its line as well
    stats_.dram_write_bytes += met.write_backs * kLine;
    const Fetch f = fetch(agenda_.now(), at, a, met.misses, (met.misses + met.write_backs) * kLine);
    beyond += static_cast<Time>(met.misses) * (f.latency - f.refresh) + f.refresh;
    queue = f.queue;
    // Who comes from elsewhere finds the last line when all have come.
    ready = at + params_.llc_hit + f.latency + f.queue + dram_->transfer((met.misses - 1) * kLine);
  }
  return std::max(waited_for(beyond, met.own, met.lines, met.demanded, how) + queue, met.wait);
}

Time MemorySystem::one_line(Time at, Hpa a, bool writes, bool guest, unsigned core) {
  return cpu_line([at] { return at; }, a, writes, guest, core);
}

Time MemorySystem::line_missed(RecentLines::Entry& e, bool wrote_back, Time wait, Time at, Hpa a, Touch how, bool guest) {
  Time ready = 0;
  const Time stall = price({0, 1, 0, 1, wrote_back, wait}, at, a, how, guest, ready);
  e.ready = std::max(e.ready, ready);
  return stall;
}

Time MemorySystem::cpu(Time at, Hpa a, Bytes len, Touch how, bool guest, unsigned core) {
  if (len == 0) return 0;
  const bool writes = how == Touch::store || how == Touch::stream_store;
  const auto who = static_cast<std::uint16_t>(core);
  const Hpa end = a + len;
  if ((how == Touch::load || how == Touch::store) && lines_of(a, end) == 1) return one_line(at, a, writes, guest, core);
  if (far_llc_) return cpu_of_two(at, a, len, how, guest, core);
  Met met;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p), want = RecentLines::mask(p, stop);
    RecentLines::Entry& e = recent_->slot(region);
    if (recent_->holds(e, region, who, want, writes)) met.own += lines_of(p, stop);
    else look(met, e, region, want, at, p, stop, how, who);
  }
  stats_.private_hits += met.own;
  if (met.lines == 0) return waited(static_cast<Time>(met.own) * params_.private_hit, how);
  Time ready = 0;
  const Time stall = price(met, at, a, how, guest, ready);
  for (Hpa p = a, stop; ready > 0 && p < end; p = stop) {
    stop = region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p);
    RecentLines::Entry& e = recent_->slot(region);
    if (e.region == region) e.ready = std::max(e.ready, ready);
  }
  return stall;
}

Time MemorySystem::device_write(Time now, Time at, Hpa a, Bytes len) {
  if (len == 0) return 0;
  // A line that is being filled takes the bytes when it has come; no core's private copy survives.
  Time wait = 0;
  const Hpa end = a + len;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p), gone = RecentLines::mask(p, stop);
    RecentLines::Entry& e = recent_->slot(region);
    if (e.region != region) continue;
    wait = std::max(wait, RecentLines::pending(e, region, RecentLines::kNobody, gone, at));
    RecentLines::invalidate(e, region, gone);
  }
  stats_.fill_waits += wait > 0;
  if (far_llc_ && taken_from_far(a, len)) wait = std::max(wait, params_.llc_device + cross(at, kLine, nullptr));
  const bool far = phys_.remote(a);
  const LastLevelCache::Walk w = far ? llc_->device_invalidate(a, len) : llc_->device_write(a, len);
  stats_.lookups += w.lines;
  if (far || params_.ddio_ways == 0) {
    stats_.ddio_bypassed += w.lines;
    stats_.dram_write_bytes += w.lines * kLine;
    return std::max(wait, params_.llc_device + fetch(now, at, a, w.lines, w.lines * kLine).queue);
  }
  stats_.ddio_hits += w.lines - w.misses;
  stats_.ddio_allocs += w.misses;
  if (w.misses == 0) return std::max(wait, params_.llc_device);
  // Full lines are allocated without a fetch; a first or last line written in part is completed from DRAM.
  const bool head = a % kLine != 0 && w.first_missed, tail = end % kLine != 0 && w.last_missed;
  const unsigned fetched = w.lines == 1 ? head || tail : head + tail;
  const Bytes bytes = (w.write_backs + fetched) * kLine;
  Time t = params_.llc_device;
  if (bytes) {
    stats_.dram_read_bytes += fetched * kLine;
    stats_.dram_write_bytes += w.write_backs * kLine;
    const Hpa partial = head ? a : end - 1;
    const Fetch f = fetch(now, at, partial, 1, bytes);
    t += f.queue;
    if (fetched) {
      t += f.latency;
      if (head) recent_->fill(a, at + t);
      if (tail) recent_->fill(end - 1, at + t);
    }
  }
  return std::max(wait, t);
}

Time MemorySystem::device_read(Time now, Time at, Hpa a, Bytes len) {
  if (len == 0) return 0;
  std::uint64_t lines = lines_of(a, a + len), misses = lines;
  Time wait = 0;
  if (!phys_.remote(a)) {
    const LastLevelCache::Walk w = llc_->device_read(a, len);
    stats_.lookups += lines;
    misses = w.misses;
    wait = wait_for_fills(a, len, RecentLines::kNobody, at);
  }
  Time t = params_.llc_device;
  if (far_llc_ && misses) {
    if (const std::uint64_t held = far_held(a, len)) {
      Time queue = 0;
      t += cross(at, held * kLine, &queue) + queue;
      misses -= held;
    }
  }
  stats_.device_read_hits += lines - misses;
  stats_.device_read_misses += misses;
  if (misses) {
    stats_.dram_read_bytes += misses * kLine;
    const Fetch f = fetch(now, at, a, misses, misses * kLine);
    t += f.latency + f.queue + dram_->transfer((misses - 1) * kLine);
  }
  return std::max(wait, t);
}

void MemorySystem::b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  DmaInfo* info = gp.get_extension<DmaInfo>();
  const Hpa a = gp.get_address();
  const Bytes len = gp.get_data_length();
  if (!phys_.contains(a, len)) {
    if (info) info->fault = true;
    gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (gp.get_byte_enable_ptr()) {
    gp.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  if (info) info->hpa = a;
  const bool moves = !(info && info->timing_only) && len > 0;
  const Time now = agenda_.now(), at = now + from_sc(delay);
  Time t = 0;
  if (gp.is_write()) {
    if (moves) {
      recent_->fetch_ahead(a);
      fetch_ahead(phys_.at(a), len);
    }
    t = device_write(now, at, a, len);
    if (moves) std::memcpy(phys_.at(a), gp.get_data_ptr(), len);
  } else if (gp.is_read()) {
    t = device_read(now, at, a, len);
    if (moves) std::memcpy(gp.get_data_ptr(), phys_.at(a), len);
  }
  delay += to_sc(t);
  gp.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace gd
