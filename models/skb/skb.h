// sk_buff: the host's packet. A linear part (head), page fragments, and a list of further skbs, as Linux has them.
//
// Modelled: the geometry (which bytes lie where, 17 or 18 fragments, frag_list), the struct and its slab memory as addresses
// that the cache sees, checksum and GSO state. Not modelled: clones, socket accounting.
// Source: include/linux/skbuff.h and net/core/gro.c of Linux 6.x, net/core/dev.c of 2.6.35.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/costs.h"
#include "models/base/units.h"
#include "models/cpu/core.h"
#include "models/iommu/iommu.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"
#include "models/ports/frame.h"

namespace gd {

class RxPath;   // models/buffers: whose buffers a packet holds

// MAX_SKB_FRAGS with 4 KiB pages: 64 KiB and one page more in Linux 6.x, two more in 2.6.35.
constexpr unsigned kMaxSkbFrags = 17, kMaxSkbFrags2635 = 18;

// A run of bytes of a packet and the buffer that holds them.
struct Frag {
  Hpa addr = 0;
  std::uint32_t length = 0;
  std::uint32_t token = 0;        // the strategy's name for the buffer; kNoToken: no buffer to give back
};
constexpr std::uint32_t kNoToken = UINT32_MAX;

enum class Checksum : std::uint8_t {
  none,          // nobody has looked: software must sum
  unnecessary,   // verified by the NIC (or by software on the way)
  partial,       // field holds the pseudo-header sum; csum_start and csum_offset say where to complete
  bad            // the NIC found it wrong; handed up for the stack to judge
};

struct Skb;

// What is cleared when an sk_buff is allocated. Its fragments need not be, and where its memory lies stays.
struct SkbFields {
  Frag head;                       // linear part; length 0 when the packet is in fragments only
  std::uint8_t nr_frags = 0;
  bool head_is_page = false;       // the linear part lies in a buffer of the ring (build_skb), not in the skb's own slab
  Checksum checksum = Checksum::none;
  bool delivered = false;          // its buffers belong to the consumer already
  bool host_pages = false;         // lies, at least in part, in pages of the host because its receiver had none: is copied to it
  bool broken = false;             // a fragment descriptor was lost (PullBug): its bytes can be handed to nobody
  std::uint16_t pulled = 0;        // bytes that were copied from the fragments into the linear part
  Hpa snapshot = 0;                // copy in host memory of the packet's first bytes, which the host parses in their place; 0: none
  std::uint16_t snapshot_length = 0;
  bool returned = false;           // the host kept the packet: its frames have ended, its buffers go back to the guest unused
  std::uint32_t kept = kNoToken;   // the first buffer that a pull has emptied and that its path keeps for the hand-over
  std::uint8_t gso_type = 0;       // virtio_net_hdr GSO type, 0 none
  std::uint16_t gso_size = 0, gso_segments = 0, csum_start = 0, csum_offset = 0, header_length = 0;
  bool gso_accecn = false;         // merged TCP frames carried CWR, each (SKB_GSO_TCP_ACCECN)
  bool gso_fixed_id = false;       // merged IPv4 frames had one id (SKB_GSO_TCP_FIXEDID)
  std::uint16_t vlan = 0;
  bool vlan_present = false;
  std::uint32_t hash = 0;
  std::uint8_t hash_type = 0;      // what it was computed over, as the NIC's descriptor says
  // Both, as the card gave them for `from`, of which this is a copy or a part.
  void take_hash(const SkbFields& from) { hash = from.hash, hash_type = from.hash_type; }
  std::uint32_t length = 0;        // all bytes, frag_list included
  FrameChain frames;               // the wire frames in this packet, frag_list members' included
  Skb* list = nullptr;             // first frag_list member
  Skb* list_tail = nullptr;        // the member that takes further fragments, or null
  Skb* next = nullptr;             // queue link or frag_list link
  RxPath* path = nullptr;          // the destructor: gives the buffers back
  Skb* origin = nullptr;           // a replica: the packet whose pages it shares
  std::uint8_t shares = 0;         // replicas of this packet that are not freed
  bool released = false;           // freed itself: its pages go back with the last replica
};

struct Skb : SkbFields {
  Frag frags[kMaxSkbFrags2635];    // the first nr_frags
  Hpa struct_addr = 0;             // where the struct lies: 256 B of slab
  Hpa slab_addr = 0;               // the skb's own linear memory: kSlab bytes, mapped for DMA for ever
  Iova slab_iova = 0;
  BufferId slab_buffer = kNoBuffer;

