#!/usr/bin/python3
"""mechanisms.py PROGRAM SCENARIOS [-j N]

Each row switches one mechanism of a shipped scenario off, or changes a clock, and says what must follow: metrics that rise,
fall, become zero, stay within a share, or scale. Exit 1 with the rows that do not hold.
"""
import sys

from runs import Runs


def up(least=1.02):
    return lambda a, b: b > a * least, f"rises by {least:g}"


def down(most=0.98):
    return lambda a, b: b < a * most, f"falls to {most:g} or less"


def zero():
    return lambda a, b: a != 0 and b == 0, "becomes zero"


def near(share):
    return lambda a, b: abs(b - a) <= share * max(abs(a), abs(b)), f"stays within {share:g}"


# scenario, strategy, what is set before, what is changed, {metric: what follows}
ROWS = [
    ("host-stack-1500", "vhost-copy", ("traffic.rate=15Gbps",), ("memory.ddio_ways=0",),
     {"dram.write_bytes": up(1.5), "llc.ddio_write_hit_rate": zero(), "cpu.cycles_per_packet": up(), "pcie.upstream_bytes": near(0.02)}),
    ("bulk-1500", "vhost-copy", ("iommu.mode=strict", "host.page_recycle=false", "traffic.rate=2Gbps"), ("iommu.mode=off",),
     {"iommu.maps": zero(), "iommu.invalidations": zero(), "iommu.walk_reads": zero(), "throughput.offered": near(0.001)}),
    ("strict-pages", "strict", (), ("iommu.invalidation_hint=true",), {"iommu.walk_reads": down(0.9), "iommu.iotlb_misses": near(0.15)}),
    ("strict-pages", "strict", (), ("host.tx_mapping=keep",), {"iommu.maps": down(), "iommu.invalidations": down()}),
    ("strict-pages", "strict", (), ("host.page_cache=0",), {"iommu.maps": up(2), "iommu.invalidations": up(2), "throughput.goodput": down(0.9)}),
    ("host-stack-sockets", "vhost-copy", (), ("memory.prefetch_distance=0",),
     {"cpu.cycles_per_packet": up(1.1), "throughput.offered": near(0.001), "dram.read_bytes": near(0.05)}),
    ("host-stack-1500", "vhost-copy", ("traffic.rate=2Gbps", "traffic.arrival=paced", "nic.interrupt_moderation.adaptive=off"),
     ("nic.interrupt_moderation.delay=0ns", "nic.interrupt_moderation.frames=1"),
     {"interrupts.host": up(1.5), "throughput.offered": near(0.001)}),
    ("adaptive-moderation", "fixed", (), ("nic.interrupt_moderation.adaptive=dim",),
     {"interrupts.host": down(0.1), "cpu.utilisation.cpu0": down(0.9), "latency.p50": up(5), "throughput.packets": near(0.02)}),
    ("bulk-1500", "vhost-copy", ("nic.header_split.mode=split",), ("nic.header_split.mode=off",),
     {"pcie.upstream_bytes": down(0.999), "throughput.offered": near(0.001)}),
    ("bulk-1500", "vhost-copy", (), ("host.gro.enabled=false",),
     {"gro.segments_per_packet": down(0.9), "cpu.cycles_per_packet": up(1.05), "host.cycles_per_packet": up(1.05)}),
    ("vhost-2010", "vhost-copy", (), ("host.posted_interrupts=true",),
     {"vm_exits": down(), "host.cycles.exit": down(), "copy.host_bytes_per_packet": near(0.01)}),
    ("legacy-interrupts-2010", "vhost-copy", (), ("guests.0.virtio.msix=true",),
     {"vm_exits.user": zero(), "vm_exits": down(), "copy.host_bytes_per_packet": near(0.01)}),
    # A clock of half the rate: work takes the same cycles, so the cores are busy for about twice as long; the wire does not care.
    ("host-socket-2010", "vhost-copy", ("traffic.rate=500Mbps",), ("host.clock=1.335GHz",),
     {"cpu.utilisation.cpu0": up(1.5), "throughput.offered": near(0.001), "copy.guest_bytes_per_packet": near(0.001),
      "pcie.upstream_bytes": near(0.02)}),
    # Memory stalls are times, so that at half the clock they are fewer cycles: never more of them.
    ("bulk-1500", "vhost-copy", ("traffic.rate=1Gbps",), ("host.clock=1.335GHz",),
     {"cpu.cycles_per_packet": near(0.35), "throughput.goodput": near(0.01), "copy.host_bytes_per_packet": near(0.01)}),
    ("small-64", "vhost-copy", (), ("nic.link_rate=5Gbps",), {"throughput.offered": near(0.001), "pcie.upstream_bytes": near(0.05)}),
]


def check_rows(runs):
    calls = []
    for scenario, strategy, before, change, _ in ROWS:
        file = runs.scenarios / (scenario + ".json")
        calls += [(file, before, strategy), (file, before + change, strategy)]
    results = runs.all(calls)
    bad = []
    for i, (scenario, strategy, _, change, follows) in enumerate(ROWS):
        where = f"{scenario} {strategy} {' '.join(change)}"
        one, other = results[2 * i][1].get(strategy), results[2 * i + 1][1].get(strategy)
        if one is None or other is None:
            bad.append(f"{where}: did not run: {(results[2 * i][3] + results[2 * i + 1][3]).strip()[:300]}")
            continue
        for metric, (holds, what) in follows.items():
            a, b = one.get(metric, 0), other.get(metric, 0)
            if not holds(a, b):
                bad.append(f"{where}: {metric} {what}: {a:g} -> {b:g}")
    return bad


def main():
    p = Runs.arguments()
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    bad = check_rows(runs)
    for line in bad:
        print(line)
    print(f"{len(ROWS)} mechanisms, {len(bad)} lines that do not hold")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
