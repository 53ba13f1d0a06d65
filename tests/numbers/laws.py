#!/usr/bin/python3
"""laws.py PROGRAM SCENARIOS [-j N]

What holds whatever the numbers are, on runs of dma-bench and of received frames:
  link       no bandwidth above what the lanes carry as TLPs of the greatest payload, from this page's own arithmetic
  Little     mean number under way = rate * mean latency, which lies between the shortest and the longest
  parts      no latency below the named latencies that every operation meets
  resources  more lanes, tags, entries, walkers, ways, channels never give less
  clock      half the link's rate: serialisation alone; half the host's clock: no bus figure
Exit 1 with the lines that do not hold.
"""
import sys

from runs import Runs

RATE = {1: 2.5 * 8 / 10, 2: 5 * 8 / 10, 3: 8 * 128 / 130, 4: 16 * 128 / 130, 5: 32 * 128 / 130}   # Gb/s a lane, each way
HEADER = 20            # bytes of a TLP beside its data at the least: framing and sequence number 4, header 12, LCRC 4
WINDOW = "time.measure=100us"
MEASURED = 100e-6      # seconds
NS = 1e-9

BUS = [(g, lanes, mps, op, n) for g, lanes in ((1, 8), (2, 4), (3, 8), (3, 16), (4, 16), (5, 8)) for mps, op, n in
       ((128, "write", 64), (256, "write", 1024), (256, "read", 256), (256, "read", 2048), (256, "read-write", 512))]

# what is set before, the key, its values in the order in which nothing may get worse, the metric
MORE = [
    ((), "pcie.lanes", (2, 4, 8, 16), "dma.bandwidth"),
    (("traffic.transfer=512B",), "pcie.tags", (1, 2, 4, 16, 64, 256), "dma.bandwidth"),
    (("traffic.transfer=512B", "traffic.op=write"), "pcie.posted_credit_bytes", ("1KiB", "4KiB", "16KiB", "64KiB"), "dma.bandwidth"),
    (("traffic.op=write",), "pcie.posted_headers", (1, 4, 16, 64), "dma.bandwidth"),
    (("traffic.window=1MiB", "iommu.mode=strict"), "iommu.iotlb_entries", (16, 64, 128, 256, 512), "dma.bandwidth"),
    (("traffic.window=16MiB", "iommu.mode=strict"), "iommu.walkers", (1, 2, 4, 8), "dma.bandwidth"),
    (("traffic.window=64MiB", "traffic.cache=cold", "traffic.transfer=2048B", "memory.dram.channel_rate=8Gbps"), "memory.dram.channels",
     (1, 2, 4), "dma.bandwidth"),
    ((), "nic.dma_engine.outstanding_reads", (1, 4, 16, 64), "dma.bandwidth"),
]
SLACK = 0.995          # what a window's edges let in or leave out


class Laws:
    def __init__(self, runs):
        self.runs, self.calls, self.bad = runs, [], []

    def ask(self, *sets, scenario="dma-bench", label="none"):
        """A run to be made; its metrics come with answers()."""
        self.calls.append((scenario, label, sets))
        return len(self.calls) - 1

    def answers(self):
        done = self.runs.all([(self.runs.scenarios / f"{s}.json", sets, None if label == "none" else label) for s, label, sets in self.calls])
        self.metrics = []
        for (scenario, label, sets), (code, metrics, _, error) in zip(self.calls, done):
            if code not in (0, 1) or label not in metrics:
                self.bad.append(f"{scenario} {' '.join(sets)}: exit {code}: {error.strip()[:200]}")
            self.metrics.append(metrics.get(label))

    def hold(self, law, run, good, text):
        if not good:
            scenario, _, sets = self.calls[run]
            self.bad.append(f"{law}: {scenario} {' '.join(sets)}: {text}")


