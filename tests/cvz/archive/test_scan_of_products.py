"""Several products: a star and sector is one unit, of the best product that the archive has."""

from dataclasses import replace

import pytest

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.job_archive import JobArchive
from cvzmpi.cvz.archive.qualification import too_few_cadences
from cvzmpi.cvz.archive.scan import scan as scan_archive
from cvzmpi.cvz.archive.scratch.download import PlainDownloader
from cvzmpi.cvz.commands.archive import fetch_light_curves, open_ledger, scan_targets
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import FAST, QLP, TESS_SPOC, TWO_MINUTES
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from cvzmpi.cvz.target_list import read_target_list
from cvzmpi.errors import ArchiveError, ConfigError
from cvzmpi.ledger import Event, NewUnit, State
from cvzmpi.messages.progress_bar import ProgressBar

ALL = 'input.products=["spoc-20", "spoc-120", "tess-spoc", "qlp"]'
THREE = 'input.products=["spoc-120", "tess-spoc", "qlp"]'
TWO = 'input.products=["tess-spoc", "qlp"]'
LIGHT_CURVES = Simulation(2000, stamped=True)


@pytest.fixture
def campaign(settings_for):
    """The configuration of a campaign that asks an archive for these products."""

    def of(archive, targets="1\n", products=ALL, *more):
        quick = ["archive.attempts=1", "archive.min_sectors_per_year=1"]
        return load(None, [*settings_for(archive, targets), *quick, products, *more])

    return of


@pytest.fixture
def open_sky():
    """Start an archive with light curves of one star, and others' in all listings up to a sector.

    They are given as sectors by kind.
    """
    archives = []

    def start(others=1, **sectors):
        kinds = {"two_minutes": TWO_MINUTES, "fast": FAST, "tess_spoc": TESS_SPOC, "qlp": QLP}
        products = [
            product_of(1, sector, kinds[kind]) for kind, some in sectors.items() for sector in some
        ]
        archive = StandInArchive(Catalog(products, LIGHT_CURVES.content, others=others))
        archives.append(archive.__enter__())
        return archive

    yield start
    for archive in archives:
        archive.__exit__()


def scan(config, notes=None):
    return scan_targets(config, pytest.fail if notes is None else notes.append)[0]


def states(config):
    with open_ledger(config) as ledger:
        return {unit.name: unit.state for unit in ledger.units()}


def last(config, unit):
    with open_ledger(config) as ledger:
        return ledger.history(unit)[-1]


def go_through(config, unit, *ways):
    with open_ledger(config) as ledger, ledger.job("run") as job:
        for state in ways:
            ledger.record([Event(unit, state)], job)


def test_a_star_and_sector_is_one_unit_of_the_best_product_there(open_sky, campaign):
    sky = open_sky(
        two_minutes=[26, 27], fast=[27], tess_spoc=[26, 27, 28], qlp=[25, 26, 27, 28, 29]
    )
    config = campaign(sky)
    result = scan(config)
    asked = sky.counts.requested("")
    assert str(result).splitlines()[1:] == [
        "5 light curves: 5 of stars that qualify (1 of qlp-1800, 1 of qlp-600, 1 of spoc-120, "
        "1 of spoc-20, 1 of tess-spoc-600)",
        "ledger: 5 units added, 0 judged anew",
    ]
    names = ["1_25_qlp-1800", "1_26", "1_27_spoc-20", "1_28_tess-spoc-600", "1_29_qlp-600"]
    assert states(config) == dict.fromkeys(names, State.QUALIFIED)
    with open_ledger(config) as ledger:
        facts = {unit.name: unit.facts for unit in ledger.units()}
    assert facts["1_28_tess-spoc-600"] == {
        "tic": 1,
        "sector": 28,
        "product": "hlsp_tess-spoc_tess_phot_0000000000000001-s0028_tess_v1_lc.fits",
    }
    assert all(Product.of_facts(fact).id.name == name for name, fact in facts.items())
    # a request for each listing, and two to know the end of each kind; 20 s begin with sector 27
    assert len(asked) == len(set(asked)) == 27 + 1 + 28 + 29 + 4 * 2
    assert min(path for path in asked if "fast" in path).endswith("sector_27_fast-lc.sh")
    sky.counts.requests.clear()
    again = scan(config)
    assert (again.n_new, again.n_changed, len(sky.counts.requests)) == (0, 0, 4 * 2)


