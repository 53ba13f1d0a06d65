"""traces_agree.py PROGRAM: the traces of a short run, read back by readers of their own (decimal times, nothing of guestdma), against
each other and against the summary: frames and drops of each interval, every level at every interval's end, busy time of each core.
GTKWave's converters read waves.vcd, and what they make of it has the same changes."""
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from decimal import Decimal

SCENARIO = {"version": 1, "strategies": ["vhost-copy"], "nic": {"ring_size": 64, "fifo": "16KiB"}, "host": {"tap_queue": 64}, "time": {"warmup": "50us", "measure": "600us", "drain": "1ms"},
            "traffic": {"rate": "4Gbps", "frame_bytes": 256, "protocol": "udp", "flows": 4}}
PS = 10 ** 6                                     # in a microsecond, the unit of `ts`
STAGES = ["wire", "nic", "dma", "driver", "stack", "deliver", "guest", "app"]


def unique(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), f"a key stands twice: {pairs}"
    return dict(pairs)


class Perfetto:
    """Chrome's trace event format, as its document describes it; times as whole picoseconds."""

    REQUIRED = {"M": {"name", "pid", "tid", "args"}, "X": {"name", "pid", "tid", "ts", "dur"}, "C": {"name", "pid", "ts", "args"}, "i": {"name", "pid", "ts", "s"},
                "s": {"name", "cat", "id", "pid", "tid", "ts"}, "t": {"name", "cat", "id", "pid", "tid", "ts"}, "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"}}

    def __init__(self, path):
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique, parse_float=Decimal)
        assert set(document) == {"traceEvents", "displayTimeUnit", "otherData"} and document["displayTimeUnit"] == "ns"
        self.about, self.processes, self.threads = document["otherData"], {}, {}
        self.slices, self.counters, self.flows, self.instants = defaultdict(list), defaultdict(list), defaultdict(list), []
        for e in document["traceEvents"]:
            phase = e["ph"]
            assert phase in self.REQUIRED and self.REQUIRED[phase] <= set(e), e
            at = self.ps(e["ts"]) if "ts" in e else None
            if phase == "M" and e["name"] == "process_name":
                assert e["pid"] not in self.processes, e
                self.processes[e["pid"]] = e["args"]["name"]
            elif phase == "M" and e["name"] == "thread_name":
                assert (e["pid"], e["tid"]) not in self.threads, e
                self.threads[e["pid"], e["tid"]] = e["args"]["name"]
            elif phase == "X":
                self.slices[e["pid"], e["tid"]].append((at, at + self.ps(e["dur"]), e["name"]))
            elif phase == "C":
                assert list(e["args"]) == ["value"] and isinstance(e["args"]["value"], int)
                self.counters[self.processes[e["pid"]], e["name"]].append((at, e["args"]["value"]))
            elif phase == "i":
                self.instants.append((at, e["name"], self.processes[e["pid"]]))
            elif phase in "stf":
                self.flows[e["id"]].append((at, phase, (e["pid"], e["tid"])))
        for track, list_of in self.slices.items():
            assert track in self.threads and track[0] in self.processes, track
            list_of.sort()
            assert all(a[1] <= b[0] for a, b in zip(list_of, list_of[1:])), f"slices overlap in {self.threads[track]}"
        for frame, steps in self.flows.items():
            phases = "".join(phase for _, phase, _ in steps)
            assert re.fullmatch("st*f", phases) and [t for t, _, _ in steps] == sorted(t for t, _, _ in steps), (frame, steps)
            for at, _, track in steps:
                n = bisect_right(self.slices[track], (at, float("inf"), ""))
                found = [s for s in self.slices[track][max(0, n - 3):n] if s[0] <= at <= s[1] and s[2] == f"frame {frame}"]
                assert found, f"the arrow of frame {frame} meets no slice of its own at {at} in {self.threads[track]}"

    @staticmethod
    def ps(value):
        whole = Decimal(value) * PS
        assert whole == int(whole) and whole >= 0, value
        return int(whole)

    def of_process(self, name):
        return {self.threads[track]: list_of for track, list_of in self.slices.items() if self.processes[track[0]] == name}


class Vcd:
    """IEEE 1364-2005, section 18: declarations, then times that rise and values of declared variables."""

    def __init__(self, path, strict=True):
        text = path.read_text(encoding="ascii")
        head, _, body = text.partition("$enddefinitions $end")
        assert body, "no $enddefinitions"
        scope, self.names, self.widths, self.changes = [], {}, {}, defaultdict(list)
        timescale = None
        for keyword, content in re.findall(r"\$(\w+)\s(.*?)\$end", head, re.S):
            words = content.split()
            if keyword == "scope":
                assert len(words) == 2 and words[0] == "module", words
                scope.append(words[1])
            elif keyword == "upscope":
                scope.pop()
            elif keyword == "timescale":
                timescale = "".join(words)
            elif keyword == "var":
                kind, width, code, name = words[:4]
                assert kind in ("reg", "integer", "wire") and re.fullmatch(r"[!-~]+", code) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(\[\d+:0\])?", name), words
                assert not strict or code not in self.names, f"{code} is declared twice"
                self.names[code], self.widths[code] = ".".join(scope + [name.split("[")[0]]), int(width)
            else:
                assert keyword in ("version", "comment", "date"), keyword
        assert not scope and timescale == "1ps", (scope, timescale)
        now = None
        for line in body.split("\n"):
            line = line.strip()
            if line.startswith("#"):
                assert now is None or int(line[1:]) > now, line
                now = int(line[1:])
            elif line.startswith("b"):
                bits, code = line[1:].split(" ")
                assert re.fullmatch("[01]+", bits) and len(bits) <= self.widths[code] and now is not None, line
                if not self.changes[code] or self.changes[code][-1][1] != int(bits, 2):
                    self.changes[code].append((now, int(bits, 2)))
            else:
                assert line in ("", "$dumpvars", "$end") or line.startswith("$comment"), line
        self.end = now
        self.of = {self.names[code]: list_of for code, list_of in self.changes.items()}


