#!/bin/bash
# robust_test.sh PROGRAM ROOT CASE: random scenarios, a few; those that failed once; and that a failure is seen and made small.
. "$2/tests/cli/scratch.sh"

few() {
  "$root/tests/robust/random_scenarios.py" "$guestdma" "$root" --count 10 --seed few -j 1 >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
  status_is 0; out_has '0 failed'
}

found() {
  local file n=0
  for file in "$root"/tests/robust/found/*.json; do
    gd run "$file" --quiet --out "f$n"
    status_is 0
    n=$((n + 1))
  done
  [ "$n" -ge 1 ] || wrong 'scenarios expected'
}

# A program whose packed rings lose buffers: the failure is told, with a file that holds little else.
shrinks() {
  cat >broken <<END
#!/bin/bash
for a in "\$@"; do
  if [ -f "\$a" ] && grep -q '"ring": *"packed"' "\$a"; then echo 'guestdma: 1 buffer of 3 is lost' >&2; exit 3; fi
done
exec "$guestdma" "\$@"
END
  chmod +x broken
  "$root/tests/robust/random_scenarios.py" ./broken "$root" --count 12 --seed s3 -j 1 --keep kept >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
  status_is 1; out_has 'failed: exit 3: guestdma: # buffer of # is lost'; out_has 'guestdma run kept/random-s3-'
  local file
  for file in kept/*.json; do
    [ "$(/usr/bin/python3 -I -c 'import json, sys; d = json.load(open(sys.argv[1])); d.pop("strategies"); print(json.dumps(d))' "$file")" = \
      '{"guests": [{"virtio": {"ring": "packed"}}]}' ] || wrong "more than it takes: $(cat "$file")"
  done
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
