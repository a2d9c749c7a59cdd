#!/bin/sh
# PostgreSQL without its image: does once what the image's entrypoint does, then becomes the server.
#
# Runs as the user that owns the data. PGPORT, PGHOST (the folder of the socket) and DEVSTACK_DATA are given by devstack,
# POSTGRES_* and the command by the Compose file, as for the image.
set -eu
umask 077
data=$DEVSTACK_DATA/pgdata
part=$DEVSTACK_DATA/pgdata.part

# A setting, or the content of the file that <name>_FILE names.
given() {
  eval "file=\${$1_FILE:-} value=\${$1:-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$value"; fi
}

# The scripts of /docker-entrypoint-initdb.d, with a server that nobody else reaches.
first_scripts() {
  pg_ctl -D "$part" -w -s -o "-c listen_addresses='' -k '$PGHOST' -p $PGPORT" start >/dev/null
  set -- psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc -q -U "$user" -d "$database"
  for script in "$DEVSTACK_INITDB"/*; do
    echo "${script##*/}: running"
    case $script in
      *.sh) PGUSER=$user PGDATABASE=$database bash "$script" ;;
      *.sql) "$@" -f "$script" ;;
      *.sql.gz) gzip -dc "$script" | "$@" ;;
      *) echo "${script##*/}: ignored" ;;
    esac || { pg_ctl -D "$part" -w -s -m fast stop; exit 1; }
  done
  pg_ctl -D "$part" -w -s -m fast stop
}

# A new data folder gets its name when it is whole: half a one is never taken for a database.
make() {
  user=$(given POSTGRES_USER)
  user=${user:-postgres}
  database=$(given POSTGRES_DB)
  database=${database:-$user}
  password=$(given POSTGRES_PASSWORD)
  auth=scram-sha-256
  [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ] || auth=trust
  if [ -z "$password" ] && [ $auth != trust ]; then
    echo "POSTGRES_PASSWORD is empty: the server would let nobody in" >&2
    exit 1
  fi
  rm -rf "$part"
  mkdir "$part"
  printf '%s\n' "${password:-unused}" >"$part.password"
  # shellcheck disable=SC2086 # several arguments
  initdb -D "$part" -U "$user" --pwfile="$part.password" --auth-local=trust --auth-host=$auth --encoding=UTF8 \
    --locale=C.UTF-8 --no-sync $(given POSTGRES_INITDB_ARGS) >/dev/null || { rm -f "$part.password"; exit 1; }
  rm -f "$part.password"
  if [ "$database" != postgres ]; then
    quoted=$(printf %s "$database" | sed 's/"/""/g')
    said=$(printf 'CREATE DATABASE "%s"\n\n' "$quoted" | postgres --single -j -F -D "$part" postgres 2>&1 >/dev/null)
    case $said in *ERROR* | *FATAL*) echo "$said" >&2; exit 1 ;; esac
  fi
  [ -z "${DEVSTACK_INITDB:-}" ] || first_scripts
  sync -f "$part" 2>/dev/null || true
  mv "$part" "$data"
}

# After a reboot the number in postmaster.pid may be another program's; the server would refuse to start because of it.
forget_stale_lock() {
  [ -f "$data/postmaster.pid" ] || return 0
  number=$(head -n 1 "$data/postmaster.pid")
  [ -r "/proc/$number/cmdline" ] || return 0
  tr '\0' '\n' <"/proc/$number/cmdline" | grep -qxF "$data" || rm -f "$data/postmaster.pid"
}

[ -f "$data/PG_VERSION" ] || make
forget_stale_lock
[ $# -gt 0 ] || set -- postgres
case $1 in -*) set -- postgres "$@" ;; esac
if [ "$1" = postgres ]; then
  shift
  set -- postgres -D "$data" -h 127.0.0.1 -k "$PGHOST" -p "$PGPORT" "$@"
fi
exec "$@"
