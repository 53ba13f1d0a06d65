#!/bin/sh
# usage: check_matrix_test.sh CHECK_MATRIX PROGRAM SOURCE
# The tool of the target check-matrix: a thin sample passes, a planted fault fails and says how to see it, mistakes are told.
set -u
check=$1 program=$2 source=$3
cd "$source" || exit 1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
fail() { echo "$1"; cat "$out"; exit 1; }

"$check" --every 397 --only 1500 "$program" scenarios >"$out" 2>&1 || fail "the sample fails"
grep -Eq '^[0-9]+ combinations, one in 397 taken: [1-9][0-9]* run, [0-9]+ refused, 0 failed; ' "$out" || fail "no summary"

"$check" --every 199 --only bulk-1500 --set debug.fault.kind=flip-wire --set debug.fault.frame=3 "$program" scenarios >"$out" 2>/dev/null
[ $? -eq 1 ] || fail "a flipped bit passes"
command=$(sed -n 's/^FAILED integrity.errors is .* | guestdma //p' "$out" | head -n 1)
[ -n "$command" ] || fail "no command shows the failure"
folder=$(mktemp -d)
eval "\"$program\" $command --quiet --no-plots --out \"$folder/results\"" >"$out" 2>&1
code=$?
rm -rf "$folder"
[ "$code" -eq 3 ] || fail "the command ends with $code: $command"

for wrong in "--every 0" "--nonsense" "-j"; do
  # shellcheck disable=SC2086
  "$check" $wrong "$program" scenarios >"$out" 2>&1
  [ $? -eq 2 ] || fail "$wrong is not the user's mistake"
done
