/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_COPIES_MEMORY_H
#define MILTER_COPIES_MEMORY_H

#include "milter/message.h"
#include "util/crypto.h"

/*
 * For whom the MTA has copies of a message, kept in Redis for the client's
 * next try; from a milter thread.  What is noted before copies are let go
 * names them, so that after a crash in that moment the MTA's log can tell
 * whether it has them.
 */
struct map;

struct copies_memory {
	const struct milter *host;
	struct slice tenant;
	char identity[2 * CRYPTO_SHA256_LEN];
};

/*
 * What is the same in each try: tenant, sender, recipients, header and body as
 * they came, but for what the MTA itself has added.  ERR_CRYPTO, ERR_NOMEM, or
 * as message_kept_body.
 */
int copies_memory_init(struct copies_memory *m, struct message *msg);
/*
 * Recipients for whom the MTA has a copy: the keys.  ERR_CANCELED: it is not
 * known yet of all of them; ERR_UNAVAIL, ERR_TIMEOUT, ERR_NOMEM.
 */
int copies_memory_get(const struct copies_memory *m, struct map **ret_has);

enum copies_state {
	COPIES_LET_GO, /* it may have the copy of that queue id */
	COPIES_TAKEN,  /* it has it */
	COPIES_NOT,    /* it has not */
};
struct copies_mark {
	struct slice recipient;
	enum copies_state state;
	struct slice queue_id; /* COPIES_LET_GO */
};
int copies_memory_put(const struct copies_memory *m,
    const struct copies_mark *marks, size_t count);
/* Soon, without waiting. */
void copies_memory_forget(const struct copies_memory *m);

#endif /* MILTER_COPIES_MEMORY_H */
