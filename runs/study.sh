#!/bin/sh
# The study, from data modes and amounts to the figure, the table and the paragraph: out/study.
# It goes on where it was stopped. With a GPU, and a core for each worker:
#
#     sh runs/study.sh --workers 16 --taught FOLDER FOLDER FOLDER
#
# FOLDERs are models taught by reward (`uptake train taught`), one a seed; without them the recipe
# is run here, which takes most of the time. Once every arm is there, the rows go to runs/results
# and the figure to docs/images.
set -eu
cd "$(dirname "$0")/.."
uptake study --out out/study "$@"
python runs/study.py out/study --command "sh runs/study.sh${*:+ $*}"
