#!/bin/bash
# fidelity_test.sh PROGRAM ROOT CASE: what `fidelity` runs, prints, writes and returns.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

# point ID VALUE MORE: a point whose value is 1 by its formula: the ratio of two runs that offer the same.
point() {
  printf '{"id": "%s", "source": "made up", "where": "nowhere", "year": 2020, "value": %s, "unit": "ratio", "tolerance": {"rel": 0.05}, "runs":
   {"a": {"scenario": "small.json", "strategy": "vhost-copy"}, "b": {"scenario": "small.json", "strategy": "guest-head"}},
   "formula": "packets.offered[a] / packets.offered[b]"%s}' "$1" "$2" "${3:-}"
}
left_out='{"id": "tx", "value": 3, "unit": "Mpps", "not_modelled": "nobody sends"}'
points() { small; printf '[%s]\n' "$1" >points.json; }

passes_and_writes() {
  points "$(point good 1),$(point fitted 1.01 ', "calibrated": true'),$left_out"
  gd fidelity points.json --no-plots
  status_is 0; out_has 'Predicted: 1 of 1 within tolerance'; out_has 'Calibrated: 1 of 1'; out_has 'tx: 3 Mpps: nobody sends'
  err_has 'results in results/runs/points'
  local file
  for file in config.json fidelity.json fidelity.md runs/0/config.json runs/0/vhost-copy/summary.json runs/1/guest-head/ledger.json; do
    [ -s "results/runs/points/$file" ] || wrong "$file"
  done
  # Four runs of two points, two of them different.
  [ "$(ls results/runs/points/runs)" = $'0\n1' ] || wrong 'equal runs are run once'
  gd run results/runs/points/runs/1/config.json --out one --quiet
  cmp <(grep -v '^ *"run":' one/guest-head/summary.json) <(grep -v '^ *"run":' results/runs/points/runs/1/guest-head/summary.json) || wrong 'the same summary by run'
}

a_miss_is_a_gate() {
  points "$(point good 1),$(point bad 1.2)"
  gd fidelity points.json --no-plots --quiet
  status_is 1; err_is_empty; out_has 'Predicted: 1 of 2 within tolerance'
  [ "$(printf '%s\n' "$out" | sed -n '3s/ .*//p')" = bad ] || wrong 'the worst first'
  [ -s results/runs/points/fidelity.md ] || wrong 'results of a list with a miss'
  # A metric without a value is a miss.
  points "$(point good 1 | sed 's/packets.offered\[a\] \//latency.p99.99[a] + 0 */')"
  gd fidelity points.json --no-plots
  status_is 1; out_has 'missed: a has no value of latency.p99.99'
}

forms() {
  points "$(point bad 1.2),$left_out"
  gd fidelity points.json --format json --no-plots
  status_is 1; json 'd["command"] == "fidelity" and d["missed"] == 1 and [p["id"] for p in d["points"]] == ["bad", "tx"]'
  cmp "$scratch/out" results/runs/points/fidelity.json || wrong 'fidelity.json is the one document'
  gd fidelity points.json --format markdown --no-plots
  cmp "$scratch/out" results/runs/points/fidelity.md || wrong 'fidelity.md is the markdown'
  gd fidelity points.json --format csv --no-plots
  out_has 'bad,predicted,1.2,1,ratio,'
}

same_again() {   # for any -j, and from config.json
  points "$(point good 1),$(point fitted 1.01 ', "calibrated": true'),$left_out"
  gd fidelity points.json --out one -j 1 --no-plots
  gd fidelity points.json --out four -j 4 --no-plots
  cmp one/fidelity.json four/fidelity.json || wrong 'fidelity.json differs with -j'
  cmp one/config.json four/config.json || wrong 'config.json differs with -j'
  gd fidelity one/config.json --out again --no-plots
  status_is 0
  cmp one/fidelity.json again/fidelity.json || wrong 'the same figures from config.json'
  gd fidelity - --out stdin --no-plots <points.json
  status_is 0
}

set_holds_for_all() {
  points "$(point good 1)"
  gd fidelity points.json --set nic.ring_size=64 --seed 7 --no-plots
  status_is 0
  local n
  for n in 0 1; do grep -q '"ring_size": 64' "results/runs/points/runs/$n/config.json" && grep -q '"seed": 7' "results/runs/points/runs/$n/config.json" || wrong "--set and --seed in run $n"; done
}

folders() {
  points "$(point good 1)"
  gd fidelity points.json --out a/b --no-plots
  status_is 0
  gd fidelity points.json --out a/b --no-plots
  status_is 2; err_has 'the result folder a/b is not empty'
  gd fidelity points.json --out a/b --no-plots --force
  status_is 0
  mkdir full && touch full/mine
  refuses 'holds no config.json of guestdma' fidelity points.json --out full --force
}

mistakes() {
  points "$(point good 1 | sed 's/offered\[a/offred[a/')"
  refuses 'points.json:3:16: error: /0/formula: there is no metric "packets.offred"' fidelity points.json
  err_has 'did you mean "packets.offered"?'
  refuses 'nowhere.json: error: there is no such file' fidelity nowhere.json
  refuses 'option --strategy means nothing to fidelity' fidelity points.json --strategy vhost-copy
  refuses 'option --trace means nothing to fidelity' fidelity points.json --trace vcd
  points '{"id": "a", "source": "s", "value": 1, "unit": "frames", "tolerance": {"abs": 1}, "formula": "drops.total[a]",
    "runs": {"a": {"scenario": "small.json", "strategy": "vhost-copy", "set": {"guests[].name": "x"}}}}'
  refuses '/0/runs/a/set/guests[].name: unknown key "guests[].name"' fidelity points.json
  err_has 'did you mean "guests.0.name"?'
  points "$left_out"
  refuses 'no point is modelled, nothing is run' fidelity points.json
  points "$(point a 1 ', "calibrated": true')"
  refuses '1 of 1 modelled points are calibrated; at most half may be' fidelity points.json
}

broken_runs() {   # hung, died, and broken invariants are exit 3, before a miss
  points "$(point bad 1.2)"
  gd fidelity points.json --set debug.fault.kind=flip-host --set debug.fault.frame=20 --no-plots
  status_is 3; err_has 'bad[a]: integrity.errors is 1'; [ -s results/runs/points/fidelity.json ] || wrong 'results are kept'
  rm -r results
  gd fidelity points.json --set debug.fault.kind=lose-nic --set debug.fault.frame=20
  status_is 3; out_is_empty; err_has 'bad[a]: conservation: '
  [ ! -e results ] || wrong 'results of a broken run'
  gd fidelity points.json --set time.measure=1000s --timeout 0.3
  status_is 3; out_is_empty; err_has 'bad[a]: took longer than 0.3 s'
  [ "$(ls -A)" = $'points.json\nsmall.json' ] || wrong 'something was left'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
