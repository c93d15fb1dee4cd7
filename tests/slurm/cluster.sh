#!/usr/bin/env bash
#
# A Slurm cluster of two virtual nodes on this machine, for tests: munged, slurmctld
# and two slurmd, as root, without systemd, on loopback, everything in one directory.
#
#   tests/slurm/cluster.sh start DIR     prints the line `export SLURM_CONF=...` to use it
#   tests/slurm/cluster.sh stop DIR      cancels the jobs, ends the daemons, removes DIR
#
# Partition `ckpt` is the checkpoint queue: jobs of `high` preempt it at once, those
# of `grace`, a second checkpoint queue, after a warning of GRACE_TIME seconds.
# Exit status 3: cannot be brought up here (not root, or Slurm cannot be installed).
set -euo pipefail

CANNOT=3
PACKAGES=(slurmctld slurmd slurm-client munge)
CPUS=${CPUS:-4}             # of each virtual node; more than there are is fine, and so is memory
GRACE_TIME=${GRACE_TIME:-60} # seconds
KILL_WAIT=${KILL_WAIT:-20}  # seconds between SIGTERM and SIGKILL
WAIT=120                    # seconds for anything to come up, or to end

declare -A HOSTS=([n1]=cvzmpi-n1 [n2]=cvzmpi-n2)

PATH=$PATH:/usr/sbin:/sbin

die() { # die STATUS MESSAGE
    printf 'cluster: %s\n' "$2" >&2
    exit "$1"
}

# --- what must be installed ---------------------------------------------------

installed() {
    local program
    for program in munged mungekey slurmctld slurmd srun sbatch; do
        command -v "$program" >/dev/null || return 1
    done
}

install_slurm() {
    installed && return
    command -v apt-get >/dev/null || die $CANNOT "no Slurm on this machine, and no apt-get to install it"
    local options=(-y -qq --no-install-recommends -o DPkg::Lock::Timeout=300)
    # Runlevel 1: Debian does not start the daemons of the packages it installs.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    {
        apt-get install "${options[@]}" "${PACKAGES[@]}" ||
            { apt-get update -qq && apt-get install "${options[@]}" "${PACKAGES[@]}"; }
    } >"$1/install.log" 2>&1 </dev/null || true
    installed || die $CANNOT "cannot install ${PACKAGES[*]}: $(grep -v '^ *$' "$1/install.log" | tail -n 1)"
}

# --- configuration ------------------------------------------------------------

free_ports() { # free_ports N: ports that nobody listens on
    python3 - "$1" <<'PY'
import socket
import sys

sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PY
}

write_configuration() { # write_configuration DIR
    local dir=$1 host ports
    host=$(hostname -s 2>/dev/null || hostname)
    read -ra ports <<<"$(free_ports 3)"
    cat >"$dir/slurm.conf" <<CONF
ClusterName=cvzmpi
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
AuthType=auth/munge
# A requeued job waits until its old credential has expired: by default 120 s.
AuthInfo=socket=$dir/munge/socket,cred_expire=5
# Bind to loopback, not to all addresses.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny

StateSaveLocation=$dir/state
SlurmctldPidFile=$dir/slurmctld.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmdLogFile=$dir/slurmd.%n.log
SlurmdSpoolDir=$dir/spool.%n
TmpFS=$dir/tmp.%n

ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2

SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=$KILL_WAIT
OverTimeLimit=0

NodeName=n1,n2 NodeHostname=${HOSTS[n1]},${HOSTS[n2]} NodeAddr=127.0.0.1 Port=${ports[1]},${ports[2]} CPUs=$CPUS RealMemory=1000000
PartitionName=ckpt Nodes=n1,n2 PriorityTier=1 PreemptMode=REQUEUE GraceTime=0 Default=YES
PartitionName=grace Nodes=n1,n2 PriorityTier=1 PreemptMode=REQUEUE GraceTime=$GRACE_TIME
PartitionName=high Nodes=n1,n2 PriorityTier=10 PreemptMode=OFF
CONF
}

# --- start --------------------------------------------------------------------

