#!/bin/sh
# Options and sub-commands are for minio.
set -e
[ "${1-}" = minio ] || ! { [ $# = 0 ] || [ "${1#-}" != "$1" ] || [ "$1" = server ]; } || set -- minio "$@"
exec "$@"
