#include "models/pcie/pcie.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {
namespace {
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
      up_(link_rate(params_)),
      down_(link_rate(params_)),
      // A write takes its header and at least one byte.
      posted_(params.posted_buffer / (params.write_header + 1) + 2) {
  from_device.register_b_transport(this, &Pcie::dma);
  from_cpu.register_b_transport(this, &Pcie::mmio);
}

const PcieStats& Pcie::stats() const {
  const auto with_dllps = [this](std::uint64_t tlp_bytes) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(tlp_bytes) * 1'000'000 / (1'000'000 - params_.dllp_ppm));
  };
  stats_.upstream_bytes = with_dllps(up_.tlp_bytes);
  stats_.downstream_bytes = with_dllps(down_.tlp_bytes);
  return stats_;
}

// The time at which the root complex has room for `bytes`: a write's room comes back, over the link, when it is visible.
// Writes are visible in order, so the room of the oldest comes back first.
Time Pcie::wait_for_room(Time arrival, Bytes bytes) {
  Time at = arrival;
  while (posted_count_ > 0 && posted_bytes_ + bytes > params_.posted_buffer) {
    const Posted& oldest = posted_[posted_first_];
    at = std::max(at, oldest.done + params_.link_latency);
    posted_bytes_ -= oldest.bytes;
    if (++posted_first_ == posted_.size()) posted_first_ = 0;
    --posted_count_;
  }
  stats_.posted_wait += std::max<Time>(0, at - std::max(arrival, up_.calendar.horizon()));
  return at;
}

Time Pcie::write(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const bool message = address - kMsiBase < kMsiSize;
  const TlpCount t = write_tlps(params_, address, length);
  stats_.write_tlps += t.tlps;
  stats_.messages += message;
  const Bytes held = length + t.tlps * params_.write_header;
  const Time from = wait_for_room(arrival, held);
  const Time left = up_.send(now, from, t.bytes);
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
  if (held == 0) return done;
  std::size_t slot = posted_first_ + posted_count_;
  if (slot >= posted_.size()) slot -= posted_.size();
  posted_[slot] = Posted{done, held};
  ++posted_count_;
  posted_bytes_ += held;
  return done;
}

Time Pcie::read(tlm::tlm_generic_payload& gp, Time now, Time arrival, DmaInfo* info) {
  const std::uint64_t address = gp.get_address();
  const Bytes length = gp.get_data_length();
  const TlpCount request = read_requests(params_, address, length);
  stats_.read_tlps += request.tlps;
  const Time left = up_.send(now, arrival, request.bytes);
  if (info) info->link_free = left;
  sc_core::sc_time d = to_sc(left + params_.link_latency + params_.root_latency - now);
  to_root->b_transport(gp, d);
  const Time ready = std::max(now + from_sc(d), last_posted_) + params_.root_latency;
  TlpCount answer = completions(params_, address, length);
  if (gp.get_response_status() != tlm::TLM_OK_RESPONSE) answer = {1, params_.tlp_framing + params_.completion_header};
  stats_.completion_tlps += answer.tlps;
  return down_.send(now, ready, answer.bytes) + params_.link_latency;
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
  const Time left = down_.send(now, ready, t.bytes);
  delay = to_sc(left + params_.link_latency - now);
  to_device->b_transport(gp, delay);
  if (is_write) return;
  const Time answered = now + from_sc(delay);
  const Bytes answer = completions(params_, address, length).bytes;
  const Time back = up_.send(now, answered, answer);
  delay = to_sc(back + params_.link_latency + params_.mmio_write - now);
}

}  // namespace gd
