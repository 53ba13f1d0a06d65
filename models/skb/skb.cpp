#include "models/skb/skb.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "models/base/error.h"

namespace gd {

namespace {

// Takes the first `n` bytes off the skb's front; buffers of fragments that become empty stay as zero-length fragments.
void skip(Skb& skb, std::uint32_t n) {
  const std::uint32_t linear = n < skb.head.length ? n : skb.head.length;
  skb.head.addr += linear;
  skb.head.length -= linear;
  n -= linear;
  for (unsigned i = 0; i < skb.nr_frags && n; ++i) {
    const std::uint32_t part = n < skb.frags[i].length ? n : skb.frags[i].length;
    skb.frags[i].addr += part;
    skb.frags[i].length -= part;
    n -= part;
  }
}

}  // namespace

SkbPool::SkbPool(PhysMem& memory, Ownership& ownership, Iommu& iommu, CostBook& costs, std::uint32_t capacity)
    : memory_(memory), ownership_(ownership), iommu_(iommu), alloc_(costs.get("skb.alloc")), free_(costs.get("skb.free")),
      shell_(costs.get("skb.recycle_shell")) {
  grow(capacity);
}

void SkbPool::grow(std::uint32_t n) {
  Slab& slab = slabs_.emplace_back();
  slab.skbs.reserve(n);
  slab.base = memory_.alloc_contiguous(kEach * n, kPage);
  slab.iova = iommu_.map_static(slab.base, kEach * n);
  slab.buffers.resize(n);
  for (std::uint32_t i = n; i-- > 0;)
    slab.buffers[i] = ownership_.add(slab.base + kEach * i + Skb::kStruct, Skb::kSlab, Owner::host, Ownership::Home::host);
}

// One that nobody has had yet.
Skb* SkbPool::make() {
  if (slabs_.back().skbs.size() == slabs_.back().buffers.size()) grow(1024);
  Slab& slab = slabs_.back();
  const std::size_t i = slab.skbs.size();
  Skb& skb = slab.skbs.emplace_back();
  skb.struct_addr = slab.base + kEach * i;
  skb.slab_addr = skb.struct_addr + Skb::kStruct;
  skb.slab_iova = slab.iova + kEach * i + Skb::kStruct;
  skb.slab_buffer = slab.buffers[i];
  return &skb;
}

void SkbPool::reset(Skb& skb) {
  new (static_cast<SkbFields*>(&skb)) SkbFields;   // in place: assigned, it would be made elsewhere and copied
  skb.head.token = kNoToken;
}

Skb* SkbPool::alloc(Step& s) {
  Skb* skb = nullptr;
  if (free_list_.empty()) {
    skb = make();
  } else {
    skb = free_list_.back();
    free_list_.pop_back();
  }
  reset(*skb);
  if (++in_use_ > peak_) peak_ = in_use_;
  s.charge(alloc_);
  s.store(alloc_.op, skb->struct_addr, kLine);
  return skb;
}

void SkbPool::put(Step& s, Skb* skb) {
  if (ownership_.owner(skb->slab_buffer) != Owner::host)
    ownership_.move(skb->slab_buffer, Owner::skb, Owner::host, s.now(), "skb freed");
  free_list_.push_back(skb);
  --in_use_;
}

void SkbPool::free(Step& s, Skb* skb) {
  for (Skb* m = skb->list; m;) {
    Skb* next = m->next;
    s.charge(free_);
    put(s, m);
    m = next;
  }
  s.charge(free_);
  put(s, skb);
}

void SkbPool::free_shell(Step& s, Skb* skb) {
  s.charge(shell_);
  put(s, skb);
}

Skb* SkbPool::get_frags(Step& s, Skb*& spare) {
  Skb* skb = std::exchange(spare, nullptr);
  return skb ? skb : alloc(s);
}

void SkbPool::reuse(Step& s, Skb* skb, Skb*& spare) {
  if (spare) return free_shell(s, skb);
  s.charge(shell_);
  reset(*skb);
  spare = skb;
}

void SkbPool::pull(Step& s, Skb& skb, std::uint32_t n, const Cost& copy, Emptied& emptied, PullBug bug) {
  n = std::min({n, skb.length, static_cast<std::uint32_t>(Skb::kSlab)});
  if (n <= skb.head.length || skb.head_is_page) return;
  if (skb.head.length == 0) skb.head = {skb.slab_addr, 0, kNoToken};
  require(skb.head.addr == skb.slab_addr, "bytes are pulled behind a linear part that lies in a receive buffer");
  while (skb.head.length < n) {
    require(skb.nr_frags > 0, "an skb is longer than its linear part and its fragments");
    Frag& f = skb.frags[0];
    const std::uint32_t part = std::min(n - skb.head.length, f.length);
    if (part) s.copy(copy, skb.head.addr + skb.head.length, f.addr, part);
    skb.head.length += part;
    skb.pulled = static_cast<std::uint16_t>(skb.pulled + part);
    f.addr += part;
    f.length -= part;
    if (f.length > 0) continue;
    emptied.frags[emptied.count++] = f;
    --skb.nr_frags;
    if (bug == PullBug::shift_bytes) return shift_bytes(s, skb);
    std::copy_n(skb.frags + 1, skb.nr_frags, skb.frags);
  }
}

void SkbPool::shift_bytes(Step& s, Skb& skb) {
  const unsigned n = skb.nr_frags;
  Frag wanted[kMaxSkbFrags2635];
  std::copy_n(skb.frags + 1, n, wanted);
  std::memmove(static_cast<void*>(skb.frags), skb.frags + 1, n);   // n bytes of n descriptors
  const auto same = [](const Frag& a, const Frag& b) { return a.addr == b.addr && a.length == b.length && a.token == b.token; };
  std::uint32_t there = 0;   // bit i: wanted[i] is in the array
  for (unsigned i = 0; i < n; ++i) {
    Frag& f = skb.frags[i];
    const Frag* const w = std::find_if(wanted, wanted + n, [&](const Frag& x) { return same(x, f); });
    const std::uint32_t bit = 1u << (w - wanted);
    if (w == wanted + n || (there & bit)) f = {f.addr, 0, kNoToken};   // points nowhere, or a second time at one buffer
    else there |= bit;
  }
  for (unsigned i = 0; i < n; ++i) {
    if (there >> i & 1) continue;
    skb.broken = true;
    ownership_.violation(ownership_.find(wanted[i].addr), s.now(),
                         "fragment " + std::to_string(i + 1) + " of " + std::to_string(n) + " (" + std::to_string(wanted[i].length) +
                             " bytes) was lost when a pull had emptied the fragment before: the array was moved down by " +
                             std::to_string(n) + " bytes instead of " + std::to_string(n) + " descriptors");
  }
}

void SkbPool::post_head(Step& s, Skb* skb) {
  ownership_.move(skb->slab_buffer, Owner::host, Owner::posted, s.now(), "header buffer posted");
}

void SkbPool::take_head(Step& s, Skb* skb, bool written) {
  // A DMA that was blocked half way may have touched a buffer of which the write-back says nothing.
  const bool touched = written || ownership_.owner(skb->slab_buffer) == Owner::in_flight;
  ownership_.move(skb->slab_buffer, touched ? Owner::in_flight : Owner::posted, Owner::skb, s.now(), "header buffer taken");
}

Skb* SkbPool::lift_head(Step& s, Skb& p, Hpa headers, std::uint32_t n, const Cost& copy) {
  Skb* head = alloc(s);
  s.copy(copy, head->slab_addr, headers, n);
  head->head = {head->slab_addr, n, kNoToken};
  head->length = p.length;
  head->checksum = p.checksum;
  head->take_hash(p);
  head->path = p.path;
  std::swap(head->frames, p.frames);
  skip(p, n);
  p.length -= n;
  p.next = nullptr;
  head->list = head->list_tail = &p;
  return head;
}

bool open_head(Step& s, Skb& skb, std::uint32_t headers, std::uint32_t by, const Cost& copy) {
  if (skb.head.length < headers || by > Skb::kHeadroom) return false;
  const bool in_slab = skb.head.token == kNoToken && skb.head.addr >= skb.slab_addr && skb.head.addr < skb.slab_addr + Skb::kSlab;
  if (!in_slab) {
    if (skb.nr_frags == kMaxSkbFrags || Skb::kHeadroom + headers > Skb::kSlab) return false;
    s.copy(copy, skb.slab_addr + Skb::kHeadroom, skb.head.addr, headers);
    for (unsigned i = skb.nr_frags++; i > 0; --i) skb.frags[i] = skb.frags[i - 1];
    skb.frags[0] = {skb.head.addr + headers, skb.head.length - headers, skb.head.token};
    skb.head = {skb.slab_addr + Skb::kHeadroom, headers, kNoToken};
    skb.head_is_page = false;
  } else if (skb.head.addr - skb.slab_addr < by) {
    if (Skb::kHeadroom + skb.head.length > Skb::kSlab) return false;
    s.copy(copy, skb.slab_addr + Skb::kHeadroom, skb.head.addr, skb.head.length);
    skb.head.addr = skb.slab_addr + Skb::kHeadroom;
  }
  skb.head.addr -= by;
  skb.head.length += by;
  skb.length += by;
  return true;
}

unsigned merge_payload(Skb& to, Skb& from, std::uint32_t header, bool* shell, bool linux_2_6_35) {
  Skb& tail = to.list_tail ? *to.list_tail : to;
  const std::uint32_t payload = from.length - header;
  to.length += payload;
  const bool linear_payload = from.head.length > header;
  const unsigned extra = linear_payload ? 1 : 0;
  const unsigned most = linux_2_6_35 ? kMaxSkbFrags2635 : kMaxSkbFrags;
  const bool as_frags = linux_2_6_35 ? !linear_payload && !to.list : !linear_payload || from.head_is_page;
  if (as_frags && tail.nr_frags + from.nr_frags + extra <= most) {
    require(linear_payload || from.head.token == kNoToken, "a merged skb's header page has nobody to give it back");
    if (&tail != &to) tail.length += payload;
    skip(from, header);
    unsigned moved = 0;
    if (linear_payload) {
      tail.frags[tail.nr_frags++] = from.head;
      ++moved;
    }
    for (unsigned i = 0; i < from.nr_frags; ++i, ++moved) tail.frags[tail.nr_frags++] = from.frags[i];
    *shell = true;
    return moved;
  }
  skip(from, header);
  from.length = payload;
  from.next = nullptr;
  if (!to.list)
    to.list = &from;
  else
    to.list_tail->next = &from;
  to.list_tail = &from;
  *shell = false;
  return 0;
}

bool can_merge_2635(const Skb& to, const Skb& from, std::uint32_t header) {
  if (to.list) return true;
  if (from.head.length > header) return true;
  return to.nr_frags + from.nr_frags <= kMaxSkbFrags2635;
}

}  // namespace gd
