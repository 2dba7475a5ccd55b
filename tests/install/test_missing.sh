#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configuring without one of the third parties ends with a sentence that names it and the remedy.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

while read -r package name; do
    rm -rf "$tmp/build"
    if cmake -S "$DCPG_SOURCE" -B "$tmp/build" -DCMAKE_DISABLE_FIND_PACKAGE_"$package"=ON >"$tmp/log" \
        2>&1; then
        echo "FAIL: configured without $package"
        exit 1
    fi
    printed=$(tr -s ' \n' ' ' <"$tmp/log")
    wanted=" $name is missing: run 'bash third_party/install.sh', or 'module load "
    if [[ $printed != *"$wanted"*" on a cluster"* ]]; then
        cat "$tmp/log"
        echo "FAIL: no clear sentence without $package"
        exit 1
    fi
done <<'END'
MPI MPI
OpenMP OpenMP
DcpgHDF5 parallel HDF5
DcpgBLIS BLIS (OpenMP build)
DcpgHtslib htslib
DcpgJansson jansson
ZLIB zlib
DcpgCmocka cmocka
END
