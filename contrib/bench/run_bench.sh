#!/bin/sh
# run_bench.sh [--install] [--quick] [--runs N] [--seconds N] - all comparisons of this folder, one after the other, with
# one table at the end.
#
# --install gets the peers and clients that are missing from the distribution (Debian and its kin, as root). --quick does
# one short run of each: it shows that all of it works, and nothing else. --runs and --seconds are what the programs have
# of the same name; fewer and shorter runs say less. Everything lands in objs/measured: RESULTS.md is the table, beside
# it are runs, pictures and what each program said. Nothing else should run meanwhile.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/objs/measured
quick='' runs='' seconds=''

refuse() {
    echo "run_bench.sh: $*" >&2
    exit 1
}

number_of() {  # OPTION VALUE
    case ${2:-} in *[!0-9]* | "") refuse "$1 needs a number" ;; esac
    printf '%s %s' "$1" "$2"
}

while [ $# -gt 0 ]; do
    case $1 in
        --install)
            [ "$(id -u)" = 0 ] || refuse "--install needs root"
            apt-get install -y --no-install-recommends nginx haproxy lighttpd h2o wrk nghttp2-client ;;
        --quick) quick=--quick ;;
        --runs) runs=$(number_of "$@"); shift ;;
        --seconds) seconds=$(number_of "$@"); shift ;;
        --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) refuse "invalid option \"$1\" (--help tells what there is)" ;;
    esac
    shift
done

for program in server bench floor; do
    [ -x "$top/objs/$program" ] || refuse "objs/$program is not built: run make all floor"
done
for program in nginx haproxy wrk h2load taskset; do
    PATH=$PATH:/usr/sbin command -v $program >/dev/null || refuse "$program is not installed (--install gets it)"
done
mkdir -p "$out"
rm -f "$out/web_servers/RESULTS.md"

# A program that fails ends neither the others nor what they found.
failed=
run() {
    name=$1
    shift
    echo "--- $name"
    if "$here/$name" "$@" >"$out/$name.txt" 2>&1; then
        tail -n 1 "$out/$name.txt"
    else
        failed="$failed $name"
        tail -n 3 "$out/$name.txt"
    fi
}

# shellcheck disable=SC2086  # options and their values are words of their own, or none
run web_servers $quick $runs $seconds --directory "$out/web_servers"
# shellcheck disable=SC2086
run side_by_side $quick $runs $seconds
# shellcheck disable=SC2086
run cold_files $quick $runs

{
    [ ! -f "$out/web_servers/RESULTS.md" ] || cat "$out/web_servers/RESULTS.md"  # it may have failed before
    for name in side_by_side cold_files; do
        printf '\n## %s\n\n```\n' "$name"
        cat "$out/$name.txt"
        printf '```\n'
    done
} >"$out/RESULTS.md"
echo "The table is in $out/RESULTS.md"
[ -z "$failed" ] || refuse "failed:$failed"
