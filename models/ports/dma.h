// DMA over TLM-2.0: what a device's generic payload carries beside address, data and length.
//
// A device issues one b_transport per object or contiguous segment with the delay annotated from the present simulated
// time. On return the delay is the completion: for a write the time at which the bytes are visible in memory, for a
// read the time at which the last byte is back in the device. Nothing on the way calls wait().
#pragma once
#include <cstdint>
#include <tlm>

#include "models/base/units.h"

namespace gd {

struct DmaInfo : tlm::tlm_extension<DmaInfo> {
  // In: move no bytes now. The device applies them itself at the completion time (what others poll: write-backs, ring
  // indices), by PhysMem at `hpa`. Reads with this set are priced but deliver no data: read at completion likewise.
  bool timing_only = false;
  std::uint16_t requester = 0;     // in: which device function
  std::uint16_t domain = 0;        // in: IOMMU domain
  Hpa hpa = 0;                     // out: where the first byte lies
  bool fault = false;              // out: blocked by the IOMMU or outside memory; response status says so too
  Time link_free = 0;              // out: time at which the request has left the device over the link
  tlm::tlm_extension_base* clone() const override { return new DmaInfo(*this); }
  void copy_from(const tlm::tlm_extension_base& o) override { *this = static_cast<const DmaInfo&>(o); }
};

// A reusable transaction with its extension attached; one per engine, no allocation per use.
class DmaTransaction {
 public:
  DmaTransaction() { gp_.set_extension(&info_); }
  ~DmaTransaction() { gp_.clear_extension(&info_); }
  DmaTransaction(const DmaTransaction&) = delete;
  DmaTransaction& operator=(const DmaTransaction&) = delete;
  tlm::tlm_generic_payload& prepare(tlm::tlm_command command, Iova address, void* data, Bytes length, bool timing_only) {
    gp_.set_command(command);
    gp_.set_address(address);
    gp_.set_data_ptr(static_cast<unsigned char*>(data));
    gp_.set_data_length(static_cast<unsigned>(length));
    gp_.set_streaming_width(static_cast<unsigned>(length));
    gp_.set_byte_enable_ptr(nullptr);
    gp_.set_dmi_allowed(false);
    gp_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    info_.timing_only = timing_only;
    info_.fault = false;
    info_.hpa = 0;
    info_.link_free = 0;
    return gp_;
  }
  DmaInfo& info() { return info_; }

 private:
  DmaInfo info_;
  tlm::tlm_generic_payload gp_;
};

// Writes to this range of bus addresses are interrupt messages (MSI-X); data = 4-byte vector. x86: 0xFEE00000.
constexpr Iova kMsiBase = 0xFEE00000, kMsiSize = 0x100000;

}  // namespace gd
