#!/usr/bin/env bash
# All that waits for a GPU, in the time for which one can be had: tests, speed, a whole recipe.
#
#   bash benchmarks/gpu.sh PHOTOGRAPHS RESULTS MINUTES [RECIPE]
#
# PHOTOGRAPHS is a folder to train on, MINUTES the time for the training alone (the rest takes about four
# minutes). RESULTS gets the figures, the averaged weights, curves and the last sample grids. A part that
# fails is named at the end and does not stop the others. What the recipe starts from counts from its folder.
set -uo pipefail
usage="usage: bash benchmarks/gpu.sh PHOTOGRAPHS RESULTS MINUTES [RECIPE]"
photographs=${1:?$usage} results=${2:?$usage} minutes=${3:?$usage}
cd "$(dirname "$0")/.."
recipe=${4:-vs_gendrpix/training/recipes/paper.toml}
run=$(mktemp -d)
failed=()
mkdir -p "$results"

python3 -m pytest -q -m gpu 2>&1 | tee "$results/tests.log" || failed+=(tests)
python3 benchmarks/speed_gpu.py --seconds 150 --out "$results/speed_gpu.json" || failed+=(speed)
python3 benchmarks/gate.py fp8 samples/telescope.mp4 --out "$results/gate_fp8.json" || failed+=(fp8)
python3 -m vs_gendrpix train all --config "$recipe" --pictures "$photographs" --out "$run" \
  --minutes "$minutes" 2>&1 | tee "$results/training.log" || failed+=(training)

for stage in vae latent adc plain pix calm clean distil; do
  [ -d "$run/$stage" ] || continue
  for file in model.safetensors losses.csv losses.png; do
    cp "$run/$stage/$file" "$results/$stage-$file" || failed+=("$stage-$file")
  done
  cp "$(ls "$run/$stage"/samples-*.png | tail -n 1)" "$results/$stage-samples.png"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
