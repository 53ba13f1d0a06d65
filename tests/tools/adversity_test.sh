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
  [ ! -e results ] || wrong 'nothing in the caller'"'"'s folder'
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
  "$root/tools/adversity" --sett a=b > out 2> err
  [ $? -eq 2 ] || wrong 'an unknown option: exit code 2'
  grep -q 'unknown option --sett; options: -o FILE' err || wrong "$(cat err)"
  printf '#!/bin/sh\ntouch ran\nkill -SEGV $$\n' > killed && chmod +x killed
  GUESTDMA=$scratch/killed "$root/tools/adversity" -o nowhere/table.md "$root/scenarios/adversity/idle.json" > out 2> err
  [ $? -eq 2 ] || wrong 'a file that cannot be written: exit code 2'
  grep -q 'cannot write nowhere/table.md: No such file' err || wrong "$(cat err)"
  [ ! -e ran ] || wrong 'before any run'
  GUESTDMA=$scratch/killed "$root/tools/adversity" -o dead.md "$root/scenarios/adversity/idle.json" > out 2> err
  [ $? -eq 3 ] || wrong 'a program that is killed: exit code 3'
  grep -q 'idle.json: killed by signal 11' err || wrong "$(cat err)"
  [ ! -e dead.md ] || wrong 'no table of what failed'
  GUESTDMA=$scratch/none "$root/tools/adversity" > out 2> err
  [ $? -eq 2 ] || wrong 'no program: exit code 2'
  grep -q 'no program at' err || wrong "$(cat err)"
  # The same of the scripts that need the program as well.
  "$root/tools/pictures" --help > out 2> err || wrong "pictures --help: exit code $?"
  grep -q '^tools/pictures' out || wrong "$(cat out)"
  "$root/tools/pictures" "$scratch/none" > out 2> err
  [ $? -eq 2 ] || wrong 'pictures without a program: exit code 2'
  grep -q "^tools/pictures: no program at $scratch/none" err || wrong "$(cat err)"
  GUESTDMA=$scratch/none "$root/tools/questions" iommu > out 2> err
  [ $? -eq 2 ] || wrong 'questions without a program: exit code 2'
  grep -q "^tools/questions: no program at $scratch/none" err || wrong "$(cat err)"
}

"$3"
