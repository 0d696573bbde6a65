#!/bin/sh
# SPDX-License-Identifier: MIT
# headers_test.sh COMPILER LANGUAGE STANDARD INCLUDE-DIRECTORY
#
# Compiles every public header in a translation unit of its own: alone, twice, with winadapter.h
# before and behind it (as wsl/winadapter.h, and "own": from the include path of a program that
# brings it along) and, in C++, inside of extern "C". Exit status 77 if the compiler is not there.
set -eu

compiler=$1
language=$2
standard=$3
include=$4

command -v "$compiler" >/dev/null || exit 77

warnings='-Wall -Wextra -Wpedantic -Werror'
stubs=/usr/include/wsl/stubs
contexts='alone twice'
if [ "$language" = c++ ]; then
    contexts="$contexts extern"
fi
if [ -e "$stubs/unknwn.h" ]; then
    contexts="$contexts after before own-after own-before"
    if [ "$language" = c++ ]; then
        contexts="$contexts extern-before"
    fi
else
    echo 'wsl/winadapter.h is not installed: compiling without it only'
fi

translation_unit() { # CONTEXT HEADER
    case $1 in
    alone) printf '#include <%s>\n' "$2" ;;
    twice) printf '#include <%s>\n#include <%s>\n' "$2" "$2" ;;
    after) printf '#include <wsl/winadapter.h>\n#include <%s>\n' "$2" ;;
    before) printf '#include <%s>\n#include <wsl/winadapter.h>\n' "$2" ;;
    own-after) printf '#include <winadapter.h>\n#include <%s>\n' "$2" ;;
    own-before) printf '#include <%s>\n#include <winadapter.h>\n' "$2" ;;
    extern) printf 'extern "C" {\n#include <%s>\n}\n' "$2" ;;
    extern-before) printf 'extern "C" {\n#include <%s>\n}\n#include <wsl/winadapter.h>\n' "$2" ;;
    esac
    # A translation unit must declare something.
    echo 'extern int headers_test;'
}

compile() { # CONTEXT HEADER
    flags=
    case $1 in
    after | before | extern-before) flags="-isystem $stubs" ;;
    own-after | own-before) flags="-I${stubs%/stubs} -isystem $stubs" ;;
    esac
    translation_unit "$1" "$2" |
        "$compiler" -x "$language" -std="$standard" $warnings $flags -I"$include" -fsyntax-only -
}

failed=0
compiled=0
for path in "$include"/d3dkmt/*.h "$include"/d3dkmt/wddm/*.h "$include"/d3dkmt/dxg/*.h; do
    header=${path#"$include"/}
    case $header in
    # The halves of a bracket: they are no headers of their own.
    */wddm/begin.h | */wddm/end.h) continue ;;
    esac
    for context in $contexts; do
        compiled=$((compiled + 1))
        compile "$context" "$header" || {
            echo "FAILED: $header, $context"
            failed=$((failed + 1))
        }
    done
done
echo "$compiled translation units compiled by $compiler -std=$standard, $failed failed"
[ "$failed" -eq 0 ]
