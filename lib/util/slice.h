/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_SLICE_H
#define UTIL_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/*
 * A borrowed run of octets: no NUL, no ownership.  It never outlives the
 * buffer it points into; whoever keeps one says so in the struct that does.
 * at == NULL means "absent", which is not the same as empty.
 */
struct slice {
	const char *at;
	size_t len;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
/* For "%.*s": printf("%.*s", SLICE_F(s)) */
#define SLICE_F(s) (int)(s).len, (s).at != NULL ? (s).at : ""

/* text may be NULL: then the slice is absent. */
static inline struct slice
slice_of(const char *text)
{
	return (struct slice){ text, text != NULL ? strlen(text) : 0 };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case does not count. */
static inline bool
slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool
slice_starts_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 ||
		   strncasecmp(s.at, prefix.at, prefix.len) == 0);
}

/* The first n octets dropped (all of them if there are fewer). */
static inline struct slice
slice_skip(struct slice s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct slice){ s.at != NULL ? s.at + n : NULL, s.len - n };
}

static inline bool
slice_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks, tabs, CR and LF taken off both ends. */
static inline struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && slice_is_blank(s.at[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && slice_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/*
 * Take what stands before the first sep off the head of *rest.  The last
 * piece is what is left; then *rest becomes absent.  False: nothing is left.
 */
static inline bool
slice_split(struct slice *rest, char sep, struct slice *ret_piece)
{
	if (rest->at == NULL)
		return false;
	const char *p = rest->len > 0 ? memchr(rest->at, sep, rest->len) : NULL;
	if (p == NULL) {
		*ret_piece = *rest;
		*rest = (struct slice){ NULL, 0 };
		return true;
	}
	*ret_piece = (struct slice){ rest->at, (size_t)(p - rest->at) };
	*rest = slice_skip(*rest, ret_piece->len + 1);
	return true;
}

/* Where needle begins in s, or NULL; an absent one is nowhere. */
static inline const char *
slice_find(struct slice s, struct slice needle)
{
	if (s.at == NULL || needle.at == NULL)
		return NULL;
	return memmem(s.at, s.len, needle.at, needle.len);
}

#endif /* UTIL_SLICE_H */
