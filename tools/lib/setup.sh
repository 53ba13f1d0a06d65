# shellcheck shell=bash disable=SC2154,SC2034
# What tools/run, tools/test and tools/setup share: missing packages, configuring, building, one lock, one log.
# Sourced by bash with `root` set to the clone. Nothing here writes to stdout. Every failure ends in exit 5.
#
# GUESTDMA_TOOL_PATH: where the set-up looks for its tools; the caller's PATH is for the program alone, so that a
# compiler, a cmake or a python3 from elsewhere on it does no harm.

# use_tree NAME: the build tree, below the clone.
use_tree() {
  build=$root/$1
  log=$build/setup.log
  lock=$build/.lock
}
use_tree build
lock_timeout=600   # seconds, for apt's locks
caller_path=$PATH
PATH=${GUESTDMA_TOOL_PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
painter=
child=

say() { printf 'guestdma: %s\n' "$*" >&2; }
progress() { if [ -t 2 ]; then say "$@"; fi; }

die() {
  stop_painter
  say "$@"
  exit 5
}

# fail WHAT: the log's last lines and its path.
fail() {
  stop_painter
  say "$1 failed; the last lines of $log:"
  tail -n 25 "$log" | sed 's/^/  /' >&2
  say "the whole log: $log"
  exit 5
}

stop_painter() {
  if [ -n "$painter" ]; then
    kill "$painter" 2>/dev/null
    wait "$painter" 2>/dev/null
    painter=
    printf '\r%-40s\r' '' >&2
  fi
}

# Shows ninja's last [n/m] while a step runs, on a terminal only.
start_painter() {
  if [ -t 2 ]; then
    while sleep 0.5; do
      printf '\r  %-38s' "$(tail -c 2000 "$log" | grep -ao '^\[[0-9]*/[0-9]*\]' | tail -n 1)" >&2
    done 9>&- &
    painter=$!
  fi
}

interrupted() {
  trap '' INT TERM
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; wait "$child" 2>/dev/null; fi
  stop_painter
  exit "$1"
}

# logged COMMAND...: runs it with its output in the log. The caller's compiler settings stay outside.
logged() {
  printf '+ %s\n' "$*" >>"$log"
  env -u CC -u CXX -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u CPATH -u CPLUS_INCLUDE_PATH -u LIBRARY_PATH \
      -u PKG_CONFIG_PATH -u PKG_CONFIG_LIBDIR -u CMAKE_PREFIX_PATH -u CMAKE_TOOLCHAIN_FILE -u CMAKE_GENERATOR \
      -u CMAKE_BUILD_TYPE -u CMAKE_BUILD_PARALLEL_LEVEL -u CLICOLOR_FORCE -u NINJA_STATUS -u DESTDIR -u MAKEFLAGS \
      LC_ALL=C "$@" </dev/null >>"$log" 2>&1 &
  child=$!
  wait "$child"
  local status=$?
  child=
  return "$status"
}

# Takes the build tree for this call alone, and begins its log.
open_tree() {
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  if ! mkdir -p "$build" 2>/dev/null || ! { : >>"$lock"; } 2>/dev/null; then die "cannot write the build tree $build"; fi
  exec 9>>"$lock"
  if ! flock -n 9; then
    progress "waiting for another call that builds in $build"
    # In the background, so that a signal ends the wait.
    flock 9 & child=$!
    wait "$child" || die "cannot lock $lock"
    child=
  fi
  { : >"$log"; } 2>/dev/null || die "cannot write $log"
}

close_tree() {
  stop_painter
  exec 9>&-
  trap - INT TERM
}

# missing_packages SET...: those of the sets that are not installed, one a line.
missing_packages() {
  local wanted installed set package rest
  wanted=$(while read -r set package rest; do
             case " $* " in *" $set "*) printf '%s\n' "$package" ;; esac
           done <"$root/tools/packages")
  # Names of packages have no spaces. dpkg-query exits 1 where one is unknown; what it prints still holds.
  # shellcheck disable=SC2086
  installed=$(LC_ALL=C dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null)
  for package in $wanted; do
    case "
$installed
" in *"
$package installed
"*) ;; *) printf '%s\n' "$package" ;; esac
  done
}

# install_packages SET...: what is missing of the sets, by apt-get as root or through sudo.
install_packages() {
  command -v dpkg-query >/dev/null || { printf 'no dpkg-query: packages are not checked\n' >>"$log"; return; }
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0

  local as=() apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o "DPkg::Lock::Timeout=$lock_timeout")
  local by_hand="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=$lock_timeout install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "missing packages, and neither root nor sudo to install them. As root:"
      die "$by_hand"
    fi
    if [ -t 2 ]; then as=(sudo); else as=(sudo -n); fi
  fi
  progress "installing ${missing[*]}"
  # `apt-get update` does not wait for the lock on the lists; its other failures are left to the installation to judge.
  local tries=0
  until logged "${as[@]}" "${apt[@]}" update 9>&-; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ] || ! tail -n 3 "$log" | grep -q 'lock'; then break; fi
    sleep 5
  done
  if ! logged "${as[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" 9>&-; then
    say "missing packages could not be installed. As root:"
    say "$by_hand"
    fail "installing packages"
  fi
}

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt" 2>/dev/null; }

# configure TESTS: TESTS is ON, or KEEP for what the tree has (OFF in a new one). Does nothing where all is as wanted.
configure() {
  local tests=$1 new=(-DCMAKE_CXX_COMPILER=g++)
  [ "$tests" = ON ] || tests=$(cached GUESTDMA_TESTS)
  if [ -f "$build/CMakeCache.txt" ]; then
    # A tree that was copied or moved with its clone would build the old clone's files.
    if [ "$(cached CMAKE_HOME_DIRECTORY)" != "$root" ] || [ "$(cached CMAKE_GENERATOR)" != Ninja ]; then
      new+=(--fresh)
    elif [ -f "$build/build.ninja" ] && [ "$(cached CMAKE_BUILD_TYPE)" = Release ] &&
         [ "$(cached GUESTDMA_TESTS)" = "$tests" ] && [ "$(cached GUESTDMA_SANITIZE)" != ON ]; then
      return
    else
      new=()   # a tree keeps its compiler
    fi
  fi
  progress "configuring $build"
  logged cmake "${new[@]}" -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGUESTDMA_SANITIZE=OFF \
         "-DGUESTDMA_TESTS=${tests:-OFF}" || fail configuring
}

# compile TARGET
compile() {
  start_painter
  logged ninja -C "$build" -j "$(nproc)" "$1" || fail building
  stop_painter
}
