/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path of DKIM's canonical bodies (RFC 6376, 3.4): 64 octets a step.
 */
#include "proto/dkim_scan.h"

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>

#define BLOCK 64

/* Bit i: octet i is c. */
static uint64_t
mask_of(const __m128i v[4], char c)
{
	const __m128i want = _mm_set1_epi8(c);
	uint64_t mask = 0;

	for (int i = 3; i >= 0; i--)
		mask = mask << 16 | (uint64_t)(unsigned)_mm_movemask_epi8(
					_mm_cmpeq_epi8(v[i], want));
	return mask;
}

/* As dkim_scan, for one block; 0 where it is not, or can not be seen here. */
static size_t
scan_block(const unsigned char *at, bool blanks)
{
	__m128i v[4];
	uint64_t space = 0, tab = 0;

	for (int i = 0; i < 4; i++)
		v[i] = _mm_loadu_si128((const void *)(at + 16 * i));
	uint64_t cr = mask_of(v, '\r'), lf = mask_of(v, '\n');
	if (blanks) {
		space = mask_of(v, ' ');
		tab = mask_of(v, '\t');
	}
	uint64_t special = space | tab | cr | lf;
	/* A tab; a space or line end before something special; a CR or LF
	 * without the other. */
	uint64_t stop = tab | ((space | lf) & special >> 1) |
			(cr & ~(lf >> 1)) | (lf & ~(cr << 1));
	uint64_t plain = ~special;

	if (stop != 0)
		plain &= (UINT64_C(1) << __builtin_ctzll(stop)) - 1;
	return plain == 0 ? 0 : (size_t)(64 - __builtin_clzll(plain));
}
#else
#define BLOCK 1

static size_t
scan_block(const unsigned char *at, bool blanks)
{
	return *at != '\r' && *at != '\n' &&
	       !(blanks && (*at == ' ' || *at == '\t'));
}
#endif

size_t
dkim_scan(const unsigned char *at, size_t len, bool blanks)
{
	size_t done = 0;

	while (len - done >= BLOCK) {
		size_t n = scan_block(at + done, blanks);

		if (n == 0)
			break;
		done += n;
	}
	/* Less than a block, or the block began with what ends a line. */
	while (done < len && at[done] != '\r' && at[done] != '\n' &&
	       !(blanks && (at[done] == ' ' || at[done] == '\t')))
		done++;
	return done;
}
