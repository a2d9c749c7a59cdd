#!/usr/bin/env bash
# Debian's docker.io 20.10 beside the engine of this machine: own socket, own data, own network namespace. For running
# the tests on the oldest engine that is supported; needs root on Debian 12 (bookworm).
#
#   engine20.sh start    unpack it under /opt/docker20 and start it; prints the DOCKER_HOST to export
#   engine20.sh stop     stop it and all its containers; its images stay for the next start
#   engine20.sh purge    stop it and remove its data and programs
#   engine20.sh enter COMMAND...   run a command where the engine's published ports are on localhost
set -euo pipefail
prefix=${ENGINE20_PREFIX:-/opt/docker20}
state=${ENGINE20_STATE:-/tmp/d20}
socket=$state/docker.sock
netns=d20
export DOCKER_HOST=unix://$socket

install_tools() {
  [ -x "$prefix/usr/sbin/dockerd" ] && return
  local work
  work=$(mktemp -d)
  chmod 755 "$work"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends iptables iproute2 >/dev/null
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download docker.io containerd runc libdevmapper1.02.1)
  mkdir -p "$prefix"
  for deb in "$work"/*.deb; do dpkg -x "$deb" "$prefix"; done
  rm -rf "$work"
  # dockerd looks for docker-init by name.
  command -v tini-static >/dev/null || {
    work=$(mktemp -d) && chmod 755 "$work"
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download tini)
    dpkg -x "$work"/tini_*.deb "$prefix"
    rm -rf "$work"
  }
  [ -e "$prefix/usr/bin/docker-init" ] || ln -s tini-static "$prefix/usr/bin/docker-init"
}

# A network namespace with a way out: the engine's bridge and its firewall rules do not meet those of the other engine.
make_network() {
  ip netns list | grep -q "^$netns\b" && return
  ip netns add $netns
  ip link add d20-host type veth peer name d20-in
  ip link set d20-in netns $netns
  ip addr add 10.220.0.1/30 dev d20-host
  ip link set d20-host up
  ip netns exec $netns ip link set lo up
  ip netns exec $netns ip addr add 10.220.0.2/30 dev d20-in
  ip netns exec $netns ip link set d20-in up
  ip netns exec $netns ip route add default via 10.220.0.1
  echo 1 >/proc/sys/net/ipv4/ip_forward
  iptables -t nat -A POSTROUTING -s 10.220.0.0/30 -j MASQUERADE
  iptables -I FORWARD -i d20-host -j ACCEPT
  iptables -I FORWARD -o d20-host -j ACCEPT
}

drop_network() {
  iptables -t nat -D POSTROUTING -s 10.220.0.0/30 -j MASQUERADE 2>/dev/null || true
  iptables -D FORWARD -i d20-host -j ACCEPT 2>/dev/null || true
  iptables -D FORWARD -o d20-host -j ACCEPT 2>/dev/null || true
  ip link del d20-host 2>/dev/null || true
  ip netns del $netns 2>/dev/null || true
}

answers() { curl -fsS --max-time 2 --unix-socket "$socket" http://localhost/version 2>/dev/null; }

start() {
  install_tools
  if ! answers >/dev/null; then
    mkdir -p "$state"/{data,exec}
    make_network
    PATH="$prefix/usr/sbin:$prefix/usr/bin:$PATH" LD_LIBRARY_PATH="$(libraries)" \
      setsid nsenter --net=/run/netns/$netns dockerd -H "$DOCKER_HOST" --data-root "$state/data" --exec-root "$state/exec" \
      --pidfile "$state/pid" --bip 172.30.0.1/24 --default-address-pool base=172.31.0.0/16,size=24 \
      >"$state/log" 2>&1 </dev/null &
    for _ in $(seq 100); do
      answers >/dev/null && break
      sleep 0.2
    done
  fi
  answers | sed -n 's/.*"Version":"\(20[^"]*\)".*/engine \1 answers/p' | head -1
  answers >/dev/null || { tail -20 "$state/log" >&2; echo "the engine did not come up; see $state/log" >&2; exit 1; }
  echo "export DOCKER_HOST=$DOCKER_HOST"
}

libraries() { find "$prefix" -name 'lib*.so*' -exec dirname {} + | sort -u | paste -sd:; }

stop() {
  if [ -s "$state/pid" ]; then
    local pid
    pid=$(cat "$state/pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  drop_network
}

case "${1:-}" in
start) start ;;
stop) stop ;;
purge) stop; rm -rf "$state" "$prefix" ;;
enter) shift; exec nsenter --net=/run/netns/$netns "$@" ;;
*) sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
