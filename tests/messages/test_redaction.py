"""No secret is shown, whatever form it has, wherever it stands, and whoever quotes it."""

import json
import logging
import random
import string
import subprocess
import sys
from urllib.parse import quote

import pytest

from cvzmpi.errors import ConfigError, LedgerError, one_line
from cvzmpi.ledger.db.database import Database
from cvzmpi.messages.redaction import redacted, shown_content, shown_url, url_fault
from cvzmpi.runtime.job_log import begin_log

N_CASES = 1500

SCHEMES = (
    *("postgresql", "postgresql+psycopg", "postgres", "postgesql", "postgresql+foo", "psql"),
    *("mysql", "http", "https", "s3", "ftp", "POSTGRESQL"),
)
SPECIAL = "@:/?#%&= ;,+!$'\"\\()[]{}<>|~^*é"
SECRET_NAMES = ("password", "sslpassword", "PASSWORD", "token", "api_key", "aws_secret_access_key")


def words(rng):
    """A secret: words that would be recognised, joined by what a URL may not take as it is."""
    letters = ["".join(rng.choices(string.ascii_letters, k=8)) for _ in range(rng.randint(1, 3))]
    secret = letters[0]
    for word in letters[1:]:
        secret += rng.choice(SPECIAL) + word
    return secret, letters


def clear_urls(rng):
    """URLs that programs agree on, with a secret in them; and the words of it."""
    secret, letters = words(rng)
    scheme, encoded = rng.choice(SCHEMES), quote(secret, safe="")
    user = rng.choice(["", "jane", "j%40x", "a.b-c"])
    host = rng.choice(["", "db", "db:5432", "10.1.2.3:99", "[::1]:5432", "h1:1,h2:2", "%2Ftmp"])
    name = rng.choice(SECRET_NAMES)
    urls = [
        f"{scheme}://{user}:{encoded}@{host}/camp",
        f"{scheme}://{user}:{encoded}@{host}",
        f"{scheme}://{user}:{encoded}@{host}/camp?sslmode=require",
        f"{scheme}://{user}:{encoded}@{host}/camp?{name}={encoded}&x=1",
        f"{scheme}://{host}/camp?user=u&{name}={encoded}",
        f"{scheme}:///camp?{name}={encoded}&host=/tmp/x",
    ]
    return urls, letters


def odd_urls(rng):
    """What people write for a URL when they do not encode, or mistype, or write a DSN."""
    secret, letters = words(rng)
    scheme = rng.choice(SCHEMES)
    in_quotes = secret.replace("\\", "\\\\").replace("'", "\\'")
    urls = [
        f"{scheme}://jane:{secret}@db/camp",
        f"{scheme}://ja/ne:{secret}@db/camp",
        f"{scheme}:/jane:{secret}@db/camp",
        f"{scheme}//jane:{secret}@db/camp",
        f"{scheme}:jane:{secret}@db/camp",
        f"jane:{secret}@db/camp",
        f"{scheme}://jane:{secret}@db:port/camp",
        f"{scheme}://db/camp?password={secret}",
        f"{scheme}://db/camp?user=jane&password={secret}&host=x",
        f"host=db user=jane password='{in_quotes}' dbname=camp",
        f"host=db user=jane password={secret} dbname=camp",
        f"password={secret}",
    ]
    return urls, letters


def shows(text, letters):
    return any(word in text for word in letters)


def test_a_clear_url_shows_all_but_its_secret_whoever_quotes_it():
    rng = random.Random(1)
    for _ in range(N_CASES):
        urls, letters = clear_urls(rng)
        for url in urls:
            for said in (
                shown_url(url),
                redacted(url),
                redacted(f"error: {url!r}: cannot be used"),
                redacted(f'connecting to "{url}" failed'),
                redacted(f"{url}: first line\n  {url} second line"),
                redacted(json.dumps({"url": url})),
                redacted(repr({"url": url, "other": [url]})),
                one_line(ValueError(f"invalid dsn: {url}\n\n")),
                str(LedgerError(f"{url}: no such thing")),
            ):
                assert not shows(said, letters), (url, said)


def test_what_a_url_should_be_shows_no_secret_either():
    rng = random.Random(2)
    for _ in range(N_CASES):
        urls, letters = odd_urls(rng)
        for url in urls:
            assert not shows(shown_url(url), letters), (url, shown_url(url))


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://jane@db:5432/camp",
        "postgresql://...: has an @ where it must be percent-encoded (as %40 for @)",
        'postgresql://jane:***@db/camp: password authentication failed for user "jane@x"',
        "postgresql://db/camp?password=***&user=jane: connection to server failed: timeout",
        "https://archive.example:8080/a/b.fits: status 503; ask help@archive.example",
        "https://archive.example/x?uri=mast:TESS/product/a.fits",
        "file:///mirror dir/a@b/c: no such file",
        "input/tess-s0001.fits: TICID = 5: expected a number",
        "inject.n_inject=200",
        "a token is missing, a password is wanted: see ~/.pgpass",
        "basic settings, authorization is missing",
    ],
)
def test_what_is_no_secret_is_shown(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "headers {'Authorization': 'Bearer abcdefghijkl'}",
        "headers {'Authorization': b'Basic abcdefghijkl=='}",
        "Authorization: Basic abcdefghijkl==",
        'curl -H "authorization: abcdefghijkl"',
        "X-Amz-Signature=abcdefghijkl&X-Amz-Date=1",
        "https://h/x?X-Amz-Security-Token=abcdefghijkl",
        "connect(host='h', password='abcdefghijkl', user='u')",
        "{'password': 'abcdefghijkl', 'host': 'h'}",
        "https%3A%2F%2Fh%2F%3Ftoken%3Dabcdefghijkl",
    ],
)
def test_headers_and_parameters_are_no_different(text):
    assert "abcdefghijkl" not in redacted(text)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h/db?options=-csearch_path%3Da",
        "postgresql:///db?host=/tmp/a&user=b@c",
        "postgresql://h1:1,h2:2/db",
        "https://h:8080/x?a&b=c@d",
        "https://h/a@b/{sector}.sh",
        "s3://bucket/prefix",
        "file:///a b/c%d@e:f",
        "sqlite:////a b/c%d@e:f",
    ],
)
def test_a_url_that_is_clear_is_taken(url):
    assert url_fault(url) is None


