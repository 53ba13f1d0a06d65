// What the card, or the bus behind it, loses or misplaces, by share. Every draw is keyed by the number of its frame, write-back or
// message, so that shares of different kinds change nothing about each other.
//
// Lost data write: one TLP of a frame's payload, drawn among those of its packet buffers, does not reach memory; what lay there
// before stays. The card has checked the frame and reports it as good. Its time on the bus is charged.
// Lost write-back: the bytes of a report never become visible; on the card the descriptors count as reported. A write that reports
// only a part of a frame's descriptors is spared. On a split virtio ring it is the update of the used index, which the next one
// makes up for; on a packed ring the descriptors of a packet, at which the guest then waits for ever. The frame of a lost report is dropped (dma-lost); its buffers stay with the ring until the driver takes them back.
// Lost interrupt: the message does not arrive, and the vector is masked as after one that does.
// Not modelled: TLPs that come damaged (poisoned), replays of the data link layer, lost reads, lost doorbells.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/base/rng.h"
#include "models/base/units.h"

namespace gd::nic {

class Faults {
 public:
  // Shares in parts per million; `tlp`: most bytes of a write TLP.
  Faults(std::uint64_t seed, std::uint32_t data, std::uint32_t reports, std::uint32_t messages, Bytes tlp)
      : data_share_(data), report_share_(reports), message_share_(messages), tlp_(tlp), data_(seed, "nic.faults.data"),
        which_(seed, "nic.faults.tlp"), reports_(seed, "nic.faults.writeback"), messages_(seed, "nic.faults.interrupt") {}

  // Of frame `id`, whose `n` bytes at `payload` go to packet buffers: tears out one TLP, until the next frame.
  void begin(std::uint64_t id, const std::uint8_t* payload, std::uint32_t n) {
    lo_ = hi_ = nullptr;
    if (data_share_ == 0 || n == 0 || data_.at(id) % 1'000'000 >= data_share_) return;
    const Bytes from = which_.at(id) % ceil_div(n, tlp_) * tlp_;
    lo_ = payload + from;
    hi_ = payload + std::min<Bytes>(n, from + tlp_);
  }
  // Whether [from, from + n) has lost bytes; which, relative to `from`.
  bool torn(const std::uint8_t* from, Bytes n, Bytes& lo, Bytes& hi) const {
    if (lo_ == hi_ || hi_ <= from || lo_ >= from + n) return false;
    lo = lo_ > from ? static_cast<Bytes>(lo_ - from) : 0;
    hi = std::min<Bytes>(n, static_cast<Bytes>(hi_ - from));
    return true;
  }
  bool loses_data() const { return lo_ != hi_; }
  bool loses_report() { return report_share_ && reports_.at(report_++) % 1'000'000 < report_share_; }
  bool loses_message() { return message_share_ && messages_.at(message_++) % 1'000'000 < message_share_; }

 private:
  std::uint32_t data_share_, report_share_, message_share_;
  Bytes tlp_;
  Rng data_, which_, reports_, messages_;
  std::uint64_t report_ = 0, message_ = 0;
  const std::uint8_t *lo_ = nullptr, *hi_ = nullptr;
};

}  // namespace gd::nic
