"""Work as people have it: frames of a film, a program built from its source."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import add_ssh_host
from tests.scenarios.site import SiteUnderTest
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.scenario

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 24
WIDTH, HEIGHT, RADIUS = 160, 120, 9
SCENE = f"""size {WIDTH}x{HEIGHT}
sky navy
ball gold
"""
RENDER = """
while read -r word value; do
    case $word in
        size) size=$value ;;
        sky) sky=$value ;;
        ball) ball=$value ;;
    esac
done < $scene
n=$frame
x=$((10 + n * 6))
echo "frame $n at $x" >&2
if [ "$n" -ge 0 ]; then
    convert -size "$size" "xc:$sky" -fill "$ball" -draw "circle $x,60 $((x + 9)),60" png24:$image
fi
"""
RENDER_TYPE = {
    "name": "render",
    "template": RENDER,
    "params": [
        {"name": "scene", "type": "InputFile", "required": True},
        {"name": "frame", "type": "Int", "required": True},
        {"name": "image", "type": "OutputFile", "required": True},
    ],
}
BUILD_TYPE = {
    "name": "build",
    "template": """
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp -R $source/. "$work" && make -C "$work" && "$work/primes" $limit
""",
    "params": [{"name": "source", "type": "String"}, {"name": "limit", "type": "Int", "default": "100"}],
    "environment": {"LC_ALL": "C"},
}
PRIMES = [n for n in range(2, 100) if all(n % m for m in range(2, n))]


# --- frames ---


@pytest.fixture(scope="module")
def farm(shared_site: SiteUnderTest, shared_sshd: Sshd) -> SiteUnderTest:
    """The site with two SSH hosts in a pool, a queue on it whose window is open now, and a scene to render."""
    site, now = shared_site, datetime.now(UTC)
    for name in ("farm-1", "farm-2"):
        add_ssh_host(site, shared_sshd, name=name, seats=2)
    site.post("pools", {"name": "farm", "hosts": ["farm-1", "farm-2"]})
    period = {"begin": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=1):%H:%M}"}
    site.post("schedules", {"name": "now", "zone": "UTC", "periods": [period]})
    site.post("queues", {"name": "frames", "pool": "farm", "schedule": "now"})
    site.post("job-types", RENDER_TYPE)
    film = site.directory / "var" / "files" / "film"
    film.mkdir(parents=True)
    (film / "scene.txt").write_text(SCENE)
    return site


def frame(number: int) -> dict[str, Any]:
    params = {"scene": "film/scene.txt", "frame": number, "image": f"film/out/{number:03}.png"}
    return {"queue": "frames", "type": "render", "params": params}


def pixels(png: bytes) -> bytes:
    """The unpacked image data of a PNG, every checksum of which is right."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, kind = 8, b"", b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", png, place)
        body = png[place + 8 : place + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", png, place + 8 + size)[0]
        if kind == b"IHDR":
            assert struct.unpack(">IIBB", body[:10]) == (WIDTH, HEIGHT, 8, 2)
        data += body if kind == b"IDAT" else b""
        place += size + 12
    assert place == len(png)
    return zlib.decompress(data)


def seen(images: Sequence[Path]) -> list[bytes]:
    """What ImageMagick sees in each image: rows of red, green and blue."""
    told = ["convert", *map(str, images), "-depth", "8", "rgb:-"]
    data, size = subprocess.run(told, check=True, capture_output=True).stdout, WIDTH * HEIGHT * 3
    assert len(data) == len(images) * size
    return [data[start : start + size] for start in range(0, len(data), size)]


def colour(image: bytes, x: int, y: int) -> str:
    start = (y * WIDTH + x) * 3
    return image[start : start + 3].hex()


def test_a_film_is_rendered_over_two_hosts_and_comes_home(farm: SiteUnderTest) -> None:
    ids = farm.submit_many([frame(number) for number in range(FRAMES)])
    jobs = farm.finished(ids, seconds=120)

    assert [(job["state"], job["reason"]) for job in jobs] == [("succeeded", "")] * FRAMES
    assert {job["attempts"][0]["host"] for job in jobs} == {"farm-1", "farm-2"}
    images = sorted((farm.directory / "var/files/film/out").iterdir())
    assert [path.name for path in images] == [f"{number:03}.png" for number in range(FRAMES)]
    assert len({pixels(path.read_bytes()) for path in images}) == FRAMES
    for number, image in enumerate(seen(images)):
        ball = 10 + number * 6
        assert (colour(image, ball, 60), colour(image, ball, 60 - 2 * RADIUS)) == ("ffd700", "000080")
        assert farm.output(ids[number], "stderr") == f"frame {number} at {ball}\n".encode()


def test_a_fetched_frame_can_be_downloaded(farm: SiteUnderTest) -> None:
    [job] = farm.finished([farm.post("jobs", {**frame(3), "notes": "again"})["id"]], seconds=60)
    assert job["state"] == "succeeded"

    answer = farm.call("GET", "files/film/out/003.png")

    assert answer.status == 200
    assert len(pixels(answer.body)) == (WIDTH * 3 + 1) * HEIGHT


def test_a_command_that_succeeds_without_its_output_file_has_failed(farm: SiteUnderTest) -> None:
    [job] = farm.finished([farm.post("jobs", frame(-1))["id"]], seconds=60)

    assert (job["state"], job["attempts"][0]["outcome"], job["exit_code"]) == ("failed", "stage_failed", 0)
    assert "-01.png was not written" in job["reason"]


# --- a program ---


@pytest.fixture(scope="module")
def builder(shared_site: SiteUnderTest) -> SiteUnderTest:
    shared_site.post("job-types", BUILD_TYPE)
    return shared_site


def build(site: SiteUnderTest, source: Path) -> Any:
    params = {"source": str(source)}
    job = site.post("jobs", {"queue": "default", "type": "build", "host": "localhost", "params": params})
    [ended] = site.finished([job["id"]], seconds=60)
    return ended


def test_a_program_is_built_from_its_source_and_run(builder: SiteUnderTest) -> None:
    job = build(builder, ROOT / "examples" / "primes")

    assert (job["state"], job["exit_code"]) == ("succeeded", 0)
    log = builder.output(job["id"]).decode().splitlines()
    assert [int(line) for line in log if line.isdigit()] == PRIMES
    assert any("cc" in line and "sieve.c" in line for line in log)
    assert builder.output(job["id"], "stderr") == b""


def test_a_build_that_fails_keeps_what_the_compiler_said(builder: SiteUnderTest, tmp_path: Path) -> None:
    source = tmp_path / "primes"
    shutil.copytree(ROOT / "examples" / "primes", source)
    broken = (source / "sieve.c").read_text().replace("return true;", "return yes;")
    (source / "sieve.c").write_text(broken)

    job = build(builder, source)

    assert (job["state"], job["exit_code"], job["reason"]) == ("failed", 2, "Exit code 2.")
    said = builder.output(job["id"], "stderr").decode()
    assert "sieve.c:" in said
    assert "error: 'yes' undeclared" in said
