# Batchyard's supervisor: functions for one POSIX shell that is kept open on the host. This file launches;
# signals.sh and looking.sh follow it in the one file that is pushed.
#
# It needs Linux (/proc), sh (dash, busybox ash or bash) and setsid. Where Python is, the resident launches instead, with
# the same records; everything else is done here. The current directory is the base:
#
#   scripts/<digest>   what runs execute
#   runs/<name>/run    line 1: the slot, 64 bytes, overwritten in place when the command has ended
#                              open <uptime of the launch> .
#                              <kind> <code> <uptime> <flags> .
#                      line 2: <pid> <start time> <boot id> <pid of the supervising shell or resident>
#                              pid 0: the resident is about to start it
#                      later:  timed_out, refused, or what this shell says of a command that a signal killed
#   runs/<name>/stdout, stderr
#   runs/<name>/secrets/   a file for each, until the command has ended
#   journal            S, E and K lines, one write each
#   id                 tells our runs from those of another base directory on this host
#
# Uptimes are hundredths of a second since boot. Answers are lines that begin with "@": whatever else stands in
# the stream is noise of the login. Launching uses no external program but one mkdir for a batch, and setsid for
# each command.

# A start later than this after its launch is refused, so that the client can call the run off for good.
by_patience_seconds=30

by_newline='
'

# What we write is for the account alone; a command gets the umask of the log-in.
by_umask=${by_umask-$(umask)}
umask 077

by_hello() { # prints what the client should know of this host
    by_base=$PWD
    by_setsid=$(command -v setsid) || by_setsid=
    if ! [ "$by_setsid" ] || ! [ -r /proc/sys/kernel/random/boot_id ]; then
        echo "@unsuitable It has no setsid, or no /proc of Linux."
        return
    fi
    if ! mkdir -p runs scripts || ! : >>journal; then
        printf '@unsuitable %s cannot be written.\n' "$by_base"
        return
    fi 2>/dev/null
    # -C: of two that come first at the same time one makes it, and both read it.
    (set -C && read -r by_line </proc/sys/kernel/random/uuid && echo "$by_line" >id) 2>/dev/null
    by_probe
    by_python=0
    ! command -v python3 >/dev/null || by_python=1
    by_shell=$(readlink "/proc/$$/exe")
    by_free=$(df -Pk . | while read -r by_x by_x by_x by_kib by_x; do echo "$by_kib"; done)
    by_facts="$(date +%s) $(wc -c <journal) ${by_free##*"$by_newline"} $by_python ${by_shell##*/}"
    printf '@home %s\n@base %s\n' "$HOME" "$by_base"
    echo "@boot $by_boot"
    # Last, as it is held against the moment at which it is heard.
    by_now
    echo "@facts $by_uptime $by_facts"
}

by_probe() { # what the other functions have to know of this host
    read -r by_boot </proc/sys/kernel/random/boot_id
    read -r by_site <id
    by_has_grep_z=0 by_pause=1
    ! printf 'A=1\0BATCHYARD_RUN=a\0' | grep -sxzq 'BATCHYARD_RUN=[a-z]*' || by_has_grep_z=1
    ! sleep 0.01 2>/dev/null || by_pause=0.1
}

