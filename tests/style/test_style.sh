#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rules of the house that a grep can see.   test_style.sh [top folder]
# Modules and who may include whom, and third-party headers, as the table of src/README.md says;
# machine paths; shell scripts.
set -uo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1

top_level='(\.ci|\.clang-format|\.git-blame-ignore-revs|\.gitignore|\.shellcheckrc|CMakeLists\.txt'
top_level+='|CMakePresets\.json|LICENSE|[A-Z]+\.md|CITATION\.cff|src|include|jobs|bench|tests|third_party)'
bad=0
fault() { echo "$*"; bad=1; }

# Lines of the form "file:line:header" for every #include below the folders given.
includes() {
    grep -rnoE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' "$@" 2>/dev/null |
        sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]/:/'
}

# only_in header-pattern allowed-file-pattern: the header is included nowhere else in src, include and bench.
only_in() {
    local file line header
    while IFS=: read -r file line header; do
        [[ ! $header =~ $1 || $file =~ $2 ]] || fault "$file:$line: $header does not belong here"
    done < <(includes src include bench)
}
# The table of src/README.md: | `module` | what for | `public headers` | `may include` | `third party` |
declare -A may=() owner=() users=()
known=''
while IFS='|' read -r module headers others parties; do
    known+=" $module"
    may[$module]=$others
    for name in $headers; do owner[$name]=$module; done
    for party in $parties; do users[$party]+="${users[$party]:+|}$module"; done
done < <(sed -nE 's/^\| \x60([a-z]+)\x60 \|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$/\1|\2|\3|\4/p' src/README.md \
    2>/dev/null | tr -d '`')
[[ -n $known ]] || fault 'src/README.md: has no table of modules'
for module in $known; do
    [[ ${may[$module]} != *all* ]] || may[$module]=$known
    for other in ${may[$module]}; do
        [[ -n ${may[$other]+known} ]] || fault "src/README.md: $module may include $other: no such module"
    done
done
# Whole clones only: the house of test_style_itself.sh has a few of them.
if [[ -f src/CMakeLists.txt ]]; then
    for module in $known; do [[ -d src/$module ]] || fault "src/README.md: $module: no such folder"; done
    for name in "${!owner[@]}"; do
        [[ -f include/dcpg/$name.h ]] || fault "src/README.md: $name: no such header in include/dcpg"
    done
fi

declare -A header_of=(
    [MPI]='^mpi\.h$'
    [HDF5]='^hdf5(_hl)?\.h$|^H5.*\.h$'
    [BLIS]='^(blis/)?blis\.h$|^cblas\.h$'
    [htslib]='^htslib/'
    [jansson]='^jansson\.h$'
    [libarchive]='^archive(_entry)?\.h$'
    [libBigWig]='^bigWig\.h$'
    [protobuf-c]='^protobuf-c/|\.pb-c\.h$'
    [zlib]='^zlib\.h$'
)
for party in "${!users[@]}"; do
    [[ -n ${header_of[$party]+known} ]] || fault "src/README.md: $party: no such third party"
done
for party in "${!header_of[@]}"; do
    only_in "${header_of[$party]}" "^src/(${users[$party]-nobody})/|^bench/scaling/smpi/simulated\.c$"
done
only_in "${header_of[BLIS]}" '^src/kern/gemm_blis\.c$'
only_in "${header_of[protobuf-c]}" '^src/train/tensorboard\.c$'

