// A guest's window: scattered backing pages behind contiguous bus addresses, in every mode, for its domain only.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace guest_test {

constexpr std::uint16_t kDomain = 3;

TEST(GuestWindow, PiecesAcrossScatteredPages) {
  IommuBench b("bench", IommuBench::params(IommuMode::passthrough));
  GuestSpace guest(b.phys, 8 << 20, kPage);
  const Iova base = b.iommu->map_guest(guest, kDomain);
  for (std::size_t i = 0; i < b.bytes.size(); ++i) b.bytes[i] = static_cast<unsigned char>(i * 7 + i / 256);
  const Gpa gpa = 0x12'3f80;
  const Time done = b.write(base + gpa, 10'000, 0, kDomain);
  EXPECT_FALSE(b.blocked());
  EXPECT_EQ(b.t.info().hpa, guest.translate(gpa));
  std::vector<unsigned char> got(10'000);
  guest.read(gpa, got.data(), got.size());
  EXPECT_TRUE(std::equal(got.begin(), got.end(), b.bytes.begin()));
  EXPECT_EQ(b.iommu->stats().misses, 4u);
  EXPECT_GT(done, 340 * kNs);
  std::fill(b.bytes.begin(), b.bytes.end(), 0);
  b.dma(tlm::TLM_READ_COMMAND, base + gpa, 10'000, kUs, kDomain);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), b.bytes.begin()));
  EXPECT_EQ(b.iommu->stats().misses, 4u);
  // The payload is whole again after the pieces.
  EXPECT_EQ(b.t.info().fault, false);
}

TEST(GuestWindow, OtherDomainsAndAddressesAreBlocked) {
  IommuBench b("bench", IommuBench::params(IommuMode::passthrough));
  GuestSpace guest(b.phys, 8 << 20, 2 << 20), neighbour(b.phys, 8 << 20, 2 << 20);
  const Iova base = b.iommu->map_guest(guest, kDomain), next = b.iommu->map_guest(neighbour, kDomain + 1);
  struct Row { const char* what; Iova a; Bytes n; std::uint16_t domain; bool blocked; };
  const Row rows[] = {{"its own", base + 4096, 64, kDomain, false},
                      {"the last bytes", base + (8 << 20) - 64, 64, kDomain, false},
                      {"one byte too far", base + (8 << 20) - 63, 64, kDomain, true},
                      {"the host into the window", base + 4096, 64, 0, true},
                      {"the neighbour's window", next + 4096, 64, kDomain, true},
                      {"the neighbour itself", next + 4096, 64, kDomain + 1, false},
                      {"host memory", 0x10000, 64, kDomain, true},
                      {"a guest address that wraps to host memory", base + (UINT64_MAX - base + 1) + 0x10000, 64, kDomain, true},
                      {"a window that nobody has", base + (Iova{7} << 38), 64, kDomain, true}};
  std::uint64_t faults = 0;
  for (const Row& r : rows) {
    b.write(r.a, r.n, 0, r.domain);
    EXPECT_EQ(b.blocked(), r.blocked) << r.what;
    faults += r.blocked;
  }
  EXPECT_EQ(b.iommu->stats().faults, faults);
}

// What a requester may not name is blocked before any walk, and takes no time of the IOTLB: over the end of a window, and over the border
// between the host's addresses and the windows.
TEST(GuestWindow, WhatMayNotBeNamedIsNotLookedUp) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.hit_latency = 7 * kNs;
  IommuBench b("bench", p);
  GuestSpace guest(b.phys, 8 << 20, kPage);
  const Iova base = b.iommu->map_guest(guest, kDomain);
  struct Row { const char* what; Iova a; Bytes n; std::uint16_t domain; bool looked_up, blocked; };
  const Row rows[] = {{"the host's last addresses", base - 64, 64, 0, true, true},
                      {"from there into the first window", base - 64, 65, 0, false, true},
                      {"the guest's last bytes", base + (8 << 20) - 64, 64, kDomain, true, false},
                      {"and one more", base + (8 << 20) - 64, 65, kDomain, false, true},
                      {"behind the guest", base + (8 << 20) + 1, 1, kDomain, false, true},
                      {"nothing, at its end", base + (8 << 20), 0, kDomain, false, false}};
  for (const Row& r : rows) {
    const std::uint64_t before = b.iommu->stats().lookups;
    const Time done = b.write(r.a, r.n, 0, r.domain);
    EXPECT_EQ(b.iommu->stats().lookups - before, r.looked_up) << r.what;
    EXPECT_EQ(b.blocked(), r.blocked) << r.what;
    if (!r.blocked) continue;
    EXPECT_EQ(b.status, tlm::TLM_ADDRESS_ERROR_RESPONSE) << r.what;
    EXPECT_EQ(done == b.agenda.now(), !r.looked_up) << r.what;
  }
}

TEST(GuestWindow, PageSizeIsTheSmallerOfTableAndBacking) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.page = 2 << 20;
  IommuBench b("bench", p);
  GuestSpace large(b.phys, 8 << 20, 2 << 20), small(b.phys, 8 << 20, kPage);
  const Iova l = b.iommu->map_guest(large, 1), s = b.iommu->map_guest(small, 2);
  for (Gpa g = 0; g < (2 << 20); g += 16 * kPage) b.write(l + g, 64, 0, 1);
  EXPECT_EQ(b.iommu->stats().misses, 1u);
  for (Gpa g = 0; g < (2 << 20); g += 16 * kPage) b.write(s + g, 64, 0, 2);
  EXPECT_EQ(b.iommu->stats().misses, 1u + 32);
}

TEST(GuestWindow, OffTranslatesAtNoCost) {
  IommuParams p = IommuBench::params(IommuMode::off);
  p.hit_latency = 7 * kNs;
  IommuBench b("bench", p);
  GuestSpace guest(b.phys, 8 << 20, kPage);
  const Iova base = b.iommu->map_guest(guest, kDomain);
  EXPECT_EQ(b.write(base + 0x5000, 64, 0, kDomain), 10 * kNs);
  EXPECT_EQ(b.t.info().hpa, guest.translate(0x5000));
  EXPECT_EQ(b.iommu->stats().lookups, 0u);
}

// A flush of the host's domain leaves the guests' entries alone.
TEST(GuestWindow, SurvivesTheFlushOfTheHost) {
  IommuParams p = IommuBench::params(IommuMode::lazy);
  p.lazy_batch = 1;
  IommuBench b("bench", p);
  GuestSpace guest(b.phys, 8 << 20, kPage);
  const Iova base = b.iommu->map_guest(guest, kDomain);
  const Hpa hpa = b.phys.alloc_contiguous(2 * kPage, kPage);
  const Iova ring = b.iommu->map_static(hpa, kPage);
  b.write(base + 0x5000, 64, 0, kDomain);
  b.write(ring);
  EXPECT_EQ(b.iommu->stats().misses, 2u);
  b.run([&](Step& s) { b.iommu->unmap(s, b.iommu->map(s, hpa + kPage, kPage), kPage); }, kMs);
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  b.write(base + 0x5000, 64, 0, kDomain);
  EXPECT_EQ(b.iommu->stats().misses, 2u);
  b.write(ring);
  EXPECT_EQ(b.iommu->stats().misses, 3u) << "the whole domain is flushed, as Linux does";
}

}  // namespace guest_test
