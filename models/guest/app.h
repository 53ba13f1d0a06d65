// The application: reads the socket queue in read-size pieces into its buffer, real bytes, and has each one checked.
//
// A read() returns when its buffer is full, the queue is empty, or (TCP) the next packet is of another connection, (else)
// the datagram has ended. A long copy is cut, so that no step is longer than the core allows.
#pragma once
#include "models/guest/stack.h"

namespace gd {

class GuestApp : public Task {
 public:
  GuestApp(GuestContext& c, GuestBuffers& buffers, GuestChecker& checker, GuestStack& stack, GuestSocket& socket);
  bool step(Step& s) override;
  // Who sends window updates.
  void set_softirq(Task& t) { softirq_ = &t; }

 private:
  bool next_packet(Step& s);
  void copy(Step& s);
  void finish(Step& s);

  GuestContext& c_;
  GuestBuffers& buffers_;
  GuestChecker& checker_;
  GuestStack& stack_;
  GuestSocket& socket_;
  Task* softirq_ = nullptr;
  Gpa user_ = 0;                       // the application's buffer
  Bytes filled_ = 0;                   // of it by the present read()
  bool reading_ = false;
  std::uint32_t packet_ = kNil;        // being read
  std::uint32_t left_ = 0;             // payload bytes of it still to copy
  std::uint32_t buffer_ = kNil, at_ = 0;  // where they are
  std::uint32_t last_flow_ = kNil;
  GuestChecker::Cursor cursor_;
};

}  // namespace gd
