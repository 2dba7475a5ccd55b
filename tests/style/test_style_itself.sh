#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Proves that test_style.sh sees each kind of fault: it passes on a tiny house in order,
# and fails on every break.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top" "$top.log"' EXIT
mit='/* SPDX-License-Identifier: MIT */'
mkdir -p "$top"/{src/{base,par,kern,nn,io,cmd},include/dcpg,bench}
cp "$here/../../.clang-format" "$top"
cp "$here/../../src/README.md" "$top/src"
cd "$top"
for header in par tree kern; do echo "$mit" >include/dcpg/$header.h; done
printf '%s\n#include <dcpg/tree.h>\n#include <mpi.h>\n' "$mit" >src/par/par.c
printf '%s\n#include "kern/gemm.h"\n#include <stdio.h>\n' "$mit" >src/nn/net.c
printf '%s\n#include <blis.h>\n' "$mit" >src/kern/gemm_blis.c
check() { bash "$here/test_style.sh" "$top" >"$top.log" 2>&1; }
check || { cat "$top.log"; echo "FAIL: a house in order was refused"; exit 1; }

long=$(printf '%0110d' 0) # no break in it, so that clang-format leaves the line as it is
breaks=(
    'src/nn/x.c|#include <mpi.h>'
    'src/base/x.c|  #  include "mpi.h"'
    'include/dcpg/x.h|#include <mpi.h>'
    'src/par/x.c|#include <hdf5.h>'
    'src/kern/x.c|#include <blis.h>'
    'src/nn/x.c|#include <htslib/bgzf.h>'
    'src/nn/x.c|#include "par/comm.h"'
    'src/nn/x.c|#include <dcpg/par.h>'
    'src/par/x.c|#include <dcpg/kern.h>'
    'include/dcpg/net.h|#include <dcpg/par.h>'
    'include/dcpg/unknown.h|'
    'src/base/x.c|#include "cmd/cmd.h"'
    'src/attic/x.c|int x;'
    'src/base/x.c|const char *path = "/home/someone/data";'
    'src/base/x.c|/* TO''DO */'
    'src/base/x.c|/* Bytes behind the end. */'
    'src/base/x.c|/* A letter with B behind ''it. */'
    'src/base/x.c|int PROFILE_DATA;'
    'src/base/x.c|/* No ro''om for 3 bytes. */'
    'include/dcpg/text.h|int run_ro''om;'
    'src/nn/x.c|enum { MIN_RO''OM };'
    'bench/x.c|int make_ro''om(void);'
    'src/base/x.c|/* Ranks are to''ld. */'
    'src/base/x.c|struct files_to''ld;'
    'src/base/x.c|int dcpg_te''ll_all(void);'
    'src/base/x.c|int te''ll_size(void);'
    'src/base/x.c|int must_te''ll;'
    'src/base/x.c|int sa''id;'
    'src/base/x.c|int he''ar(void);'
    'tests/x.py|sa''id = run()'
    'tests/x.py|says_n''ot()'
    'src/base/x.c|int seven(int a, int b, int c, int d, int e, int f, int g);'
    'src/kern/x.c|KERN_VECTOR(static, void, seven, (int a, int b, int c, int d, int e, int f, int g), (a)) {}'
    'src/base/x.c|int nolicence;'
    'bench/par.c|'
    'bench/deep/tree.h|'
    'stray.h5|'
    'docs/x.c|'
    "jobs/x.sh|# $long"
    "bench/CMakeLists.txt|# $long"
)
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    breaks+=('src/base/x.c|int  x ;' "src/base/x.c|/* $long */")
fi
for break in "${breaks[@]}"; do
    file=${break%%|*}
    mkdir -p "$(dirname "$file")"
    first=$mit
    [[ $file == *.[ch] ]] || first='# SPDX-License-Identifier: MIT'
    { [[ $break == *nolicence* ]] || echo "$first"; echo "${break#*|}"; } >"$file"
    if check; then echo "FAIL: not seen: $break"; exit 1; fi
    rm "$file"
    rmdir src/attic 2>/dev/null || true
done

# The table of src/README.md holds the rules: each of these takes away what the house in order needs,
# or adds what there is not.
tables=(
    '/^| .par. /d'
    '/^| .nn. /s/base kern/base/'
    '/^| .par. /s/MPI//'
    '/^| .kern. /s/BLIS/OpenBLAS/'
    '/^| .base. /s/ tree / /'
    '/^| .nn. /s/base kern/& attic/'
    '/^| \x60/d'
)
for table in "${tables[@]}"; do
    sed -i "$table" src/README.md
    if check; then echo "FAIL: not seen in the table of modules: $table"; exit 1; fi
    cp "$here/../../src/README.md" src
done
check || { cat "$top.log"; echo "FAIL: still refused after mending"; exit 1; }
echo "$((${#breaks[@]} + ${#tables[@]})) breaks seen"
