#!/bin/sh
# usage: tshark_test.sh PROGRAM SOURCE SCENARIO
# Runs the scenario with captures and asks tshark: no malformed frame and no wrong checksum in what the wire carried and
# in what each guest's driver handed up (merged frames have their checksum completed). The captures that we ship have
# none. And writing captures changes no result.
set -eu
program=$1 source=$2 scenario=$3
command -v tshark >/dev/null 2>&1 || { echo "tshark is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# A short run is enough for a reader; a capture that is played once has its own length.
"$program" compare "$source/scenarios/$scenario.json" --set time.measure=2ms --no-plots --quiet --trace pcap --out with >/dev/null
"$program" compare "$source/scenarios/$scenario.json" --set time.measure=2ms --no-plots --quiet --out without >/dev/null

# All captures as one, in order: tshark takes a second to start. What was on the wire is the same for each strategy that is offered the
# same.
files=0
for f in with/*/*.pcap; do
  [ "$(wc -c <"$f")" -gt 24 ] || { echo "$f holds no packets"; exit 1; }
  case $f in */wire.pcap)
    if [ -n "${wire:-}" ] && cmp -s "$f" "$wire"; then continue; fi
    wire=$f ;;
  esac
  files=$((files + 1))
  cp "$f" "$(printf 'part-%03d.pcap' "$files")"
  echo "$f: $(capinfos -Mc "$f" | sed -n 's/^Number of packets: *//p')" >>parts
done
mergecap -a -w all.pcap part-*.pcap
# Random payload looks like this or that protocol to a heuristic: UDP payload is read as data. A status of 0 is a wrong checksum; a
# packet in a packet has one for each. Streams come again in each capture, so that none is put together.
tshark -r all.pcap -d udp.port==1-65535,data -o tcp.desegment_tcp_streams:FALSE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE \
    -o tcp.relative_sequence_numbers:FALSE -T fields -E separator=';' -e frame.number -e _ws.malformed -e ip.checksum.status \
    -e tcp.checksum.status -e udp.checksum.status >seen 2>err || { cat err; exit 1; }
[ "$(wc -l <seen)" -eq "$(awk '{n += $NF} END {print n}' parts)" ] || { echo "tshark read $(wc -l <seen) packets of:"; cat parts; exit 1; }
bad=$(awk -F';' '$2 != "" || ("," $3 "," $4 "," $5 ",") ~ /,0,/' seen)
if [ -n "$bad" ]; then
  echo "wrong, by number in these captures one after the other:"
  cat parts
  echo "$bad" | head -n 5
  exit 1
fi
[ "$files" -ge 2 ] || { echo "only $files captures were written"; exit 1; }

for f in without/*/summary.json; do
  label=$(basename "$(dirname "$f")")
  grep -v '^ *"run":' "$f" >a
  grep -v '^ *"run":' "with/$label/summary.json" >b
  cmp a b || { echo "$label: the summary depends on --trace"; exit 1; }
done
echo "$files captures are clean"
