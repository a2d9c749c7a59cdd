#!/bin/sh
# An engine mounts its docker-init into containers that say `init: true`. One that is linked dynamically finds no loader
# there, and every such container ends with "exec /sbin/docker-init: no such file or directory". Replace it by Debian's
# static tini where that is the case.
set -eu
init=/opt/docker28/bin/docker-init
[ -x "$init" ] || exit 0
ldd "$init" >/dev/null 2>&1 || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root tini
dpkg -x tini_*.deb root
# A new file and a rename: one that runs cannot be written to.
cp root/usr/bin/tini-static "$init.new"
mv "$init.new" "$init"
echo "engine: its docker-init was linked dynamically and is now Debian's static tini" >&2
