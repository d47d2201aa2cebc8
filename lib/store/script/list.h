/* SPDX-License-Identifier: BSD-2-Clause */
/* The scripts: X(name) for lib/store/script/name.lua.  Included by redis.h. */
