#!/usr/bin/python3 -I
"""random_scenarios.py PROGRAM ROOT [--count N] [--seed S] [-j N] [--keep DIR] [--timeout SECONDS]

Runs N random scenarios with every strategy that each can serve. The program's own checks (bytes, ownership, conservation, ledger)
must hold: exit 0, or 2 with a message of what cannot be. What is refused loses the keys that are named until it runs. One in five
runs again, with the order of simultaneous events shuffled, and must give the same summaries. A failure is made as small as it
goes on failing, kept as a scenario file in DIR, and told with the command that shows it.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from space import Space, leaves, put, without  # noqa: E402

REPAIRS = 25     # keys that a scenario may lose before it counts as refused


class Outcome:
    """What one run came to: `kind` tells failures apart, "" is none."""

    def __init__(self, program, scenario, folder, timeout, more=()):
        folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        file = folder / 's.json'
        file.write_text(json.dumps(scenario))
        try:
            r = subprocess.run([program, 'run', str(file), '-j', '1', '--quiet', '--format', 'json', '--out', str(folder / 'out'), '--timeout', str(timeout),
                                *more], capture_output=True, text=True, errors='replace', timeout=10 * timeout, cwd=folder)
            self.code, self.err, out = r.returncode, r.stderr, r.stdout
        except subprocess.TimeoutExpired:
            self.code, self.err, out = 'hangs', '', ''
        self.runs = {}
        if self.code == 0:
            self.runs = {r['label'] for r in json.loads(out)['runs']}
            self.summaries = {s.parent.name: re.sub(r'(?m)^ *"run":.*$', '', s.read_text()) for s in (folder / 'out').glob('*/summary.json')}
        first = self.err.strip().splitlines()[0] if self.err.strip() else ''
        self.first = first
        if self.code == 2:
            self.kind = '' if 'error: ' in first or first.startswith('guestdma: ') else 'exit 2 without a message'
            if 'internal' in first:
                self.kind = 'internal error'
        elif self.code == 0:
            self.kind = '' if self.runs else 'exit 0, and nothing ran'
        else:
            # Numbers differ while a scenario shrinks.
            self.kind = f'exit {self.code}: ' + re.sub(r'[0-9.]+', '#', first)[:80]
        shutil.rmtree(folder, ignore_errors=True)


def named(err, scenario):
    """The key that a refusal points at, as a path into the scenario; None when it is not one of its own."""
    for pointer in re.findall(r'error: /([^: ]+)', err) + re.findall(r'([a-z]+(?:\.[a-z0-9_]+)+|guests\[\]\.[a-z_.]+)', err):
        parts = [int(p) if p.isdigit() else p for p in re.split(r'[/.]', pointer.replace('[]', '.0').replace('..', '.'))]
        for n in range(len(parts), 0, -1):
            if parts[:n] not in (['traffic'], ['guests'], ['guests', 0], ['strategies']) and without(scenario, parts[:n]) is not None:
                return parts[:n]
    return None


class Play:
    def __init__(self, a):
        self.a = a
        self.program = str(pathlib.Path(a.program).resolve())
        self.space = Space(self.program, pathlib.Path(a.root).resolve())
        self.folder = tempfile.mkdtemp(prefix='guestdma-random-')

    def run(self, scenario, more=()):
        return Outcome(self.program, scenario, self.folder, self.a.timeout, more)

    def one(self, number):
        scenario = self.space.draw(f'{self.a.seed}/{number}')
        o = self.run(scenario)
        for _ in range(REPAIRS):
            if o.code != 2 or o.kind:
                break
            path = named(o.err, scenario)
            if path is None:
                scenario, o = self.search(scenario, o)
                break
            scenario = without(scenario, path)
            o = self.run(scenario)
        if not o.kind and o.code == 0 and number % 5 == 0:
            again = self.run(scenario, ['--set', 'debug.shuffle=true'])
            if again.kind or again.summaries != o.summaries:
                o.kind = again.kind or 'another summary with debug.shuffle'
                o.first = again.first
        return number, scenario, o

    def search(self, scenario, o):
        """A refusal that points at nothing in the file: the first key without which it runs."""
        for path in leaves(scenario):
            smaller = without(scenario, path)
            if len(path) > 1 and smaller is not None:
                tried = self.run(smaller)
                if tried.code != 2 or tried.kind:
                    return smaller, tried
        return scenario, o

    def fails(self, scenario, kind):
        o = self.run(scenario)
        if kind.startswith('another summary'):
            return o.code == 0 and self.run(scenario, ['--set', 'debug.shuffle=true']).summaries != o.summaries
        return o.kind == kind

    def shrink(self, scenario, kind):
        progress = True
        while progress:
            progress = False
            for path in leaves(scenario):
                smaller = without(scenario, path)
                if smaller is not None and self.fails(smaller, kind):
                    scenario, progress = smaller, True
        for s in sorted(self.strategies_of(scenario)):
            smaller = json.loads(json.dumps(scenario))
            put(smaller, 'strategies', [s])
            if self.fails(smaller, kind):
                return smaller
        return scenario

    def strategies_of(self, scenario):
        listed = subprocess.run([self.program, 'list', 'strategies', '--format', 'json'], capture_output=True, text=True, check=True)
        return [s['name'] for s in json.loads(listed.stdout)['strategies']]

    def all(self):
        ran, refused, failed, runs, seen = 0, [], 0, 0, {}
        with concurrent.futures.ThreadPoolExecutor(self.a.jobs) as pool:
            for number, scenario, o in pool.map(self.one, range(self.a.first, self.a.first + self.a.count)):
                if o.kind:
                    failed += 1
                    self.tell(number, scenario, o)
                elif o.code == 0:
                    ran += 1
                    runs += len(o.runs)
                    for label in o.runs:
                        seen[label] = seen.get(label, 0) + 1
                else:
                    refused.append((number, o.first))
        if self.a.verbose:
            for number, first in refused:
                print(f'scenario {number} refused: {first}')
        shutil.rmtree(self.folder, ignore_errors=True)
        print(f'random scenarios {self.a.seed}/{self.a.first}..{self.a.first + self.a.count - 1}: {ran} ran ({runs} runs: '
              + ', '.join(f'{k} {v}' for k, v in sorted(seen.items())) + f'), {len(refused)} refused, {failed} failed')
        if ran * 2 < self.a.count or (self.a.count >= 100 and len(seen) < len(self.strategies_of({}))):
            print('too little was run')
            failed += 1
        return 1 if failed else 0

    def tell(self, number, scenario, o):
        scenario = self.shrink(scenario, o.kind)
        keep = pathlib.Path(self.a.keep)
        keep.mkdir(parents=True, exist_ok=True)
        file = keep / f'random-{self.a.seed}-{number}.json'
        file.write_text(json.dumps(scenario, indent=1) + '\n')
        shuffled = ' --set debug.shuffle=true' if o.kind.startswith('another summary') else ''
        print(f'scenario {number} failed: {o.kind}\n  {o.first}\n  guestdma run {file}{shuffled}', flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('program')
    p.add_argument('root')
    p.add_argument('--count', type=int, default=200)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--seed', default='1')
    p.add_argument('-j', '--jobs', type=int, default=os.cpu_count())
    p.add_argument('--keep', default='build/random')
    p.add_argument('--timeout', type=float, default=60)
    p.add_argument('--verbose', action='store_true')
    sys.exit(Play(p.parse_args()).all())


if __name__ == '__main__':
    main()
