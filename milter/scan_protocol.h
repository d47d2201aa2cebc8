/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_PROTOCOL_H
#define MILTER_SCAN_PROTOCOL_H

#include <stdint.h>

#include "milter/scan_client.h"
#include "util/slice.h"

/*
 * What goes over the socket of postern-scan, and on to its workers; octets of
 * fixed places, numbers with the highest octet first.
 *
 * Request, with its first octet a descriptor (SCM_RIGHTS) of a memfd that is
 * sealed against writing, growing and shrinking:
 *	0  4  "PSQ1"
 *	4  4  id: what the answer says again
 *	8  8  size of the message, which must be that of the memfd
 *	16 4  milliseconds until an answer is of no use any more
 * Answer:
 *	0  4  "PSA1"
 *	4  4  id
 *	8  1  enum scan_outcome
 *	9  1  length of the name, at most 199
 *	10    name of the signature or the limit; SCAN_OUT_FAILED: why
 * The next request may be sent when the answer is there.
 */
enum scan_outcome {
	SCAN_OUT_CLEAN = 'C',
	SCAN_OUT_INFECTED = 'I',
	SCAN_OUT_UNSCANNABLE = 'U',
	SCAN_OUT_FAILED = 'F' /* the scanner could not do its work */
};

#define SCAN_REQUEST_LEN 20
#define SCAN_ANSWER_HEAD 10
#define SCAN_ANSWER_MAX (SCAN_ANSWER_HEAD + SCAN_NAME_MAX - 1)
#define SCAN_REQUEST_MS_MAX (3600 * 1000)

struct scan_request {
	uint32_t id;
	uint64_t size;
	uint32_t timeout_ms; /* 1..SCAN_REQUEST_MS_MAX */
};
struct scan_answer {
	uint32_t id;
	enum scan_outcome outcome;
	char name[SCAN_NAME_MAX]; /* printable ASCII, without a blank at its
				     ends; FAILED: any printable text */
};

void scan_request_format(const struct scan_request *r,
    uint8_t ret_octets[SCAN_REQUEST_LEN]);
/* Octets taken; 0: more are needed; ERR_SYNTAX. */
int scan_request_parse(struct slice in, struct scan_request *ret_request);

/* The name is cut and made printable.  Returns the length. */
size_t scan_answer_format(const struct scan_answer *a,
    uint8_t ret_octets[SCAN_ANSWER_MAX]);
/* As scan_request_parse. */
int scan_answer_parse(struct slice in, struct scan_answer *ret_answer);

/* Puts name where only printable ASCII may be: '?' for the rest, cut. */
void scan_name_set(char ret_name[SCAN_NAME_MAX], struct slice name);

#endif /* MILTER_SCAN_PROTOCOL_H */
