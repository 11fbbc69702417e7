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
    assert not keys & words.table(model.__name__).keys()


def test_words_are_about_models_and_fields_that_there_are():
    fields = {m.__name__: {i.alias or n for n, i in m.model_fields.items()} for m in MODELS}
    fields |= {b.__name__: {i.alias or n for n, i in b.model_fields.items()} for m in MODELS for b in m.__mro__ if issubclass(b, BaseModel)}  # fmt: skip
    everything = words._words()
    for name, table in everything.items():
        if name == "choices":
            for place, meanings in table.items():
                model, _, key = place.partition(".")
                assert set(meanings) == set(schema.choices(next(m for m in MODELS if m.__name__ == model), key))  # fmt: skip
        elif name == "any":
            assert set(table) <= set().union(*fields.values())
        else:
            assert set(table) <= fields[name], name


def test_model_names_are_unique():
    names = [model.__name__ for model in MODELS]
    assert len(set(names)) == len(names)
