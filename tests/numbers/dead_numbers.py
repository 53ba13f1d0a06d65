#!/usr/bin/python3
"""dead_numbers.py PROGRAM SCENARIOS [--double [profiles,platforms] | --cover] [-j N] [--only TEXT]

Without --double: every operation that a cost profile states is charged by some shipped scenario that runs on this profile
or on one that inherits the operation. What cover.txt beside this file names (a scenario and strategies of it) is run first, and
everything only if that leaves something; --cover runs all and prints what cover.txt should say. With --double (of both, or of one): every number of every profile, doubled, moves a metric
of some shipped scenario, and every number of every platform, doubled or cut, one of a scenario or of a run of the published
points. Prints the dead ones, and those of which no other value is taken; exit 1 if there are any.

A number is tried with the scenarios that use its profile only, the quickest first, and those before that have just shown
a number of the same file to be alive; the first metric that moves settles it. One strategy is run where one is enough.
"""
import json
import pathlib
import re
import sys
import threading
import time

from runs import Runs, merged

DEFAULT_PROFILE = "linux-6-skylake"


def profile_of(scenario, scenarios):
    """Names of the profile files in the order of their merge, the scenario's own last."""
    tree, _ = merged(scenario)
    name = tree.get("host", {}).get("costs", DEFAULT_PROFILE)
    if name == "inline":
        return []
    return [p.stem for p in merged(scenarios / "costs" / (name + ".json"))[1]]


def stated(file):
    return json.loads(file.read_text())["costs"]


COVER = pathlib.Path(__file__).with_name("cover.txt")


def never_charged(states, where):
    return [(profile, name) for profile, costs in sorted(states.items()) for name in sorted(costs) if (profile, name) not in where]


def cover_of(where, scenarios):
    """Few runs that charge between them all that is charged, as lines of cover.txt: the one that adds most, again and again."""
    charges = {}
    for operation, users in where.items():
        for user in users:
            charges.setdefault(user, set()).add(operation)
    left, chosen = set(where), {}
    while left:
        scenario, label = best = max(sorted(charges), key=lambda u: len(charges[u] & left))
        chosen.setdefault(scenario, []).append(label)
        left -= charges[best]
    return sorted(" ".join([str(f.relative_to(scenarios)), *sorted(labels)]) for f, labels in chosen.items())


def covering(runs, files):
    """{scenario: strategies to run, None for all} of cover.txt; a line of what is not there is none."""
    lines = {line.split()[0]: line.split()[1:] for line in COVER.read_text().splitlines()}
    found = {f: lines[name] for f in files if (name := str(f.relative_to(runs.scenarios))) in lines}
    return {f: None if None in (named := [strategy_of(f, label) for label in labels]) else ",".join(named) for f, labels in found.items()}


def charged_by(runs, files, strategies=None):
    """What each profile states, {(profile that states it, operation): [(scenario, label), ...]} with the quickest scenario first,
    and what did not run. `files` are sorted by their time. `strategies`: of a scenario those to run, if not all."""
    states = {f.stem: stated(f) for f in (runs.scenarios / "costs").glob("*.json")}
    where, seconds, failed = {}, {}, []

    def timed(scenario):
        start = time.monotonic()
        result = runs.run(scenario, (), (strategies or {}).get(scenario))
        seconds[scenario] = (time.monotonic() - start) / max(1, len(result[1]))
        return result

    for scenario, (code, metrics, ledgers, error) in zip(files, runs.pool.map(timed, files)):
        if code not in (0, 1) or not ledgers:
            failed.append(f"{scenario}: exit {code}: {error.strip()[:200]}")
        chain = profile_of(scenario, runs.scenarios)
        for label, lines in ledgers.items():
            runs.bases[scenario, label] = metrics[label]
            for line in lines:
                name = f"{line['component']}.{line['operation']}"
                if not line["cycles"]:
                    continue
                for profile in reversed(chain):
                    if name in states[profile]:
                        where.setdefault((profile, name), []).append((scenario, label))
                        break
    for users in where.values():
        users.sort(key=lambda u: seconds[u[0]])
    files.sort(key=seconds.get)
    return states, where, failed


def strategy_of(scenario, label):
    """The strategy that a scenario's label names; None when the label has options of its own."""
    named = merged(scenario)[0].get("strategies", "all")
    if named == "all" or label in named:
        return label
    return None


def cost_numbers(states):
    for profile, costs in sorted(states.items()):
        for name, entry in sorted(costs.items()):
            for field in ("cycles", "cycles_per_unit"):
                if entry.get(field):
                    yield profile, name, field, entry[field]


def moves(runs, scenario, label, setting):
    """Whether the setting changes a metric; None when the program refuses the value."""
    code, metrics, _, _ = runs.run(scenario, (setting,), strategy_of(scenario, label))
    if code == 2:
        return None
    return metrics.get(label) != runs.bases[scenario, label]


def doubled_costs(runs, states, where, only):
    def check(number):
        profile, name, field, value = number
        for scenario, label in where.get((profile, name), []):
            if moves(runs, scenario, label, f"costs.{name}.{field}={2 * value:g}"):
                return None
        print(f"dead: {profile}: {name}.{field}", flush=True)
        return f"{profile}: {name}.{field}"

    numbers = [n for n in cost_numbers(states) if only in f"{n[0]}: {n[1]}.{n[2]}"]
    return len(numbers), [d for d in runs.pool.map(check, numbers) if d]


NUMBER = re.compile(r"^(\d+(?:\.\d+)?)(.*)$")


