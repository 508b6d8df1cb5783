# --- signals --------------------------------------------------------------------------------------------
# A run's processes are those of its session and its group, and what carries its marker in its environment:
# setsid and a double fork leave session and group, but keep the environment.

by_lead() { # name...: adds to by_leaders the leaders not known yet; by_waiting=1 if a run may still start
    by_waiting=
    for by_name; do
        case $by_known in *" $by_name "*) continue ;; esac
        by_load "$by_name"
        case $by_slot in "open "*) ;; *) continue ;; esac
        if [ ! "$by_super" ] || [ "$by_pid" = 0 ]; then
            by_set_out=${by_slot#open }
            [ "$((by_uptime - ${by_set_out%%[!0-9]*}))" -ge "${by_patience_seconds}00" ] || by_waiting=1
            continue
        fi
        by_known="$by_known$by_name "
        # Only a leader that is seen alive lends its number to its group and session: a dead one's may be in use again.
        [ "$by_boot_then" = "$by_boot" ] && by_stat "$by_pid" && [ "$by_start" = "$by_since" ] || continue
        by_leaders="$by_leaders $by_pid"
        eval "by_lead_$by_pid=\$by_name by_since_$by_pid=\$by_since"
    done
}

by_find() { # name...: sets by_found ("name:pid ...") and by_groups; false if nothing is alive
    by_found= by_groups= by_pids= by_wanted=" $* "
    for by_pid in $by_leaders; do
        eval "by_since=\$by_since_$by_pid"
        by_stat "$by_pid"
        [ "${by_start:-$by_since}" = "$by_since" ] || continue
        by_groups="$by_groups -$by_pid"
        by_pids="$by_pids|$by_pid"
    done
    by_split by_add_member "$(by_members "${by_pids#|}")"
    by_split by_add_marked "$(by_marked)"
    [ "$by_found" ]
}

by_split() { # function lines: calls the function with each line
    by_function=$1
    set -f
    IFS=$by_newline
    set -- $2
    unset IFS
    set +f
    for by_each; do "$by_function" "$by_each"; done
}

by_members() { # pid|pid...: prints the stat lines of what lives in these groups and sessions
    [ "$1" ] || return 0
    LC_ALL=C grep -hsE "^(($1) \(.*\) [^ZX]|[0-9]+ \(.*\) [^ZX] [0-9]+ (($1)|[0-9]+ ($1))) " /proc/[0-9]*/stat
}

by_add_member() { # stat line
    by_pid=${1%% *}
    set -f
    set -- ${1##*) }
    set +f
    eval "by_name=\${by_lead_$3:-\${by_lead_$4:-\${by_lead_$by_pid-}}}"
    [ ! "$by_name" ] || by_add "$by_name:$by_pid"
}

by_marked() { # prints /proc/<pid>/environ:BATCHYARD_MARK=:<site>:<name>: for everything alive that carries our marker
    by_pattern="BATCHYARD_MARK=:$by_site:[A-Za-z0-9._-]*:"
    if [ "$by_has_grep_z" = 1 ]; then
        LC_ALL=C grep -sxzH "$by_pattern" /proc/[0-9]*/environ | tr '\0' '\n'
        return
    fi
    # busybox's grep stops at the first NUL.
    head -v -c 4194304 /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' |
        LC_ALL=C grep -xE "==> /proc/[0-9]+/environ <==|$by_pattern" |
        while read -r by_line; do
            case $by_line in
            "==> "*) by_path=${by_line#==> } by_path=${by_path% <==} ;;
            # A value with newlines in it can forge a heading: look at the place itself.
            *) ! by_carries "$by_path" "$by_line" || echo "$by_path:$by_line" ;;
            esac
        done
}

by_carries() { # path marker. `read` drops NULs: the marker's last ":" says where the name ends
    while IFS= read -r by_text || [ "$by_text" ]; do
        case $by_text in *"$2"*) return 0 ;; esac
    done 2>/dev/null <"$1"
    return 1
}

by_add_marked() { # line of by_marked
    by_pid=${1#/proc/} by_name=${1%:}
    by_name=${by_name##*:}
    case $by_wanted in *" $by_name "*) by_add "$by_name:${by_pid%%/*}" ;; esac
}

by_add() { # name:pid
    case "$by_found " in *" $1 "*) ;; *) by_found="$by_found $1" ;; esac
}

by_tell() { # signal [then]: to each found process that this has not told yet; false if there was none
    by_signals=$*
    set --
    for by_one in $by_found; do
        by_one=${by_one#*:}
        case "$by_told " in *" $by_one "*) continue ;; esac
        by_told="$by_told $by_one"
        set -- "$@" "$by_one"
    done
    [ $# != 0 ] || return 1
    for by_one in $by_signals; do kill -s "$by_one" "$@" 2>/dev/null; done
    return 0
}

by_kill_found() { # a group first: it is one call, which no fork escapes
    set -- $by_groups
    for by_one in $by_found; do set -- "$@" "${by_one#*:}"; done
    kill -s KILL -- "$@" 2>/dev/null
}

by_stop() { # grace_seconds (-: none) name...: ends the runs' processes, then tells the journal what is left
    by_grace=$1 by_known=" " by_leaders= by_told= by_empty=0
    shift
    by_now
    by_kill_at=$by_uptime
    [ "$by_grace" = - ] || by_kill_at=$((by_uptime + by_grace * 100))
    by_give_up_at=$((by_kill_at + 300))
    # One look that finds nothing can fall between a fork and its parent's end: two in a row are believed.
    while [ "$by_empty" -lt 2 ] && [ "$by_uptime" -lt "$by_give_up_at" ]; do
        by_lead "$@"
        if ! by_find "$@"; then
            by_empty=$((by_empty + 1))
        else
            by_empty=0
            # A frozen process meets its TERM only when it goes on.
            if [ "$by_uptime" -lt "$by_kill_at" ]; then by_tell TERM CONT; else by_kill_found; fi
        fi
        [ ! "$by_waiting" ] || by_empty=0
        [ "$by_empty" -ge 2 ] || sleep "$by_pause"
        by_now
    done
    for by_name; do
        by_left=
        for by_one in $by_found; do
            [ "${by_one%:*}" != "$by_name" ] || by_left="$by_left ${by_one##*:}"
        done
        if [ "$by_left" ]; then by_left="left$by_left"; else by_left=gone; fi
        echo "K $by_name $by_left" >>journal
    done
}

by_kill() { # grace_seconds name...: in the background; twice forked, so that the control shell gathers no jobs
    (by_stop "$@" </dev/null >/dev/null 2>&1 &)
}

by_freeze() { # name...: prints each process that was frozen
    by_known=" " by_leaders= by_told= by_passes=0
    by_now
    by_lead "$@"
    # Each pass catches what was forked during the one before.
    while by_find "$@" && by_tell STOP && [ "$by_passes" -lt 10 ]; do by_passes=$((by_passes + 1)); done
    for by_one in $by_found; do echo "@frozen $by_one"; done
}

by_thaw() { # name...: prints each process that goes on
    by_known=" " by_leaders= by_told=
    by_now
    by_lead "$@"
    ! by_find "$@" || by_tell CONT
    for by_one in $by_found; do echo "@thawed $by_one"; done
}