def test_a_campaign_of_2_minutes_asks_for_their_listings_alone(open_sky, campaign):
    sky = open_sky(two_minutes=[1, 2], tess_spoc=[1, 2, 3], qlp=[1])
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    scan(config)
    assert set(states(config)) == {"1_1", "1_2"}
    assert sky.counts.requested("") == [
        f"/listings/tesscurl_sector_{sector}_lc.sh" for sector in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("products", "qualifies"), [('"spoc-120", "tess-spoc", "qlp"', True), ('"spoc-120"', False)]
)
def test_sectors_with_any_of_the_products_count(open_sky, campaign, products, qualifies):
    sky = open_sky(two_minutes=range(1, 7), tess_spoc=range(4, 10), qlp=[10])
    config = campaign(sky, "1\n", f"input.products=[{products}]", "archive.min_sectors_per_year=10")
    assert (scan(config).n_qualified_targets == 1) is qualifies
    detail = last(config, "1_1").detail
    assert detail["sectors_per_year"] == (10 if qualifies else 6)


def test_a_star_without_any_is_told_of_what(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[1])
    config = campaign(sky, "77\n", 'input.products=["tess-spoc", "qlp"]')
    scan(config)
    assert last(config, "77").message == "no light curve of tess-spoc or qlp in any sector"


# ----------------------------------------------------------------- a better one comes later