  static constexpr std::uint32_t kHeadroom = 64;       // NET_SKB_PAD, where open_head() puts headers
  static constexpr Bytes kStruct = 256, kSlab = 512;   // sk_buff 232 B in its cache; head kmalloc-512 (header + shared info)
};

// Calls f(Frag&) for each run of bytes in packet order: head, fragments, then each frag_list member's.
template <class F>
void for_each_frag(Skb& skb, F f) {
  for (Skb* s = &skb; s; s = s == &skb ? skb.list : s->next) {
    if (s->head.length || s->head.token != kNoToken) f(s->head);
    for (unsigned i = 0; i < s->nr_frags; ++i) f(s->frags[i]);
  }
}

// Fragments that a pull has emptied, in order; they have left the skb.
struct Emptied {
  unsigned count = 0;
  Frag frags[kMaxSkbFrags2635];
};

// How the fragment array moves down when a pull has emptied its first entry.
enum class PullBug : std::uint8_t {
  none,
  shift_bytes   // Linux up to 2.6.35: the move's length counted entries where it wanted bytes
};

// Slab of skbs: fixed addresses, LIFO, as a warm per-CPU cache gives them.
class SkbPool {
 public:
  // Costs: skb.alloc, skb.free (kmem_cache_alloc/free of struct and head), skb.recycle_shell.
  Ownership& ownership() { return ownership_; }
  SkbPool(PhysMem& memory, Ownership& ownership, Iommu& iommu, CostBook& costs, std::uint32_t capacity);
  // Never null: the pool grows by 1024 when all are in use (the only time at which this allocates).
  Skb* alloc(Step& s);
  // Frees the struct and its slab head; buffers must have been given back before. Frees frag_list members too.
  void free(Step& s, Skb* skb);
  // The struct alone, for a shell whose fragments were moved to another (GRO): recycled at once.
  void free_shell(Step& s, Skb* skb);
  // napi_get_frags: the spare skb of a queue, at no cost, or a new one.
  Skb* get_frags(Step& s, Skb*& spare);
  // napi_reuse_skb: the shell of a merged form C packet becomes the queue's spare skb.
  void reuse(Step& s, Skb* skb, Skb*& spare);
  // Makes the first `n` bytes of the packet linear (at most Skb::kSlab): copies what is missing from the fragments behind
  // the linear part, which must lie in the skb's own slab (in a page: no effect); `copy` prices it. Emptied fragments leave the array.
  // PullBug::shift_bytes: the array is moved down as Linux 2.6.35 did it. Each descriptor that is lost is a violation that
  // names its buffer; what stands in its place holds no buffer, and the skb is `broken`.
  void pull(Step& s, Skb& skb, std::uint32_t n, const Cost& copy, Emptied& emptied, PullBug bug = PullBug::none);
  // Linux 2.6.35, first merge of a linear packet: a new skb that holds only the `n` header bytes at `headers` becomes the
  // packet, and `p`, without them, its first frag_list member. The frames go along; `copy` prices the header bytes.
  Skb* lift_head(Step& s, Skb& p, Hpa headers, std::uint32_t n, const Cost& copy);
  // The slab head becomes a header buffer of the NIC, and comes back as the packet's linear part. `written`: the
  // write-back says that the NIC put bytes there.
  void post_head(Step& s, Skb* skb);
  void take_head(Step& s, Skb* skb, bool written);
  std::uint32_t in_use() const { return in_use_; }
  std::uint32_t peak() const { return peak_; }

 private:
  void grow(std::uint32_t n);
  Skb* make();
  void put(Step& s, Skb* skb);
  void reset(Skb& skb);
  void shift_bytes(Step& s, Skb& skb);
  PhysMem& memory_;
  Ownership& ownership_;
  Iommu& iommu_;
  Cost alloc_, free_, shell_;
  // Memory for so many of them; each is made when it is used first.
  struct Slab {
    Hpa base = 0;
    Iova iova = 0;
    std::vector<BufferId> buffers;   // its linear memory, by place
    std::vector<Skb> skbs;           // reserved for all, so that none moves
  };
  static constexpr Bytes kEach = Skb::kStruct + Skb::kSlab;
  std::vector<Skb*> free_list_;
  std::vector<Slab> slabs_;
  std::uint32_t in_use_ = 0, peak_ = 0;
};

// Makes room for `by` bytes before a packet in host memory (pskb_expand_head, for the headers alone): headers in the slab move
// up by its headroom, headers in a page are copied to the slab, and the rest of the page becomes the first fragment.
// `headers`: bytes that must be contiguous. The new bytes are part of the packet, undefined. `copy` prices the bytes that
// move. False, and nothing changed, where the slab or the fragment array is too small.
bool open_head(Step& s, Skb& skb, std::uint32_t headers, std::uint32_t by, const Cost& copy);

// Merging: moves `from`'s payload (everything after `header` bytes) behind `to`'s, as skb_gro_receive does. Returns how
// many descriptors were moved; `*shell` says whether `from` is now an empty shell to be recycled (true) or became a
// frag_list member (false). Frames are joined by the caller. A first fragment that held only headers moves with length 0:
// it takes a slot, and its buffer stays the packet's to give back.
// Cases (Linux 6): payload in fragments only and they fit -> fragments move; linear part in a page -> it becomes a
// fragment; else frag_list. Linux 2.6.35: a linear part never becomes a fragment, and behind a frag_list all are chained.
unsigned merge_payload(Skb& to, Skb& from, std::uint32_t header, bool* shell, bool linux_2_6_35 = false);
// Linux 2.6.35: whether `from` may join at all; a fragment array that would overflow refuses.
bool can_merge_2635(const Skb& to, const Skb& from, std::uint32_t header);

}  // namespace gd
