"""Pipeline: a batch or streaming data job, what it reads and what it makes."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base, running, structure


class Dataset(base.Model):
    """One thing that is read or made: exactly one of a data store, a stream and a service."""

    datastore: str | None = None
    stream: str | None = None
    service: str | None = None
    # The table, prefix or topic inside of it.
    part: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = [n for n in ("datastore", "stream", "service") if getattr(self, n) is not None]
        base.exactly_one(len(named), "name exactly one of `datastore`, `stream` or `service`")
        return self

    @property
    def target(self) -> tuple[str, str]:
        """The key it is written under and the reference: ``("stream", "orders")``."""
        for key in ("datastore", "stream", "service"):
            value = getattr(self, key)
            if value is not None:
                return key, value
        raise AssertionError("a Dataset names exactly one target")


class Pipeline(base.Kind):
    """Data on its way: inputs, outputs, when, how fresh, and how sensitive."""

    stand_ins: ClassVar[dict[str, object]] = {
        "inputs": [{"datastore": "nothing"}],
        "outputs": [{"datastore": "nothing"}],
    }

    kind: Literal["Pipeline"]
    type: Literal["batch", "stream"] = "batch"
    engine: (
        Literal["airflow", "spark", "flink", "beam", "dbt", "kafka-streams", "container", "other"]
        | None
    ) = None
    inputs: Annotated[tuple[Dataset, ...], Field(min_length=1)]
    outputs: Annotated[tuple[Dataset, ...], Field(min_length=1)]
    # Five fields of cron, and the IANA time zone they are meant in.
    schedule: str | None = None
    timezone: str = "UTC"
    # How old the outputs may be.
    freshness: base.Duration | None = None
    deadline: base.Duration | None = None
    # What a run that is repeated does to the outputs.
    rerun: Literal["replaces", "appends", "merges"] | None = None
    data_class: base.DataClass | None = None
    personal_data: bool = False
    critical: bool = True
    road: structure.Road = "paved"
    namespace: str | None = None
    run: running.Run | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for field, datasets in (("inputs", self.inputs), ("outputs", self.outputs)):
            for index, dataset in enumerate(datasets):
                key, text = dataset.target
                yield base.Reference((field, index, key), key.capitalize(), text)
        if self.run is not None:
            yield from structure.config_references(self.run)
