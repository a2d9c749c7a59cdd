#!/bin/sh
# What is no program of its own is for node: an option, a script, nothing at all.
set -e
case "${1-}" in
-*) set -- node "$@" ;;
*) command -v "${1-}" >/dev/null 2>&1 && [ ! -f "${1-}" ] || set -- node "$@" ;;
esac
exec "$@"
