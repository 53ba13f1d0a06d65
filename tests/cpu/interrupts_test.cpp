#include "models/cpu/interrupts.h"

#include <gmock/gmock.h>

#include "models/ports/dma.h"
#include "tests/cpu/machine.h"

namespace gd::test {
namespace interrupts_test {

struct Sink : InterruptSink {
  Log* seen;
  explicit Sink(Log& l) : seen(&l) {}
  void interrupt(std::uint32_t vector, Time now) override { log(*seen, "v" + std::to_string(vector), now); }
};

TEST(InterruptController, DeliversEachMessageAtItsTime) {
  Agenda agenda("agenda");
  InterruptController controller("controller", agenda);
  Dma device("device");
  device.port.bind(controller.socket);
  Log seen;
  Sink sink(seen);
  EXPECT_EQ(controller.add(sink), 0u);
  EXPECT_EQ(controller.add(sink), 1u);
  DmaTransaction dma;
  const auto send = [&](std::uint32_t vector, Time delay, unsigned bytes = 4, tlm::tlm_command command = tlm::TLM_WRITE_COMMAND) {
    sc_core::sc_time d = to_sc(delay);
    auto& gp = dma.prepare(command, kMsiBase, &vector, bytes, false);
    device.port->b_transport(gp, d);
    return gp.get_response_status();
  };
  Script script(agenda);
  script.at(100 * kNs, [&](Time) {
    EXPECT_EQ(send(0, 300 * kNs), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(send(1, 200 * kNs), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(send(1, 300 * kNs), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(send(0, 0), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(send(2, 0), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(send(0, 0, 2), tlm::TLM_COMMAND_ERROR_RESPONSE);
    EXPECT_EQ(send(0, 0, 4, tlm::TLM_READ_COMMAND), tlm::TLM_COMMAND_ERROR_RESPONSE);
  });
  sc_core::sc_start(to_sc(kMs));
  EXPECT_THAT(seen, ::testing::ElementsAre("v0@100", "v1@300", "v0@400", "v1@400"));
  EXPECT_EQ(controller.delivered(), 4u);
}

// Blocking transport is all that a target here answers.
TEST(InterruptController, ANonBlockingCallIsRefused) {
  Agenda agenda("agenda");
  InterruptController controller("controller", agenda);
  Dma device("device");
  device.port.bind(controller.socket);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  DmaTransaction dma;
  std::uint32_t vector = 0;
  auto& gp = dma.prepare(tlm::TLM_WRITE_COMMAND, kMsiBase, &vector, 4, false);
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay;
  tlm::tlm_dmi dmi;
  EXPECT_THROW(device.port->nb_transport_fw(gp, phase, delay), InvariantError);
  EXPECT_FALSE(device.port->get_direct_mem_ptr(gp, dmi));
  EXPECT_EQ(device.port->transport_dbg(gp), 0u);
}

}  // namespace interrupts_test
}  // namespace gd::test
