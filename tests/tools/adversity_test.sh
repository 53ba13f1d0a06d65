#!/bin/bash
# adversity_test.sh PROGRAM ROOT CASE: tools/adversity with one scenario.
set -u
export GUESTDMA=$1
root=$2
wrong() { echo "wrong: $*" >&2; exit 1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf -- "$scratch"' EXIT
cd "$scratch" || exit 1

one_row() {   # an idle neighbour: the card's FIFO fills for both without defences, and not with them
  "$root/tools/adversity" -o table.md "$root/scenarios/adversity/idle.json" > out || wrong "exit code $?"
  cmp -s out table.md || wrong '-o writes what is printed'
  [ "$(wc -l < out)" -eq 3 ] || wrong "a head, a rule and one row: $(cat out)"
  head -1 out | grep -q '^| scenario | vhost-copy |.*| page-frags |' || wrong "the head: $(head -1 out)"
  tail -1 out | grep -q '^| idle |' || wrong "the row: $(tail -1 out)"
  columns() { tr -cd '|' | wc -c; }
  [ "$(head -1 out | columns)" -eq "$(tail -1 out | columns)" ] || wrong 'as many cells as columns'
  tail -1 out | grep -q ' / starved' || wrong "with / without defences: $(tail -1 out)"
}

applications() {   # a table of their own behind that of the guests
  "$root/tools/adversity" "$root/scenarios/adversity/app-idle.json" "$root/scenarios/adversity/idle.json" --set 'traffic.rate="4Gbps"' > out || wrong "exit code $?"
  [ "$(wc -l < out)" -eq 7 ] || wrong "two tables of one row each: $(cat out)"
  sed -n 3p out | grep -q '^| idle |' || wrong "the guests first: $(cat out)"
  sed -n 5p out | grep -q '^| scenario | vhost-copy | guest-head | copy-header | page-frags |$' || wrong "the second head: $(cat out)"
  tail -1 out | grep -q '^| app-idle | stalled' || wrong "the row: $(tail -1 out)"
}

mistakes() {
  "$root/tools/adversity" -o 2> err && wrong 'an option without its value'
  [ $? -eq 2 ] || wrong 'exit code 2'
  grep -q -- '-o needs a value' err || wrong "$(cat err)"
  "$root/tools/adversity" nowhere.json > out 2> err
  [ $? -eq 2 ] || wrong 'a scenario that is not there: exit code 2'
  grep -q 'nowhere.json' err || wrong "$(cat err)"
  GUESTDMA=$scratch/none "$root/tools/adversity" > out 2> err
  [ $? -eq 2 ] || wrong 'no program: exit code 2'
  grep -q 'no program at' err || wrong "$(cat err)"
}

"$3"
