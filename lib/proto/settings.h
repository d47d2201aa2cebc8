/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_H
#define PROTO_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/inbound.h"
#include "proto/relay.h"
#include "proto/schedule.h"
#include "proto/shaping.h"
#include "proto/status.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * The settings: what the administrator of the mail service decides.  One JSON
 * document for each tenant, and a global one ("_global") with the ordered list
 * that gives each message its tenant.  doc/settings.schema.json is their JSON
 * Schema, and the one place where a member, its type and its bounds are
 * declared: it is compiled into the programs, and the validator interprets it.
 *
 * Pure: text in, a compiled snapshot out.  A snapshot is immutable and counted,
 * so that threads may keep one while a newer revision is swapped in.
 */
struct cms_signer;
struct filter;
struct json;
struct master_key;
struct sign_key;

#define SETTINGS_GLOBAL "_global"
#define SETTINGS_DEFAULT_TENANT "default"
/* The provider file, as one more document to be compiled; not in the store. */
#define SETTINGS_PROVIDERS "_providers"
#define SETTINGS_TEXT_MAX (4 * 1024 * 1024)
#define SETTINGS_STATUS_MAX 100 /* index of conditions: 0..99 */

enum settings_mode { MODE_ENFORCE, MODE_OBSERVE, MODE_OFF };
enum on_suppressed { SUPPRESSED_REJECT, SUPPRESSED_ACCEPT };
enum when_unavailable { UNAVAILABLE_TEMPFAIL, UNAVAILABLE_PASS };
enum received_mode {
	RECEIVED_ABBREVIATED, /* the default: no addresses */
	RECEIVED_NORMAL,
	RECEIVED_KEEP,  /* add none, keep existing ones */
	RECEIVED_REMOVE /* add none, remove all */
};

struct blocking_condition {
	bool enabled;
	bool observe;
	bool once_per_day;
	unsigned count;       /* errors until it blocks; >= 1 */
	unsigned watch_days;  /* lifts after this; 0: never */
	unsigned forget_days; /* counting starts anew after this; 0: never */
	bool lift_on_success; /* a later success ends block and count */
	bool any_fault;       /* counts whosever fault it is: also classes that
				 may not block (bounce_class_may_block) */
	bool stream_only;     /* the block holds for the message's stream */
};

/* any_fault of a status where it is not given. */
bool settings_any_fault(int status);

/* One answer for many recipients of a provider: settings_outbreak.c. */
struct outbreak_settings {
	bool enabled;
	unsigned recipients, share_percent;
	int64_t window_ms, freeze_ms;
	const struct slice *notify; /* addresses, canonical */
	size_t notify_count;
};

enum limit_key {
	LIMIT_BY_TENANT = 1 << 0,
	LIMIT_BY_SASL_USER = 1 << 1,
	LIMIT_BY_CLIENT = 1 << 2, /* IPv4 address, IPv6 /64 */
	LIMIT_BY_SENDER = 1 << 3,
	LIMIT_BY_SENDER_DOMAIN = 1 << 4,
	LIMIT_BY_RECIPIENT = 1 << 5,
	LIMIT_BY_RECIPIENT_DOMAIN = 1 << 6,
};

/* A kind of mail; a list that is empty is not asked for. */
struct stream {
	struct slice name;
	const struct slice *senders; /* canonical, or "@example.com" */
	size_t sender_count;
	const struct slice *users; /* lower case */
	size_t user_count;
	const uint16_t *ports;
	size_t port_count;
};

struct rate {
	uint64_t quantity, burst;
	int64_t period_us;
};

#define SETTINGS_RATES_MAX 8
struct limit_rule {
	struct slice name;
	enum settings_mode mode;
	unsigned keys;      /* enum limit_key bits, joined */
	bool per_recipient; /* false: once per message */
	struct rate rates[SETTINGS_RATES_MAX];
	size_t rate_count;
};

