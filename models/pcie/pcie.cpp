#include "models/pcie/pcie.h"

#include <algorithm>
#include <bit>
#include <span>

#include "models/base/error.h"

namespace gd {
namespace {

constexpr Bytes kUnit = 16;   // of data credits

const PcieParams& checked(const PcieParams& p) {
  check(p);
  return p;
}

// Where the TLPs of an object begin: its borders of 4 KiB, and between them every `chunk` bytes, a power of two.
class Cut {
 public:
  Cut(std::uint64_t address, Bytes length, Bytes chunk)
      : log_(std::countr_zero(chunk)), length_(length), head_(in_page(address, length)),
        head_tlps_(ceil_div(head_, chunk)) {}
  // Bytes before TLP k; all of them after the last.
  Bytes at(std::uint64_t k) const { return k < head_tlps_ ? k << log_ : std::min(length_, head_ + ((k - head_tlps_) << log_)); }

 private:
  int log_;
  Bytes length_, head_;
  std::uint64_t head_tlps_;
};

// How many of `each` fit `pool`; 0: it is unbounded.
constexpr std::uint64_t hold(std::uint64_t pool, std::uint64_t each) {
  return pool == 0 ? UINT64_MAX : std::max<std::uint64_t>(1, pool / each);
}

// Calls take(k, units) for n TLPs, which fills in what TLP k has taken and returns when that was free, and send(start, from,
// to, units) for each run of them: TLP k may leave at start + (k - from) * pace. A run has no gaps but for one TLP's time; on
// a link that is busy until a time that send returns, gaps before that time are none.
template <class Take, class Send>
void in_runs(std::uint64_t n, Time pace, Time busy, Take take, Send send) {
  std::uint64_t from = 0;
  Time first = 0, start = 0;
  Units run;
  for (std::uint64_t k = 0; k < n; ++k) {
    Units units;
    const Time free = take(k, units);
    const Time begin = free - static_cast<Time>(k - from) * pace;
    if (k > from && begin > std::max(first, busy) + pace) {
      busy = send(start, from, k, run);
      from = k, run = Units{};
    }
    if (k == from) first = start = free;
    else start = std::max(start, begin);
    run += units;
  }
  send(start, from, n, run);
}
}  // namespace

Pcie::Pcie(sc_core::sc_module_name name, Agenda& agenda, const PcieParams& params)
    : sc_module(name),
      from_device("from_device", *this),
      to_root("to_root"),
      to_interrupts("to_interrupts"),
      from_cpu("from_cpu", *this),
      to_device("to_device"),
      agenda_(agenda),
      params_(checked(params)),
      up_(link_rate(params_), params_),
      down_(link_rate(params_), params_),
      posted_({params.posted_headers, 0, params.posted_buffer / kUnit}),
      nonposted_({params.nonposted_headers, 0, 0}),
      tags_({params.tags, params.completion_headers, ceil_div(params.completion_buffer, kUnit)}),
      most_writes_(std::min(hold(params.posted_headers, 1), hold(params.posted_buffer, params.max_payload))),
      most_requests_(std::min({hold(params.tags, 1), hold(params.nonposted_headers, 1),
                               hold(params.completion_headers, completions(params, 1, params.max_read_request).tlps),
                               hold(params.completion_buffer, params.max_read_request)})) {
  runs_.reserve(64);
}

const PcieStats& Pcie::stats(Time until) const {
  const auto with_dllps = [this](std::uint64_t tlp_bytes) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(tlp_bytes) * 1'000'000 / (1'000'000 - params_.dllp_ppm));
  };
  const auto passed = [&](const Direction& d) {
    const std::uint64_t all = with_dllps(d.tlp_bytes) + d.dllp_bytes;
    const auto ahead = static_cast<unsigned __int128>(d.calendar.reserved() - d.calendar.reserved(until));
    return all - std::min(all, static_cast<std::uint64_t>(ahead * raw_rate(params_) / 8 / kSec));
  };
  stats_.upstream_bytes = passed(up_);
  stats_.downstream_bytes = passed(down_);
  return stats_;
}

