// The host's side of the IOMMU: map, unmap, invalidation and flush, and the mappings made at set-up.
#include <algorithm>
#include <bit>

#include "models/base/error.h"
#include "models/iommu/iommu_impl.h"

namespace gd {

void Iommu::Impl::map_page(Iova iova, Hpa hpa, unsigned level) {
  table.map(iova, hpa, level);
  if (std::find(used_levels, used_levels + used_level_count, level) == used_levels + used_level_count)
    used_levels[used_level_count++] = level;
}

void Iommu::Impl::flush(Time t) {
  for (const Queued& q : queue) free_run(q.core, q.run, q.order);
  queue.clear();
  iotlb.remove_if(of_host);
  fills.remove_if(of_host);
  drop_walks();
  ++stats.flushes;
  ++stats.invalidations;
  last_flush = t;
}

void Iommu::Impl::expire(Time t) {
  if (queue.empty() || t < oldest + params.lazy_timeout) return;
  owed += queue.size();
  flush(oldest + params.lazy_timeout);
}

void Iommu::Impl::charge_owed(Step& s) {
  expire(s.now());
  if (owed == 0) return;
  s.charge(flush_cost, owed);
  submit(s);
  owed = 0;
}

void Iommu::Impl::drop_walks() {
  for (TranslationCache& c : walk_caches) c.remove_if([](std::uint64_t k) { return of_host(k); });
}

void Iommu::Impl::submit(Step& s) {
  const Time at = s.now();
  Time wait = 0;
  if (params.invalidation_interval > 0) wait = invalidation_queue.reserve(agenda.now(), at, params.invalidation_interval) - at;
  stats.invalidation_wait += wait;
  s.stall(invalidation_account, wait + params.invalidation_latency);
}

Iova Iommu::map(Step& s, Hpa hpa, Bytes len) {
  Impl& m = *impl_;
  require(len > 0, "iommu: a mapping of no bytes");
  s.charge(m.dma_map);
  if (!m.translates_host()) return hpa;
  if (m.mode == IommuMode::lazy) m.charge_owed(s);
  if (m.static_level > 1) {   // a pool that is mapped for good in large pages
    const Hpa first = hpa / params_.page, last = (hpa + len - 1) / params_.page;
    const Iova base = first < m.static_of.size() ? m.static_of[first] : kNoAddress;
    bool kept = base != kNoAddress && last < m.static_of.size();
    for (Hpa p = first; kept && p <= last; ++p) kept = m.static_of[p] == base + (p - first) * params_.page;
    if (kept) return base + hpa % params_.page;
  }
  const Hpa page = align_down(hpa, kPage);
  const std::uint64_t pages = ceil_div(hpa + len - page, kPage);
  const Iova iova = Iova{m.take_run(s.core().index(), IovaAllocator::order(pages))} * kPage;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const Hpa entry = m.table.map(iova + i * kPage, page + i * kPage, 1);
    if (i == 0 || entry % kLine == 0) s.store(m.map_cost.op, entry, 8);   // a table's line holds eight entries
  }
  s.charge(m.map_cost, pages);
  ++stats_.maps;
  return iova + (hpa - page);
}

Iova Iommu::map_pages(Step& s, const Hpa* pages, std::size_t n) {
  Impl& m = *impl_;
  require(n > 0 && m.translates_host(), "iommu: scattered pages are neighbours only where bus addresses are translated");
  s.charge(m.dma_map);
  if (m.mode == IommuMode::lazy) m.charge_owed(s);
  const Iova iova = Iova{m.take_run(s.core().index(), IovaAllocator::order(n))} * kPage;
  for (std::size_t i = 0; i < n; ++i) {
    const Hpa entry = m.table.map(iova + i * kPage, pages[i], 1);
    if (i == 0 || entry % kLine == 0) s.store(m.map_cost.op, entry, 8);
  }
  s.charge(m.map_cost, n);
  ++stats_.maps;
  return iova;
}

