#!/bin/bash
# trouble_test.sh PROGRAM ROOT CASE: what the machine around the program may do to it: processes that are killed, hang or are
# stopped, disks that are full or read-only, readers that go away. A clear message, the right exit code, no stray process,
# and nothing that looks like a result.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

# begin ARGS...: the program in the background, as $program.
begin() {
  "$guestdma" "$@" >"$scratch/out" 2>"$scratch/err" &
  program=$!
}
# ended: waits for it; status, out and err hold its outcome.
ended() {
  wait "$program"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
}
# Gone, or dead and not yet reaped by whoever adopted it.
gone() {
  local pid state
  for pid in "$@"; do
    state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)
    [ -z "$state" ] || [ "$state" = Z ] || return 1
  done
}
none_left() { [ "$(ls -A)" = "$1" ] || wrong "something was left: $(names)"; }
no_config() { [ -z "$(find . -name config.json)" ] || wrong "what looks like a result folder: $(names)"; }

# The program itself is killed: its children go too, and what it leaves holds no config.json.
killed() {
  echo "$long" >long.json
  local command children
  for command in run compare; do
    begin "$command" long.json -j 2 --out kept/here
    until_true has_children "$program" 2
    children=$(children_of "$program")
    sleep 0.1
    kill -KILL "$program"
    ended
    status_is 137
    # shellcheck disable=SC2086
    until_true gone $children
    [ ! -e kept/here ] || wrong 'a result folder of a killed run'
    no_config
    rm -r kept
  done
  # The next run is not disturbed by what one left behind.
  small
  begin run long.json --out kept/small
  until_true has_children "$program"
  kill -KILL "$program"
  ended
  gd run small.json --out kept/small
  status_is 0; [ -s kept/small/config.json ] || wrong 'a run after a killed one'
}

# Killed while the pictures are drawn: everything has been run, and still nothing looks whole; the script ends too.
killed_late() {
  small
  local share=$scratch/p/share/guestdma
  mkdir -p "$scratch/p/bin" "$share/tools"
  cp "$guestdma" "$scratch/p/bin/guestdma"
  guestdma=$scratch/p/bin/guestdma
  ln -s "$root/scenarios" "$share/scenarios"
  printf '#!/bin/sh\necho $$ >"%s/drawing"\nexec sleep 60\n' "$scratch" >"$share/tools/plot"
  chmod +x "$share/tools/plot"
  begin compare small.json
  until_true [ -s "$scratch/drawing" ]
  kill -KILL "$program"
  ended
  status_is 137
  until_true gone "$(cat "$scratch/drawing")"
  [ ! -e results/runs/small ] || wrong 'a result folder of a killed run'
}

# A result that stands is replaced only by a whole one.
old_results_stay() {
  small
  gd run small.json --out here
  status_is 0
  sed 's/200us", "drain/1000s", "drain/' small.json >longer.json
  local signal
  for signal in KILL INT TERM; do
    begin run longer.json --out here --force
    until_true has_children "$program"
    kill -"$signal" "$program"
    ended
    [ "$status" -ge 128 ] || wrong 'ended by a signal'
    grep -q '"200us"' here/config.json && [ -s here/vhost-copy/summary.json ] || wrong 'the old results are gone'
  done
}

signals_in_compare() {
  echo "$long" >long.json
  local pair children
  for pair in INT:130 TERM:143 HUP:129; do
    begin compare long.json -j 2 --out here
    until_true has_children "$program" 2
    children=$(children_of "$program")
    kill -"${pair%:*}" "$program"
    ended
    status_is "${pair#*:}"; out_is_empty; err_is_empty
    # shellcheck disable=SC2086
    gone $children || wrong 'a child still runs'
    none_left long.json
  done
}

child_is_killed() {
  echo "$long" >long.json
  local command children
  for command in run compare; do
    begin "$command" long.json -j 2
    until_true has_children "$program" 2
    children=$(children_of "$program")
    # shellcheck disable=SC2086
    kill -KILL $children
    ended
    status_is 3; out_is_empty
    err_has 'vhost-copy: died: Killed (signal 9)'; err_has 'guest-head: died: Killed (signal 9)'
    none_left long.json
  done
}

# Stopped or busy for ever, a child ends at --timeout; one that finishes in time is not asked.
child_hangs() {
  echo "$long" >long.json
  local children
  begin compare long.json -j 2 --timeout 1.5
  until_true has_children "$program" 2
  children=$(children_of "$program")
  kill -STOP "${children%% *}"
  ended
  status_is 3; out_is_empty
  err_has 'vhost-copy: took longer than 1.5 s and was ended (--timeout)'; err_has 'guest-head: took longer'
  # shellcheck disable=SC2086
  gone $children || wrong 'a child still runs'
  none_left long.json
  small
  gd run small.json --timeout 60
  status_is 0
}

# A file system of its own, as OPTIONS say, on $work/disk; 77 where that is not allowed.
with_disk() {
  local options=$1
  shift
  mkdir -p disk
  unshare -m true 2>/dev/null && unshare -m mount -t tmpfs -o size=64k none disk 2>/dev/null || exit 77
  unshare -m sh -c 'mount -t tmpfs -o "$0" none disk && { [ "$1" = "" ] || mount -o "remount,$1" disk; } && shift && "$@"; s=$?
                    ls -A disk >disk-holds; exit $s' "$options" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
}

full_disk() {
  small
  # Not even the configuration, not the summaries, not the traces.
  local size
  for size in 8k 24k 64k; do
    with_disk "size=$size" '' "$guestdma" run small.json --out disk/here --trace perfetto,csv
    status_is 2; out_is_empty; err_has 'cannot write'; err_has 'No space left on device'
    [ ! -s disk-holds ] || wrong "left on the full disk: $(cat disk-holds)"
  done
  with_disk size=24k '' "$guestdma" compare small.json --no-plots --out disk/here --trace perfetto
  status_is 2; out_is_empty; err_has 'No space left on device'
  with_disk size=32m '' "$guestdma" compare small.json --no-plots --out disk/here
  status_is 0
}

read_only_disk() {
  small
  with_disk size=1m ro "$guestdma" run small.json --out disk/here
  status_is 2; out_is_empty; err_has 'cannot write the result folder disk/here: Read-only file system'
  [ ! -s disk-holds ] || wrong 'written to a read-only disk'
}

# A limit on the size of files is no signal that kills, but a write that fails.
file_limit() {
  small
  (ulimit -f 8; exec "$guestdma" run small.json --out here --trace perfetto) >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
  status_is 2; out_is_empty; err_has 'cannot write'; err_has 'File too large'
  none_left small.json
}

# Readers that go away after a line, or at once; results are kept.
reader_leaves() {
  small
  local format
  for format in text json csv markdown; do
    "$guestdma" compare small.json --no-plots --format "$format" --out "$format" 2>"$scratch/err" | head -1 >"$scratch/out"
    status=${PIPESTATUS[0]}
    err=$(cat "$scratch/err")
    status_is 0; [ -s "$scratch/out" ] || wrong 'a first line'
    [ "$err" = "guestdma: results in $format" ] || wrong 'it ends quietly'
    [ -s "$format/comparison.json" ] || wrong 'results are kept'
  done
  "$guestdma" run small.json --format json >/dev/full 2>"$scratch/err"
  status=$?
  err=$(cat "$scratch/err")
  status_is 2; err_has 'cannot write to standard output: No space left on device'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
