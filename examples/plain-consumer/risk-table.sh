#!/bin/sh
# Prints who is at risk now, riskiest first: decision, level, score,
# reauth_after, entity, reasons. Needs kcat and jq.
#   ./risk-table.sh [BROKER [TOPIC]]      further arguments go to kcat (-X …)
set -eu
broker=${1:-localhost:9092}
topic=${2:-risk.scores}
[ $# -gt 2 ] && shift 2 || shift $#
here=$(dirname "$0")
now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)

kcat -b "$broker" -C -t "$topic" -o beginning -e -q -J -X isolation.level=read_committed "$@" |
	jq -rn --arg now "$now" -f "$here/table.jq"
