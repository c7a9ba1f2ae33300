# Units that sailors use, in whole numbers.

# knots_to_kmh KNOTS: a knot is 1.852 km/h exactly.
knots_to_kmh() {
    echo $(( ($1 * 1852 + 500) / 1000 ))
}

# fathoms_to_metres FATHOMS: a fathom is 1.8288 m exactly.
fathoms_to_metres() {
    echo $(( ($1 * 18288 + 5000) / 10000 ))
}
