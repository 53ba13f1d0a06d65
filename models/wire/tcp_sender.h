// The far end of closed-loop TCP: one NewReno sender per flow, fed by the guest's real ACK frames.
//
// Modelled: real data segments in bursts as the window allows, back to back as segmentation offload sends them, flows
// taking turns by bursts; PSH on a burst's last segment; ACKs parsed from their bytes with verified checksums. A
// retransmitted segment is a new wire frame with the old offset. Not modelled: the handshake (flows are established),
// options in ACKs (SACK), data from the guest, the far end's own processing (Link::Params::far_end_delay).
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/agenda.h"
#include "models/packet/parse.h"
#include "models/wire/frame_buffers.h"
#include "models/wire/newreno.h"
#include "models/wire/stream.h"
#include "models/wire/traffic.h"

namespace gd {

class TcpSender : public Actor, public Traffic, public FarEnd {
 public:
  struct Params {
    std::vector<FlowHeader> flows = make_flows({});   // TCP all
    std::uint32_t frame_bytes = 1518;     // full frame with FCS; the segment size follows from it
    std::uint32_t window_scale = 7;       // shift of the window field in the guest's ACKs
    std::uint32_t burst_bytes = 65536;    // one flow's payload at most before the next flow's turn
    NewReno::Params tcp;                  // mss is set from frame_bytes; limit is per flow
    std::uint64_t seed = 1;               // payload, as Synthetic
  };
  struct Stats {
    std::uint64_t segments = 0;           // data segments sent, retransmissions included
    std::uint64_t acks = 0;               // valid ACKs received
    std::uint64_t bad_acks = 0;           // wrong checksum or not TCP
    std::uint64_t unknown = 0;            // of no flow
    NewReno::Stats tcp;                   // of all flows
  };
  // `rank`: rank::kWire + index, not the link's. Throws UserError for flows that are not TCP or a frame too small.
  TcpSender(Agenda& agenda, std::uint32_t actor_rank, FrameTable& table, const Params& p);

  Next plan(Time now, Plan& out) override;
  FrameRef emit(Time now) override;
  void attach(TrafficListener& link) override { link_ = &link; }
  void from_nic(const std::uint8_t* bytes, std::uint32_t length, Time now) override;
  void act(Time now) override;

  Stats stats() const;
  void reset_stats();
  const NewReno& flow(std::uint32_t f) const { return tcp_[f]; }
  const Stream& stream() const { return stream_; }

 private:
  std::uint32_t find(const std::uint8_t* bytes, const Parsed& p) const;
  void ready(std::uint32_t flow);
  void next_turn(bool again);

  FrameTable& table_;
  Params p_;
  Stream stream_;
  FrameBuffers buffers_;
  TrafficListener* link_ = nullptr;
  std::vector<NewReno> tcp_;
  std::vector<std::uint32_t> index_;          // segments of each flow so far
  std::vector<std::uint32_t> turn_;           // ring of flows that may have something to send
  std::vector<bool> queued_;
  std::uint32_t turn_head_ = 0, turn_count_ = 0, in_burst_ = 0, finished_ = 0;
  std::vector<std::uint32_t> by_hash_;        // open addressing: flow + 1
  StreamSegment next_;
  Stats stats_;
};

}  // namespace gd
