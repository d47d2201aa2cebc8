#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The sample configuration is one that the daemons take, with every parameter
# at its default; the units are ones that systemd takes.
set -u
dir=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || printf 'not '
	echo "ok $n - $2"
}

./tests/service/tiny -t -f "$dir/postern.conf.sample"
result $? "the sample is accepted"

sed 's/^#\([a-z_]* =\)/\1/' "$dir/postern.conf.sample" >"$work/all"
./tests/service/tiny -t -f "$work/all"
result $? "each line of the sample is accepted"

# Defaults depend on --sysconfdir and --localstatedir.
./tests/service/tiny -n -f "$work/all" |
    grep -Ev '^(bounce_rules|state_directory|master_key_file) =' >"$work/changed"
sed 's/^/# /' "$work/changed"
[ ! -s "$work/changed" ]
result $? "the sample shows the defaults"

if command -v systemd-analyze >/dev/null; then
	for unit in dist/*.service; do
		# The programs are not installed yet.
		sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$unit" \
		    >"$work/${unit##*/}"
		bad=$(systemd-analyze verify --man=no \
		    "$work/${unit##*/}" 2>&1 | grep -F "${unit##*/}")
		[ -z "$bad" ] || echo "# $bad"
		[ -z "$bad" ]
		result $? "${unit##*/}"
	done
else
	n=$((n + 1))
	echo "ok $n - units # SKIP systemd-analyze is not here"
fi
echo "1..$n"