/* What the envelope sender of outgoing mail becomes. */
enum envelope_mode {
	ENVELOPE_VERP, /* tagged, in a return path domain; kept without one */
	ENVELOPE_KEEP,
	ENVELOPE_ADDRESS,
	ENVELOPE_DOMAIN
};
struct envelope_sender {
	bool given; /* false: the tenant's own goes */
	enum envelope_mode mode;
	struct slice address; /* ENVELOPE_ADDRESS */
	struct slice domain;  /* ENVELOPE_DOMAIN; VERP: instead of the tenant's
				 return path domain; lower case; or empty */
	bool forward_bounces;
};

enum dkim_state {
	DKIM_PREPARED,  /* its record is not in DNS yet */
	DKIM_PUBLISHED, /* it is: the key may sign */
	DKIM_ACTIVE,
	DKIM_RETIRING, /* its record stays until what it signed is read */
	DKIM_REMOVED
};
struct dkim_selector {
	struct slice selector;
	enum dkim_state state;
	const struct sign_key *key; /* NULL: compiled without master key */
};
struct settings_domain {
	struct slice name; /* lower case */
	bool subdomains;   /* also signs for those below it */
	const struct dkim_selector *selectors;
	size_t selector_count;
	bool simple_header, simple_body; /* canonicalization; else relaxed */
	struct envelope_sender envelope_sender;
};

enum forward_mode { FORWARD_COPY, FORWARD_REDIRECT };
struct forward_rule {
	struct slice name;
	const struct filter *filter;
	struct slice to; /* canonical */
	enum forward_mode mode;
};

enum unsubscribe_existing { UNSUBSCRIBE_KEEP, UNSUBSCRIBE_REPLACE };
struct unsubscribe_filter {
	struct slice name; /* of the list */
	const struct filter *filter;
};
struct unsubscribe_settings {
	struct slice url, mailto; /* or empty */
	enum unsubscribe_existing existing;
	const struct unsubscribe_filter *filters;
	size_t filter_count;
};

/* Reports of readers who called a message spam. */
struct complaint_settings {
	const struct slice *addresses; /* canonical: where they come to */
	size_t address_count;
	struct blocking_condition block;
	bool cfbl; /* say in each message that they are wanted there */
	/* Feedback-ID: its last part, empty: no field; and the header field
	 * that names the campaign, absent: the stream does. */
	struct slice feedback_sender, feedback_header;
};

struct smime_certificate {
	struct slice address; /* "user@example.com", "@example.com"; lower case
				 domain */
	bool enabled;
	const struct cms_signer *signer; /* NULL: compiled without master key */
};
struct smime_settings {
	const struct smime_certificate *certificates;
	size_t certificate_count;
	const struct slice *exclude_domains; /* lower case, sorted */
	size_t exclude_domain_count;
	unsigned warn_days;
};

enum scan_trouble {
	SCAN_TEMPFAIL,
	SCAN_PASS,  /* goes on, marked */
	SCAN_HOLD,  /* only when_unavailable */
	SCAN_REJECT /* only when_unscannable */
};
struct scan_settings {
	enum settings_mode mode;
	enum scan_trouble when_unavailable, when_unscannable;
	const struct slice *notify;
	size_t notify_count;
	struct slice notify_from; /* or empty */
	unsigned keep_days;
};

enum preflight_check {
	PREFLIGHT_ALIGNMENT = 1 << 0,
	PREFLIGHT_DMARC = 1 << 1,
	PREFLIGHT_FROM = 1 << 2,
	PREFLIGHT_DATE = 1 << 3,
	PREFLIGHT_MESSAGE_ID = 1 << 4,
	PREFLIGHT_UNSUBSCRIBE = 1 << 5,
	PREFLIGHT_LINE_LENGTH = 1 << 6,
};
struct preflight_settings {
	enum settings_mode mode;
	unsigned ignore; /* enum preflight_check bits */
};

