"""Random scenarios from the program's own key table (`guestdma list keys`): a new key or choice joins by itself."""
import json
import random
import re
import subprocess

# Not drawn: what says nothing about a run, what is drawn by hand below, planted faults, faults of the device that spoil bytes, and the
# defences without which a misbehaving guest may reach too far: both need an expect line.
SKIPPED = re.compile(r'^(\$schema|version|name|description|extends|sources|inputs|seed|strategies|expect|costs|consumer|debug\..*'
                     r'|time\..*|traffic\.(kind|rate|frames|frame_bytes|file|loop|flows)|nic\.link_rate|nic\.mtu|nic\.model|host\.(memory|costs|cores)'
                     r'|guests\[\]\.(name|mac|vlan|memory)|defences\.reclaim\..*|host\.watchdog\.period|nic\.faults\.(lost_data_writes|misplaced_fragments)|defences\.(validate|read_once|shadow_shared_info))$')
# Times by the largest unit that gives a whole number, in ps.
TIME = {'ps': 1, 'ns': 10**3, 'us': 10**6, 'ms': 10**9, 's': 10**12}
SIZE = {'B': 1, 'kB': 10**3, 'KiB': 2**10, 'MB': 10**6, 'MiB': 2**20, 'GB': 10**9, 'GiB': 2**30, 'TiB': 2**40}
RATE = {'bps': 1, 'B/s': 8, 'kbps': 10**3, 'kB/s': 8 * 10**3, 'Mbps': 10**6, 'MB/s': 8 * 10**6, 'Gbps': 10**9, 'GB/s': 8 * 10**9, 'Tbps': 10**12}
HERTZ = {'Hz': 1, 'kHz': 10**3, 'MHz': 10**6, 'GHz': 10**9}
UNITS = {'time': (TIME, 'ps'), 'size': (SIZE, 'B'), 'bit rate': (RATE, 'bps'), 'frequency': (HERTZ, 'Hz'), 'count': ({'': 1}, '')}
MOST = {'count': 4096, 'size': 4 << 20, 'time': 10**10}   # no key is drawn above, so that a run stays short and small


def number(text, units):
    m = re.fullmatch(r'([0-9.]+)([A-Za-z/]*)', text)
    return int(float(m[1]) * units[m[2]]) if m and m[2] in units else None


