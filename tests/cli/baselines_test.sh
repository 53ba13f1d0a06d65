#!/bin/bash
# baselines_test.sh PROGRAM ROOT CASE: tools/baselines, the gate on the baselines of a repository.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"
unset CI GITHUB_ACTIONS
export GUESTDMA=$guestdma

# A step of the receive path that costs more than it did: a test copy of the program whose runs charge more, with the
# configuration that they always had (what a slower implementation looks like to the gate).
slower_program() {
  cat >slower <<END
#!/bin/bash
[ "\$1" = run ] || exec "$guestdma" "\$@"
"$guestdma" "\$@" --set 'costs={"napi.frame":{"cycles":3000}}' || exit
while [ "\$1" != --out ]; do shift; done
sed -i 's/"config_sha256": "[0-9a-f]*"/"config_sha256": "$(sed -n 's/.*"config_sha256": "\([0-9a-f]*\)".*/\1/p' base/small/vhost-copy.json)"/' "\$2"/*/summary.json
END
  chmod +x slower
}

# gate ARGS...: tools/baselines.
gate() {
  /usr/bin/python3 -I "$root/tools/baselines" --in base "$@" >"$scratch/out" 2>"$scratch/err"
  status=$? out=$(cat "$scratch/out") err=$(cat "$scratch/err")
}

baselines_written() {
  small
  gate small.json
  status_is 1; out_has 'small: FAILED'; out_has 'it has no baseline'
  gate --update small.json
  status_is 0; out_has '1 scenarios, 2 runs: 1 written'
  [ "$(ls base/small)" = $'guest-head.json\nvhost-copy.json' ] || wrong "baselines: $(ls base/small)"
  gate small.json
  status_is 0; out_has 'small: as its baseline'; out_has '1 as their baselines'; err_is_empty
  sed 's/"label": "guest-head"/"label": "gone"/' base/small/guest-head.json >base/small/gone.json
  gate small.json
  status_is 1; out_has 'gone: missing in the new results'
  gate --update small.json
  out_has 'gone.json: is no strategy of it any more, removed'; [ ! -e base/small/gone.json ] || wrong 'removed'
  rm base/small/guest-head.json
  gate small.json
  status_is 1; out_has 'no baseline of guest-head'
  CI=1 gate --update small.json
  status_is 2; out_has 'refused in CI'
  gate absent.json
  status_is 2; err_has 'there is no scenario absent.json'
  gate --updat small.json
  status_is 2; err_has 'unknown option --updat'
}

# Slower code: the same configuration, and the gate names the metrics that it moved.
baselines_see_a_slowdown() {
  small
  gate --update small.json
  slower_program
  GUESTDMA=$work/slower gate small.json --junit gate.xml --markdown gate.md
  status_is 1; out_has 'small: FAILED'; out_has 'FAILED  cpu.cycles_per_packet'; out_has 'FAILED  cpu.cycles.napi'; out_has '0 as their baselines, 1 failed'
  grep -q '^| \*\*FAILED\*\* | cpu.cycles_per_packet |' gate.md || wrong "markdown: $(head -30 gate.md)"
  GITHUB_ACTIONS=true GUESTDMA=$work/slower gate small.json
  out_has '::error title=small.guest-head::cpu.cycles.napi'
  if /usr/bin/python3 -c 'import junitparser' 2>/dev/null; then
    /usr/bin/python3 - gate.xml <<'END' || wrong 'junitparser reads the failures'
import junitparser, sys
x = junitparser.JUnitXml.fromfile(sys.argv[1])
assert x.failures > 0 and any(c.name == "cpu.cycles_per_packet" and not c.is_passed for s in x for c in s), x.tostring()
END
  fi
}

# Another rule: another configuration, and what it moved by policies.
baselines_see_a_changed_rule() {
  printf '%s\n' "${small/\"udp\"/\"tcp\"}" >small.json
  gate --update small.json
  gate small.json --set host.gro.rules=linux-2.6.35 --set 'costs={"napi.frame":{"cycles":3000}}' --markdown gate.md
  status_is 4; out_has 'small: ANOTHER CONFIGURATION'; out_has 'another configuration'; out_has 'FAILED  cpu.cycles_per_packet'
  grep -q 'cpu.cycles_per_packet' gate.md || wrong 'markdown'
  gate small.json --set 'expect=["throughput.goodput > 9 Gb/s"]'
  status_is 1; out_has 'throughput.goodput > 9 Gb/s'
  gate small.json --set nic.ring_siz=4
  status_is 2; out_has 'did you mean'
  gate small.json --set debug.fault.kind=lose-nic --set debug.fault.frame=5
  status_is 3; out_has 'small: BROKEN'; out_has 'conservation'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
