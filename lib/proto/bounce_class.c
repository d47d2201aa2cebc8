/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bounce classes. */
#include "proto/bounce_class.h"

#include "proto/status.h"

static const struct {
	const char *word;
	int status;
	enum fault fault;
	bool may_block;
} classes[BOUNCE_CLASS_COUNT] = {
#define X(name, word, status, fault, may) { word, status, fault, may },
	BOUNCE_CLASS_LIST(X)
#undef X
};

static unsigned index_of(enum bounce_class class)
{
	return (unsigned)class < BOUNCE_CLASS_COUNT ? (unsigned)class
						    : CLASS_OTHER;
}

const char *bounce_class_word(enum bounce_class class)
{
	return classes[index_of(class)].word;
}

enum bounce_class
bounce_class_parse(struct slice word)
{
	for (unsigned i = 0; i < BOUNCE_CLASS_COUNT; i++)
		if (slice_eq(word, slice_of(classes[i].word)))
			return (enum bounce_class)i;
	return CLASS_NONE;
}

int bounce_class_status(enum bounce_class class)
{
	return classes[index_of(class)].status;
}

enum fault bounce_class_fault(enum bounce_class class)
{
	return classes[index_of(class)].fault;
}

const char *
fault_word(enum fault fault)
{
	switch (fault) {
	case FAULT_RECIPIENT:
		return "recipient";
	case FAULT_SENDER:
		return "sender";
	case FAULT_RECEIVER:
		return "receiver";
	case FAULT_NETWORK:
		return "network";
	case FAULT_NONE:
		break;
	}
	return "unknown";
}

bool bounce_class_may_block(enum bounce_class class)
{
	return class == CLASS_NONE || classes[index_of(class)].may_block;
}

enum bounce_class
bounce_class_of_status(int status)
{
	/* Of several classes of one status, the one that says least. */
	switch (status) {
	case STATUS_NONE:
		return CLASS_NONE;
	case STATUS_REFUSED:
		return CLASS_POLICY;
	case STATUS_SERVER:
		return CLASS_SERVER;
	case STATUS_TIMEOUT:
		return CLASS_EXPIRED;
	case STATUS_OTHER:
		return CLASS_OTHER;
	default:
		break;
	}
	for (unsigned i = 1; i < BOUNCE_CLASS_COUNT; i++)
		if (classes[i].status == status)
			return (enum bounce_class)i;
	return CLASS_OTHER;
}
