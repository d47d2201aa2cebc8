/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_QUARANTINE_H
#define MILTER_QUARANTINE_H

#include "milter/milter.h"
#include "store/quarantine_store.h"

/*
 * Writes a refused message to Redis, piece by piece, so that the commands that
 * mail waits for go between them.  From a thread that may wait, not the
 * loop's.
 * record   its content is set to what became of it
 * fd       the message, record->size octets; used where content was COMING
 * again    called after temporary trouble: waits a little, false: give up
 * 0, or a negative code: the record is not there, or is left incomplete.
 */
struct quarantine_patience {
	bool (*again)(void *ctx);
	void *ctx;
};
int quarantine_message(const struct milter *host,
    struct quarantine_record *record, int fd, uint64_t tenant_octets,
    const struct quarantine_patience *patience);

#endif /* MILTER_QUARANTINE_H */