def main():
    p = Runs.arguments()
    a = p.parse_args()
    laws = Laws(Runs(a.program, a.scenarios, a.j))

    bus = [laws.ask(WINDOW, f"pcie.generation={g}", f"pcie.lanes={lanes}", f"pcie.max_payload={mps}B", f"traffic.op={op}", f"traffic.transfer={n}B",
                    "nic.dma_engine.write_interval=1ns", "nic.dma_engine.outstanding_reads=64") for g, lanes, mps, op, n in BUS]
    more = [[laws.ask(WINDOW, *before, f"{key}={v}") for v in values] for before, key, values, _ in MORE]
    one = (WINDOW, "traffic.outstanding=1", "nic.dma_engine.enqueue_latency=100ns", "nic.dma_engine.complete_latency=90ns")
    alone = laws.ask(*one, "pcie.link_latency=80ns")
    slow = laws.ask(*one, "pcie.link_latency=80ns", "pcie.generation=2")
    far = laws.ask(*one, "pcie.link_latency=160ns")
    fast, half = (laws.ask(f"host.clock={c}", "traffic.rate=1Gbps", "traffic.arrival=paced", scenario="bulk-1500", label="vhost-copy") for c in ("2.67GHz", "1.335GHz"))
    wire = laws.ask("traffic.rate=10Gbps", "traffic.arrival=paced", scenario="bulk-1500", label="guest-head")
    ways = [laws.ask("traffic.rate=1Gbps", f"memory.ddio_ways={n}", scenario="bulk-1500", label="vhost-copy") for n in (1, 2, 4, 8)]
    laws.answers()
    m = laws.metrics
    if laws.bad:
        print(*laws.bad, sep="\n")
        return 1

    for i, (g, lanes, mps, op, n) in zip(bus, BUS):
        tlps = -(-n // mps)
        most = RATE[g] * lanes * n / (n + tlps * HEADER)
        for way in ("dma.read_bandwidth", "dma.write_bandwidth"):
            laws.hold("link", i, m[i].get(way, 0) <= most, f"{way} {m[i].get(way, 0):.2f} of {most:.2f} Gb/s")
        laws.hold("link", i, m[i]["dma.bandwidth"] > 0.02 * most, f"hardly any bandwidth: {m[i]['dma.bandwidth']:.2f} of {most:.2f} Gb/s")
        if "-" not in op:
            mean = m[i]["dma.outstanding"] / (m[i]["dma.operations"] / MEASURED) / NS
            laws.hold("Little", i, 0.98 * m[i]["dma.latency.min"] <= mean <= 1.02 * m[i]["dma.latency.max"],
                      f"mean latency {mean:.0f} ns outside {m[i]['dma.latency.min']:.0f} to {m[i]['dma.latency.max']:.0f}")
            laws.hold("Little", i, abs(mean - m[i]["dma.latency.p50"]) <= 0.1 * mean, f"mean latency {mean:.0f} ns, median {m[i]['dma.latency.p50']:.0f}")
    for rows, (_, key, values, metric) in zip(more, MORE):
        for x, y in zip(rows, rows[1:]):
            laws.hold("resources", y, m[y][metric] >= SLACK * m[x][metric], f"{metric} {m[x][metric]:.2f} -> {m[y][metric]:.2f} Gb/s")
        first, last = m[rows[0]][metric], m[rows[-1]][metric]
        laws.hold("resources", rows[-1], last > 1.02 * first, f"{key} from {values[0]} to {values[-1]} does nothing: {first:.2f} -> {last:.2f} Gb/s")
    # A read meets the link twice and the engine's way there and back.
    parts = 2 * 80 + 100 + 90
    laws.hold("parts", alone, m[alone]["dma.latency.min"] > parts, f"{m[alone]['dma.latency.min']:.0f} ns, of which {parts} are sure")
    laws.hold("parts", far, abs(m[far]["dma.latency.min"] - m[alone]["dma.latency.min"] - 160) < 2, f"two ways of 80 ns more: {m[alone]['dma.latency.min']:.0f} -> {m[far]['dma.latency.min']:.0f} ns")
    more_time = m[slow]["dma.latency.min"] - m[alone]["dma.latency.min"]
    laws.hold("clock", slow, 5 < more_time < 80, f"half the link's rate costs two short TLPs' time, not {more_time:.0f} ns")
    for metric in ("throughput.offered", "packets.delivered", "copy.host_bytes_per_packet", "copy.guest_bytes_per_packet"):
        x, y = m[fast][metric], m[half][metric]
        laws.hold("clock", half, abs(x - y) <= 0.01 * max(x, y), f"{metric} {x:g} -> {y:g}")
    # A frame of 1500 B and its 20 B on the wire around it: nothing gets through faster.
    most = 10 * 1460 / 1538
    laws.hold("link", wire, 0 < m[wire]["throughput.goodput"] * SLACK <= most, f"goodput {m[wire]['throughput.goodput']:.3f} of {most:.3f} Gb/s")
    for x, y in zip(ways, ways[1:]):
        laws.hold("resources", y, m[y]["llc.ddio_write_hit_rate"] >= m[x]["llc.ddio_write_hit_rate"] - 0.5,
                  f"llc.ddio_write_hit_rate {m[x]['llc.ddio_write_hit_rate']:.2f} -> {m[y]['llc.ddio_write_hit_rate']:.2f} %")
    print(*laws.bad, sep="\n", end="\n" if laws.bad else "")
    print(f"{len(laws.calls)} runs, {len(laws.bad)} lines that do not hold")
    return 1 if laws.bad else 0


if __name__ == "__main__":
    sys.exit(main())
