#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what dcpg is built from.   bash third_party/install.sh [--tests|--mpich|--browser]
# --tests: also what tests use. --browser: Chromium alone, for a long test.
# --mpich: MPICH and its HDF5 beside Open MPI's (-DMPI_C_COMPILER=mpicc.mpich); which MPI mpicc and mpirun
# are stays.
# Debian and Ubuntu: from the distribution, as root or through sudo; only what is missing. Elsewhere it
# says what to load or to ask for.
# Exits with 0 when everything needed is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages=(gcc libc6-dev make cmake libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libblis-openmp-dev
    libhts-dev libjansson-dev zlib1g-dev
    libbigwig-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler libcmocka-dev)
test_packages=(git clang-format pkg-config python3 python3-numpy python3-h5py python3-sklearn
    shellcheck procps iproute2)
test_packages+=(libsimgrid-dev) # clusters of bench/scaling/smpi
test_packages+=(slurmctld slurmd slurm-client munge) # clusters of tests/cluster

case ${1-} in
'') ;;
--tests) packages+=("${test_packages[@]}") ;;
--mpich) packages=(mpich libmpich-dev libhdf5-mpich-dev) ;;
--browser) packages=(chromium chromium-driver) ;;
*) echo "usage: bash third_party/install.sh [--tests|--mpich|--browser]" >&2; exit 2 ;;
esac

say() { printf 'install: %s\n' "$*"; }

# Packages of the list that dpkg does not know as installed.
missing() {
    local p
    for p in "${packages[@]}"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || echo "$p"
    done
}

# Runs apt-get as root, quietly; what it said is shown when it fails.
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get \
        -q -y -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1
}

install_with_apt() {
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # Package lists may be absent or old: fetch them only when the first try fails.
    if apt_get install --no-install-recommends "${todo[@]}"; then return; fi
    if apt_get update && apt_get install --no-install-recommends "${todo[@]}"; then return; fi
    tail -n 20 "$log" >&2
    say "apt-get failed, see above" >&2
    exit 1
}

# The truth on machines with modules: does configuring find everything?
configures() {
    command -v cmake >/dev/null || { echo "cmake is missing."; return 1; }
    local probe status=0
    probe=$(mktemp -d)
    cmake -S "$here/.." -B "$probe" >"$probe/log" 2>&1 || status=1
    grep -E 'is missing|No CMAKE_C_COMPILER|could not find' "$probe/log" || true
    rm -rf "$probe"
    return $status
}

todo=()
if command -v dpkg-query >/dev/null; then
    mapfile -t todo < <(missing)
    if [[ ${#todo[@]} == 0 ]]; then
        say "everything is there"
        exit 0
    fi
    as_root=(env)
    if [[ $(id -u) != 0 ]]; then as_root=(sudo -n); fi
    if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
        say "installing ${todo[*]}"
        install_with_apt
        exit 0
    fi
fi

if [[ ${1-} == --mpich ]]; then
    say "MPICH is installed on Debian and Ubuntu alone, as root or through sudo; missing: ${todo[*]:-MPICH}" \
        >&2
    exit 1
fi
if found=$(configures); then
    say "not root, but the build finds all it needs" \
        "${todo[*]:+; tests that use one of these may skip: ${todo[*]}}"
    exit 0
fi
cat <<END
install: something is missing and this is neither root nor sudo on Debian or Ubuntu.
${found:-cmake does not configure.}

On a cluster, load modules like these (names differ; 'module avail' or 'module spider' lists yours)
and configure again:
    module load gcc cmake openmpi hdf5-parallel blis htslib jansson zlib
HDF5 must be built with MPI, by the MPI that is loaded. What lies elsewhere is found through
CMAKE_PREFIX_PATH:
    export CMAKE_PREFIX_PATH=/path/to/blis:/path/to/htslib:/path/to/jansson
Tests also need cmocka; leave them out with -DDCPG_TESTS=OFF.
END
if [[ ${#todo[@]} != 0 ]]; then
    cat <<END

Or ask the administrator of this machine to run:
    apt-get install --no-install-recommends ${todo[*]}
END
fi
exit 1
