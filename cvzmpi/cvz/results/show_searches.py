"""The searches of a sector file side by side, as `cvzmpi show` prints them."""

from __future__ import annotations

import numpy as np
from rich.console import Console

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.terminal import plain_table, print_facts


def print_searches(console: Console, content: SearchedFile) -> None:
    """Print what each search found, in the light curve and in its mirror images.

    The file must have more searches than that by stella.
    """
    data = content.data
    assert data.mirror_events is not None
    assert data.noise_raised is not None
    assert data.significance is not None
    found_by, image_of = data.mirror_events["found_by"], data.mirror_events["image"]
    table = plain_table(
        ["search", "flares", "searched [d]", *(image.name.lower() for image in Image)]
    )
    for search in Search:
        searched = SearchedCurve(data, content.config, search)
        of_search = search.flares(found_by)
        table.add_row(
            f"{search}, chosen" if search is content.search else str(search),
            str(searched.n_flares),
            f"{searched.time.searched:.2f}",
            *(str(np.sum(of_search & (image_of == image))) for image in Image),
        )
    console.print(table)
    console.print("  inverted, shuffled: what it finds in these mirror images, where there is none")
    raised = float(data.noise_raised.max())
    left_out = float(np.mean(~np.isfinite(data.significance[content.searched.usable])))
    print_facts(
        console,
        [
            ("noise", f"raised by up to {raised:.3g}" if raised > 1 else "not raised"),
            ("left out", f"{left_out:.1%} of the usable cadences, outside of flares"),
        ],
    )
