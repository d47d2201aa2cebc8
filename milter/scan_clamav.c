/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading signatures and scanning: the only file that knows libclamav. */
#include "milter/scan_clamav.h"

#include <clamav.h>
#include <stdlib.h>

#include "service/host_config.h"
#include "util/err.h"

struct scan_clamav {
	struct cl_engine *engine;
	struct cl_scan_options options;
	size_t max_size; /* octets of a message */
};

/* What libclamav said last about a file; for the log line of a failed load. */
static char last_message[200];

static void
on_message(enum cl_msg severity, const char *full, const char *text, void *ctx)
{
	(void)full;
	(void)ctx;
	if (severity == CL_MSG_ERROR)
		(void)snprintf(last_message, sizeof(last_message), "%.190s",
		    text);
}

static int
fail(cl_error_t reason, char *error, size_t size)
{
	size_t len = strcspn(last_message, "\r\n");

	(void)snprintf(error, size, "%s%s%.*s", cl_strerror(reason),
	    len > 0 ? ": " : "", (int)len, last_message);
	switch ((int)reason) {
	case CL_EMEM:
	case CL_EMAP:
		return ERR_NOMEM;
	case CL_ETMPFILE:
	case CL_ETMPDIR:
	case CL_ECREAT:
	case CL_EWRITE:
	case CL_ELOCK:
		return ERR_IO;
	default:
		return ERR_CONFIG;
	}
}

static cl_error_t
set_limits(struct cl_engine *engine, const struct host_config *config)
{
	const struct {
		enum cl_engine_field field;
		long long value;
	} rows[] = {
		{ CL_ENGINE_MAX_FILESIZE, config->scan_max_size_kb * 1024LL },
		{ CL_ENGINE_MAX_SCANSIZE, config->scan_max_scan_kb * 1024LL },
		{ CL_ENGINE_MAX_FILES, config->scan_max_files },
		{ CL_ENGINE_MAX_RECURSION, config->scan_max_recursion },
		{ CL_ENGINE_MAX_SCANTIME, config->scan_timeout_ms * 3 / 4 },
	};
	cl_error_t rc = CL_SUCCESS;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rc == CL_SUCCESS)
			rc = cl_engine_set_num(engine, rows[i].field,
			    rows[i].value);
	if (rc == CL_SUCCESS)
		rc = cl_engine_set_str(engine, CL_ENGINE_TMPDIR,
		    config->scan_temporary_directory);
	return rc;
}

static void
set_options(struct cl_scan_options *o, const struct host_config *config)
{
	*o = (struct cl_scan_options){
		.general = CL_SCAN_GENERAL_HEURISTICS,
		.parse = ~0U,
		.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX,
	};
	if (config->scan_alert_encrypted)
		o->heuristic |= CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
				CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
	if (config->scan_alert_macros)
		o->heuristic |= CL_SCAN_HEURISTIC_MACROS;
	if (config->scan_alert_phishing)
		o->heuristic |= CL_SCAN_HEURISTIC_PHISHING_SSL_MISMATCH |
				CL_SCAN_HEURISTIC_PHISHING_CLOAK;
}

static unsigned
load_options(const struct host_config *config)
{
	unsigned o = CL_DB_PHISHING | CL_DB_BYTECODE;

	if (config->scan_alert_phishing)
		o |= CL_DB_PHISHING_URLS;
	if (config->scan_alert_unwanted)
		o |= CL_DB_PUA;
	return o;
}

int
scan_clamav_load(const struct host_config *config,
    struct scan_clamav **ret_clamav, struct scan_database *ret_database,
    char *error, size_t error_size)
{
	struct scan_clamav *c = calloc(1, sizeof(*c));
	struct scan_database database = { 0 };
	cl_error_t rc = CL_EMEM;

	if (c == NULL)
		return fail(rc, error, error_size);
	last_message[0] = '\0';
	cl_set_clcb_msg(on_message);
	if ((rc = cl_init(CL_INIT_DEFAULT)) != CL_SUCCESS)
		goto fail;
	rc = CL_EMEM;
	if ((c->engine = cl_engine_new()) == NULL)
		goto fail;
	if ((rc = set_limits(c->engine, config)) != CL_SUCCESS ||
	    (rc = cl_load(config->scan_database_directory, c->engine,
		 &database.signatures, load_options(config))) != CL_SUCCESS ||
	    (rc = cl_engine_compile(c->engine)) != CL_SUCCESS)
		goto fail;
	set_options(&c->options, config);
	c->max_size = config->scan_max_size_kb * (size_t)1024;
	database.time_s = cl_engine_get_num(c->engine, CL_ENGINE_DB_TIME, NULL);
	*ret_clamav = c;
	*ret_database = database;
	return 0;
fail:
	if (c->engine != NULL)
		(void)cl_engine_free(c->engine);
	free(c);
	return fail(rc, error, error_size);
}

int
scan_clamav_directory(struct scan_clamav *c, const char *path)
{
	switch ((int)cl_engine_set_str(c->engine, CL_ENGINE_TMPDIR, path)) {
	case CL_SUCCESS:
		return 0;
	case CL_EMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

/* What it means that a scan did not come to its end. */
static enum scan_outcome
outcome_of_error(cl_error_t reason)
{
	switch ((int)reason) {
	case CL_ETIMEOUT:
	case CL_EMAXREC:
	case CL_EMAXSIZE:
	case CL_EMAXFILES:
	/* The message is what it is: another try would not help. */
	case CL_EFORMAT:
	case CL_EPARSE:
	case CL_EUNPACK:
		return SCAN_OUT_UNSCANNABLE;
	default:
		return SCAN_OUT_FAILED;
	}
}

void
scan_clamav_scan(struct scan_clamav *c, const void *octets, size_t size,
    struct scan_answer *ret_answer)
{
	static const struct slice limits = SLICE("Heuristics.Limits.Exceeded");
	const char *name = NULL;
	unsigned long scanned = 0;
	cl_error_t rc = CL_EMEM;

	/* libclamav says that this is a virus without a name. */
	if (size > c->max_size) {
		ret_answer->outcome = SCAN_OUT_UNSCANNABLE;
		scan_name_set(ret_answer->name,
		    SLICE("Heuristics.Limits.Exceeded.MaxFileSize"));
		return;
	}
	cl_fmap_t *map = cl_fmap_open_memory(octets, size);
	if (map != NULL) {
		rc = cl_scanmap_callback(map, NULL, &name, &scanned, c->engine,
		    &c->options, NULL);
		cl_fmap_close(map);
	}
	switch ((int)rc) {
	case CL_CLEAN:
	case CL_BREAK:
	case CL_VERIFIED:
		ret_answer->outcome = SCAN_OUT_CLEAN;
		ret_answer->name[0] = '\0';
		return;
	case CL_VIRUS:
		scan_name_set(ret_answer->name,
		    slice_of(name != NULL ? name : "unnamed"));
		ret_answer->outcome =
		    slice_starts(slice_of(ret_answer->name), limits)
			? SCAN_OUT_UNSCANNABLE
			: SCAN_OUT_INFECTED;
		return;
	default:
		ret_answer->outcome = outcome_of_error(rc);
		scan_name_set(ret_answer->name, slice_of(cl_strerror(rc)));
		return;
	}
}
