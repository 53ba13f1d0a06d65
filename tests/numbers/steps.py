#!/usr/bin/python3
"""steps.py PROGRAM SCENARIOS [-j N] [--only TEXT,...] [--step TIME] [--seeds N] [--every N]

Every shipped scenario with each of its strategies, with the longest software step as it is and halved: no metric of GATED
moves by more than 1 %, or by more than two packets of the run's are, where it has few. Exit 1 with those that do, worst
first. BY_SEEDS names the runs, each with the reason, whose outcome hangs on single events. With --seeds they run with so many
seeds each way, with Poisson arrivals where the scenario has paced ones (else every seed is the same run), and the mean may
move by no more than the seeds differ. --every takes one scenario in N.
"""
import sys

from runs import Runs, merged

GATED = ("throughput.goodput", "packets.delivered", "cpu.cycles_per_packet", "host.cycles_per_packet", "guest.cycles_per_packet",
         "copy.host_bytes_per_packet", "copy.guest_bytes_per_packet", "gro.segments_per_packet", "pcie.upstream_bytes",
         "buffers.capacity_frames")
LIMIT = 0.01

# scenario, or "scenario label": why a small cause decides.
GUEST = "the guest is offered more than it takes: whether its ring is full decides between polls and interrupts"
BURSTS = "bursts that are all alike: where a poll outruns one, each has a packet more, 1 to 4 % of what GRO merges"
POLLS = "the frames of interrupts 125 us apart are all alike: a wake-up or preemption more or less in each is 1 to 3 % of the host's work"
BY_SEEDS = {
    "closed-loop-tcp": "windows and losses feed back on the load",
    "strict-pages": "windows feed back on the load of cores that have no time left",
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
    "bulk-100g": "host and guest are offered more than they take",
    "user-async guest-head": "1.2 % of what GRO merges, cause not traced",
    "user-async-thread guest-head": "4 % of what GRO merges, 1.1 % of host cycles, cause not traced",
    "header-room": "windows feed back on the load of a guest that has no time left",
    "burst copy-header": POLLS,
    "clones page-frags": POLLS,
    "filters guest-head": POLLS,
    "foreign-frames page-frags": POLLS,
    "host-socket-fragments vhost-copy": POLLS,
    "no-offloads passthrough": POLLS,
    "pcap-vxlan-tcp4 page-frags": POLLS,
    "small-64 passthrough": POLLS,
    "hw-fifo-full page-frags": POLLS,
    "hw-link-flap page-frags": POLLS,
    "hw-lost-data-write page-frags": POLLS,
    "hw-lost-interrupts page-frags": POLLS,
    "hw-lost-writeback-watchdog page-frags": POLLS,
    "hw-wire-errors page-frags": POLLS,
    "app-flood-poster": BURSTS,
    "app-unmapper vhost-copy": BURSTS,
    "app-hoarder vhost-copy": BURSTS,
    "app-hoarder copy-header": "buffers that do not come back: 1.8 % of what GRO merges",
    "app-slow-refill vhost-copy": "buffers that come back late: 1.0 % of goodput",
    "app-header-scribbler-late vhost-copy": "bursts that the application takes awake or asleep: 1.3 % of what GRO merges",
    "guests-40g vhost-copy": "bursts that the worker takes awake or asleep: 1.3 % of host cycles",
    "netkvm-hold vhost-copy": "bursts that find buffers or do not: 1.2 % of host cycles",
}


def by_seeds(stem, label):
    return stem in BY_SEEDS or f"{stem} {label}" in BY_SEEDS


def moved(one, other, limit):
    """[(share, text)] of the metrics that differ by more than limit(metric), the worst first"""
    found = []
    for m in GATED:
        x, y = one.get(m, 0), other.get(m, 0)
        if abs(x - y) > limit(m) * max(abs(x), abs(y)):
            found.append((abs(x - y) / max(abs(x), abs(y)), f"{m} {x:g} -> {y:g} ({100 * (y - x) / x if x else 100:+.1f} %)"))
    return sorted(found, reverse=True)


def few(metrics):
    packets = metrics.get("packets.delivered", 0) / max(1, metrics.get("gro.segments_per_packet", 1))
    return max(LIMIT, 2 / max(packets, 20))


def single(runs, files, step):
    """[(moved, stem, label)] with the scenario's own seed"""
    results = runs.all([(f, s) for f in files for s in ((), (f"host.step_max={step}",))])
    rows = []
    for f, whole, half in zip(files, results[::2], results[1::2]):
        if not whole[1] or whole[1].keys() != half[1].keys():
            rows.append(([(1, "did not run: " + (whole[3] + half[3]).strip()[:200])], f.stem, ""))
        for label in sorted(whole[1].keys() & half[1].keys()):
            if not by_seeds(f.stem, label):
                limit = few(whole[1][label])
                rows.append((moved(whole[1][label], half[1][label], lambda m: limit), f.stem, label))
    return rows


def seeded(runs, files, step, seeds):
    """The same for BY_SEEDS, with means over `seeds` seeds"""
    files = [f for f in files if any(k.split()[0] == f.stem for k in BY_SEEDS)]
    def draws(f):
        traffic = merged(f)[0].get("traffic", {})
        paced = traffic.get("kind", "synthetic") == "synthetic" and traffic.get("arrival", "paced") == "paced"
        return ("traffic.arrival=poisson",) if paced else ()

    calls = [(f, draws(f) + s + (f"seed={n}",)) for f in files for s in ((), (f"host.step_max={step}",)) for n in range(1, seeds + 1)]
    results = runs.all(calls)
    rows = []
    for i, f in enumerate(files):
        whole, half = (results[(2 * i + k) * seeds:(2 * i + k + 1) * seeds] for k in (0, 1))
        for label in sorted(whole[0][1]):
            if not by_seeds(f.stem, label):
                continue
            one, other, spread = {}, {}, {}
            for m in GATED:
                x, y = ([r[1].get(label, {}).get(m, 0) for r in side] for side in (whole, half))
                one[m], other[m] = sum(x) / seeds, sum(y) / seeds
                spread[m] = (max(x) - min(x)) / max(abs(one[m]), abs(other[m]), 1e-9)
            limit = few(one)
            rows.append((moved(one, other, lambda m: max(limit, spread[m])), f.stem, label))
    return rows


def main():
    p = Runs.arguments()
    p.add_argument("--only", default="")
    p.add_argument("--step", default="500ns")
    p.add_argument("--seeds", type=int, default=0)
    p.add_argument("--every", type=int, default=1)
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    # The base run of a question is short, and at a limit by intent.
    files = [f for f in runs.shipped() if f.parent.name != "questions" and any(t in f.stem for t in a.only.split(","))][::a.every]
    rows = single(runs, [f for f in files if f.stem not in BY_SEEDS], a.step)
    rest = f"{len(BY_SEEDS)} scenarios or runs are judged with --seeds"
    if a.seeds:
        more = seeded(runs, files, a.step, a.seeds)
        rest = f"{sum(not r[0] for r in more)} of {len(more)} within what {a.seeds} seeds differ"
        rows += more
    rows.sort(key=lambda r: r[0][:1], reverse=True)
    for texts, stem, label in rows:
        if texts:
            print(f"{stem} {label}, host.step_max {a.step}: " + "; ".join(text for _, text in texts))
    holds = sum(not r[0] for r in rows)
    print(f"{holds} of {len(rows)} runs hold with half the step; {rest}")
    return 1 if holds < len(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
