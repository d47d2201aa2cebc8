/* SPDX-License-Identifier: BSD-2-Clause */
/* No sandbox: without libseccomp, and under sanitizers, which need more. */
#include "service/sandbox.h"

const char sandbox_kind[] = "none";

int
sandbox_enter(enum sandbox_role role)
{
	(void)role;
	return 0;
}
