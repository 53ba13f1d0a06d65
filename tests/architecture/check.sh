#!/bin/sh
# check.sh ROOT: the rules of the house that a text search can see (docs/architecture.md). Prints each violation as
# file:line: what, and exits 1 if there is one.
cd -- "$1" || exit 2
# The strategies by their files in models/buffers: "vhost-copy" and VhostCopy for vhost_copy.cpp. Only names of two
# words are told from other words of the code (`passthrough` is also a mode of the IOMMU).
files=$(grep -lE ': *(public +)?Strategy( |$)' models/buffers/*_*.cpp 2>/dev/null | sed 's:.*/::; s:\.cpp$::')
names=$(printf '%s\n' "$files" | sed 's/_/-/g' | paste -s -d '|' -)
classes=$(printf '%s\n' "$files" | sed -E 's/(^|_)(.)/\U\2/g' | paste -s -d '|' -)
found=$(
  find models src tests tools .ci cmake -type f \
       \( -name '*.h' -o -name '*.cpp' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' -o -path 'tools/*' -o -path '.ci/*' \) \
       ! -name '*.pyc' 2>/dev/null | LC_ALL=C sort | tr '\n' '\0' | xargs -0 -r awk -v names="$names" -v classes="$classes" '
  BEGIN {
    # Rooms in the order in which they may include one another; equal numbers do not know each other.
    n = split("models/base models/ports models/packet models/memory models/cpu models/iommu models/pcie models/virtio " \
              "models/skb models/buffers", order, " ")
    for (i = 1; i <= n; i++) rank[order[i]] = i
    rank["models/wire"] = rank["models/nic"] = rank["models/host"] = rank["models/guest"] = n + 1
    rank["src/scenario"] = n + 2; rank["src/system"] = n + 3; rank["src/report"] = n + 4; rank["src/cli"] = n + 5
  }
  function say(what) { print FILENAME ":" FNR ": " what }
  function room_of(path,  part, k) { k = split(path, part, "/"); return k > 2 ? part[1] "/" part[2] : "" }
  function include_rule(target,  to) {
    if (target !~ /^(models|src|tests)\//) return say("include \"" target "\": written from the root of the repository")
    if (target ~ /\/\.\.?\//) return say("include \"" target "\": a path without . and ..")
    if (!code) return
    if (target ~ /^tests\//) return say("includes a test: " target)
    to = room_of(target)
    if (!(to in rank)) return say("include \"" target "\": no room of the house")
    if (to == room) return
    if (room ~ /^models\// && to ~ /^src\//) return say("models never includes src: " target)
    if (rank[to] == rank[room]) return say(room " and " to " do not know each other: " target)
    if (rank[to] > rank[room]) return say(room " is above " to ": " target)
    if (to == "models/buffers" && target != "models/buffers/strategy.h")
      say("the door of models/buffers is strategy.h: " target)
  }
  FNR == 1 {
    if (last != "" && lines > 450) print last ":" lines ": longer than 450 lines"
    last = FILENAME
    room = room_of(FILENAME)
    cpp = FILENAME ~ /\.(h|cpp)$/
    code = cpp && FILENAME ~ /^(models|src)\//
    if (code && !(room in rank)) say("lies in no room of the house")
  }
  { lines = FNR }
  !cpp { next }
  /^[ \t]*#[ \t]*include[ \t]*"/ { split($0, quoted, "\""); include_rule(quoted[2]); next }
  /^[ \t]*#[ \t]*include[ \t]*<(models|src|tests)\// { say("a file of the repository is included in quotes"); next }
  !code { next }
  { sub(/[ \t]*\/\/.*/, "") }
  room != "models/buffers" && names != "" && ($0 ~ "\"(" names ")\"" || $0 ~ "(^|[^A-Za-z])(" classes ")($|[^A-Za-z])") {
    say("only models/buffers knows a strategy")
  }
  room ~ /^models\// && FILENAME !~ /^models\/base\/agenda\./ && /SC_METHOD|SC_THREAD|SC_CTHREAD|sc_event|sc_spawn|(^|[^_a-z])wait *\(/ {
    say("only the agenda has a process and an event")
  }
  room ~ /^models\// && /_distribution[ <(]|std::(mt19937|random_device|chrono)|<(cmath|math\.h|random|chrono)>|(^|[^a-z_])(rand|srand|gettimeofday|clock_gettime) *\(/ {
    say("no floating-point mathematics, standard distribution or wall clock in the models")
  }
  END { if (lines > 450) print last ":" lines ": longer than 450 lines" }'
)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
