#!/bin/bash
# check_slurm.sh PROGRAM ROOT: a sweep through a real slurmctld, slurmd and munged on this machine alone, each started here with
# its files in a scratch folder, on ports that are free, and ended here. Tasks are followed by their processes (proctrack/linuxproc),
# so that no cgroup is needed. Exit code 77: skipped, with the reason.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"
PATH=$PATH:/usr/sbin
skipped() { echo "skipped: $1"; exit 77; }
for tool in slurmctld slurmd munged sbatch scontrol; do command -v "$tool" >/dev/null || skipped "$tool is not installed (tools/setup extra)"; done

started=()
end() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${started[@]}"; do
    for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null
  done
  rm -rf -- "$scratch" "$daemons"
}
daemons=$(mktemp -d /tmp/guestdma-slurm.XXXXXX)   # without a blank: slurm.conf knows no quotes
trap end EXIT
chmod 755 "$daemons"
mkdir "$daemons/state" "$daemons/spool"

user=$(id -un) node=$(hostname -s)
ports=$(/usr/bin/python3 -I -c 'import socket; s = [socket.socket() for _ in range(2)]; [x.bind(("127.0.0.1", 0)) for x in s]; print(*[x.getsockname()[1] for x in s])')
head -c 128 /dev/urandom >"$daemons/munge.key"; chmod 600 "$daemons/munge.key"
cat >"$daemons/slurm.conf" <<END
ClusterName=guestdma
SlurmctldHost=$node(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$daemons/munge.socket
CredType=cred/munge
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
StateSaveLocation=$daemons/state
SlurmdSpoolDir=$daemons/spool
SlurmctldPidFile=$daemons/slurmctld.pid
SlurmdPidFile=$daemons/slurmd.pid
SlurmctldLogFile=$daemons/slurmctld.log
SlurmdLogFile=$daemons/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=defer,sched_interval=1
ReturnToService=2
MailProg=/bin/true
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=short Nodes=$node MaxTime=10 State=UP
PartitionName=long Nodes=$node Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$daemons/slurm.conf

# daemon NAME ARGS...: starts it in the foreground of its own.
daemon() {
  "$@" >"$daemons/$1.out" 2>&1 &
  started+=($!)
}
tell() { tail -n 15 "$daemons"/*.log "$daemons"/*.out 2>/dev/null; }
daemon munged --force --foreground --key-file="$daemons/munge.key" --socket="$daemons/munge.socket" --pid-file="$daemons/munged.pid" --log-file="$daemons/munged.log" --seed-file="$daemons/munged.seed"
until_true test -S "$daemons/munge.socket"
daemon slurmctld -D -c -f "$SLURM_CONF"
daemon slurmd -D -N "$node" -f "$SLURM_CONF"
ready=''
for _ in {1..60}; do
  case $(timeout 5 scontrol show node "$node" 2>/dev/null) in *State=IDLE*) ready=1; break ;; esac
  kill -0 "${started[@]}" 2>/dev/null || break
  sleep 0.5
done
[ -n "$ready" ] || { tell; if grep -qi cgroup "$daemons/slurmd.log" "$daemons/slurmd.out" 2>/dev/null; then skipped 'slurmd wants cgroups that are not here'; fi; wrong 'slurmctld and slurmd come up'; }
scontrol --version

printf '%s\n' "${small%\}}" ', "sweep": {"axes": [{"key": "traffic.frame_bytes", "values": [128, 512]}, {"key": "nic.ring_size", "from": 256, "to": 512, "step": "log2"}], "seeds": 2}}' >swept.json
gd sweep swept.json --out whole --quiet --no-plots
status_is 0
timeout 300 "$guestdma" sweep swept.json --slurm --out 'a cluster' --slurm-args '--partition=short --time=5' --slurm-args --wait >"$scratch/out" 2>"$scratch/err"
status=$? out=$(cat "$scratch/out") err=$(cat "$scratch/err")
[ "$status" = 0 ] || tell
status_is 0; out_has 'Submitted batch job'; err_has '8 runs submitted'
[ "$(ls 'a cluster/slurm' | wc -l)" = 8 ] || wrong "a log for each task: $(ls 'a cluster/slurm')"
gd sweep swept.json --collect --out 'a cluster' --quiet --no-plots
status_is 0
cmp whole/sweep.csv 'a cluster/sweep.csv' && cmp whole/sweep.json 'a cluster/sweep.json' || wrong 'collected as in one process'

timeout 300 "$guestdma" sweep swept.json --slurm --out broken --set debug.fault.kind=lose-nic --set debug.fault.frame=5 --slurm-args --wait >"$scratch/out" 2>"$scratch/err"
status=$? out=$(cat "$scratch/out") err=$(cat "$scratch/err")
status_is 3; grep -q conservation broken/slurm/0.log || wrong 'the log of a run that broke'
gd sweep swept.json --slurm --out refused --slurm-args --partition=absent
status_is 2; err_has 'partition'
echo "8 runs through slurmctld and slurmd: collected as in one process; codes passed on; a partition that is not there is refused"
