. ./lib/units.sh

check "a brisk ferry" 22 "$(knots_to_kmh 12)"
check "at anchor" 0 "$(knots_to_kmh 0)"
check "a deep harbour" 18 "$(fathoms_to_metres 10)"
