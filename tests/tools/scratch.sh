# shellcheck shell=bash
# A scratch clone on a path with spaces, with fakes of the tools that would change the machine.
# clone: the clone; calls: what apt-get and sudo were called with; missing: packages that dpkg-query does not find.

source_root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guestdma tools.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
clone=$scratch/a\ clone
calls=$scratch/calls
missing=$scratch/missing
uid=$scratch/uid
fakes=$scratch/bin
mkdir -p "$clone/tools" "$clone/.ci" "$fakes"
cp -R "$source_root"/tools/{run,test,fast,setup,packages,lib} "$clone/tools/"
cp "$source_root/.ci/run" "$clone/.ci/"
touch "$calls" "$missing"
echo 0 >"$uid"
unset NO_COLOR CXX CMAKE_GENERATOR

# What the scripts and the dummy project use, and nothing of the machine's apt, dpkg or sudo.
ln -s /usr/bin/{basename,bash,cat,chmod,cmake,cp,ctest,dirname,env,find,flock,grep,mkdir,ninja,nproc,readlink,rm,sed,sh,sleep,tail,test,touch,true} "$fakes/"
fake() {
  rm -f "$fakes/$1"
  { echo '#!/bin/bash'; cat; } >"$fakes/$1"
  chmod +x "$fakes/$1"
}
fake dpkg-query <<END
known=0
for name in "\${@:3}"; do
  if grep -qxF "\$name" "$missing"; then known=1; else echo "\$name installed"; fi
done
exit \$known
END
fake apt-get <<END
echo "apt-get \$* [\$DEBIAN_FRONTEND]" >>"$calls"
case " \$* " in *" install "*) : >"$missing" ;; esac
END
fake sudo <<END
echo "sudo \$1" >>"$calls"
[ "\$1" != -n ] || shift
exec "\$@"
END
fake id <<END
cat "$uid"
END
export GUESTDMA_TOOL_PATH=$fakes

# The project: the program is a shell script, built by copying.
cat >"$clone/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(dummy LANGUAGES NONE)
option(GUESTDMA_TESTS "" ON)
set(GUESTDMA_PROFILE "" CACHE STRING "")
file(CONFIGURE OUTPUT profile CONTENT "@GUESTDMA_PROFILE@" @ONLY)
add_custom_command(OUTPUT stamp DEPENDS program.sh "${PROJECT_BINARY_DIR}/profile"
  COMMAND sh "${PROJECT_SOURCE_DIR}/build.sh" "${PROJECT_SOURCE_DIR}" bin/guestdma
  COMMAND "${CMAKE_COMMAND}" -E touch stamp VERBATIM)
add_custom_target(guestdma ALL DEPENDS stamp)
if(GUESTDMA_TESTS)
  enable_testing()
  add_test(NAME first COMMAND true)
  add_test(NAME second COMMAND test ! -e "${PROJECT_SOURCE_DIR}/second-fails")
endif()
END
cat >"$clone/build.sh" <<'END'
set -e
echo "noise of the build"
mkdir -p bin
cp "$1/program.sh" "$2"
chmod +x "$2"
echo built >>"$1/builds"
END
cat >"$clone/program.sh" <<'END'
#!/bin/bash
case $1 in
  show) printf '%s\n' "${@:2}" ;;
  exit) exit "$2" ;;
  fidelity) echo "measured against $2"; exit "$(cat fidelity-exit 2>/dev/null || echo 0)" ;;
  compare) echo "compared $2"; exit "$(cat compare-exit 2>/dev/null || echo 0)" ;;
  pwd) pwd -P ;;
  path) echo "$PATH" ;;
  cat) cat ;;
  run) echo "$2" >>"$(dirname -- "$0")/../trained"; exit 1 ;;
  bench) echo bench >>"$(dirname -- "$0")/../trained"; exit "$(cat bench-exit 2>/dev/null || echo 0)" ;;
  sleep) touch "$3"; exec sleep "$2" ;;
esac
END

# gd COMMAND...: runs it; status, out and err hold its outcome.
gd() {
  "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  out=$(cat "$scratch/out")
  err=$(cat "$scratch/err")
}
wrong() {
  printf 'failed: %s\n--- status %s\n--- stdout\n%s\n--- stderr\n%s\n--- calls\n%s\n' "$1" "$status" "$out" "$err" "$(cat "$calls")"
  exit 1
}
status_is() { [ "$status" = "$1" ] || wrong "exit code $1 expected"; }
out_is() { [ "$out" = "$1" ] || wrong "stdout '$1' expected"; }
err_is() { [ "$err" = "$1" ] || wrong "stderr '$1' expected"; }
err_has() { case $err in *"$1"*) ;; *) wrong "stderr with '$1' expected" ;; esac; }
calls_are() { [ "$(cat "$calls")" = "$1" ] || wrong "these calls expected:
$1"; }
