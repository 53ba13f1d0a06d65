#!/bin/bash
# install_test.sh BUILD: the installed program works outside the clone, with what was installed beside it.
build=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/guestdma install.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
prefix=$scratch/a\ prefix
wrong() { printf 'failed: %s\n' "$1"; exit 1; }

cmake --install "$build" --prefix "$prefix" >/dev/null || wrong 'cmake --install'
for file in bin/guestdma share/guestdma/scenarios/quickstart.json share/guestdma/scenarios/schema/scenario.schema.json \
            share/guestdma/tools/plot share/man/man1/guestdma.1 share/bash-completion/completions/guestdma \
            share/doc/guestdma/README.md share/doc/guestdma/LICENSE share/doc/guestdma/THIRD_PARTY; do
  [ -f "$prefix/$file" ] || wrong "$file is not installed"
done
[ -x "$prefix/share/guestdma/tools/plot" ] || wrong 'tools/plot is not executable'
"$prefix/share/guestdma/tools/plot" --help >"$scratch/help" && grep -q comparison "$scratch/help" || wrong 'the installed tools/plot does not run'
[ -z "$(find "$prefix" -name '*.pyc')" ] || wrong 'tools/plot leaves files where it is installed'

mkdir "$scratch/elsewhere" && cd "$scratch/elsewhere" || exit 1
# A scenario that is only in the installed folder shows which folder the program looks into.
cp "$prefix/share/guestdma/scenarios/quickstart.json" "$prefix/share/guestdma/scenarios/only-here.json"
"$prefix/bin/guestdma" list scenarios | grep -q only-here || wrong 'the installed scenarios are not those that are listed'
"$prefix/bin/guestdma" validate "$prefix"/share/guestdma/scenarios/*.json || wrong 'an installed scenario is not valid'
printf '{"version": 1, "extends": "only-here.json"}\n' >mine.json
"$prefix/bin/guestdma" validate mine.json || wrong 'extends does not look into the installed folder'
exit 0
