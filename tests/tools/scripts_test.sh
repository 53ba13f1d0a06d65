#!/bin/bash
# scripts_test.sh CASE: one case of the behaviour of tools/run, tools/test, tools/fast and tools/setup.
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scratch.sh"

flags='-o DPkg::Lock::Timeout=600'
by_hand="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get $flags install -y --no-install-recommends"

as_the_program() {
  gd "$clone/tools/run" show 'two words' '' '*' --x
  status_is 0; out_is $'two words\n\n*\n--x'; err_is ''
  gd "$clone/tools/run" exit 7
  status_is 7; out_is ''; err_is ''
  mkdir "$scratch/else where"; cd "$scratch/else where" || exit 1
  gd "$clone/tools/run" pwd
  out_is "$scratch/else where"
  gd bash -c 'echo input | "$1" cat' - "$clone/tools/run"
  out_is input
  PATH=$PATH:/nowhere gd "$clone/tools/run" path
  out_is "$PATH:/nowhere"
}

reaches_the_program() {   # a relative path, and a symbolic link from elsewhere
  cd "$scratch" || exit 1
  gd './a clone/tools/run' show relative
  out_is relative
  ln -s "$clone/tools/run" "$scratch/link"
  gd ./link show linked
  out_is linked
  gd ./link pwd
  out_is "$scratch"
}

second_call_builds_nothing() {
  gd "$clone/tools/run"
  gd "$clone/tools/run" show x
  out_is x
  grep -q '+ cmake' "$clone/build/setup.log" && wrong 'the second call configured again'
  [ "$(cat "$clone/builds")" = built ] || wrong 'one build expected'
  sleep 0.01; touch "$clone/program.sh"
  gd "$clone/tools/run" show x
  [ "$(cat "$clone/builds")" = $'built\nbuilt' ] || wrong 'a second build expected after a change'
}

one_document_on_stdout() {   # on the first call, with packages to install and everything to build
  echo g++ >"$missing"
  gd "$clone/tools/run" show '{}'
  status_is 0; out_is '{}'; err_is ''
}

foreign_environment() {   # another cmake on the caller's PATH, another compiler and generator in his environment
  mkdir "$scratch/foreign"
  printf '#!/bin/sh\nexit 1\n' | tee "$scratch/foreign/cmake" "$scratch/foreign/ninja" >"$scratch/foreign/python3"
  chmod +x "$scratch/foreign/"*
  PATH=$scratch/foreign:$PATH CXX=/nowhere CMAKE_GENERATOR=Nothing CMAKE_TOOLCHAIN_FILE=/nowhere \
    gd "$clone/tools/run" show fine
  status_is 0; out_is fine
}

fast_counts_between_two_builds() {
  cd "$scratch" || exit 1
  mkdir "$clone/scenarios"
  touch "$clone/scenarios/b c.json" "$clone/scenarios/a.json"
  gd "$clone/tools/fast"
  status_is 0; out_is ''; err_has "built $clone/build-fast/bin/guestdma"
  [ "$(cat "$clone/builds")" = $'built\nbuilt' ] || wrong 'two builds expected'
  [ "$(cat "$clone/build-fast/trained")" = "$clone/scenarios/a.json"$'\n'"$clone/scenarios/b c.json"$'\nbench' ] ||
    wrong 'a run of each scenario and a bench expected, whatever the runs end with'
  [ "$(cat "$clone/build-fast/profile")" = apply ] || wrong 'a program compiled for the counts expected'
  gd "$clone/tools/fast"
  status_is 0; err_has 'nothing has changed'
  [ "$(cat "$clone/builds")" = $'built\nbuilt' ] || wrong 'nothing to build expected'
  [ ! -e "$clone/build" ] || wrong 'the tree of run was touched'
  sleep 0.01; touch "$clone/program.sh"
  echo 3 >"$scratch/bench-exit"
  gd "$clone/tools/fast"
  status_is 5; err_has 'the run that is counted failed'
  rm "$scratch/bench-exit"
  gd "$clone/tools/fast"     # what was left half done is done anew
  status_is 0; err_has "built $clone/build-fast/bin/guestdma"
  [ "$(cat "$clone/build-fast/profile")" = apply ] || wrong 'a program compiled for the counts expected'
}

nothing_missing_no_apt() {
  echo 1000 >"$uid"
  gd "$clone/tools/run" show x
  status_is 0; calls_are ''
  gd "$clone/tools/setup" extra
  status_is 0; calls_are ''
}

root_installs() {
  printf 'cmake\nlibgtest-dev\nlibpcap0.8-dev\n' >"$missing"
  gd "$clone/tools/run" show x   # libgtest-dev is not of the set run
  status_is 0; out_is x
  calls_are "apt-get $flags update [noninteractive]
apt-get $flags install -y --no-install-recommends cmake libpcap0.8-dev [noninteractive]"
}

