#!/bin/sh
# Entry of the Redis and Valkey stand-ins: options and configuration files are for the server, and the server runs as
# its own user with /data its own.
set -e
server=@SERVER@
user=@USER@
case "${1-}" in
-* | *.conf) set -- "$server" "$@" ;;
esac
if [ "${1-}" = "$server" ] || [ "${1-}" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user "$user" -exec chown "$user" '{}' +
    exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$0" "$@"
  fi
  [ "$(umask)" != 0022 ] || umask 0077
  # Debian's build guards a server without a password from other hosts; the genuine image's does not.
  case " $* " in
  *" --protected-mode "*) ;;
  *) [ -f "${2-}" ] && grep -qi '^[[:space:]]*protected-mode' "$2" || set -- "$@" --protected-mode no ;;
  esac
fi
exec "$@"
