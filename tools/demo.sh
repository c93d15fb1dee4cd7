#!/usr/bin/env bash
#
# The main job on four stars, in under two minutes on two cores: TIC 358108509, a
# flaring M dwarf that TESS observed in sector 1, and three invented stars.
# Everything is left in demo/, to be looked at; a second run starts afresh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CVZMPI=.venv/bin/cvzmpi
FITS=tess2018206045859-s0001-0000000358108509-0120-s_lc.fits

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

rm -rf demo
mkdir -p demo/input demo/output
tools/fetch_light_curve.sh
cp ".setup/$FITS" demo/input/
"$CVZMPI" simulate demo/input --stars 3 --seed 7

# Rank 0 schedules, the two others form a team: they share each light curve and
# write its file together.
tools/mpirun.sh -n 3 .venv/bin/python -m cvzmpi run --input demo/input --output demo/output \
    --set seed=7 --set ranks_per_team=2

# The report is drawn by two ranks, which share the stars.
"$CVZMPI" index demo/output
"$CVZMPI" ffd --all --results demo/output --output demo/ffd
tools/mpirun.sh -n 2 "$CVZMPI" report demo/output --output demo/report

mapfile -d '' files < <(find demo/output -name '*_*.h5' -print0 | sort -z)
[ ${#files[@]} -gt 0 ] || die "no sector files in demo/output"
"$CVZMPI" show "${files[@]}"
cat <<TEXT

To look at:
  demo/report/index.html    the report: open it in a browser
  demo/ffd                  rates and flare frequency distributions, as tables
  $CVZMPI show FILE         more about a sector file
TEXT