user_with_sudo() {   # without a terminal: never asks
  echo 1000 >"$uid"; echo ninja-build >"$missing"
  gd "$clone/tools/run" show x
  status_is 0; out_is x
  calls_are "sudo -n
apt-get $flags update [noninteractive]
sudo -n
apt-get $flags install -y --no-install-recommends ninja-build [noninteractive]"
}

user_without_sudo() {
  echo 1000 >"$uid"; printf 'g++\ncmake\n' >"$missing"; rm "$fakes/sudo"
  gd "$clone/tools/run" show x
  status_is 5; out_is ''; err_has "$by_hand g++ cmake"; calls_are ''
}

sudo_refuses() {
  echo 1000 >"$uid"; echo g++ >"$missing"
  fake sudo <<<'echo "sudo: a password is required" >&2; exit 1'
  gd "$clone/tools/run" show x
  status_is 5; out_is ''; err_has "$by_hand g++"; err_has 'a password is required'
}

apt_fails() {
  echo g++ >"$missing"
  fake apt-get <<<'echo "E: Unable to locate package $*"; exit 100'
  gd "$clone/tools/test"
  status_is 5; out_is ''; err_has 'Unable to locate package'; err_has "$clone/build/setup.log"
}

build_fails() {
  echo 'echo "program.sh:3: error: it does not compile"; exit 1' >"$clone/build.sh"
  gd "$clone/tools/run" show x
  status_is 5; out_is ''; err_has 'error: it does not compile'; err_has "the whole log: $clone/build/setup.log"
  gd "$clone/tools/test"
  status_is 5; out_is ''; err_has 'error: it does not compile'
}

configure_fails() {
  echo 'message(FATAL_ERROR "no such library")' >>"$clone/CMakeLists.txt"
  gd "$clone/tools/run" show x
  status_is 5; out_is ''; err_has 'no such library'
  sed -i '$d' "$clone/CMakeLists.txt"
  gd "$clone/tools/run" show mended
  status_is 0; out_is mended
}

build_tree_not_writable() {
  touch "$clone/build"   # a file in its place; root could write into any folder
  gd "$clone/tools/run" show x
  status_is 5; out_is ''; err_has "cannot write the build tree $clone/build"
}

one_build_at_a_time() {
  cat >>"$clone/CMakeLists.txt" <<'END'
add_custom_target(slow COMMAND sh -c "echo begin >>log; sleep 0.3; echo end >>log" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" VERBATIM)
add_dependencies(guestdma slow)
END
  "$clone/tools/run" & "$clone/tools/run" & "$clone/tools/run" &
  wait
  [ "$(cat "$clone/log")" = $'begin\nend\nbegin\nend\nbegin\nend' ] || wrong "builds overlapped: $(cat "$clone/log")"
}

running_program_holds_no_lock() {
  gd "$clone/tools/run"
  "$clone/tools/run" sleep 20 "$scratch/runs" & local program=$!
  for _ in {1..200}; do [ -e "$scratch/runs" ] && break; sleep 0.05; done
  gd timeout 10 "$clone/tools/run" show x
  kill "$program"
  status_is 0; out_is x
}

moved_clone() {
  gd "$clone/tools/run"
  mv "$clone" "$scratch/moved"
  sed -i 's/show)/show) echo moved;/' "$scratch/moved/program.sh"
  gd "$scratch/moved/tools/run" show x
  status_is 0; out_is $'moved\nx'
  [ ! -e "$clone" ] || wrong 'something was written to the old place'
}

terminated_while_building() {
  printf 'touch "$1/building"; sleep 30\n' >"$clone/build.sh"
  "$clone/tools/run" & local caller=$!
  for _ in {1..200}; do [ -e "$clone/building" ] && break; sleep 0.05; done
  kill -TERM "$caller"
  wait "$caller"; status=$?
  status_is 143
  printf 'cp "$1/program.sh" "$2"; chmod +x "$2"\n' >"$clone/build.sh"; mkdir -p "$clone/build/bin"
  gd timeout 10 "$clone/tools/run" show again
  status_is 0; out_is again
}

test_runs_all() {
  gd "$clone/tools/test"
  status_is 0
  case $out in *'100% tests passed, 0 tests failed out of 2'*) ;; *) wrong 'two tests passed expected' ;; esac
  touch "$clone/second-fails"
  gd "$clone/tools/test"
  status_is 8
  gd "$clone/tools/test" -R first   # options go to ctest
  status_is 0
}

