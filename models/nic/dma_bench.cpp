#include "models/nic/dma_bench.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "models/base/error.h"

namespace gd {
namespace {

Bytes unit_of(const DmaBenchParams& p) { return align_up(p.transfer + p.offset, kLine); }

const DmaBenchParams& checked(const DmaBenchParams& p) {
  check(p);
  return p;
}

unsigned in_parallel(const DmaBenchParams& p) { return p.outstanding ? p.outstanding : p.engine.queue; }

constexpr std::uint64_t word(std::uint64_t index) {   // never zero where memory was not written
  const std::uint64_t x = (index + 1) * 0x9e3779b97f4a7c15ULL;
  return (x ^ x >> 29) | 0x0101010101010101ULL;
}

}  // namespace

void check(const DmaBenchParams& p) {
  auto refuse = [](const std::string& key, const std::string& what) { throw UserError(key + ": " + what); };
  if (p.transfer < 1 || p.transfer > 1u << 20) refuse("traffic.transfer", std::to_string(p.transfer) + " B is not possible; allowed: 1 B to 1 MiB");
  if (p.offset >= kPage) refuse("traffic.offset", "below 4 KiB");
  if (unit_of(p) > p.window)
    refuse("traffic.transfer", "a unit of " + std::to_string(unit_of(p)) + " B (transfer and offset, whole cache lines) does not fit traffic.window of " +
                                   std::to_string(p.window) + " B");
  if (p.command && p.transfer > DmaBench::kMaxCommand)
    refuse("traffic.interface", "a command moves at most " + std::to_string(DmaBench::kMaxCommand) + " B (traffic.transfer)");
  const DmaEngineParams& e = p.engine;
  if (in_parallel(p) < 1 || in_parallel(p) > 4096 || e.outstanding_reads < 1 || e.write_buffers < 1)
    refuse("nic.dma_engine", "counts are 1 to 4096");
  for (Time t : {e.write_interval, e.setup, e.per_tlp, e.per_chunk, e.port_per_tlp, e.port_per_chunk, e.enqueue, e.complete, e.command_enqueue, e.command_complete})
    if (t < 0) refuse("nic.dma_engine", "times must not be negative");
}

DmaBench::DmaBench(sc_core::sc_module_name module_name, Agenda& agenda, const DmaBenchParams& params, PhysMem& memory,
                   Ownership& ownership, const PcieParams& link, Iova iova, Hpa hpa, FaultPlan* plan)
    : sc_module(module_name), Actor(agenda, rank::kNic), bus("bus"), params_(checked(params)), memory_(memory), ownership_(ownership),
      link_(link), iova_(iova), hpa_(hpa), plan_(plan), random_(params.seed, "dma-bench"), unit_(unit_of(params)),
      units_(params.window / unit_), slots_(in_parallel(params)), visible_(256) {
  heap_.reserve(4 * slots_.size() + 16);
  writes_.ring.resize(slots_.size());
  reads_.ring.resize(slots_.size());
  const std::uint64_t pages = ceil_div(params_.window, kPage);
  users_.resize(pages);
  filled_.resize(pages, params_.op == BenchOp::write || params_.op == BenchOp::write_read);
  written_.resize(units_);
  for (std::uint64_t i = 0; i < pages; ++i)
    buffers_.push_back(ownership_.add(hpa_ + i * kPage, std::min<Bytes>(kPage, params_.window - i * kPage), Owner::posted, Ownership::Home::host));
  staging_.resize(params_.transfer / 8 + 2);
  expected_.resize(staging_.size());
}

void DmaBench::push(Time at, Ev kind, std::uint32_t slot) {
  heap_.push_back({at, sequence_++, slot, kind});
  std::push_heap(heap_.begin(), heap_.end(), [](const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.sequence > b.sequence; });
}

// The end of a fetch or store that begins at `from`: chunks as device memory sees it, TLPs as the link carries it.
Time DmaBench::work(Bytes place, bool write, Time from) {
  if (params_.command) return from;
  const DmaEngineParams& e = params_.engine;
  const TlpCount t = write ? write_tlps(link_, iova_ + place, params_.transfer) : completions(link_, iova_ + place, params_.transfer);
  const auto tlps = static_cast<Time>(t.tlps), chunks = static_cast<Time>(ceil_div(params_.transfer, kLine));
  const Time held = tlps * e.port_per_tlp + chunks * e.port_per_chunk;
  return std::max(from + e.setup + tlps * e.per_tlp + chunks * e.per_chunk, port_.reserve(agenda().now(), from, held) + held);
}

// The pattern of a transfer at `place`, made in `words`.
std::uint8_t* DmaBench::pattern(std::vector<std::uint64_t>& words, Bytes place) const {
  const std::uint64_t first = place / 8, last = (place + params_.transfer - 1) / 8;
  for (std::uint64_t i = first; i <= last; ++i) words[i - first] = word(i);
  return reinterpret_cast<std::uint8_t*>(words.data()) + place % 8;
}

void DmaBench::fill_page(std::uint64_t page) {
  const Bytes bytes = std::min<Bytes>(kPage, params_.window - page * kPage);
  for (Bytes b = 0; b < bytes; b += 8) memory_.store(hpa_ + page * kPage + b, word((page * kPage + b) / 8));
  filled_[page] = 1;
}

void DmaBench::settle(Time now) {
  const auto passed = static_cast<std::uint64_t>(now - settled_);
  stats_.in_flight_ps += static_cast<unsigned __int128>(passed) * in_flight_;
  stats_.engine_reads_ps += static_cast<unsigned __int128>(passed) * reading_;
  settled_ = now;
}

const DmaBenchStats& DmaBench::stats(Time now) {
  settle(now);
  return stats_;
}

void DmaBench::start() {
  const Time now = agenda().now();
  settled_ = now;
  running_ = true;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) issue(i, now);
}