def doubles(value):
    """The value doubled, then less of it: of what is enough already (a FIFO, tags, ways), more moves nothing."""
    if isinstance(value, bool):
        return [json.dumps(not value)]
    if isinstance(value, (int, float)):
        if not value:
            return ["1", "2"]
        power = 1 << max(0, int(value - 1).bit_length() - 1)   # the next below: the ways of a cache have to divide its size
        return [f"{n:g}" for n in dict.fromkeys((2 * value, max(1, value // 2), max(1, value // 8), power)) if n != value]
    if isinstance(value, str) and (m := NUMBER.match(value)):
        n, unit = float(m.group(1)), m.group(2)
        if n == 0:
            return [f"64{unit}", f"1024{unit}"]
        return [f"{x:g}{unit}" for x in (2 * n, 4 * n, n / 2, n / 4, n / 8)]
    return []


# A key whose value another key of the same file fixes is tried with the other one set so.
FREED = {"nic.completion.bytes": ("nic.completion.compression=false",), "host.page_recycle": ("host.unmap_batch=1", "host.page_cache=0")}


def platform_numbers(tree, path=""):
    for key, value in tree.items():
        at = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from platform_numbers(value, at)
        elif doubles(value) and at not in ("version", "nic.model") and not at.startswith("sources"):
            yield at, value


def points(file):
    """The runs of a list of published points: [(scenario, settings, strategy)]"""
    found = []
    for p in json.loads(file.read_text()):
        if "include" in p:
            inner = file.parent / p["include"]
            for f in sorted(inner.glob("*.json")) if inner.is_dir() else [inner]:
                found += points(f)
        for run in p.get("runs", {}).values():
            sets = tuple(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in run.get("set", {}).items())
            found.append(((file.parent / run["scenario"]).resolve(), sets, run.get("strategy")))
    return found


def work(call):
    """Of a run, about: simulated milliseconds of all strategies."""
    tree, (_, sets, strategy) = merged(call[0])[0], call
    ms = {k: float(m.group(1)) * {"ps": 1e-9, "ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}.get(m.group(2), 1)
          for k, v in tree.get("time", {}).items() if (m := NUMBER.match(str(v)))}
    named = tree.get("strategies", "all")
    bench = tree.get("traffic", {}).get("kind") == "dma-bench" or "traffic.kind=dma-bench" in sets
    return (sum(ms.values()) or 20) * (1 if strategy or bench else 6 if named == "all" else len(named))


def doubled_platforms(runs, files, only):
    """A platform's users are scenarios and the runs of published points, each with what it gives without a change."""
    users, before, turn = {}, {}, threading.Lock()
    calls = sorted([(f, (), None) for f in files] + points(runs.scenarios / "fidelity" / "points.json"), key=work)
    for call in dict.fromkeys(calls):
        for base in merged(call[0])[1]:
            if base.parent.name == "platforms":
                users.setdefault(base, []).append(call)

    def outcome(call):
        if call not in before:
            before[call] = runs.run(*call)[1]
        return before[call]

    def check(item):
        platform, key, value = item
        candidates = users.get(platform.resolve(), [])
        taken = False
        for call in list(candidates):       # the other threads move theirs to the front meanwhile
            scenario, sets, strategy = call
            with_it = (*sets, *FREED.get(key, ()))
            for other in doubles(value):
                code, metrics, _, _ = runs.run(scenario, (*with_it, f"{key}={other}"), strategy)
                if code == 2:
                    continue
                taken = True
                if metrics != outcome((scenario, with_it, strategy)):
                    with turn:
                        candidates.remove(call)
                        candidates.insert(0, call)
                    return None
        told = "dead" if taken or not candidates else "no other value is taken"
        print(f"{told}: {platform.stem}: {key}", flush=True)
        return f"{platform.stem}: {key}"

    platforms = sorted((runs.scenarios / "platforms").glob("*.json"))
    items = [(p, k, v) for p in platforms for k, v in platform_numbers(json.loads(p.read_text())) if only in f"{p.stem}: {k}"]
    return len(items), [d for d in runs.pool.map(check, items) if d]


def main():
    p = Runs.arguments()
    p.add_argument("--double", nargs="?", const="profiles,platforms", default="")
    p.add_argument("--only", default="")
    p.add_argument("--cover", action="store_true")
    a = p.parse_args()
    runs = Runs(a.program, a.scenarios, a.j)
    runs.bases = {}
    files = runs.shipped()
    dead = []
    if a.double != "platforms":
        if a.double or a.cover:
            states, where, failed = charged_by(runs, files)
        else:
            strategies = covering(runs, files)
            first = list(strategies)
            states, where, failed = charged_by(runs, first, strategies)
            if never_charged(states, where):
                states, where, failed = charged_by(runs, files)
            else:
                files = first
        dead += [f"{profile}: {name}" for profile, name in never_charged(states, where)]
        if a.cover:
            print(*cover_of(where, runs.scenarios), sep="\n")
            return 1 if failed else 0
        if failed:
            print("did not run:", *failed, sep="\n")
            return 1
        for line in dead:
            print("never charged:", line)
        print(f"{len(files)} scenarios, {sum(len(c) for c in states.values())} operations, {len(dead)} never charged")
    doubled = {"profiles": lambda: doubled_costs(runs, states, where, a.only), "platforms": lambda: doubled_platforms(runs, files, a.only)}
    for what in filter(None, a.double.split(",")):
        n, still = doubled[what]()
        for line in still:
            print("moves nothing when doubled:", line)
        print(f"{n} numbers of {what} doubled, {len(still)} move nothing")
        dead += still
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
