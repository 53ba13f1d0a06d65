#!/bin/bash
# runs_test.sh PROGRAM ROOT CASE: what run and compare write, print and return.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

result_files() {
  small
  gd run small.json
  status_is 0; out_has 'vhost-copy'; out_has 'guest-head'; err_has 'results in results/runs/small'
  local label file
  for label in vhost-copy guest-head; do
    for file in summary.json ledger.json cycles.folded; do [ -s "results/runs/small/$label/$file" ] || wrong "$label/$file"; done
  done
  [ "$(ls -A results/runs)" = small ] && [ -s results/runs/small/report.html ] || wrong 'something else was left'
  touch results/runs/small/old
  gd compare small.json --no-plots --quiet --trace csv,pcap,vcd,perfetto
  status_is 0; err_is_empty; out_has 'Why they differ'
  [ ! -e results/runs/small/old ] || wrong 'the default folder was not replaced'
  for file in config.json comparison.json comparison.md report.html guest-head/trace.json guest-head/waves.vcd guest-head/series.csv \
              guest-head/wire.pcap guest-head/guest-g0.pcap; do
    [ -s "results/runs/small/$file" ] || wrong "$file"
  done
}

chosen_folder() {
  small
  gd run small.json --out a/new/folder
  status_is 0; [ -s a/new/folder/config.json ] || wrong 'parents are made'
  gd run small.json --out a/new/folder
  status_is 2
  touch a/new/folder/old
  gd run small.json --out a/new/folder --force
  status_is 0; [ ! -e a/new/folder/old ] || wrong '--force replaces'
  mkdir empty && cd empty || exit 1
  gd run ../small.json --out .
  status_is 0; [ -s config.json ] || wrong 'the folder in which it runs'
  cd ..
  [ "$(ls -A)" = $'a\nempty\nsmall.json' ] || wrong "something else was left: $(ls -A)"
}

