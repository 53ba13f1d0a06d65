// What every design makes of the card's write-back when a frame has come: where its bytes lie, what is known of the packet, and
// the host's own copy of its headers. Source: 82575 manual (split header modes); Linux: drivers' RX clean-up, skb_set_hash.
#pragma once
#include "models/buffers/strategy.h"

namespace gd {

// Bytes that the NIC wrote into a header buffer of `header_buffer` bytes, by the split mode's rules (82575 manual, table 33).
std::uint32_t header_buffer_bytes(SplitMode mode, Bytes header_buffer, const RxWriteback& w);
// Checksum state of a packet from its write-back.
Checksum checksum_of(const RxWriteback& w);
// What a write-back says of a packet as a whole: hash, its type, checksum state.
void describe(Skb& skb, const RxWriteback& w);
// Copies the first bytes of a packet whose head lies in a buffer into the skb's own memory, as many as GRO reads. `cost`: byte.
void take_snapshot(Step& s, const Cost& cost, Skb& skb);
// Buffers and slabs of a packet that count as an skb's: of a scattered frame that ended before its last piece came, until its
// path needs them; null: none.
std::uint64_t buffers_of(const Ownership& ownership, Skb* skb);

}  // namespace gd
