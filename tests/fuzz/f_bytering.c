/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_bytering.c -- a ring of bytes whose peer does what the input says: writes,
 * reads, and puts any index into the page.
 *
 * Held against a plain queue for as long as the peer is honest; once an index
 * was written over, all that matters is that no byte outside is touched and
 * no call claims more than was asked.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytering.h"

#define SIZE	32u

struct fuzz {
	struct bytering	 f_w, f_r;
	uint8_t		 f_data[SIZE];
	uint32_t	 f_prod, f_cons;
	uint32_t	 f_in, f_out;	/* bytes ever written, ever read */
	bool		 f_honest;
};

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The n-th byte of the stream. */
static uint8_t
fuzz_byte(uint32_t n)
{
	return (uint8_t)(n * 7 + n / 256);
}

static void
fuzz_write(struct fuzz *f, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);
	uint32_t i;
	int n;

	for (i = 0; i < len; i++)
		buf[i] = fuzz_byte(f->f_in + i);
	n = bytering_write(&f->f_w, buf, len);
	if (n > (int)len || (f->f_honest && n < 0))
		abort();
	if (f->f_honest && (uint32_t)n != (len < SIZE - (f->f_in - f->f_out) ?
	    len : SIZE - (f->f_in - f->f_out)))
		abort();
	if (n > 0)
		f->f_in += (uint32_t)n;
	free(buf);
}

static void
fuzz_read(struct fuzz *f, uint32_t len)
{
	uint8_t *buf = malloc(len + 1);
	uint32_t i;
	int n;

	n = bytering_read(&f->f_r, buf, len);
	if (n > (int)len || (f->f_honest && n < 0))
		abort();
	for (i = 0; f->f_honest && i < (uint32_t)n; i++) {
		if (buf[i] != fuzz_byte(f->f_out + i))
			abort();
	}
	if (n > 0)
		f->f_out += (uint32_t)n;
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct fuzz f;
	uint32_t v;

	if (len < 4)
		return 0;
	memset(&f, 0, sizeof(f));
	memcpy(&v, p, 4);
	f.f_prod = f.f_cons = v;
	f.f_honest = true;
	bytering_init(&f.f_w, f.f_data, SIZE, &f.f_prod, &f.f_cons, true);
	bytering_init(&f.f_r, f.f_data, SIZE, &f.f_prod, &f.f_cons, false);
	for (p += 4, len -= 4; len >= 5; p += 5, len -= 5) {
		memcpy(&v, p + 1, 4);
		if (p[0] < 120)
			fuzz_write(&f, v % (3 * SIZE));
		else if (p[0] < 240)
			fuzz_read(&f, v % (3 * SIZE));
		else
			f.f_honest = false;
		if (p[0] >= 248)
			f.f_prod = v;
		else if (p[0] >= 240)
			f.f_cons = v;
		if (bytering_avail(&f.f_r) > SIZE ||
		    bytering_room(&f.f_w) > SIZE)
			abort();
	}
	return 0;
}
