#!/bin/bash
# readme_test.sh PROGRAM ROOT: the newcomer's path in the README, line by line, in a scratch folder that stands for the clone. tools/run
# is the program without building it, and draws for the first comparison alone: pictures take seconds each.
program=$1 root=$2
/usr/bin/python3 -I -c 'import matplotlib' 2>/dev/null || { echo 'skipped: python3-matplotlib is not installed'; exit 77; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guestdma readme.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
unset CI GITHUB_ACTIONS
export GUESTDMA=$program MPLCONFIGDIR=$scratch/matplotlib
wrong() { echo "failed: $1"; cat "$scratch/out"; exit 1; }
mkdir "$scratch/clone" "$scratch/clone/tools"
printf '#!/bin/sh\ncase "$*" in *--seeds*|sweep*) set -- "$@" --no-plots ;; esac\nexec "$GUESTDMA" "$@"\n' >"$scratch/clone/tools/run"
chmod +x "$scratch/clone/tools/run"
ln -s "$root/tools/plot" "$root/tools/plots" "$root/tools/baselines" "$scratch/clone/tools/"
cd "$scratch/clone" || exit 1

mapfile -t lines < <(awk '/^## /{at = ($0 == "## From clone to gate to sweep")} at && /^```/{inside = !inside; next} at && inside' "$root/README.md")
: >"$scratch/out"
for word in 'run init' 'run validate' 'run compare' baselines 'run check' 'run sweep' plot; do
  case ${lines[*]} in *"tools/$word"*) ;; *) wrong "the README's path has $word" ;; esac
done
for line in "${lines[@]}"; do
  bash -euo pipefail -c "$line" >"$scratch/out" 2>&1 </dev/null || wrong "exit $? of: $line"
done
for made in my.json baselines/my/vhost-copy.json results/runs/my/comparison.svg results/my-seeds/vhost-copy/seed-5/summary.json results/my-sweep/sweep.csv results/my-sweep/curves.png; do
  [ -s "$made" ] || wrong "$made is made"
done
# The gate is one: what differs is not let through.
sed -i 's/"value": 8/"value": 9/' results/runs/my/vhost-copy/summary.json
./tools/run check results/runs/my --baseline baselines >"$scratch/out" 2>&1
[ $? = 1 ] || wrong 'the gate sees a difference'
