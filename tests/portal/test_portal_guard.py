"""Who may come in: every rule as a pure decision, then the same through the application."""

import pytest
from portal_client import HOST, ORIGIN, Client
from portal_scene import TOKEN, Scene

from telford.basics.errors import UsageError
from telford.portal import guard, serve
from telford.portal.guard import Answer, Seen

DOOR = guard.keys(TOKEN, frozenset({HOST, "localhost:8000"}))


def seen(**other: object) -> Seen:
    """A signed-in GET from nowhere in particular, changed as asked."""
    fields: dict[str, object] = {
        "method": "GET",
        "path": "/",
        "host": HOST,
        "origin": None,
        "fetch_site": None,
        "cookie": DOOR.cookie_value,
        "bearer": "",
        "token": "",
        "body_bytes": 0,
    }
    return Seen(**(fields | other))


CASES = [
    ("a signed-in look", {}, Answer.PASS),
    ("the other name of this machine", {"host": "localhost:8000"}, Answer.PASS),
    ("host names are compared without case", {"host": "LOCALHOST:8000"}, Answer.PASS),
    ("a rebound name", {"host": "evil.example:8000"}, Answer.WRONG_HOST),
    ("our name on another port", {"host": "127.0.0.1:9000"}, Answer.WRONG_HOST),
    ("no host at all", {"host": ""}, Answer.WRONG_HOST),
    (
        "a rebound name with the right token",
        {"host": "evil.example", "token": TOKEN},
        Answer.WRONG_HOST,
    ),
    ("without a cookie", {"cookie": ""}, Answer.NOT_SIGNED_IN),
    ("a wrong cookie", {"cookie": "x" * 64}, Answer.NOT_SIGNED_IN),
    ("the token is not the cookie", {"cookie": TOKEN}, Answer.NOT_SIGNED_IN),
    ("a cookie that is no ASCII", {"cookie": "ü"}, Answer.NOT_SIGNED_IN),
    ("the start link", {"cookie": "", "token": TOKEN}, Answer.SIGN_IN),
    ("a wrong start link", {"cookie": "", "token": "guess"}, Answer.NOT_SIGNED_IN),
    ("a wrong start link does not use the cookie", {"token": "guess"}, Answer.NOT_SIGNED_IN),
    ("a program with the bearer token", {"cookie": "", "bearer": TOKEN}, Answer.PASS),
    ("a program with a wrong one", {"cookie": "", "bearer": "guess"}, Answer.NOT_SIGNED_IN),
    ("our style sheet before signing in", {"cookie": "", "path": "/static/app.css"}, Answer.PASS),
    (
        "a form of ours",
        {"method": "POST", "origin": ORIGIN, "fetch_site": "same-origin"},
        Answer.PASS,
    ),
    ("a form of ours in an old browser", {"method": "POST", "origin": ORIGIN}, Answer.PASS),
    ("a foreign form", {"method": "POST", "origin": "http://evil.example"}, Answer.FOREIGN),
    (
        "another port of this machine",
        {"method": "POST", "origin": "http://127.0.0.1:9"},
        Answer.FOREIGN,
    ),
    ("an opaque origin", {"method": "POST", "origin": "null"}, Answer.FOREIGN),
    ("a form with a cookie and no origin", {"method": "POST"}, Answer.FOREIGN),
    (
        "what the browser calls cross-site",
        {"method": "POST", "origin": ORIGIN, "fetch_site": "cross-site"},
        Answer.FOREIGN,
    ),
    (
        "what the browser calls same-site",
        {"method": "POST", "origin": ORIGIN, "fetch_site": "same-site"},
        Answer.FOREIGN,
    ),
    (
        "a program that changes something",
        {"method": "POST", "cookie": "", "bearer": TOKEN},
        Answer.PASS,
    ),
    (
        "a browser with bearer, cookie and no origin",
        {"method": "POST", "bearer": TOKEN},
        Answer.FOREIGN,
    ),
    (
        "any method is a change unless it is known to be safe",
        {"method": "PROPFIND"},
        Answer.FOREIGN,
    ),
    (
        "the token of a form is no way in",
        {"method": "POST", "origin": ORIGIN, "cookie": "", "token": TOKEN},
        Answer.NOT_SIGNED_IN,
    ),
    (
        "a large body",
        {"method": "POST", "origin": ORIGIN, "body_bytes": guard.MAX_BODY_BYTES + 1},
        Answer.TOO_LARGE,
    ),
]


