#!/bin/bash
# Prepares a fresh Debian 12 machine: packages, hugepages, a build. Does only what is missing, so a
# second run is quick and needs no network.
#   scripts/setup.sh [run | test | dev]     test adds what the tests use, dev clang-tidy, gcovr
#   MAYFLY_HUGEPAGES=never                   leaves the machine's hugepages alone
source "$(dirname "$0")/common.sh"

packages_for() {
  echo g++ meson ninja-build pkg-config ccache python3 \
    libdpdk-dev libyaml-cpp-dev libcli11-dev libfmt-dev nlohmann-json3-dev \
    libcpp-httplib-dev libspdlog-dev prometheus-cpp-dev libncurses-dev zlib1g-dev libb64-dev \
    libpcap-dev libcap-dev libbpf-dev libsystemd-dev libutfcpp-dev scdoc node-llhttp libjs-dygraphs
  [ "$1" = run ] && return
  echo libgtest-dev libgmock-dev libbenchmark-dev iproute2 ethtool curl wrk apache2-utils bird2 \
    nginx-light nftables tcpdump tshark clang-format python3-pytest python3-scapy python3-yaml \
    python3-prometheus-client chromium clang libclang-rt-14-dev valgrind lintian dpkg-dev \
    python3-jsonschema
  [ "$1" = test ] && return
  echo clang-tidy gcovr
}

missing_packages() {
  local package
  for package in $(packages_for "$1"); do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      echo "$package"
  done
}

# Debian starts a service when its package is installed. The tests start nginx and BIRD themselves,
# with their own configuration, so those that this script installs must stay off; one that was there
# before is left alone.
without_starting_services() {
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
  fi
  "$@"
}

install_packages() {
  local missing
  missing=$(missing_packages "$1" | tr '\n' ' ')
  [ -z "$missing" ] && return
  command -v apt-get >/dev/null || fail "this is not Debian: there is no apt-get.
       Install the counterparts of: $missing"
  [ "$(id -u)" = 0 ] || fail "only root can install packages. Missing: $missing"

  say "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || say "the package lists could not be refreshed; continuing with the old ones"
  # shellcheck disable=SC2086  # a list of names
  without_starting_services apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    fail "apt-get could not install: $missing
       Is there a network connection, and is Debian 12's main archive in /etc/apt/sources.list?"
  local service
  for service in nginx bird; do
    if [[ $missing == *$service* ]] && command -v systemctl >/dev/null; then
      systemctl disable --quiet "$service" 2>/dev/null || true
    fi
  done
}

# 2 MB pages make the tables fast. Everything works without them, only slower, so nothing here is
# fatal. Pages that are reserved already stay as they are.
reserve_hugepages() {
  local pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
  if [ ! -w "$pages" ]; then
    say "no permission to reserve hugepages: continuing without, which is slower"
    return
  fi
  if [ "$(cat $pages)" = 0 ]; then
    local available_kb wanted
    available_kb=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
    wanted=$((available_kb / 2048 / 4)) # a quarter of what is free at most
    echo $((wanted < 1024 ? wanted : 1024)) >$pages 2>/dev/null || true
  fi
  if [ "$(cat $pages)" = 0 ]; then
    say "the kernel reserved no hugepages: continuing without, which is slower"
  elif ! grep -q ' hugetlbfs .*pagesize=2M' /proc/mounts && ! mount_hugepages; then
    say "hugetlbfs cannot be mounted: continuing without hugepages, which is slower"
  else
    say "$(cat $pages) hugepages of 2 MB"
  fi
}

mount_hugepages() {
  mkdir -p /dev/hugepages && mount -t hugetlbfs -o pagesize=2M hugetlbfs /dev/hugepages 2>/dev/null
}

kind=${1:-run}
case $kind in run | test | dev) ;; *) fail "usage: scripts/setup.sh [run | test | dev]" ;; esac
install_packages "$kind"
[ "${MAYFLY_HUGEPAGES:-auto}" = never ] || reserve_hugepages
configure_release
compile build app/mayfly
