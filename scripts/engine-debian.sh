#!/bin/sh
# A container engine for a Debian machine that has none: installs Debian's docker.io and starts it. Needs root. An
# engine that answers is left alone, so this can be run again at any time.
set -eu

say() { echo "engine: $*" >&2; }
die() { say "$*"; exit 4; }

socket=/var/run/docker.sock
log=/var/log/devstack-dockerd.log

answers() {
  "${PYTHON:-python3}" - "$socket" <<'PY' 2>/dev/null
import socket, sys
with socket.socket(socket.AF_UNIX) as engine:
    engine.settimeout(5)
    engine.connect(sys.argv[1])
    engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
    sys.exit(b" 200 " not in engine.recv(100))
PY
}

# Without a Python every engine would look silent, and a second one would be started over it.
"${PYTHON:-python3}" -c '' || die "${PYTHON:-python3} does not run; set PYTHON to one that does"

case "${DOCKER_HOST:-unix://$socket}" in
unix://"$socket") ;;
*) die "DOCKER_HOST is $DOCKER_HOST, which is not for this script to start; start that engine, or unset DOCKER_HOST" ;;
esac
if answers; then exit 0; fi

[ -r /etc/debian_version ] && command -v apt-get >/dev/null ||
  die "no container engine answers, and this machine is not Debian: install and start Docker or Podman, then try again"
[ "$(id -u)" = 0 ] ||
  die "no container engine answers. As root: apt-get install docker.io, then run this again (or start the engine you have)"

# One that is alive but silent must not lose its socket to a second one.
if pgrep -x dockerd >/dev/null 2>&1; then
  die "a dockerd runs, but does not answer on $socket: see its log, or stop it and try again"
fi
if ! command -v dockerd >/dev/null; then
  say "no container engine answers: installing and starting Debian's docker.io (log: $log)"
  export DEBIAN_FRONTEND=noninteractive
  # No service is to be started by the installation where there is no systemd to start it.
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io iptables ca-certificates; } >>"$log" 2>&1 ||
    die "apt-get could not install docker.io: $(tail -1 "$log")"
else
  say "no container engine answers: starting $(command -v dockerd) (log: $log)"
fi

if [ -d /run/systemd/system ]; then
  systemctl start docker >>"$log" 2>&1 || die "systemctl start docker failed: journalctl -u docker says why"
elif ! answers; then
  # One that died without cleaning up leaves its pid file, which the next one takes for a running engine.
  pidfile=/var/run/docker.pid
  if [ -s "$pidfile" ] && ! kill -0 "$(cat "$pidfile")" 2>/dev/null; then rm -f "$pidfile"; fi
  setsid dockerd >>"$log" 2>&1 </dev/null &
fi

tries=0
until answers; do
  tries=$((tries + 1))
  [ "$tries" -lt 150 ] || die "dockerd does not answer on $socket after 30 s: $(tail -1 "$log")"
  sleep 0.2
done
say "ready on $socket"
