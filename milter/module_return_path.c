/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The envelope sender becomes an address of the tenant's return path domain
 * that names the message and is signed (proto/verp.h), so that a bounce
 * finds it.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/verp.h"
#include "util/log.h"

static enum verdict
return_path_eom(struct message *msg, void *state)
{
	struct slice domain = msg->tenant->return_path_domain, local;
	struct verp_tag tag = { .host = verp_host(msg->host->host_name),
		.sent_s = msg->arrived_ms / 1000,
		.queue_id = msg->queue_id };
	char room[VERP_LOCAL_MAX], address[VERP_LOCAL_MAX + 1 + 256];

	(void)state;
	/* Bounces keep the null sender: nobody answers them.  RFC 5321, 4.5.5
	 */
	if (domain.len == 0 || domain.len > 255 || msg->sender.len == 0)
		return VERDICT_NEXT;
	/* It came here before, in this form: the first message is the one. */
	if (slice_eq_nocase(address_domain(msg->sender), domain) &&
	    verp_looks(address_local(msg->sender)))
		return VERDICT_NEXT;
	if (verp_format(msg->host->verp_key, &tag, room, &local) < 0) {
		log_warning("%.*s: no room for this queue id in a return path, "
			    "the sender is kept",
		    SLICE_F(msg->queue_id));
		return VERDICT_NEXT;
	}
	memcpy(address, local.at, local.len);
	address[local.len] = '@';
	memcpy(address + local.len + 1, domain.at, domain.len);
	if (message_change_sender(msg,
		(struct slice){ address, local.len + 1 + domain.len },
		(struct slice){ NULL, 0 }) < 0)
		return VERDICT_TEMPFAIL;
	return VERDICT_NEXT;
}

const struct module module_return_path = {
	.name = "return_path",
	.kinds = KIND_FIRST | KIND_SPLIT | KIND_BCC,
	.eom = return_path_eom,
};
