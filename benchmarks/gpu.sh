#!/usr/bin/env bash
# All that waits for a GPU, in the time for which one can be had: most important first, each part within its own time.
#
#   bash benchmarks/gpu.sh RESULTS [PHOTOGRAPHS MINUTES [RECIPE]]
#
# The tests on the GPU, the command beside the filter, speed with the engine's timeline, and the gates take twelve minutes at most.
# With PHOTOGRAPHS to train on, a whole recipe follows that is fitted to MINUTES; what it starts from counts from its folder.
# RESULTS gets the figures of each part as it ends, averaged weights, curves and the last sample grids. A part that fails or
# whose time runs out is named at the end and does not stop the others.
set -uo pipefail
usage="usage: bash benchmarks/gpu.sh RESULTS [PHOTOGRAPHS MINUTES [RECIPE]]"
results=$(realpath -m "${1:?$usage}")
[ $# -eq 1 ] || [ $# -ge 3 ] || { echo "$usage" >&2; exit 2; }
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD PYTHONUNBUFFERED=1
mkdir -p "$results"
failed=()

part() { # NAME SECONDS COMMAND...
  local name=$1 seconds=$2
  shift 2
  timeout --kill-after 5 "$seconds" "$@" 2>&1 | tee "$results/$name.log" || failed+=("$name")
}

part tests 110 python3 -m pytest -q -m gpu
part conformance 120 python3 -m pytest -q tests/test_conformance.py
part speed 300 python3 -m benchmarks.speed_gpu --seconds 150 --trace "$results/timeline.json" --out "$results/speed_gpu.json"
part windows 90 python3 -m benchmarks.gate windows samples/telescope.mp4 --model base --out "$results/gate_windows.json"
part fp8 90 python3 -m benchmarks.gate fp8 samples/telescope.mp4 --model base --out "$results/gate_fp8.json"

if [ $# -ge 3 ]; then
  run=$(mktemp -d)
  recipe=${4:-vs_gendrpix/training/recipes/paper.toml}
  part training $((60 * $3 + 120)) python3 -m vs_gendrpix train all --config "$recipe" --pictures "$2" --out "$run" --minutes "$3"
  for stage in "$run"/*/model.safetensors; do
    stage=$(dirname "$stage")
    for file in model.safetensors losses.csv losses.png; do
      cp "$stage/$file" "$results/$(basename "$stage")-$file" || failed+=("$(basename "$stage")-$file")
    done
    cp "$(ls "$stage"/samples-*.png | tail -n 1)" "$results/$(basename "$stage")-samples.png"
  done
fi
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
