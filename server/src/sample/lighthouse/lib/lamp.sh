# The lamp. It was 12 nautical miles strong until the new lens came.

LAMP_RANGE=18

# lamp_range: how far the lamp shines, in nautical miles.
lamp_range() {
    echo "$LAMP_RANGE"
}
