"""Compose files -> estate documents: the whole way, stage by stage.

    texts -> projects -> models -> services -> dependencies -> documents -> report

Pure: texts in, `Imported` out, or `Needs` where a file names another one. Whatever is imported is
``road: as-found``. What no field says is kept under ``x-compose`` of the document. Called by
`telford.app.importing`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from telford.basics.diagnostics import Diagnostic, ordered
from telford.intake import imported, names, surroundings
from telford.intake.compose import (
    addressing,
    nodes,
    problems,
    projects,
    roles,
    services,
)
from telford.intake.compose.accounting import Ledger
from telford.intake.compose.dependencies import Found, Key, Links
from telford.intake.compose.desk import Project
from telford.intake.compose.documents import Writer
from telford.intake.compose.layers import Loader
from telford.intake.compose.nodes import Table
from telford.intake.compose.projects import Sorted
from telford.intake.compose.services import Mapped
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Edge, Imported, Options, Report, Status

UNNAMED = "the file is not read: compose lays it over another one only where it is named"


def read(sources: Sources, options: Options) -> Imported | Needs:
    """Everything that the compose files among the texts describe, as estate documents.

    Never raises for anything that a text can say.
    """
    loader = Loader(sources, Ledger())
    # 1. Which files are one project.
    found = projects.sort(sources.texts, options.named, loader)
    folders = [files.folder for files in found.projects]
    loader.prepare(folders)
    if loader.wanted:
        return Needs(files=tuple(loader.wanted.values()))
    # 2. The model of each: interpolated, extended, included, merged.
    models = [loader.project(files.files, files.folder) for files in found.projects]
    if loader.wanted:
        return Needs(files=tuple(loader.wanted.values()))
    # 3. Names for everything, and services as fields.
    made = _projects(found, models, loader, options)
    everything = {
        (number, name): services.mapped(project, name)
        for number, project in enumerate(made)
        for name in project.services
    }
    # 4. What depends on what.
    links = Links(everything, made)
    uses = {key: links.of(key) for key in everything}
    # 5. Documents.
    writer = _written(made, everything, links, uses, options, folders)
    if loader.wanted:
        return Needs(files=tuple(loader.wanted.values()))
    # 6. The fate of every leaf, and everything that somebody should look at.
    _leave_out(found, loader)
    loader.close()
    report = Report(
        fates=loader.ledger.fates(),
        edges=tuple(_edges(everything, uses)),
        unresolved=tuple(item for one in uses.values() for item in one.unresolved),
        secrets=tuple(writer.secrets),
        objects=loader.ledger.objects(),
        comments=imported.count_comments({file: sources.texts[file] for file in loader.files()}),
    )
    diagnostics = ordered([*loader.diagnostics, *_afterwards(report, writer)])
    named = {project.system for project in made if project.named}
    guessed = frozenset(project.system for project in made) - named
    documents = (*writer.people(), *writer.documents)
    return Imported(documents, report, diagnostics, guessed=guessed)


FORMAT = Format(
    name="compose",
    title="Compose files",
    suffixes=(".yaml", ".yml"),
    claims=projects.claims,
    read=read,
)


def _projects(
    found: Sorted,
    models: list[tuple[Table, Mapping[str, str]]],
    loader: Loader,
    options: Options,
) -> tuple[Project, ...]:
    """Every project with its system and the addresses of its services."""
    given = [
        nodes.text(model.items.get("name")) or variables.get("COMPOSE_PROJECT_NAME", "")
        for model, variables in models
    ]
    folders = [files.folder for files in found.projects]
    systems = projects.names(given, options.fallback, folders)
    taken: addressing.Taken = set()
    made = []
    for (model, variables), name, said in zip(models, systems, given, strict=True):
        system = names.slug(options.system or name)
        named = addressing.services(model, system, taken)
        granted = addressing.granted(model, "secrets", system, taken)
        project = Project(
            model=model,
            system=system,
            services=named,
            configs=addressing.granted(model, "configs", system, taken),
            granted=granted,
            environment=addressing.unique("environment", "configs", system, taken),
            vault=addressing.unique("environment", "secrets", system, taken),
            vaults={
                service: addressing.unique(address.name, "secrets", system, taken)
                for service, address in named.items()
            },
            variables=variables,
            loader=loader,
            secrets=addressing.secrets(model),
            engines=roles.engines(model),
            common=roles.common(model),
            named=bool(options.system or said),
        )
        made.append(project)
    return tuple(made)


def _written(
    made: tuple[Project, ...],
    everything: Mapping[Key, Mapped],
    links: Links,
    uses: Mapping[Key, Found],
    options: Options,
    folders: list[str],
) -> Writer:
    """The documents of every project."""
    writer = Writer(options)
    for number, project in enumerate(made):
        jobs = roles.finished(project.model)
        reads: list[str] = []
        hidden: list[str] = []
        for name in project.services:
            key = number, name
            service = everything[key]
            writer.service(service, uses[key], job=name in jobs, called=key in links.called)
            reads += service.desk.reads
            hidden += service.desk.hidden
        writer.configs(project)
        writer.surroundings(project, reads, hidden)
        writer.project(project, folders[number])
    writer.finish()
    return writer


def _leave_out(found: Sorted, loader: Loader) -> None:
    """The files that nobody named: left out, leaf by leaf."""
    for file, main in found.others:
        for document in loader.parsed(file):
            loader.ledger.mark(document, Status.DROPPED, "", UNNAMED)
        loader.diagnostics.append(problems.unnamed(file, main))


def _edges(everything: Mapping[Key, Mapped], uses: Mapping[Key, Found]) -> Iterator[Edge]:
    """The dependencies that were inferred; those that the files declare are no conclusion."""
    for key, found in uses.items():
        for target, origin in found.inferred.items():
            source = str(everything[key].address)
            yield Edge(source, str(everything[target].address), origin)


def _afterwards(report: Report, writer: Writer) -> Iterator[Diagnostic]:
    """Addresses that lead nowhere, each once, and things without an owner."""
    counts = Counter(item.host for item in report.unresolved if not item.external)
    for item in report.unresolved:
        more = counts.pop(item.host, 0) - 1
        if more >= 0:
            yield problems.nowhere(item.position, item.source, item.host, item.origin, more)
    if writer.unowned:
        yield problems.unowned(writer.unowned, surroundings.UNASSIGNED)
