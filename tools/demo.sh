#!/usr/bin/env bash
#
# The main job on four stars, in under two minutes on two cores: TIC 358108509, a
# flaring M dwarf that TESS observed in sector 1, and three invented stars.
# Everything is left in demo/, to be looked at; a second run starts afresh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CVZMPI=.venv/bin/cvzmpi
# The real light curve is an example file of altaipony (MIT licence), which comes
# with pip, so no archive has to be reachable.
WHEEL_REQUIREMENT="altaipony==2.1.2"
FITS=tess2018206045859-s0001-0000000358108509-0120-s_lc.fits
FITS_SHA256=8f026f87bfaf4e79496e124dd6a9a36b5ff06ed597c0b3bff5387fa240681695

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

is_right() { # is_right FILE: is it there, and the light curve we mean?
    echo "$FITS_SHA256  $1" | sha256sum --check --status 2>/dev/null
}

# Downloaded once, kept in .setup/.
fetch_light_curve() {
    local log=.setup/demo-download.log wheels
    mkdir -p .setup
    is_right ".setup/$FITS" && return
    wheels=$(mktemp -d .setup/wheels.XXXXXX)
    .venv/bin/python -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" "$WHEEL_REQUIREMENT" \
        >$log 2>&1 || {
        rm -rf "$wheels"
        die "cannot download $WHEEL_REQUIREMENT: $(grep -v '^ *$' $log | tail -n 1) (all of it: $log)"
    }
    .venv/bin/python - "$wheels"/*.whl "altaipony/examples/$FITS" ".setup/$FITS" <<'PY'
import sys
import zipfile

wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, open(target, "wb") as file:
    file.write(archive.read(member))
PY
    rm -rf "$wheels"
    is_right ".setup/$FITS" || die ".setup/$FITS is not the file we know: its sha256 is not $FITS_SHA256"
}

rm -rf demo
mkdir -p demo/input demo/output
fetch_light_curve
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