enum webhook_event {
	WEBHOOK_DELIVERIES = 1 << 0,
	WEBHOOK_BOUNCES = 1 << 1,
	WEBHOOK_BLOCKS = 1 << 2,
	WEBHOOK_COMPLAINTS = 1 << 3,
	WEBHOOK_ALARMS = 1 << 4,
	WEBHOOK_INBOUND = 1 << 5,
};
enum webhook_format { WEBHOOK_STANDARD, WEBHOOK_CMC_JSON, WEBHOOK_CMC_FORM };
#define SETTINGS_SECRETS_MAX 3
struct webhook {
	struct slice name;
	struct slice url;
	bool enabled;
	unsigned events;     /* enum webhook_event bits */
	unsigned deliveries; /* enum event_type bits, of WEBHOOK_DELIVERIES */
	enum webhook_format format;
	struct slice secrets[SETTINGS_SECRETS_MAX]; /* "whsec_..."; newest
						       first; opened */
	size_t secret_count;
	struct slice api_key;       /* CMC form; opened */
	struct slice authorization; /* whole header value; opened */
	unsigned batch_events;      /* 1..1000, default 100 */
	int64_t batch_ms;           /* default 1000 */
};

enum api_permission {
	API_READ = 1 << 0,
	API_WRITE = 1 << 1,
	API_DOWNLOAD = 1 << 2,
	API_ADMIN = 1 << 3, /* settings and audit */
};
struct api_user {
	struct slice name;
	struct slice key_hash; /* scrypt */
	bool enabled;
	bool api, smtp; /* access */
	unsigned permissions;
};

struct tenant {
	struct slice name;  /* [a-z0-9][a-z0-9_-]{0,31} */
	struct slice title; /* server_composition in the product's words */
	int64_t revision;
	enum settings_mode suppression;
	enum on_suppressed on_suppressed;
	enum when_unavailable suppression_unavailable;
	enum received_mode received;
	struct slice return_path_domain; /* VERP; empty: sender is kept */
	bool bounces_simple;      /* passed on as plain text, not as a report */
	struct slice bounce_from; /* of these mails; empty: MAILER-DAEMON of
				     the return path domain */
	struct envelope_sender envelope_sender;
	const struct forward_rule *forwards;
	size_t forward_count;
	struct slice bcc_host; /* empty: no copies */
	unsigned bcc_port;
	struct unsubscribe_settings unsubscribe;
	struct smime_settings smime;
	struct scan_settings scan;
	struct preflight_settings preflight;
	struct blocking_condition conditions[SETTINGS_STATUS_MAX];
	const struct stream *streams; /* in their order */
	size_t stream_count;
	struct outbreak_settings outbreak;
	const struct limit_rule *limits;
	size_t limit_count;
	const struct settings_domain *domains;
	size_t domain_count;
	const struct webhook *webhooks;
	size_t webhook_count;
	const struct api_user *users;
	size_t user_count;
	struct complaint_settings complaints;
	struct inbound_settings inbound;
	struct relay_settings relay;
	struct schedule_rules schedule;
	struct retry_curve retry;
};

struct settings;

/* ---- validating one document ---- */

/* path: JSON Pointer (RFC 6901) of the offending value, "" for the root. */
typedef void settings_error(void *ctx, const char *path, const char *text);
/*
 * Every error is reported, not only the first: schema, then what a schema
 * can not say (names used twice, regexes, keys that do not parse, sealed
 * secrets that this master key does not open; master may be NULL).
 * name: tenant, SETTINGS_GLOBAL or SETTINGS_PROVIDERS.  Returns the number of
 * errors.
 */
unsigned settings_validate(const struct json *doc, struct slice name,
    const struct master_key *master, settings_error *error, void *ctx);
/*
 * Make it storable: secrets given as plain text are sealed in place, API keys
 * given as "key" become "key_hash".  0, ERR_CRYPTO, ERR_NOMEM.
 */
int settings_seal(struct json *doc, struct slice name,
    const struct master_key *master);
