#!/bin/bash
# Gives a network device to DPDK, or back to the kernel. Refuses what would cut this machine off.
#   scripts/bind-nic.sh DEVICE [DRIVER]   DEVICE: an interface or a PCI address; DRIVER: vfio-pci
#   scripts/bind-nic.sh --back DEVICE     PCI address of a device that the kernel shall have again
#   scripts/bind-nic.sh --list            the devices and who has them
# Without an IOMMU vfio needs its unsafe mode: MAYFLY_NO_IOMMU=1 turns it on.
source "$(dirname "$0")/common.sh"

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 2
}

sys=${MAYFLY_SYS:-/sys}  # the tests have one of their own

# The PCI address of an interface, or the address itself.
address_of() {
  local link=$sys/class/net/$1/device
  if [ -e "$link" ]; then
    basename "$(readlink -f "$link")"
  elif [ -e "$sys/bus/pci/devices/$1" ]; then
    echo "$1"
  else
    fail "$1 is neither a network interface with a device behind it nor a PCI address"
  fi
}

interfaces_of() {
  ls "$sys/bus/pci/devices/$1/net" 2>/dev/null || true
}

driver_of() {
  local link=$sys/bus/pci/devices/$1/driver
  [ -e "$link" ] && basename "$(readlink -f "$link")" || true
}

# Says why the interface must stay with the kernel.
guard() {
  local interface=$1
  ip -o route show default | grep -qw "dev $interface" &&
    fail "$interface carries the default route: this machine would be cut off"
  [ -n "$(ip -o address show dev "$interface" scope global)" ] &&
    fail "$interface has an address: take it away first, ip address flush dev $interface"
  [ -e "$sys/class/net/$interface/master" ] &&
    fail "$interface belongs to a bridge or bond: first, ip link set $interface nomaster"
  ss -Htn state established 2>/dev/null | grep -q "%$interface" &&
    fail "connections of this machine run over $interface"
  return 0
}

need_vfio() {
  modprobe vfio-pci 2>/dev/null || fail "the kernel has no vfio-pci: modprobe vfio-pci fails"
  [ -n "$(ls "$sys/kernel/iommu_groups" 2>/dev/null)" ] && return
  [ "${MAYFLY_NO_IOMMU:-0}" = 1 ] || fail "there is no IOMMU (intel_iommu=on or amd_iommu=on on \
the kernel's command line). In a virtual machine without one, MAYFLY_NO_IOMMU=1 goes without: the \
device may then write anywhere in memory."
  echo Y >"$sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
}

command -v dpdk-devbind.py >/dev/null || fail "dpdk-devbind.py is missing: apt-get install dpdk"
case ${1:-} in
  --list) exec dpdk-devbind.py --status-dev net ;;
  --back)
    [ $# = 2 ] || usage
    address=$(address_of "$2")
    dpdk-devbind.py --unbind "$address"
    echo "$address" >"$sys/bus/pci/drivers_probe"
    say "$address: ${driver:-$(driver_of "$address")}, $(interfaces_of "$address")"
    ;;
  "" | -*) usage ;;
  *)
    address=$(address_of "$1")
    driver=${2:-vfio-pci}
    for interface in $(interfaces_of "$address"); do guard "$interface"; done
    [ "$(id -u)" = 0 ] || fail "only root can give a device to DPDK"
    [ "$driver" = vfio-pci ] && need_vfio
    for interface in $(interfaces_of "$address"); do ip link set "$interface" down; done
    dpdk-devbind.py --bind "$driver" "$address"
    say "$address: $(driver_of "$address"). In the configuration: device: \"$address\""
    ;;
esac
