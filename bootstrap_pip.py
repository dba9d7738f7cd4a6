"""Puts pip into the environment that runs this file, from the package index, without pip.

For Debian without python3-venv. The index is the one that pip itself would use: PIP_INDEX_URL, or
`index-url` of pip's configuration files, or PyPI. The wheel is checked against the digest that the
index gives for it.
"""

import configparser
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

DEFAULT_INDEX = "https://pypi.org/simple"
CONFIGURATION_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
LINK = re.compile(r'href="([^"]+/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl)#sha256=([0-9a-f]{64})"')


def index_url() -> str:
    """The package index to use."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    for name in (*CONFIGURATION_FILES, os.environ.get("PIP_CONFIG_FILE", "")):
        configuration = configparser.ConfigParser()
        if name and configuration.read(Path(name).expanduser()):
            url = configuration.get("global", "index-url", fallback="")
            if url:
                return url
    return DEFAULT_INDEX


def newest_wheel(page_url: str) -> tuple[str, str]:
    """Address and digest of the newest released pip on an index page."""
    with urllib.request.urlopen(page_url) as response:
        page = response.read().decode()
    found = LINK.findall(page)
    if not found:
        sys.exit(f"No pip is to be found at {page_url}; install python3-venv instead.")
    link, _, digest = max(found, key=lambda each: [int(part) for part in each[1].split(".")])
    return urllib.parse.urljoin(page_url, link), digest


def main() -> None:
    """Downloads pip, checks it, and has it install itself."""
    url, digest = newest_wheel(index_url().rstrip("/") + "/pip/")
    with urllib.request.urlopen(url) as response:
        content: bytes = response.read()
    if hashlib.sha256(content).hexdigest() != digest:
        sys.exit(f"{url} is not what the index says it is.")
    with tempfile.TemporaryDirectory() as directory:
        wheel = Path(directory) / url.rsplit("/", 1)[1]
        wheel.write_bytes(content)
        command = [sys.executable, f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
