#include "models/pcie/pcie.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {
namespace {

constexpr Bytes kUnit = 16;   // of data credits

const PcieParams& checked(const PcieParams& p) {
  check(p);
  return p;
}
}  // namespace

Pcie::Pcie(sc_core::sc_module_name name, Agenda& agenda, const PcieParams& params)
    : sc_module(name),
      from_device("from_device"),
      to_root("to_root"),
      to_interrupts("to_interrupts"),
      from_cpu("from_cpu"),
      to_device("to_device"),
      agenda_(agenda),
      params_(checked(params)),
      up_(link_rate(params_), params_),
      down_(link_rate(params_), params_),
      posted_headers_(params.posted_headers),
      posted_data_(params.posted_buffer / kUnit),
      nonposted_headers_(params.nonposted_headers),
      tags_(params.tags),
      completion_headers_(params.completion_headers),
      completion_data_(ceil_div(params.completion_buffer, kUnit)) {
  from_device.register_b_transport(this, &Pcie::dma);
  from_cpu.register_b_transport(this, &Pcie::mmio);
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

Time Pcie::write(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const bool message = address - kMsiBase < kMsiSize;
  const TlpCount t = write_tlps(params_, address, length);
  stats_.write_tlps += t.tlps;
  stats_.messages += message;
  const std::uint64_t units = ceil_div(length, kUnit);
  const Time from = posted_data_.take(posted_headers_.take(arrival, t.tlps), units);
  if (from > arrival) stats_.posted_wait += std::max<Time>(0, from - std::max(arrival, up_.calendar.horizon()));
  const Time left = up_.send(now, from, t.bytes);
  down_.acknowledge(t.tlps);
  if (info) info->link_free = left;
  Time at = left + params_.link_latency + params_.root_latency;
  Time done;
  if (message) {   // the interrupt must not be seen before the writes that it announces
    at = std::max(at, last_posted_);
    sc_core::sc_time d = to_sc(at - now);
    to_interrupts->b_transport(gp, d);
    done = at;
  } else {
    sc_core::sc_time d = to_sc(at - now);
    to_root->b_transport(gp, d);
    done = std::max(now + from_sc(d), last_posted_);
  }
  last_posted_ = done;
  posted_headers_.give_back(done + params_.link_latency, t.tlps);
  posted_data_.give_back(done + params_.link_latency, units);
  return done;
}

Time Pcie::read(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const TlpCount request = read_requests(params_, address, length);
  stats_.read_tlps += request.tlps;
  TlpCount answer = completions(params_, address, length);
  const std::uint64_t units = ceil_div(length, kUnit);
  Time from = nonposted_headers_.take(tags_.take(arrival, request.tlps), request.tlps);
  from = completion_data_.take(completion_headers_.take(from, answer.tlps), units);
  stats_.read_wait += from - arrival;
  const Time left = up_.send(now, from, request.bytes);
  down_.acknowledge(request.tlps);
  if (info) info->link_free = left;
  sc_core::sc_time d = to_sc(left + params_.link_latency + params_.root_latency - now);
  to_root->b_transport(gp, d);
  const Time answered = std::max(now + from_sc(d), last_posted_);
  nonposted_headers_.give_back(answered + params_.link_latency, request.tlps);
  const std::uint64_t room = answer.tlps;
  if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) answer = {1, params_.tlp_framing + params_.completion_header};
  stats_.completion_tlps += answer.tlps;
  const Time done = down_.send(now, answered + params_.root_latency, answer.bytes) + params_.link_latency;
  up_.acknowledge(answer.tlps);
  tags_.give_back(done, request.tlps);
  completion_headers_.give_back(done, room);
  completion_data_.give_back(done, units);
  return done;
}

void Pcie::dma(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  const Time now = agenda_.now();
  const Time arrival = now + from_sc(delay);
  DmaInfo* info = gp.get_extension<DmaInfo>();
  const Time done = gp.is_write() ? write(gp, now, arrival, info) : read(gp, now, arrival, info);
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
