# shellcheck shell=bash
# The one list of Debian packages that building, running and testing need, and how they get here.
#
# To be sourced. Everything is in Debian 12 (main). A package's reason is in docs/.
# The groups fuzz, bench and benchcache are for who configures these presets or runs bench/run.sh; no test needs them.
# shellcheck disable=SC2034  # The lists are read by their group's name.

PACKAGES_build="build-essential cmake ninja-build ccache mold pkg-config git
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-system1.81-dev
  libssl-dev libpcap-dev librocksdb-dev prometheus-cpp-dev libgtest-dev libgmock-dev
  libyaml-cpp-dev libpugixml-dev libcli11-dev libspdlog-dev libfmt-dev libpqxx-dev
  libcurl4-openssl-dev libzstd-dev"
PACKAGES_run="postgresql ipxe curl jq iproute2 procps ca-certificates zstd"
PACKAGES_lab="dnsmasq-base qemu-system-x86 qemu-utils ipxe-qemu ovmf debootstrap busybox-static zstd
  cpio grub-pc-bin grub-efi-amd64-bin grub-common mtools dosfstools e2fsprogs fdisk iproute2"
# node and npm, see packages_of: they may be there without being a package. Debian's node is too old
# for the page, but runs npm, which fetches a newer one (node.sh).
PACKAGES_web=""
PACKAGES_compose="docker.io docker-compose debootstrap iptables python3 curl jq prometheus"
PACKAGES_fuzz="clang-19 libclang-rt-19-dev"   # The presets fuzz and tsan.
PACKAGES_bench="dnsmasq-base iproute2 binutils python3 arp-scan nmap"
# perfdhcp, the ProxyDHCP of bench/pxe.sh, and what the TFTP servers need that it unpacks.
PACKAGES_pxebench="kea-admin dnsmasq-base libwrap0 python3"
PACKAGES_benchcache="nginx-light casync wimtools e2fsprogs openssl curl procps"   # Peers of bench/run.sh cache.
PACKAGES_test="clang-format-14 tftp-hpa atftp udhcpc tshark chromium prometheus faketime slowhttptest shellcheck python3 python3-yaml python3-scapy valgrind nginx-light systemd dbus isc-dhcp-server strace"

# packages_of GROUP: the names of a group, one a line.
packages_of() {
  local name=PACKAGES_$1
  [ -n "${!name+set}" ] || {
    echo "packages: there is no group $1" >&2
    return 1
  }
  # shellcheck disable=SC2086  # The list is to be split.
  printf '%s\n' ${!name}
  if [ "$1" = web ]; then
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
  fi
}

# missing_packages GROUP...: those that dpkg does not have installed.
missing_packages() {
  local group package
  for group in "$@"; do
    packages_of "$group" || return 1
  done | sed '/^$/d' | sort -u | while read -r package; do
    # One a call: dpkg-query's answer for several leaves out the unknown ones.
    # shellcheck disable=SC2016  # ${Status} is for dpkg-query.
    [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] ||
      printf '%s\n' "$package"
  done
}

# ensure_packages GROUP...: installs what is missing. No service of a new package is started, no
# PostgreSQL cluster is made: demo and tests start what they need themselves, and stop it.
ensure_packages() {
  local missing
  missing=$(missing_packages "$@") || return 1
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || {
    echo "packages: root is needed to install: $(echo "$missing" | tr '\n' ' ')" >&2
    return 1
  }
  echo "packages: installing $(echo "$missing" | tr '\n' ' ')"
  if grep -qx 'libboost1.81-dev' <<<"$missing" &&
    dpkg-query -W libboost1.74-dev >/dev/null 2>&1; then
    echo 'packages: Debian lets only one version of Boost be developed with at a time, and 1.74 lacks'
    echo 'packages: what is used here: libboost1.74-dev and what needs it is replaced by 1.81'
  fi
  (
    trap packages_allow_services EXIT
    packages_forbid_services
    export DEBIAN_FRONTEND=noninteractive
    packages_apt update || exit 1
    # shellcheck disable=SC2086  # One word a package.
    packages_apt install -y --no-install-recommends $missing
  )
}

# packages_apt WORDS...: apt-get, quiet unless it fails; waits for another apt to end.
packages_apt() {
  local log
  log=$(mktemp)
  if ! apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
    echo "packages: apt-get $1 failed:" >&2
    tail -n 25 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

POLICY_FILE=/usr/sbin/policy-rc.d
POLICY_MARK='# octofleet: no service starts while packages are installed'
CLUSTER_FILE=/etc/postgresql-common/createcluster.d/octofleet.conf

# policy-rc.d is Debian's way to say so; one that is already there is left as it is.
packages_forbid_services() {
  if [ ! -e "$POLICY_FILE" ]; then
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY_FILE"
    chmod 0755 "$POLICY_FILE"
  fi
  if ! dpkg-query -W postgresql-common >/dev/null 2>&1; then
    mkdir -p "$(dirname "$CLUSTER_FILE")"
    echo 'create_main_cluster = false' >"$CLUSTER_FILE"
  fi
}

packages_allow_services() {
  if grep -qsxF "$POLICY_MARK" "$POLICY_FILE"; then
    rm -f "$POLICY_FILE"
  fi
  rm -f "$CLUSTER_FILE"
}
