#!/bin/bash
# words_test.sh PROGRAM ROOT CASE: commands that only tell, and whether all that tells of commands and options agrees.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

# Lines of `guestdma help` between the two heads, first word each.
commands_of_help() { "$guestdma" help | sed -n '/^Commands$/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
options_of_help() { "$guestdma" help | sed -n '/^Options$/,/^$/s/^  \(-[-a-z]*\).*/\1/p'; }
sorted() { tr ' ' '\n' | sed '/^$/d' | LC_ALL=C sort | xargs; }

names_agree() {
  local commands options
  commands=$(commands_of_help | sorted)
  options=$(options_of_help | sorted)
  [ -n "$commands" ] && [ -n "$options" ] || wrong 'help names commands and options'
  local page=$root/docs/guestdma.1 completion=$root/tools/completion/guestdma.bash
  local of_page
  of_page=$(sed -n '/^\.SH COMMANDS/,/^\.SH OPTIONS/p' "$page" | sed -n 's/^\.B[IR]* "\{0,1\}\([a-z][a-z]*\).*/\1/p' | sorted)
  [ "$of_page" = "$commands" ] || wrong "commands: help has $commands; the manual page has $of_page"
  of_page=$(sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' "$page" | grep -A1 '^\.TP' | sed 's/\\-/-/g' | sed -n 's/^\.B[IR]* "\{0,1\}\(-[-a-z]*\).*/\1/p' | sorted)
  [ "$of_page" = "$options" ] || wrong "options: help has $options; the manual page has $of_page"
  local of_completion
  of_completion=$(sed -n "s/^ *local commands='\(.*\)'/\1/p" "$completion" | sorted)
  [ "$of_completion" = "$commands" ] || wrong "commands: help has $commands; the completion has $of_completion"
  of_completion=$(sed -n "s/^ *local options='\(.*\)'/\1/p" "$completion" | sorted)
  [ "$of_completion" = "$options" ] || wrong "options: help has $options; the completion has $of_completion"
}

each_command_is_explained() {
  local command
  for command in $(commands_of_help); do
    gd help "$command"
    status_is 0; err_is_empty; out_has "Use: guestdma $command"; out_has '--help'
    local first=$out
    gd "$command" --help
    [ "$out" = "$first" ] || wrong "$command --help is help $command"
  done
}

version() {
  gd --version
  status_is 0; err_is_empty; out_has 'guestdma '; out_has 'SystemC 2.'; out_has 'C++'
  gd --version --format json
  json 'len(d["versions"]) == 4'
}

lists() {
  local kind
  for kind in strategies scenarios metrics costs keys; do
    gd list "$kind"
    status_is 0; err_is_empty
    [ "$(printf '%s\n' "$out" | wc -l)" -ge 4 ] || wrong "$kind: a line each"
    gd list "$kind" --format json
    json "len(d['$kind']) >= 4"
    gd list "$kind" --format csv
    status_is 0
    gd list "$kind" --format markdown
    out_has '| --- |'
  done
  gd list strategies --format csv
  [ "$(printf '%s\n' "$out" | sed '1d; s/,.*//' | head -1)" = vhost-copy ] || wrong 'the first column is the name'
  mkdir scenarios && small scenarios/of-mine.json
  gd list scenarios
  out_has of-mine; out_has quickstart
}

descriptions() {
  gd describe nic.header_split
  status_is 0; out_has 'nic.header_split (section of keys)'; out_has 'keys: mode, '
  gd describe guests
  status_is 0; out_has 'keys: name, '
  # Every pattern that is listed is known.
  local name
  gd list metrics --format csv
  printf '%s\n' "$out" | sed '1d; s/,.*//' | grep '<' >patterns
  [ -s patterns ] || wrong 'patterns among the metrics'
  while read -r name; do
    gd describe "$name"
    status_is 0
  done <patterns
  for name in vhost-copy quickstart drops.nic-fifo 'drops.<reason>' latency.stage.'<stage>'.p50 guests guest.web.latency.p99 nic.ring_size guests.0.virtio.queue_size vhost.batch; do
    gd describe "$name"
    status_is 0; err_is_empty
    [ -n "$out" ] || wrong "$name is described"
    gd describe "$name" --format json
    json 'd["descriptions"]'
  done
}

first_scenario() {
  gd init
  status_is 0; err_is_empty
  printf '%s\n' "$out" >first.json
  gd init second.json
  status_is 0; cmp first.json second.json || wrong 'the same text'
  gd init second.json
  status_is 2; err_has 'second.json exists'
  gd init second.json --force
  status_is 0
  gd validate first.json second.json
  status_is 0; out_has 'first.json: ok'; out_has 'second.json: ok'
  gd run first.json --quiet
  status_is 0
}

readme_scenario() {   # the example of README.md is a valid scenario
  sed -n '/^```json$/,/^```$/p' "$root/README.md" | sed '/^```/d' >example.json
  [ -s example.json ] || wrong 'an example in README.md'
  gd validate example.json
  status_is 0
}

validation() {
  small
  echo '{"version": 1, "nicc": 1}' >bad.json
  gd validate small.json bad.json nowhere.json
  status_is 2; out_has 'small.json: ok; strategies vhost-copy, guest-head'; err_has 'bad.json:1:16'; err_has 'nowhere.json: error'
  gd validate small.json bad.json --format json
  status_is 2; json '[f["valid"] for f in d["files"]] == ["true", "false"] and "nicc" in d["files"][1]["error"]'
  gd validate "$root"/scenarios/*.json "$root"/scenarios/bench/*.json "$root"/scenarios/hazards/*.json
  status_is 0
}

benchmark() {   # what it prints; the budget of the counts is held by tests/system
  gd bench --frames 5000 --format json
  status_is 0
  json 'len({(r["scenario"], r["strategy"]) for r in d["runs"]}) == 10'
  json 'all(r["frames"] >= 5000 and all(r[k] > 0 for k in ("frames_per_cpu_s", "copy_and_compare_ns", "peak_rss_bytes", "activations_per_frame", "lookups_per_frame", "bytes_moved_per_frame")) for r in d["runs"])'
  gd bench --frames 1000 --strategy vhost-copy
  status_is 0; out_has 'frames/CPU s'
}

# Every question is a sweep that could run, is listed, and has an answer in README; the script that answers knows them all.
questions() {
  local file name listed n=0
  gd list scenarios --format csv
  status_is 0; listed=$out
  for file in "$root"/scenarios/questions/*.json; do
    name=$(basename "$file" .json)
    gd sweep "$file" --dry-run
    status_is 0; err_is_empty
    case $listed in *"$name,"*) ;; *) wrong "$name is listed" ;; esac
    grep -q "^| [^|]*? | \`$name.json\` | [^|][^|]* |$" "$root/README.md" || wrong "README has no answer to $name"
    n=$((n + 1))
  done
  [ "$n" -ge 13 ] || wrong 'thirteen questions expected'
  [ "$(grep -c '^| [^|]*? | `[a-z-]*.json` | ' "$root/README.md")" = "$n" ] || wrong 'README answers a question that is none'
  GUESTDMA=$guestdma "$root/tools/questions" -j 2 pin-policy iommu >"$scratch/out" 2>"$scratch/err"
  status=$? out=$(cat "$scratch/out") err=$(cat "$scratch/err")
  status_is 0; out_has 'whole-guest: guest-head '; out_has 'mode strict, backing_page 4KiB: vhost-copy '
  GUESTDMA=$guestdma "$root/tools/questions" nothing >"$scratch/out" 2>"$scratch/err" && wrong 'a question that there is none'
  grep -q 'there are completion-order, ' "$scratch/err" || wrong 'it names those that there are'
}

case $(type -t "${3:-}") in
  function) "$3" ;;
  *) echo "unknown case '${3:-}'"; exit 2 ;;
esac
exit 0