class Space:
    def __init__(self, program, root):
        listed = subprocess.run([program, 'list', 'keys', '--format', 'json'], capture_output=True, text=True, check=True)
        self.keys = [k for k in json.loads(listed.stdout)['keys'] if not SKIPPED.match(k['key'])]
        self.consumers = next(k['allowed'].split(', ') for k in json.loads(listed.stdout)['keys'] if k['key'] == 'consumer')
        self.app_behaviours = [b for b in next(k['allowed'].split(', ') for k in json.loads(listed.stdout)['keys'] if k['key'] == 'guests[].behaviour')
                               if b not in ('well-behaved', 'shinfo-scribbler')]   # those that consumer user-async takes
        self.root = root
        self.platforms = sorted(p.name for p in (root / 'scenarios/platforms').glob('*.json') if p.name.startswith(('2010', 'today', 'hs')))
        self.captures = sorted(str(p) for p in (root / 'scenarios/pcaps').glob('*.pcap'))
        self.costs = sorted(p.stem for p in (root / 'scenarios/costs').glob('*.json'))

    def value(self, key, rng):
        """A value that the key's own row allows; None where there is none to draw."""
        kind, allowed = key['type'], key['allowed']
        if kind == 'boolean':
            return rng.choice([True, False])
        if kind == 'choice':
            return rng.choice(allowed.split(', '))
        if kind == 'share':
            return rng.choice(['0%', '1%', '7%', '20%', '50%'])
        if kind not in UNITS:
            return None
        units, unit = UNITS[kind]
        listed = re.match(r'((?:[0-9]+[A-Za-z]*, )+[0-9]+[A-Za-z]*)(?: \(|$)', allowed)
        if listed:
            text = rng.choice(listed[1].split(', '))
            return text if unit else int(text)
        default = number(key['default'], units) or 0
        span = re.search(r'from (\S+) to (\S+)$', allowed)
        least = re.search(r'at least (\S+)$', allowed)
        low = number((span or least)[1], units) if span or least else 0
        high = number(span[2], units) if span else max(default * 64, 64)
        high = max(low, min(high, MOST.get(kind, high)))
        draw = rng.randrange(10)
        if draw == 0:
            v = low
        elif draw == 1:
            v = high if high <= max(64, default * 8) else default
        elif draw < 8 and default:
            v = int(default * 2 ** rng.uniform(-4, 3))
        else:
            v = low + rng.randrange(max(1, min(high - low, 64)))
        step = re.search(r'a multiple of ([0-9]+)', allowed)
        if 'a power of two' in allowed:
            v = 1 << max(0, v.bit_length() - 1)
        elif step:
            v -= v % int(step[1])
        v = max(low, min(high, v))
        return f'{v}{unit}' if unit else v

    def traffic(self, rng):
        t = {}
        kind = rng.choices(['synthetic', 'pcap'], [3, 1])[0]
        if kind == 'pcap':
            t.update(kind='pcap', file=rng.choice(self.captures), loop=rng.choice([True, True, False, 2]))
            if rng.random() < 0.8:
                t['rate'] = rng.choice(['1Gbps', '5Gbps', '9Gbps'])
            return t, '10Gbps', 9000
        largest = rng.choice([64, 128, 512, 1518, 1518, 1518, 4000, 9018])
        t['frame_bytes'] = largest
        if rng.random() < 0.3:
            t['frame_bytes'] = [{'bytes': largest, 'weight': 2}, {'bytes': rng.choice([64, 65, 127, 300]), 'weight': rng.choice([1, 5])}]
        t['rate'] = rng.choice(['100Mbps', '1Gbps', '4Gbps', '9.9Gbps'] + (['25Gbps', '40Gbps'] if largest > 1000 else []))
        t['flows'] = rng.choice([1, 1, 2, 7, 64, 300])
        return t, '40Gbps' if 'Gbps' in t['rate'] and float(t['rate'][:-4]) > 9.9 else '10Gbps', max(1500, largest - 18)

    def draw(self, seed):
        rng = random.Random(seed)
        traffic, link, mtu = self.traffic(rng)
        s = {'version': 1, 'seed': rng.randrange(1000), 'strategies': 'all',
             'time': {'warmup': '50us', 'measure': '250us', 'drain': rng.choice(['0ns', '100us', '1ms'])},
             'traffic': traffic, 'nic': {'link_rate': link, 'mtu': f'{mtu}B'},
             'consumer': rng.choices(self.consumers, [8 if c == 'guest' else 2 if c == 'user-async' else 1 for c in self.consumers])[0]}
        if rng.random() < 0.4:
            s['extends'] = str(self.root / 'scenarios/platforms' / rng.choice(self.platforms))
        s['host'] = {'costs': rng.choice(self.costs), 'cores': rng.choice([2, 4, 4, 8])}
        if rng.random() < 0.1:   # rounds of picoseconds would be all that a run does
            s['host']['watchdog'] = {'period': rng.choice(['20us', '100us'])}
        guests = [{'name': f'g{i}', 'memory': rng.choice(['64MiB', '256MiB'])} for i in range(rng.choices([1, 2, 3], [4, 2, 1])[0])]
        for i, g in enumerate(guests[1:] if rng.random() < 0.7 else guests):
            g['mac'] = f'02:00:00:00:01:{i:02x}'
        if s['consumer'] == 'guest':
            s['guests'] = guests
        elif s['consumer'] == 'user-async':
            s['guests'] = guests
            for g in guests:
                del g['memory']
                g['behaviour'] = rng.choice(['well-behaved', 'well-behaved', *self.app_behaviours])
        if s['consumer'] == 'guest' and rng.random() < 0.3:   # short runs: looks as close as the key allows
            s['defences'] = {'reclaim': {'after': rng.choice(['10us', '20us', '60us']), 'share': rng.choice(['1%', '10%', '25%'])}}
        for key in rng.sample(self.keys, rng.randrange(3, min(40, len(self.keys)))):
            for at in self.places(s, key['key']):
                v = self.value(key, rng)
                if v is not None:
                    put(s, at, v)
        return s

    def places(self, s, name):
        if name.startswith('guests[].'):
            return [f'guests.{i}.{name[9:]}' for i in range(len(s.get('guests', [])))]
        return [name]


def put(s, path, value):
    *folders, last = path.split('.')
    for f in folders:
        s = s[int(f)] if isinstance(s, list) else s.setdefault(f, {})
    s[last] = value


def leaves(s, path=()):
    """Paths of everything that could be left out of a scenario, the large parts first."""
    out = []
    items = enumerate(s) if isinstance(s, list) else s.items()
    for k, v in items:
        out.append(path + (k,))
    for k, v in enumerate(s) if isinstance(s, list) else s.items():
        if isinstance(v, (dict, list)) and v:
            out += leaves(v, path + (k,))
    return out


def without(s, path):
    """A copy without the member or item at `path`; None where it is not there any more."""
    s = json.loads(json.dumps(s))
    at = s
    try:
        for p in path[:-1]:
            at = at[p]
        del at[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    return s