void Pcie::send_writes(Time now, Time arrival, std::uint64_t address, Bytes length, const TlpCount& t) {
  const Cut cut(address, length, params_.max_payload);
  runs_.clear();
  in_runs(
      t.tlps, up_.rate.peek(t.bytes * 8) / static_cast<Time>(t.tlps), up_.calendar.horizon(),
      [&](std::uint64_t k, Units& units) {
        units = {1, 0, ceil_div(cut.at(k + 1) - cut.at(k), kUnit)};
        return posted_.take_one(arrival, units);
      },
      [&](Time start, std::uint64_t from, std::uint64_t to, const Units& units) {
        stats_.posted_wait += std::max<Time>(0, start - std::max(arrival, up_.calendar.horizon()));
        const Bytes bytes = cut.at(to) - cut.at(from) + (to - from) * (params_.tlp_framing + params_.write_header);
        left_ = up_.send(now, start, bytes);
        runs_.push_back({left_, up_.service, to - from, 0, units});
        return up_.calendar.horizon();
      });
}

void Pcie::send_requests(Time now, Time arrival, std::uint64_t address, Bytes length, const TlpCount& request,
                         const TlpCount& answer) {
  const Cut cut(address, length, params_.max_read_request);
  runs_.clear();
  in_runs(
      request.tlps, down_.rate.peek(answer.bytes * 8) / static_cast<Time>(request.tlps), arrival,
      [&](std::uint64_t k, Units& units) {
        const Bytes bytes = cut.at(k + 1) - cut.at(k);
        units = {1, completions(params_, address + cut.at(k), bytes).tlps, ceil_div(bytes, kUnit)};
        Units header{1, 0, 0};
        return nonposted_.take_one(tags_.take_one(arrival, units), header);
      },
      [&](Time start, std::uint64_t from, std::uint64_t to, const Units& units) {
        left_ = up_.send(now, start, (to - from) * (params_.tlp_framing + params_.read_header));
        const TlpCount part = completions(params_, address + cut.at(from), cut.at(to) - cut.at(from));
        runs_.push_back({left_, up_.service, to - from, part.bytes, units});
        if (to == request.tlps) stats_.read_wait += start - arrival;
        return arrival;
      });
}

// A run is visible in memory, as far as its order allows, `at` the earliest.
inline void Pcie::visible(const Run& r, Time at) {
  at = std::max(at, last_posted_);
  posted_.give_back(at + params_.link_latency, std::min(r.service, at - last_posted_), r.tlps, r.units);
  last_posted_ = at;
}

void Pcie::visible_runs(Time left, Time done) {
  for (const Run& r : runs_) visible(r, done - (left - r.left));   // each stays in the root complex for as long as the last
}

Time Pcie::write(tlm::tlm_generic_payload& gp, const TlpCount& t, Time now, Time arrival) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const bool message = address - kMsiBase < kMsiSize;
  stats_.write_tlps += t.tlps;
  const Units units{t.tlps, 0, ceil_div(length, kUnit)};
  const bool at_once = posted_.fits(arrival, units);
  if (at_once) [[likely]] {
    posted_.take(units);
    left_ = up_.send(now, arrival, t.bytes);
  } else {
    send_writes(now, arrival, address, length, t);
  }
  down_.acknowledge(t.tlps);
  const Time left = left_, service = up_.service, at = left + params_.link_latency + params_.root_latency;
  Time done;
  if (message) {   // the interrupt must not be seen before the writes that it announces
    ++stats_.messages;
    done = std::max(at, last_posted_);
    sc_core::sc_time d = to_sc(done - now);
    to_interrupts->b_transport(gp, d);
  } else {
    sc_core::sc_time d = to_sc(at - now);
    to_root->b_transport(gp, d);
    done = now + from_sc(d);
  }
  if (at_once) [[likely]] visible({left, service, t.tlps, 0, units}, done);
  else visible_runs(left, done);
  return last_posted_;
}