test_after_run() {   # one tree: the program is built once
  gd "$clone/tools/run"
  gd "$clone/tools/test"
  status_is 0
  gd "$clone/tools/run" show x
  out_is x
  grep -q '+ cmake' "$clone/build/setup.log" && wrong 'run configured the tree of test again'
  [ "$(cat "$clone/builds")" = built ] || wrong 'one build expected'
}

ci_run() {   # all are called whatever the first says, and each makes it fail
  printf '#!/bin/sh\necho "fitted: $*"\nexit "$(cat calibrate-exit 2>/dev/null || echo 0)"\n' >"$clone/tools/calibrate"
  printf '#!/bin/sh\necho "baselines: $*"\nexit "$(cat baselines-exit 2>/dev/null || echo 0)"\n' >"$clone/tools/baselines"
  mkdir -p "$clone/tests/robust" "$clone/tests/numbers"
  printf '#!/bin/sh\necho "steps: $*"\nexit "$(cat steps-exit 2>/dev/null || echo 0)"\n' >"$clone/tests/numbers/steps.py"
  printf '#!/bin/sh\necho "random: $*"\nexit "$(cat random-exit 2>/dev/null || echo 0)"\n' >"$clone/tests/robust/random_scenarios.py"
  chmod +x "$clone/tools/calibrate" "$clone/tools/baselines" "$clone/tests/robust/random_scenarios.py" "$clone/tests/numbers/steps.py"
  gd bash "$clone/.ci/run"
  status_is 0
  case $out in *'100% tests passed, 0 tests failed out of 2'*'compared scenarios/quickstart.json'*'measured against scenarios/fidelity/points.json'*) ;; *) wrong 'closing lines, comparison and points expected' ;; esac
  [ -s "$clone/build/ci/tests.xml" ] || wrong 'the tests for CI systems'
  # The others count from here on: what they build is built, and what they call says how it ended.
  mv "$clone/tools/test" "$clone/tools/run" "$clone/tools/fast" "$scratch/"
  for tool in test fast; do printf '#!/bin/sh\n' >"$clone/tools/$tool"; done
  printf '#!/bin/sh\nexec build/bin/guestdma "$@"\n' >"$clone/tools/run"
  chmod +x "$clone"/tools/{test,run,fast}
  echo 4 >"$clone/compare-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'measured against'*) ;; *) wrong 'the points expected' ;; esac
  rm "$clone/compare-exit"; echo 1 >"$clone/fidelity-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  rm "$clone/fidelity-exit"; echo 1 >"$clone/calibrate-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'fitted: --check'*) ;; *) wrong 'the check of the fitted parameters expected' ;; esac
  rm "$clone/calibrate-exit"; echo 1 >"$clone/steps-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  rm "$clone/steps-exit"; echo 4 >"$clone/baselines-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'baselines: --junit build/ci/baselines.xml'*'baselines: exit 4'*) ;; *) wrong 'the baselines expected' ;; esac
  grep -q 'baselines: exit 4' "$clone/build/ci/summary.md" || wrong 'a summary for CI systems'
  rm "$clone/baselines-exit"; echo 1 >"$clone/random-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'random: build/bin/guestdma . --count 200'*) ;; *) wrong 'random scenarios expected' ;; esac
  case $out in *'baselines: --junit build/ci/fast.xml'*) ;; *) wrong 'the baselines of the fast program expected' ;; esac
  rm "$clone/random-exit"; echo 1 >"$clone/bench-exit"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'fast: exit 1'*) ;; *) wrong 'the fast program expected' ;; esac
  rm "$clone/bench-exit"; touch "$clone/second-fails"
  cp "$scratch/test" "$clone/tools/test"
  gd bash "$clone/.ci/run"
  status_is 1
  case $out in *'1 tests failed out of 2'*'second'*'compared scenarios/quickstart.json'*) ;; *) wrong 'the failed test and the comparison expected' ;; esac
}

setup_sets() {
  printf 'clang\nlibgtest-dev\ncmake\n' >"$missing"
  gd "$clone/tools/setup" extra
  status_is 0
  calls_are "apt-get $flags update [noninteractive]
apt-get $flags install -y --no-install-recommends clang [noninteractive]"
  gd "$clone/tools/setup" everything
  status_is 2; err_has "unknown set 'everything'; the sets are run, test, extra"
}

packages_are_known() {   # the file has three sets and no package twice
  [ "$(grep -v '^#' "$source_root/tools/packages" | awk '{print $1}' | uniq | xargs)" = 'run test extra' ] || wrong 'sets'
  [ -z "$(grep -v '^#' "$source_root/tools/packages" | awk '{print $2}' | sort | uniq -d)" ] || wrong 'a package twice'
}

status='' out='' err=''
case $(type -t "${1:-}") in
  function) "$1" ;;
  *) echo "unknown case '${1:-}'"; exit 2 ;;
esac
exit 0
