/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports as services of master.cf, and what is to be changed there. */
#include "postfix-conf/transports.h"

#include <stdio.h>

#include "util/err.h"
#include "util/map.h"

#define ENTRY_MAX ((size_t)64 * 1024)
#define WHY "a shaping filter's transport"
#define LIMIT_SUFFIX "_destination_concurrency_limit"
#define SMTPS_PORT ":465"

static const struct slice absent = { NULL, 0 };

const char *const postfix_transports_parameters[] = { "inet_protocols",
	"queue_directory", "smtp_tls_CAfile", "smtp_tls_CApath",
	"smtp_tls_security_level", "smtp_use_tls", "syslog_name",
	/* Since Postfix 3.7. */
	"smtp_bind_address_enforce", NULL };

/* ---- one service ---- */

struct render {
	struct arena *arena;
	const struct postfix_transports_now *now;
	struct slice tables; /* as smtp(8) must name them */
	struct slice syslog_name;
	struct buf text;
};

static void
add_option(struct render *r, const char *name, struct slice value)
{
	struct buf *b = &r->text;
	/* What has blanks stands in braces, as postconf(1) prints it. */
	bool blanks = value.len > 0 && memchr(value.at, ' ', value.len) != NULL;

	(void)buf_add_text(b, blanks ? " -o {" : " -o ");
	(void)buf_add_text(b, name);
	(void)buf_add_text(b, "=");
	(void)buf_add_slice(b, value);
	if (blanks)
		(void)buf_add_text(b, "}");
}

static void
add_number(struct render *r, const char *name, unsigned value, const char *unit)
{
	char room[40];
	int n = snprintf(room, sizeof(room), "%u%s", value, unit);

	add_option(r, name, (struct slice){ room, (size_t)n });
}

static struct slice
value_of(const struct render *r, const char *name)
{
	return postfix_values_get(&r->now->values, slice_of(name));
}

/* What smtp(8)'s own service has.  Ours come behind: the last one goes. */
static void
add_inherited(struct render *r)
{
	const struct postfix_values *all = &r->now->services;
	const struct slice prefix = SLICE("smtp/unix/");

	for (size_t i = 0; i < all->count; i++) {
		const struct postfix_value *v = &all->at[i];
		struct slice name = slice_skip(v->name, prefix.len);

		if (!slice_starts(v->name, prefix) ||
		    slice_eq(name, SLICE("syslog_name")))
			continue;

		char *text = arena_text(r->arena, name);

		if (text == NULL)
			r->text.rc = ERR_NOMEM;
		else
			add_option(r, text, v->value);
	}
}

/*
 * Sessions that lie idle count at the provider, too.  So they are kept for all
 * destinations or for none: then a process opens one only where none lies
 * idle for the domain or any address of its hosts, and there are never more
 * than processes.  (On demand, most domains of a provider would pass the idle
 * ones by.)  And a session is over when the provider has said so, before the
 * next one begins.
 */
static void
add_cache(struct render *r, const struct postfix_transport *t)
{
	bool tlsproxy =
	    postfix_values_get(&r->now->entries, SLICE("tlsproxy/unix")).at !=
	    NULL;

	add_option(r, "smtp_connection_cache_on_demand",
	    t->idle_s > 0 ? SLICE("yes") : SLICE("no"));
	add_option(r, "smtp_connection_cache_destinations",
	    t->idle_s > 0 ? SLICE("static:all") : SLICE(""));
	add_option(r, "smtp_skip_quit_response", SLICE("no"));
	if (t->idle_s > 0) {
		add_number(r, "smtp_connection_cache_time_limit", t->idle_s,
		    "s");
		/* A session with TLS is kept by tlsproxy(8) only. */
		if (tlsproxy)
			add_option(r, "smtp_tls_connection_reuse",
			    SLICE("yes"));
	}
	add_number(r, "smtp_connection_reuse_count_limit", t->messages, "");
}

/* A family without an address must not go by the system's. */
static void
add_addresses(struct render *r, const struct postfix_transport *t)
{
	if (t->helo.at != NULL)
		add_option(r, "smtp_helo_name", t->helo);
	if (t->ipv4.at == NULL && t->ipv6.at == NULL)
		return;
	if (t->ipv4.at != NULL)
		add_option(r, "smtp_bind_address", t->ipv4);
	if (t->ipv6.at != NULL)
		add_option(r, "smtp_bind_address6", t->ipv6);
	if (t->ipv4.at == NULL)
		add_option(r, "inet_protocols", SLICE("ipv6"));
	if (t->ipv6.at == NULL)
		add_option(r, "inet_protocols", SLICE("ipv4"));
	if (value_of(r, "smtp_bind_address_enforce").at != NULL)
		add_option(r, "smtp_bind_address_enforce", SLICE("yes"));
}

