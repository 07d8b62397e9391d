#!/bin/bash
# Makes a Debian package of a build: mayfly_VERSION_ARCH.deb.
#   scripts/package.sh [BUILD [FOLDER]]   build (made if it is missing), out
# DEBFULLNAME and DEBEMAIL say who makes it.
source "$(dirname "$0")/common.sh"

build=${1:-build} out=${2:-out}
[ -f "$build/build.ninja" ] || configure_release
compile "$build" app/mayfly doc/man/mayfly.1 doc/man/mayfly.yaml.5 \
  conf/{serve,load,lab,policy}.schema.json
command -v dpkg-shlibdeps >/dev/null || fail "dpkg-shlibdeps is missing: apt-get install dpkg-dev"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
meson install -C "$build" --destdir "$work/installed" --tags runtime,man --no-rebuild --quiet
mkdir -p "$root/usr" "$root/lib/systemd" "$root/DEBIAN"
prefix=$(meson introspect "$build" --buildoptions | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
cp -a "$work/installed$prefix/." "$root/usr/"
mv "$root/usr/lib/systemd/system" "$root/lib/systemd/system"
rmdir -p --ignore-fail-on-non-empty "$root/usr/lib/systemd"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/mayfly"

documents=$root/usr/share/doc/mayfly
mkdir -p "$documents"
find doc -maxdepth 1 -name "*.md" ! -name README.md -exec cp {} "$documents/" \;
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
  printf 'Upstream-Name: mayfly\n\nFiles: *\n'
  printf 'Copyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
  sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
} >"$documents/copyright"
find "$root/usr/share/man" -name '*.[0-9]' -exec gzip -9n {} +

version=$(meson introspect "$build" --projectinfo |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
who="${DEBFULLNAME:-The Mayfly authors} <${DEBEMAIL:-root@localhost}>"
when=$(date -R ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
printf 'mayfly (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' \
  "$version" "$version" "$who" "$when" | gzip -9n >"$documents/changelog.gz"

mkdir -p "$work/debian"
printf 'Source: mayfly\n\nPackage: mayfly\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O -e"$root/usr/bin/mayfly" 2>/dev/null |
  sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || fail "dpkg-shlibdeps names no libraries of $build/app/mayfly"
cat >"$root/DEBIAN/control" <<CONTROL
Package: mayfly
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: $who
Installed-Size: $(du -sk "$root" --exclude DEBIAN | cut -f1)
Depends: $depends
Recommends: dpdk
Section: net
Priority: optional
Description: TCP server for many short connections
 Mayfly serves HTTP on network devices that it opens through DPDK, with a TCP
 stack of its own on each processor core. It holds TIME_WAIT as the standard
 says, or in any of the ways in which people avoid it, and counts what each of
 them costs. A client generator, a lab and a simulator belong to it.
CONTROL
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/bin/mayfly" "$root/usr/share/mayfly/conf/cluster/"*.sh

mkdir -p "$out"
package=$out/mayfly_${version}_$(dpkg --print-architecture).deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
say "$package"
