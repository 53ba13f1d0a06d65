// Frames that come damaged: drawn by share as frames go onto the wire, whatever traffic makes them.
//
// Modelled: runts (cut short, as collisions and failing transmitters leave them: the wire is occupied for what is left),
// giants (zeros behind the frame, beyond the card's limit), a flipped bit under an FCS that tells it, IPv4 and TCP or UDP
// checksums that are wrong under a right FCS (damage in a router's memory, or a broken sender). A checksum that a frame does not
// have (IPv6, fragments, other protocols, UDP without) stays as it is, and the draw is lost.
// Not modelled: damage that comes in bursts, symbol errors, jabber.
// Frames that are longer than the card's limit anyway stay as they are.
// One draw a frame, by its number (stream "traffic.errors"): other traffic on the wire changes no draw.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "models/base/rng.h"
#include "models/packet/parse.h"
#include "models/wire/frame_buffers.h"

namespace gd {

struct DamageParams {
  // Shares in parts per million, together at most 1,000,000.
  std::uint32_t runts = 0, giants = 0, fcs = 0, l3_checksum = 0, l4_checksum = 0;
  std::uint32_t mtu = 1500;          // that giants exceed
  std::uint64_t seed = 1;
  bool any() const { return runts + giants + fcs + l3_checksum + l4_checksum != 0; }
};

class WireDamage {
 public:
  WireDamage(FrameTable& table, const DamageParams& p);
  // What happens to the next frame, `length` bytes long without FCS as planned; the length that goes onto the wire.
  std::uint32_t plan(std::uint32_t length);
  // Does it to that frame, now that it exists: FrameMeta::bytes, length and damage.
  void apply(FrameRef f);

 private:
  FrameTable& table_;
  DamageParams p_;
  Rng kind_rng_, detail_rng_;
  std::uint64_t planned_ = 0;
  Damage next_ = Damage::none;
  std::uint32_t length_ = 0;         // on the wire, of a runt or a giant
  FrameBuffers buffers_;
};

// Where in the frame the two bytes of the checksum lie that `d` spoils; 0 when the frame has none.
std::uint32_t damaged_checksum(const Parsed& p, Damage d);

// The frame as sent, but for the checksum that the wire spoiled.
class DamagedExpected : public ExpectedBytes {
 public:
  explicit DamagedExpected(std::unique_ptr<ExpectedBytes> sent) : sent_(std::move(sent)), scratch_(kLongest) {}
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) override;
  bool original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) override { return sent_->original(f, out, n); }

 private:
  static constexpr std::uint32_t kLongest = 65536;
  std::unique_ptr<ExpectedBytes> sent_;
  std::vector<std::uint8_t> scratch_;
};

}  // namespace gd
