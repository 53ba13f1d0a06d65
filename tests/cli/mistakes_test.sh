#!/bin/bash
# mistakes_test.sh PROGRAM ROOT CASE: what a user can do wrong is one clear message and exit code 2, and nothing is written.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

# scenario TEXT: bad.json with these lines in place of small.json's.
scenario() { printf '%s\n' "$1" >bad.json; }

scenario_files() {
  refuses 'nowhere.json: error: there is no such file' run nowhere.json
  refuses ': error: is a folder' run .
  refuses '"": error: there is no such file' validate ''
  # What cannot be read, or has no end.
  refuses '/proc/self/mem: error: cannot be read' validate /proc/self/mem
  refuses '/dev/zero: error: cannot be read' validate /dev/zero
  refuses '<stdin>: error: cannot be read, or does not end within 64MiB' validate - </dev/zero
  refuses '<stdin>: error: cannot be read, or does not end within 64MiB' sweep - --seeds 2 </dev/zero
  refuses '/dev/zero: error: cannot be read' fidelity /dev/zero
  printf '{"traffic": {"rate": "1Gbps"}}\n\0{"seed": 2}' >bad.json
  refuses 'bad.json:2:1: error: syntax error: a NUL byte' validate bad.json
  scenario $'{"version": 1,\n "seed": }'
  refuses 'bad.json:2:10: error: syntax error' run bad.json
  scenario ''
  refuses 'bad.json:1:1: error: the file is empty' run bad.json
  scenario $'{"version": 1,\n "nic": {"rign_size": 8}}'
  refuses 'bad.json:2:10: error: /nic/rign_size: unknown key "rign_size"' run bad.json
  err_has 'did you mean "ring_size"?'; err_has '^~'
  scenario $'{"version": 1,\n "seed": 1,\n "seed": 2}'
  refuses 'bad.json:3:2: error: /seed: duplicate key' run bad.json
  scenario '{"nic": {"link_rate": "10GB"}}'
  refuses 'bad.json:1:23: error: /nic/link_rate: "10GB" is not a bit rate' compare bad.json
  scenario '{"nic": {"link_rate": 10}}'
  refuses 'bad.json:1:23: error: /nic/link_rate: 10 has no unit' compare bad.json
  local size
  for size in 0 3 -8; do
    scenario "{\"traffic\": {\"rate\": \"1Gbps\"}, \"nic\": {\"ring_size\": $size}}"
    refuses "bad.json:1:53: error: /nic/ring_size: $size" run bad.json
    refuses "bad.json:1:53: error: /nic/ring_size: $size" validate bad.json
  done
  # `list keys` writes guests[]; a path has a number there.
  scenario '{"guests[]": {"name": "a"}, "traffic": {"rate": "1Gbps"}}'
  refuses 'bad.json:1:2: error: /guests[]: unknown key "guests[]"' validate bad.json
  small
  refuses '--set guests[].name=x: error: /guests[]/name: unknown key "guests[].name"' validate small.json --set 'guests[].name=x'
  err_has 'did you mean "guests.0.name"?'
  refuses 'did you mean "guests.0.virtio.queue_size"?' run small.json --set 'guests[].virtio.queue_size=64'
  refuses '--set extends=x.json: error: /extends: a file says what it extends' run small.json --set extends=x.json
  local key
  for key in extends name '$schema' description version; do refuses "\"$key\" changes no run" sweep small.json --axis "$key=1,2"; done
  scenario '{"extends": "/etc", "traffic": {"rate": "1Gbps"}}'
  refuses 'bad.json:1:13: error: /extends: "/etc" is a folder' validate bad.json
  refuses 'seeds are no axis' sweep small.json --axis seed=1,2
  refuses 'allowed: a key of `list keys`' validate small.json --set a=b
  refuses 'did you mean "guests.0.name"?' sweep small.json --axis 'guests[].name=a,b'
  refuses '--set nic.ring_size=3: error: /nic/ring_size: 3 is too small' run small.json --set nic.ring_size=3
  refuses '--set nic.rign_size=8' run small.json --set nic.rign_size=8
  refuses '--seed x' run small.json --seed x
}

captures() {
  capture() { printf '{"version": 1,\n "traffic": {"kind": "pcap", "file": "%s"}}\n' "$1" >bad.json; }
  local at='bad.json:2:38: error: /traffic/file: '
  capture nowhere.pcap
  refuses "${at}there is no file" run bad.json
  capture /dev/zero
  refuses "$at" run bad.json; err_has 'cannot read "/dev/zero"'
  : >empty.pcap; capture empty.pcap
  refuses "$at" run bad.json; err_has 'empty.pcap" is empty'
  head -c 24 "$root/scenarios/pcaps/udp-small.pcap" >none.pcap; capture none.pcap
  refuses "$at" run bad.json; err_has 'has no frames'
  head -c 100 "$root/scenarios/pcaps/udp-small.pcap" >cut.pcap; capture cut.pcap
  refuses "$at" run bad.json; err_has 'truncated'
  echo 'this is no capture at all' >text.pcap; capture text.pcap
  refuses "$at" run bad.json; err_has 'not a pcap or pcapng file'
  refuses "$at" validate bad.json
}

