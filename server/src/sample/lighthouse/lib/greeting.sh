# Greetings for ships that pass by.

# greet SHIP HOUR: says hello in the manner of the hour, 0 to 23.
greet() {
    hour=${2#0}
    if [ "${hour:-0}" -lt 12 ]; then
        echo "Good morning, $1!"
    elif [ "$hour" -lt 18 ]; then
        echo "Good afternoon, $1!"
    else
        echo "Good evening, $1!"
    fi
}
