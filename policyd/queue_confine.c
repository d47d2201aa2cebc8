/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking from the queue helper what Postfix's commands do not need. */
#include "policyd/queue_confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "service/sandbox.h"
#include "util/err.h"

/* Of linux/landlock.h, whose older versions do not have them. */
#define NET_ABI 4
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
struct net_ruleset {
	uint64_t files, net;
};

/*
 * What Postfix's commands need as root: to become the mail owner, to get into
 * its directories, for "postfix check" to give files to it, and to tell its
 * master to read its configuration again.
 */
static void
drop_capabilities(void)
{
	static const unsigned char kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE,
		CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID };
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 } };
	uint32_t mask = 0;

	/* Those that the service manager has taken away can not be. */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (memchr(kept, cap, sizeof(kept)) == NULL)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return;
	for (size_t i = 0; i < sizeof(kept); i++)
		mask |= UINT32_C(1) << kept[i];
	data[0].effective &= mask;
	data[0].permitted &= mask;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0, 0, 0 };
	(void)syscall(SYS_capset, &head, data);
}

/* The system call filter has to let sockets be made; these reach nobody. */
static void
drop_network(void)
{
	const struct net_ruleset handled = { .net = NET_BIND_TCP |
						    NET_CONNECT_TCP };
	long rules;

	if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
		LANDLOCK_CREATE_RULESET_VERSION) < NET_ABI)
		return;
	rules =
	    syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (rules < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, rules, 0);
	(void)close((int)rules);
}

int
queue_confine(bool sandbox)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0) {
		(void)setgroups(0, NULL);
		drop_capabilities();
	}
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_DENIED;
	if (!sandbox)
		return 0;
	drop_network();
	return sandbox_enter(SANDBOX_QUEUE_HELPER);
}