def test_the_database_is_named_without_its_secret_and_asked_with_it():
    rng = random.Random(3)
    for _ in range(100):
        urls, letters = clear_urls(rng)
        for url in urls:
            is_taken = url.startswith(("postgresql:", "postgresql+psycopg:")) and not url_fault(url)
            if not is_taken or "h1:1,h2:2" in url:
                with pytest.raises(LedgerError) as error:
                    Database(url)
                assert not shows(str(error.value), letters), url
                continue
            database = Database(url)
            assert not shows(database.name, letters), url
            arguments = database.engine.dialect.create_connect_args(database.engine.url)[1]
            assert shows(str(arguments), letters)


# ----------------------------------------------------------------- commands


SETTINGS = ("ledger.url", "archive.address", "archive.listings")


def test_no_command_says_a_secret(call, tmp_path, monkeypatch):
    """Whatever is set to whatever, in a file or on the command line."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(4)
    for case in range(60):
        urls, letters = odd_urls(rng) if case % 2 else clear_urls(rng)
        url, key = rng.choice(urls), rng.choice(SETTINGS)
        section, name = key.split(".")
        toml = f"[{section}]\n{name} = {json.dumps(url)}\n"
        (tmp_path / "cvzmpi.toml").write_text(toml)
        tables = (
            [["status"], ["grant", "worker"], ["history", "1_1"]] if section == "ledger" else []
        )
        overrides = [
            f"--set={key}={url}",
            f"--set={url}",
            f"--{key}={url}",
            f"--set={section}={url}",
        ]
        if (
            "/camp" in url
            and not url_fault(url)
            and url.startswith(("postgresql:", "postgresql+p"))
        ):
            tables = []  # what would really ask for a server
        for command in [*tables, *(["run", override, "--input=nowhere"] for override in overrides)]:
            if (
                command[0] == "run"
                and key == "ledger.url"
                and command[1].startswith(f"--set={key}")
            ):
                continue  # the same as in the file
            status, out, err = call(*command)
            assert status != 0
            assert not shows(out + err, letters), (command, url, out + err)
            assert "Traceback" not in err


def test_a_server_that_refuses_is_named_without_the_secret(call, tmp_path):
    rng = random.Random(5)
    for form in (
        "postgresql://jane:{}@127.0.0.1:1/camp",
        "postgresql://127.0.0.1:1/camp?user=jane&password={}",
        "postgresql+psycopg://127.0.0.1:1/camp?user=jane&sslpassword={}",
    ):
        secret, letters = words(rng)
        url = form.format(quote(secret, safe=""))
        (tmp_path / "cvzmpi.toml").write_text(f"[ledger]\nurl = {json.dumps(url)}\n")
        status, out, err = call("status", "--config", tmp_path / "cvzmpi.toml")
        assert status != 0
        assert "127.0.0.1" in err
        assert not shows(out + err, letters)


def test_a_wrong_password_is_not_said(postgres, call, tmp_path):
    postgres.execute("CREATE ROLE with_password LOGIN PASSWORD 'right'")
    url = postgres.url("nowhere", user="with_password") + "&password=wrongwrongwrong"
    (tmp_path / "cvzmpi.toml").write_text(f"[ledger]\nurl = {json.dumps(url)}\n")
    for command in (["status"], ["grant", "joe"]):
        status, out, err = call(*command, "--config", tmp_path / "cvzmpi.toml")
        assert status != 0
        assert '"nowhere" does not exist' in err
        assert "wrongwrongwrong" not in out + err


def test_a_log_has_no_secret_nor_have_tracebacks_in_it(tmp_path):
    log = begin_log(tmp_path, "DEBUG", None)
    logger = logging.getLogger("cvzmpi.test")
    url = "postgresql://jane:sesamesesame@db/camp"
    logger.warning("%s: away", url)
    try:
        raise ValueError(f"cannot use {url}")
    except ValueError:
        logger.exception("what %s", "password=sesamesesame")
    text = log.read_text()
    assert "db/camp: away" in text
    assert "ValueError" in text
    assert "sesame" not in text


def test_an_error_is_told_without_secrets_by_its_birth():
    error = ConfigError("https://u:sesamesesame@h/x: no")
    assert "sesame" not in repr(error) + str(error) + str(error.args)


def test_a_defect_of_a_command_shows_its_traceback_without_secrets():
    code = (
        "from cvzmpi import cli\n"
        "def defect(**_):\n"
        "    raise ValueError('cannot use postgresql://jane:sesame' + 'sesame@db/camp')\n"
        "cli.cli.main = defect\n"
        "cli.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode != 0
    assert "ValueError: cannot use postgresql://jane:***@db/camp" in ended.stderr
    assert "sesamesesame" not in ended.stderr


def test_shown_content_hides_secrets_and_no_message():
    about = f"http://archive: {shown_content(b'ask me@there.org')}"
    assert redacted(about) == about
    assert "word" not in shown_content("see http://user:word@host/")
