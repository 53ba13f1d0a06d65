// Takers of packets for tests of what lies below them.
#pragma once
#include <functional>
#include <vector>

#include "models/host/gro_stage.h"

namespace gd::test {

// Takes what GRO passes up.
struct StubUp : PacketSink {
  void packet(Step& s, Skb* skb) override {
    packets.push_back(skb);
    if (on_packet) on_packet(s, skb);
  }
  std::uint32_t held() const override { return 0; }
  std::vector<Skb*> packets;
  std::function<void(Step&, Skb*)> on_packet;
};

}  // namespace gd::test
