"""The table of weights, the cache, downloads from a server on loopback, and `consbench weights`."""

import hashlib
import http.server
import re
import subprocess
import sys
import threading
from pathlib import Path

import pooch
import pytest
from click.testing import CliRunner

from consbench.errors import UnknownName, WeightsError
from consbench_adapters import cli, hq_sam, sam, weights
from consbench_adapters.weights import Weights

CONTENT = bytes(range(256)) * 9000


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Server(http.server.BaseHTTPRequestHandler):
    """/good/… serves CONTENT, /cut/… stops half way, /flaky/… stops half way the first time, all else is not found."""

    requests: list[str]

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.requests.append(self.path)
        if kind not in ("good", "cut", "flaky"):
            self.send_error(404)
            return
        cut = kind == "cut" or (kind == "flaky" and len(self.requests) == 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if cut else CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Handler", (Server,), {"requests": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.requests = handler.requests
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    monkeypatch.setenv("CONSBENCH_WEIGHTS", str(folder))
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    return folder


@pytest.fixture
def entry(server, monkeypatch):
    """Make an entry of the table that the loopback server serves."""

    def make(kind, digest=None):
        made = Weights("toy", f"{server.url}/{kind}/toy.pth", digest or sha256(CONTENT), len(CONTENT))
        monkeypatch.setattr(weights, "TABLE", {"toy": made})
        return made

    return make


def files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_every_entry_is_https_and_has_a_digest_that_its_name_confirms():
    assert list(weights.TABLE) == [f"{model}-vit-{size}" for model in ("sam", "hq-sam") for size in "blh"]
    for found in weights.TABLE.values():
        assert found.url.startswith("https://")
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", found.digest)
        assert found.licence == "Apache-2.0"
    assert len({found.digest for found in weights.TABLE.values()}) == 6


def test_a_name_with_a_slip_gets_a_suggestion():
    with pytest.raises(UnknownName, match=r"no file of weights is called 'sam-vitb'; did you mean 'sam-vit-b'\?"):
        weights.find("sam-vitb")


def test_the_cache_is_the_users_unless_the_environment_says_otherwise(cache, monkeypatch):
    assert weights.cache_directory() == cache
    monkeypatch.delenv("CONSBENCH_WEIGHTS")
    assert weights.cache_directory().parts[-2:] == ("consbench", "weights")


@pytest.mark.parametrize(
    ("load", "name"), [(sam.load, "sam-vit-l"), (hq_sam.load, "hq-sam-vit-l")], ids=["sam", "hq-sam"]
)
def test_without_checkpoint_the_message_says_what_to_get_and_how(load, name, cache):
    published = weights.find(name)
    message = (
        f"the weights '{name}' are not here: no file {cache / published.file}. Give one with --checkpoint FILE, or run "
        f"'consbench weights fetch {name}' (1.25 GB from {published.url}, {published.digest})"
    )
    with pytest.raises(WeightsError, match=f"^{re.escape(message)}$"):
        load(arch="vit_l", device="cpu")


def test_a_cached_file_of_other_content_is_not_loaded(cache):
    cache.mkdir()
    (cache / "sam_vit_b_01ec64.pth").write_bytes(b"other")
    message = (
        r"sam_vit_b_01ec64\.pth is not the published 'sam-vit-b': its digest is sha256:d9298a10.*, published is "
        r"sha256:ec2df627.*\. Run 'consbench weights fetch sam-vit-b' to replace it"
    )
    for _ in range(2):
        with pytest.raises(WeightsError, match=message):
            sam.load(device="cpu")


@pytest.mark.parametrize("digest", [None, f"md5:{hashlib.md5(CONTENT).hexdigest()}"], ids=["sha256", "md5"])
def test_a_good_file_is_fetched_once_and_verified(entry, cache, server, digest):
    found = entry("good", digest)
    path = weights.fetch(found)

    assert path == cache / "toy.pth"
    assert path.read_bytes() == CONTENT
    assert weights.status(found) == "verified"
    assert files(cache) == ["toy.pth", "toy.pth.verified"]
    assert weights.fetch(found) == weights.require("toy") == path
    assert len(server.requests) == 1
    assert weights.identify(path) == found


def test_a_transfer_that_breaks_once_is_tried_again(entry, cache, server):
    weights.fetch(entry("flaky"))

    assert (cache / "toy.pth").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_file_of_another_digest_is_thrown_away(entry, cache, server):
    with pytest.raises(
        WeightsError,
        match=r"/good/toy\.pth gave another file than the published one \(sha256:0{64}\); it was thrown away\. "
        r"Fetch it by other means, save it as .*toy\.pth and run 'consbench weights verify toy'$",
    ):
        weights.fetch(entry("good", f"sha256:{'0' * 64}"))
    assert files(cache) == []
    assert len(server.requests) == 3


@pytest.mark.parametrize(("kind", "cause"), [("gone", "404 Client Error"), ("cut", "IncompleteRead|Connection broken")])
def test_a_failed_transfer_leaves_nothing_and_says_why(entry, cache, kind, cause):
    with pytest.raises(
        WeightsError, match=rf"/{kind}/toy\.pth could not be fetched: .*({cause}).*\. Fetch it by other means"
    ):
        weights.fetch(entry(kind))
    assert files(cache) == []


def test_a_failed_transfer_leaves_the_file_that_was_there(entry, cache):
    cache.mkdir()
    (cache / "toy.pth").write_bytes(b"mine")
    with pytest.raises(WeightsError, match="could not be fetched"):
        weights.fetch(entry("gone"))

    assert (cache / "toy.pth").read_bytes() == b"mine"


def test_a_damaged_file_is_replaced(entry, cache):
    cache.mkdir()
    (cache / "toy.pth").write_bytes(CONTENT[:-1])
    weights.fetch(entry("good"))

    assert (cache / "toy.pth").read_bytes() == CONTENT


def test_status_follows_the_file_and_the_table(entry, cache):
    found = entry("good")
    assert weights.status(found) == "absent"
    cache.mkdir()
    (cache / "toy.pth").write_bytes(CONTENT)
    assert weights.status(found) == "unverified"
    weights.verify(found, cache / "toy.pth")
    assert weights.status(found) == "verified"
    (cache / "toy.pth").write_bytes(CONTENT[:-2])
    assert weights.status(found) == "unverified"
    with pytest.raises(WeightsError, match="is not the published 'toy'"):
        weights.verify(found, cache / "toy.pth")
    assert weights.status(found) == "damaged"
    assert weights.status(entry("good", sha256(CONTENT[:-2]))) == "unverified"


def run(*arguments):
    return CliRunner().invoke(cli.weights, arguments)


def test_list_shows_every_file_and_its_state(entry, cache):
    found = entry("good")
    assert re.search(r"toy +2 MB +absent +Apache-2\.0 +toy\.pth", run("list").output)
    weights.fetch(found)
    assert re.search(r"toy +2 MB +verified", run("list").output)


def test_fetch_prints_the_path_on_standard_output_only(entry, cache):
    entry("good")
    result = run("fetch", "toy")

    assert (result.exit_code, result.stdout) == (0, f"{cache / 'toy.pth'}\n")
    assert "/good/toy.pth (2 MB) -> " in result.stderr
    assert run("fetch", "toy", "--quiet").stderr == ""


def test_fetch_of_an_unknown_name_is_an_error():
    assert isinstance(run("fetch", "sam-vitb").exception, UnknownName)


def test_a_progress_bar_survives_a_broken_transfer(entry):
    assert "could not be fetched" in str(run("fetch", entry("cut").name).exception)


def test_verify_takes_a_name_a_file_or_everything(entry, cache, tmp_path):
    assert run("verify").output == f"no weights in {cache}\n"
    weights.fetch(entry("good"))
    elsewhere, other = tmp_path / "copy.pth", tmp_path / "other.pth"
    elsewhere.write_bytes(CONTENT)
    other.write_bytes(b"other")

    assert run("verify", "toy").output == f"{cache / 'toy.pth'}: verified, {sha256(CONTENT)}\n"
    assert run("verify", str(elsewhere)).output == f"{elsewhere}: is 'toy', {sha256(CONTENT)}\n"
    assert run("verify").output == "toy           verified\n"
    assert str(run("verify", str(other)).exception) == f"{other} is none of the published files ({sha256(b'other')})"
    assert isinstance(run("verify", "tox").exception, UnknownName)
    (cache / "toy.pth").write_bytes(b"broken")
    broken = run("verify")
    assert broken.output == "toy           damaged\n"
    assert isinstance(broken.exception, WeightsError)


def test_the_command_and_the_table_load_nothing_heavy():
    code = (
        "import sys, consbench_adapters, consbench_adapters.cli, consbench_adapters.dimensions\n"
        "heavy = {'torch', 'torchvision', 'segment_anything', 'pooch', 'requests', 'rich.progress', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
    assert Path(cli.__file__).name == "cli.py"
