#!/usr/bin/env bash
#
# What cvz_ckpt.slurm and cvz_node.slurm have in common: starts cvzmpi on all nodes
# of the job, and queues the job again when it ended before everything was done.
#
#   run_in_slurm.sh CAMPAIGN [arguments of `cvzmpi run`]
#
# How cvzmpi ended, and what follows:
#   0, 1   all light curves are done, or failed for good: the job ends
#   2      wrong usage or configuration: the job ends
#   75     stopped before the end, in good order, or something was away (a database,
#          a disk that is full): the job is queued again, after a pause where the
#          start was short
#   else   a rank died (137 killed, 139 segmentation fault, ...): queued again too.
#          cvzmpi itself gives up a light curve that brings the job down repeatedly.
#
# What Slurm does when it takes the nodes away, seen from here:
# - GraceTime = 0 (and `scontrol requeue`): everything, this script included, gets
#   SIGTERM, and after KillWait SIGKILL. Slurm has queued the job again already.
# - GraceTime > 0: only the ranks get SIGTERM; we learn it from their exit status. A
#   job that now ended with 0 would count as completed and never come back: so it is
#   us who queue it again.
# - SIGKILL of everything at once: nothing here runs any more, and nothing has to.
set -uo pipefail

INCOMPLETE=75
USAGE=2

say() { printf '%s job %s: %s\n' "$(date '+%F %T')" "$SLURM_JOB_ID" "$*"; }

die() {
    printf 'cvzmpi: %s\n' "$*" >&2
    exit $USAGE
}

[ -n "${SLURM_JOB_ID:-}" ] || die "this is for a Slurm job: sbatch jobs/cvz_ckpt.slurm CAMPAIGN"
jobs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$(command -v "${PYTHON:-python3}") ||
    die "no ${PYTHON:-python3}: set PYTHON to the one that cvzmpi is installed in"
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")

campaign=${1:-.}
[ $# -eq 0 ] || shift
cd "$campaign" || die "no campaign directory $campaign"
[ -e cvzmpi.toml ] || [ $# -gt 0 ] || die "$PWD: no cvzmpi.toml in here"
mpi=${SRUN_MPI:-$(bash "$jobs/choose_mpi.sh" "$python")} || exit $USAGE

# Python is not to look for every module in the campaign's directory first: some 350 questions of
# each rank about one directory that all of them share. (From Python 3.11 on.)
export PYTHONSAFEPATH=1

# --- when the time is over ----------------------------------------------------

# cvzmpi begins nothing new shortly before. Newer Slurms tell the time themselves.
if [ -z "${SLURM_JOB_END_TIME:-}" ]; then
    end=$(squeue -h -j "$SLURM_JOB_ID" -o %e 2>/dev/null) # local time, or NONE
    SLURM_JOB_END_TIME=$(date -d "$end" +%s 2>/dev/null) && export SLURM_JOB_END_TIME
fi

# --- one start ----------------------------------------------------------------

starts=$((${SLURM_RESTART_COUNT:-0} + 1)) # Slurm does not set it the first time
say "start $starts (SLURM_RESTART_COUNT=${SLURM_RESTART_COUNT:-0}) on $SLURM_JOB_NODELIST," \
    "$SLURM_NTASKS ranks, srun --mpi=$mpi, in $PWD${*:+, $*}"

# SIGTERM must not end this shell before srun: who would say how cvzmpi ended? The
# ranks get it from Slurm; srun passes it on to them once more.
trap 'say "SIGTERM"' TERM

# Without --kill-on-bad-exit the others would wait for ever for a rank that died: with
# pmix, for one that is not on the first node.
srun --mpi="$mpi" --kill-on-bad-exit=1 "$python" -m cvzmpi run "$@" &
step=$!
wait "$step"
status=$?
# A signal interrupts `wait`.
while kill -0 "$step" 2>/dev/null; do
    wait "$step"
    status=$?
done
say "start $starts ended with exit status $status after $SECONDS s"

# --- and then? ----------------------------------------------------------------

case $status in
0 | 1 | "$USAGE") exit "$status" ;;
esac
if [ "$starts" -ge "${MAX_STARTS:-200}" ]; then
    say "not queued again after $starts starts (MAX_STARTS): look what keeps it from getting done, then submit it again"
    exit "$status"
fi
# What ended so soon would so again: the queue is not to be kept busy with it.
if [ "$status" -eq $INCOMPLETE ] && [ $SECONDS -lt "${SHORT_START:-15}" ]; then
    say "a short start: queued again in ${REQUEUE_PAUSE:-60} s"
    sleep "${REQUEUE_PAUSE:-60}" &
    wait $! # a signal ends the pause
fi
state=$(squeue -h -j "$SLURM_JOB_ID" -o '%T %r' 2>/dev/null) # RUNNING None, COMPLETING TimeLimit, ...
case $state in
RUNNING* | *TimeLimit | "") ;;
*)
    # Preempted, then Slurm has queued it again already; or cancelled, and to queue
    # it again would bring it back to life.
    say "the job is ${state%% *}: preempted or cancelled, left to Slurm"
    exit $INCOMPLETE
    ;;
esac
trap '' TERM # the answer to our own request, which must not kill scontrol
if answer=$(scontrol requeue "$SLURM_JOB_ID" 2>&1); then
    say "queued again"
else
    say "cannot be queued again: ${answer:-no answer from scontrol}; submit it again, it goes on where it stopped"
fi
# Slurm ends this script now. Leaving by ourselves is as good, but never with 0.
exit $INCOMPLETE