# check_module module files...: whatever they include belongs to the module itself or to one it may use.
check_module() {
    local module=$1 file line header other
    shift
    while IFS=: read -r file line header; do
        case $header in
        dcpg/*) other=$(basename "$header" .h); other=${owner[$other]-} ;;
        */*) other=${header%%/*}; [[ -n ${may[$other]+known} ]] || other='' ;;
        *) other='' ;;
        esac
        [[ -z $other || $other == "$module" || " ${may[$module]} " == *" $other "* ]] ||
            fault "$file:$line: module $module may not include $header of module $other"
    done < <(includes "$@")
}
for folder in src/*/; do
    module=$(basename "$folder")
    if [[ -n ${may[$module]+known} ]]; then
        check_module "$module" "$folder"
    else
        fault "$folder: no such module in the table of src/README.md"
    fi
done
for header in include/dcpg/*.h; do
    module=${owner[$(basename "$header" .h)]-}
    if [[ -n $module ]]; then
        check_module "$module" -H "$header"
    else
        fault "$header: name its module in the table of src/README.md"
    fi
done

# Files under version control (or all, outside a clone).
files() { git ls-files 2>/dev/null || find . -type f -not -path './build/*' | cut -c3-; }
text=$(files | grep -Ev '\.(gz|h5|png|bin)$')
while IFS= read -r line; do
    [[ -z $line ]] || fault "$line: a path of one machine"
done < <(tr '\n' '\0' <<<"$text" |
    xargs -0 grep -nIE '(^|[^[:alnum:]_.}$-])/(work|home|root|Users|scratch)/[[:alnum:]]' 2>/dev/null |
    grep -v '^tests/style/')
while IFS= read -r line; do
    [[ -z $line ]] || fault "$line: unfinished"
done < <(tr '\n' '\0' <<<"$text" | xargs -0 grep -nIwE 'T[O]DO|FIX[M]E|X[X]X' 2>/dev/null)
banned=' behind (the end|it\b)|\bPROFILE_(DATA|SCORES|SUMS|PARTS)\b' # words that were replaced
while IFS= read -r line; do
    fault "$line: a word that the house does not use"
done < <(grep -E '\.[ch]$' <<<"$text" | xargs grep -nE "$banned" /dev/null)
# Space and capacity, report, log, warn, printed: names and comments of programs,
# tests and benchmarks use these words.
banned='\b(\w+_)?(r[o]omy?|t[o]ld|s[a]id|h[e]ard?|says_n[o]t)(_\w+)?\b|\b(\w+_)?t[e]ll_\w|\w_t[e]ll\b'
while IFS= read -r line; do
    fault "$line: a word that the house does not use"
done < <(grep -E '^(src|include|bench|tests)/.*\.([ch]|sh|py)$' <<<"$text" |
    xargs grep -niE "$banned" /dev/null)

# Seven and more parameters are a struct with named fields. `longer` prints "file: function"
# for each function of src and include that has more than six; of the functions of KERN_VECTOR
# it reads the inner list.
longer() {
    awk 'function check(text, file,   group, name) {
             gsub(/\/\*[^*]*\*+([^\/*][^*]*\*+)*\//, " ", text)
             gsub(/"([^"\\\n]|\\.)*"|\047([^\047\\\n]|\\.)+\047/, "0", text)
             gsub(/\\\n/, " ", text)
             gsub(/(^|\n)[ \t]*#[^\n]*/, "\n", text)
             gsub(/KERN_VECTOR\([^,]*,[^,]*,/, "", text)
             gsub(/,[ \n]*\(/, "(", text)
             while (gsub(/\{[^{}]*\}/, ";", text)) continue
             while (match(text, /[A-Za-z_0-9]*[ ]*\([^()]*\)/)) {
                 group = name = substr(text, RSTART, RLENGTH)
                 sub(/[ ]*\(.*/, "", name)
                 if (gsub(/,/, "", group) > 5 && name != "") print file ": " name
                 text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
             }
         }
         FNR == 1 && NR > 1 { check(text, file); text = "" }
         { text = text $0 "\n"; file = FILENAME }
         END { check(text, file) }' "$@"
}
blas='dcpg_gemm gemm' # in the order of BLAS: m, n, k, a, b, beta, c
hdf5='refuse_external' # is called by HDF5
mapfile -t c_files < <(grep -E '^(src|include)/.*\.[ch]$' <<<"$text")
long=$(longer "${c_files[@]}")
while IFS= read -r line; do
    [[ -z $line || " $blas $hdf5 " == *" ${line##* } "* ]] ||
        fault "$line: more than six parameters: give them by a struct"
done <<<"$long"
if [[ -f src/CMakeLists.txt ]]; then # whole clones only
    for name in $blas $hdf5; do
        [[ $long$'\n' == *": $name"$'\n'* ]] ||
            fault "tests/style/test_style.sh: $name has six parameters or fewer: strike it out"
    done
fi

while IFS= read -r file; do
    head -n 2 "$file" | grep -c 'SPDX-License-Identifier: MIT' >/dev/null ||
        fault "$file: no line SPDX-License-Identifier: MIT on top"
done < <(grep -E '\.(c|h|sh|py|sbatch|pbs|cmake|proto)$|CMakeLists\.txt$|^\.ci/run$' <<<"$text")
while IFS= read -r name; do
    fault "$name: the name of two C files"
done < <(grep -E '\.[ch]$' <<<"$text" | sed 's!.*/!!' | sort | uniq -d)
for folder in src/*/; do # what is listed nowhere is not built
    while IFS= read -r file; do
        [[ ! -f $folder/CMakeLists.txt ]] || grep -qE "(^|[ (/])$(basename "$file")([ )]|\$)" \
            "$folder/CMakeLists.txt" || fault "$file: not listed in ${folder}CMakeLists.txt"
    done < <(grep -E "^$folder.*\.c\$" <<<"$text")
done
while IFS= read -r entry; do
    fault "$entry: does not belong on the top level"
done < <(files | cut -d / -f 1 | sort -u | grep -vxE "$top_level" || true)

# The form of C files is that of clang-format 14, Debian 12's; other versions differ in details.
if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
    while IFS= read -r line; do
        fault "$line"
    done < <(grep -E '\.[ch]$' <<<"$text" | xargs clang-format --dry-run -Werror 2>&1 |
        grep -E ':[0-9]+:[0-9]+: error')
    while IFS= read -r line; do
        fault "$line: longer than 110 columns"
    done < <(grep -E '\.[ch]$' <<<"$text" | xargs grep -nE '^.{111}' | cut -c1-100)
else
    echo "clang-format 14 is not installed: the form of C files is not checked"
fi

# But for tables, which are compared as they stand.
while IFS= read -r line; do
    fault "$line: longer than 110 columns"
done < <(grep -E '\.(sh|sbatch|pbs|cmake)$|CMakeLists\.txt$|^\.ci/run$' <<<"$text" |
    xargs grep -nE '^.{111}' /dev/null |
    grep -vP '^tests/[^:]*:[0-9]+:([^#$]*[^ ]   +[^ ]|.*\t)' | cut -c1-100)

if command -v shellcheck >/dev/null; then
    while IFS= read -r script; do
        shellcheck -s bash "$script" || fault "$script: shellcheck complains"
    done < <(grep -E '\.(sh|sbatch|pbs)$|^\.ci/run$' <<<"$text")
else
    echo "shellcheck is not installed: scripts not checked"
fi

[[ $bad == 0 ]] && echo "style: all rules kept"
exit $bad
