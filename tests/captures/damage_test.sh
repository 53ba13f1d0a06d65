#!/bin/sh
# usage: damage_test.sh PROGRAM SOURCE
# What tshark sees of damaged frames in wire.pcap is what the run has dropped, reason by reason; writing the capture changes no result.
set -eu
program=$1 source=$2
command -v tshark >/dev/null 2>&1 || { echo "tshark is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
run() {
  "$program" run "$source/scenarios/adversity/hw-wire-errors.json" --strategy vhost-copy --set time.warmup=0us --set 'expect=[]' \
    --set traffic.errors.bad_fcs=0% --no-plots --quiet "$@" >/dev/null
}
run --trace pcap --out with
run --out without
value() { sed -n "s/^ *\"$1\": {\"value\": \([0-9]*\),.*/\1/p" with/vhost-copy/summary.json; }
frames() {
  tshark -r with/vhost-copy/wire.pcap -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "$1" 2>/dev/null | wc -l
}
same() {
  [ "$2" -gt 0 ] || { echo "$1: none"; exit 1; }
  [ "$2" -eq "$3" ] || { echo "$1: tshark sees $2, the summary says $3"; exit 1; }
}
same frames "$(frames frame)" "$(value packets.offered)"
same runts "$(frames 'frame.len < 60')" "$(value drops.runt)"
same giants "$(frames 'frame.len > 1522')" "$(value drops.oversize)"
same checksums "$(frames 'frame.len >= 60 && (ip.checksum.status == 0 || tcp.checksum.status == 0)')" "$(value drops.bad-checksum)"
grep -v '^ *"run":' with/vhost-copy/summary.json >a
grep -v '^ *"run":' without/vhost-copy/summary.json >b
cmp a b || { echo "the summary depends on --trace"; exit 1; }
echo "tshark agrees"
