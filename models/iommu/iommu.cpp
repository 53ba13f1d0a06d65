#include "models/iommu/iommu.h"

#include <algorithm>
#include <string>
#include <utility>

#include "models/base/error.h"
#include "models/iommu/iommu_impl.h"

namespace gd {
namespace {

[[noreturn]] void refuse(const char* parameter, std::uint64_t value, const char* allowed) {
  throw UserError(std::string("iommu.") + parameter + ": " + std::to_string(value) + " is not possible; allowed: " + allowed);
}

const IommuParams& checked(const IommuParams& p) {
  if (p.page != io_level_size(1) && p.page != io_level_size(2) && p.page != io_level_size(3))
    refuse("page", p.page, "4 KiB, 2 MiB, 1 GiB");
  if (p.iotlb_entries < 1 || p.iotlb_entries > 65536) refuse("iotlb_entries", p.iotlb_entries, "1 to 65536");
  if (p.walk_cache_entries < 1 || p.walk_cache_entries > 65536)
    refuse("walk_cache_entries", p.walk_cache_entries, "1 to 65536");
  if (p.walkers < 1 || p.walkers > 64) refuse("walkers", p.walkers, "1 to 64");
  if (p.levels < 4 || p.levels > 5) refuse("levels", p.levels, "4 or 5");
  if (p.cached_levels >= p.levels) refuse("cached_levels", p.cached_levels, "less than iommu.levels");
  if (p.fault_records < 1 || p.fault_records > 256) refuse("faults.records", p.fault_records, "1 to 256");
  if (p.injected_faults > 1'000'000) refuse("faults.injected", p.injected_faults, "at most 1,000,000 parts per million");
  if (p.lazy_batch < 1) refuse("lazy_batch", p.lazy_batch, "1 or more");
  if (p.lazy_timeout <= 0) throw UserError("iommu.lazy_timeout: must be longer than 0");
  if (p.hit_latency < 0 || p.walk_overhead < 0) throw UserError("iommu.hit_latency, iommu.walk_overhead: must not be negative");
  if (p.invalidation_latency < 0 || p.invalidation_interval < 0)
    throw UserError("iommu.invalidation_latency, iommu.invalidation_interval: must not be negative");
  return p;
}

unsigned level_of(Bytes page) {
  unsigned level = 1;
  while (io_level_size(level) < page) ++level;
  return level;
}

// A name whose length the optimiser does not see: GCC 12 warns, falsely, of an overflow where TLM's socket appends to a
// literal of nine letters.
[[gnu::noinline]] const char* hidden(const char* name) {
  asm("" : "+r"(name));
  return name;
}

}  // namespace

Iommu::Impl::Impl(Agenda& a, const IommuParams& p, IommuStats& st, MemorySystem& m, CostBook& costs, std::uint64_t seed)
    : agenda(a),
      memory(m),
      mode(p.mode),
      params(p),
      stats(st),
      iotlb(p.iotlb_entries, seed, "iommu.iotlb"),
      table(m.phys(), p.levels),
      walkers(p.walkers),
      static_level(level_of(p.page)),
      dma_map(costs.get("dma.map")),
      dma_unmap(costs.get("dma.unmap")),
      map_cost(costs.get("iommu.map")),
      unmap_cost(costs.get("iommu.unmap")),
      invalidate_cost(costs.get("iommu.invalidate")),
      flush_cost(costs.get("iommu.flush")),
      invalidation_account(costs.account("iommu.invalidation_wait")) {
  for (unsigned level = 2; level <= p.levels; ++level)
    walk_caches.emplace_back(p.walk_cache_entries, seed, "iommu.walk_cache" + std::to_string(level));
  if (static_level > 1) static_of.assign(ceil_div(m.phys().size(), p.page), kNoAddress);
  if (translates_host()) used_levels[used_level_count++] = 1;
  queue.reserve(p.lazy_batch);
  pieces.reserve(64);
}

Iommu::Iommu(sc_core::sc_module_name name, Agenda& agenda, const IommuParams& params, MemorySystem& memory, CostBook& costs,
             std::uint64_t seed)
    : sc_module(name),
      from_bus("from_bus", *this),
      to_memory(hidden("to_memory")),
      params_(checked(params)),
      impl_(std::make_unique<Impl>(agenda, params_, stats_, memory, costs, seed)),
      fault_rng_(params.fault_seed, "iommu.faults") {}

Iommu::~Iommu() = default;

bool Iommu::Impl::allowed(Iova iova, Bytes len, std::uint16_t domain) const {
  if (iova < kGuestBase) return (domain == 0 || mode == IommuMode::off) && len <= kGuestBase - iova;
  const std::uint64_t w = (iova - kGuestBase) >> kWindowShift;
  if (w >= windows.size() || windows[w].domain != domain) return false;
  const Bytes offset = iova & (kWindowSize - 1);
  return offset <= windows[w].size && len <= windows[w].size - offset;
}

void Iommu::Impl::add_piece(Hpa hpa, Bytes length) {
  if (!pieces.empty() && pieces.back().hpa + pieces.back().length == hpa) pieces.back().length += length;
  else pieces.push_back({hpa, length});
}

// A walk reads one entry a level, from below the deepest entry that the walk caches hold to the leaf. The walk caches hold
// entries of the upper levels that point to tables. A walk that needs one which another walk is fetching waits for it,
// without a walker.
Time Iommu::Impl::walk(Iova iova, const IoPageTable::Walk& w, Time now, Time arrival) {
  const unsigned lowest = std::max(w.reached, params.levels - params.cached_levels) + 1;   // that may be cached
  unsigned cached = params.levels + 1;
  for (unsigned l = lowest; l <= params.levels; ++l)
    if (const auto* e = walk_cache(l).find(key(iova, l))) {
      arrival = std::max(arrival, e->ready);
      cached = l;
      break;
    }
  Time service = params.walk_overhead;
  for (unsigned l = cached - 1; l >= w.reached; --l) {
    service += memory.device_read(now, arrival + service, w.entry[l], 8);
    ++stats.walk_reads;
  }
  const Time end = walkers.reserve(now, arrival, service) + service;
  for (unsigned l = lowest; l < cached; ++l) walk_cache(l).insert(key(iova, l)).ready = end;
  return end;
}

bool Iommu::Impl::look_up(Iova iova, Bytes length, Time now, Time arrival, Time& ready, bool& stale) {
  ++stats.lookups;
  fills.settle(arrival, iotlb);
  for (unsigned i = 0; i < used_level_count; ++i) {
    const unsigned level = used_levels[i];
    const auto* e = iotlb.find(key(iova, level));
    if (!e) e = fills.find(key(iova, level));
    if (e) {
      if (e->ready > arrival) ++stats.merged;
      ready = std::max(ready, e->ready);
      stale |= e->stale;
      add_piece(e->target + (iova & (io_level_size(level) - 1)), length);
      return true;
    }
  }
  ++stats.misses;
  const IoPageTable::Walk w = table.walk(iova);
  const Time end = walk(iova, w, now, arrival);
  ready = std::max(ready, end);
  if (!w.mapped) return false;
  fills.add(key(iova, w.reached), w.page, end);
  add_piece(w.page + (iova & (io_level_size(w.reached) - 1)), length);
  return true;
}

Hpa Iommu::Impl::look_up_free(Iova iova, Bytes& contiguous) const {
  const Window& w = windows[(iova - kGuestBase) >> kWindowShift];
  const Bytes offset = iova & (kWindowSize - 1), page = Bytes{1} << w.shift, in_page = offset & (page - 1);
  contiguous = page - in_page;
  return w.pages[offset >> w.shift] + in_page;
}

// VT-d: a fault that finds no free register is lost, and only the first since they were emptied raises the event.
void Iommu::fault(Time at) {
  ++stats_.faults;
  if (fault_records_ == params_.fault_records) {
    ++stats_.faults_unrecorded;
    return;
  }
  if (fault_records_++ != 0 || !fault_sink_) return;
  ++stats_.fault_interrupts;
  fault_sink_->faulted(at);
}

unsigned Iommu::take_fault_records() { return std::exchange(fault_records_, 0u); }

void Iommu::b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  Impl& m = *impl_;
  const Iova address = gp.get_address();
  const Bytes length = gp.get_data_length();
  DmaInfo* info = gp.get_extension<DmaInfo>();
  const bool in_window = address >= kGuestBase;
  const bool permitted = m.allowed(address, length, info ? info->domain : 0);
  const auto pass = [&](Hpa hpa) {   // its bytes lie in a row
    if (info) info->hpa = hpa;
    gp.set_address(hpa);
    to_memory->b_transport(gp, delay);
    gp.set_address(address);
  };
  if (permitted && !in_window && !m.translates_host()) return pass(address);
  const bool priced = m.mode != IommuMode::off;
  if (permitted && !priced && params_.injected_faults == 0 && length != 0) {
    Bytes contiguous = 0;
    const Hpa hpa = m.look_up_free(address, contiguous);
    if (contiguous >= length) return pass(hpa);
  }

