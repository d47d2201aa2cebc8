/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_COPIES_MEMORY_H
#define MILTER_COPIES_MEMORY_H

#include "milter/message.h"
#include "util/crypto.h"

/*
 * Which copies of a message the MTA has, kept in Redis for the client's next
 * try; from a milter thread.
 */
struct copies_memory {
	const struct milter *host;
	struct slice tenant;
	char identity[2 * CRYPTO_SHA256_LEN];
};

/*
 * What is the same in each try: tenant, sender, recipients and header as they
 * came, and the size.  ERR_CRYPTO, ERR_NOMEM.
 */
int copies_memory_init(struct copies_memory *m, const struct message *msg,
    size_t size);
/*
 * done: an octet for each of count copies, '1' for those that it has.  What is
 * known of another number of copies does not count.  ERR_UNAVAIL, ERR_TIMEOUT.
 */
int copies_memory_get(const struct copies_memory *m, char *done, size_t count);
int copies_memory_set(const struct copies_memory *m, const char *done,
    size_t count);
/* Soon, without waiting. */
void copies_memory_forget(const struct copies_memory *m);

#endif /* MILTER_COPIES_MEMORY_H */
