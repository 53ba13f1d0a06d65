#include "models/wire/frame_buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace gd {
namespace frame_buffers_test {

TEST(FrameBuffers, ReusedInTurnWhenFramesEnd) {
  FrameTable table;
  FrameBuffers buffers(table, 1514);
  std::set<std::uint8_t*> seen;
  std::vector<std::uint8_t*> order;
  for (int i = 0; i < 10000; ++i) {
    const FrameRef r = table.create();
    std::uint8_t* b = buffers.take(r);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 64, 0u);
    for (std::size_t k = order.size() > FrameBuffers::kReserve ? order.size() - FrameBuffers::kReserve : 0; k < order.size(); ++k)
      ASSERT_NE(order[k], b) << "reused too soon";
    order.push_back(b);
    seen.insert(b);
    table.dropped(r, Drop::nic_fifo, 1);
  }
  EXPECT_EQ(buffers.buffers(), FrameBuffers::kBlock);
  EXPECT_LE(seen.size(), FrameBuffers::kBlock);
}

// Buffers that are written ahead keep their bytes until the frames that they are given to have gone.
TEST(FrameBuffers, WrittenAhead) {
  FrameTable table;
  FrameBuffers buffers(table, 64);
  std::vector<FrameRef> fifo;
  for (std::uint32_t i = 0, done = 0; i < 20000; i += 4) {
    std::uint32_t slots[4];
    for (std::uint32_t k = 0; k < 4; ++k) {
      slots[k] = buffers.take();
      const std::uint32_t number = i + k;
      std::memcpy(buffers.bytes(slots[k]), &number, 4);
    }
    for (const std::uint32_t slot : slots) {
      fifo.push_back(table.create());
      buffers.give(slot, fifo.back());
      table[fifo.back()].bytes = buffers.bytes(slot);
    }
    for (std::uint32_t held = i / 100 % 40; fifo.size() - done > held; ++done) {
      std::uint32_t was;
      std::memcpy(&was, table[fifo[done]].bytes, 4);
      ASSERT_EQ(was, done);
      table.dropped(fifo[done], Drop::nic_fifo, 1);
    }
  }
}

TEST(FrameBuffers, HeldWhileTheNicHoldsTheFrame) {
  FrameTable table;
  FrameBuffers buffers(table, 64);
  // 3000 frames wait in a FIFO while 100000 others come and are dropped.
  std::vector<std::uint8_t*> waiting;
  std::vector<FrameRef> refs;
  for (int i = 0; i < 3000; ++i) {
    refs.push_back(table.create());
    waiting.push_back(buffers.take(refs.back()));
    std::memset(waiting.back(), i & 0xff, 64);
  }
  for (int i = 0; i < 100000; ++i) {
    const FrameRef r = table.create();
    std::memset(buffers.take(r), 0xee, 64);
    table.dropped(r, Drop::nic_fifo, 1);
  }
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(waiting[i][63], i & 0xff) << i;
  const std::size_t most = buffers.buffers();
  EXPECT_LE(most, 3000 + FrameBuffers::kReserve + 2 * FrameBuffers::kBlock);
  // DMA took them: a stamp is enough, and nothing grows any more.
  for (FrameRef r : refs) table.stamp(r, Stage::dma, 5);
  for (int i = 0; i < 100000; ++i) {
    const FrameRef r = table.create();
    buffers.take(r);
    table.dropped(r, Drop::nic_fifo, 1);
  }
  EXPECT_EQ(buffers.buffers(), most);
}

}  // namespace frame_buffers_test
}  // namespace gd
