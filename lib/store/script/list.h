/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripts, in the order of the alphabet: X(name) for
 * lib/store/script/name.lua, which also stands in lib/store/Makefile.inc.
 * Included by redis.h.
 */
X(block_count)
X(block_page)
X(block_put)
X(block_remove)
X(copies_put)
X(delivery_bounce)
X(delivery_commit)
X(delivery_origin)
X(event_append)
X(limit_take)
X(message_put)
X(quarantine_begin)
X(quarantine_page)
X(quarantine_remove)
X(quarantine_set)
X(settings_apply)
X(settings_get)
X(settings_names)
X(settings_rollback)
X(webhook_append)
X(webhook_dead)
X(webhook_finish)
X(webhook_open)
X(webhook_replay)
X(webhook_show)
X(webhook_take)