/* What a new tenant begins with. */
struct json *settings_template(struct slice name);
/*
 * One secret as plain text; what is not sealed is copied.  where: its place in
 * the schema, such as "/domains/x/dkim/x/key" with "*" for each x.
 * ERR_SYNTAX, ERR_CRYPTO, ERR_LIMIT, ERR_NOMEM.
 */
int settings_open_secret(const struct master_key *master, struct slice name,
    const char *where, struct slice text, struct buf *out);
/* For people: each secret becomes "(sealed)".  0 or ERR_NOMEM. */
int settings_hide_secrets(struct json *doc, struct slice name);
/* Whether a JSON Pointer names a secret, or what may hold one. */
bool settings_is_secret(struct slice name, struct slice pointer);
/* A tenant's name as it must be, or SETTINGS_GLOBAL. */
bool settings_name_ok(struct slice name);
/* The published JSON Schema. */
const char *settings_schema_source(void);

/* ---- the compiled snapshot ---- */

struct settings_input {
	struct slice name;
	int64_t revision;
	const struct json *doc; /* valid */
};
/*
 * docs may be empty: then there is the tenant "default" with all defaults.
 * master  NULL: secrets stay closed (policyd has no use for them)
 * ERR_NOMEM, ERR_CONFIG (a document that does not validate: its errors go
 * to error, and nothing is compiled).
 */
int settings_compile(const struct settings_input *docs, size_t count,
    const struct master_key *master, settings_error *error, void *ctx,
    struct settings **ret_settings);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s); /* takes NULL; any thread */

/* What the tenant rules look at; absent slices match nothing. */
struct tenant_match {
	struct slice listener_port; /* decimal */
	struct slice sasl_user;
	struct slice client; /* address in text form, without "IPv6:" */
	struct slice sender; /* canonical */
};
/*
 * The tenant of the first rule that matches; where none does, that of the API
 * user who has logged in, else "default", which always exists: never NULL.
 */
const struct tenant *settings_tenant_for(const struct settings *s,
    const struct tenant_match *match);
/*
 * The name of the tenant's first stream that matches (match->client is not
 * looked at); absent: of none.  It lives as long as the snapshot.
 */
struct slice settings_stream_for(const struct tenant *t,
    const struct tenant_match *match);
/*
 * The tenants that it may turn out to be, while not all is known: port or
 * sender absent; without a sasl_user, not logged in, or maybe later
 * (may_log_in).  One may come more than once.  possible() returns false to
 * end it.
 */
typedef bool settings_possible(const struct tenant *t, void *ctx);
void settings_tenants_possible(const struct settings *s,
    const struct tenant_match *known, bool may_log_in,
    settings_possible *possible, void *ctx);
/*
 * Whether who has logged in by this name may send for that tenant: one of its
 * API users, or named in a tenant rule that leads to it; no API user who is
 * disabled or has no SMTP access.
 */
bool settings_user_acts_for(const struct settings *s, struct slice name,
    const struct tenant *t);
/* Whether a tenant rule looks at the port. */
bool settings_has_ports(const struct settings *s);
/*
 * The domains whose mail postern-bounced gets, of all tenants, each once, in no
 * special order.
 */
enum return_kind {
	RETURN_BOUNCES = 1 << 0,    /* signed return paths */
	RETURN_COMPLAINTS = 1 << 1, /* a feedback address lies in it */
	RETURN_INBOUND = 1 << 2,    /* a receiving server's */
};
struct return_domain {
	struct slice name;            /* lower case */
	unsigned kinds;               /* enum return_kind bits */
	const struct tenant *inbound; /* of RETURN_INBOUND: the first that has
					 it; else NULL */
};
size_t settings_return_domain_count(const struct settings *s);
const struct return_domain *settings_return_domain_at(const struct settings *s,
    size_t i);
/* NULL: none of them. */
const struct return_domain *settings_return_domain(const struct settings *s,
    struct slice domain);
/*
 * What a message is to this recipient (canonical): mail from outside that comes
 * back to the returned domain.  NULL: it is for another domain; or it is mail
 * of ours, as its client has logged in, or is in a network that the message's
 * tenant permits.
 * sasl_user, client (an address): may be absent.
 */
