#!/bin/bash
# sweep_test.sh PROGRAM ROOT CASE: runs over axes and seeds.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

# Pictures are drawn where a case asks for them (sweep_pictures); elsewhere they would take most of the time.
eval "drawing_$(declare -f gd)"
gd() { if [ "$1" = sweep ]; then drawing_gd "$@" --no-plots; else drawing_gd "$@"; fi; }

swept() {
  printf '%s\n' "${small%\}}" ', "sweep": {"axes": [{"key": "traffic.frame_bytes", "values": [128, 512]}, {"key": "nic.ring_size", "from": 256, "to": 512, "step": "log2"}],
   "exclude": [{"traffic.frame_bytes": 128, "nic.ring_size": 512}], "seeds": 2}}' >swept.json
}
# same_tables DIR DIR
same_tables() { cmp "$1/sweep.csv" "$2/sweep.csv" && cmp "$1/sweep.json" "$2/sweep.json" && cmp "$1/config.json" "$2/config.json" || wrong "$1 and $2 differ"; }

sweep_tables() {
  swept
  gd sweep swept.json --out one -j 1
  status_is 0; out_has 'traffic.frame_bytes'; err_has '6 runs; results in one'
  gd sweep swept.json --out two -j 2
  same_tables one two
  [ "$(ls one/runs | wc -l)" = 6 ] || wrong 'six runs'
  [ -s one/runs/5/guest-head/summary.json ] && [ -s one/runs/5/config.json ] || wrong 'the pieces'
  [ "$(ls -A)" = $'one\nswept.json\ntwo' ] || wrong "something else was left: $(ls -A)"
  /usr/bin/python3 -I - one <<'END' || wrong 'the tables agree with the summaries'
import csv, json, sys
d = sys.argv[1]
rows = list(csv.DictReader(open(d + "/sweep.csv")))
doc = json.load(open(d + "/sweep.json"))
assert doc["runs"] == 6 and len(doc["rows"]) == 12 and doc["keys"] == ["traffic.frame_bytes", "nic.ring_size"]
assert [(r["set"]["traffic.frame_bytes"], r["set"]["nic.ring_size"], r["seed"]) for r in doc["rows"][::2]] == [(128, 256, 1), (128, 256, 2), (512, 256, 1), (512, 256, 2), (512, 512, 1), (512, 512, 2)]
for r in doc["rows"]:
    s = json.load(open(d + "/" + r["folder"] + "/summary.json"))
    assert s["metrics"] == r["metrics"] and s["seed"] == r["seed"], r["folder"]
    of_csv = {x["metric"]: x["value"] for x in rows if int(x["index"]) == r["index"] and x["label"] == r["label"]}
    assert {k: float(v) for k, v in of_csv.items()} == {k: v["value"] for k, v in r["metrics"].items()}
END
  for format in json csv markdown; do
    gd sweep swept.json --out "$format" --format "$format" --quiet
    status_is 0; out_has 'nic.ring_size'; err_is_empty
  done
  gd run one/runs/3/config.json --out again --quiet
  status_is 0
  same_summaries again one/runs/3
  gd sweep one/config.json --out third --quiet
  status_is 0
  same_tables one third
}

sweep_axes() {
  small
  gd sweep small.json --axis nic.ring_size=256..1024..log2 --axis traffic.rate=1Gbps,2Gbps --dry-run
  status_is 0; out_has 'run 5 (nic.ring_size=1024, traffic.rate=2Gbps): vhost-copy, guest-head'; out_has '6 runs, 12 processes'
  [ "$(ls -A)" = small.json ] || wrong 'a dry run writes nothing'
  gd sweep small.json --seeds 3 --dry-run
  out_has 'run 2 (seed 3)'
  refuses 'there is nothing to sweep' sweep small.json
  refuses 'run 1 (nic.ring_size=7)' sweep small.json --axis nic.ring_size=64,7
  refuses 'did you mean "nic.ring_size"?' sweep small.json --axis nic.ring_siz=64
  refuses 'there is no run 9; the sweep has 0 to 2' sweep small.json --seeds 3 --run-index 9 --out d
  refuses 'one can be given' sweep small.json --seeds 3 --run-index 1 --dry-run --out d
  refuses 'needs --out' sweep small.json --seeds 3 --run-index 1
  gd sweep - --seeds 2 --out in --quiet <small.json
  status_is 0; [ -s in/sweep.csv ] || wrong 'standard input'
}

sweep_in_pieces() {   # commands for elsewhere; what they leave is what one process makes
  swept
  gd sweep swept.json --out whole --quiet
  gd sweep swept.json --list-commands --out pieces --set 'description=a b'
  status_is 0; [ "$(wc -l <"$scratch/out")" = 6 ] || wrong 'six commands'
  cp "$scratch/out" commands
  gd sweep swept.json --collect --out pieces
  status_is 2; err_has 'runs/0/vhost-copy: is missing'
  PATH=$(dirname "$guestdma"):$PATH tac commands | sed "s|^guestdma|'$guestdma'|" | bash || wrong 'the commands run'
  [ ! -e pieces/sweep.csv ] || wrong 'no tables before they are collected'
  gd sweep swept.json --collect --out pieces --quiet
  status_is 0
  cmp whole/sweep.csv pieces/sweep.csv || wrong 'collected as in one process'
  cmp whole/sweep.json pieces/sweep.json || wrong 'collected as in one process'
}

sweep_resumed() {
  swept
  gd sweep swept.json --out whole --quiet
  "$guestdma" sweep swept.json --out late --quiet -j 1 >/dev/null 2>&1 &
  local program=$!
  until_true test -s .late.part/runs/0/guest-head/summary.json
  kill -INT "$program"; wait "$program"; status=$?
  status_is 130
  [ ! -e late ] || wrong 'what was ended does not look whole'
  local before
  before=$(stat -c %y .late.part/runs/0/guest-head/summary.json)
  gd sweep swept.json --out late --resume --seeds 3
  status_is 2; err_has 'is another sweep than this one'
  gd sweep swept.json --out late --resume --quiet
  status_is 0
  [ "$(stat -c %y late/runs/0/guest-head/summary.json)" = "$before" ] || wrong 'what was done is kept'
  same_tables whole late
  [ ! -e .late.part ] && [ ! -e late/.job.json ] || wrong 'nothing of the job is left'
}

sweep_gates() {
  swept
  gd sweep swept.json --out gated --quiet --set 'expect=["traffic.frame_bytes > 1"]'
  status_is 2
  gd sweep swept.json --out gated --quiet --junit gate.xml --set 'expect=["throughput.goodput > 0.9 Gb/s"]'
  status_is 1; err_has 'run 0 (traffic.frame_bytes=128'; grep -q 'testsuites' gate.xml || wrong 'JUnit XML'
  [ -s gated/sweep.csv ] || wrong 'the results are there'
}

sweep_pictures() {
  small
  /usr/bin/python3 -I -c 'import matplotlib' 2>/dev/null || exit 77
  drawing_gd sweep small.json --axis traffic.frame_bytes=128,512 --out drawn --quiet
  status_is 0; err_is_empty
  [ -s drawn/curves.png ] && [ -s drawn/curves.svg ] && [ -s drawn/sweep.json ] || wrong 'curves'
  gd sweep small.json --axis traffic.frame_bytes=128,512 --out plain --quiet
  [ ! -e plain/curves.png ] || wrong '--no-plots'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
