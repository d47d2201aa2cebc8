#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Replay every corpus through its target; the targets print TAP, which this
# numbers through.
set -eu
dir=$(dirname "$0")
n=0
for target in ./tests/fuzz/fuzz_*; do
	[ -x "$target" ] && [ -f "$target" ] || continue
	name=${target##*/fuzz_}
	[ -d "$dir/corpus/$name" ] || continue
	n=$((n + 1))
	if out=$("$target" "$dir/corpus/$name"/* 2>&1); then
		echo "ok $n - $name: $(echo "$out" | grep -c '^ok') inputs"
	else
		echo "$out" | sed 's/^/# /'
		echo "not ok $n - $name"
	fi
done
echo "1..$n"