const struct return_domain *settings_comes_back(const struct settings *s,
    const struct tenant *t, struct slice sasl_user, struct slice client,
    struct slice recipient);
/* The tenant of this feedback address (canonical); NULL: it is none. */
const struct tenant *settings_complaint_address(const struct settings *s,
    struct slice address);
/* NULL: no such tenant. */
const struct tenant *settings_tenant(const struct settings *s,
    struct slice name);
size_t settings_tenant_count(const struct settings *s);
const struct tenant *settings_tenant_at(const struct settings *s, size_t i);
/* A user of any tenant by name; NULL: unknown.  Names are unique over all. */
const struct api_user *settings_user(const struct settings *s,
    struct slice name, const struct tenant **ret_tenant);
/* The operator's own domain, which signs for all tenants; NULL: none. */
const struct settings_domain *settings_operator_domain(
    const struct settings *s);
/* How held mail is released: the global document's section "scheduler". */
struct scheduler_settings {
	unsigned max_in_flight; /* 0: priorities are not looked at */
	unsigned release_per_second;
};
const struct scheduler_settings *settings_scheduler(const struct settings *s);
/* How long what happened is kept, in whole days: its section "retention". */
struct retention_settings {
	unsigned events_days, audit_days;
};
const struct retention_settings *settings_retention(const struct settings *s);
/*
 * The curve of mail of this tenant to a recipient of this filter (NULL: none):
 * the filter's if it is exact, else the tenant's if it is, else the global one.
 */
const struct retry_curve *settings_retry(const struct settings *s,
    const struct tenant *t, const struct shaping_filter *filter);
/*
 * Who makes the retries, and with which parameters of main.cf (written only
 * where it is not RETRY_BY_DEFAULT).
 */
enum retry_schedule {
	RETRY_BY_DEFAULT,   /* Postfix, as its administrator has it */
	RETRY_BY_POSTFIX,   /* Postfix, by the global curve's likeness */
	RETRY_BY_SCHEDULER, /* policyd, for all mail, because a curve is exact;
			       Postfix comes later than any of them */
};
enum retry_schedule settings_retry_schedule(const struct settings *s);
#define RETRY_POSTFIX_LIFETIME_S (5 * 86400) /* maximal_queue_lifetime */
enum retry_schedule settings_retry_native(const struct settings *s,
    struct retry_native *ret_native);
/* What one tenant or another asks for, to leave the rest out. */
enum settings_need {
	NEED_BODY = 1 << 0,   /* looked at: a key that signs, a scan, ... */
	NEED_BUFFER = 1 << 1, /* kept whole: scan, S/MIME, copies */
	NEED_HELO = 1 << 2,   /* a Received field of ours names the client */
	NEED_MAIL = 1 << 3,   /* MAIL FROM may be refused: sessions at once */
	NEED_DATA = 1 << 4,   /* DATA may: mails that are received at once */
};
unsigned settings_needs(const struct settings *s);
/*
 * Whether envelope senders become this address (canonical): the one of mode
 * "address", or any in the domain of mode "domain", of any tenant.
 */
bool settings_is_envelope_sender(const struct settings *s,
    struct slice address);
/* The same for this tenant. */
bool settings_makes_sender(const struct tenant *t, struct slice address);
/* The domain entry that signs for this domain (itself or a parent); NULL. */
const struct settings_domain *settings_signing_domain(const struct tenant *t,
    struct slice domain);
/*
 * The certificate that is used for this From address (canonical): its own,
 * else its domain's; NULL: none.  Whether it is in force is not looked at.
 */
const struct smime_certificate *settings_smime_certificate(const struct tenant
							       *t,
    struct slice address);
/* Whether this recipient's (canonical) domain shall get no signature. */
bool settings_smime_excluded(const struct tenant *t, struct slice recipient);

#endif /* PROTO_SETTINGS_H */
