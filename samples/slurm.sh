#!/bin/bash
# Restores a film on a Slurm cluster: plans it here, makes its segments in an array of jobs, and joins them
# when all of these are done. After a failure run the same command again: it goes on where that stopped.
#
#   samples/slurm.sh IN OUT JOBS [options of gendrpix video]
#   samples/slurm.sh film.mov master.mov 8 -d cuda --height 2160
#
# All nodes must see the paths and have the same versions. Adapt the resources of one job:
#SBATCH --job-name=gendrpix
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --requeue
set -euo pipefail

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then  # one of the array
  share=$((SLURM_ARRAY_TASK_ID - ${SLURM_ARRAY_TASK_MIN:-0}))
  exec gendrpix work "$1" --shard "$share/$SLURM_ARRAY_TASK_COUNT"
fi

input=$1 output=$2 jobs=$3
shift 3
gendrpix plan "$input" "$output" "$@"
array=$(sbatch --parsable --array="0-$((jobs - 1))" "$0" "$output.job")
sbatch --job-name=gendrpix-finish --dependency="afterok:$array" \
  --wrap="gendrpix finish $(printf %q "$output.job")"