void DmaBench::issue(std::uint32_t slot, Time now) {
  if (!running_ || (params_.limit != 0 && stats_.issued == params_.limit)) return;
  settle(now);
  Slot& s = slots_[slot];
  s.id = stats_.issued++;
  s.began = now;
  const std::uint64_t unit = params_.random ? random_.below(units_) : next_unit_;
  if (++next_unit_ == units_) next_unit_ = 0;
  s.place = unit * unit_ + params_.offset;
  s.write = params_.op == BenchOp::write || params_.op == BenchOp::write_read || (params_.op == BenchOp::read_write && turn_++ % 2);
  ++in_flight_;
  if (observer_) observer_->level(level_, static_cast<std::int64_t>(in_flight_), now);
  push(now + enqueue(), Ev::at_engine, slot);
  wake_at(heap_.front().at);
}

void DmaBench::try_writes(Time now) {
  const DmaEngineParams& e = params_.engine;
  while (writes_.count > 0 && (params_.command || fetching_ < e.write_buffers)) {
    const Time at = std::max(write_next_, fetch_free_);
    if (!params_.command && at > now) {
      if (!write_timer_) push(at, Ev::write_ready, 0);
      write_timer_ = true;
      return;
    }
    const std::uint32_t slot = writes_.pop();
    ++fetching_;
    write_next_ = now + e.write_interval;
    fetch_free_ = work(slots_[slot].place, true, now);
    push(fetch_free_, Ev::fetched, slot);
  }
}

void DmaBench::try_reads(Time now) {
  while (reads_.count > 0 && reading_ < params_.engine.outstanding_reads) {
    settle(now);
    ++reading_;
    request(reads_.pop(), now);
  }
}

void DmaBench::take_pages(const Slot& s, bool write, Time now) {
  for (Bytes at = s.place, end = s.place + params_.transfer; at < end;) {
    const std::uint64_t page = at / kPage;
    const Bytes part = std::min(end, (page + 1) * kPage) - at;
    if (write) ownership_.device_write(hpa_ + at, part, now, "dma-bench, write");
    else if (users_[page] == 0) ownership_.move(buffers_[page], Owner::posted, Owner::in_flight, now, "dma-bench, read");
    ++users_[page];
    at += part;
  }
}

void DmaBench::release_pages(Bytes place, std::uint64_t id, Time now) {
  if (plan_ && plan_->hit(Fault::leak_buffer, id)) return;
  const std::uint64_t last = (place + params_.transfer - 1) / kPage;
  for (std::uint64_t page = place / kPage; page <= last; ++page)
    if (--users_[page] == 0) ownership_.move(buffers_[page], Owner::in_flight, Owner::posted, now, "dma-bench, end");
}

void DmaBench::release_visible(Time now) {
  while (visible_count_ > 0 && visible_[visible_first_].at <= now) {
    release_pages(visible_[visible_first_].place, stats_.completed, visible_[visible_first_].at);
    visible_first_ = (visible_first_ + 1) & (visible_.size() - 1);
    --visible_count_;
  }
}

bool DmaBench::quiet(Time now) {
  release_visible(now);
  return in_flight_ == 0 && visible_count_ == 0;
}

void DmaBench::mistake(const char* what, const Slot& s, Time now) {
  ++stats_.integrity_errors;
  if (messages_.size() < 16)
    messages_.push_back("frame " + std::to_string(s.id) + ": " + what + " at byte " + std::to_string(s.place) + " of the window, " +
                        std::to_string(now) + " ps");
}

