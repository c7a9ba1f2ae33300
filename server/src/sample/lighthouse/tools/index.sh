#!/bin/sh
# Lists the logbook: a line per year with how many entries it has.

cd "$(dirname "$0")/.." || exit 2
for book in log/[0-9]*.txt; do
    year=${book#log/}
    echo "${year%.txt}: $(grep -c . "$book") entries"
done
