/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of any character set to UTF-8, by iconv(3). */
#include "proto/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "util/err.h"

/*
 * The families that mail is written in, by the start of their names.  Others
 * are not given to iconv(3): a sender chooses the name, and the C library's
 * converters for what nobody uses have been a way in (CVE-2024-2961).
 */
static const char *const families[] = { "ansi_x3.4", "armscii-8", "ascii",
	"big5", "cp125", "cp437", "cp85", "cp86", "cp874", "cp932", "cp936",
	"cp949", "cp950", "euc-", "euc_", "eucjp", "euckr", "gb18030", "gb2312",
	"gb_2312", "gbk", "georgian-", "hz", "ibm437", "ibm85", "ibm86",
	"iso-2022-jp", "iso-2022-kr", "iso-8859", "iso8859", "iso_8859",
	"johab", "koi8", "ks_c_5601", "latin", "mac", "tcvn", "tis-620",
	"tis620", "us-ascii", "utf-16", "utf-32", "utf-7", "utf-8", "utf7",
	"utf8", "viscii", "win-125", "windows-" };

static bool
is_of_mail(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.:";

	/* glibc skips other characters, and finds what stands round them. */
	if (name[strspn(name, letters)] != '\0')
		return false;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strncasecmp(name, families[i], strlen(families[i])) == 0)
			return true;
	return false;
}

const char *
charset_iconv_name(const char *name)
{
	static const struct {
		const char *name, *iconv;
	} names[] = {
		/* What is sent as these are Microsoft's supersets. */
		{ "shift_jis", "CP932" },
		{ "shift-jis", "CP932" },
		{ "x-sjis", "CP932" },
		{ "sjis", "CP932" },
		{ "iso-2022-jp", "ISO-2022-JP-3" },
		{ "euc-jp", "EUC-JP-MS" },
		{ "ks_c_5601-1987", "CP949" },
		{ "ks_c_5601", "CP949" },
		{ "euc-kr", "CP949" },
		{ "gb2312", "GB18030" },
		{ "gbk", "GB18030" },
		{ "iso-8859-1", "CP1252" },
		{ "iso-8859-8-i", "ISO-8859-8" },
		{ "x-mac-roman", "MACINTOSH" },
		{ "unicode-1-1-utf-7", "UTF-7" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].iconv;
	return is_of_mail(name) ? name : NULL;
}

bool
charset_is_utf8(const char *name)
{
	return strcasecmp(name, "utf-8") == 0 ||
	       strcasecmp(name, "utf8") == 0 ||
	       strcasecmp(name, "us-ascii") == 0;
}

/* Nothing to do: ASCII in a set that has ASCII as it is. */
static bool
is_plain(struct slice text, const char *name)
{
	bool shifts = strncasecmp(name, "utf-7", 5) == 0 ||
		      strncasecmp(name, "unicode-1-1", 11) == 0;

	if (strncasecmp(name, "utf-16", 6) == 0 ||
	    strncasecmp(name, "utf-32", 6) == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		/* ISO 2022 shifts by ESC, SO and SI; HZ by "~". */
		if (c >= 128 || c == 27 || c == 14 || c == 15 ||
		    (c == '~' && strncasecmp(name, "hz", 2) == 0) ||
		    (c == '+' && shifts))
			return false;
	}
	return true;
}

static int
convert(iconv_t cd, struct slice text, struct buf *out)
{
	char *in = (char *)(uintptr_t)text.at, room[1024];
	size_t in_left = text.len;
	int rc = 0;

	while (in_left > 0 && rc == 0) {
		char *to = room;
		size_t to_left = sizeof(room);
		size_t n = iconv(cd, &in, &in_left, &to, &to_left);
		int why = errno;

		rc = buf_add(out, room, sizeof(room) - to_left);
		if (in_left > text.len)
			break; /* a converter ran over the end */
		if (n != (size_t)-1 || why == E2BIG || rc < 0)
			continue;
		rc = buf_add_text(out, "\xef\xbf\xbd");
		in++;
		in_left--;
		(void)iconv(cd, NULL, NULL, NULL, NULL);
	}
	return rc;
}

/*
 * Converters that are not in use.  The C library loads a module for each set
 * and soon unloads it: where mails in several sets take turns, that costs more
 * than all the reading.  A converter belongs to who has taken it out.
 */
#define IDLE_MAX 8
static struct idle {
	char name[CHARSET_MAX + 1]; /* as iconv(3) has it; "": free */
	iconv_t cd;
} idle[IDLE_MAX];
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;

static iconv_t
take(const char *name)
{
	iconv_t cd = (iconv_t)-1;

	(void)pthread_mutex_lock(&idle_lock);
	for (size_t i = 0; i < IDLE_MAX && cd == (iconv_t)-1; i++)
		if (strcasecmp(idle[i].name, name) == 0) {
			cd = idle[i].cd;
			idle[i].name[0] = '\0';
		}
	(void)pthread_mutex_unlock(&idle_lock);
	return cd != (iconv_t)-1 ? cd : iconv_open("UTF-8", name);
}

static void
give_back(const char *name, iconv_t cd)
{
	/* The byte order that a text began with would be the next one's. */
	bool kept = false, ordered = strncasecmp(name, "utf-16", 6) == 0 ||
				     strncasecmp(name, "utf-32", 6) == 0;

	if (ordered) {
		(void)iconv_close(cd);
		return;
	}
	(void)iconv(cd, NULL, NULL, NULL, NULL);
	(void)pthread_mutex_lock(&idle_lock);
	for (size_t i = 0; i < IDLE_MAX && !kept; i++)
		if (idle[i].name[0] == '\0') {
			(void)snprintf(idle[i].name, sizeof(idle[i].name), "%s",
			    name);
			idle[i].cd = cd;
			kept = true;
		}
	(void)pthread_mutex_unlock(&idle_lock);
	if (!kept)
		(void)iconv_close(cd);
}

int
charset_to_utf8(struct slice text, struct slice charset, struct buf *out)
{
	char name[CHARSET_MAX + 1];

	charset = slice_trim(charset);
	if (charset.len == 0 || charset.len > CHARSET_MAX ||
	    memchr(charset.at, '\0', charset.len) != NULL ||
	    memchr(charset.at, '/', charset.len) != NULL)
		return ERR_NOTFOUND;
	memcpy(name, charset.at, charset.len);
	name[charset.len] = '\0';
	const char *known = charset_iconv_name(name);
	if (known == NULL || charset_is_utf8(name) || is_plain(text, name))
		return ERR_NOTFOUND;
	iconv_t cd = take(known);
	if (cd == (iconv_t)-1)
		return ERR_NOTFOUND;
	int rc = convert(cd, text, out);
	give_back(known, cd);
	return rc;
}
