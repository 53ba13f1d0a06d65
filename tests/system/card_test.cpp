// Keys of the card that no platform sets: each moves a run under translations that take long.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace card_test {

TEST(CardKeys, EachMovesARun) {
  const std::vector<std::string> slow = {"time.measure=500us", "iommu.mode=strict", "iommu.walk_overhead=3us", "nic.max_outstanding_writes=1024"};
  const auto run = [&](const std::string& key) {
    std::vector<std::string> set = slow;
    if (!key.empty()) set.push_back(key);
    return run_child("today-bulk-1500.json", "vhost-copy", set);
  };
  const ChildResult plain = run("");
  ASSERT_EQ(plain.exit_code, 0) << plain.error;
  for (const char* key : {"nic.max_outstanding_bytes=128KiB", "nic.max_outstanding_bytes=4KiB", "nic.descriptor_cache=8", "nic.prefetch_threshold=0", "nic.prefetch_host=4096"}) {
    const ChildResult r = run(key);
    ASSERT_EQ(r.exit_code, 0) << key << ": " << r.error;
    EXPECT_NE(r.fingerprint, plain.fingerprint) << key;
    EXPECT_EQ(r.value("integrity.errors"), 0) << key;
    EXPECT_EQ(r.value("ownership.violations"), 0) << key;
  }
  for (const char* key : {"nic.max_outstanding_bytes=32KiB", "nic.descriptor_cache=64", "nic.prefetch_threshold=32", "nic.prefetch_host=8"})
    EXPECT_EQ(run(key).everything, plain.everything) << key << " is the default";
}

// Those of the transmit side and of the card's own virtqueues.
TEST(CardKeys, TransmitAndVirtqueuesMoveARun) {
  struct Row {
    const char *scenario, *strategy;
    std::vector<std::string> set;
    const char *other, *same;
  };
  const std::string brief = "time.measure=300us";
  const std::vector<Row> rows = {
      {"forward-40g.json", "vhost-copy", {brief, "nic.max_outstanding_reads=4096"}, "nic.tx_fifo=16KiB", "nic.tx_fifo=160KiB"},
      {"forward-40g.json", "vhost-copy", {brief}, "nic.tx_fetch_batch=2", "nic.tx_fetch_batch=40"},
      {"today-bulk-1500.json", "passthrough", {brief}, "nic.virtio_chain_cache=8", "nic.virtio_chain_cache=64"},
      {"today-bulk-1500.json", "passthrough", {brief}, "nic.virtio_fetch_batch=2", "nic.virtio_fetch_batch=32"},
      {"today-bulk-1500.json", "vhost-copy", {brief}, "vhost.kick_latency=5us", "vhost.kick_latency=1us"},
      {"host-socket-udp.json", "vhost-copy", {brief, "nic.rx_queues=2", "traffic.flows=16"}, "nic.rss_udp=true", "nic.rss_udp=false"},
  };
  for (const Row& row : rows) {
    const auto run = [&](const char* key) {
      std::vector<std::string> set = row.set;
      if (key) set.emplace_back(key);
      return run_child(row.scenario, row.strategy, set);
    };
    const ChildResult plain = run(nullptr), other = run(row.other);
    ASSERT_EQ(plain.exit_code, 0) << plain.error;
    ASSERT_EQ(other.exit_code, 0) << row.other << ": " << other.error;
    EXPECT_NE(other.fingerprint, plain.fingerprint) << row.other;
    EXPECT_EQ(other.value("integrity.errors"), 0) << row.other;
    EXPECT_EQ(run(row.same).everything, plain.everything) << row.same << " is the default";
  }
  // A doorbell of the card's own queue passes no eventfd.
  EXPECT_EQ(run_child("today-bulk-1500.json", "passthrough", {brief, "vhost.kick_latency=5us"}).everything,
            run_child("today-bulk-1500.json", "passthrough", {brief}).everything);
}

}  // namespace card_test
}  // namespace gd::test