/* The names of certificate authorities, where main.cf has none. */
static void
add_verify(struct render *r)
{
	add_option(r, "smtp_tls_security_level", SLICE("secure"));
	add_option(r, "smtp_tls_secure_cert_match", SLICE("nexthop"));
	if (value_of(r, "smtp_tls_CAfile").len == 0 &&
	    value_of(r, "smtp_tls_CApath").len == 0)
		add_option(r, "tls_append_default_CA", SLICE("yes"));
}

static void
add_tls(struct render *r, const struct postfix_transport *t)
{
	const struct slice smtps = SLICE(SMTPS_PORT);
	bool wrapped =
	    slice_eq(slice_skip(t->forward, t->forward.len - smtps.len), smtps);
	struct slice level = value_of(r, "smtp_tls_security_level");

	if (wrapped)
		add_option(r, "smtp_tls_wrappermode", SLICE("yes"));
	if (t->tls == POSTFIX_TLS_VERIFY)
		add_verify(r);
	else if (t->tls == POSTFIX_TLS_ENCRYPT || wrapped)
		add_option(r, "smtp_tls_security_level", SLICE("encrypt"));
	else if (level.len == 0 || slice_eq(level, SLICE("none")))
		add_option(r, "smtp_tls_security_level", SLICE("may"));
}

static void
add_forward(struct render *r, const struct postfix_transport *t)
{
	struct buf path;

	if (t->forward.at == NULL)
		return;
	add_tls(r, t);
	if (t->user.at == NULL)
		return;
	buf_init(&path, 2000);
	(void)buf_add_text(&path, "texthash:");
	(void)buf_add_slice(&path, r->now->config_directory);
	(void)buf_add_text(&path, "/");
	(void)buf_add_slice(&path, t->name);
	(void)buf_add_text(&path, POSTFIX_PASSWORD_SUFFIX);
	if (path.rc < 0)
		r->text.rc = path.rc;
	add_option(r, "smtp_sasl_auth_enable", SLICE("yes"));
	add_option(r, "smtp_sasl_password_maps", buf_slice(&path));
	/* The password itself goes over TLS only. */
	add_option(r, "smtp_sasl_security_options",
	    SLICE("noplaintext,noanonymous"));
	add_option(r, "smtp_sasl_tls_security_options", SLICE("noanonymous"));
	buf_done(&path);
}

/* As smtp(8)'s own service: name, type, private, unprivileged, chroot. */
static struct slice
chroot_field(const struct render *r)
{
	struct slice entry = postfix_values_get(&r->now->entries,
			 SLICE("smtp/unix")),
		     word = absent;

	for (int i = 0; i < 5; i++)
		if (!slice_split(&entry, ' ', &word))
			return SLICE("n");
	return slice_eq(word, SLICE("y")) ? word : SLICE("n");
}

/* Absent: no memory. */
static struct slice
render_entry(struct render *r, const struct postfix_transport *t)
{
	const struct slice prefix = SLICE(SHAPING_TRANSPORT_PREFIX);
	struct buf *b = &r->text;

	buf_clear(b);
	(void)buf_add_slice(b, t->name);
	(void)buf_addf(b, " unix - - %.*s - %u smtp", SLICE_F(chroot_field(r)),
	    t->connections);
	/* The log follower knows Postfix's lines by this name. */
	(void)buf_addf(b, " -o syslog_name=%.*s/%.*s", SLICE_F(r->syslog_name),
	    SLICE_F(t->name));
	add_inherited(r);
	(void)buf_addf(b,
	    " -o smtp_delivery_status_filter=socketmap:%.*s:pace-%.*s",
	    SLICE_F(r->tables), SLICE_F(slice_skip(t->name, prefix.len)));
	add_addresses(r, t);
	add_cache(r, t);
	add_forward(r, t);
	return b->rc == 0 ? arena_dup(r->arena, buf_slice(b)) : absent;
}

/* ---- what is to be changed ---- */

struct plan {
	struct render render;
	struct postfix_edits edits;
	size_t room;
	struct map *wanted; /* names of entries and parameters */
};

