// Memory that an application shares with the kernel for asynchronous reads: an area of buffers, a refill ring by which it
// gives buffers to the kernel, and a completion queue by which the kernel tells where bytes lie.
//
// Layouts follow io_uring (little endian): an entry of the refill ring has 16 bytes, 0 offset of the buffer in the area (u64),
// 8 length (u32), 12 unused; a completion has 32 bytes, 0 number of the receive request (u64), 8 bytes that lie there (s32), 12 flags
// (u32, bit 1 IORING_CQE_F_MORE), 16 offset in the area (u64), 24 unused. Both rings are a power of two, indices run freely.
// Source: include/uapi/linux/io_uring.h (struct io_uring_zcrx_rqe, struct io_uring_zcrx_cqe, struct io_uring_cqe).
#pragma once
#include <cstdint>

#include "models/memory/phys.h"

namespace gd {

struct UserArea {
  static constexpr Bytes kRefill = 16, kCompletion = 32;
  static constexpr std::uint32_t kMore = 2;

  GuestSpace* space = nullptr;       // the area: buffer i at i * buffer
  unsigned owner = 0;                // its number in Ownership
  std::uint32_t buffers = 0;
  Bytes buffer = kPage;              // bytes of one; within one page
  // Host addresses of the shared indices and entries. Tail of refill and head of completions are the application's to write.
  // refill_head, where the kernel says what it has taken, is there for an application that would overrun the ring (0: not needed, for the ring
  // has an entry for each buffer).
  Hpa refill_head = 0, refill_tail = 0, refill = 0, completion_tail = 0, completion_head = 0, completions = 0;
  std::uint32_t refill_entries = 0, completion_entries = 0;

  Gpa at(std::uint32_t i) const { return i * buffer; }
  Hpa host(Gpa offset) const { return space->translate(offset); }
  Hpa refill_at(std::uint32_t i) const { return refill + (i & (refill_entries - 1)) * kRefill; }
  Hpa completion_at(std::uint32_t i) const { return completions + (i & (completion_entries - 1)) * kCompletion; }
};

}  // namespace gd
