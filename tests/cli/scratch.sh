# shellcheck shell=bash disable=SC2154,SC2034
# Sourced by the tests of the program: a folder of their own, the program in $guestdma, the repository in $root, and words
# to say what is expected.
guestdma=$1 root=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guestdma cli.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
work=$scratch/work
mkdir "$work"
cd "$work" || exit 1

# A short scenario without a platform: UDP at 1 Gb/s for 200 us.
small='{"version": 1, "strategies": ["vhost-copy", "guest-head"],
 "time": {"warmup": "20us", "measure": "200us", "drain": "200us"},
 "traffic": {"rate": "1Gbps", "frame_bytes": 512, "protocol": "udp", "flows": 2}}'
small() { printf '%s\n' "$small" >"${1:-small.json}"; }
# One that runs for long (a minute and more), for tests that end it.
long='{"version": 1, "strategies": ["vhost-copy", "guest-head"],
 "time": {"warmup": "20us", "measure": "1000s", "drain": "200us"},
 "traffic": {"rate": "1Gbps", "frame_bytes": 512, "protocol": "udp", "flows": 2}}'

status='' out='' err=''
# gd ARGS...: runs the program; status, out and err hold its outcome.
gd() {
  "$guestdma" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
}
wrong() {
  printf 'failed: %s\n--- status %s\n--- stdout\n%.2000s\n--- stderr\n%.2000s\n' "$1" "$status" "$out" "$err"
  exit 1
}
status_is() { [ "$status" = "$1" ] || wrong "exit code $1 expected"; }
out_is_empty() { [ ! -s "$scratch/out" ] || wrong 'nothing expected on stdout'; }
out_has() { case $out in *"$1"*) ;; *) wrong "stdout with '$1' expected" ;; esac; }
err_has() { case $err in *"$1"*) ;; *) wrong "stderr with '$1' expected" ;; esac; }
err_is_empty() { [ ! -s "$scratch/err" ] || wrong 'nothing expected on stderr'; }
names() { find . -mindepth 1 | LC_ALL=C sort; }
# refuses TEXT ARGS...: a user's mistake: exit code 2, a message with TEXT, nothing on stdout, nothing written.
refuses() {
  local text=$1 before after
  shift
  before=$(names)
  gd "$@"
  status_is 2; out_is_empty; err_has "$text"
  after=$(names)
  [ "$before" = "$after" ] || wrong "something was written: $after"
}
# same_summaries DIR DIR: in all but `run`.
same_summaries() {
  local file n=0
  for file in "$1"/*/summary.json; do
    cmp -s <(grep -v '^ *"run":' "$file") <(grep -v '^ *"run":' "$2/${file#"$1"/}") || wrong "$file differs in $2"
    n=$((n + 1))
  done
  [ "$n" -ge 2 ] || wrong "summaries expected in $1"
}
json() { /usr/bin/python3 -IS -c 'import json, sys; d = json.load(sys.stdin); assert eval(sys.argv[1]), d' "${1:-True}" <"$scratch/out" || wrong "a JSON document with ${1:-anything} expected"; }
# until COMMAND...: for at most ten seconds.
until_true() {
  local i
  for i in {1..200}; do "$@" && return; sleep 0.05; done
  wrong "waited in vain for: $*"
}
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
has_children() { [ "$(children_of "$1" | wc -w)" -ge "${2:-1}" ]; }
