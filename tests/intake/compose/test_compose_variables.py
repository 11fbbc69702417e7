"""Variables in compose files and in files of variables: every form of the Specification, and what
becomes of secrets.
"""

import compose_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.intake.compose import dotenv, hiding, interpolation

SET = {"SET": "value", "EMPTY": "", "OTHER": "other", "DB_PASSWORD": "hunter22"}


def _plain(text: str) -> str:
    return interpolation.expand(text, SET, hiding.named).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$SET and ${SET}", "value and value"),
        ("${UNSET:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY-default}", ""),
        ("${UNSET-default}", "default"),
        ("${SET:-default}${SET-default}", "valuevalue"),
        ("${SET:+there}${EMPTY:+there}${UNSET:+there}", "there"),
        ("${SET+there}${EMPTY+there}${UNSET+there}", "therethere"),
        ("${SET:?needed}${SET?needed}", "valuevalue"),
        ("$$SET $${SET} $$$SET", "$SET ${SET} $value"),
        ("${UNSET:-${OTHER}}", "other"),
        ("${UNSET:-${ALSO:-${OTHER:-deep}}}", "other"),
        ("${UNSET:-a-b:-c}", "a-b:-c"),
        ("${UNSET:-{json}}", "{json}"),
        ("${UNSET:-}", ""),
        ("a${SET}b${SET}c", "avaluebvaluec"),
        ("nothing at all", "nothing at all"),
    ],
)
def test_every_form_of_a_variable(text: str, expected: str) -> None:
    assert _plain(text) == expected


@pytest.mark.parametrize("text", ["$", "a $ b", "${", "${}", "${SET", "${1}", "${SET/a/b}", "$(x)"])
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(interpolation.InvalidError):
        _plain(text)


def test_unset_and_required_variables_are_named() -> None:
    found = interpolation.expand("${ONE} ${TWO:?say it} ${EMPTY:?why}", SET, hiding.named)
    assert found.text == "  "
    assert found.unset == ["ONE", "TWO", "EMPTY"]
    assert found.required == {"TWO": "say it", "EMPTY": "why"}


def test_the_value_of_a_secret_is_never_put_in() -> None:
    """Neither the value that is set nor a default that stands there in plain text."""
    for text in ("${DB_PASSWORD}", "$DB_PASSWORD", "${DB_PASSWORD:-plain}", "${DB_PASSWORD?x}"):
        found = interpolation.expand(f"a {text} b", SET, hiding.named)
        assert found.text == "a ${DB_PASSWORD} b"
        assert found.hidden == ["DB_PASSWORD"]


@given(st.text(alphabet="a ${}:-?+AB_1", max_size=60))
def test_any_text_expands_or_is_refused(text: str) -> None:
    try:
        found = interpolation.expand(text, {"A": "1", "B": ""}, hiding.named)
    except interpolation.InvalidError:
        return
    assert len(found.text) <= 10 * len(text) + 10


@given(st.text(max_size=80))
def test_a_text_with_doubled_dollars_stays_as_it_was(text: str) -> None:
    assert _plain(text.replace("$", "$$")) == text


def test_bombs_of_variables_are_refused() -> None:
    lines = [f"V{n + 1}=${{V{n}}}${{V{n}}}" for n in range(40)]
    text = "V0=" + "x" * 50 + "\n" + "\n".join(lines)
    read = dotenv.read(text, {}, hiding.named)
    assert max(map(len, read.values.values())) < 2 * interpolation.MAX_TEXT
    assert any("characters" in why for _, why in read.problems)
    with pytest.raises(interpolation.InvalidError):
        _plain("${X:-" * 500 + "}" * 500)


VARIABLES = """
# a comment
PLAIN=value
export EXPORTED=yes
SPACES =  around
COMMENT=value # not part of it
NO_COMMENT=value# part of it
SINGLE='$PLAIN ${PLAIN} # kept'
DOUBLE="$PLAIN and ${PLAIN} # kept" # a comment
ESCAPED="a\\tb\\n\\"c\\" \\$PLAIN"
APOSTROPHE='Let\\'s go'
LINES="one
two"
JSON='{"a": "b"}'
YAML: style
EMPTY=
HASH=#nothing
DEFAULT=${NOWHERE:-${PLAIN}}
INHERITED
PLAIN2=$PLAIN
"""


