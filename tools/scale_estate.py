"""A generated estate of a large organisation, for tools/bench_scale.py and, small, for tests.

`estate(services, seed)` gives file name -> text: systems of twenty-five services, one file a service
(a third with its objective beside it), six typed dependencies each (four services, a data store, a
stream), data stores and streams a file a system, teams, three environments in up to three regions,
overlays on three services in ten. Equal arguments give equal texts, on every machine.
"""

import random
from collections.abc import Iterator

SYSTEM_SIZE = 25
SERVICES_A_STORE = 4
SERVICES_A_STREAM = 8
SYSTEMS_A_TEAM = 2
USES = 6

REGIONS = ("eu-west-1", "us-east-1", "ap-south-1")
# Environment -> how many of the regions it is in.
ENVIRONMENTS = {"dev": 1, "staging": 2, "prod": 3}
_HEAD = "apiVersion: telford/v1\nkind: "


def estate(services: int, seed: int = 1) -> dict[str, str]:
    """File name -> text of an estate with this many services, and no mistake in it."""
    random_ = random.Random(seed)
    files = {"places.yaml": _places(), "people.yaml": _people(services)}
    for number in range(-(-services // SYSTEM_SIZE)):
        members = range(number * SYSTEM_SIZE, min((number + 1) * SYSTEM_SIZE, services))
        files[f"{_system(number)}/system.yaml"] = _shared(number, members)
        for index in members:
            files[f"{_system(number)}/{_name(index)}.yaml"] = _service(index, services, random_)
    return files


def dependencies(services: int) -> int:
    """How many `uses` the estate of this size declares."""
    return services * USES


def _system(number: int) -> str:
    return f"system-{number:03d}"


def _name(index: int) -> str:
    return f"service-{index:05d}"


def _store(index: int) -> str:
    return f"store-{index // SERVICES_A_STORE:05d}"


def _stream(index: int) -> str:
    return f"events-{index // SERVICES_A_STREAM:05d}"


def _team(number: int) -> str:
    return f"team-{number // SYSTEMS_A_TEAM:03d}"


def _owner(index: int) -> str:
    return f"team/{_team(index // SYSTEM_SIZE)}"


def _document(kind: str, name: str, *lines: str) -> str:
    return "\n".join([f"{_HEAD}{kind}", f"name: {name}", *lines]) + "\n"


def _places() -> str:
    documents = [_document("Region", name, "provider: aws") for name in REGIONS]
    for order, (name, count) in enumerate(ENVIRONMENTS.items()):
        production = str(name == "prod").lower()
        regions = ", ".join(REGIONS[:count])
        documents.append(
            _document(
                "Environment",
                name,
                f"order: {order}",
                f"production: {production}",
                f"regions: [{regions}]",
            )
        )
    return "---\n".join(documents)


def _people(services: int) -> str:
    systems = -(-services // SYSTEM_SIZE)
    names = sorted({_team(number) for number in range(systems)})
    return "---\n".join(_document("Team", name, f"email: {name}@example.com") for name in names)


def _shared(number: int, members: range) -> str:
    """A system, and the data stores and streams of its services."""
    inside = (f"system: {_system(number)}", f"owner: team/{_team(number)}")
    stores = sorted({_store(index) for index in members})
    streams = sorted({_stream(index) for index in members})
    documents = [_document("System", _system(number), inside[1], "description: A bounded context.")]
    documents += [_document("Datastore", name, *inside, *_STORE) for name in stores]
    documents += [_document("Stream", name, *inside, *_STREAM) for name in streams]
    return "---\n".join(documents)


_STORE = (
    "engine: postgres",
    'version: "16"',
    "size: 20Gi",
    "replication: 2",
    "backup: {every: 1d, keep: 30d}",
    "in: {prod: {size: 200Gi, replication: 3}}",
)
_STREAM = ("engine: kafka", "partitions: 12", "ordering: key", "key: orderId", "retention: 7d")


def _service(index: int, services: int, random_: random.Random) -> str:
    system = _system(index // SYSTEM_SIZE)
    lines = [
        f"{_HEAD}Service",
        f"name: {_name(index)}",
        f"system: {system}",
        f"owner: {_owner(index)}",
        f"description: Answers what {_name(index)} is asked.",
        "labels:",
        f"  cost-centre: cc-{index % 97}",
        "  language: go",
        f"type: {random_.choice(('http', 'http', 'grpc'))}",
        f"tier: {random_.randrange(1, 4)}",
        "run:",
        f"  image: registry.example.com/{system}/{_name(index)}:1.{index % 40}.0",
        "  replicas: {min: 2, max: 6, targetCpu: 70%}",
        "  ports:",
        "    - {name: http, port: 8080}",
        "  env:",
        "    LOG_LEVEL: info",
        f'    GREETING: "hello from {index}"',
        f"    REGION: {REGIONS[0]}",
        "  resources:",
        "    requests: {cpu: 100m, memory: 128Mi}",
        "    limits: {memory: 256Mi}",
        "  health:",
        "    ready: {path: /ready, port: http, every: 5s}",
        "    live: {path: /live, port: http, every: 10s}",
        "uses:",
        *_uses(index, services, random_),
        *_overlays(random_),
    ]
    text = "\n".join(lines) + "\n"
    return text + ("---\n" + _objective(index) if index % 3 == 0 else "")


def _uses(index: int, services: int, random_: random.Random) -> Iterator[str]:
    """Six of them: critical ones only of services before, so that no cycle is critical."""
    others = _others(index, services, random_)
    for other in others:
        critical = other < index and random_.random() < 0.6
        yield f"  - service: {_system(other // SYSTEM_SIZE)}.{_name(other)}"
        yield "    timeout: 300ms"
        yield f"    critical: {str(critical).lower()}"
        if not critical:
            yield "    fallback: an empty answer"
    yield f"  - {{datastore: {_store(index)}, access: readwrite}}"
    for number in range(USES - 1 - len(others)):
        role = "publish" if (index + number) % 3 else "consume"
        stream = _stream(max(0, index - number * SERVICES_A_STREAM))
        system = _system(_first(stream) // SYSTEM_SIZE)
        yield f"  - {{stream: {system}.{stream}, role: {role}, critical: false}}"


def _others(index: int, services: int, random_: random.Random) -> list[int]:
    """Mostly neighbours in the same system, one from anywhere."""
    first = index - index % SYSTEM_SIZE
    near = [i for i in range(first, min(first + SYSTEM_SIZE, services)) if i != index]
    found = set(random_.sample(near, min(3, len(near))))
    for _ in range(8):
        if len(found) == 4:
            break
        other = random_.randrange(services)
        if other != index:
            found.add(other)
    return sorted(found)


def _first(stream: str) -> int:
    return int(stream.rpartition("-")[2]) * SERVICES_A_STREAM


def _overlays(random_: random.Random) -> Iterator[str]:
    if random_.random() >= 0.3:
        return
    yield "in:"
    yield "  staging: {run: {replicas: {min: 2, max: 4}}}"
    yield "  prod:"
    yield "    run:"
    yield "      replicas: {min: 4, max: 20}"
    yield "      env: {LOG_LEVEL: warning}"
    if random_.random() < 0.2:
        yield f"  prod/{REGIONS[1]}: {{run: {{env: {{REGION: {REGIONS[1]}}}}}}}"


def _objective(index: int) -> str:
    return _document(
        "Objective",
        f"{_name(index)}-up",
        f"system: {_system(index // SYSTEM_SIZE)}",
        f"owner: {_owner(index)}",
        f"service: {_name(index)}",
        "target: 99.9%",
        "sli: {availability: {}}",
    )
