#!/usr/bin/env bash
# Entry of the Postgres stand-in. It keeps the promises of the genuine image that stacks rely on (users, variables,
# init scripts, refusals) and was written from its documentation.
set -euo pipefail

say() { printf '%s: %s\n' docker-entrypoint "$*" >&2; }
die() { say "error: $*"; exit 1; }

# from_file NAME [DEFAULT]: NAME, or what the file named by NAME_FILE holds.
from_file() {
  local name=$1 file="${1}_FILE" value=${2:-}
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then die "both $name and $file are set; keep one"; fi
  if [ -n "${!name:-}" ]; then
    value=${!name}
  elif [ -n "${!file:-}" ]; then
    [ -r "${!file}" ] || die "$file names ${!file}, which cannot be read"
    value=$(<"${!file}")
  fi
  export "$name=$value"
  unset "$file"
}

read_settings() {
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
}

own_folders() {
  local me
  me=$(id -u)
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" 2>/dev/null || :
  mkdir -p /var/run/postgresql 2>/dev/null || :
  chmod 3777 /var/run/postgresql 2>/dev/null || :
  if [ -n "${POSTGRES_INITDB_WALDIR:-}" ]; then
    mkdir -p "$POSTGRES_INITDB_WALDIR"
    [ "$me" != 0 ] || chown -R postgres "$POSTGRES_INITDB_WALDIR"
    chmod 0700 "$POSTGRES_INITDB_WALDIR"
  fi
  if [ "$me" = 0 ]; then
    find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
  fi
}

# From 18 on the data lives one folder deeper. Data of an older layout, or a mount where nobody will look, would be
# lost in silence.
refuse_wrong_mount() {
  [ "$PG_MAJOR" -ge 18 ] && [ "$PGDATA" = "/var/lib/postgresql/$PG_MAJOR/docker" ] || return 0
  local old
  for old in /var/lib/postgresql /var/lib/postgresql/data; do
    [ ! -s "$old/PG_VERSION" ] || die "there is data of Postgres $(<"$old/PG_VERSION") in $old, but this image" \
      "keeps it in $PGDATA: mount the volume at /var/lib/postgresql, or upgrade the data with pg_upgrade"
  done
  ! grep -q ' /var/lib/postgresql/data ' /proc/self/mountinfo || die "a volume is mounted at" \
    "/var/lib/postgresql/data, which Postgres $PG_MAJOR does not use: mount it at /var/lib/postgresql"
}

refuse_without_password() {
  [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ] || return 0
  die "the database is new and has no superuser password: set POSTGRES_PASSWORD (or" \
    "POSTGRES_HOST_AUTH_METHOD=trust to let everybody in without one)"
}

create_cluster() {
  # A user id that /etc/passwd does not know (docker run --user) has no name, which initdb insists on.
  local wal=()
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || wal=(--waldir "$POSTGRES_INITDB_WALDIR")
  if ! getent passwd "$(id -u)" >/dev/null; then
    say "user id $(id -u) has no name in /etc/passwd; mount one or use the user postgres"
  fi
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "${wal[@]}" '"$POSTGRES_INITDB_ARGS"' "$@"'
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# The server of the first minute: on the socket only, so that nobody outside takes it for the real one.
temporary_server() {
  local options=''
  [ $# = 0 ] || printf -v options '%q ' "$@"
  PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -w start \
    -o "$options -c listen_addresses='' -p ${PGPORT:-5432}"
}

stop_temporary_server() { PGUSER="${PGUSER:-postgres}" pg_ctl -D "$PGDATA" -m fast -w stop; }

sql() {
  PGHOST='' PGHOSTADDR='' PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}" \
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc "$@"
}

create_database() {
  [ "$POSTGRES_DB" != postgres ] || return 0
  [ -z "$(POSTGRES_DB= sql --dbname postgres -v db="$POSTGRES_DB" -tA <<<"select 1 from pg_database where datname = :'db'")" ] || return 0
  POSTGRES_DB='' sql --dbname postgres -v db="$POSTGRES_DB" <<<'create database :"db";'
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh) if [ -x "$file" ]; then say "running $file"; "$file"; else say "sourcing $file"; . "$file"; fi ;;
    *.sql) say "running $file"; sql --dbname "$POSTGRES_DB" -f "$file" ;;
    *.sql.gz) say "running $file"; gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
    *.sql.xz) say "running $file"; xzcat "$file" | sql --dbname "$POSTGRES_DB" ;;
    *.sql.zst) say "running $file"; zstd -dc "$file" | sql --dbname "$POSTGRES_DB" ;;
    '/docker-entrypoint-initdb.d/*') ;;
    *) say "ignoring $file" ;;
    esac
    echo
  done
}

asks_for_help() {
  local word
  for word in "$@"; do
    case $word in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

[ "${1:-}" ] && [ "${1#-}" = "$1" ] || set -- postgres "$@"
if [ "$1" = postgres ] && ! asks_for_help "$@"; then
  read_settings
  own_folders
  if [ "$(id -u)" = 0 ]; then exec gosu postgres "${BASH_SOURCE[0]}" "$@"; fi
  if [ -s "$PGDATA/PG_VERSION" ]; then
    say "$PGDATA has a database; nothing is initialised"
  else
    refuse_wrong_mount
    refuse_without_password
    create_cluster
    temporary_server "${@:2}"
    create_database
    run_init_files
    stop_temporary_server
    # In the image's own words, which people and tools look for.
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
  fi
fi
exec "$@"
