"""Every field of every kind says what it means, in one place."""

import pytest
from pydantic import BaseModel

from telford.estate import schema, words
from telford.estate.kinds import registry

MODELS = schema.models(registry.KINDS)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_field_says_what_it_means(model: type[BaseModel]):
    missing = [
        info.alias or name
        for name, info in model.model_fields.items()
        if not words.field(model, name, info.alias or name)
    ]
    assert not missing, f"say it in kinds/words.toml under [{model.__name__}]"
    assert words.model(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_no_field_is_explained_twice(model: type[BaseModel]):
    own = words.comments(model.__module__).get(model.__name__, {})
    keys = {info.alias or name for name, info in model.model_fields.items() if name in own}
    assert not keys & words.of_model(model).keys()


def test_words_are_about_models_and_fields_that_there_are():
    fields: dict[str, set[str]] = {}
    for model in {base for one in MODELS for base in one.__mro__}:
        if issubclass(model, BaseModel):
            keys = {info.alias or name for name, info in model.model_fields.items()}
            whole = f"{model.__module__.rpartition('.')[2]}.{model.__name__}"
            fields[whole if whole in words._words() else model.__name__] = keys
    fields["any"] = set().union(*fields.values())
    for name in words._words().keys() - {"choices"}:
        assert set(words.table(name)) <= fields[name], name


def test_words_about_choices_are_about_choices_that_there_are():
    for place, meanings in words._words()["choices"].items():
        name, _, key = place.partition(".")
        model = next(m for m in MODELS if m.__name__ == name)
        assert set(meanings) == set(schema.choices(model, key))


def test_every_demand_of_a_model_is_in_the_schema_too():
    """A model that judges its fields together; an order of two days cannot be said in a schema."""
    judging = {m for m in MODELS if m.__pydantic_decorators__.model_validators}
    assert {m.__name__ for m in judging - {*schema.EXACTLY_ONE, *schema.AT_MOST_ONE}} == {"Span"}
