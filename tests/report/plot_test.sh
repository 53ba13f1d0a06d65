#!/bin/sh
# plot_test.sh SAMPLE PLOT CASE: tools/plot on made-up folders. Exit code 77: skipped.
sample=$1 plot=$2
/usr/bin/python3 -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("matplotlib") is None)' || { echo 'skipped: python3-matplotlib is not installed'; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
MPLCONFIGDIR=$dir/config; export MPLCONFIGDIR
wrong() { echo "$1" >&2; exit 1; }

# readable FOLDER: its SVGs are XML without a name from elsewhere to fetch, its PNGs are whole (each chunk's CRC, all rows of pixels).
readable() {
  /usr/bin/python3 -I - "$1" << 'EOF'
import pathlib, struct, sys, xml.etree.ElementTree as tree, zlib
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.svg")):
    for element in tree.parse(file).iter():
        assert all(value.startswith(("#", "data:image/png;")) for name, value in element.attrib.items() if name.endswith("href")), (file, element.attrib)
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.png")):
    data, at, pixels, kinds = file.read_bytes(), 8, b"", []
    assert data[:8] == b"\x89PNG\r\n\x1a\n", file
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body, crc = data[at + 8:at + 8 + length], struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]
        assert zlib.crc32(kind + body) == crc, (file, kind)
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            pixels += body
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and depth == 8, (file, kinds)
    assert len(zlib.decompress(pixels)) == height * (1 + width * {2: 3, 6: 4}[colour]), file
EOF
}

# drawn FOLDER PICTURE...: tools/plot draws these pictures and no others, and says nothing on standard error.
drawn() {
  folder=$1; shift
  "$plot" "$dir/$folder" > "$dir/out" 2> "$dir/err" || wrong "$folder: $(cat "$dir/err")"
  [ -s "$dir/err" ] && wrong "$folder, on stderr: $(cat "$dir/err")"
  for picture; do
    for kind in png svg; do [ -s "$dir/$folder/$picture.$kind" ] || wrong "$folder: no $picture.$kind"; done
  done
  readable "$dir/$folder" || wrong "$folder: a picture that is no picture"
  [ "$(wc -l < "$dir/out")" = $((2 * $#)) ] || wrong "$folder: other pictures than $*: $(cat "$dir/out")"
}
# same FOLDER PICTURE...: the same bytes again.
same() {
  mkdir "$dir/kept"
  for picture in "$@"; do [ "$picture" = "$1" ] || mv "$dir/$1/$picture.png" "$dir/$1/$picture.svg" "$dir/kept"; done
  drawn "$@"
  for file in "$dir"/kept/*; do cmp "$file" "$dir/$1/${file##*/}" || wrong "${file##*/} differs the second time"; done
}
# says FOLDER PICTURE TEXT...: the texts stand in the picture.
says() {
  picture=$dir/$1/$2.svg; shift 2
  for text; do grep -q -- "<!-- .*$text.* -->" "$picture" || wrong "$picture without '$text'"; done
}

runs() {
  "$sample" "$dir/1" 1 > /dev/null || wrong 'no sample'
  drawn 1 comparison latency flame levels event
  same 1 comparison latency flame levels event
  says 1 flame 'cycles per packet' 'vhost' 'copy'
  says 1 event 'around the first drop (vhost-copy, 0.05 ms)'
  "$plot" --around 1.2ms "$dir/1/vhost-copy" > /dev/null || wrong 'the folder of one strategy'
  says 1/vhost-copy event 'around 1.2 ms'
  # Seeds of a strategy are drawn as one.
  mkdir -p "$dir/s/vhost-copy" && cp -r "$dir/1/vhost-copy" "$dir/s/vhost-copy/seed-1" && mv "$dir/1/vhost-copy" "$dir/s/vhost-copy/seed-2"
  rm "$dir"/s/vhost-copy/*/series.csv
  drawn s comparison latency flame
  says s comparison 'vhost-copy, means of 2 seeds'
}

many_strategies() {
  "$sample" "$dir/8" 8 > /dev/null || wrong 'no sample'
  drawn 8 comparison latency flame levels event
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
}

points() {
  "$sample" "$dir/points" fidelity || wrong 'no sample of points'
  drawn points fidelity
  says points fidelity 'write-bandwidth' 'no value' 'calibrated' '4 of 8 within tolerance, 1 not modelled' '+60.0 %'
  same points fidelity
}

sweeps() {
  "$sample" "$dir/sweep" sweep && "$sample" "$dir/seeds" seeds || wrong 'no sample of a sweep'
  drawn sweep curves load heat
  says sweep curves 'traffic.frame_bytes, logarithmic' 'traffic.rate=5Gbps' 'cross-over' '227' 'over 2 seeds'
  says sweep heat 'best' '3,562' 'traffic.rate'
  says sweep load 'guest-head' 'traffic.rate \[Gb/s\]'
  same sweep curves load heat
  drawn seeds seeds
}

# One line and exit code 2 for what is no result folder.
mistakes() {
  "$sample" "$dir/1" 1 > /dev/null || wrong 'no sample'
  mkdir "$dir/pointless" && echo '{"points": [{"id": "x"}]}' > "$dir/pointless/fidelity.json"
  mkdir "$dir/unswept" && echo '{"scenario": "x", "keys": ["a"], "rows": [{"seed": 1}]}' > "$dir/unswept/sweep.json"
  mkdir "$dir/empty" "$dir/broken" "$dir/broken/a" "$dir/other" "$dir/other/a"
  echo '{"schema": 1' > "$dir/broken/a/summary.json"
  echo '{}' > "$dir/other/a/summary.json"
  for bad in empty broken other pointless unswept absent 1/vhost-copy/summary.json; do
    "$plot" "$dir/$bad" > /dev/null 2> "$dir/err"
    [ $? = 2 ] || wrong "$bad: exit code"
    [ "$(wc -l < "$dir/err")" = 1 ] || wrong "$bad: $(cat "$dir/err")"
    grep -q "^plot: .*$dir/$bad" "$dir/err" || wrong "$bad: $(cat "$dir/err")"
  done
  for around in 7 '' 3GHz; do
    "$plot" --around "$around" "$dir/1" > /dev/null 2> "$dir/err"
    [ $? = 2 ] && grep -q 'takes a time with a unit' "$dir/err" || wrong "--around '$around': $(cat "$dir/err")"
  done
  "$plot" --bogus "$dir/1" > /dev/null 2> "$dir/err"
  [ $? = 2 ] && [ "$(cat "$dir/err")" = 'plot: unknown option --bogus; use: tools/plot [--around TIME] DIR...' ] || wrong "--bogus: $(cat "$dir/err")"
  rm "$dir/1/vhost-copy/series.csv"
  "$plot" --around 1ms "$dir/1" > /dev/null 2> "$dir/err"
  [ $? = 2 ] && grep -q 'run again with --trace csv' "$dir/err" || wrong "without a series: $(cat "$dir/err")"
}

case ${3:-} in
  runs | many_strategies | points | sweeps | mistakes) "$3" ;;
  *) wrong "unknown case '${3:-}'" ;;
esac
exit 0