@pytest.mark.parametrize(("what", "fields", "answer"), CASES, ids=[case[0] for case in CASES])
def test_the_door(what: str, fields: dict[str, object], answer: Answer) -> None:
    assert guard.judge(seen(**fields), DOOR) is answer


def test_the_keys_do_not_show_themselves() -> None:
    assert TOKEN not in repr(DOOR)
    assert DOOR.cookie_value not in repr(DOOR)
    assert TOKEN not in DOOR.cookie_value


def test_two_portals_on_one_machine_have_two_cookies() -> None:
    assert guard.keys("one", frozenset()).cookie_name != guard.keys("two", frozenset()).cookie_name


def test_the_context_does_not_show_its_token(played: Scene) -> None:
    assert TOKEN not in repr(played.context(frozenset({HOST})))


def test_the_start_link_sets_a_strict_cookie_and_leaves_the_address(reader: Client) -> None:
    stranger = Client(reader.app)
    answer = stranger.get(f"/catalogue?token={TOKEN}&kind=Service")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/catalogue?kind=Service"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert TOKEN not in cookie


def test_the_redirect_never_leaves_this_host(reader: Client) -> None:
    answer = Client(reader.app).request("GET", f"http://{HOST}//evil.example/?token={TOKEN}")
    assert answer.headers["location"] == "/evil.example/"


def test_a_stranger_is_told_how_to_get_in_and_nothing_else(reader: Client) -> None:
    stranger = Client(reader.app)
    for path in ("/", "/catalogue/service/shop.orders", "/nowhere", "/releases/storefront-3"):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert "Open the link on your terminal" in answer.text
        assert "storefront" not in answer.text.replace("/releases/storefront-3", "")
        assert "shop" not in answer.text.replace("/catalogue/service/shop.orders", "")


def test_a_strange_program_gets_json(reader: Client) -> None:
    for path in ("/api/entities", "/api/openapi.json", "/events?topic=estate"):
        answer = Client(reader.app).get(path, headers={"accept": "application/json"})
        assert answer.status_code == 401
        assert answer.json() == {"error": "not signed in"}


def test_a_program_comes_in_with_the_bearer_token(reader: Client) -> None:
    program = Client(reader.app)
    answer = program.get("/api/entities", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_a_rebound_name_sees_nothing(reader: Client) -> None:
    answer = reader.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert "storefront" not in answer.text


def test_a_foreign_form_changes_nothing(scene: Scene, client: Client) -> None:
    before = scene.store.audit.tail()
    body = {"reason": "because", "name": "storefront"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        answer = client.post("/releases/storefront-9/abort", data=body, headers={"origin": origin})
        assert answer.status_code == 403
    assert scene.store.audit.tail() == before


def test_a_body_that_is_too_large_or_of_unknown_size_is_not_read(client: Client) -> None:
    large = client.post("/releases/storefront-9/abort", content=b"x" * (guard.MAX_BODY_BYTES + 1))
    assert large.status_code == 413

    async def pieces():  # type: ignore[no-untyped-def]
        yield b"reason=x"

    assert client.post("/releases/storefront-9/abort", content=pieces()).status_code == 413


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/app.css", "/api/entities", "/static/x"])
def test_every_answer_carries_the_security_headers(reader: Client, path: str) -> None:
    for person in (reader, Client(reader.app)):
        headers = person.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        if not path.startswith("/static/"):
            assert headers["cache-control"] == "no-store"


def test_only_listed_files_are_served(reader: Client) -> None:
    for path in ("/static/../context.py", "/static/%2e%2e/context.py", "/static/vendor/.stamp"):
        assert reader.get(path).status_code == 404


def test_it_listens_on_the_loopback_interface_only() -> None:
    with pytest.raises(UsageError, match="loopback"):
        serve.listen(0, "0.0.0.0")
    listening = serve.listen(0)
    try:
        assert listening.getsockname()[0] == "127.0.0.1"
        port = listening.getsockname()[1]
        assert serve.hosts(listening) == {f"127.0.0.1:{port}", f"localhost:{port}"}
        assert serve.link(listening, "t") == f"http://127.0.0.1:{port}/?token=t"
    finally:
        listening.close()
