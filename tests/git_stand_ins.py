"""In-process stand-ins of GitHub, GitLab and Gitea over one model: status codes, bodies, locks and
pages as their documentation says; and every failure that a test asks for.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import httpx

from git_model import Asked, Model, blob

ORIGIN = "https://git.example.com"
PAGE = 3
Body = dict[str, Any] | list[Any] | str


@dataclass
class StandIn:
    """What all three have: who is let in, and trouble to come. `before` runs before a request is
    looked at, `after` may lose its answer.
    """

    model: Model
    trouble: list[httpx.Response | Exception] = field(default_factory=list)
    before: Callable[[httpx.Request], None] | None = None
    after: Callable[[httpx.Request], None] | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)

    prefix = ""

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.method, request.url.path))
        if self.trouble:
            found = self.trouble.pop(0)
            if isinstance(found, Exception):
                raise found
            return found
        if self.before:
            self.before(request)
        if not self.lets_in(request):
            return _json(401, {"message": "Bad credentials"})
        path = request.url.raw_path.decode().partition("?")[0].removeprefix(self.prefix)
        known = (self.model.repository, quote(self.model.repository, safe=""))
        if not any(one in path for one in known):
            return _missing()
        answer = self.answer(request.method, path, request)
        if self.after:
            self.after(request)
        return answer

    def lets_in(self, request: httpx.Request) -> bool:
        raise NotImplementedError

    def answer(self, method: str, path: str, request: httpx.Request) -> httpx.Response:
        raise NotImplementedError

    def page(self, items: list[Any], request: httpx.Request) -> httpx.Response:
        given = dict(parse_qsl(request.url.query.decode()))
        number = int(given.get("page", "1"))
        shown = items[(number - 1) * PAGE : number * PAGE]
        headers = {}
        if number * PAGE < len(items):
            following = request.url.copy_merge_params({"page": str(number + 1)})
            headers["link"] = f'<{request.url}>; rel="first", <{following}>; rel="next"'
        return _json(200, shown, headers)


class GitHubStandIn(StandIn):
    prefix = "/api/v3"

    def lets_in(self, request: httpx.Request) -> bool:
        known = request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        return known and request.headers["Authorization"] == f"Bearer {self.model.token}"

    def answer(self, method: str, path: str, request: httpx.Request) -> httpx.Response:
        model, root = self.model, f"/repos/{self.model.repository}"
        given = dict(parse_qsl(request.url.query.decode()))
        body = json.loads(request.content or b"{}")
        if path == root:
            return _json(200, {"full_name": model.repository})
        found = re.fullmatch(rf"{root}/git/ref/heads/(.+)", path)
        if found:
            commit = model.branches.get(unquote(found[1]))
            return _json(200, {"object": {"sha": commit}}) if commit else _missing()
        found = re.fullmatch(rf"{root}/contents/(.+)", path)
        if found:
            files = model.files(given["ref"]) or {}
            text = files.get(unquote(found[1]))
            assert "raw" in request.headers["Accept"]
            return _missing() if text is None else _raw(text)
        found = re.fullmatch(rf"{root}/git/commits/(\w+)", path)
        if found:
            model.trees[found[1]] = model.commits[found[1]].files
            return _json(200, {"sha": found[1], "tree": {"sha": found[1]}})
        if (method, path) == ("POST", f"{root}/git/trees"):
            return self.tree(body)
        if (method, path) == ("POST", f"{root}/git/commits"):
            [parent] = body["parents"]
            made = model.add(parent, body["message"], model.trees[body["tree"]])
            return _json(201, {"sha": made})
        if (method, path) == ("POST", f"{root}/git/refs"):
            branch = body["ref"].removeprefix("refs/heads/")
            if branch in model.branches:
                return _json(422, {"message": "Reference already exists"})
            model.branches[branch] = body["sha"]
            return _json(201, {"ref": body["ref"]})
        found = re.fullmatch(rf"{root}/git/refs/heads/(.+)", path)
        if found and method == "PATCH":
            branch = unquote(found[1])
            if body["force"] or not model.holds(body["sha"], model.branches[branch]):
                return _json(422, {"message": "Update is not a fast forward"})
            model.branches[branch] = body["sha"]
            return _json(200, {"object": {"sha": body["sha"]}})
        if path == f"{root}/commits":
            log = model.log(given["sha"])
            return self.page(
                [{"sha": o.id, "commit": {"message": o.message}} for o in log], request
            )
        return self.pulls(method, path.removeprefix(root), given, body)

    def tree(self, body: dict[str, Any]) -> httpx.Response:
        files = dict(self.model.trees[body["base_tree"]])
        for one in body["tree"]:
            if "content" in one:
                files[one["path"]] = one["content"]
            else:
                files.pop(one["path"], None)
        name = blob(json.dumps(sorted(files.items())))
        self.model.trees[name] = files
        return _json(201, {"sha": name})

    def pulls(
        self, method: str, path: str, given: dict[str, str], body: dict[str, Any]
    ) -> httpx.Response:
        model = self.model
        if path == "/pulls" and method == "GET":
            branch = given["head"].partition(":")[2]
            return _json(200, [self.pull(o) for o in model.asked if o.branch == branch])
        if path == "/pulls":
            same = [o for o in model.asked if o.branch == body["head"] and o.state == "open"]
            if same or body["head"] not in model.branches:
                return _json(422, {"message": "Validation Failed"})
            one = Asked(len(model.asked) + 1, body["head"], body["base"], body["title"])
            model.asked.append(one)
            return _json(201, self.pull(one))
        found = re.fullmatch(r"/pulls/(\d+)(/merge)?", path)
        assert found, path
        one = model.asked[int(found[1]) - 1]
        if not found[2]:
            return _json(200, self.pull(one))
        if one.state != "open":
            return _json(405, {"message": "Pull Request is not mergeable"})
        if body["sha"] != model.branches[one.branch]:
            return _json(409, {"message": "Head branch was modified. Review and try again."})
        return _json(200, {"sha": model.merge(one), "merged": True})

    def pull(self, one: Asked) -> dict[str, Any]:
        return {
            "number": one.number,
            "state": one.state,
            "merged_at": "2026-11-22T10:00:00Z" if one.merged else None,
            "html_url": f"{ORIGIN}/{self.model.repository}/pull/{one.number}",
            "head": {"ref": one.branch, "sha": self.model.branches[one.branch]},
            "base": {"ref": one.into},
        }


class GitLabStandIn(StandIn):
    prefix = "/api/v4"

    def lets_in(self, request: httpx.Request) -> bool:
        return request.headers["PRIVATE-TOKEN"] == self.model.token

    def answer(self, method: str, path: str, request: httpx.Request) -> httpx.Response:
        model, root = self.model, f"/projects/{quote(self.model.repository, safe='')}"
        given = dict(parse_qsl(request.url.query.decode()))
        body = json.loads(request.content or b"{}")
        if path == root:
            return _json(200, {"path_with_namespace": model.repository})
        found = re.fullmatch(rf"{root}/repository/branches/([^/]+)", path)
        if found:
            commit = model.branches.get(unquote(found[1]))
            return _json(200, {"commit": {"id": commit}}) if commit else _missing()
        found = re.fullmatch(rf"{root}/repository/files/([^/]+)", path)
        if found:
            name, files = unquote(found[1]), model.files(given["ref"]) or {}
            if name not in files:
                return _missing()
            content = base64.b64encode(files[name].encode()).decode()
            last = model.last_change(given["ref"], name)
            return _json(200, {"content": content, "last_commit_id": last})
        if path == f"{root}/repository/commits" and method == "GET":
            log = model.log(given["ref_name"])
            return self.page([{"id": o.id, "message": o.message} for o in log], request)
        if path == f"{root}/repository/commits":
            return self.make(body)
        return self.requests(method, path.removeprefix(root), given, body, request)

    def make(self, body: dict[str, Any]) -> httpx.Response:
        model, branch = self.model, body["branch"]
        start = body.get("start_sha")
        if start and branch in model.branches:
            said = f"A branch called '{branch}' already exists."
            return _json(400, {"message": said})
        if not start and branch not in model.branches:
            return _json(400, {"message": "You can only create or edit files when on a branch"})
        parent = start or model.branches[branch]
        files = dict(model.commits[parent].files)
        for one in body["actions"]:
            path = one["file_path"]
            if one["action"] == "create" and path in files:
                return _json(400, {"message": "A file with this name already exists"})
            if one["action"] != "create" and path not in files:
                return _json(400, {"message": "A file with this name doesn't exist"})
            if one["action"] != "create" and one["last_commit_id"] != model.last_change(
                parent, path
            ):
                said = "You are attempting to update a file that has changed since you started"
                return _json(400, {"message": said})
            if one["action"] == "delete":
                del files[path]
            else:
                files[path] = base64.b64decode(one["content"]).decode()
        made = model.add(parent, body["commit_message"], files)
        model.branches[branch] = made
        return _json(201, {"id": made})

    def requests(
        self,
        method: str,
        path: str,
        given: dict[str, str],
        body: dict[str, Any],
        request: httpx.Request,
    ) -> httpx.Response:
        model = self.model
        if path == "/merge_requests" and method == "GET":
            mine = [o for o in model.asked if o.branch == given["source_branch"]]
            return self.page([self.one(o) for o in mine], request)
        if path == "/merge_requests":
            source = body["source_branch"]
            if any(o.branch == source and o.state == "open" for o in model.asked):
                return _json(409, {"message": ["Another open merge request already exists"]})
            one = Asked(len(model.asked) + 1, source, body["target_branch"], body["title"])
            model.asked.append(one)
            return _json(201, self.one(one))
        found = re.fullmatch(r"/merge_requests/(\d+)/merge", path)
        assert found, path
        one = model.asked[int(found[1]) - 1]
        if one.state != "open":
            return _json(405, {"message": "405 Method Not Allowed"})
        if body["sha"] != model.branches[one.branch]:
            return _json(409, {"message": "SHA does not match HEAD of source branch"})
        model.merge(one)
        return _json(200, self.one(one))

    def one(self, one: Asked) -> dict[str, Any]:
        state = "merged" if one.merged else {"open": "opened"}.get(one.state, one.state)
        return {
            "iid": one.number,
            "state": state,
            "source_branch": one.branch,
            "target_branch": one.into,
            "sha": self.model.branches[one.branch],
            "web_url": f"{ORIGIN}/{self.model.repository}/-/merge_requests/{one.number}",
        }


class GiteaStandIn(StandIn):
    prefix = "/api/v1"

    def lets_in(self, request: httpx.Request) -> bool:
        return request.headers["Authorization"] == f"token {self.model.token}"

    def answer(self, method: str, path: str, request: httpx.Request) -> httpx.Response:
        model, root = self.model, f"/repos/{self.model.repository}"
        given = dict(parse_qsl(request.url.query.decode()))
        body = json.loads(request.content or b"{}")
        if path == root:
            return _json(200, {"full_name": model.repository})
        if (method, path) == ("POST", f"{root}/branches"):
            if body["new_branch_name"] in model.branches:
                return _json(409, {"message": "The branch already exists."})
            model.branches[body["new_branch_name"]] = body["old_ref_name"]
            return _json(201, {"name": body["new_branch_name"]})
        found = re.fullmatch(rf"{root}/branches/([^/]+)", path)
        if found:
            commit = model.branches.get(unquote(found[1]))
            return _json(200, {"commit": {"id": commit}}) if commit else _missing()
        if (method, path) == ("POST", f"{root}/contents"):
            return self.make(body)
        found = re.fullmatch(rf"{root}/contents/(.+)", path)
        if found:
            name, files = unquote(found[1]), model.files(given["ref"]) or {}
            if name not in files:
                return _missing()
            content = base64.b64encode(files[name].encode()).decode()
            return _json(200, {"content": content, "sha": blob(files[name])})
        if path == f"{root}/commits":
            log = model.log(given["sha"])
            return self.page(
                [{"sha": o.id, "commit": {"message": o.message}} for o in log], request
            )
        return self.pulls(method, path.removeprefix(root), body, request)

    def make(self, body: dict[str, Any]) -> httpx.Response:
        model, branch = self.model, body["branch"]
        parent = model.branches[branch]
        files = dict(model.commits[parent].files)
        for one in body["files"]:
            path = one["path"]
            if one["operation"] == "create" and path in files:
                return _json(422, {"message": f"repository file already exists [path: {path}]"})
            if one["operation"] != "create" and path not in files:
                return _json(404, {"message": "file does not exist"})
            if one["operation"] != "create" and one["sha"] != blob(files[path]):
                return _json(422, {"message": "sha does not match [given: .., expected: ..]"})
            if one["operation"] == "delete":
                del files[path]
            else:
                files[path] = base64.b64decode(one["content"]).decode()
        made = model.add(parent, body["message"], files)
        model.branches[branch] = made
        return _json(201, {"commit": {"sha": made}, "files": []})

    def pulls(
        self, method: str, path: str, body: dict[str, Any], request: httpx.Request
    ) -> httpx.Response:
        model = self.model
        if path == "/pulls" and method == "GET":
            return self.page([self.pull(one) for one in reversed(model.asked)], request)
        if path == "/pulls":
            if any(o.branch == body["head"] and o.state == "open" for o in model.asked):
                return _json(409, {"message": "pull request already exists for these targets"})
            one = Asked(len(model.asked) + 1, body["head"], body["base"], body["title"])
            model.asked.append(one)
            return _json(201, self.pull(one))
        found = re.fullmatch(r"/pulls/(\d+)/merge", path)
        assert found, path
        one = model.asked[int(found[1]) - 1]
        if one.state != "open":
            return _json(405, {"message": "The PR is already merged"})
        if body["head_commit_id"] != model.branches[one.branch]:
            return _json(409, {"message": "head out of date"})
        model.merge(one)
        return httpx.Response(200)

    def pull(self, one: Asked) -> dict[str, Any]:
        return {
            "number": one.number,
            "state": one.state,
            "merged": one.merged,
            "html_url": f"{ORIGIN}/{self.model.repository}/pulls/{one.number}",
            "head": {"ref": one.branch, "sha": self.model.branches[one.branch]},
            "base": {"ref": one.into},
        }


STAND_INS: dict[str, type[StandIn]] = {
    "github": GitHubStandIn,
    "gitlab": GitLabStandIn,
    "gitea": GiteaStandIn,
}


def busy(times: int, status: int = 503) -> Iterator[httpx.Response]:
    """So many answers of a host that is busy."""
    return (_json(status, {"message": "busy"}) for _ in range(times))


def _raw(text: str) -> httpx.Response:
    """A file as github.com gives it: its own bytes, and a type that reads like JSON."""
    kind = "application/vnd.github.raw+json; charset=utf-8"
    return httpx.Response(200, content=text.encode(), headers={"content-type": kind})


def _json(status: int, body: Body, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def _missing() -> httpx.Response:
    return _json(404, {"message": "404 Not Found"})
