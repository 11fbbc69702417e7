"""A small estate that uses most of the format, for tests that change it. Nothing is wrong in it."""

TEXT = """\
apiVersion: telford/v1
kind: Team
name: shop
email: shop@example.com
---
apiVersion: telford/v1
kind: Person
name: ann
team: shop
level: P5
---
apiVersion: telford/v1
kind: System
name: store
owner: team/shop
---
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
production: true
regions: [eu, us]
---
apiVersion: telford/v1
kind: Region
name: eu
provider: aws
---
apiVersion: telford/v1
kind: Region
name: us
---
apiVersion: telford/v1
kind: Delivery
name: canary
system: store
owner: team/shop
steps:
  - {weight: 10%, soak: 1m}
  - weight: 50%
    soak: 2m
tick: 15s
deadline: 30m
---
apiVersion: telford/v1
kind: Service
name: catalogue
system: store
owner: person/ann
description: "What there is: all of it"
run:
  image: shop/catalogue:1.0.0
  replicas: 2
  ports:
    - port: 8080
---
apiVersion: telford/v1
kind: Service
name: orders
system: store
owner: team/shop
x-cost-centre: 4711
labels: {tier: front}
tier: 1
delivery: canary
run:
  image: shop/orders:1.0.0
  replicas:
    min: 2
    max: 4
  resources:
    requests:
      cpu: 100m
      memory: 128Mi
  ports:
    - name: http
      port: 8080
    - {name: admin, port: 9090}
  env:
    MODE: fast
    PASSWORD: {secret: book, key: password}
  health:
    ready:
      path: /healthz
      port: http
      every: 5s
  stop: 30s
uses:
  - service: catalogue
    timeout: 300ms
    retries: 2
  - {datastore: book, access: readwrite}
  - stream: placed
    role: publish
    critical: false
in:
  prod:
    tier: 0
    run:
      replicas:
        max: 20
      env: {MODE: null, REGION: any}
    uses:
      - service: catalogue
        timeout: 200ms
  prod/eu:
    run:
      env: {REGION: eu}
  us:
    run:
      stop: 45s
---
apiVersion: telford/v1
kind: Datastore
name: book
system: store
owner: team/shop
engine: postgres
size: 20Gi
backup:
  every: 1h
  keep: 30d
---
apiVersion: telford/v1
kind: Stream
name: placed
system: store
owner: team/shop
engine: kafka
retention: 7d
deadLetter: dead
---
apiVersion: telford/v1
kind: Stream
name: dead
system: store
owner: team/shop
engine: kafka
---
apiVersion: telford/v1
kind: Service
name: packer
system: store
owner: team/shop
type: worker
uses:
  - stream: placed
    role: consume
---
apiVersion: telford/v1
kind: Objective
name: orders-up
system: store
owner: team/shop
service: orders
target: 99.9%
period: 30d
sli:
  latency:
    threshold: 300ms
"""