def test_one_that_nobody_began_makes_way_for_a_better_one(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[1, 2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    sky.catalog.add([product_of(1, 2, TESS_SPOC)])
    result = scan(config)
    assert (result.n_new, result.n_changed, result.n_qualified) == (1, 1, 2)
    assert states(config) == {
        "1_1_tess-spoc-1800": State.QUALIFIED,
        "1_2_tess-spoc-1800": State.QUALIFIED,
        "1_2_qlp-1800": State.NOT_QUALIFIED,
    }
    assert last(config, "1_2_qlp-1800").message == "searched as tess-spoc-1800 (input.products)"
    again = scan(config)
    assert (again.n_new, again.n_changed) == (0, 0)


@pytest.mark.parametrize(
    "ways",
    [
        [State.PREPROCESSED],
        [State.PREPROCESSED, State.WORKING],
        [State.PREPROCESSED, State.WORKING, State.DONE],
        [State.ERROR],
    ],
    ids=lambda ways: ways[-1].value,
)
def test_one_that_is_fetched_begun_or_done_stays_as_it_is(open_sky, campaign, ways):
    sky = open_sky(tess_spoc=[1], qlp=[2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    go_through(config, "1_2_qlp-1800", *ways)
    sky.catalog.add([product_of(1, 2, TESS_SPOC)])
    result = scan(config)
    assert (result.n_new, result.n_changed, result.n_light_curves) == (0, 0, 2)
    assert states(config) == {"1_1_tess-spoc-1800": State.QUALIFIED, "1_2_qlp-1800": ways[-1]}


def test_one_that_a_job_has_now_stays_as_it_is(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    sky.catalog.add([product_of(1, 2, TESS_SPOC)])
    with open_ledger(config) as ledger, ledger.job("run") as job:
        ledger.claims.take(job, 1, [State.QUALIFIED], except_for=["1_1_tess-spoc-1800"])
        assert scan(config).n_new == 0
    assert states(config)["1_2_qlp-1800"] is State.QUALIFIED


class _ArchiveThatTakesTime(ArchiveAccess):
    """Meanwhile, something happens."""

    def __init__(self, config, meanwhile):
        super().__init__(config, pytest.fail)
        self.meanwhile = meanwhile

    def products(self, tics, known=()):
        yield from super().products(tics, known)
        self.meanwhile()


def scan_while(config, meanwhile):
    targets = read_target_list(config.archive.targets)
    access = _ArchiveThatTakesTime(config, meanwhile)
    with open_ledger(config) as ledger, ledger.job("run") as job:
        return scan_archive(targets, config.archive, access, ledger, job, ProgressBar(), [])


def test_one_that_a_job_fetches_while_listings_come_is_not_searched_twice(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    sky.catalog.add([product_of(1, 2, TESS_SPOC)])
    result = scan_while(config, lambda: go_through(config, "1_2_qlp-1800", State.PREPROCESSED))
    assert (result.n_new, result.n_changed, result.n_light_curves) == (0, 0, 2)
    assert states(config) == {
        "1_1_tess-spoc-1800": State.QUALIFIED,
        "1_2_qlp-1800": State.PREPROCESSED,
    }


def test_one_that_a_job_claims_while_listings_come_is_left_to_it(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    sky.catalog.add([product_of(1, 2, TESS_SPOC)])
    with open_ledger(config) as ledger, ledger.job("run") as job:

        def claim():
            ledger.claims.take(job, 1, [State.QUALIFIED], except_for=["1_1_tess-spoc-1800"])

        assert scan_while(config, claim).n_new == 0
    assert states(config) == {
        "1_1_tess-spoc-1800": State.QUALIFIED,
        "1_2_qlp-1800": State.QUALIFIED,
    }


def test_the_better_one_that_waits_makes_way_for_one_that_a_job_claims(open_sky, campaign):
    """Where both are in the ledger."""
    sky = open_sky(tess_spoc=[1], qlp=[2])
    config = campaign(sky, "1\n", TWO)
    scan(config)
    better = product_of(1, 2, TESS_SPOC)
    sky.catalog.add([better])
    facts = {"tic": 1, "sector": 2, "product": better.name}
    with open_ledger(config) as ledger, ledger.job("run") as job:
        ledger.add_units([NewUnit(better.id.name, facts=facts)], job)
        others = ["1_1_tess-spoc-1800", better.id.name]
        scan_while(config, lambda: ledger.claims.take(job, 1, [State.QUALIFIED], except_for=others))
    assert states(config) == {
        "1_1_tess-spoc-1800": State.QUALIFIED,
        "1_2_qlp-1800": State.QUALIFIED,
        "1_2_tess-spoc-1800": State.NOT_QUALIFIED,
    }


def test_products_that_are_asked_for_no_more_are_not_waited_for(open_sky, campaign):
    sky = open_sky(two_minutes=[1, 2], qlp=[1, 2, 3, 4])
    scan(campaign(sky, "1\n", 'input.products=["qlp"]'))
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    go_through(config, "1_1_qlp-1800", State.PREPROCESSED, State.WORKING, State.DONE)
    go_through(config, "1_4_qlp-1800", State.PREPROCESSED)
    result = scan(config)
    assert (result.n_new, result.n_changed, result.n_light_curves) == (1, 3, 1)
    assert states(config) == {
        "1_2": State.QUALIFIED,
        "1_1_qlp-1800": State.DONE,
        "1_2_qlp-1800": State.NOT_QUALIFIED,
        "1_3_qlp-1800": State.NOT_QUALIFIED,
        "1_4_qlp-1800": State.NOT_QUALIFIED,
    }
    assert last(config, "1_3_qlp-1800").message == "qlp-1800 is not in input.products"
    assert last(config, "1_4_qlp-1800").message == "qlp-1800 is not in input.products"
    assert (scan(config).n_new, scan(config).n_changed) == (0, 0)
    back = scan(campaign(sky, "1\n", 'input.products=["spoc-120", "qlp"]'))
    # what is done stays, and is not searched as another product as well
    assert (back.n_new, back.n_changed) == (0, 2)
    assert states(config)["1_3_qlp-1800"] is State.QUALIFIED
    assert states(config)["1_4_qlp-1800"] is State.QUALIFIED


@pytest.mark.parametrize(
    "ways",
    [
        [State.PREPROCESSED, State.WORKING],
        [State.PREPROCESSED, State.WORKING, State.DONE],
        [State.ERROR],
    ],
    ids=lambda ways: ways[-1].value,
)
def test_one_that_is_begun_stays_when_its_product_is_asked_for_no_more(open_sky, campaign, ways):
    """Its sector is not searched as another product, and counts for its star."""
    sky = open_sky(two_minutes=[1], qlp=[1])
    scan(campaign(sky, "1\n", 'input.products=["qlp"]'))
    go_through(campaign(sky), "1_1_qlp-1800", *ways)
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    result = scan(config)
    assert (result.n_new, result.n_changed, result.n_qualified_targets) == (0, 0, 1)
    assert states(config) == {"1_1_qlp-1800": ways[-1]}


def test_one_that_is_half_done_stays_when_its_product_is_asked_for_no_more(open_sky, campaign):
    sky = open_sky(two_minutes=[1], qlp=[1])
    scan(campaign(sky, "1\n", 'input.products=["qlp"]'))
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    with open_ledger(config) as ledger, ledger.job("run") as job:
        ledger.record([Event("1_1_qlp-1800", State.PREPROCESSED, progress=7)], job)
    assert scan(config).n_new == 0
    assert states(config) == {"1_1_qlp-1800": State.PREPROCESSED}


@pytest.mark.parametrize("products", ['"spoc-120"', '"spoc-120", "qlp"'])
def test_one_with_a_sector_file_is_not_searched_again_when_the_ledger_is_lost(
    open_sky, campaign, products
):
    """Whether its product is still asked for or not."""
    sky = open_sky(two_minutes=[1, 2], qlp=[1])
    config = campaign(sky, "1\n", f"input.products=[{products}]")
    path = LightCurveId(1, 1, "qlp-1800").path(config.output.directory)
    path.parent.mkdir(parents=True)
    path.touch()
    found = {"1_1_qlp-1800", "1_2"} if "qlp" in products else {"1_2"}
    scan(config)
    assert states(config) == dict.fromkeys(found, State.QUALIFIED)
    (config.output.directory / "ledger.sqlite").unlink()
    with open_ledger(config) as ledger, ledger.job("run") as job:
        JobArchive(config, ledger, job, sector_files(config.output.directory))
    assert states(config) == dict.fromkeys(found, State.QUALIFIED)


def test_one_that_waits_beside_one_that_is_done_is_closed(open_sky, campaign):
    """A ledger of an earlier version may have both."""
    sky = open_sky(two_minutes=[1], qlp=[1])
    scan(campaign(sky, "1\n", 'input.products=["qlp"]'))
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    go_through(config, "1_1_qlp-1800", State.PREPROCESSED, State.WORKING, State.DONE)
    better = product_of(1, 1)
    with open_ledger(config) as ledger, ledger.job("scan") as job:
        facts = {"tic": 1, "sector": 1, "product": better.name}
        ledger.add_units([NewUnit("1_1", facts=facts)], job)
    scan(config)
    assert states(config) == {"1_1_qlp-1800": State.DONE, "1_1": State.NOT_QUALIFIED}
    assert last(config, "1_1").message == "searched as qlp-1800 already"


def test_one_that_a_job_claims_meanwhile_holds_its_sector_whatever_its_product(open_sky, campaign):
    sky = open_sky(two_minutes=[1], qlp=[1])
    scan(campaign(sky, "1\n", 'input.products=["qlp"]'))
    config = campaign(sky, "1\n", 'input.products=["spoc-120"]')
    with open_ledger(config) as ledger, ledger.job("run") as job:
        result = scan_while(config, lambda: ledger.claims.take(job, 1, [State.QUALIFIED]))
    assert (result.n_new, result.n_changed) == (0, 0)
    assert states(config) == {"1_1_qlp-1800": State.QUALIFIED}


# ----------------------------------------------------------------- what the archive does not have


def test_a_product_that_the_archive_cannot_have_is_refused(open_sky, campaign):
    config = campaign(open_sky(qlp=[1]), "1\n", 'input.products=["qlp", "kepler"]')
    with pytest.raises(ConfigError, match=r"input\.products: 'kepler' is nothing that the archive"):
        scan(config)


def test_a_product_without_any_listing_is_told(open_sky, campaign):
    config = campaign(open_sky(two_minutes=[1]), "1\n", 'input.products=["spoc-120", "qlp"]')
    with pytest.raises(ArchiveError, match=r"_s0001_.*listing there \(archive\.qlp_listings\)"):
        scan(config)


def test_sectors_that_others_did_not_deliver_are_passed_over(open_sky, campaign):
    """However many in a row, as far as the mission's own listings go."""
    products = 'input.products=["spoc-120", "tess-spoc"]'
    sky = open_sky(others=0, two_minutes=range(1, 9), tess_spoc=[2, 6])
    config, notes = campaign(sky, "1\n", products), []
    scan(config, notes)
    assert states(config).keys() == {f"1_{sector}" for sector in range(1, 9)}
    asked = sky.counts.requested("tess-spoc")
    assert len(asked) == len(set(asked)) == 8
    assert [note.partition(": ")[2] for note in notes] == [
        "no light curve of TESS-SPOC in sector 1, and some in later",
        "no light curve of TESS-SPOC in sector 3, 4, 5, and some in later",
    ]


def test_deliveries_after_a_gap_are_found_without_the_missions_own_listings(open_sky, campaign):
    """However many sectors are missing, up to a year of them."""
    sky = open_sky(others=0, qlp=[1, 2, 3, 6, 7, 20])
    config, notes = campaign(sky, "1\n", 'input.products=["qlp"]'), []
    scan(config, notes)
    assert {product_of(1, sector, QLP).id.name for sector in (1, 2, 3, 6, 7, 20)} == set(
        states(config)
    )
    assert len(sky.counts.requests) == 20 + 13  # to know the end
    assert [note.partition(": ")[2].partition(",")[0] for note in notes] == [
        "no light curve of QLP in sector 4",
        "no light curve of QLP in sector 8",
    ]


def test_another_version_of_a_sector_is_found_and_the_newer_one_taken(open_sky, campaign):
    """Sectors 74 to 79 are known as version 2; others may become it, as far as the mission is."""
    sky = open_sky(others=0, two_minutes=range(1, 81), qlp=[1, 74, 80])
    first = product_of(1, 74, QLP)
    sky.catalog.add([replace(first, name=first.name.replace("_v02_", "_v01_"))])
    later = product_of(1, 75, QLP)
    sky.catalog.add([replace(later, name=later.name.replace("_v02_", "_v01_"))])
    anew = product_of(1, 30, QLP)
    sky.catalog.add([replace(anew, name=anew.name.replace("_v01_", "_v02_"))])
    config = campaign(sky, "1\n", 'input.products=["qlp", "spoc-120"]')
    scan(config, [])
    with open_ledger(config) as ledger:
        names = [unit.facts["product"] for unit in ledger.units() if "_qlp-" in unit.name]
    assert {int(name[19:23]): name.partition("tess_v")[2] for name in sorted(names)} == {
        **dict.fromkeys((1, 75, 80), "01_llc.fits"),
        **dict.fromkeys((30, 74), "02_llc.fits"),
    }
    asked = sky.counts.requested("_llc-fits.sh")
    assert len(asked) == len(set(asked))
    assert not [path for path in asked if "s0074_tess_v01" in path or "s0080_tess_v02" in path]


@pytest.mark.parametrize("last", [75, 80])
def test_the_last_sector_may_be_another_version_where_what_is_missing_is_forbidden(
    open_sky, campaign, last
):
    sky = open_sky(others=0, two_minutes=[1, *range(74, 81)], qlp=[1])
    sky.missing = 403
    of_another = {75: ("_v02_", "_v01_"), 80: ("_v01_", "_v02_")}
    product = product_of(1, last, QLP)
    sky.catalog.add([replace(product, name=product.name.replace(*of_another[last]))])
    absent = f"archive.absent_sectors={[*range(2, 74)]}"  # to be quick
    config, notes = campaign(sky, "1\n", 'input.products=["qlp", "spoc-120"]', absent), []
    scan(config, notes)
    assert {name for name in states(config) if "_qlp-" in name} == {
        product_of(1, sector, QLP).id.name for sector in (1, last)
    }
    assert [note.partition(": ")[2].partition(",")[0] for note in notes] == [
        "no light curve of QLP in sector 74"
    ]


def test_a_delivery_that_was_there_once_is_looked_for_behind_any_gap(open_sky, campaign):
    sky = open_sky(others=0, tess_spoc=[1, 30])
    config = campaign(sky, "1\n", 'input.products=["tess-spoc"]')
    late = product_of(1, 30, TESS_SPOC)
    with open_ledger(config) as ledger, ledger.job("scan") as job:
        facts = {"tic": 1, "sector": 30, "product": late.name}
        ledger.add_units([NewUnit(late.id.name, facts=facts)], job)
    scan(config, [])
    assert states(config)[late.id.name] is State.QUALIFIED
    assert len(sky.counts.requests) == 30 + 13


def test_a_delivery_that_was_there_once_must_must_be_there(open_sky, campaign, tmp_path):
    products = 'input.products=["tess-spoc"]'
    scan(campaign(open_sky(tess_spoc=[1, 2, 3]), "1\n", products))
    for kept in tmp_path.rglob("*.sh.gz"):
        kept.unlink()
    fewer = open_sky(others=0, tess_spoc=[1, 3])
    with pytest.raises(ArchiveError, match=r"sector 2 must be there"):
        scan(campaign(fewer, "1\n", products))


def test_of_an_exposure_its_sectors_alone_are_asked_for(open_sky, campaign):
    sky = open_sky(qlp=range(20, 60))
    config, notes = campaign(sky, "1\n", 'input.products=["qlp-600"]'), []
    scan(config, notes)
    assert states(config).keys() == {f"1_{sector}_qlp-600" for sector in range(27, 56)}
    assert len(sky.counts.requests) == 55 - 26
    assert notes == []


# ----------------------------------------------------------------- the files


@pytest.mark.parametrize(
    ("kind", "sector"),
    [(TWO_MINUTES, 1), (FAST, 27), (TESS_SPOC, 26), (TESS_SPOC, 27), (QLP, 27), (QLP, 56)],
    ids=lambda value: value.products[0] if hasattr(value, "products") else str(value),
)
@pytest.mark.parametrize("base", ["address", "bucket"])
def test_a_file_of_each_kind_comes_and_is_what_it_should_be(
    open_sky, client, scratch, monkeypatch, kind, sector, base
):
    sky, product = open_sky(), product_of(1, sector, kind)
    sky.catalog.add([product])
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", sky.address)
    address = sky.address if base == "address" else "s3://stpubdata"
    staged = PlainDownloader(client, address).download(product, scratch)
    assert staged == replace(scratch.find(product), address=staged.address)
    assert [found for found, _ in scratch.products()] == [product]
    seconds = kind.seconds_in(sector)
    assert staged.usable_cadences > 0.7 * 2000 * 120 / seconds
    assert too_few_cadences(product, staged.usable_cadences, 1000) is None
    assert too_few_cadences(product, 500 * 120 // seconds, 1000) is not None


def test_light_curves_are_fetched_with_the_products_that_the_scan_chose(open_sky, campaign):
    config = campaign(open_sky(two_minutes=[1], tess_spoc=[1, 2], qlp=[3]), "1\n", THREE)
    scan(config)
    result = fetch_light_curves(config, pytest.fail)
    assert (result.n_there, result.failed) == (3, [])
    names = ["1_1", "1_2_tess-spoc-1800", "1_3_qlp-1800"]
    assert states(config) == dict.fromkeys(names, State.PREPROCESSED)


def test_a_file_of_another_product_is_refused(open_sky, campaign):
    sky = open_sky(tess_spoc=[1], qlp=[1])
    sky.catalog.content = lambda asked: LIGHT_CURVES.content(product_of(1, 1, QLP))
    config = campaign(sky, "1\n", 'input.products=["tess-spoc"]')
    scan(config)
    (failed,) = fetch_light_curves(config, pytest.fail).failed
    assert failed.endswith(
        "TIC 1 sector 1 (qlp-1800) came from there, expected TIC 1 sector 1 (tess-spoc-1800)"
    )
