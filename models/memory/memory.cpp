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

Time MemorySystem::queue(Time now, Time at, Hpa a, Bytes bytes) {
  if (!phys_.remote(a)) [[likely]] return dram_->charge(now, at, bytes);
  return std::max(remote_dram_->charge(now, at, bytes), interconnect_->charge(now, at, bytes));
}

Time MemorySystem::wait_for_fills(Hpa a, Bytes len, std::uint16_t who, Time at) {
  Time longest = 0;
  const Hpa end = a + len;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = RecentLines::region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p);
    longest = std::max(longest, RecentLines::pending(recent_->slot(region), region, who, RecentLines::mask(p, stop), at));
  }
  stats_.fill_waits += longest > 0;
  return longest;
}

Time MemorySystem::streamed_for(Time beyond, Time kept, std::uint64_t lines, std::uint64_t demanded, Touch how) const {
  return waited(kept, how) + streamed(beyond, lines, demanded, params_.private_hit, params_.stream_parallelism, params_.prefetch_distance);
}

// The `lines` lines of [a, end), all of one region, which the core has not all got, are looked for in the last-level cache, and are
// its own then.
inline __attribute__((always_inline)) void MemorySystem::look(Met& met, RecentLines::Entry& e, std::uint32_t region, std::uint32_t want,
                                                              std::uint32_t lines, Time at, Hpa a, Hpa end, Touch how, std::uint16_t who) {
  const bool writes = how == Touch::store || how == Touch::stream_store;
  met.wait = std::max(met.wait, RecentLines::pending(e, region, who, want, at));
  const LastLevelCache::Met there = llc_->cpu(a, end - a, writes);
  met.misses += there.misses;
  met.write_backs += there.write_backs;
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

Time MemorySystem::price_called(const Met& met, Time at, Hpa a, Touch how, bool guest, Time& ready) { return price(met, at, a, how, guest, ready); }

Time MemorySystem::line_missed(RecentLines::Entry& e, bool wrote_back, Time wait, Time at, Hpa a, Touch how, bool guest) {
  Time ready = 0;
  const Time stall = price_called({0, 1, 0, 1, wrote_back, wait}, at, a, how, guest, ready);
  e.ready = std::max(e.ready, ready);
  return stall;
}

Time MemorySystem::cpu(Time at, Hpa a, Bytes len, Touch how, bool guest, unsigned core) {
  if (len == 0) return 0;
  const bool writes = how == Touch::store || how == Touch::stream_store;
  const auto who = static_cast<std::uint16_t>(core);
  const Hpa end = a + len;
  const std::uint32_t region = RecentLines::region_of(a);
  if (far_llc_) return cpu_of_two(at, a, len, how, guest, core);
  if (region != RecentLines::region_of(end - 1)) return cpu_of_regions(at, a, end, how, guest, who);
  const auto lines = static_cast<std::uint32_t>(lines_of(a, end));
  if (lines == 1 && (how == Touch::load || how == Touch::store)) return one_line(at, a, writes, guest, core);
  const std::uint32_t want = RecentLines::lines_from(a, lines);
  RecentLines::Entry& e = recent_->slot(region);
  if (recent_->holds(e, region, who, want, writes)) {
    stats_.private_hits += lines;
    return waited(static_cast<Time>(lines) * params_.private_hit, how);
  }
  Met met;
  look(met, e, region, want, lines, at, a, end, how, who);
  Time ready = 0;
  const Time stall = price(met, at, a, how, guest, ready);
  e.ready = std::max(e.ready, ready);
  return stall;
}

Time MemorySystem::cpu_of_regions(Time at, Hpa a, Hpa end, Touch how, bool guest, std::uint16_t who) {
  const bool writes = how == Touch::store || how == Touch::stream_store;
  Met met;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = RecentLines::region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p);
    const auto lines = static_cast<std::uint32_t>(lines_of(p, stop)), want = RecentLines::lines_from(p, lines);
    RecentLines::Entry& e = recent_->slot(region);
    if (recent_->holds(e, region, who, want, writes)) met.own += lines;
    else look(met, e, region, want, lines, at, p, stop, how, who);
  }
  stats_.private_hits += met.own;
  if (met.lines == 0) return waited(static_cast<Time>(met.own) * params_.private_hit, how);
  Time ready = 0;
  const Time stall = price_called(met, at, a, how, guest, ready);
  for (Hpa p = a, stop; ready > 0 && p < end; p = stop) {
    stop = RecentLines::region_end(p, end);
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
    stop = RecentLines::region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p), gone = RecentLines::mask(p, stop);
    RecentLines::Entry& e = recent_->slot(region);
    if (e.region != region) continue;
    wait = std::max(wait, RecentLines::pending(e, region, RecentLines::kNobody, gone, at));
    RecentLines::invalidate(e, region, gone);
  }
  stats_.fill_waits += wait > 0;
  if (far_llc_ && taken_from_far(a, len)) wait = std::max(wait, params_.llc_device + cross(at, kLine, nullptr));
  const std::uint64_t lines = lines_of(a, end);
  stats_.lookups += lines;
  if (params_.ddio_ways == 0 || phys_.remote(a)) {
    llc_->device_invalidate(a, len);
    stats_.ddio_bypassed += lines;
    stats_.dram_write_bytes += lines * kLine;
    return std::max(wait, params_.llc_device + queue(now, at, a, lines * kLine));
  }
  // Full lines are allocated without a fetch; a first or last line written in part, and not there, is completed from DRAM.
  const bool head = a % kLine != 0 && !llc_->holds(a), tail = end % kLine != 0 && !llc_->holds(end - 1);
  const LastLevelCache::Met met = llc_->device_write(a, len);
  stats_.ddio_hits += lines - met.misses;
  stats_.ddio_allocs += met.misses;
  if (met.misses == 0) return std::max(wait, params_.llc_device);
  const unsigned fetched = lines == 1 ? head || tail : head + tail;
  const Bytes bytes = (met.write_backs + fetched) * kLine;
  stats_.dram_read_bytes += fetched * kLine;
  stats_.dram_write_bytes += met.write_backs * kLine;
  Time t = params_.llc_device;
  if (fetched) {
    const Fetch f = fetch(now, at, head ? a : end - 1, 1, bytes);
    t += f.queue + f.latency;
    if (head) recent_->fill(a, at + t);
    if (tail) recent_->fill(end - 1, at + t);
  } else if (bytes) {
    t += queue(now, at, end - 1, bytes);
  }
  return std::max(wait, t);
}

Time MemorySystem::device_read(Time now, Time at, Hpa a, Bytes len) {
  if (len == 0) return 0;
  std::uint64_t lines = lines_of(a, a + len), misses = lines;
  Time wait = 0;
  if (!phys_.remote(a)) {
    stats_.lookups += lines;
    misses = llc_->device_read(a, len).misses;
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
    if (moves) phys_.write(a, gp.get_data_ptr(), len);
  } else if (gp.is_read()) {
    t = device_read(now, at, a, len);
    if (moves) phys_.read(a, gp.get_data_ptr(), len);
  }
  delay += to_sc(t);
  gp.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace gd
