#!/bin/sh
# plot_test.sh SAMPLE PLOT: tools/plot on made-up folders. Exit code 77: skipped.
sample=$1 plot=$2
/usr/bin/python3 -I -c 'import matplotlib' 2>/dev/null || { echo 'skipped: python3-matplotlib is not installed'; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
MPLCONFIGDIR=$dir/config; export MPLCONFIGDIR
wrong() { echo "$1" >&2; exit 1; }

for n in 1 8; do
  "$sample" "$dir/$n" $n > /dev/null || wrong "no sample of $n"
  "$plot" "$dir/$n" > "$dir/out" 2> "$dir/err" || wrong "$n strategies: $(cat "$dir/err")"
  [ -s "$dir/err" ] && wrong "$n strategies, on stderr: $(cat "$dir/err")"
  for picture in comparison latency levels; do
    for kind in png svg; do [ -s "$dir/$n/$picture.$kind" ] || wrong "$n strategies: no $picture.$kind"; done
  done
done
"$plot" "$dir/1/vhost-copy" > /dev/null || wrong 'the folder of one strategy'

# Every JSON file is what a strict reader takes: no key twice, no NaN.
/usr/bin/python3 -I - "$dir/8" << 'EOF' || wrong 'JSON'
import json, pathlib, sys
def unique(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
def refuse(text):
    raise ValueError(text)
files = sorted(pathlib.Path(sys.argv[1]).rglob("*.json"))
for file in files:
    json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=unique, parse_constant=refuse)
sys.exit(len(files) != 33)
EOF

# The same bytes again.
cp "$dir/1/comparison.svg" "$dir/1/latency.svg" "$dir/1/levels.svg" "$dir"
"$plot" "$dir/1" > /dev/null || wrong 'the second time'
for picture in comparison latency levels; do cmp "$dir/$picture.svg" "$dir/1/$picture.svg" || wrong "$picture.svg differs the second time"; done

# Published points: drawn, and the same bytes again.
"$sample" "$dir/points" fidelity || wrong 'no sample of points'
"$plot" "$dir/points" > "$dir/out" 2> "$dir/err" || wrong "points: $(cat "$dir/err")"
[ -s "$dir/err" ] && wrong "points, on stderr: $(cat "$dir/err")"
for kind in png svg; do [ -s "$dir/points/fidelity.$kind" ] || wrong "no fidelity.$kind"; cp "$dir/points/fidelity.$kind" "$dir"; done
for text in 'write-bandwidth' 'no value' 'calibrated' '1 not modelled' '+60.0 %'; do grep -q -- "$text" "$dir/fidelity.svg" || wrong "fidelity.svg without '$text'"; done
"$plot" "$dir/points" > /dev/null || wrong 'points, the second time'
for kind in png svg; do cmp "$dir/fidelity.$kind" "$dir/points/fidelity.$kind" || wrong "fidelity.$kind differs the second time"; done

# One line and exit code 2 for what is no result folder.
mkdir "$dir/pointless" && echo '{"points": [{"id": "x"}]}' > "$dir/pointless/fidelity.json"
mkdir "$dir/empty" "$dir/broken" "$dir/broken/a" "$dir/other" "$dir/other/a"
echo '{"schema": 1' > "$dir/broken/a/summary.json"
echo '{}' > "$dir/other/a/summary.json"
for bad in empty broken other pointless absent 8/comparison.json; do
  "$plot" "$dir/$bad" > /dev/null 2> "$dir/err"
  [ $? = 2 ] || wrong "$bad: exit code"
  [ "$(wc -l < "$dir/err")" = 1 ] || wrong "$bad: $(cat "$dir/err")"
  grep -q "^plot: .*$dir/$bad" "$dir/err" || wrong "$bad: $(cat "$dir/err")"
done
exit 0
