"""The documentation site: `make docs` builds it, and runs the tutorials in it.

Nothing is fetched from the network, neither when the site is built nor when it is read.
"""

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cvzmpi  # noqa: E402
from tools.reference_pages import write_pages  # noqa: E402

project = "cvzmpi"
author = "the cvzmpi authors"
project_copyright = "the cvzmpi authors, MIT licence"
version = release = cvzmpi.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_generated"]
needs_sphinx = "8.0"

# --- pages

# Pages are Markdown that GitHub shows as well.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# --- reference, made from the code

write_pages(ROOT / "docs" / "_generated")
autodoc_typehints = "none"  # the docstrings say the types, with shapes and units
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
default_role = "code"  # what docstrings have in `backticks`

# --- tutorials, which are executed at each build

nb_execution_mode = "force"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_number_source_lines = False
nb_mime_priority_overrides = [("html", "image/svg+xml", None)]
# Commands print in one piece, and colours are for terminals.
_IPYTHON = ROOT / "docs" / "_build" / "ipython"
(_IPYTHON / "profile_default" / "startup").mkdir(parents=True, exist_ok=True)
shutil.copy(
    ROOT / "docs" / "tutorials" / "_ipython" / "startup.py",
    _IPYTHON / "profile_default" / "startup",
)
# One core, `cvzmpi` on PATH, and the tools of the checkout: as the pages say.
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "IPYTHONDIR": str(_IPYTHON),
    # Open MPI, for a start as root and with more ranks than cores.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl": "^tcp",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "MATPLOTLIBRC": str(ROOT / "docs" / "tutorials" / "matplotlibrc"),
    "CVZMPI_LIGHT_CURVE": str(
        ROOT / ".setup" / "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
    ),
}

# --- look

html_theme = "furo"
html_title = f"cvzmpi {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
copybutton_exclude = ".linenos, .gp, .go"
pygments_style = "friendly"

# Files outside of docs/ that are pages of the site, too.
_PAGES_FROM_OUTSIDE = {
    "../jobs/README.md": "jobs.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
    "../README.md": "index.md",
}


def _link_within_the_site(app, name, source):
    """Let links to files outside of docs/ lead to their pages."""
    del app, name
    for outside, page in _PAGES_FROM_OUTSIDE.items():
        source[0] = re.sub(rf"\]\((?:\.\./)*{re.escape(outside)}", f"]({page}", source[0])


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", _link_within_the_site)
