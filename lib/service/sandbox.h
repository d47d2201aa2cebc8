/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_SANDBOX_H
#define SERVICE_SANDBOX_H

#include "service/service.h"

/*
 * From here on only the system calls of that role, in all threads and for
 * good.  What would start another program or look into another process ends
 * ours (SIGSYS); any other call fails with EPERM.  Processes can not be made.
 * The queue helper may make them and start programs, all of which are in the
 * same sandbox.
 * 0; ERR_DENIED: the kernel does not do it; ERR_NOMEM.
 */
int sandbox_enter(enum sandbox_role role);

/* For --version: "seccomp", "none". */
extern const char sandbox_kind[];

#endif /* SERVICE_SANDBOX_H */
