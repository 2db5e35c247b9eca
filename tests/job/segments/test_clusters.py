"""The samples for Slurm and Kubernetes, run with the variables that these set."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import make_clip
from vs_gendrpix.cli.main import main
from vs_gendrpix.job.segments import cutting

SAMPLES = Path(__file__).parents[3] / "samples"
GENDRPIX = """#!{python}
import os, signal, sys
from vs_gendrpix.cli.main import main
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.folder import JobFolder

cutting.LENGTH = 10
if "DIES" in os.environ:  # when the output has its name
    JobFolder.remove = lambda _: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(main(sys.argv[1:]))
"""
SBATCH = """#!/bin/bash
# Runs what it is given at once, as Slurm would later.
set -eu
unset SLURM_ARRAY_TASK_ID
echo "$@" >> "$SUBMITTED"
for option; do
  shift
  case $option in
    --array=0-*)
      last=${option#--array=0-} script=$1
      shift
      export SLURM_ARRAY_TASK_COUNT=$((last + 1)) SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=$last
      for SLURM_ARRAY_TASK_ID in $(seq 0 $last); do
        export SLURM_ARRAY_TASK_ID
        bash "$script" "$@" >&2
      done
      echo 4711
      exit ;;
    --wrap=*) exec sh -c "${option#--wrap=}" >&2 ;;
  esac
done
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a clip of three segments; `gendrpix` and `sbatch` are on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gendrpix").write_text(GENDRPIX.format(python=sys.executable))
    (programs / "sbatch").write_text(SBATCH)
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SUBMITTED", str(tmp_path / "submitted"))
    made = tmp_path / "two films"  # names with spaces are quoted all the way
    made.mkdir()
    make_clip(made / "in.mp4", times=[512 * n for n in range(33)], audio="aac")
    return made


def options(model):
    return ["-s", "1", "-m", str(model), "--dtype", "fp32", "-d", "cpu", "-c", "ffv1"]


def test_slurm(folder, small_model):
    script = [shutil.which("bash"), str(SAMPLES / "slurm.sh")]
    paths = [str(folder / "in.mp4"), str(folder / "out.mkv")]
    done = subprocess.run(
        [*script, *paths, "2", *options(small_model)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(each.name for each in folder.iterdir()) == ["in.mp4", "out.mkv"]
    assert done.stderr.index("2 segments made") < done.stderr.index("1 segments made")
    submitted = (folder.parent / "submitted").read_text()
    assert "--array=0-1" in submitted
    assert "--dependency=afterok:4711" in submitted
    # One of the array that Slurm begins again when all is done has nothing left to do.
    late = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2"}
    subprocess.run([*script, f"{paths[1]}.job"], env=os.environ | late, check=True)


def test_kubernetes(folder, small_model, monkeypatch):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    job = yaml.safe_load((SAMPLES / "kubernetes.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    assert job["spec"]["completionMode"] == "Indexed"
    assert given["COMPLETIONS"] == str(job["spec"]["completions"])
    monkeypatch.setattr(cutting, "LENGTH", 10)
    paths = [str(folder / "in.mp4"), str(folder / "out.mkv")]
    assert main(["plan", *paths, *options(small_model)]) == 0
    given |= {"JOB": str(folder / "out.mkv.job"), "COMPLETIONS": "2"}

    def pod(index, **more):
        command = [*container["command"], *container["args"]]
        variables = os.environ | given | {"JOB_COMPLETION_INDEX": index} | more
        return subprocess.run(command, env=variables, check=False).returncode

    assert pod("1") == 0
    assert pod("0", DIES="1") == 128 + signal.SIGKILL
    output = (folder / "out.mkv").stat()
    assert sorted(each.name for each in folder.iterdir()) == ["in.mp4", "out.mkv", "out.mkv.job"]
    for _ in range(2):  # after another death, all that is left is the output
        assert pod("0") == 0
        assert sorted(each.name for each in folder.iterdir()) == ["in.mp4", "out.mkv"]
    assert (folder / "out.mkv").stat().st_mtime_ns == output.st_mtime_ns
    assert pod("1") == 0
