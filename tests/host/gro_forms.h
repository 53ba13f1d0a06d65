// A receive path without NIC and guest: a test says in which pieces each packet lies.
#pragma once
#include "models/host/gro_stage.h"
#include "tests/buffers/path_bench.h"
#include "tests/host/sinks.h"

namespace gd::test {

// Buffers of one page and a half, one for each piece, used again; the token is the buffer's number.
struct PiecePath : RxPath {
  PiecePath(PhysMem& p, Ownership& o, SkbPool& k) : phys(p), own(o), skbs(k) {}
  void shape(RxQueueConfig&) override {}
  bool refill(Step&, std::uint32_t, std::array<std::uint64_t, 2>&) override { return false; }
  Skb* receive(Step&, std::uint32_t, const RxWriteback&, FrameRef) override { return nullptr; }
  Hpa headers(const Skb& skb) const override { return skb.head.length ? skb.head.addr : skb.frags[0].addr; }
  bool merges() const override { return merge; }
  bool napi_frags() const override { return frags; }
  Skb** napi_skb() override { return frags ? &spare : nullptr; }
  void pulled_empty(Step& s, Skb&, const Frag& f) override {
    ++emptied;
    give(s, f.token);
  }
  Progress deliver(Step&, Skb*) override { return Progress::done; }
  void release(Step& s, Skb* skb) override {
    for_each_frag(*skb, [&](Frag& f) { give(s, f.token); });
    skbs.free(s, skb);
  }
  std::uint64_t free_buffers() const override { return 0; }
  std::uint64_t capacity() const override { return 0; }
  const PathStats& stats() const override { return stats_; }

  // A buffer that holds `n` bytes of a packet.
  Frag place(const std::uint8_t* bytes, std::size_t n) {
    std::uint32_t token = 0;
    if (free.empty()) {
      token = static_cast<std::uint32_t>(ids.size());
      ids.push_back(own.add(phys.alloc_contiguous(kBuffer, 64), kBuffer, Owner::skb, Ownership::Home::host));
    } else {
      token = free.back();
      free.pop_back();
      own.move(ids[token], Owner::host, Owner::skb, 0, "taken");
    }
    EXPECT_LE(n, kBuffer);
    const Hpa at = own.start(ids[token]);
    std::memcpy(phys.at(at), bytes, n);
    return {at, static_cast<std::uint32_t>(n), token};
  }
  void give(Step& s, std::uint32_t token) {
    if (token == kNoToken) return;
    own.move(ids[token], Owner::skb, Owner::host, s.now(), "given back");
    free.push_back(token);
  }
  static constexpr Bytes kBuffer = 6144;

  PhysMem& phys;
  Ownership& own;
  SkbPool& skbs;
  bool merge = true, frags = false;
  Skb* spare = nullptr;
  unsigned emptied = 0;
  std::vector<BufferId> ids;
  std::vector<std::uint32_t> free;
  PathStats stats_;
};

// How a driver lays out a packet: `linear` bytes in the skb's slab (in a page when `page`; UINT32_MAX: all), then pieces
// of these lengths, the last repeated.
struct Form {
  const char* name;
  std::uint32_t linear;
  std::vector<std::uint32_t> pieces;
  bool page = false, frags = false;
};
inline const Form kLinearPage{"A, in a page", UINT32_MAX, {}, true, false};
inline const Form kLinearSlab{"A, in the slab", UINT32_MAX, {}, false, false};
inline Form split_at(std::uint32_t header) { return {"B", header, {6144}, false, false}; }
inline const Form kFrags{"C", 0, {6144}, false, true};
inline Form frags_at(std::uint32_t first) { return {"C, split", 0, {first, 6144}, false, true}; }

struct GroBench : PathBench {
  explicit GroBench(GroParams p = {}) : pieces(phys, own, skbs_) { renew(p); }
  void renew(GroParams p) { gro = std::make_unique<GroStage>(p, phys, skbs_, frames, costs); }
  static GroParams rules(GroRules r, bool shift_bug = false) {
    GroParams p;
    p.rules = r;
    p.frag_shift_bug = shift_bug;
    return p;
  }
  Skb* make(Step& s, const Frame& bytes, const Form& form) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    Skb* k = form.frags ? skbs_.get_frags(s, pieces.spare) : skbs_.alloc(s);
    const std::uint32_t linear = std::min(form.linear, size);
    if (form.page) {
      k->head = pieces.place(bytes.data(), linear);
      k->head_is_page = true;
    } else if (linear) {
      std::memcpy(phys.at(k->slab_addr), bytes.data(), linear);
      k->head = {k->slab_addr, linear, kNoToken};
    }
    std::size_t piece = 0;
    for (std::uint32_t at = linear; at < size; piece += piece + 1 < form.pieces.size()) {
      const std::uint32_t n = std::min(form.pieces[piece], size - at);
      k->frags[k->nr_frags++] = pieces.place(&bytes[at], n);
      at += n;
    }
    k->length = size;
    k->checksum = checksum;
    k->hash = hash;
    k->path = &pieces;
    frames.append(k->frames, wire(bytes));
    return k;
  }
  // One packet after the other in a poll; flushed at its end unless told otherwise.
  void poll(const std::vector<Frame>& packets, const Form& form, bool end = true) {
    pieces.frags = form.frags;
    for (const Frame& f : packets) in_step([&](Step& s) { gro->receive(s, make(s, f, form), pieces, up); });
    if (end) end_poll();
  }
  void end_poll(PollEnd how = PollEnd::complete) {
    for (bool done = false; !done;) in_step([&](Step& s) { done = gro->end_poll(s, pieces, up, how); });
  }
  void drop_all() {
    in_step([&](Step& s) {
      for (Skb* k : up.packets) {
        frames.dropped(k->frames, Drop::stack, s.now());
        pieces.release(s, k);
      }
      if (pieces.spare) skbs_.free_shell(s, std::exchange(pieces.spare, nullptr));
    });
    up.packets.clear();
  }
  // Bytes that the stage copied for `op`.
  std::uint64_t copied(std::string_view op) {
    return ledger.cell(ledger.row(core().name(), "doer"), costs.get(op).op).bytes;
  }
  // After drop_all(): every buffer and skb is back, nothing is wrong.
  void expect_clean() {
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(skbs_.in_use(), 0u);
    EXPECT_EQ(gro->held_frames(), 0u);
    EXPECT_EQ(frames.live(), 0u);
    expect_no_violation();
  }

  PiecePath pieces;
  StubUp up;
  std::unique_ptr<GroStage> gro;
  Checksum checksum = Checksum::unnecessary;
  std::uint32_t hash = 0;
};

}  // namespace gd::test