strategies() {
  small
  refuses 'there is no strategy "vhost-cpy"' run small.json --strategy vhost-cpy
  err_has 'did you mean "vhost-copy"?'
  scenario $'{"strategies": ["vhost-copy",\n  "guest-haed"], "traffic": {"rate": "1Gbps"}}'
  refuses 'bad.json:2:3: error: /strategies/1: there is no strategy "guest-haed"' run bad.json
  # Named, but not to be served: before any run, with the reason.
  scenario $'{"strategies": ["vhost-copy",\n  "copy-header"], "traffic": {"rate": "1Gbps"}}'
  refuses 'bad.json:2:3: error: /strategies/1: strategy "copy-header" cannot be served: ' compare bad.json
  err_has '  "copy-header"]'
  refuses '--strategy copy-header: error: strategy "copy-header" cannot be served: ' run small.json --strategy copy-header
  # Each that cannot be served is named.
  scenario '{"strategies": "all", "consumer": "host-socket", "traffic": {"rate": "1Gbps"}}'
  refuses 'strategy "guest-head" cannot be served: ' run bad.json --strategy vhost-copy,guest-head,copy-header
  err_has 'strategy "copy-header" cannot be served: ' 
}

expectations() {
  with() { printf '%s,\n "expect": ["%s"]}\n' "${small%\}}" "$1" >bad.json; }
  with 'latency.p55 < 5 us'
  refuses 'bad.json:4:14: error: /expect/0: there is no metric "latency.p55"' run bad.json
  # The guest must be one of the scenario.
  with 'guest.foo.drops.total == 0'
  refuses 'bad.json:4:14: error: /expect/0: there is no guest "foo"' run bad.json
  err_has 'did you mean "guest.g0.drops.total"?'
  with 'guest.g0.guest.g0.drops.total == 0'
  refuses 'there is no metric "guest.g0.guest.g0.drops.total"' run bad.json
  small
  refuses 'there is no guest "web"' sweep small.json --search traffic.rate=1Gbps..2Gbps --highest 'guest.web.drops.total == 0'
  with 'latency.p50 < 5 Gb/s'
  refuses 'bad.json:4:30: error: /expect/0: latency.p50 is in ns, not in Gb/s' run bad.json
  err_has 'allowed: ps, ns, us, ms, s'
  refuses '--set expect=["drops.total < 5 us"]: error: /expect/0: drops.total is in frames, not in us' run small.json --set 'expect=["drops.total < 5 us"]'
  with 'latency.p50 < nan'
  refuses 'bad.json:4:28: error: /expect/0: expected a number' run bad.json
  with 'latency.p50 < -inf us'
  refuses '/expect/0: expected a number' validate bad.json
  with 'cpu.cycles_per_packet < 5us'
  refuses 'cpu.cycles_per_packet is in cycles, not in us: the number stands without a unit' run bad.json
  with 'drops.total[copy-header] == 0'
  refuses 'names copy-header, which is not run' compare bad.json
  gd run bad.json --out skipped
  status_is 0; out_has 'copy-header did not run'
}

commands() {
  refuses 'there is no command "cmpare"; commands: run, compare,' cmpare small.json
  err_has 'did you mean compare?'
  refuses 'no command is given'
  refuses 'run needs an argument' run
  refuses 'takes no argument "b.json"' run a.json b.json
  refuses 'there is no list of "stategies"; lists: strategies, scenarios, metrics, costs, keys; did you mean strategies?' list stategies
  refuses 'nothing is named "nic.ring_siz"' describe nic.ring_siz
  err_has 'did you mean nic.ring_size?'
  refuses 'there is no command "rnu"' help rnu
}

options() {
  small
  refuses 'unknown option --stratgy; options: --set, --strategy' run small.json --stratgy x
  err_has 'did you mean --strategy?'
  refuses 'unknown option -q' run small.json -q
  refuses 'option --trace means nothing to list; its options are' list keys --trace vcd
  refuses 'there is no trace kind "vdc"; allowed: perfetto, vcd, csv, pcap; did you mean vcd?' run small.json --trace vdc
  refuses 'option --format: "jsno" is not allowed; allowed: text, json, csv, markdown; did you mean json?' run small.json --format jsno
  refuses 'option --progress: "allways" is not allowed' run small.json --progress allways
  refuses 'option -j: "0"' run small.json -j 0
  refuses 'option -j: "many"' run small.json -j many
  refuses 'option --timeout: "-1"' run small.json --timeout -1
  refuses 'option --out is given more than once' run small.json --out a --out b
  refuses 'option --out needs a value' run small.json --out
  refuses 'option -j needs a value' run small.json -j
  refuses "--set" run small.json --set nothing
  refuses 'option --seeds: "0" is not allowed; allowed: a whole number from 2 to' run small.json --seeds 0
  refuses 'option --seeds: "0" is not allowed; allowed: a whole number from 1 to' sweep small.json --seeds 0
  refuses 'one seed has no interval' run small.json --seeds 1
  refuses 'allowed: a whole number, at most 9223372036854775807' run small.json --seed 9223372036854775808
}

output_folders() {
  small
  mkdir full && touch full/mine
  refuses 'the result folder full is not empty' run small.json --out full
  refuses 'full is not empty and holds no config.json of guestdma' run small.json --out full --force
  echo '{"version": 1}' >full/config.json
  refuses 'holds no config.json of guestdma' run small.json --out full --force
  touch file
  refuses 'the result folder file is a file' run small.json --out file
  refuses 'cannot write the result folder file/below' run small.json --out file/below
  refuses 'cannot write the result folder file/below/deep' compare small.json --out file/below/deep
  refuses 'cannot write the result folder /proc/nowhere' run small.json --out /proc/nowhere
  mkdir read-only && chmod a-w read-only
  # Root may write everywhere.
  if [ ! -w read-only ]; then
    refuses 'cannot write the result folder read-only/x' run small.json --out read-only/x
    cd read-only || exit 1
    refuses 'cannot write the result folder results/runs/small' run ../small.json
    cd ..
  fi
  touch results
  refuses 'results/runs/small' run small.json
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
