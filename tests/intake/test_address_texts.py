"""Which hosts a text names, and which texts name none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.intake import addresses


def _found(key: str, text: str) -> set[tuple[str, int | None]]:
    return {(item.host, item.port) for item in addresses.candidates(key, text)}


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("CART_ADDR", "cartservice:7070", {("cartservice", 7070)}),
        ("X", "redis-cart:6379", {("redis-cart", 6379)}),
        ("X", "jdbc:postgresql://ledger-db:5432/postgresdb", {("ledger-db", 5432)}),
        ("X", "postgresql://admin:pw@accounts-db:5432/accounts", {("accounts-db", 5432)}),
        ("X", "http://orders.shop.svc.cluster.local:80/path", {("orders.shop.svc.cluster.local", 80)}),
        ("X", "http://orders/path", {("orders", None)}),
        ("X", "call orders.shop.svc now", {("orders.shop.svc", None)}),
        ("KAFKA_BROKERS", "kafka-0.kafka:9092,kafka-1.kafka:9092", {("kafka-0.kafka", 9092), ("kafka-1.kafka", 9092)}),
        ("DB_HOST", "ledger-db", {("ledger-db", None)}),
        ("dbHost", "ledger-db", {("ledger-db", None)}),
        ("--redis-url", "redis", {("redis", None)}),
        ("NAME", "ledger-db", set()),
        ("GHOST", "ledger-db", set()),
        ("HOST", "0.0.0.0", set()),
        ("HOST", "localhost:8080", set()),
        ("HOST", "127.0.0.1:8080", set()),
        ("HOST", "10.0.0.7:8080", set()),
        ("X", "http://${FRONTEND_ADDR}", set()),
        ("X", "http://$(HOST):80/", set()),
        ("X", "12:30:45", set()),
        ("X", "user:1234@host", set()),
        ("X", "sha256:76294ce7", set()),
        ("X", "a/b:80", set()),
        ("ASSETS_URL", "s3://app-assets/production", set()),
        ("X", "host:99999", set()),
        ("X", '{"url": "http://orders:80"}', {("orders", 80)}),
    ],
)  # fmt: skip
def test_hosts_are_found_in_the_texts_people_write(
    key: str, text: str, expected: set[tuple[str, int | None]]
) -> None:
    assert _found(key, text) == expected


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_answered(key: str, text: str) -> None:
    """Hosts are lower-case names with a letter; ports are ports."""
    for item in addresses.candidates(key, text):
        assert any(letter.isalpha() for letter in item.host)
        assert item.port is None or 0 <= item.port < 65_536


@given(st.text("ab:/.@-", max_size=3000))
def test_long_texts_of_separators_are_read_in_linear_steps(text: str) -> None:
    """No pattern backtracks without bound: each label and host has a limit."""
    list(addresses.candidates("URL", text * 20))


def test_a_script_of_any_length_is_data() -> None:
    assert _found("URL", "http://orders " * 10_000) == set()
