#include "models/wire/capture.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "models/base/error.h"
#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/wire/capture_index.h"

namespace gd {
namespace {

struct Close {
  void operator()(pcap_t* p) const { pcap_close(p); }
};

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw UserError("capture '" + path + "': " + what);
}

// Opens the file and checks everything that stands before the first frame.
std::unique_ptr<pcap_t, Close> open(const std::string& path) {
  std::error_code e;
  const auto status = std::filesystem::status(path, e);
  if (!std::filesystem::exists(status)) refuse(path, "no such file");
  if (std::filesystem::is_directory(status)) refuse(path, "is a folder");
  if (std::filesystem::is_regular_file(status) && std::filesystem::file_size(path, e) == 0) refuse(path, "is empty");
  char text[PCAP_ERRBUF_SIZE] = "";
  std::unique_ptr<pcap_t, Close> file(
      pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, text));
  if (!file) {
    std::string why = text;
    if (why.rfind(path + ": ", 0) == 0) why.erase(0, path.size() + 2);
    if (why.find("unknown file format") != std::string::npos) why = "not a pcap or pcapng file (" + why + ")";
    refuse(path, why);
  }
  const int link = pcap_datalink(file.get());
  if (link != DLT_EN10MB) {
    const char* name = pcap_datalink_val_to_name(link);
    refuse(path, "link type " + std::string(name ? name : "?") + " (" + std::to_string(link) + ") is not Ethernet");
  }
  return file;
}

}  // namespace

Capture Capture::load(const std::string& path, std::optional<std::uint64_t> dst_mac) {
  const auto file = open(path);
  Capture c;
  CaptureIndex index(c);
  std::error_code none;   // a pipe has no size
  if (const auto bytes = std::filesystem::file_size(path, none); !none) c.store_.reserve(std::min<std::uintmax_t>(bytes, 1 << 30));
  pcap_pkthdr* head = nullptr;
  const unsigned char* data = nullptr;
  std::int64_t first_sec = 0, first_ns = 0;
  constexpr std::int64_t kLongest = 9'000'000;   // seconds that Time holds
  for (;;) {
    const std::string number = std::to_string(c.records_.size() + 1);
    const int got = pcap_next_ex(file.get(), &head, &data);
    if (got == PCAP_ERROR_BREAK) break;
    if (got != 1) refuse(path, "frame " + number + ": " + pcap_geterr(file.get()));
    if (head->caplen < head->len)
      refuse(path, "frame " + number + " was cut by the snap length: " + std::to_string(head->caplen) + " of " +
                       std::to_string(head->len) + " bytes; capture whole frames");
    if (head->caplen < ether::kHeader)
      refuse(path, "frame " + number + " has " + std::to_string(head->caplen) + " bytes: less than an Ethernet header");
    if (c.records_.empty()) first_sec = head->ts.tv_sec, first_ns = head->ts.tv_usec;
    const std::int64_t sec = head->ts.tv_sec - first_sec;
    if (sec > kLongest || sec < -kLongest) refuse(path, "frame " + number + ": more than 100 days from the first frame");
    Record r;
    r.at = c.store_.size();
    r.length = head->caplen;
    r.stamp = sec * kSec + (head->ts.tv_usec - first_ns) * kNs;
    r.stamp = std::max(r.stamp, c.records_.empty() ? Time{0} : c.records_.back().stamp);
    c.store_.insert(c.store_.end(), data, data + head->caplen);
    if (dst_mac && !ether::is_multicast(data))
      for (unsigned i = 0; i < 6; ++i) c.store_[r.at + i] = static_cast<std::uint8_t>(*dst_mac >> (40 - 8 * i));
    c.longest_ = std::max(c.longest_, r.length);
    c.records_.push_back(r);
  }
  if (c.records_.empty()) refuse(path, "has no frames");
  index.build();
  return c;
}

// A 32-bit word at an odd offset of what the checksum covers counts with its bytes swapped.
void Capture::advance(std::uint8_t* out, const Record& r, std::uint32_t loop) const {
  if (loop == 0) return;
  const Patch* p = patches_.data() + r.patch;
  for (unsigned i = 0; i < r.patches; ++i, ++p) {
    const std::uint32_t by = p->delta * loop;
    std::uint8_t* field = out + p->at;
    std::uint16_t before, after;
    if (p->wide) {
      const std::uint32_t v = be32(field);
      put_be32(field, v + by);
      before = csum::fold(v), after = csum::fold(v + by);
    } else {
      before = be16(field), after = static_cast<std::uint16_t>(before + by);
      put_be16(field, after);
    }
    if (p->odd) before = csum::swapped(before), after = csum::swapped(after);
    std::uint8_t* check = out + (p->l3 ? r.l3_check : r.l4_check);
    put_be16(check, csum::update(be16(check), before, after));
  }
}

}  // namespace gd
