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
same_tables() { cmp "$1/report.html" "$2/report.html" && cmp "$1/sweep.csv" "$2/sweep.csv" && cmp "$1/sweep.json" "$2/sweep.json" && cmp "$1/config.json" "$2/config.json" || wrong "$1 and $2 differ"; }

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

# ended_and_resumed FILE N OPTION...: a sweep or search that is ended when run N is there, and goes on; with the options it is another.
ended_and_resumed() {
  local file=$1 last=$2; shift 2
  gd sweep "$file" --out whole --quiet
  "$guestdma" sweep "$file" --out late --quiet -j 1 >/dev/null 2>&1 &
  local program=$!
  until_true test -s ".late.part/runs/$last/guest-head/summary.json"
  kill -INT "$program"; wait "$program"; status=$?
  status_is 130
  [ ! -e late ] || wrong 'what was ended does not look whole'
  local before
  before=$(stat -c %y .late.part/runs/0/guest-head/summary.json)
  gd sweep "$file" --out late --resume "$@"
  status_is 2; err_has 'is another sweep than this one'
  gd sweep "$file" --out late --resume --quiet
  status_is 0
  [ "$(stat -c %y late/runs/0/guest-head/summary.json)" = "$before" ] || wrong 'what was done is kept'
  same_tables whole late
  [ ! -e .late.part ] && [ ! -e late/.job.json ] || wrong 'nothing of the job is left'
}

sweep_resumed() {
  swept
  ended_and_resumed swept.json 0 --seeds 3
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

# A copy that the card's ring decides: bursts of 64 frames, and cycles that grow with the frame.
searched() {
  printf '%s\n' "${small%\}}" ', "sweep": {"axes": [{"key": "vhost.batch", "values": [1, 64]}],
   "search": {"key": "traffic.frame_bytes", "from": 256, "to": 1518, "precision": 32, "crossover": {"metric": "guest.cycles_per_packet", "between": ["guest-head", "vhost-copy"]}}}}' >searched.json
}

search_tables() {
  searched
  gd sweep searched.json --dry-run
  status_is 0; out_has 'vhost.batch=1: guest-head against vhost-copy: traffic.frame_bytes at 256, 576, 896, 1216, 1518; then where'; out_has '2 searches, 20 to '
  [ "$(ls -A)" = searched.json ] || wrong 'a dry run writes nothing'
  gd sweep searched.json --out one -j 1
  status_is 0; out_has 'Cross-over of guest.cycles_per_packet over traffic.frame_bytes, 256 to 1518'; out_has '  vhost.batch=64: guest-head against vhost-copy: '
  gd sweep searched.json --out two -j 4
  same_tables one two
  gd sweep one/config.json --out three --quiet
  same_tables one three
  gd sweep searched.json --out highest --seeds 2 --axis vhost.batch=64 --search traffic.rate=500Mbps..1Gbps..10% --highest 'guest.cycles_per_packet < 99 * guest.cycles_per_packet[guest-head]' --format json --quiet
  status_is 0
  json 'd["search"]["aim"] == "highest" and [s["outcome"] for s in d["searches"]] == ["everywhere", "everywhere"] and d["searches"][1]["label"] == "guest-head"'
  gd sweep searched.json --out lowest --axis vhost.batch=64 --search traffic.frame_bytes=256..1518..16 --lowest 'copy.guest_bytes_per_packet[vhost-copy] >= 700' --format json --quiet
  status_is 0
  # What was found is what the runs show: the neighbours were run, and the line holds at one and not at the other.
  /usr/bin/python3 -I - lowest one <<'END' || wrong 'what was found agrees with the runs'
import csv, json, sys
d = json.load(open(sys.argv[1] + "/sweep.json"))
(s,) = d["searches"]
assert s["outcome"] == "found" and s["value"] == s["above"] and 0 < s["above"] - s["below"] <= 16, s
at = {r["set"]["traffic.frame_bytes"]: r for r in d["rows"]}
values = list(at)
assert values == sorted(values) and len(values) == s["looked_at"] and all(r["label"] == "vhost-copy" for r in d["rows"])
assert at[s["below"]]["metrics"]["copy.guest_bytes_per_packet"]["value"] < 700 <= at[s["above"]]["metrics"]["copy.guest_bytes_per_packet"]["value"]
assert at[s["above"]]["index"] == s["index"]
(row,) = [r for r in csv.DictReader(open(sys.argv[1] + "/sweep.csv")) if r["metric"].startswith("search.")]
assert row["metric"] == "search.lowest" and int(row["value"]) == s["value"] and int(row["index"]) == s["index"] and row["traffic.frame_bytes"] == row["value"]
d = json.load(open(sys.argv[2] + "/sweep.json"))
assert len(d["searches"]) == 2 and d["keys"] == ["vhost.batch", "traffic.frame_bytes"] and sorted({r["index"] for r in d["rows"]}) == list(range(d["runs"]))
END
  for format in csv markdown; do
    gd sweep searched.json --out "$format" --format "$format" --quiet
    status_is 0; out_has 'traffic.frame_bytes'; err_is_empty
  done
}

search_mistakes() {
  searched
  refuses '/sweep/search/crossover/between: there is no strategy "gest-head"' sweep searched.json --crossover 'drops.total[gest-head,vhost-copy]'
  refuses 'did you mean guest-head?' sweep searched.json --crossover 'drops.total[gest-head,vhost-copy]'
  refuses 'is searched, and is an axis too' sweep searched.json --axis traffic.frame_bytes=64
  refuses 'did you mean "drops.total"?' sweep searched.json --highest 'drops.totl == 0'
  refuses 'not in Gb/s' sweep searched.json --highest 'latency.p50 == 0 Gb/s'
  refuses 'one can be given' sweep searched.json --highest 'drops.total == 0' --lowest 'drops.total == 0'
  refuses 'KEY=FROM..TO' sweep searched.json --search traffic.rate
  refuses 'run 4 (vhost.batch=1, traffic.frame_bytes=20000)' sweep searched.json --search traffic.frame_bytes=256..20000..8
  refuses 'needs the list of runs ahead' sweep searched.json --list-commands --out d
  refuses 'needs the list of runs ahead' sweep searched.json --run-index 3 --out d
  refuses 'needs the list of runs ahead' sweep searched.json --collect --out d
  refuses 'needs the list of runs ahead' sweep searched.json --slurm --out d
  small
  refuses 'option --highest means nothing without a search: --search KEY=FROM..TO' sweep small.json --highest 'drops.total == 0'
}

search_resumed() {
  searched
  ended_and_resumed searched.json 2 --crossover 'guest.cycles_per_packet[vhost-copy,guest-head]'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
