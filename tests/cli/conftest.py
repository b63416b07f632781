"""Each test of the command line runs in an empty folder."""

import pytest
from command_line import Here


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Here(capsys, tmp_path)
