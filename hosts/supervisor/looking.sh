# --- look -----------------------------------------------------------------------------------------------

by_judge() { # name: sets by_state
    if ! by_load "$1"; then
        if [ -e "runs/$1/run" ]; then by_state=garbled; else by_state=absent; fi
        return
    fi
    case $by_slot in
    "open "*.) by_judge_open "$1" ;;
    *.) by_state="ended ${by_slot%.} ${by_since:--}" ;;
    *) by_state=garbled ;;
    esac
}

by_judge_open() { # name
    by_set_out=${by_slot#open } by_set_out=${by_set_out%%[!0-9]*}
    if [ ! "$by_super" ]; then
        by_state="claimed $((by_uptime - by_set_out))"
    elif [ "$by_boot_then" != "$by_boot" ]; then
        by_state=rebooted
    elif by_stat "$by_pid" && [ "$by_start" = "$by_since" ]; then
        by_state="supervisor_died $by_pid"
        [ "$by_ppid" != "$by_super" ] || by_state="running $by_pid"
    elif by_stat "$by_super" && [ "$by_start" -le "$by_since" ]; then
        # It is about to write the slot. (A process that has its number again would be younger than the command.)
        by_state="running $by_pid"
        [ "$by_pid" != 0 ] || by_state="claimed $((by_uptime - by_set_out))"
    else
        # It may have written the slot since it was read above.
        by_load "$1"
        case $by_slot in "open "*) by_state=lost ;; *) by_state="ended ${by_slot%.} ${by_since:--}" ;; esac
    fi
}

by_look() { # name...
    by_now
    for by_name; do
        by_judge "$by_name"
        echo "@look $by_name $by_state"
    done
}

by_recall() { # name...: takes the gates of those that have not begun, as if it launched them, and starts nothing
    by_now
    for by_name; do
        mkdir -p -- "runs/$by_name" 2>/dev/null
        case $(by_claim "$by_name") in
        "@started "*) echo "@recalled $by_name" ;;
        "@duplicate "*)
            # Without a second line: this has been called off before. A resident writes both lines at once.
            by_load "$by_name"
            if [ "$by_slot" ] && ! [ "$by_super" ]; then echo "@recalled $by_name"; else echo "@begun $by_name"; fi
            ;;
        *) echo "@failed $by_name" ;;
        esac
    done
}

by_sizes() { # minutes (-: all) path...
    by_recent=
    [ "$1" = - ] || by_recent="-mmin -$1"
    shift
    find "$@" $by_recent -exec stat -c '@size %s %n' {} + 2>/dev/null
}

by_old() { # minutes: names of the runs that ended longer ago
    by_now
    by_minutes=$1
    by_split by_old_one "$(find runs -mindepth 1 -maxdepth 1 -mmin "+$1" 2>/dev/null)"
}

by_old_one() { # path. Its directory is as old as the start; a run that took long ended later
    by_name=${1#runs/}
    by_judge "$by_name"
    case $by_state in
    running* | supervisor_died*) return ;;
    ended*)
        set -- $by_state
        [ "$by_boot_then" != "$by_boot" ] || [ "$((by_uptime - $4))" -gt "$((by_minutes * 6000))" ] || return
        ;;
    esac
    echo "@old $by_name"
}

# The reader has consumed the whole journal, so nothing but what is written in between can be missed. That is
# handed over too: a line is one open and one write, so after a moment nobody holds the old file open for writing.
# What fell through all the same, a look at the run finds in its slot.
by_rotate() { # consumed_bytes
    [ "$(wc -c <journal)" -eq "$1" ] && mv -f journal journal.1 || return 0
    : >>journal
    echo "@rotated"
    sleep "$by_pause"
    tail -c "+$(($1 + 1))" journal.1 | while IFS= read -r by_line; do printf '@line %s\n' "$by_line"; done
}
