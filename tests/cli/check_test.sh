#!/bin/bash
# check_test.sh PROGRAM ROOT CASE: results against older ones, baselines, and what CI systems read.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"
unset CI GITHUB_ACTIONS

two_runs() {   # a and b: the same run; c: another seed; d: another configuration
  small
  gd run small.json --out a --quiet && gd run small.json --out b --quiet
  gd run small.json --out c --quiet --seed 2 --set traffic.arrival=poisson
  gd run small.json --out d --quiet --set nic.ring_size=256
}

check_same_run() {
  two_runs
  gd check b --baseline a
  status_is 0; err_is_empty; out_has 'vhost-copy: the same run'; out_has '2 of 2 runs hold'
  gd check b/vhost-copy/summary.json --baseline a/vhost-copy
  status_is 0; out_has '1 of 1 runs hold'
  sed -i 's/\("latency.p50": {"value": \)\([0-9]*\)/\11\2/' b/vhost-copy/summary.json
  gd check b --baseline a
  status_is 1; out_has 'FAILED  latency.p50'; out_has 'the same run, but 1 of'
  for format in json csv markdown; do
    gd check b --baseline a --format "$format"
    status_is 1; out_has 'latency.p50'
    [ "$format" != json ] || json 'd["failed"] == 1 and d["comparable"] and any(c["metric"] == "latency.p50" for r in d["runs"] for c in r["changes"])'
  done
}

check_seeds() {   # each line says of which seed it is
  small
  gd run small.json --out a --quiet --seeds 2
  gd check a --baseline a
  status_is 0; out_has 'vhost-copy seed 1: the same run'; out_has 'vhost-copy seed 2: the same run'
  gd check a --baseline a --format markdown
  out_has '## guest-head seed 2: the same run'
}

check_configurations() {
  two_runs
  gd check d --baseline a
  status_is 4; err_has 'the configurations differ'; out_has 'not comparable'
  gd check d --baseline a --allow-config
  case $status in 0|1) ;; *) wrong 'compared by policies' ;; esac
  out_has 'another configuration'
}

check_policies() {
  small
  gd run small.json --out a --quiet --set traffic.arrival=poisson
  gd run small.json --out b --quiet --set traffic.arrival=poisson --seed 2
  printf '{"version": 1, "metrics": {"*": {"rel_tol": 1000}}}' >wide.json
  gd check b --baseline a --policy wide.json
  status_is 0; out_has 'seed 2 against 1'
  printf '{"version": 1, "metrics": {"*": {"rel_tol": 0, "better": "neither", "gate": false}, "latency.p50": {"gate": true}}}' >strict.json
  gd check b --baseline a --policy strict.json
  status_is 1; out_has 'FAILED  latency.p50'
  printf '{"version": 2, "metrics": {"latency.p5": {}, "latency.p50": {"rel_tol": -1, "gates": true}}}' >wrong.json
  refuses 'wrong.json:1:13: error: /version' check b --baseline a --policy wrong.json
  err_has 'there is no metric "latency.p5"'; err_has 'did you mean "gate"?'; err_has '0 or more'
  refuses 'cannot read' check b --baseline a --policy absent.json
}

check_baselines() {
  two_runs
  gd check a --baseline base/small --update-baseline
  status_is 0; out_is_empty
  [ "$(ls base/small)" = $'guest-head.json\nvhost-copy.json' ] || wrong "baselines: $(ls base/small)"
  ! grep -q '"run":' base/small/vhost-copy.json || wrong 'a baseline holds nothing of the machine'
  gd check b --baseline base/small
  status_is 0; out_has '2 of 2 runs hold'
  mkdir -p results/runs; cp -r a results/runs/small
  gd check results/runs/small --baseline base     # the one of the scenario
  status_is 0
  rm -r b/guest-head
  gd check b --baseline base/small
  status_is 1; out_has 'guest-head: missing in the new results'
  CI=1 refuses 'refused in CI' check a --baseline base/other --update-baseline
  refuses 'is a file' check a --baseline small.json --update-baseline
  refuses 'c is a result folder' check a --baseline c --update-baseline
  refuses 'c/vhost-copy is a result folder' check a --baseline c/vhost-copy --update-baseline
}

