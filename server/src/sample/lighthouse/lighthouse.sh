#!/bin/sh
# A very small lighthouse. See README.md for what it can do.

here=$(dirname "$0")
. "$here/lib/greeting.sh"
. "$here/lib/units.sh"
. "$here/lib/lamp.sh"

case ${1:-} in
    '') echo "usage: lighthouse.sh SHIP [HOUR] | --speed KNOTS | --lamp" >&2; exit 2 ;;
    --speed) echo "$2 knots are $(knots_to_kmh "$2") km/h" ;;
    --lamp) echo "The lamp shines $(lamp_range) nautical miles." ;;
    *) greet "$1" "${2:-$(date +%H)}" ;;
esac
