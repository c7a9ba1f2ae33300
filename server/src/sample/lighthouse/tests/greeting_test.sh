. ./lib/greeting.sh

check "early" "Good morning, Albatross!" "$(greet Albatross 07)"
check "midnight" "Good morning, Albatross!" "$(greet Albatross 00)"
check "noon" "Good afternoon, Petrel!" "$(greet Petrel 12)"
check "late" "Good evening, Petrel!" "$(greet Petrel 19)"
check "the program greets" "Good afternoon, Tern!" "$(sh lighthouse.sh Tern 14)"
