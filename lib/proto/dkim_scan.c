/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path of DKIM's canonical bodies (RFC 6376, 3.4): 64 octets a step.
 */
#include "proto/dkim_scan.h"

#include <stdint.h>

#ifdef __SSE2__
#include <immintrin.h>

#define BLOCK 64

/*
 * Bit i of each: octet i of the block is one.  How many octets from the
 * block's first one stand in the canonical form as they are; 0 where the first
 * does not, or that can not be seen here.
 */
static inline size_t
plain_octets(uint64_t space, uint64_t tab, uint64_t cr, uint64_t lf)
{
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

static size_t
scan_blocks(const unsigned char *at, size_t len, bool blanks)
{
	size_t done = 0, n = 1;

	while (len - done >= BLOCK && n > 0) {
		__m128i v[4];

		for (int i = 0; i < 4; i++)
			v[i] =
			    _mm_loadu_si128((const void *)(at + done + 16 * i));
		n = plain_octets(blanks ? mask_of(v, ' ') : 0,
		    blanks ? mask_of(v, '\t') : 0, mask_of(v, '\r'),
		    mask_of(v, '\n'));
		done += n;
	}
	return done;
}

/* The same with the wider registers that most machines have. */
__attribute__((target("avx2"))) static inline uint64_t
mask_of_wide(__m256i low, __m256i high, char c)
{
	const __m256i want = _mm256_set1_epi8(c);
	uint32_t l =
	    (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, want));
	uint32_t h =
	    (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, want));

	return (uint64_t)h << 32 | l;
}

__attribute__((target("avx2"))) static size_t
scan_blocks_wide(const unsigned char *at, size_t len, bool blanks)
{
	size_t done = 0, n = 1;

	while (len - done >= BLOCK && n > 0) {
		__m256i low = _mm256_loadu_si256((const void *)(at + done));
		__m256i high =
		    _mm256_loadu_si256((const void *)(at + done + 32));

		n = plain_octets(blanks ? mask_of_wide(low, high, ' ') : 0,
		    blanks ? mask_of_wide(low, high, '\t') : 0,
		    mask_of_wide(low, high, '\r'),
		    mask_of_wide(low, high, '\n'));
		done += n;
	}
	return done;
}

static size_t
scan(const unsigned char *at, size_t len, bool blanks)
{
	return __builtin_cpu_supports("avx2")
		   ? scan_blocks_wide(at, len, blanks)
		   : scan_blocks(at, len, blanks);
}
#else
static size_t
scan(const unsigned char *at, size_t len, bool blanks)
{
	(void)at;
	(void)len;
	(void)blanks;
	return 0;
}
#endif

size_t
dkim_scan(const unsigned char *at, size_t len, bool blanks)
{
	size_t done = scan(at, len, blanks);

	/* Less than a block, or the block began with what ends a line. */
	while (done < len && at[done] != '\r' && at[done] != '\n' &&
	       !(blanks && (at[done] == ' ' || at[done] == '\t')))
		done++;
	return done;
}
