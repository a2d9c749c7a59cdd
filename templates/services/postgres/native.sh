#!/bin/sh
# PostgreSQL without its image: does once what the image's entrypoint does, then becomes the server.
#
# Runs as the user that owns the data. PGPORT, PGHOST (the folder of the socket), DEVSTACK_DATA and DEVSTACK_CACHE are given by
# devstack, POSTGRES_* and the command by the Compose file, as for the image.
set -eu
umask 077
data=$DEVSTACK_DATA/pgdata
part=$DEVSTACK_DATA/pgdata.part

# A setting, or the content of the file that <name>_FILE names.
given() {
  eval "file=\${$1_FILE:-} value=\${$1:-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$value"; fi
}

# initdb into $1, for $user whose password is the first line of the file $2.
initialise() {
  # shellcheck disable=SC2086 # several arguments
  initdb -D "$1" -U "$user" --pwfile="$2" --auth-local=trust --auth-host=$auth --encoding=UTF8 --locale=C.UTF-8 --no-sync \
    $arguments >/dev/null || { rm -f "$2"; exit 1; }
  rm -f "$2"
}

# The same once for all databases of these programs and this user, under a password that nobody knows; then a copy is taken
# and gets its own. PostgreSQL's own tests do so too: a copy takes a tenth of the time.
copy_initialised() {
  kept=$DEVSTACK_CACHE/initdb-$user-$auth-$(cksum <"$(command -v initdb)" | tr ' ' -)
  if [ ! -d "$kept" ]; then
    new=$kept.$$
    rm -rf "$new"
    od -An -tx1 -N24 /dev/urandom >"$new.password"
    initialise "$new" "$new.password"
    sync -f "$new" 2>/dev/null || true
    # Without -T it would go into the folder of one that was there first, while that is being copied.
    mv -T "$new" "$kept" 2>/dev/null || rm -rf "$new"
    find "$DEVSTACK_CACHE" -maxdepth 1 -name 'initdb-*' -mtime +30 -exec rm -rf {} +
  fi
  touch -c "$kept"
  cp -Rp "$kept" "$part"
}

# What is left to say to a database that was just made.
statements() {
  [ -z "$copied" ] || printf "ALTER ROLE \"%s\" PASSWORD '%s';\n\n" "$user" "$(printf %s "$password" | sed "s/'/''/g")"
  [ "$database" = postgres ] || printf 'CREATE DATABASE "%s";\n\n' "$(printf %s "$database" | sed 's/"/""/g')"
}

# Statements without a server. None of them is told in an error: a password may stand in it.
alone() {
  said=$(postgres --single -j -F -c log_min_error_statement=panic -D "$part" postgres 2>&1 >/dev/null)
  case $said in *ERROR* | *FATAL*) echo "$said" >&2; exit 1 ;; esac
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
  password=$(printf '%s\n' "${password:-unused}" | head -n 1)
  arguments=$(given POSTGRES_INITDB_ARGS)
  rm -rf "$part"
  copied=
  case $user:$arguments in
    *[!A-Za-z0-9_]*:* | *:?*)
      printf '%s\n' "$password" >"$part.password"
      initialise "$part" "$part.password"
      ;;
    *)
      copy_initialised
      copied=yes
      ;;
  esac
  [ -z "$copied" ] && [ "$database" = postgres ] || statements | alone
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