hazards() {   # the trouble is found, told, and decided by the expect lines; without them it is a broken invariant
  local file n=0
  for file in "$root"/scenarios/hazards/*.json; do
    gd run "$file" --no-plots --out "h$n"
    status_is 0
    case $err in *'buffer '*|*'byte '*) ;; *) wrong "$file: a message that names a buffer or a byte expected" ;; esac
    n=$((n + 1))
  done
  [ "$n" -ge 7 ] || wrong 'seven hazards expected'
  gd run "$root/scenarios/hazards/short-buffer.json" --set 'expect=[]' --out without
  status_is 3; err_has 'ownership.violations is'
}

same_for_any_j() {
  small
  gd run small.json --out one -j 1
  gd run small.json --out four -j 4
  same_summaries one four
  gd run small.json --out traced --trace perfetto,vcd,csv,pcap
  same_summaries one traced
  cmp one/config.json four/config.json && cmp one/report.html four/report.html || wrong 'config.json or report.html differs'
}

config_again() {
  small
  gd run small.json --out first --seed 7 --set nic.ring_size=256 --strategy guest-head,vhost-copy
  cp first/config.json elsewhere.json
  gd run elsewhere.json --out second
  status_is 0
  same_summaries first second
  cmp first/config.json second/config.json || wrong 'config.json differs'
  grep -q '"ring_size": 256' second/config.json || wrong '--set is in config.json'
}

one_document() {
  small
  gd run small.json --format json
  status_is 0; json 'd["command"] == "run" and len(d["runs"]) == 2'
  gd compare small.json --format json --no-plots --progress always
  status_is 0; json 'd["command"] == "compare" and len(d["runs"]) == 2 and d["comparison"]["rows"]'
  gd run small.json --format csv
  [ "${out%%$'\n'*}" = label,metric,value,unit ] || wrong 'a line of names'
  gd compare small.json --format markdown --no-plots
  out_has '|'
}

standard_input() {
  small
  gd run - <small.json
  status_is 0; [ -s results/runs/stdin/config.json ] || wrong 'results/runs/stdin'
  gd validate - <<<'{"version": 2}'
  status_is 2; err_has '<stdin>:1:13: error: /version'
}

gates() {
  printf '%s,\n "expect": ["throughput.goodput[guest-head] > 5 Gb/s", "drops.total == 0"]}\n' "${small%\}}" >gate.json
  gd run gate.json
  status_is 1; out_has 'fail    throughput.goodput[guest-head] > 5 Gb/s'; out_has 'gate.json:4:13'
  gd run gate.json --format csv --quiet
  status_is 1; err_has 'gate.json:4:13: fail: throughput.goodput[guest-head] > 5 Gb/s (guest-head): measured'
  gd compare gate.json --no-plots
  status_is 1
  [ -s results/runs/gate/comparison.json ] || wrong 'results of a gate that failed'
}

refused_strategies() {
  small
  gd compare small.json --strategy all --no-plots
  status_is 0; out_has 'refused copy-header: '
  gd run small.json --strategy all --format json
  status_is 0; json 'd["refused"][0]["label"] == "copy-header" and d["refused"][0]["reason"]'
}

# Planted faults: integrity and ownership are counted, the results are kept; a broken count of frames ends the run.
broken() {
  small
  gd run small.json --set debug.fault.kind=flip-host --set debug.fault.frame=20
  status_is 3; err_has 'integrity.errors is 1'
  [ -s results/runs/small/vhost-copy/summary.json ] || wrong 'results are kept'
  rm -r results
  gd run small.json --set debug.fault.kind=lose-nic --set debug.fault.frame=20
  status_is 3; out_is_empty; err_has 'vhost-copy: conservation: '
  [ ! -e results ] || wrong 'results of a broken run'
  # A gate that fails as well does not hide it.
  gd run small.json --set debug.fault.kind=flip-host --set debug.fault.frame=20 --set 'expect=["throughput.goodput > 9 Gb/s"]'
  status_is 3
}

hung() {
  echo "$long" >long.json
  gd run long.json --timeout 0.3
  status_is 3; out_is_empty; err_has 'vhost-copy: took longer than 0.3 s and was ended'
  [ "$(ls -A)" = long.json ] || wrong 'something was left'
}

died() {
  echo "$long" >long.json
  "$guestdma" run long.json -j 1 2>"$scratch/err" >"$scratch/out" &
  local program=$!
  until_true has_children "$program"
  local first second
  first=$(children_of "$program" | xargs)
  kill -USR1 "$first"
  second_runs() { second=$(children_of "$program" | xargs); [ -n "$second" ] && [ "$second" != "$first" ]; }
  until_true second_runs
  kill -KILL "$second"
  wait "$program"; status=$?
  err=$(cat "$scratch/err")
  status_is 3; out_is_empty; err_has 'vhost-copy: died: User defined signal 1 (signal 10)'; err_has 'guest-head: died: Killed'
  [ "$(ls -A)" = long.json ] || wrong 'something was left'
}

interrupted() {
  echo "$long" >long.json
  local pair program children child
  for pair in INT:130 TERM:143; do
    "$guestdma" run long.json -j 2 --progress always 2>"$scratch/err" >"$scratch/out" &
    program=$!
    until_true has_children "$program" 2
    children=$(children_of "$program")
    [ -n "$(ls -A results/runs)" ] || wrong 'a temporary folder while it runs'
    kill -"${pair%:*}" "$program"
    wait "$program"; status=$?
    status_is "${pair#*:}"; out_is_empty
    for child in $children; do [ ! -e "/proc/$child" ] || wrong "child $child still runs"; done
    [ "$(ls -A)" = long.json ] || wrong "something was left: $(names)"
  done
}

closed_output() {
  small
  "$guestdma" run small.json >&- 2>"$scratch/err"
  status=$?; err=$(cat "$scratch/err")
  status_is 0; [ "$err" = 'guestdma: results in results/runs/small' ] || wrong 'it ends quietly'
  "$guestdma" list keys 2>"$scratch/err" | true
  status=${PIPESTATUS[0]}; err=$(cat "$scratch/err")
  status_is 0; err_is_empty
  "$guestdma" run small.json --quiet 2>"$scratch/err" | true
  status=${PIPESTATUS[0]}; err=$(cat "$scratch/err")
  status_is 0; err_is_empty
  "$guestdma" list keys >/dev/full 2>"$scratch/err"
  status=$?; err=$(cat "$scratch/err")
  status_is 2; err_has 'cannot write to standard output: No space left on device'
}

pictures() {
  small
  /usr/bin/python3 -I -c 'import matplotlib' 2>/dev/null || exit 77
  gd compare small.json
  status_is 0
  [ -s results/runs/small/comparison.png ] && [ -s results/runs/small/comparison.svg ] || wrong 'pictures'
  rm -r results
  gd compare small.json --no-plots
  [ ! -e results/runs/small/comparison.png ] || wrong '--no-plots'
}

# A copy of the program with a share folder of its own, in which tools/plot is the test's.
own_share() {
  share=$scratch/p/share/guestdma
  mkdir -p "$scratch/p/bin" "$share/tools"
  cp "$guestdma" "$scratch/p/bin/guestdma"
  guestdma=$scratch/p/bin/guestdma
  ln -s "$root/scenarios" "$share/scenarios"
  : >"$share/tools/plot"
  chmod +x "$share/tools/plot"
}

failing_pictures() {
  small
  own_share
  printf '#!/bin/sh\necho noise\necho "no matplotlib here" >&2\nexit 1\n' >"$share/tools/plot"
  gd compare small.json --format json
  status_is 0; err_has 'warning: no pictures were drawn: no matplotlib here'; json
  rm "$share/tools/plot"
  gd compare small.json
  status_is 0; err_has 'warning: no pictures were drawn: '; err_has 'tools/plot: No such file'
}

# A reader that takes nothing, and a drawing script that does not end, hold nobody up.
interrupted_late() {
  small
  mkfifo pipe
  exec 9<>pipe
  head -c 65536 /dev/zero >&9
  "$guestdma" list keys --format json >pipe & local program=$!
  sleep 0.3
  kill -TERM "$program"
  wait "$program"; status=$?
  status_is 143
  "$guestdma" run small.json --format json --quiet >pipe & program=$!
  until_true [ -e results/runs/small/config.json ]
  sleep 0.2
  kill -INT "$program"
  wait "$program"; status=$?
  status_is 130
  exec 9>&-
  rm -r results pipe

  own_share
  printf '#!/bin/sh\necho $$ >"%s/drawing"\nsleep 60\n' "$scratch" >"$share/tools/plot"
  "$guestdma" compare small.json >"$scratch/out" 2>"$scratch/err" & program=$!
  until_true [ -s "$scratch/drawing" ]
  kill -INT "$program"
  wait "$program"; status=$?
  status_is 130; out_is_empty
  [ ! -e "/proc/$(cat "$scratch/drawing")" ] || wrong 'the script still runs'
  [ "$(ls -A)" = small.json ] || wrong "something was left: $(names)"
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
