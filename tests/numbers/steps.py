#!/usr/bin/python3
"""steps.py PROGRAM SCENARIOS [-j N] [--only TEXT,...] [--step TIME] [--wide]

Every shipped scenario with each of its strategies, with the longest software step as it is and halved: no metric of GATED
moves by more than 1 %, or by more than two packets of the run's are, where it has few. Exit 1 with those that do, worst first. NOT_JUDGED lists what is not judged, and why. --wide shows
all of WIDE and judges everything, as a means of finding causes.
"""
import argparse
import collections
import pathlib
import sys

from runs import Runs

GATED = ("throughput.goodput", "packets.delivered", "cpu.cycles_per_packet", "host.cycles_per_packet", "guest.cycles_per_packet",
         "copy.host_bytes_per_packet", "copy.guest_bytes_per_packet", "gro.segments_per_packet", "pcie.upstream_bytes",
         "buffers.capacity_frames")
WIDE = GATED + ("packets.dropped", "pcie.downstream_bytes", "pinned.peak_bytes", "latency.p50", "latency.p99", "interrupts.host",
                "interrupts.guest", "vm_exits", "vhost.wakeups", "dram.read_bytes", "dram.write_bytes", "llc.ddio_write_hit_rate")
LIMIT = 0.01

# scenario, or "scenario label": where a small cause decides between two ways of the whole run, or what is left (with its size).
GUEST = "the guest is offered more than it takes: whether its ring is full decides between polls and interrupts"
NOT_JUDGED = {
    "closed-loop-tcp": "windows and losses feed back on the load",
    "in-order": "buffers come back late: the ring runs dry, frames are lost",
    "iommu-strict": "invalidations take more than a core",
    "memlock-limit copy-header-refuse": "a few buffers within the limit, the rest is refused",
    "netperf-2010": GUEST,
    "pause-frames": GUEST,
    "remote-memory": GUEST,
    "today-bulk-1500": "host and guest are offered more than they take",
    "zecorx page-frags": GUEST,
    "forgotten-destructor guest-head": "buffers that never come back",
    "bulk-1500 passthrough": GUEST,
    "quickstart passthrough": GUEST,
    "pcap-bulk-tcp6 passthrough": "four hundred packets in one burst, the guest polls through",
    "guest-2635-big passthrough": GUEST,
    "guest-2635-mergeable passthrough": GUEST,
    "guest-2635-small passthrough": GUEST,
    "pcap-vlan-tcp4 guest-head": "one poll more in 1 ms: 1.9 %",
    "completion-queue compressed": "1.2 % of host cycles, cause not traced",
    "gro-case page-frags": "a dozen packets: one more poll is a few percent",
    "softirq-publish copy-header": "a few packets more or less within the window's edge",
    "softirq-publish page-frags": "a few packets more or less within the window's edge",
    "hw-link-flap-tcp": "windows and losses feed back on the load",
    "hw-no-descriptors": "the host is offered more than it takes",
    "hw-lost-writeback passthrough": "which write is lost is drawn in the order of writes",
    "hw-iommu-faults": "which write is blocked is drawn in the order of writes",
    "defences": "short of buffers: which frame finds none decides what is copied",
    "defences-2635 guest-head": "short of buffers, three hundred packets",
    "header-scribbler-late page-frags": "which look of the host the guest is late for",
    "unmapper passthrough": "1.5 % of the little that the host does",
    "netkvm-hold vhost-copy": "bursts that find buffers or do not: 1.2 % of host cycles",
}


def judged(stem, label):
    return stem not in NOT_JUDGED and f"{stem} {label}" not in NOT_JUDGED


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("scenarios", type=pathlib.Path)
    p.add_argument("-j", type=int, default=2)
    p.add_argument("--only", default="")
    p.add_argument("--step", default="500ns")
    p.add_argument("--wide", action="store_true")
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    files = [f for f in runs.shipped() if any(t in f.stem for t in a.only.split(",")) and (a.wide or judged(f.stem, ""))]
    results = runs.all([(f, s) for f in files for s in ((), (f"host.step_max={a.step}",))])
    rows, worst, bad = [], collections.Counter(), 0
    for i, f in enumerate(files):
        one, other = results[2 * i][1], results[2 * i + 1][1]
        if not one or one.keys() != other.keys():
            print(f"{f.stem}: did not run: {(results[2 * i][3] + results[2 * i + 1][3]).strip()[:200]}")
            bad += 1
        for label in sorted(one.keys() & other.keys()):
            if not a.wide and not judged(f.stem, label):
                continue
            moved = []
            packets = one[label].get("packets.delivered", 0) / max(1, one[label].get("gro.segments_per_packet", 1))
            limit = LIMIT if a.wide else max(LIMIT, 2 / max(packets, 20))
            for m in WIDE if a.wide else GATED:
                x, y = one[label].get(m, 0), other[label].get(m, 0)
                if abs(x - y) > limit * max(abs(x), abs(y)):
                    moved.append((abs(x - y) / max(abs(x), abs(y)), f"{m} {x:g} -> {y:g} ({100 * (y - x) / x if x else 100:+.1f} %)"))
                    worst[m] += 1
            moved.sort(reverse=True)
            rows.append((moved, f.stem, label))
    rows.sort(key=lambda r: r[0][:1], reverse=True)
    for moved, stem, label in rows:
        if moved:
            print(f"{stem} {label}, host.step_max {a.step}: " + "; ".join(text for _, text in moved))
    holds = sum(not r[0] for r in rows)
    print(f"{holds} of {len(rows)} runs hold with half the step; {len(NOT_JUDGED)} not judged; moved: {dict(worst.most_common())}")
    return 1 if bad or holds < len(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