static int
add_edit(struct plan *p, enum postfix_file file, struct slice name,
    struct slice old, struct slice value)
{
	if (p->edits.count == p->room)
		return ERR_LIMIT;
	p->edits.at[p->edits.count++] =
	    (struct postfix_edit){ file, name, old, value, WHY };
	return 0;
}

static struct slice
joined(struct arena *arena, struct slice a, const char *b)
{
	size_t len = strlen(b);
	char *at = arena_alloc(arena, a.len + len + 1);

	if (at == NULL)
		return absent;
	memcpy(at, a.at, a.len);
	memcpy(at + a.len, b, len);
	return (struct slice){ at, a.len + len };
}

static int
want(struct plan *p, enum postfix_file file, const struct postfix_values *in,
    struct slice name, struct slice value)
{
	struct slice old;

	if (name.at == NULL || value.at == NULL ||
	    map_set(p->wanted, name, p, NULL) < 0)
		return ERR_NOMEM;
	old = postfix_values_get(in, name);
	return old.at != NULL && slice_eq(old, value)
		   ? 0
		   : add_edit(p, file, name, old, value);
}

static int
want_transport(struct plan *p, const struct postfix_transport *t)
{
	struct arena *arena = p->render.arena;
	const struct postfix_transports_now *now = p->render.now;
	char number[12];
	int rc, n = snprintf(number, sizeof(number), "%u", t->connections);

	rc = want(p, POSTFIX_MAIN_CF, &now->main,
	    joined(arena, t->name, LIMIT_SUFFIX),
	    arena_dup(arena, (struct slice){ number, (size_t)n }));
	if (rc == 0)
		rc = want(p, POSTFIX_MASTER_ENTRY, &now->entries,
		    joined(arena, t->name, "/unix"),
		    render_entry(&p->render, t));
	return rc;
}

/* Ours that nobody wants any more. */
static int
drop_others(struct plan *p, enum postfix_file file,
    const struct postfix_values *in)
{
	const struct slice prefix = SLICE(SHAPING_TRANSPORT_PREFIX);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < in->count; i++) {
		const struct postfix_value *v = &in->at[i];

		if (slice_starts(v->name, prefix) &&
		    map_get(p->wanted, v->name) == NULL)
			rc = add_edit(p, file, v->name, v->value, absent);
	}
	return rc;
}

static int
make_plan(struct plan *p, const struct postfix_transports *wanted)
{
	const struct postfix_transports_now *now = p->render.now;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < wanted->count; i++)
		rc = want_transport(p, &wanted->at[i]);
	if (rc == 0)
		rc = drop_others(p, POSTFIX_MASTER_ENTRY, &now->entries);
	if (rc == 0)
		rc = drop_others(p, POSTFIX_MAIN_CF, &now->main);
	return rc;
}

int
postfix_transports_plan(struct arena *arena,
    const struct postfix_transports_now *now,
    const struct postfix_transports *wanted, struct postfix_edits *ret_edits)
{
	struct plan p = { .render = { .arena = arena,
			      .now = now,
			      .tables = postfix_endpoint(arena, wanted->tables,
				  postfix_values_get(&now->values,
				      SLICE("queue_directory"))),
			      .syslog_name = postfix_values_get(&now->values,
				  SLICE("syslog_name")) } };
	int rc = ERR_NOMEM;

	p.room = 2 * wanted->count + now->entries.count + now->main.count;
	p.edits.at = arena_calloc(arena, p.room + 1, sizeof(*p.edits.at));
	p.wanted = map_new(2 * wanted->count + 1);
	buf_init(&p.render.text, ENTRY_MAX);
	if (p.edits.at != NULL && p.wanted != NULL &&
	    p.render.tables.at != NULL)
		rc = make_plan(&p, wanted);
	buf_done(&p.render.text);
	map_free(p.wanted, NULL);
	if (rc == 0)
		*ret_edits = p.edits;
	return rc;
}

/* ---- passwords ---- */

int
postfix_transport_password(const struct postfix_transport *t,
    struct slice password, struct buf *out)
{
	if (password.len == 0 || slice_trim(password).len != password.len)
		return ERR_SYNTAX;
	for (size_t i = 0; i < password.len; i++) {
		unsigned char c = (unsigned char)password.at[i];

		if (c < ' ' || c == 0x7f)
			return ERR_SYNTAX;
	}
	(void)buf_add_slice(out, t->forward);
	(void)buf_add_text(out, " ");
	(void)buf_add_slice(out, t->user);
	(void)buf_add_text(out, ":");
	(void)buf_add_slice(out, password);
	(void)buf_add_text(out, "\n");
	return out->rc;
}