def value_at(changes, t, begin=0):
    """The last value at a time before `t`."""
    n = bisect_right(changes, (t - 1, float("inf")))
    return changes[n - 1][1] if n else begin


def identifier(name):
    return re.sub("[^A-Za-z0-9]", "_", name)


def main(program):
    with tempfile.TemporaryDirectory(prefix="guestdma traces ") as scratch:
        work = pathlib.Path(scratch)
        (work / "s.json").write_text(json.dumps(SCENARIO))
        subprocess.run([program, "run", "s.json", "--trace", "perfetto,vcd,csv", "--out", "traced", "--quiet"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        folder = work / "traced" / "vhost-copy"
        metrics = {k: v["value"] for k, v in json.loads((folder / "summary.json").read_text())["metrics"].items()}
        trace, vcd = Perfetto(folder / "trace.json"), Vcd(folder / "waves.vcd")
        with open(folder / "series.csv", newline="") as f:
            rows = list(csv.reader(f))
        head, rows = rows[0], [[int(Decimal(r[0]) * PS)] + [int(v) for v in r[1:]] for r in rows[1:]]
        interval = 10 * PS
        assert trace.about["frames"]["left_out"] == trace.about["stage_slices"]["left_out"] == trace.about["level_changes"]["left_out"] == 0, trace.about

        # Frames and drops of each interval.
        ends = Counter(s[1] // interval for list_of in trace.of_process("frames to app").values() for s in list_of)
        drops = Counter(t // interval for t, _, process in trace.instants if process == "drops")
        delivered, dropped = ({r[0] // interval - 1: r[head.index(name)] for r in rows if r[head.index(name)]} for name in ("delivered [frames]", "dropped [frames]"))
        assert dict(drops) == dropped and sum(dropped.values()) >= metrics["drops.total"] > 0, (drops, dropped)
        assert dict(ends) == delivered and sum(delivered.values()) >= metrics["packets.delivered"] > 100, (ends, delivered)

        # Of the cohort, frame by frame: the longest way from wire to application is latency.max.
        first = {}
        for list_of in trace.of_process("frames to nic").values():
            for from_, _, name in list_of:
                first[name] = from_
        begin = 10 ** 9 + 50 * PS                # 1 ms until the link is up, then the warm-up
        measured = range(begin, begin + 600 * PS)
        longest = max(to - first[name] for list_of in trace.of_process("frames to app").values() for _, to, name in list_of if first[name] in measured)
        assert abs(longest / 1000 - metrics["latency.max"]) <= 0.02 * metrics["latency.max"], (longest, metrics["latency.max"])

        # Every level at every interval's end.
        for column, name in list(enumerate(head))[6:]:
            component, level = name.rsplit(" [", 1)[0].rsplit(".", 1)
            of_trace = trace.counters.get((component, name.split(component + ".", 1)[1]), [])
            of_vcd = vcd.of[f"guestdma.{identifier(component)}.{identifier(level)}"]
            assert of_trace and [v for _, v in of_trace] and of_trace == sorted(of_trace, key=lambda c: c[0]) or not any(r[column] for r in rows), name
            for r in rows:
                assert r[column] == value_at(of_vcd, r[0]) == value_at(of_trace, r[0]), (name, r[0], r[column], value_at(of_vcd, r[0]), value_at(of_trace, r[0]))

        # Busy time of each core inside the measuring window, in trace.json and in waves.vcd.
        for core, list_of in trace.of_process("cores").items():
            busy = sum(max(0, min(to, measured.stop) - max(from_, measured.start)) for from_, to, _ in list_of)
            changes = vcd.of[f"guestdma.cores.{identifier(core)}"]
            spans = [(max(a[0], measured.start), min(b[0], measured.stop)) for a, b in zip(changes, changes[1:] + [(vcd.end, 0)]) if a[1] != 0]
            assert busy == sum(max(0, b - a) for a, b in spans), (core, busy)
            share = 100 * busy / len(measured)
            # A step that an edge of the window cuts counts in the metric as a whole, where it ends.
            assert abs(share - metrics[f"cpu.utilisation.{core}"]) < 1.5, (core, share, metrics[f"cpu.utilisation.{core}"])

        # GTKWave's own readers: the same changes in what they write back.
        if not all(os.access(f"/usr/bin/{tool}", os.X_OK) for tool in ("vcd2fst", "fst2vcd", "vcd2lxt2")):
            print("gtkwave is not installed: its readers were not asked")
            return
        for tool, out in (("vcd2fst", "waves.fst"), ("vcd2lxt2", "waves.lxt2")):
            ran = subprocess.run([f"/usr/bin/{tool}", folder / "waves.vcd", work / out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert ran.returncode == 0 and (work / out).stat().st_size > 0, ran.stdout
            assert not re.search("error|warn|unknown|skipp", ran.stdout, re.I), ran.stdout
        with open(work / "back.vcd", "wb") as f:
            subprocess.run(["/usr/bin/fst2vcd", work / "waves.fst"], check=True, stdout=f)
        back = Vcd(work / "back.vcd", strict=False)
        assert set(back.of) == set(vcd.of), set(back.of) ^ set(vcd.of)
        for name, changes in vcd.of.items():
            assert back.of[name] == changes, name


main(sys.argv[1])
