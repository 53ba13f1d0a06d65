#!/bin/bash
# slurm_test.sh PROGRAM ROOT CASE: sweeps beyond one machine, with a fake sbatch (tests/cli/check_slurm.sh has the real one), and GNU
# parallel.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

swept() {
  printf '%s\n' "${small%\}}" ', "sweep": {"axes": [{"key": "traffic.frame_bytes", "values": [128, 512]}], "seeds": 2}}' >swept.json
}

# A cluster in one script: takes the array from #SBATCH and runs a copy of the script, as slurmd does, once for each task, the last one
# first, from elsewhere, with the log where --output says.
fake_sbatch() {
  mkdir -p "$scratch/bin"
  cat >"$scratch/bin/sbatch" <<END
#!/bin/bash
printf '%s\n' "\$@" >"$scratch/submitted"
script=\${!#}
last=\$(sed -n 's/^#SBATCH --array=0-\([0-9]*\)\$/\1/p' "\$script")
log=\$(sed -n 's/^#SBATCH --output="\(.*\)"\$/\1/p' "\$script")
[ -n "\$last" ] && [ -n "\$log" ] || { echo 'sbatch: error: no array' >&2; exit 1; }
cp "\$script" "$scratch/spooled"; cd /
echo 'Submitted batch job 17'
code=0
for ((task = last; task >= 0; task--)); do
  SLURM_ARRAY_TASK_ID=\$task bash "$scratch/spooled" >"\${log/\%a/\$task}" 2>&1 || code=\$?
done
case " \$* " in *' --wait '*) exit \$code ;; esac
END
  chmod +x "$scratch/bin/sbatch"
  PATH=$scratch/bin:$PATH
}

slurm_submits() {
  swept; fake_sbatch
  mkdir 'the folder'; cp swept.json 'the folder/swept.json'; cd 'the folder' || exit 1
  gd sweep swept.json --out whole --quiet --no-plots
  gd sweep swept.json --slurm --out 'a cluster' --set 'description=two words' --slurm-args "--partition=long --comment='two words'" --slurm-args=--time=1:00 -j 2
  status_is 0; [ "$out" = 'Submitted batch job 17' ] || wrong 'what sbatch says'
  err_has "4 runs submitted; when they are done: guestdma sweep swept.json --set 'description=two words' --collect --out 'a cluster'"
  [ "$(cat "$scratch/submitted")" = $'--partition=long\n--comment=two words\n--time=1:00\na cluster/sweep.sbatch' ] || wrong "sbatch was given: $(cat "$scratch/submitted")"
  grep -qx '#SBATCH --array=0-3' 'a cluster/sweep.sbatch' && grep -qx '#SBATCH --cpus-per-task=2' 'a cluster/sweep.sbatch' || wrong "the script: $(cat 'a cluster/sweep.sbatch')"
  [ "$(ls 'a cluster/slurm')" = $'0.log\n1.log\n2.log\n3.log' ] || wrong 'a log for each task'
  [ ! -e 'a cluster/sweep.csv' ] || wrong 'no tables before they are collected'
  gd sweep swept.json --set 'description=two words' --collect --out 'a cluster' --quiet --no-plots
  status_is 0
  cmp whole/sweep.csv 'a cluster/sweep.csv' || wrong 'collected as in one process'
  rm -r 'a cluster/runs/2'
  gd sweep swept.json --slurm --out 'a cluster' --set 'description=two words' --slurm-args --wait   # once more: what is done stays
  status_is 0; [ -s 'a cluster/runs/2/vhost-copy/summary.json' ] || wrong 'the run that was missing'
}

slurm_passes_codes_on() {
  swept; fake_sbatch
  gd sweep swept.json --slurm --out d --set debug.fault.kind=lose-nic --set debug.fault.frame=5 --slurm-args --wait
  status_is 3; grep -q conservation d/slurm/0.log || wrong 'the log of a run that broke'
  printf '#!/bin/sh\necho "sbatch: error: invalid partition specified: long" >&2\nexit 1\n' >"$scratch/bin/sbatch"
  gd sweep swept.json --slurm --out e --slurm-args --partition=long
  status_is 2; err_has 'invalid partition'; err_has 'sbatch did not take e/sweep.sbatch'; out_is_empty
}

slurm_mistakes() {
  swept
  err=$(PATH=/nonexistent "$guestdma" sweep swept.json --slurm --out d 2>&1 >/dev/null); status=$?
  status_is 2; err_has 'there is no sbatch on PATH'; [ ! -e d ] || wrong 'nothing is written'
  fake_sbatch
  refuses '--slurm needs --out' sweep swept.json --slurm
  refuses 'means nothing without --slurm' sweep swept.json --slurm-args=--wait --out d
  refuses 'one can be given' sweep swept.json --slurm --collect --out d
  mkdir d; touch d/file
  refuses 'is not empty' sweep swept.json --slurm --out d
  refuses 'is a file' sweep swept.json --slurm --out swept.json
  gd sweep - --slurm --out e <swept.json
  status_is 2; err_has 'needs a file'
}

# The way that README shows.
gnu_parallel() {
  command -v parallel >/dev/null || { echo 'skipped: GNU parallel is not installed'; exit 77; }
  swept
  PATH=$(dirname -- "$guestdma"):$PATH
  guestdma sweep swept.json --out whole --quiet --no-plots >/dev/null
  guestdma sweep swept.json --list-commands --out pieces | parallel --will-cite -j 2 || wrong 'the commands run'
  gd sweep swept.json --collect --out pieces --quiet --no-plots
  status_is 0
  cmp whole/sweep.csv pieces/sweep.csv || wrong 'collected as in one process'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
