#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: install_test.sh CMAKE BUILD_FOLDER SOURCE_FOLDER PREFIX LIBRARY_FOLDER
# Installs BUILD_FOLDER's project into PREFIX, moves it, as packagers do, and builds and runs client.c and client.cpp
# from there: with pkg-config and with find_package, shared and static.
set -eu
cmake=$1 build=$2 source=$3 staged=$4 libdir=$5
prefix=$staged-moved
work=$staged-work
rm -rf "$staged" "$prefix" "$work"
mkdir "$work"

step() { echo "== $*"; }

# run PROGRAM: on the installed library, with nothing of the build folder in reach
run() {
    D3DKMT_BACKEND=loopback LD_LIBRARY_PATH=$prefix/$libdir "$@"
}

step install
"$cmake" --install "$build" --prefix "$staged" >"$work/install.log" ||
    { cat "$work/install.log"; exit 1; }
mv "$staged" "$prefix"

# Nothing may point back to where it was built or installed first.
step "no path of the build is installed"
if grep -rlF -e "$build" -e "$staged/" "$prefix/$libdir/pkgconfig" "$prefix/$libdir/cmake" \
    "$prefix/$libdir/d3dkmt/pkgconfig" \
    "$prefix/include"; then
    echo "the files above name the build folder or the first prefix"
    exit 1
fi
for library in $(find "$prefix/$libdir" -name '*.so'); do
    if readelf -d "$library" | grep -E 'R(UN)?PATH' | grep -F "$build"; then
        echo "$library looks for libraries in the build folder"
        exit 1
    fi
done

export PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig"
# shellcheck disable=SC2086 # flags are lists of words
c_client() {
    "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror $CFLAGS "$source/client.c" -o "$@"
}
# shellcheck disable=SC2086
cxx_client() {
    "$CXX" -std=c++17 -Wall -Wextra -Wpedantic -Werror $CXXFLAGS "$source/client.cpp" -o "$@"
}

step "pkg-config, shared"
# shellcheck disable=SC2046
{
    c_client "$work/c-shared" $(pkg-config --cflags --libs d3dkmt)
    cxx_client "$work/cxx-shared" $(pkg-config --cflags --libs d3dkmt)
    c_client "$work/c-steering" -DCLIENT_STEERS $(pkg-config --cflags --libs d3dkmt-loopback)
}
for program in c-shared cxx-shared c-steering; do
    run "$work/$program"
done

# A static library loads no plug-in: the client brings the simulated host along and registers it.
step "pkg-config, static"
static="-DCLIENT_REGISTERS -DCLIENT_STEERS $(pkg-config --cflags d3dkmt-loopback) -Wl,-Bstatic
    $(pkg-config --static --libs d3dkmt-loopback) -Wl,-Bdynamic"
# shellcheck disable=SC2086
{
    c_client "$work/c-static" $static
    cxx_client "$work/cxx-static" $static
}
for program in c-static cxx-static; do
    if readelf -d "$work/$program" | grep NEEDED | grep d3dkmt; then
        echo "$program still needs a shared library of ours"
        exit 1
    fi
    D3DKMT_BACKEND=loopback "$work/$program"
done

# Microsoft's names: the program is built for them, and finds libdxcore by name in the folder of the links.
step "libdxg.pc"
for name in libdxcore.so libdxg.so libdxg.so.1; do
    [ "$(readlink -f "$prefix/$libdir/d3dkmt/$name")" = "$(readlink -f "$prefix/$libdir/libd3dkmt.so")" ] || {
        echo "$name is not libd3dkmt"
        exit 1
    }
done
if PKG_CONFIG_PATH= pkg-config --exists DirectX-Headers; then
    dxg_flags=$(PKG_CONFIG_PATH="$prefix/$libdir/d3dkmt/pkgconfig" pkg-config --cflags --libs 'libdxg = 1.0.0')
    # shellcheck disable=SC2086
    "$CXX" -std=c++17 -Wall -Wextra -Werror $CXXFLAGS "$source/libdxg_client.cpp" -o "$work/libdxg" $dxg_flags
    D3DKMT_BACKEND=loopback LD_LIBRARY_PATH=$prefix/$libdir:$prefix/$libdir/d3dkmt "$work/libdxg"
else
    echo "DirectX-Headers is not installed: libdxg.pc requires it"
fi

step "find_package"
"$cmake" -S "$source/project" -B "$work/project" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCLIENT_SOURCES="$source" >"$work/project.log" 2>&1 || { cat "$work/project.log"; exit 1; }
"$cmake" --build "$work/project" >>"$work/project.log" 2>&1 || { cat "$work/project.log"; exit 1; }
for program in c-shared cxx-shared c-steering c-static; do
    run "$work/project/client-$program"
done

if [ -x "$prefix/bin/d3dkmt-info" ]; then
    step "d3dkmt-info"
    run "$prefix/bin/d3dkmt-info" >"$work/info.txt"
    grep -q loopback "$work/info.txt"
fi

# Sanitizers' runtimes insist on coming before the shim.
if [ -x "$prefix/bin/d3dkmt-run" ] && [ -z "$CFLAGS" ]; then
    step "d3dkmt-run with a profile that came along"
    LD_LIBRARY_PATH=$prefix/$libdir "$prefix/bin/d3dkmt-run" --profile intel-tgl -- "$prefix/bin/d3dkmt-info" >"$work/run.txt"
    grep -q 'backend *dxg' "$work/run.txt"
    grep -q 'Intel(R) Iris(R) Xe Graphics' "$work/run.txt"
    store=$(sed -n 's/^ *driver store *//p' "$work/run.txt")
    [ "$store" = "$(readlink -f "$prefix/$libdir")/d3dkmt/driver-store/intel" ]
    [ -e "$store/libwsl_compute_helper.so" ]
    LD_LIBRARY_PATH=$prefix/$libdir "$prefix/bin/d3dkmt-run" --shared --profile intel-tgl -- "$prefix/bin/d3dkmt-info" |
        grep -q 'Intel(R) Iris(R) Xe Graphics'
fi
