#!/bin/sh
# contrib/tune_sysctl.sh - settings of the kernel for a busy server: contrib/tune_sysctl.sh [--apply | --undo]
#
#   (nothing)    shows what would be changed, and why; changes nothing
#   --apply      changes it, now and at each start of the system, in /etc/sysctl.d/90-ringx.conf
#   --undo       gives back the values from before --apply, and removes the file
#   --root DIR   works below another root directory than /, for tests
#
# `server doctor` gives the same advice: the list is that of src/proc/doctor_sysctls.cc. A value that is higher already
# stays. The values from before are kept in the file, so --apply may be repeated: the first ones are those that --undo
# gives back.

set -eu

# name|kind|wanted|when|reason, as src/proc/doctor_sysctls.h has it
advice() {
    cat <<'END'
net.core.somaxconn|least|4096|always|connections that may wait to be accepted, at each address
net.ipv4.tcp_max_syn_backlog|least|4096|no_syn_cookies|half-open connections, which are dropped beyond it where there are no SYN cookies
net.core.netdev_max_backlog|least|4096|packets_dropped|received packets that may wait for a CPU; some were dropped
net.ipv4.ip_local_port_range|range|16384 65535|upstreams|ports for connections to one address of an upstream server
net.ipv4.tcp_tw_reuse|exact|1|upstreams|ports of connections that have ended serve again after a second, not a minute
net.ipv4.tcp_rmem|last|6291456|always|how much of an upload may be under way, which bounds its rate over long distances
net.ipv4.tcp_wmem|last|4194304|always|how much of a download may be under way, which bounds its rate over long distances
fs.file-max|least|1048576|always|files and sockets of all processes together
fs.nr_open|least|1048576|always|the highest limit of files and sockets of a process
END
}

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

die() {
    echo "tune_sysctl.sh: $*" >&2
    exit 1
}

action=show root=
while [ $# -gt 0 ]; do
    case $1 in
        --apply) action=apply ;;
        --undo) action=undo ;;
        --root)
            [ $# -gt 1 ] || die "--root needs a directory"
            root=$2
            shift ;;
        -h | --help)
            usage
            exit 0 ;;
        *) die "unknown option \"$1\"; --help shows those there are" ;;
    esac
    shift
done
file=$root/etc/sysctl.d/90-ringx.conf

path_of() { echo "$root/proc/sys/$(echo "$1" | tr . /)"; }

# Whether a row matters here. What the configuration says is not known: rows for upstream servers always do.
matters() {
    case $1 in
        packets_dropped) awk 'NF > 1 && $2 !~ /^0+$/ { dropped = 1 } END { exit !dropped }' "$root/proc/net/softnet_stat" ;;
        no_syn_cookies) [ "$(cat "$root/proc/sys/net/ipv4/tcp_syncookies")" = 0 ] ;;
        *) true ;;
    esac 2>/dev/null
}

most() { if [ "$1" -ge "$2" ]; then echo "$1"; else echo "$2"; fi; }
least() { if [ "$1" -le "$2" ]; then echo "$1"; else echo "$2"; fi; }

# better KIND WANTED CURRENT: the value to set, which is the current one if that will do
better() {
    kind=$1 wanted=$2
    set -- $3
    case $kind:$# in
        least:1) most "$1" "$wanted" ;;
        last:3) echo "$1 $2 $(most "$3" "$wanted")" ;;
        range:2) echo "$(least "$1" "${wanted% *}") $(most "$2" "${wanted#* }")" ;;
        exact:1) echo "$wanted" ;;
        *) echo "$*" ;; # a kernel that means something else by it
    esac
}

# name|current|better|reason of each row that is in this kernel; the middle two are the same where nothing is to be done
plan() {
    advice | while IFS='|' read -r name kind wanted when reason; do
        [ -r "$(path_of "$name")" ] || continue
        current=$(echo $(cat "$(path_of "$name")"))
        new=$current
        if matters "$when"; then new=$(better "$kind" "$wanted" "$current"); fi
        echo "$name|$current|$new|$reason"
    done
}

changes() { plan | awk -F '|' '$2 != $3'; }

show() {
    plan | while IFS='|' read -r name current new reason; do
        if [ "$current" = "$new" ]; then
            echo "ok      $name $current"
        else
            echo "change  $name $current -> $new: $reason"
        fi
    done
    [ -z "$(changes)" ] || echo "Nothing was changed; --apply does it, --undo gives it back."
}

# check_rights NAMES: all of them can be written, and the file; or nothing is.
check_rights() {
    for name in $1; do
        [ -w "$(path_of "$name")" ] || die "cannot write $(path_of "$name"): run it as root, outside of containers"
    done
    [ -d "${file%/*}" ] || die "there is no ${file%/*}"
    [ -w "${file%/*}" ] || die "cannot write $file: run it as root"
}

# The names whose values from before are kept, and those values as the kernel wrote them.
names_before() { if [ -e "$file" ]; then sed -n 's/^# before: \([^ ]*\) = .*/\1/p' "$file"; fi; }
value_before() { sed -n "s/^# before: $1 = //p" "$file"; }

write_file() {
    echo "# Written by contrib/tune_sysctl.sh --apply; --undo removes it and gives back the values from before."
    names_before | while read -r name; do echo "# before: $name = $(value_before "$name")"; done
    changes | while IFS='|' read -r name current new reason; do
        names_before | grep -qxF "$name" || echo "# before: $name = $(cat "$(path_of "$name")")"
    done
    # Earlier ones are in force already, unless something has changed them since: then they are among the changes.
    plan | while IFS='|' read -r name current new reason; do
        if [ "$current" != "$new" ] || names_before | grep -qxF "$name"; then
            printf '\n# %s\n%s = %s\n' "$reason" "$name" "$new"
        fi
    done
}

apply() {
    if [ -z "$(changes)" ]; then
        echo "nothing to change"
        return
    fi
    check_rights "$(changes | cut -d '|' -f 1)"
    write_file >"$file.new"
    todo=$(changes)
    mv "$file.new" "$file"
    echo "$todo" | while IFS='|' read -r name current new reason; do
        echo "$new" >"$(path_of "$name")" || die "cannot set $name to $new; --undo gives back what was changed"
        echo "$name $current -> $new"
    done
    echo "kept for the next start in $file"
}

undo() {
    if [ ! -e "$file" ]; then
        echo "nothing to undo: there is no $file"
        return
    fi
    check_rights "$(names_before)"
    names_before | while read -r name; do
        value_before "$name" >"$(path_of "$name")" || die "cannot set $name to $(value_before "$name")"
        echo "$name $(value_before "$name")"
    done
    rm "$file"
    echo "removed $file"
}

$action
