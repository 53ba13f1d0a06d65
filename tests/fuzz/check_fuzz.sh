#!/bin/bash
# check_fuzz.sh FOLDER CORPUS MINUTES TARGET...: runs FOLDER/fuzz_TARGET for so long each, one after the other, from CORPUS/TARGET
# and what earlier runs found (FOLDER/found/TARGET). Prints what each did; a finding is kept in FOLDER/TARGET-* and ends in exit 1.
folder=$1 corpus=$2 minutes=$3
shift 3
failed=0
for target in "$@"; do
  mkdir -p "$folder/found/$target"
  log=$folder/$target.log
  "$folder/fuzz_$target" "$folder/found/$target" "$corpus/$target" -max_total_time="$(awk "BEGIN { print int($minutes * 60) }")" \
      -artifact_prefix="$folder/$target-" -print_final_stats=1 -timeout=10 -rss_limit_mb=2048 -use_value_profile=1 >"$log" 2>&1
  status=$?
  printf '%s: exit %s; %s executions; %s\n' "$target" "$status" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$(grep -o 'cov: [0-9]* ft: [0-9]* corp: [^ ]*' "$log" | tail -n 1)"
  if [ "$status" -ne 0 ]; then
    failed=1
    grep -E 'ERROR|SUMMARY|runtime error|what\(\)|Test unit written' "$log"
  fi
done
exit "$failed"
