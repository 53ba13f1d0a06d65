// The data path of a queue whose buffers are an application's (consumer user-async), for the designs that let the card write into them.
//
// Modelled, by design: guest-head: the whole frame in one buffer, parsed there (or in a snapshot), merged by frag_list. copy-header: what
// io_uring's zero-copy receive does: headers to the skb's own memory, payload to the buffer; an unsplit frame's headers are pulled and its
// payload keeps its place. page-frags: the whole frame in buffers, headers pulled by GRO, no header split. A buffer whose bytes were
// all pulled, or that a dropped packet held, is the kernel's again. A driver that finds no buffer looks again at the next poll, or
// when the application enters the kernel; or, by setting (defences.depleted copy), pages of the host take the frames, up to
// defences.host_reserve of them, and are copied into buffers of the refill ring when there are some (io_zcrx_copy_chunk).
// Source: io_uring/zcrx.c; drivers with queue memory providers (bnxt, mlx5e).
#pragma once
#include "models/buffers/strategy.h"
#include "models/skb/user_pages.h"

namespace gd {

enum class UserDesign : std::uint8_t { head, split, frags };

// Why `design` cannot serve an application of this environment; nothing when it can.
std::optional<std::string> refuse_user(const BindEnvironment& e, UserDesign design);
// Pre: c.user is there. Costs: header.pull (byte), defence.snapshot.
std::unique_ptr<RxPath> make_user_path(PathContext c, UserDesign design);

}  // namespace gd
