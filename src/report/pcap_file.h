// Captures: nanosecond pcap, snaplen 262144, Ethernet, little-endian on every machine; the simulation begins at 1970.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "src/report/file_trace.h"
#include "src/report/out_file.h"

namespace gd::report {

class PcapFile {
 public:
  static constexpr std::uint32_t kSnaplen = 262'144;
  explicit PcapFile(const std::string& path);
  // `t` in picoseconds, cut to nanoseconds. A stamp before the one before becomes that one.
  void frame(const std::uint8_t* bytes, std::uint32_t length, Time t);
  void close() { out_.close(); }

 private:
  OutFile out_;
  Time last_ = 0;
};

// wire.pcap: each frame when its last bit reached the NIC. guest-<name>.pcap: what the guest's driver handed up; app.pcap
// where there is no guest and no application with a name of its own.
class PcapTrace : public FileTrace {
 public:
  explicit PcapTrace(std::string folder) : folder_(std::move(folder)), wire_(folder_ + "/wire.pcap") {}
  void begin(const system::Topology& topology) override;
  void wire_frame(const FrameMeta& f, Time t) override { wire_.frame(f.bytes, f.length, t); }
  void handed_up(std::uint32_t guest, const std::uint8_t* bytes, std::uint32_t length, Time t) override;
  bool wants_handed_up() const override { return true; }
  void finish(Time end) override;

 private:
  std::string folder_;
  PcapFile wire_;
  std::vector<std::unique_ptr<PcapFile>> up_;  // by guest; one without guests
};

}  // namespace gd::report
