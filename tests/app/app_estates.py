"""A small estate for tests of running: two services, a worker, promises, a delivery."""

import pathlib

from telford.app import loading, places, workloads
from telford.backends import files
from telford.estate import overlays
from telford.estate.model import Binding, Estate

STUB = pathlib.Path(__file__).resolve().parent.parent / "backends" / "local" / "stub_service.py"

ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: System
name: shop
owner: team/shop
---
apiVersion: telford/v1
kind: Environment
name: dev
order: 0
---
apiVersion: telford/v1
kind: Service
name: orders
system: shop
owner: team/shop
delivery: canary
routes:
  - path: /
uses:
  - service: stock
run:
  image: shop/orders:1.0.0
  local:
    command: [python, STUB, --port, "{port}", --name, "orders-{version}"]
    env: {STOCK_URL: "{upstream:stock}"}
    replicas: 2
---
apiVersion: telford/v1
kind: Service
name: stock
system: shop
owner: team/shop
run:
  image: registry:5000/shop/stock:2.1
  local:
    command: [python, STUB, --port, "{port}", --name, stock]
---
apiVersion: telford/v1
kind: Service
name: mailer
system: shop
owner: team/shop
type: worker
delivery: canary
run:
  image: shop/mailer@sha256:0123456789abcdef0123456789abcdef
  local:
    command: [python, -c, "import time; time.sleep(600)"]
---
apiVersion: telford/v1
kind: Service
name: remote
system: shop
owner: team/shop
run:
  image: shop/remote:1
---
apiVersion: telford/v1
kind: Delivery
name: canary
system: shop
owner: team/shop
steps:
  - {weight: 20%, soak: 2s, betaShare: 60%}
  - {weight: 50%, soak: 3s}
  - {weight: 75%, soak: 4s}
tick: 1s
warmup: 1s
deadline: 5m
stale: 20s
verdict:
  alpha: 0.02
  beta: 0.04
  fuse: {factor: 10, alpha: 0.002}
---
apiVersion: telford/v1
kind: Objective
name: orders-availability
system: shop
owner: team/shop
service: orders
target: 95%
sli:
  availability: {}
---
apiVersion: telford/v1
kind: Objective
name: orders-availability-strict
system: shop
owner: team/shop
service: orders
target: 98%
calendar: month
sli:
  availability: {}
---
apiVersion: telford/v1
kind: Objective
name: orders-latency
system: shop
owner: team/shop
service: orders
target: 90%
sli:
  latency: {threshold: 250ms}
---
apiVersion: telford/v1
kind: Objective
name: orders-probe
system: shop
owner: team/shop
service: orders
target: 90%
sli:
  probe: {success: probe_success}
"""

LOCAL = workloads.Local("/estates/shop", "/usr/bin/python3")


def an_estate(text: str = ESTATE) -> Estate:
    """The estate of a text, which must be without errors."""
    texts = files.Texts({"estate.yaml": text.replace("STUB", str(STUB))})
    return loading.require(loading.of_texts(texts))


def a_binding() -> Binding:
    estate = an_estate()
    return overlays.bind(estate, places.choose(estate, ""))


def write(folder: pathlib.Path, text: str = ESTATE) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "estate.yaml").write_text(text.replace("STUB", str(STUB)), encoding="utf-8")
    return folder