Time Pcie::read(tlm::tlm_generic_payload& gp, const TlpCount& request, Time now, Time arrival) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  stats_.read_tlps += request.tlps;
  TlpCount answer = completions(params_, address, length);
  const Units units{request.tlps, answer.tlps, ceil_div(length, kUnit)}, headers{request.tlps, 0, 0};
  Run whole;
  std::span<const Run> runs(&whole, 1);
  if (tags_.fits(arrival, units) && nonposted_.fits(arrival, headers)) {
    tags_.take(units);
    nonposted_.take(headers);
    left_ = up_.send(now, arrival, request.bytes);
    whole = {left_, up_.service, request.tlps, answer.bytes, units};
  } else {
    send_requests(now, arrival, address, length, request, answer);
    runs = runs_;
  }
  down_.acknowledge(request.tlps);
  const Time left = left_;
  sc_core::sc_time d = to_sc(left + params_.link_latency + params_.root_latency - now);
  to_root->b_transport(gp, d);
  const bool blocked = gp.get_response_status() != tlm::TLM_OK_RESPONSE;
  if (blocked) answer = {1, params_.tlp_framing + params_.completion_header};
  stats_.completion_tlps += answer.tlps;
  Time done = 0;
  for (const Run& r : runs) {   // memory takes as long for each as for the last
    const Time answered = std::max(now + from_sc(d) - (left - r.left), last_posted_);
    nonposted_.give_back(answered + params_.link_latency, r.service, r.tlps, {r.tlps, 0, 0});
    Time back = answered + params_.root_latency;
    if (!blocked) back = down_.send(now, back, r.answer);
    else if (&r == &runs.back()) back = down_.send(now, back, answer.bytes);
    back += params_.link_latency;
    tags_.give_back(back, blocked ? 0 : down_.service, r.tlps, r.units);
    done = std::max(done, back);
  }
  up_.acknowledge(answer.tlps);
  return done;
}

Time Pcie::in_parts(tlm::tlm_generic_payload& gp, std::uint64_t tlps, Time now, Time arrival, DmaInfo* info) {
  const bool is_write = gp.is_write();
  const std::uint64_t address = gp.get_address(), most = is_write ? most_writes_ : most_requests_;
  const Bytes length = gp.get_data_length();
  unsigned char* const data = gp.get_data_ptr();
  const Cut cut(address, length, is_write ? params_.max_payload : params_.max_read_request);
  const auto part = [&](Bytes from, Bytes to) {
    gp.set_address(address + from);
    gp.set_data_ptr(data ? data + from : nullptr);
    gp.set_data_length(static_cast<unsigned>(to - from));
    gp.set_streaming_width(static_cast<unsigned>(to - from));
  };
  Hpa first = 0;
  Time done = 0;
  for (std::uint64_t k = 0; k < tlps; k += most) {
    const Bytes from = cut.at(k), n = cut.at(std::min(k + most, tlps)) - from;
    part(from, from + n);
    done = std::max(done, is_write ? write(gp, write_tlps(params_, address + from, n), now, arrival)
                                   : read(gp, read_requests(params_, address + from, n), now, arrival));
    arrival = left_;
    if (k == 0 && info) first = info->hpa;
    if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) break;
  }
  part(0, length);
  if (info) info->hpa = first;
  return done;
}

void Pcie::dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  const Time now = agenda_.now();
  const Time arrival = now + from_sc(delay);
  DmaInfo* info = gp.get_extension<DmaInfo>();
  const bool is_write = gp.is_write();
  const TlpCount t = is_write ? write_tlps(params_, gp.get_address(), gp.get_data_length())
                              : read_requests(params_, gp.get_address(), gp.get_data_length());
  Time done;
  if (t.tlps > (is_write ? most_writes_ : most_requests_)) [[unlikely]] done = in_parts(gp, t.tlps, now, arrival, info);
  else done = is_write ? write(gp, t, now, arrival) : read(gp, t, now, arrival);
  if (info) info->link_free = left_;
  delay = to_sc(done - now);
}

void Pcie::mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  const Time now = agenda_.now();
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const bool is_write = gp.is_write();
  const TlpCount t = is_write ? write_tlps(params_, address, length) : read_requests(params_, address, length);
  ++(is_write ? stats_.mmio_writes : stats_.mmio_reads);
  const Time ready = now + from_sc(delay) + params_.mmio_write;
  // Posted order: a later access fits a gap that an earlier, larger one did not, and still does not overtake it.
  last_mmio_ = std::max(last_mmio_, down_.send(now, ready, t.bytes));
  up_.acknowledge(t.tlps);
  delay = to_sc(last_mmio_ + params_.link_latency - now);
  to_device->b_transport(gp, delay);
  if (is_write) return;
  const Time answered = now + from_sc(delay);
  const TlpCount answer = completions(params_, address, length);
  const Time back = up_.send(now, answered, answer.bytes);
  down_.acknowledge(answer.tlps);
  delay = to_sc(back + params_.link_latency + params_.mmio_write - now);
}

}  // namespace gd