  const Time now = m.agenda.now();
  const Time arrival = now + from_sc(delay);
  if (m.mode == IommuMode::lazy) m.expire(arrival);
  Time ready = arrival;
  bool mapped = permitted, stale = false;
  m.pieces.clear();
  for (Bytes done = 0; mapped && done < length;) {
    const Iova at = address + done;
    Bytes part = in_page(at, length - done);
    if (priced) {
      mapped = m.look_up(at, part, now, arrival, ready, stale);
    } else {
      const Hpa hpa = m.look_up_free(at, part);
      part = std::min(part, length - done);
      m.add_piece(hpa, part);
    }
    done += part;
  }
  if (priced && permitted) ready += params_.hit_latency;
  delay = to_sc(ready - now);
  if (mapped && params_.injected_faults && gp.is_write() && !(info && info->timing_only) && (in_window || m.translates_host()) &&
      fault_rng_() % 1'000'000 < params_.injected_faults)
    mapped = false;
  if (!mapped) {
    fault(ready);
    if (info) info->fault = true;
    gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (stale) ++stats_.stale_dma;
  if (m.pieces.empty()) {   // nothing to move
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
    return;
  }

  const Hpa first = m.pieces[0].hpa;
  if (m.pieces.size() == 1) return pass(first);
  unsigned char* const data = gp.get_data_ptr();
  sc_core::sc_time end = delay;
  Bytes done = 0;
  for (const Impl::Piece& piece : m.pieces) {
    gp.set_address(piece.hpa);
    gp.set_data_ptr(data ? data + done : nullptr);
    gp.set_data_length(static_cast<unsigned>(piece.length));
    gp.set_streaming_width(static_cast<unsigned>(piece.length));
    sc_core::sc_time d = delay;
    to_memory->b_transport(gp, d);
    end = std::max(end, d);
    done += piece.length;
    if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) break;
  }
  gp.set_address(address);
  gp.set_data_ptr(data);
  gp.set_data_length(static_cast<unsigned>(length));
  gp.set_streaming_width(static_cast<unsigned>(length));
  if (info) info->hpa = first;
  delay = end;
}

}  // namespace gd
