/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an S/MIME signature costs: the milter's module, from a message that is
 * kept to its new body, beside OpenSSL's CMS_sign of the same text alone, in
 * turns.  Prints one line for each case: CPU in microseconds a message.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "milter/body.h"
#include "milter/module.h"
#include "tests/unit/certificates.h"
#include "util/clock.h"
#include "util/cms.h"
#include "util/number.h"

#define ROUNDS 9
#define BODY_MAX ((size_t)4 * 1024 * 1024)

static const char address[] = "news@shop.test";

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static double
cpu_us(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct bench {
	struct certificate certificate;
	struct smime_certificate entry;
	struct tenant tenant;
	STACK_OF(X509) * others;
	const char *type, *encoding;
	struct buf body, entity;
};

/* Lines of words, or of base64, or of UTF-8. */
static void
fill(struct buf *body, const char *line, size_t size)
{
	buf_clear(body);
	while (body->len < size)
		must(buf_add_text(body, line) == 0);
}

static void
make_message(const struct bench *b, struct message *msg, void **ret_state)
{
	msg->tenant = &b->tenant;
	msg->queue_id = SLICE("4ZxKq03");
	msg->arrived_ms = clock_wall_us() / 1000;
	must(message_add_field(msg, SLICE("From"), slice_of(address)) == 0);
	must(message_add_field(msg, SLICE("MIME-Version"), SLICE("1.0")) == 0);
	must(message_add_field(msg, SLICE("Content-Type"), slice_of(b->type)) ==
	     0);
	must(message_add_field(msg, SLICE("Content-Transfer-Encoding"),
		 slice_of(b->encoding)) == 0);
	must(message_add_rcpt(msg, SLICE("a@b.test"), true) == 0);
	*ret_state = arena_alloc(msg->arena, module_smime.state_size);
	must(*ret_state != NULL);
	must(module_smime.begin(msg, *ret_state) == BODY_BUFFER);
	msg->body = body_new(msg);
	must(msg->body != NULL);
	body_add(msg->body, buf_slice(&b->body));
}

/* Keeping the body is not the signature's cost: the scan has it, too. */
static double
ours(struct bench *b, struct message *msg, size_t count)
{
	double all = 0;

	for (size_t i = 0; i < count; i++) {
		void *state;

		make_message(b, msg, &state);
		double began = cpu_us();
		must(module_smime.eom(msg, state) == VERDICT_NEXT);
		all += cpu_us() - began;
		must(msg->new_body != NULL);
		if (b->entity.len == 0) {
			struct slice s = buf_slice(msg->new_body);
			struct slice mark = SLICE("\r\n--=_postern_");
			const char *at = slice_find(s, mark);

			must(at != NULL);
			s = slice_skip(s, (size_t)(at - s.at) + mark.len + 34);
			at = slice_find(s, mark);
			must(at != NULL);
			must(buf_add(&b->entity, s.at, (size_t)(at - s.at)) ==
			     0);
		}
		message_reset(msg);
	}
	return all / (double)count;
}

static double
bare(const struct bench *b, size_t count)
{
	double began = cpu_us();

	for (size_t i = 0; i < count; i++) {
		unsigned char *der = NULL;
		BIO *in = BIO_new_mem_buf(b->entity.at, (int)b->entity.len);
		CMS_ContentInfo *cms =
		    CMS_sign(b->certificate.leaf, b->certificate.pkey,
			b->others, in, CMS_DETACHED | CMS_BINARY);

		must(cms != NULL && i2d_CMS_ContentInfo(cms, &der) > 0);
		OPENSSL_free(der);
		CMS_ContentInfo_free(cms);
		BIO_free(in);
	}
	return (cpu_us() - began) / (double)count;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
run(struct bench *b, const char *name, size_t size, size_t count)
{
	double us[2][ROUNDS], ratio[ROUNDS];
	struct message msg;

	must(message_init(&msg) == 0);
	buf_clear(&b->entity);
	(void)ours(b, &msg, 20); /* warms up, and leaves the text */
	for (size_t i = 0; i < ROUNDS; i++) {
		us[0][i] = ours(b, &msg, count);
		us[1][i] = bare(b, count);
		ratio[i] = us[0][i] / us[1][i];
	}
	message_done(&msg);
	qsort(us[0], ROUNDS, sizeof(double), compare);
	qsort(us[1], ROUNDS, sizeof(double), compare);
	qsort(ratio, ROUNDS, sizeof(double), compare);
	(void)printf("%-34s %4zu KB  %8.0f  %8.0f  %5.2f\n", name, size / 1024,
	    us[0][ROUNDS / 2], us[1][ROUNDS / 2], ratio[ROUNDS / 2]);
}

static void
run_all(struct bench *b, const char *key, size_t count)
{
	static const struct {
		const char *name, *type, *encoding, *line;
	} cases[] = {
		{ "7-bit text", "text/plain; charset=us-ascii", "7bit",
		    "some words of a mail that people may read, line by "
		    "line\r\n" },
		{ "base64", "application/pdf", "base64",
		    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygp"
		    "KissLS4vMDEyMzQ1Njc4\r\n" },
		{ "UTF-8, becomes base64", "text/plain; charset=utf-8", "8bit",
		    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xa7\xe6\x9b"
		    "\xb8\xe3\x81\x84\xe3\x81\x9f\xe3\x83\xa1\xe3\x83\xbc\xe3"
		    "\x83\xab\r\n" },
		{ "blanks, becomes quoted-printable",
		    "text/plain; charset=us-ascii; format=flowed", "7bit",
		    "some words of a mail that people may read, line by "
		    "line \r\n" },
	};
	static const size_t sizes[] = { 4096, 409600 };
	char name[80];

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			b->type = cases[i].type;
			b->encoding = cases[i].encoding;
			fill(&b->body, cases[i].line, sizes[s]);
			(void)snprintf(name, sizeof(name), "%s  %s", key,
			    cases[i].name);
			run(b, name, sizes[s], count / (s == 0 ? 1 : 4));
		}
}

static void
with_key(const char *key, size_t count)
{
	const struct certificate_want want = { .key = key,
		.names = "email:news@shop.test" };
	struct bench b = { .entry = { .address = slice_of(address),
			       .enabled = true } };
	struct cms_signer *signer;

	certificate_make(&want, &b.certificate);
	must(cms_signer_parse(buf_slice(&b.certificate.chain),
		 buf_slice(&b.certificate.key), &signer) == 0);
	b.entry.signer = signer;
	b.tenant.smime.certificates = &b.entry;
	b.tenant.smime.certificate_count = 1;
	b.others = sk_X509_new_null();
	must(b.others != NULL &&
	     sk_X509_push(b.others, b.certificate.between) > 0);
	buf_init(&b.body, BODY_MAX);
	buf_init(&b.entity, BODY_MAX);
	run_all(&b, key, count);
	buf_done(&b.body);
	buf_done(&b.entity);
	sk_X509_free(b.others);
	cms_signer_free(signer);
	certificate_done(&b.certificate);
}

int
main(int argc, char *argv[])
{
	uint64_t count = 200;

	if (argc > 2 || (argc == 2 && number_parse(slice_of(argv[1]), 4, 100000,
					  &count) < 0)) {
		(void)fprintf(stderr, "usage: smimeload [MESSAGES]\n");
		return 64;
	}
	(void)printf("CPU, us a message                     module      bare  "
		     "ratio\n");
	with_key("RSA", (size_t)count);
	with_key("EC", (size_t)count);
	return 0;
}
