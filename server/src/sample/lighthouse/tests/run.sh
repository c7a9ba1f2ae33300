#!/bin/sh
# Runs every tests/*_test.sh and says how many checks passed. Exit code 1 when one failed.

cd "$(dirname "$0")/.." || exit 2
passed=0
failed=0

# check WHAT WANTED GOT
check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1: wanted '$2', got '$3'"
    fi
}

for file in tests/*_test.sh; do
    . "./$file"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
