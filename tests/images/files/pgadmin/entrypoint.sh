#!/bin/sh
# Entry of the pgAdmin stand-in: the first start makes the account and loads /pgadmin4/servers.json, then gunicorn serves.
set -eu
die() { echo "entrypoint: $*" >&2; exit 1; }
cd /pgadmin4
[ -z "${PGADMIN_DEFAULT_PASSWORD_FILE:-}" ] || PGADMIN_DEFAULT_PASSWORD=$(cat "$PGADMIN_DEFAULT_PASSWORD_FILE")
export PYTHONPATH=/pgadmin4

# Every PGADMIN_CONFIG_NAME is a line of Python, as the genuine image takes them.
{
  echo "import os"
  echo "CA_FILE = '/etc/ssl/certs/ca-certificates.crt'"
  echo "LOG_FILE = '/dev/null'"
  echo "HELP_PATH = '../../docs'"
  echo "DEFAULT_BINARY_PATHS = {}"
  python -c 'import os
for key, value in sorted(os.environ.items()):
    if key.startswith("PGADMIN_CONFIG_"):
        print(key.removeprefix("PGADMIN_CONFIG_"), "=", value)'
} >config_distro.py

if [ ! -s /var/lib/pgadmin/pgadmin4.db ]; then
  [ -n "${PGADMIN_DEFAULT_EMAIL:-}" ] && [ -n "${PGADMIN_DEFAULT_PASSWORD:-}" ] ||
    die "set PGADMIN_DEFAULT_EMAIL and PGADMIN_DEFAULT_PASSWORD (or PGADMIN_DEFAULT_PASSWORD_FILE)"
  PGADMIN_SETUP_EMAIL=$PGADMIN_DEFAULT_EMAIL PGADMIN_SETUP_PASSWORD=$PGADMIN_DEFAULT_PASSWORD python setup.py setup-db
  servers=${PGADMIN_SERVER_JSON_FILE:-/pgadmin4/servers.json}
  [ ! -f "$servers" ] || python setup.py load-servers "$servers" --user "$PGADMIN_DEFAULT_EMAIL"
fi
unset PGADMIN_DEFAULT_PASSWORD
everywhere=0.0.0.0
[ ! -e /proc/net/if_inet6 ] || everywhere='[::]'
exec gunicorn --no-control-socket --bind "${PGADMIN_LISTEN_ADDRESS:-$everywhere}:${PGADMIN_LISTEN_PORT:-80}" --workers 1 \
  --threads "${GUNICORN_THREADS:-25}" --timeout "${GUNICORN_TIMEOUT:-86400}" --access-logfile "${GUNICORN_ACCESS_LOGFILE:-/dev/null}" \
  --error-logfile - served:app
