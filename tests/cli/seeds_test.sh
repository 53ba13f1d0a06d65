#!/bin/bash
# seeds_test.sh PROGRAM ROOT CASE: several seeds of run and compare.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"
unset CI GITHUB_ACTIONS

drawn=traffic.arrival=poisson

seeds_compared() {
  small
  gd compare small.json --set "$drawn" --seeds 3 --out one --no-plots -j 1
  status_is 0; out_has 'Means over 3 seeds (1 to 3), ±'; out_has 'guest-head against vhost-copy'; out_has 'cycles lower'; out_has ': counts'
  gd compare small.json --set "$drawn" --seeds 3 --out two --no-plots -j 3
  diff -r -x summary.json one two || wrong 'the same for any -j'
  [ "$(cd one && ls -d */*/ | xargs)" = 'guest-head/seed-1/ guest-head/seed-2/ guest-head/seed-3/ vhost-copy/seed-1/ vhost-copy/seed-2/ vhost-copy/seed-3/' ] || wrong 'a folder for each seed'
  /usr/bin/python3 -I - one <<'END' || wrong 'comparison.json agrees with the summaries'
import json, math, sys
d = sys.argv[1]
c = json.load(open(d + "/comparison.json"))["seeds"]
assert c["seeds"] == [1, 2, 3] and c["confidence"] == 0.95
def values(label, metric):
    return [json.load(open(f"{d}/{label}/seed-{s}/summary.json"))["metrics"][metric]["value"] for s in c["seeds"]]
def interval(v):
    mean = sum(v) / 3
    return mean, 4.30265273 * math.sqrt(sum((x - mean) ** 2 for x in v) / 2 / 3)    # Student's t of two degrees, 95 %
near = lambda a, b: abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-3)
checked = 0
for label, metrics in c["metrics"].items():
    for name, m in metrics.items():
        if m["n"] != 3 or name.startswith(("drops.", "fallback.", "gro.flush.")): continue
        mean, half = interval(values(label, name))
        assert near(mean, m["mean"]) and near(half, m["half"]), (label, name, mean, half, m)
        checked += 1
for x in c["differences"]:
    if x["n"] != 3 or x["metric"].startswith(("drops.", "fallback.", "gro.flush.")): continue
    mean, half = interval([b - a for a, b in zip(values(x["from"], x["metric"]), values(x["to"], x["metric"]))])
    assert near(mean, x["difference"]["mean"]) and abs(mean - half - x["difference"]["lower"]) <= 1e-6 * max(abs(mean), 1), x
    outside = mean - half > 0 or mean + half < 0
    assert (x["finding"] == "counted") == (outside and abs(mean) > x["tolerance"]), x
    checked += 1
assert checked > 100, checked
assert any(x["finding"] == "counted" for x in c["differences"]) and any(x["finding"] == "unclear" for x in c["differences"])
END
  gd run small.json --set "$drawn" --seed 2 --out second --quiet
  cmp <(grep -v '"run":' second/guest-head/summary.json) <(grep -v '"run":' one/guest-head/seed-2/summary.json) || wrong 'a seed of several is that seed alone'
  gd compare one/config.json --seeds 3 --out again --no-plots
  diff -r -x summary.json one again || wrong 'config.json gives the same again'
  gd compare small.json --seeds 2 --no-plots
  status_is 0; out_has 'The seeds change nothing'
}

seeds_forms() {
  small
  for command in run compare; do
    for format in text json csv markdown; do
      gd $command small.json --set "$drawn" --seeds 2 --quiet --no-plots --format $format
      status_is 0; err_is_empty; out_has 'cpu.cycles_per_packet'
      [ $format != json ] || json 'len(d["runs"]) == 4 and d["comparison"]["seeds"]["seeds"] == [1, 2]'
    done
  done
  if /usr/bin/python3 -I -c 'import matplotlib' 2>/dev/null; then
    gd compare small.json --set "$drawn" --seeds 2 --quiet
    status_is 0; err_is_empty; [ -s results/runs/small/comparison.svg ] || wrong 'a picture of the means'
  fi
  gd run small.json --set "$drawn" --seeds 2
  out_has 'guest-head: 2 seeds (1 and 2), mean and 95 % interval'
}

# An expect line has to hold with each seed.
seeds_gates() {
  small
  gd run small.json --set "$drawn" --seeds 3 --set 'expect=["throughput.goodput > 0"]' --junit gate.xml
  status_is 0; out_has 'holds with each of 3 seeds'; grep -q 'tests="2" failures="0"' gate.xml || wrong 'JUnit XML'
  gd run small.json --set "$drawn" --seeds 3 --out one --quiet
  local most
  most=$(/usr/bin/python3 -I -c 'import json, sys; print(max(json.load(open(f"one/vhost-copy/seed-{s}/summary.json"))["metrics"]["packets.offered"]["value"] for s in (1, 2, 3)))')
  gd run small.json --set "$drawn" --seeds 3 --strategy vhost-copy --set "expect=[\"packets.offered < $most\"]"
  status_is 1; out_has 'fails with'; out_has 'of 3 seeds ('
}

# What a difference has to exceed, and folders of seeds in check.
seeds_tolerances() {
  small
  printf '{"version": 1, "metrics": {"*": {"rel_tol": 1000, "abs_tol": 1e12}}}' >wide.json
  gd compare small.json --set "$drawn" --seeds 3 --out one --no-plots --policy wide.json
  status_is 0; out_has 'no difference that counts'
  case $out in *': counts'*) wrong 'nothing exceeds such a tolerance' ;; esac
  gd check one --baseline one
  status_is 0; out_has '6 of 6 runs hold'
  gd run small.json --set "$drawn" --out two --quiet --seed 2
  gd check one --baseline two
  status_is 0; out_has '2 of 2 runs hold'
  gd check two --baseline one
  status_is 1; out_has 'missing in the new results'
  gd run small.json --set "$drawn" --seeds 3 --out slow --quiet --set 'costs={"napi.frame":{"cycles":3000}}'
  gd check slow --baseline one
  status_is 4
  gd check slow --baseline one --allow-config
  status_is 1; out_has '3 seeds (1 to 3) paired'; out_has 'FAILED  cpu.cycles_per_packet'; out_has 'counts; allowed are 5 %'
  refuses 'one seed has no interval' run small.json --seeds 1
  refuses 'means nothing to compare without --seeds' compare small.json --policy wide.json
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
