// How a guest treats its receive ring, and the parameters of each misbehaviour.
#include "src/scenario/table.h"

namespace gd::scenario {

void behaviour_keys(Table& t) {
  t.choice("guests[].behaviour", GUEST(behaviour),
           {"well-behaved", "hoarder", "flood-poster", "idle", "slow-refill", "header-scribbler", "shinfo-scribbler", "ring-liar", "unmapper", "crasher"},
           "What the guest does with its receive ring. hoarder: takes what comes and gives buffers back late or never; flood-poster: "
           "posts as fast as it can, buffers of absurd sizes; idle: never posts; slow-refill: few buffers at a time; header-scribbler: "
           "changes headers in posted buffers once the card has written; shinfo-scribbler: changes the shared info there; ring-liar: puts "
           "wrong things into the ring; unmapper: takes memory away while it is posted; crasher: stops, and comes back with a reset. Of an application "
           "of user-async the same with its refill ring; its buffers hold no shared info.");
  t.choice("guests[].misbehaviour.hold", GUEST(misbehaviour.hold), {"never", "fixed", "uniform", "exponential"},
           "hoarder: how long a packet's buffers are kept after the application had its bytes: for ever, hold_time, between 0 and twice "
           "hold_time, or exponentially distributed with that mean.");
  t.time("guests[].misbehaviour.hold_time", GUEST(misbehaviour.hold_time), {1'000}, "hoarder: mean time for which buffers are kept.",
         "Windows' afd.sys: up to 1 s (NetKVM pull request 855)");
  t.share("guests[].misbehaviour.copy_share", GUEST(misbehaviour.copy_share), {0, 1'000'000},
          "hoarder: share of packets that the driver copies, so that their buffers go back at once (the fall-back of NetKVM).");
  t.count("guests[].misbehaviour.buffers", GUEST(misbehaviour.buffers), {0, 1'000'000},
          "hoarder: receive buffers that the driver has, posted and kept ones together; 0: as many as the guest's memory holds.");
  t.choice("guests[].misbehaviour.flood", GUEST(misbehaviour.flood), {"mixed", "huge", "tiny", "zero"},
           "flood-poster: what its descriptors say: all that is left of its memory, 1 to 16 bytes, no byte, or each in turn at random.");
  t.choice("guests[].misbehaviour.lie", GUEST(misbehaviour.lie),
           {"mixed", "address", "length", "changed-length", "loop", "indirect", "reused-id", "index-jump"},
           "ring-liar: addresses outside its memory, lengths that are not the buffer's, lengths changed after the buffer was offered, "
           "chains that never end, bad indirect tables, ids offered twice, an avail index ahead by more than the ring (which breaks the "
           "queue until a reset); mixed: one of the first six at random each time. An application of user-async: addresses alone.");
  t.share("guests[].misbehaviour.share", GUEST(misbehaviour.share), {0, 1'000'000},
          "Scribblers, ring-liar, unmapper: share of buffers that are treated so.");
  t.time("guests[].misbehaviour.interval", GUEST(misbehaviour.interval), {100'000},
         "slow-refill: from one refill to the next; flood-poster, scribblers, ring-liar, unmapper: from one visit to the ring to the next.");
  t.count("guests[].misbehaviour.batch", GUEST(misbehaviour.batch), {1, 32'768}, "slow-refill: buffers posted at a time; hoarder: buffers that come back before they are posted, unless few are left.",
          "NetKVM posts a quarter of its ring at once, and when it runs short (pull request 1449)");
  t.time("guests[].misbehaviour.delay", GUEST(misbehaviour.delay), {0},
         "header-scribbler: how long after it has seen the card's bytes it changes them. 0: at once, mostly before the host has parsed "
         "them; longer than the card's interrupt moderation: after.");
  t.time("guests[].misbehaviour.up_time", GUEST(misbehaviour.up_time), {1'000'000}, "crasher: from the start, or a restart, to the next stop.");
  t.time("guests[].misbehaviour.down_time", GUEST(misbehaviour.down_time), {1'000'000}, "crasher: from the stop to the device reset and the new ring.");
}

}  // namespace gd::scenario
