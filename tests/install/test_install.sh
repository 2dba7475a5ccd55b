#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake --install leaves something others can build on, from any prefix: moved after installing,
# with a space in its path.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if grep -q '^DCPG_SANITIZE:BOOL=ON' "$DCPG_BUILD/CMakeCache.txt"; then
    echo "skipped: a sanitized library needs a sanitized consumer"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

cmake --install "$DCPG_BUILD" --prefix "$tmp/first" >/dev/null
prefix="$tmp/any where"
mv "$tmp/first" "$prefix"
[[ -x $prefix/bin/dcpg ]] || fail "no bin/dcpg"
"$prefix/bin/dcpg" --help >/dev/null || fail "bin/dcpg --help"

mkdir "$tmp/src"
cp "$here/consumer.c" "$tmp/src"
cat >"$tmp/src/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.21)
project(consumer C)
find_package(dcpg REQUIRED COMPONENTS static)
foreach(kind dcpg dcpg_static)
  add_executable(with_${kind} consumer.c)
  target_link_libraries(with_${kind} dcpg::${kind})
endforeach()
END
build() { cmake -S "$tmp/src" -B "$tmp/build" -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$tmp/build"; }
build >"$tmp/log" 2>&1 || { cat "$tmp/log"; fail "a CMake project does not build"; }
for kind in dcpg dcpg_static; do "$tmp/build/with_$kind" || fail "dcpg::$kind computes nonsense"; done

if ! command -v pkg-config >/dev/null; then
    echo "pkg-config is not installed: dcpg.pc not tried"
    exit 0
fi
mv "$prefix" "$tmp/plain" # what pkg-config prints is split at spaces
pc=$(find "$tmp/plain" -name dcpg.pc)
export PKG_CONFIG_PATH=${pc%/*}
libs=${pc%/pkgconfig/*}
# shellcheck disable=SC2046 # words are what pkg-config prints
cc "$here/consumer.c" $(pkg-config --cflags --libs dcpg) -o "$tmp/shared" || fail "pkg-config"
LD_LIBRARY_PATH=$libs "$tmp/shared" || fail "pkg-config, the program"
rm "$libs"/libdcpg.so*
# shellcheck disable=SC2046
cc "$here/consumer.c" $(pkg-config --static --cflags --libs dcpg) -o "$tmp/static" ||
    fail "pkg-config --static"
"$tmp/static" || fail "pkg-config --static, the program"
