#include "src/report/pcap_file.h"

#include <algorithm>

namespace gd::report {

namespace {

void store(std::uint8_t* at, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(v >> (8 * i));
}

}  // namespace

PcapFile::PcapFile(const std::string& path) : out_(path) {
  std::uint8_t head[24] = {};
  store(head, 0xa1b23c4d);                     // nanosecond stamps
  store(head + 4, 4u << 16 | 2);               // version 2.4
  store(head + 16, kSnaplen);
  store(head + 20, 1);                         // LINKTYPE_ETHERNET
  out_.bytes(head, sizeof head);
}

void PcapFile::frame(const std::uint8_t* bytes, std::uint32_t length, Time t) {
  last_ = std::max(last_, t);
  const std::uint32_t kept = std::min(length, kSnaplen);
  std::uint8_t head[16];
  store(head, static_cast<std::uint32_t>(last_ / kSec));
  store(head + 4, static_cast<std::uint32_t>(last_ % kSec / kNs));
  store(head + 8, kept);
  store(head + 12, length);
  out_.bytes(head, sizeof head);
  out_.bytes(bytes, kept);
}

void PcapTrace::begin(const system::Topology& t) {
  for (const std::string& name : t.guests) up_.push_back(std::make_unique<PcapFile>(folder_ + "/guest-" + name + ".pcap"));
  if (up_.empty()) up_.push_back(std::make_unique<PcapFile>(folder_ + "/app.pcap"));
}

void PcapTrace::handed_up(std::uint32_t guest, const std::uint8_t* bytes, std::uint32_t length, Time t) {
  if (guest < up_.size()) up_[guest]->frame(bytes, length, t);
}

void PcapTrace::finish(Time) {
  wire_.close();
  for (const auto& f : up_) f->close();
}

}  // namespace gd::report
