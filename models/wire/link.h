// The Ethernet link between the traffic and the NIC, full duplex.
//
// Modelled: serialisation with preamble, FCS and interpacket gap in both directions, remainders carried; padding of short
// frames; the delay of the wire and of the far end; PAUSE frames of the NIC (IEEE 802.3 Annex 31B), which the far end's MAC obeys: a frame
// that has begun goes on, the others wait at the far end, whose buffer has no limit. Damaged
// frames (damage.h). Times for which the link is down: frames of which a bit falls into them are lost, in both directions; nobody
// holds them back. Not modelled: PAUSE frames of the far end, auto-negotiation.
// The propagation of both directions is charged on the way to the far end: the loop takes as long, and a received frame
// needs one activation.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/backlog.h"
#include "models/base/plant.h"
#include "models/ports/ports.h"
#include "models/wire/damage.h"
#include "models/wire/traffic.h"

namespace gd {

struct LinkListener {
  virtual ~LinkListener() = default;
  // No frame will arrive any more.
  virtual void wire_finished(Time now) = 0;
};

class Link : public Actor, public TxWire, private TrafficListener {
 public:
  struct Params {
    std::uint64_t rate = 10'000'000'000;   // bit/s, each direction
    Time propagation = 500 * kNs;          // one way (100 m of fibre: 5 ns a metre, ITU-T G.652 index 1.468)
    Time far_end_delay = 0;                // from a frame's arrival at the far end to its effect there
    Time pause_response = 0;               // from a PAUSE frame's last bit at the far end to the last bit that it lets through
    std::uint64_t frames = UINT64_MAX;     // the wire is finished after so many
    DamageParams damage;
    // The link is down for down_length (until it is trained again), first down_at after start(), then every down_period; 0: never, once.
    Time down_length = 0, down_at = 0, down_period = 0;
  };
  struct Stats {
    std::uint64_t frames = 0;       // arrived at the NIC
    std::uint64_t bytes = 0;        // of them, without FCS and padding
    Time busy = 0;                  // ps, receive direction occupied (preamble to gap)
    std::uint64_t tx_frames = 0;    // sent by the NIC
    std::uint64_t tx_bytes = 0;     // of them, without FCS and padding
    Time tx_busy = 0;               // ps, transmit direction occupied
    std::uint64_t pauses = 0;       // PAUSE frames sent by the NIC
    std::uint64_t tx_lost = 0;      // of tx_frames, lost because the link was down
    Time paused = 0;                // ps by which PAUSE frames delayed frames that were ready
  };

  // `rank`: rank::kWire + index. Nothing is sent before start().
  Link(Agenda& agenda, std::uint32_t actor_rank, FrameTable& table, const Params& p);

  // Before start(); all must outlive the run. The traffic, where frames go, who is at the far end (none: what the NIC
  // sends is only timed), the planted fault flip_wire, the observer of wire_frame, who is told of the end.
  void connect(Traffic& traffic, FrameSink& nic);
  void far_end(FarEnd* f) { far_ = f; }
  void plant(FaultPlan* f) { fault_ = f; }
  void observe(Observer* o) { observer_ = o; }
  void listen(LinkListener* l) { listener_ = l; }

  // Begins at the present time.
  void start();
  // Frames whose last bit would arrive at `t` or later stay away; where nothing else ends the traffic it ends at `t`, not with
  // its last frame. May be called again with another time.
  void stop_at(Time t);
  // True when no frame will arrive any more: the traffic, the frame limit or stop_at ended it.
  bool finished() const { return finished_; }
  // Last bit of the latest frame.
  Time last_arrival() const { return last_arrival_; }

  void act(Time now) override;
  void transmit(const std::uint8_t* bytes, std::uint32_t length, Time now) override;
  Time free_at() const override { return tx_free_; }

  const Stats& stats() const { return stats_; }
  void reset_stats() { stats_ = {}; }

 private:
  struct Sent {
    Time due = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Pause {
    Time due;
    std::uint16_t quanta;
  };
  void traffic_ready(Time now) override;
  void plan(Time now);
  void arrive(Time now);
  [[gnu::noinline]] void arrive_there(Time now);
  void finish(Time now);
  void flip(FrameRef r);
  // Whether the link is down at any moment of [from, to].
  bool down(Time from, Time to) const;
  void pause(std::uint16_t quanta, Time now);
  void wake();

  FrameTable& table_;
  Params p_;
  Traffic* traffic_ = nullptr;
  FrameSink* nic_ = nullptr;
  FarEnd* far_ = nullptr;
  FaultPlan* fault_ = nullptr;
  Observer* observer_ = nullptr;
  LinkListener* listener_ = nullptr;
  RateClock rx_clock_, tx_clock_;
  Time arrival_ = kNever;            // last bit of the frame on the wire
  Time first_bit_ = 0, ready_ = 0;   // of that frame: when it begins, and when it would without PAUSE
  Time paused_until_ = 0;            // no frame begins before
  Time rx_free_ = 0, tx_free_ = 0;
  Time stop_ = kNever, last_arrival_ = 0;
  std::uint64_t sent_ = 0;
  bool running_ = false, finished_ = false;
  bool over_ = false;                // the next frame would come too late: there is none before stop_
  Time up_since_ = 0;
  std::unique_ptr<WireDamage> damage_;   // null: none
  std::vector<Sent> tx_;             // ring, a power of two long
  std::uint64_t tx_head_ = 0, tx_tail_ = 0;
  Backlog<Pause> pauses_;            // on their way, oldest first
  std::vector<std::uint8_t> flipped_;
  Stats stats_;
};

}  // namespace gd
