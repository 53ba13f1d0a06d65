#include "models/memory/memory.h"

#include <cstring>

#include "models/base/error.h"
#include "models/memory/dram.h"
#include "models/memory/llc.h"
#include "models/ports/dma.h"

namespace gd {

namespace {

DramParams dram_params(const MemoryParams& p) {
  DramParams d;
  d.rate = p.dram_channels * p.dram_channel_rate;
  d.idle = p.dram_idle;
  d.window = p.dram_window;
  for (int i = 0; i < 9; ++i) d.loaded[i] = p.dram_loaded[i];
  return d;
}

const MemoryParams& checked(const MemoryParams& p) {
  if (p.stream_parallelism == 0) throw UserError("the memory's stream parallelism is 0; at least 1 is needed");
  return p;
}

}  // namespace

MemorySystem::MemorySystem(sc_core::sc_module_name module_name, Agenda& agenda, PhysMem& phys, const MemoryParams& params,
                           std::uint64_t seed)
    : sc_module(module_name), socket("socket"), agenda_(agenda), phys_(phys), params_(checked(params)),
      llc_(std::make_unique<LastLevelCache>(params.llc_size, params.llc_ways, params.ddio_ways, seed)),
      dram_(std::make_unique<Dram>(dram_params(params))) {
  socket.register_b_transport(this, &MemorySystem::b_transport);
}

MemorySystem::~MemorySystem() = default;

Time MemorySystem::cpu(Time at, Hpa a, Bytes len, Touch how, bool guest) {
  if (len == 0) return 0;
  const bool writes = how == Touch::store || how == Touch::stream_store;
  const LastLevelCache::Walk w = llc_->cpu(a, len, writes);
  stats_.lookups += w.lines;
  stats_.cpu_hits += w.lines - w.misses;
  stats_.cpu_misses += w.misses;
  Time stall = w.lines * params_.llc_hit, queue = 0;
  if (w.misses) {
    if (guest) stats_.guest_misses += w.misses;
    stats_.dram_read_bytes += w.misses * kLine;     // a store that misses fetches its line as well
    stats_.dram_write_bytes += w.write_backs * kLine;
    const Dram::Grant g = dram_->access(agenda_.now(), at, (w.misses + w.write_backs) * kLine);
    stall += w.misses * g.latency;
    queue = g.queue;
  }
  switch (how) {
    case Touch::load: break;
    case Touch::store: stall /= 2; break;
    case Touch::stream_load:
    case Touch::stream_store: stall /= params_.stream_parallelism; break;
  }
  return stall + queue;
}

Time MemorySystem::device_write(Time now, Time at, Hpa a, Bytes len) {
  if (len == 0) return 0;
  const LastLevelCache::Walk w = llc_->device_write(a, len);
  stats_.lookups += w.lines;
  if (params_.ddio_ways == 0) {
    stats_.ddio_bypassed += w.lines;
    stats_.dram_write_bytes += w.lines * kLine;
    return params_.llc_device + dram_->access(now, at, w.lines * kLine).queue;
  }
  stats_.ddio_hits += w.lines - w.misses;
  stats_.ddio_allocs += w.misses;
  if (w.misses == 0) return params_.llc_device;
  // Full lines are allocated without a fetch; a first or last line written in part is completed from DRAM.
  const bool head = a % kLine != 0, tail = (a + len) % kLine != 0;
  unsigned fetched = 0;
  if (w.lines == 1) {
    fetched = (head || tail) && w.first_missed;
  } else {
    fetched = (head && w.first_missed) + (tail && w.last_missed);
  }
  const Bytes bytes = (w.write_backs + fetched) * kLine;
  Time t = params_.llc_device;
  if (bytes) {
    stats_.dram_read_bytes += fetched * kLine;
    stats_.dram_write_bytes += w.write_backs * kLine;
    const Dram::Grant g = dram_->access(now, at, bytes);
    t += g.queue;
    if (fetched) t += g.latency;
  }
  return t;
}

Time MemorySystem::device_read(Time now, Time at, Hpa a, Bytes len) {
  if (len == 0) return 0;
  const LastLevelCache::Walk w = llc_->device_read(a, len);
  stats_.lookups += w.lines;
  stats_.device_read_hits += w.lines - w.misses;
  stats_.device_read_misses += w.misses;
  Time t = params_.llc_device;
  if (w.misses) {
    stats_.dram_read_bytes += w.misses * kLine;
    const Dram::Grant g = dram_->access(now, at, w.misses * kLine);
    t += g.latency + g.queue + dram_->transfer((w.misses - 1) * kLine);
  }
  return t;
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
