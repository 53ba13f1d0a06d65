// Hands what one run shows to any number of observers.
#pragma once
#include <vector>

#include "src/system/system.h"

namespace gd::system {

class ObserverFan : public Observer, public FrameTable::Listener {
 public:
  explicit ObserverFan(const std::vector<TraceObserver*>& to) : to_(to) {
    for (TraceObserver* o : to_) handed_ |= o->wants_handed_up();
  }
  bool empty() const { return to_.empty(); }
  void wire_frame(const FrameMeta& f, Time t) override {
    for (auto* o : to_) o->wire_frame(f, t);
  }
  void handed_up(std::uint32_t g, const std::uint8_t* b, std::uint32_t n, Time t) override {
    for (auto* o : to_) o->handed_up(g, b, n, t);
  }
  void level(std::uint32_t id, std::int64_t v, Time t) override {
    for (auto* o : to_) o->level(id, v, t);
  }
  void core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) override {
    for (auto* o : to_) o->core_busy(core, context, from, to);
  }
  bool wants_handed_up() const override { return handed_; }
  void ended(const FrameMeta& f, Drop why, Time t) override {
    for (auto* o : to_) o->ended(f, why, t);
  }

 private:
  std::vector<TraceObserver*> to_;
  bool handed_ = false;
};

}  // namespace gd::system
