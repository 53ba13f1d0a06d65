// The crasher: its kernel stops in the middle of everything, and a new one comes up with a device reset and an empty ring.
//
// While it is down nothing is received, posted or answered; the host goes on with the buffers that it has. At the restart the
// device is reset, the ring begins anew at the same place, and the new kernel posts memory of its own (as one started by kexec
// does): what the old one had posted, the host may still write. Not modelled: the loss of what the old kernel's stack and
// application held, the boot itself; of a card's own virtio device the receive queue alone is reset (virtio 1.2 section 2.6.1).
#include "models/guest/behaviours.h"
#include "models/guest/guest.h"
#include "models/guest/rx_queue.h"

namespace gd {
namespace {

class Crasher : public Behaviour {
 public:
  Crasher(GuestContext& c, GuestRxQueue& rx) : c_(c), p_(c.params.behaviour), rx_(rx), next_(p_.up_time) {}
  Time due() const override { return next_; }
  bool stopped() const override { return state_ != State::up; }
  bool work(Step& s, RingView&) override {
    switch (state_) {
      case State::up:
        state_ = State::down;
        next_ = s.now() + p_.down_time;
        ++c_.stats.crashes;
        return false;
      case State::down:                // the device is reset; what it had under way may still reach the ring
        rx_.restart(s, false);
        state_ = State::resetting;
        next_ = s.now() + kReset;
        return false;
      case State::resetting:
        if (c_.reset && !c_.reset->done()) {   // the driver reads until the device says so
          next_ = s.now() + kAsk;
          return false;
        }
        rx_.restart(s, true);
        state_ = State::up;
        next_ = s.now() + p_.up_time;
        return true;
    }
    return false;
  }

 private:
  enum class State : std::uint8_t { up, down, resetting };
  static constexpr Time kReset = 20 * kUs;   // from the reset to the new ring: longer than a step of the host; the driver's set-up
  static constexpr Time kAsk = 1 * kUs;      // between two reads of a device that is not done (chosen; msleep(1) in Linux's virtio_pci)
  GuestContext& c_;
  const BehaviourParams& p_;
  GuestRxQueue& rx_;
  Time next_;
  State state_ = State::up;
};

}  // namespace

std::unique_ptr<Behaviour> make_crasher(GuestContext& c, GuestRxQueue& rx) { return std::make_unique<Crasher>(c, rx); }

}  // namespace gd
