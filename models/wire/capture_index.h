// Finds the flows of a capture and what a repetition must change in each frame (rules: capture.h). Used while loading.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "models/packet/parse.h"
#include "models/wire/capture.h"

namespace gd {

class CaptureIndex {
 public:
  explicit CaptureIndex(Capture& c) : c_(c) {}
  // Fills records, patches and flows from the bytes in the store.
  void build();

 private:
  // The range that a wrapping 32-bit counter covers, unwrapped from one frame to the next.
  class Range {
   public:
    // Place of `value` since the first one seen; remembered as the last. Counted into the range unless `apart`.
    std::int64_t see(std::uint32_t value, bool apart = false);
    void reach(std::int64_t place);
    std::int64_t low() const { return low_; }
    std::uint64_t span() const { return static_cast<std::uint64_t>(high_ - low_); }

   private:
    bool any_ = false, counted_ = false;
    std::uint32_t last_ = 0;
    std::int64_t place_ = 0, low_ = 0, high_ = 0;
  };
  struct Flow {
    Range seq, ack, stamp, echo;
    std::uint64_t payload = 0;
    std::int64_t other = -1;      // flow of the other direction
    std::uint16_t first_id = 0, last_id = 0;
    std::uint32_t ids = 0;
    bool same_id = true, tcp = false, fragments = false;
  };
  using Key = std::array<std::uint8_t, 40>;
  struct Options {
    std::uint32_t timestamp = 0, sack = 0, sack_edges = 0;   // offsets in the frame; 0: absent
  };
  static Key key(const std::uint8_t* frame, const Parsed& p, bool reverse);
  static Options options(const std::uint8_t* frame, const Parsed& p);
  std::uint32_t flow_of(const std::uint8_t* frame, const Parsed& p);
  void survey(Capture::Record& r);
  void patch(Capture::Record& r);
  std::uint32_t id_delta(const Flow& f) const;

  Capture& c_;
  std::map<Key, std::uint32_t> index_;
  std::vector<Flow> flows_;
  std::vector<std::int64_t> places_;   // of each TCP record's sequence number
};

}  // namespace gd