check_mistakes() {
  two_runs
  refuses 'needs --baseline' check a
  refuses 'no such file or folder' check a --baseline absent
  refuses 'no such file or folder' check absent --baseline a
  mkdir empty
  refuses 'holds no results' check empty --baseline a
  refuses 'is not a result file' check small.json --baseline a
  refuses "a/config.json: is not a result file of guestdma: key 'schema' not found" check a --baseline a/config.json
  refuses 'cannot write' check a --baseline b --junit absent/file.xml
  gd check a/vhost-copy --baseline b/guest-head
  status_is 4; err_has 'have no run in common'
}

check_junit() {
  small
  gd compare small.json --no-plots --quiet --junit out.xml --set 'expect=["drops.total == 0","throughput.goodput > 5 Gb/s","drops.total[vhost-copy] == 0"]'
  status_is 1
  /usr/bin/python3 -I - out.xml <<'END' || wrong 'JUnit XML of compare'
import sys, xml.etree.ElementTree as T
r = T.parse(sys.argv[1]).getroot()
assert r.tag == "testsuites" and r.get("tests") == "5" and r.get("failures") == "2", r.attrib
assert len(r.findall("testsuite")) == 2 and len(r.findall(".//failure")) == 2
END
  GITHUB_ACTIONS=true gd compare small.json --no-plots --quiet --set 'expect=["throughput.goodput > 5 Gb/s"]'
  status_is 1; err_has '::error '; err_has 'title=small.vhost-copy::throughput.goodput > 5 Gb/s'
  gd run small.json --out a --quiet
  gd check a --baseline a --junit check.xml
  status_is 0; grep -q 'tests="2" failures="0"' check.xml || wrong 'JUnit XML of check'
}

# What each command writes, as an independent reader of JUnit XML sees it.
check_junit_is_read() {
  /usr/bin/python3 -c 'import junitparser' 2>/dev/null || { echo 'skipped: python3-junitparser is not installed'; exit 77; }
  small
  local lines='expect=["drops.total == 0","throughput.goodput > 5 Gb/s","drops.total[vhost-copy] == 0","drops.total[page-frags] == 0"]'
  gd run small.json --quiet --junit run.xml --set "$lines"
  gd compare small.json --no-plots --quiet --junit compare.xml --set 'name=a & <b>' --set 'expect=["throughput.goodput > 5 Gb/s"]'
  status_is 1
  gd sweep small.json --no-plots --quiet --seeds 2 --out swept --junit sweep.xml --set "$lines"
  gd run small.json --out a --quiet
  gd check a --baseline a --junit same.xml
  sed -i 's/"value": \([1-9]\)/"value": 1\1/' a/vhost-copy/summary.json
  gd check results/runs/small --baseline a --junit other.xml --allow-config
  printf '[{"id": "a-b", "source": "s", "value": 1, "unit": "Gb/s", "tolerance": {"rel": 0.01}, "runs": {"a": {"scenario": "small.json", "strategy": "vhost-copy"}}, "formula": "throughput.goodput[a]"}]' >points.json
  gd fidelity points.json --no-plots --quiet --junit fidelity.xml
  status_is 1
  /usr/bin/python3 - <<'END' || wrong 'junitparser reads each'
import junitparser
def read(name):
    x = junitparser.JUnitXml.fromfile(name)
    cases = [c for s in x for c in s]
    of = lambda kind: sum(any(isinstance(r, kind) for r in c.result) for c in cases)
    assert (x.tests, x.failures, x.skipped) == (len(cases), of(junitparser.Failure), of(junitparser.Skipped)), (name, x)
    assert all(c.name and c.classname for c in cases), name
    return x.tests, x.failures, x.skipped
assert read("run.xml") == (6, 2, 1), read("run.xml")
assert read("compare.xml") == (2, 2, 0), read("compare.xml")
assert read("sweep.xml") == (12, 4, 2), read("sweep.xml")
assert read("same.xml") == (2, 0, 0), read("same.xml")
assert read("other.xml")[1] >= 2, read("other.xml")
assert read("fidelity.xml")[:2] == (1, 1), read("fidelity.xml")
END
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
