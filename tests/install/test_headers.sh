#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each public header compiles alone, as C and as C++, and libdcpg.so exports exactly what the headers declare.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
cd "$DCPG_SOURCE/include"
strict=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I.)
for header in dcpg/*.h; do
    printf "#include <%s>\nextern int not_empty;\n" "$header" >"$tmp/alone.c"
    cp "$tmp/alone.c" "$tmp/alone.cpp"
    cc -std=c11 -Wstrict-prototypes "${strict[@]}" "$tmp/alone.c" || fail "$header alone, as C"
    ! command -v c++ >/dev/null || c++ -std=c++11 "${strict[@]}" "$tmp/alone.cpp" ||
        fail "$header alone, as C++"
    cat "$tmp/alone.c" >>"$tmp/all.c"
done
command -v c++ >/dev/null || echo 'no C++ compiler: headers not tried as C++'

# What they declare: gcc lists functions with the file of each; variables are declared extern.
cc -std=c11 -I. -aux-info "$tmp/functions" -fsyntax-only "$tmp/all.c"
{
    sed -nE 's!^/\* (\./)?dcpg/[^ ]+:N[CF] \*/ extern [^(]*\b(dcpg_[a-z0-9_]+) \(.*!\2!p' "$tmp/functions"
    sed -nE 's!^(DCPG_API )?extern .*\b(dcpg_[a-z0-9_]+)(\[[^]]*\])?;.*!\2!p
        s!^DCPG_API extern .*\b(dcpg_[a-z0-9_]+)(\[[^]]*\])?;.*!\1!p' dcpg/*.h
} | sort -u >"$tmp/declared"
library=$(find "$DCPG_BUILD" -name 'libdcpg.so' | head -n 1)
nm -D --defined-only "$library" | awk '{ print $3 }' |
    grep -vE '^(__(asan|odr_asan|start|stop)|\.gomp_critical_user_dcpg_)' | sort -u >"$tmp/exported"
[[ $(wc -l <"$tmp/declared") -gt 300 ]] || fail "only $(wc -l <"$tmp/declared") declarations found"
diff "$tmp/declared" "$tmp/exported" >"$tmp/diff" ||
    fail "declared (<) and exported (>) differ: $(cat "$tmp/diff")"

# Inside the library everything has the prefix, too: a static library is linked with other people's names.
static=$(find "$DCPG_BUILD" -name 'libdcpg.a' | head -n 1)
odd=$(nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 { print $3 }' |
    grep -vE '^(dcpg_|\.gomp_critical_user_dcpg_|__(asan|odr_asan|start|stop))' || true)
[[ -z $odd ]] || fail "names without prefix in libdcpg.a: $odd"
number=$(echo '__VALUE__ DCPG_VERSION_NUMBER DCPG_VERSION' | cc -E -P -I. -include dcpg/version.h -xc - |
    sed -n 's/^__VALUE__ //p' | tr -d '"')
[[ $number =~ ^([0-9]+)\ ([0-9]+)\.([0-9]+)\.([0-9]+)$ ]] || fail "version: $number"
[[ ${BASH_REMATCH[1]} == $((BASH_REMATCH[2] * 10000 + BASH_REMATCH[3] * 100 + BASH_REMATCH[4])) ]] ||
    fail "the two forms of the version differ: $number"
echo "$(wc -l <"$tmp/exported") names are declared and exported"
