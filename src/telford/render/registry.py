"""The one explicit list of targets. To add one: a folder with a `target.TARGET`, and its line here.

Called by `telford.app.rendering`.
"""

from collections.abc import Sequence

from telford.estate.model import Binding
from telford.render import patching
from telford.render.alertmanager import target as alertmanager
from telford.render.argo_cd import target as argo_cd
from telford.render.artifacts import Unit
from telford.render.backstage import target as backstage
from telford.render.codeowners import target as codeowners
from telford.render.envoy import target as envoy
from telford.render.flux import target as flux
from telford.render.gateway_api import target as gateway_api
from telford.render.github_actions import target as github_actions
from telford.render.gitlab_ci import target as gitlab_ci
from telford.render.grafana import target as grafana
from telford.render.helm import target as helm
from telford.render.istio import target as istio
from telford.render.jenkins import target as jenkins
from telford.render.keda import target as keda
from telford.render.kubernetes import target as kubernetes
from telford.render.kustomize import target as kustomize
from telford.render.linkerd import target as linkerd
from telford.render.mermaid import target as mermaid
from telford.render.openslo import target as openslo
from telford.render.otel_collector import target as otel_collector
from telford.render.prometheus import target as prometheus
from telford.render.prometheus_operator import target as prometheus_operator
from telford.render.scene import Scene
from telford.render.structurizr import target as structurizr
from telford.render.target import Target

TARGETS: tuple[Target, ...] = (
    alertmanager.TARGET,
    argo_cd.TARGET,
    backstage.TARGET,
    codeowners.TARGET,
    envoy.TARGET,
    flux.TARGET,
    gateway_api.TARGET,
    github_actions.TARGET,
    gitlab_ci.TARGET,
    grafana.TARGET,
    helm.TARGET,
    istio.TARGET,
    jenkins.TARGET,
    keda.TARGET,
    kubernetes.TARGET,
    kustomize.TARGET,
    linkerd.TARGET,
    mermaid.TARGET,
    openslo.TARGET,
    otel_collector.TARGET,
    prometheus.TARGET,
    prometheus_operator.TARGET,
    structurizr.TARGET,
)

# As they are used: with the organisation's patches over what they make.
BY_NAME: dict[str, Target] = {target.name: patching.patched(target) for target in TARGETS}


def scene(binding: Binding, targets: Sequence[str]) -> Scene:
    """A place as these targets are shown it."""
    return Scene(binding, targets=targets, given=_given)


def _given(target: str, scene: Scene, address: str) -> tuple[Unit, ...]:
    """What a target has for a thing in a place, or with "" for the place as a whole: how a scene
    answers those that build on it.
    """
    one = BY_NAME[target]
    if not address:
        return one.place(scene).units if one.place is not None else ()
    assert one.entity is not None, f"{target} has nothing for a single thing in a place"
    return one.entity(scene, address).units
