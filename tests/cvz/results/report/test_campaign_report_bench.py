"""What `make bench-report` makes up is an index that a report can be made of."""

from cvzmpi.cvz.results.index.place import DIRECTORY
from cvzmpi.cvz.results.index.star_reader import StarReader
from cvzmpi.cvz.results.products.star_outcome import outcome_of
from tools.bench.campaign_report.made_up_index import write_index
from tools.bench.campaign_report.targets import targets


def test_a_made_up_index_is_written_and_read_with_the_names_of_its_light_curves(tmp_path):
    n_light_curves = write_index(tmp_path, 2)
    reader = StarReader(tmp_path / DIRECTORY)
    stars = [reader.star(target.tic) for target in targets(2)]
    assert sum(len(star.rows) for star in stars) == n_light_curves
    for star in stars:
        assert star.catalogue == "TIC"
        assert {row["product"] for row in star.rows} == {"spoc-120"}
        assert outcome_of(star.sources(tmp_path)).star is not None
