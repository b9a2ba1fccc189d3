# shellcheck shell=bash
# What all scripts here share: their help, and how they refuse. They source this file.

# Print an error in one sentence with its remedy, and end the script. The exit code is 2 unless given.
fail() {
    printf 'error: %s\n' "$1" >&2
    printf '  -> %s\n' "$2" >&2
    exit "${3:-2}"
}

# Print the comment at the head of the script that runs.
tell_help() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
}