void Iommu::unmap(Step& s, Iova iova, Bytes len) {
  Impl& m = *impl_;
  require(len > 0, "iommu: an unmapping of no bytes");
  s.charge(m.dma_unmap);
  if (!m.translates_host()) return;
  const bool lazy = m.mode == IommuMode::lazy;
  if (lazy) m.charge_owed(s);
  if (iova >= kStaticBase) return;   // of a pool that keeps its mapping
  const Iova page = align_down(iova, kPage);
  const std::uint64_t pages = ceil_div(iova + len - page, kPage);
  for (std::uint64_t i = 0; i < pages; ++i) {
    const Iova at = page + i * kPage;
    const Hpa entry = m.table.unmap(at);
    if (i == 0 || entry % kLine == 0) s.store(m.unmap_cost.op, entry, 8);
    if (lazy) {
      if (auto* e = m.iotlb.find(Impl::key(at, 1))) e->stale = true;
      if (auto* e = m.fills.find(Impl::key(at, 1))) e->stale = true;
      continue;
    }
    m.iotlb.remove(Impl::key(at, 1));
    m.fills.remove(Impl::key(at, 1));
  }
  if (!lazy && !params_.invalidation_hint) m.drop_walks();
  s.charge(m.unmap_cost, pages);
  ++stats_.unmaps;
  const auto run = static_cast<std::uint32_t>(page / kPage);
  const unsigned order = IovaAllocator::order(pages);
  if (!lazy) {
    s.charge(m.invalidate_cost);
    m.submit(s);
    ++stats_.invalidations;
    m.free_run(s.core().index(), run, order);
    return;
  }
  if (m.queue.empty()) m.oldest = s.now();
  m.queue.push_back({run, order, s.core().index()});
  if (m.queue.size() >= params_.lazy_batch) {
    s.charge(m.flush_cost, m.queue.size());
    m.submit(s);
    m.flush(s.now());
  }
}

Iova Iommu::map_static(Hpa hpa, Bytes len) {
  Impl& m = *impl_;
  require(len > 0, "iommu: a mapping of no bytes");
  if (!m.translates_host()) return hpa;
  const Bytes size = params_.page;
  const Hpa low = align_down(hpa, size);
  const std::uint64_t pages = ceil_div(hpa + len - low, size);
  if (m.static_level > 1) {
    const Iova base = m.static_of[low / size];
    bool kept = base != kNoAddress;
    for (std::uint64_t i = 0; kept && i < pages; ++i) kept = m.static_of[low / size + i] == base + i * size;
    if (kept) return base + (hpa - low);
  }
  const Iova base = align_up(m.static_next, size);
  require(base + pages * size <= kGuestBase, "iommu: no bus addresses left for static mappings");
  m.static_next = base + pages * size;
  for (std::uint64_t i = 0; i < pages; ++i) {
    m.map_page(base + i * size, low + i * size, m.static_level);
    if (m.static_level > 1) m.static_of[low / size + i] = base + i * size;
  }
  return base + (hpa - low);
}

Iova Iommu::map_guest(const GuestSpace& guest, std::uint16_t domain) {
  Impl& m = *impl_;
  require(domain != 0, "iommu: domain 0 is the host's");
  require(guest.size() <= kWindowSize, "iommu: a guest larger than its window of bus addresses");
  require(m.windows.size() < 512, "iommu: no window left for a guest");
  unsigned level = m.static_level;
  while (level > 1 && io_level_size(level) > guest.backing_page()) --level;
  const Iova base = kGuestBase + m.windows.size() * kWindowSize;
  for (Gpa g = 0; g < guest.size(); g += io_level_size(level)) m.map_page(base + g, guest.translate(g), level);
  Impl::Window w{guest.size(), domain, static_cast<unsigned>(std::countr_zero(guest.backing_page())), {}};
  if (m.mode == IommuMode::off)
    for (Gpa g = 0; g < guest.size(); g += guest.backing_page()) w.pages.push_back(guest.translate(g));
  m.windows.push_back(std::move(w));
  return base;
}

Time Iommu::safe_to_unpin(Time t) const {
  const Impl& m = *impl_;
  if (m.mode != IommuMode::lazy) return t;
  if (m.last_flush >= t) return m.last_flush;
  return (m.queue.empty() ? t : std::min(t, m.oldest)) + params_.lazy_timeout;
}

}  // namespace gd