void DmaBench::send(std::uint32_t slot, Time now) {
  Slot& s = slots_[slot];
  release_visible(now);
  take_pages(s, true, now);
  std::uint8_t* const data = pattern(staging_, s.place);
  if (plan_ && plan_->hit(Fault::flip_nic, s.id)) data[0] ^= 0x40;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  tlm::tlm_generic_payload& gp = dma_.prepare(tlm::TLM_WRITE_COMMAND, iova_ + s.place, data, params_.transfer, false);
  bus->b_transport(gp, delay);
  if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) ++stats_.faults;
  else written_[s.place / unit_] = 1;
  if (visible_count_ == visible_.size()) {
    std::rotate(visible_.begin(), visible_.begin() + static_cast<std::ptrdiff_t>(visible_first_), visible_.end());
    visible_first_ = 0;
    visible_.resize(2 * visible_.size());
  }
  visible_[(visible_first_ + visible_count_++) & (visible_.size() - 1)] = {now + from_sc(delay), s.place};
  const Time left = dma_.info().link_free;
  push(left, Ev::sent, slot);
  push(left + complete(), Ev::complete, slot);
}

void DmaBench::request(std::uint32_t slot, Time now) {
  Slot& s = slots_[slot];
  release_visible(now);
  take_pages(s, false, now);
  s.requested = now;
  for (std::uint64_t page = s.place / kPage; page <= (s.place + params_.transfer - 1) / kPage; ++page)
    if (!filled_[page]) fill_page(page);
  auto* const data = reinterpret_cast<std::uint8_t*>(staging_.data());
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  tlm::tlm_generic_payload& gp = dma_.prepare(tlm::TLM_READ_COMMAND, iova_ + s.place, data, params_.transfer, false);
  bus->b_transport(gp, delay);
  if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) {
    ++stats_.faults;
  } else {
    if (plan_ && plan_->hit(Fault::flip_nic, s.id)) data[0] ^= 0x40;
    if (std::memcmp(data, pattern(expected_, s.place), params_.transfer) != 0) mistake("a wrong byte was read", s, now);
  }
  push(now + from_sc(delay), Ev::arrived, slot);
}

void DmaBench::finish(std::uint32_t slot, Time now) {
  Slot& s = slots_[slot];
  if (s.write) ++stats_.writes, stats_.written_bytes += params_.transfer;
  else ++stats_.reads, stats_.read_bytes += params_.transfer;
  if (params_.op == BenchOp::write_read && s.write) {   // the other half
    s.write = false;
    push(now + enqueue(), Ev::at_engine, slot);
    return;
  }
  settle(now);
  --in_flight_;
  if (plan_ && plan_->hit(Fault::lose_nic, s.id)) return;
  ++stats_.completed;
  if (now >= from_ && now < to_) latency_.add(static_cast<std::uint64_t>(now - s.began));
  fingerprint_.add(now, 0, s.write, s.id);
  if (running_) issue(slot, now);
  else if (observer_) observer_->level(level_, static_cast<std::int64_t>(in_flight_), now);
}

void DmaBench::act(Time now) {
  while (!heap_.empty() && heap_.front().at <= now) {
    std::pop_heap(heap_.begin(), heap_.end(), [](const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.sequence > b.sequence; });
    const Event e = heap_.back();
    heap_.pop_back();
    switch (e.kind) {
      case Ev::at_engine:
        if (slots_[e.slot].write) writes_.push(e.slot), try_writes(now);
        else reads_.push(e.slot), try_reads(now);
        break;
      case Ev::write_ready:
        write_timer_ = false;
        try_writes(now);
        break;
      case Ev::fetched: send(e.slot, now); break;
      case Ev::sent:
        --fetching_;
        try_writes(now);
        break;
      case Ev::arrived:
        store_free_ = work(slots_[e.slot].place, false, std::max(now, store_free_));
        push(store_free_, Ev::stored, e.slot);
        break;
      case Ev::stored:
        settle(now);
        --reading_;
        stats_.read_hold_ps += static_cast<std::uint64_t>(now - slots_[e.slot].requested);
        release_pages(slots_[e.slot].place, slots_[e.slot].id, now);
        push(now + complete(), Ev::complete, e.slot);
        try_reads(now);
        break;
      case Ev::complete: finish(e.slot, now); break;
    }
  }
  if (!heap_.empty()) wake_at(heap_.front().at);
}

void DmaBench::verify() {
  for (std::uint64_t u = 0; u < units_; ++u) {
    if (!written_[u]) continue;
    Slot s;
    s.place = u * unit_ + params_.offset;
    if (std::memcmp(memory_.at(hpa_ + s.place), pattern(expected_, s.place), params_.transfer) != 0)
      mistake("a wrong byte was written", s, agenda().now());
  }
}

}  // namespace gd
