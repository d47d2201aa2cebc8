/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_CONFINE_H
#define POLICYD_QUEUE_CONFINE_H

#include <stdbool.h>

/*
 * What the queue helper and the commands that it runs can do from now on, for
 * good: six capabilities, no new privileges, no core files; with sandbox, the
 * system calls of its role, and (where the kernel's Landlock knows of networks,
 * Linux 6.7) no TCP.  0; ERR_DENIED, ERR_NOMEM.
 */
int queue_confine(bool sandbox);

#endif /* POLICYD_QUEUE_CONFINE_H */