start() {
    local dir=$1
    [ "$(uname -s)" = Linux ] || die $CANNOT "needs Linux"
    [ "$(id -u)" -eq 0 ] || die $CANNOT "needs root: slurmd starts jobs as other users"
    [ ! -e "$dir/slurm.conf" ] || die 2 "$dir: a cluster is there already; stop it first"
    mkdir -p "$dir"
    printf '127.0.0.1 localhost %s %s\n' "$(hostname)" "${HOSTS[*]}" >"$dir/hosts"
    as_node "$dir" n1 true 2>/dev/null || {
        rm -f "$dir/hosts"
        die $CANNOT "needs the right to give its virtual nodes host names (unshare --uts --mount)"
    }
    dir=$(cd "$dir" && pwd)
    # Longer names do not fit into the address of a Unix socket.
    [ ${#dir} -le 70 ] || die 2 "$dir: expected a path of at most 70 characters"
    install_slurm "$dir"

    (umask 022 && mkdir -p "$dir"/{munge,state,spool.n1,spool.n2,tmp.n1,tmp.n2})
    chmod 755 "$dir"
    write_configuration "$dir"
    export SLURM_CONF=$dir/slurm.conf
    trap 'stop "$dir" keep' ERR

    mungekey --create --keyfile="$dir/munge/key"
    # munged wants everyone to reach its socket; below /root they cannot.
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munged.pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" 2>"$dir/munged.out"
    slurmctld -f "$SLURM_CONF" >"$dir/slurmctld.out" 2>&1 </dev/null
    local node
    for node in n1 n2; do
        # Each with a host name of its own: MPI names its files in /dev/shm after it, and
        # two nodes with one name would take each other's.
        as_node "$dir" "$node" slurmd -f "$SLURM_CONF" -N "$node" >"$dir/slurmd.$node.out" 2>&1 </dev/null
    done
    wait_until nodes_are_idle || {
        tail -n 5 "$dir"/*.log "$dir"/*.out >&2
        stop "$dir" keep
        die 1 "the nodes do not come up; the logs are in $dir"
    }
    trap - ERR
    echo "export SLURM_CONF=$SLURM_CONF"
}

# as_node DIR NODE COMMAND...: with the node's host name, which resolves to loopback.
as_node() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --uts --mount sh -c 'mount --bind "$1/hosts" /etc/hosts && hostname "$2" && shift 2 && exec "$@"' \
        sh "$1" "${HOSTS[$2]}" "${@:3}"
}

nodes_are_idle() { [ "$(sinfo -h -N -p ckpt -o %T 2>/dev/null)" = $'idle\nidle' ]; }

# --- stop ---------------------------------------------------------------------

stop() { # stop DIR [keep]: keep leaves the logs
    local dir name
    dir=$(cd "$1" 2>/dev/null && pwd) || return 0
    [ -e "$dir/slurm.conf" ] || { [ "${2:-}" = keep ] || rmdir "$dir" 2>/dev/null || true; return 0; }
    export SLURM_CONF=$dir/slurm.conf
    if alive "$dir/slurmctld.pid"; then
        squeue -h -o %A 2>/dev/null | sort -u | xargs -r scancel 2>/dev/null || true
        wait_until no_jobs || echo "cluster: some jobs do not end" >&2
    fi
    for name in slurmd.n1 slurmd.n2 slurmctld munged; do
        end "$dir/$name.pid"
    done
    end_steps
    # What MPI left of killed jobs.
    for name in "${HOSTS[@]}"; do
        rm -rf "/dev/shm/"*".$name."*
    done
    [ "${2:-}" = keep ] || rm -rf "$dir"
}

no_jobs() { [ -z "$(squeue -h 2>/dev/null)" ]; }

# A process that has ended may stay as a zombie where PID 1 reaps nobody.
is_running() { # is_running PID
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) && [[ ${stat##*) } != Z* ]]
}

alive() { [ -s "$1" ] && is_running "$(cat "$1")"; } # alive PIDFILE

has_ended() { ! is_running "$1"; }

end() { # end PIDFILE
    alive "$1" || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || true
    wait_until has_ended "$pid" || kill -KILL "$pid" 2>/dev/null || true
}

# Steps outlive slurmd. By now there should be none, but one that was cancelled while
# its processes were being started may hang.
end_steps() {
    local comm pid
    for comm in /proc/[0-9]*/comm; do
        pid=${comm//[!0-9]/}
        # A job's own processes have our SLURM_CONF too, and so may the caller: only steps.
        if [ "$(cat "$comm" 2>/dev/null)" = slurmstepd ] &&
            grep -qzxF "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" 2>/dev/null && is_running "$pid"; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
}

wait_until() { # wait_until COMMAND...
    local tries=$((WAIT * 10))
    until "$@"; do
        [ $((tries--)) -gt 0 ] || return 1
        sleep 0.1
    done
}

case "$#:${1:-}" in
2:start | 2:stop) "$1" "$2" ;;
*) die 2 "expected: cluster.sh start DIR, or cluster.sh stop DIR" ;;
esac
