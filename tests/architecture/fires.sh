#!/bin/sh
# check.sh must be silent on a small lawful tree and name each violation that is planted in it.
here=$(dirname -- "$(readlink -f -- "$0")")
tree=$(mktemp -d "${TMPDIR:-/tmp}/guestdma architecture.XXXXXX")
trap 'rm -rf -- "$tree"' EXIT
failed=0

lawful() {
  rm -rf -- "$tree"
  mkdir -p "$tree/models/base" "$tree/models/nic" "$tree/models/iommu" "$tree/models/buffers" "$tree/src/system" "$tree/tests/nic"
  printf '#include <cstdint>\nint f();\n' >"$tree/models/base/units.h"
  printf '#include "models/base/units.h"\n// not "vhost-copy", no wait() and no sc_event\n' >"$tree/models/nic/nic.cpp"
  printf 'SC_METHOD(dispatch);\nsc_event event_;\n' >"$tree/models/base/agenda.h"
  printf '#include "models/buffers/strategy.h"\nclass VhostCopy : public Strategy {};\n"vhost-copy"\n' >"$tree/models/buffers/vhost_copy.cpp"
  printf 'struct CopyHeader final : Strategy {\n' >"$tree/models/buffers/copy_header.cpp"
  printf '"guest-side"' | tee "$tree/models/buffers/guest_side.cpp" >"$tree/models/base/other.cpp"
  printf '#include "models/buffers/strategy.h"\n#include "models/nic/nic.h"\n' >"$tree/src/system/system.cpp"
  printf '#include "tests/nic/bench.h"\n#include "models/buffers/vhost_copy.h"\n' >"$tree/tests/nic/nic_test.cpp"
}

# expect FILE TEXT WHAT: FILE with TEXT added is found, and nothing else is.
expect() {
  lawful
  mkdir -p "$(dirname -- "$tree/$1")"
  printf '%b\n' "$2" >>"$tree/$1"
  out=$(sh "$here/check.sh" "$tree") && { echo "not found: $2 in $1"; failed=1; return; }
  case $out in
    *"
"*) echo "more than the planted violation: $out"; failed=1 ;;
    "$1:"*"$3"*) ;;
    *) echo "'$3' expected, found: $out"; failed=1 ;;
  esac
}

lawful
out=$(sh "$here/check.sh" "$tree") || { echo "a lawful tree fails: $out"; failed=1; }

expect models/base/units.h '#include "models/nic/nic.h"' 'models/base is above models/nic'
expect models/nic/nic.cpp '#include "models/host/driver.h"' 'do not know each other'
expect models/nic/nic.cpp '  #  include "src/system/system.h"' 'models never includes src'
expect src/system/system.cpp '#include "src/cli/main.h"' 'src/system is above src/cli'
expect models/nic/nic.cpp '#include "nic.h"' 'written from the root'
expect models/nic/nic.cpp '#include "models/nic/../host/driver.h"' 'without . and ..'
expect models/nic/nic.cpp '#include <models/host/driver.h>' 'in quotes'
expect models/nic/nic.cpp '#include "tests/nic/bench.h"' 'includes a test'
expect models/nic/nic.cpp '#include "models/helpers/all.h"' 'no room of the house'
expect models/helpers/all.h 'int g();' 'lies in no room of the house'
expect src/system/system.cpp '#include "models/buffers/guest_head.h"' 'the door of models/buffers is strategy.h'
expect src/system/system.cpp '#include "models/buffers/passthrough.h"' 'the door of models/buffers is strategy.h'
expect src/system/system.cpp 'if (name == "copy-header") f();' 'only models/buffers knows a strategy'
expect models/nic/nic.cpp 'new VhostCopy(port);' 'only models/buffers knows a strategy'
expect models/nic/nic.cpp 'SC_THREAD(run);' 'only the agenda'
expect models/nic/nic.cpp 'wait(delay);' 'only the agenda'
expect models/nic/nic.cpp '#include <cmath>' 'no floating-point mathematics'
expect models/nic/nic.cpp 'std::uniform_int_distribution<int> d;' 'standard distribution'
expect tests/nic/nic_test.cpp "$(yes '\n' | head -n 460 | tr -d '\n')" 'longer than 450 lines'

exit "$failed"
