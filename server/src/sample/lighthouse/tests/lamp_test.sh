. ./lib/lamp.sh

check "the lamp says how far" "The lamp shines $LAMP_RANGE nautical miles." "$(sh lighthouse.sh --lamp)"
