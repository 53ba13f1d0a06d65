#!/usr/bin/python3 -I
"""soak.py PROGRAM [--frames N] [--strategy NAME] [--rate R]: many frames of 9018 B (guest-head, whose buffers are pages: 1518 B) through one strategy.

Holds: exit 0 (bytes, ownership, conservation, ledger), every frame delivered, byte counters as the frames say, also beyond 2^32
(from 480,000 frames of 9018 B on), and memory flat: N frames take at most 2 % and 1 MiB more than a tenth of them.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HEADERS, FCS = 54, 4


def play(program, strategy, rate, size, frames):
    with tempfile.TemporaryDirectory() as folder:
        scenario = {'version': 1, 'strategies': [strategy], 'time': {'warmup': '0ns', 'measure': '100000s', 'drain': '10ms'},
                    'traffic': {'rate': rate, 'frame_bytes': size, 'frames': frames, 'flows': 4},
                    'nic': {'mtu': f'{size - 18}B', 'header_split': {'mode': 'split' if strategy == 'copy-header' else 'off'}},
                    'guests': [{'name': 'g0', 'virtio': {'used_offset': strategy in ('guest-head', 'page-frags')}}]}
        if strategy == 'async-copy':
            scenario['host'] = {'copy_engine': {'channels': 2}}
        file = pathlib.Path(folder) / 'soak.json'
        file.write_text(json.dumps(scenario))
        r = subprocess.run([program, 'run', str(file), '--quiet', '--out', folder + '/out'], capture_output=True, text=True)
        if r.returncode != 0:
            sys.exit(f'{strategy}: exit {r.returncode}: {r.stderr.strip()}')
        summary = json.loads((pathlib.Path(folder) / 'out' / strategy / 'summary.json').read_text())
    return {k: v['value'] for k, v in summary['metrics'].items()}, summary['run']


def main():
    p = argparse.ArgumentParser()
    p.add_argument('program')
    p.add_argument('--frames', type=int, default=1_000_000)
    p.add_argument('--strategy', default='vhost-copy')
    p.add_argument('--rate', default='2Gbps')
    a = p.parse_args()
    size = 1518 if a.strategy == 'guest-head' else 9018
    _, small = play(a.program, a.strategy, a.rate, size, a.frames // 10)
    m, run = play(a.program, a.strategy, a.rate, size, a.frames)
    wrong = []
    for name, least in {'packets.offered': a.frames, 'packets.delivered': a.frames, 'pcie.upstream_bytes': a.frames * (size - FCS)}.items():
        exact = name.startswith('packets')
        if (exact and m[name] != least) or m[name] < least or m[name] > 2 * least:
            wrong.append(f'{name} is {m[name]}, expected {"" if exact else "somewhat more than "}{least}')
    payload = a.frames * (size - FCS - HEADERS)
    if a.strategy == 'vhost-copy':
        copied = m['copy.host_bytes_per_packet'] * a.frames
        if not payload <= copied <= 1.1 * a.frames * size:
            wrong.append(f'copies of {copied:.0f} B in all, expected somewhat more than {payload}')
    if run['peak_rss_bytes'] > 1.02 * small['peak_rss_bytes'] + (1 << 20):
        wrong.append(f'memory grows: {small["peak_rss_bytes"]} B for a tenth, {run["peak_rss_bytes"]} B for all')
    print(f'{a.strategy}: {a.frames} frames, {a.frames * size / 2**32:.1f} times 2^32 bytes, {run["cpu_s"]:.1f} s of CPU; memory {small["peak_rss_bytes"] / 2**20:.1f} MiB '
          f'for a tenth of them, {run["peak_rss_bytes"] / 2**20:.1f} MiB for all')
    for w in wrong:
        print(f'{a.strategy}: {w}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
