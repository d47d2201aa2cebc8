/* SPDX-License-Identifier: BSD-2-Clause */
/* The hosts that take the mail of a domain, as a record and as one name. */
#include "proto/mx_hosts.h"

#include "proto/address.h"
#include "util/err.h"
#include "util/number.h"

/* ---- the record ---- */

static bool
host_ok(struct slice host)
{
	if (!address_domain_ok(host))
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] >= 'A' && host.at[i] <= 'Z')
			return false;
	return true;
}

int
mx_hosts_parse(struct slice text, struct mx_hosts *ret_hosts)
{
	struct slice word;
	uint64_t until_s;
	size_t count = 0;

	if (!slice_split(&text, ' ', &word) ||
	    number_parse(word, 0, INT64_MAX / 1000000, &until_s) < 0)
		return ERR_SYNTAX;
	while (slice_split(&text, ' ', &word)) {
		if (!host_ok(word))
			return ERR_SYNTAX;
		if (count == DNS_MX_MAX)
			return ERR_LIMIT;
		ret_hosts->at[count++] = word;
	}
	ret_hosts->count = count;
	ret_hosts->until_s = (int64_t)until_s;
	return 0;
}

int
mx_hosts_format(const struct mx_hosts *hosts, struct buf *out)
{
	char room[NUMBER_TEXT_MAX];

	(void)buf_add(out, room,
	    number_format(hosts->until_s > 0 ? (uint64_t)hosts->until_s : 0,
		room));
	for (size_t i = 0; i < hosts->count; i++) {
		(void)buf_add_char(out, ' ');
		(void)buf_add_slice(out, hosts->at[i]);
	}
	return out->rc;
}

/* ---- the site ---- */

struct text {
	char *room;
	size_t len;
	bool full;
};

static void
put(struct text *t, struct slice s)
{
	if (s.len > MX_SITE_MAX - t->len) {
		t->full = true;
		return;
	}
	if (s.len > 0)
		memcpy(t->room + t->len, s.at, s.len);
	t->len += s.len;
}

static int
compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The last label, taken off. */
static struct slice
take_last(struct slice *name)
{
	size_t n = name->len;
	struct slice label;

	while (n > 0 && name->at[n - 1] != '.')
		n--;
	label = slice_skip(*name, n);
	name->len = n > 0 ? n - 1 : 0;
	return label;
}

/* Of these labels each once, sorted; returns how many. */
static size_t
sort_labels(struct slice *labels, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct slice one = labels[i];
		size_t at = 0, k;

		while (at < n && compare(labels[at], one) < 0)
			at++;
		if (at < n && compare(labels[at], one) == 0)
			continue;
		for (k = n; k > at; k--)
			labels[k] = labels[k - 1];
		labels[at] = one;
		n++;
	}
	return n;
}

/* The labels of one place, written down; they stand from the left. */
static void
put_place(struct text *t, struct slice *labels, size_t count, size_t hosts)
{
	size_t n = sort_labels(labels, count);
	bool optional = count < hosts;

	if (n == 1 && !optional) {
		put(t, labels[0]);
		return;
	}
	put(t, SLICE("("));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put(t, SLICE("|"));
		put(t, labels[i]);
	}
	put(t, optional ? SLICE(")?") : SLICE(")"));
}

static size_t
label_count(struct slice name)
{
	size_t n = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		n += name.at[i] == '.';
	return n;
}

/* The label of a name at a place counted from the right; empty: none. */
static struct slice
label_at(struct slice name, size_t place)
{
	struct slice label = { NULL, 0 };

	for (size_t i = 0; i <= place; i++) {
		if (name.len == 0)
			return (struct slice){ NULL, 0 };
		label = take_last(&name);
	}
	return label;
}

static uint32_t
hash(struct slice s)
{
	uint32_t h = UINT32_C(2166136261);

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.at[i]) * UINT32_C(16777619);
	return h;
}

/* Where the folded name is too long. */
static size_t
short_name(const struct slice *hosts, size_t count, char room[MX_SITE_MAX])
{
	static const char digits[] = "0123456789abcdef";
	struct text t = { .room = room };
	struct slice first = hosts[0];
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += hash(hosts[i]); /* whatever their order is */
		if (compare(hosts[i], first) < 0)
			first = hosts[i];
	}
	put(&t, first);
	put(&t, SLICE("+"));
	for (int shift = 28; shift >= 0; shift -= 4)
		put(&t, (struct slice){ &digits[sum >> shift & 15], 1 });
	return t.len;
}

size_t
mx_hosts_site(const struct slice *hosts, size_t count, char room[MX_SITE_MAX])
{
	struct text t = { .room = room };
	size_t places = 0;

	if (count > DNS_MX_MAX)
		count = DNS_MX_MAX;
	for (size_t i = 0; i < count; i++)
		if (label_count(hosts[i]) > places)
			places = label_count(hosts[i]);
	if (places == 0)
		put(&t, SLICE("none"));
	for (size_t place = places; place-- > 0 && !t.full;) {
		struct slice labels[DNS_MX_MAX];
		size_t n = 0;

		for (size_t i = 0; i < count; i++) {
			labels[n] = label_at(hosts[i], place);
			n += labels[n].len > 0;
		}
		put_place(&t, labels, n, count);
		if (place > 0)
			put(&t, SLICE("."));
	}
	return t.full ? short_name(hosts, count, room) : t.len;
}