by_stat() { # pid: sets by_number, by_ppid, by_start (ticks since boot). False if dead, by_start is empty if it is gone
    by_line= by_start=
    { read -r by_line <"/proc/$1/stat"; } 2>/dev/null
    [ "$by_line" ] || return 1
    # The command's name stands in parentheses and may hold anything: cut at the last ")".
    by_number=${by_line%% *}
    set -f
    set -- ${by_line##*) }
    set +f
    by_ppid=$2 by_start=${20}
    [ "$1" != Z ] && [ "$1" != X ]
}

by_now() { # sets by_uptime
    read -r by_uptime by_x </proc/uptime
    by_uptime=${by_uptime%.*}${by_uptime#*.}
}

by_load() { # name: sets by_slot and by_pid by_since by_boot_then by_super; false if it has no slot
    by_slot= by_pid= by_since= by_boot_then= by_super=
    { { read -r by_slot; read -r by_pid by_since by_boot_then by_super; } <"runs/$1/run"; } 2>/dev/null
    [ "$by_slot" ]
}

# --- launch ---------------------------------------------------------------------------------------------

by_keep() { # digest text: keeps a script, once
    [ ! -f "scripts/$1" ] || return 0
    printf %s "$2" >"scripts/.$1.$$" && chmod 700 "scripts/.$1.$$" && mv -f "scripts/.$1.$$" "scripts/$1"
}

by_give_up() { # name...: there was no place for their script
    for by_name; do echo "@failed $by_name"; done
}

by_claim() { # name: true if this call made the run. With -C the shell opens by O_EXCL: the gate is one system call
    set -C
    { true >"runs/$1/run"; } 2>/dev/null
    by_status=$?
    set +C
    if [ "$by_status" != 0 ] && [ -e "runs/$1/run" ]; then
        echo "@duplicate $1"
        return 1
    fi
    # Written now in full width, so that a disk that is full later cannot lose the exit code.
    if [ "$by_status" = 0 ] && printf '%-62s.\n' "open $by_uptime" 1<>"runs/$1/run"; then
        echo "@started $1"
        return 0
    fi 2>/dev/null
    # The gate is this call's own and nothing went through it: it may open again.
    rm -rf -- "runs/$1"
    echo "@failed $1"
    return 1
}

# Supervises one run, in a shell forked for it. by_values, from the request, exports the run's environment.
by_run() { # name digest directory limit_seconds grace_seconds needed interpreter [argument]
    # What this shell says of a killed command lands in the run file: dash, busybox and bash name the signal that
    # killed a foreground child, and say nothing for `exit 137`. They do not name SIGINT and SIGPIPE: a command
    # that these kill reads as exited, 130 or 141.
    exec 2>>"runs/$1/run"
    # Before the trap: a shell forked with one loses a signal that comes before it has put the trap down.
    [ ! "$4" ] || by_watch "$1" "$4" "$5"
    # Caught, not ignored: what is ignored here would stay ignored in the command.
    trap : HUP INT QUIT TERM
    (by_become "$@")
    by_end "$1" "$?" "$4"
}

by_secrets() { # keeps the run's secrets; a request that has any says how
    :
}

by_hide() { # name text
    { [ -d "runs/$by_name/secrets" ] || mkdir "runs/$by_name/secrets"; } && printf %s "$2" >"runs/$by_name/secrets/$1"
}

by_become() { # turns this process into the run's command
    by_name=$1 by_script=$by_base/scripts/$2 by_directory=${3:-$HOME} by_needed=$6
    shift 6
    by_launched=$by_uptime
    by_now
    by_stat self
    echo "$by_number $by_start $by_boot $by_ppid" >&2
    exec >>"runs/$by_name/stdout" 2>>"runs/$by_name/stderr"
    [ "$((by_uptime - by_launched))" -lt "${by_patience_seconds}00" ] || by_refuse "the launch came too late."
    [ -r "$by_script" ] || by_refuse "its script is not on this host any more."
    command -v "$by_needed" >/dev/null || by_refuse "\"$by_needed\" is not there or may not be executed."
    by_secrets || by_refuse "its secrets cannot be written."
    cd -- "$by_directory" 2>/dev/null || by_refuse "the directory \"$by_directory\" is not there or may not be entered."
    echo "S $by_name $by_number $by_start $by_uptime" 2>/dev/null >>"$by_base/journal"
    umask "$by_umask"
    unset OLDPWD
    export BATCHYARD_RUN="$by_name" BATCHYARD_MARK=":$by_site:$by_name:"
    by_values
    exec "$by_setsid" "$@" "$by_script"
}

by_refuse() { # reason
    printf '%s\n' "The command could not be started: $1" >&2
    echo refused >>"$by_base/runs/$by_name/run"
    exit 127
}

by_end() { # name status limit_seconds
    by_kind=exited by_code=$2 by_flags=
    # Reading costs a system call for each byte: only where there can be something to read.
    [ "$2$3" = 0 ] || by_verdict "$1"
    [ ! -d "runs/$1/secrets" ] || rm -rf -- "runs/$1/secrets"
    [ ! "$3" ] || [ "$by_kind" = timed_out ] || kill "$by_watcher" 2>/dev/null
    by_now
    [ ! -s "runs/$1/stdout" ] || by_flags=o
    [ ! -s "runs/$1/stderr" ] || by_flags=${by_flags}e
    # 1<> neither truncates nor needs a new block. A command that removed its own directory has no slot: flag g.
    printf '%-62s.\n' "$by_kind $by_code $by_uptime ${by_flags:--}" 2>/dev/null 1<>"runs/$1/run" || by_flags=${by_flags}g
    echo "E $1 $by_kind $by_code $by_uptime ${by_flags:--}" 2>/dev/null >>journal
}

by_verdict() { # name: what the lines after the second say, into by_kind and by_code
    by_said=
    {
        read -r by_line
        read -r by_line
        while read -r by_line; do
            case $by_line in
            timed_out | refused) by_said=$by_line ;;
            *) by_said=${by_said:-message} ;;
            esac
        done
    } 2>/dev/null <"runs/$1/run"
    case $by_said in
    timed_out | refused) by_kind=$by_said ;;
    message)
        # Only a signal makes this shell speak once the command has its own stderr. What spoke before
        # that, with an ordinary status, is this shell itself: the output files could not be made.
        if [ "$by_code" -gt 128 ]; then by_kind=signalled by_code=$((by_code - 128)); else by_kind=refused; fi
        ;;
    esac
}

# --- time limit -----------------------------------------------------------------------------------------

by_watch() { # name limit_seconds grace_seconds: sets by_watcher; ending it ends its sleep
    {
        trap 'kill -s KILL "$!"; exit 0' TERM
        sleep "$2" &
        wait "$!"
        trap 'exit 0' TERM
        by_load "$1"
        case $by_slot in
        "" | "open "*)
            # Where there is no record any more, by_end does not know why, and ends this shell.
            trap '' TERM
            echo timed_out >>"runs/$1/run"
            by_stop "$3" "$1"
            ;;
        esac
    } </dev/null >/dev/null 2>&1 &
    by_watcher=$!
}