def test_files_of_variables_are_read_as_compose_reads_them() -> None:
    read = dotenv.read(VARIABLES, {}, hiding.named)
    assert read.problems == []
    assert read.values == {
        "PLAIN": "value",
        "EXPORTED": "yes",
        "SPACES": "around",
        "COMMENT": "value",
        "NO_COMMENT": "value# part of it",
        "SINGLE": "$PLAIN ${PLAIN} # kept",
        "DOUBLE": "value and value # kept",
        "ESCAPED": 'a\tb\n"c" $PLAIN',
        "APOSTROPHE": "Let's go",
        "LINES": "one\ntwo",
        "JSON": '{"a": "b"}',
        "YAML": "style",
        "EMPTY": "",
        "HASH": "",
        "DEFAULT": "value",
        "PLAIN2": "value",
    }
    assert read.inherited == ["INHERITED"]
    assert read.lines["PLAIN2"] == 20


def test_raw_files_are_taken_as_they_stand() -> None:
    read = dotenv.read("A='x' # y\nB=$A\n", {}, hiding.named, raw=True)
    assert read.values == {"A": "'x' # y", "B": "$A"}


def test_lines_that_are_no_settings_are_named() -> None:
    read = dotenv.read("two words\nA=1\n=x\nB='open", {}, hiding.named)
    assert [line for line, _ in read.problems] == [1, 3, 4]
    assert read.values == {"A": "1"}


@given(st.text(max_size=200))
def test_any_file_of_variables_can_be_read(text: str) -> None:
    dotenv.read(text, {"A": "b"}, hiding.named)


@given(
    st.dictionaries(st.from_regex(r"[A-Z]{1,6}", fullmatch=True), st.text(max_size=30), max_size=6)
)
def test_single_quotes_keep_every_value(values: dict[str, str]) -> None:
    """A backslash before the closing quote would escape it, and line ends become one form."""
    kept = {k: v.replace("\\", "").replace("'", "").replace("\r", "") for k, v in values.items()}
    kept = {k: v for k, v in kept.items() if "\ufeff" not in v}
    text = "".join(f"{name}='{value}'\n" for name, value in kept.items())
    assert dotenv.read(text, {}, hiding.named).values == kept


PROJECT = {
    "compose.yaml": """
services:
  web:
    image: shop/web:${TAG}
    command: serve --password ${DB_PASSWORD} --level ${LEVEL}
    environment:
      MODE: ${MODE}
      HALF: http://${HOST}/x
      DB_PASSWORD: ${DB_PASSWORD}
      URL: postgres://shop:${DB_PASSWORD}@db/shop
      PLAIN_URL: postgres://shop:sesame@db/shop
      FROM_OUTSIDE:
      API_TOKEN:
      TOKEN_FILE: /run/secrets/token
      ALLOW_EMPTY_PASSWORD: "yes"
      ADMIN_PASSWORD: sesame-open
""",
    ".env": "TAG=1.2\nDB_PASSWORD=hunter22\nUNUSED=1\nLEVEL=info\n",
}


def test_settings_are_values_references_or_secrets() -> None:
    found = cases.imported(PROJECT, fallback="shop")
    run = cases.documents(found, "Service")["web"]["run"]
    outside = {"config": "environment", "optional": True}
    assert run["image"] == "shop/web:1.2"
    assert run["args"] == ["serve", "--password", "${DB_PASSWORD}", "--level", "info"]
    assert run["env"] == {
        "MODE": {**outside, "key": "MODE"},
        "HALF": "http:///x",
        "DB_PASSWORD": {"secret": "environment", "key": "DB_PASSWORD"},
        "URL": {"secret": "web", "key": "URL"},
        "PLAIN_URL": {"secret": "web", "key": "PLAIN_URL"},
        "FROM_OUTSIDE": {**outside, "key": "FROM_OUTSIDE"},
        "API_TOKEN": {"secret": "environment", "key": "API_TOKEN"},
        "TOKEN_FILE": "/run/secrets/token",
        "ALLOW_EMPTY_PASSWORD": "yes",
        "ADMIN_PASSWORD": {"secret": "web", "key": "ADMIN_PASSWORD"},
    }
    secrets = cases.documents(found, "Secret")
    assert {n: [k["name"] for k in d["keys"]] for n, d in secrets.items()} == {
        "web": ["PLAIN_URL", "ADMIN_PASSWORD", "URL"],
        "environment": ["DB_PASSWORD", "API_TOKEN"],
    }
    assert "MODE, FROM_OUTSIDE" in cases.documents(found, "Config")["environment"]["description"]
    everything = repr(found)
    assert "hunter22" not in everything
    assert "sesame" not in everything
    assert cases.problems(found) == []


def test_variables_without_a_value_are_named_once_with_their_place() -> None:
    found = cases.imported(PROJECT)
    unset = {d.summary.split()[2]: d for d in found.diagnostics if d.code == "TEL623"}
    assert set(unset) == {"MODE", "HOST"}
    assert str(unset["MODE"].position) == "compose.yaml:7:13"
    assert "${MODE:-value}" in unset["MODE"].fix


def test_every_variable_of_a_file_has_its_fate() -> None:
    found = cases.imported(PROJECT)
    fates = {
        fate.path.partition(".")[0]: (fate.status.value, fate.reason)
        for fate in found.report.fates
        if fate.subject == "variables"
    }
    assert fates == {
        "TAG": ("mapped", "compose files use it"),
        "LEVEL": ("mapped", "compose files use it"),
        "DB_PASSWORD": ("dropped", hiding.HIDDEN),
        "UNUSED": ("dropped", "no compose file uses it"),
    }


def test_env_files_are_settings_that_environment_overrides() -> None:
    texts = {
        "compose.yaml": """
services:
  web:
    image: web
    env_file:
    - one.env
    - path: two.env
      required: false
    - path: raw.env
      format: raw
    - path: gone.env
      required: false
    - missing.env
    environment: [B=from-compose]
""",
        "one.env": "A=1\nB=2\nC=${A}3\nSECRET_TOKEN=sesame\n",
        "two.env": "A=from-two\n",
        "raw.env": "R='${A}'\n",
    }
    found = cases.imported(texts)
    run = cases.documents(found, "Service")["web"]["run"]
    assert run["env"] == {
        "A": "from-two",
        "C": "13",
        "SECRET_TOKEN": {"secret": "web", "key": "SECRET_TOKEN"},
        "R": "'${A}'",
        "B": "from-compose",
    }
    missing = [d for d in found.diagnostics if d.code == "TEL621"]
    assert [str(d.position) for d in missing] == ["compose.yaml:13:7"]
    assert "sesame" not in repr(found)
    lost = [f for f in found.report.fates if f.file == "one.env" and f.status == "dropped"]
    assert [fate.path.partition(".")[0] for fate in lost] == ["A", "B", "SECRET_TOKEN"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("DB_PASSWORD", "WEBPASSWORD", "POSTGRES_PW", "db-passwd")),
        *((name, True) for name in ("API_KEY", "apikey", "SECRET_KEY_BASE", "CLIENT_SECRET")),
        *((name, True) for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "RABBIT_PASS")),
        *((name, False) for name in ("PASSWORD_FILE", "TOKEN_EXPIRY", "PARTITION_KEY", "COMPASS")),
        *((name, False) for name in ("MONKEY", "KEYSPACE", "PUBLIC_KEY", "SECRET_NAME", "TAG")),
    ],
)
def test_names_tell_secrets(name: str, expected: bool) -> None:
    assert hiding.named(name) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -u me http://a:pw@host/", "curl -u me http://a:${SECRET}@host/"),
        ("mysql --password=open sesame", "mysql --password=${SECRET} sesame"),
        ('x --password="$(cat /run/secrets/db)"', 'x --password="$(cat /run/secrets/db)"'),
        ("x ?user=a&password=b&c=d", "x ?user=a&password=${SECRET}&c=d"),
        ("PGPASSWORD=open psql", "PGPASSWORD=${SECRET} psql"),
        ("sqlcmd -P known-one -Q 1", "sqlcmd -P ${SECRET} -Q 1"),
        ("serve -p 8080 known-one", "serve -p 8080 known-one"),
    ],
)
def test_commands_lose_their_passwords(text: str, expected: str) -> None:
    assert hiding.clear(text, frozenset({"known-one"})) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("redis://:pw@cache:6379", "mysql://root:pw@db/x", "Server=db;User Id=sa;Password=pw;"),
        *("root:pw@tcp(db:3306)/x", "jdbc:postgresql://db/x?user=a&password=pw"),
        "-----BEGIN RSA PRIVATE KEY-----\nMII",
    ],
)
def test_the_form_of_a_value_tells_a_secret(value: str) -> None:
    assert hiding.secret("ANY", value)
    assert not hiding.secret("ANY", value.replace("pw", "${DB_PASSWORD}").replace("PRIVATE", "X"))


def test_hiding_does_not_stall_on_long_texts() -> None:
    """Texts that make naive expressions try every split."""
    for letter in ("a", "-", "A", "://", "--password", "$", "a:"):
        hiding.clear(letter * 20_000, frozenset({"secret-value"}))
