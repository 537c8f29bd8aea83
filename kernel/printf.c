/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf.c -- formatted text without a C library below it.
 *
 * A conversion is parsed into a struct printf_spec, turned into a piece of
 * text (digits go into a buffer inside the spec) and padded into the sink.
 * Nothing is allocated and no lock is taken, so panic can use all of it.
 */

#include <string.h>

#include <arch.h>
#include <printf.h>

#define PRINTF_LEFT	0x01u
#define PRINTF_PLUS	0x02u
#define PRINTF_SPACE	0x04u
#define PRINTF_ZERO	0x08u
#define PRINTF_ALT	0x10u
#define PRINTF_UPPER	0x20u

struct printf_spec {
	unsigned int	 sp_flags;
	int		 sp_width;
	int		 sp_prec;	/* -1: not given */
	int		 sp_size;	/* bytes of an integer argument */
	char		 sp_conv;
	char		 sp_prefix[3];	/* sign or 0x */
	char		 sp_digits[24];	/* 64 bits in octal are 22 */
};

struct printf_out {
	struct printf_sink *po_sink;
	size_t		 po_len;
};

struct printf_buf {
	struct printf_sink pb_sink;
	char		*pb_buf;
	size_t		 pb_size, pb_len;
};

static void
printf_put(struct printf_out *po, const char *s, size_t len)
{
	if (len == 0)
		return;
	po->po_sink->ps_put(po->po_sink, s, len);
	po->po_len += len;
}

static void
printf_pad(struct printf_out *po, char ch, size_t n)
{
	static const char blanks[] = "                ";
	static const char zeros[] = "0000000000000000";
	const char *from = ch == '0' ? zeros : blanks;
	size_t len;

	for (; n > 0; n -= len) {
		len = n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1;
		printf_put(po, from, len);
	}
}

static void
printf_flag(struct printf_spec *sp, const char **fmtp)
{
	static const char flags[] = "-+ 0#";
	const char *found;

	for (; **fmtp != '\0'; ++*fmtp) {
		found = strchr(flags, **fmtp);
		if (found == NULL)
			return;
		sp->sp_flags |= 1u << (found - flags);
	}
}

/* A number of the format, or * from the arguments; huge ones are cut. */
static int
printf_number(const char **fmtp, va_list *ap)
{
	int n = 0;

	if (**fmtp == '*') {
		++*fmtp;
		return va_arg(*ap, int);
	}
	for (; **fmtp >= '0' && **fmtp <= '9'; ++*fmtp) {
		if (n < 10000)
			n = n * 10 + (**fmtp - '0');
	}
	return n;
}

static void
printf_modifier(struct printf_spec *sp, const char **fmtp)
{
	const char *p = *fmtp;

	sp->sp_size = (int)sizeof(int);
	switch (*p) {
	case 'h':
		sp->sp_size = p[1] == 'h' ? 1 : (int)sizeof(short);
		p += p[1] == 'h' ? 2 : 1;
		break;
	case 'l':
		sp->sp_size = p[1] == 'l' ? 8 : (int)sizeof(long);
		p += p[1] == 'l' ? 2 : 1;
		break;
	case 'j':
		sp->sp_size = 8;
		p++;
		break;
	case 'z':
	case 't':
		sp->sp_size = (int)sizeof(size_t);
		p++;
		break;
	default:
		break;
	}
	*fmtp = p;
}

static void
printf_parse(struct printf_spec *sp, const char **fmtp, va_list *ap)
{
	memset(sp, 0, sizeof(*sp));
	printf_flag(sp, fmtp);
	sp->sp_width = printf_number(fmtp, ap);
	if (sp->sp_width < 0) {
		sp->sp_flags |= PRINTF_LEFT;
		sp->sp_width = -sp->sp_width;
	}
	sp->sp_prec = -1;
	if (**fmtp == '.') {
		++*fmtp;
		sp->sp_prec = printf_number(fmtp, ap);
	}
	printf_modifier(sp, fmtp);
	sp->sp_conv = **fmtp;
	if (sp->sp_conv != '\0')
		++*fmtp;
}

static uint64_t
printf_unsigned(const struct printf_spec *sp, va_list *ap)
{
	uint64_t val;

	if (sp->sp_size == 8)
		return va_arg(*ap, uint64_t);
	val = va_arg(*ap, unsigned int);
	if (sp->sp_size < 4)
		val &= (1u << (8 * sp->sp_size)) - 1;
	return val;
}

static int64_t
printf_signed(const struct printf_spec *sp, va_list *ap)
{
	int val;

	if (sp->sp_size == 8)
		return va_arg(*ap, int64_t);
	val = va_arg(*ap, int);
	if (sp->sp_size == 1)
		return (signed char)val;
	return sp->sp_size == 2 ? (short)val : val;
}

/* Text of one conversion: padding, prefix, zeros up to the precision. */
static void
printf_field(struct printf_out *po, const struct printf_spec *sp,
    const char *text, size_t len)
{
	size_t nprefix = strlen(sp->sp_prefix), nzero = 0, npad = 0;
	size_t width = (size_t)sp->sp_width;

	if (sp->sp_prec > 0 && (size_t)sp->sp_prec > len)
		nzero = (size_t)sp->sp_prec - len;
	if (width > nprefix + nzero + len)
		npad = width - nprefix - nzero - len;
	if ((sp->sp_flags & PRINTF_ZERO) != 0) {
		nzero += npad;
		npad = 0;
	}
	if ((sp->sp_flags & PRINTF_LEFT) == 0)
		printf_pad(po, ' ', npad);
	printf_put(po, sp->sp_prefix, nprefix);
	printf_pad(po, '0', nzero);
	printf_put(po, text, len);
	if ((sp->sp_flags & PRINTF_LEFT) != 0)
		printf_pad(po, ' ', npad);
}

static void
printf_integer(struct printf_out *po, struct printf_spec *sp, uint64_t val,
    unsigned int base)
{
	const char *digits = (sp->sp_flags & PRINTF_UPPER) != 0 ?
	    "0123456789ABCDEF" : "0123456789abcdef";
	char *end = sp->sp_digits + sizeof(sp->sp_digits), *p = end;

	for (; val != 0; val /= base)
		*--p = digits[val % base];
	if (p == end && sp->sp_prec != 0)
		*--p = '0';
	if (base == 8 && (sp->sp_flags & PRINTF_ALT) != 0 &&
	    (p == end || *p != '0'))
		*--p = '0';
	/* As in C: a precision or - turns 0 off. */
	if (sp->sp_prec >= 0 || (sp->sp_flags & PRINTF_LEFT) != 0)
		sp->sp_flags &= ~PRINTF_ZERO;
	printf_field(po, sp, p, (size_t)(end - p));
}

static void
printf_decimal(struct printf_out *po, struct printf_spec *sp, int64_t val)
{
	uint64_t mag = val < 0 ? -(uint64_t)val : (uint64_t)val;

	if (val < 0)
		sp->sp_prefix[0] = '-';
	else if ((sp->sp_flags & PRINTF_PLUS) != 0)
		sp->sp_prefix[0] = '+';
	else if ((sp->sp_flags & PRINTF_SPACE) != 0)
		sp->sp_prefix[0] = ' ';
	printf_integer(po, sp, mag, 10);
}

static void
printf_hex(struct printf_out *po, struct printf_spec *sp, uint64_t val,
    bool prefix)
{
	if (prefix) {
		sp->sp_prefix[0] = '0';
		sp->sp_prefix[1] = (sp->sp_flags & PRINTF_UPPER) != 0 ?
		    'X' : 'x';
	}
	printf_integer(po, sp, val, 16);
}

static void
printf_text(struct printf_out *po, struct printf_spec *sp, const char *s)
{
	size_t len;

	if (s == NULL)
		s = "(null)";
	len = sp->sp_prec < 0 ? strlen(s) : strnlen(s, (size_t)sp->sp_prec);
	sp->sp_prec = -1;
	sp->sp_flags &= ~PRINTF_ZERO;
	printf_field(po, sp, s, len);
}

static void
printf_convert(struct printf_out *po, struct printf_spec *sp, va_list *ap)
{
	uint64_t val;

	switch (sp->sp_conv) {
	case 'd':
	case 'i':
		printf_decimal(po, sp, printf_signed(sp, ap));
		break;
	case 'u':
		printf_integer(po, sp, printf_unsigned(sp, ap), 10);
		break;
	case 'o':
		printf_integer(po, sp, printf_unsigned(sp, ap), 8);
		break;
	case 'X':
		sp->sp_flags |= PRINTF_UPPER;
		/* FALLTHROUGH */
	case 'x':
		val = printf_unsigned(sp, ap);
		printf_hex(po, sp, val,
		    (sp->sp_flags & PRINTF_ALT) != 0 && val != 0);
		break;
	case 'p':
		printf_hex(po, sp, (uintptr_t)va_arg(*ap, void *), true);
		break;
	case 'c':
		sp->sp_digits[0] = (char)va_arg(*ap, int);
		sp->sp_prec = -1;
		sp->sp_flags &= ~PRINTF_ZERO;
		printf_field(po, sp, sp->sp_digits, 1);
		break;
	case 's':
		printf_text(po, sp, va_arg(*ap, const char *));
		break;
	default:
		break;
	}
}

/*
 * printf_sink -- format into a sink; returns the number of bytes
 *
 * Context: any.
 */
size_t
printf_sink(struct printf_sink *ps, const char *fmt, va_list args)
{
	struct printf_out po = { ps, 0 };
	struct printf_spec sp;
	const char *start;
	va_list ap;

	va_copy(ap, args);
	while (*fmt != '\0') {
		for (start = fmt; *fmt != '\0' && *fmt != '%'; fmt++)
			continue;
		printf_put(&po, start, (size_t)(fmt - start));
		if (*fmt == '\0')
			break;
		start = fmt++;
		printf_parse(&sp, &fmt, &ap);
		if (sp.sp_conv == '%')
			printf_put(&po, "%", 1);
		else if (sp.sp_conv != '\0' &&
		    strchr("diuoxXpcs", sp.sp_conv) != NULL)
			printf_convert(&po, &sp, &ap);
		else
			printf_put(&po, start, (size_t)(fmt - start));
	}
	va_end(ap);
	return po.po_len;
}

static void
printf_buf_put(struct printf_sink *ps, const char *s, size_t len)
{
	struct printf_buf *pb = PV_CONTAINER(ps, struct printf_buf, pb_sink);
	size_t room = pb->pb_size - pb->pb_len;

	if (len > room)
		len = room;
	if (len == 0)			/* the buffer may be NULL then */
		return;
	memcpy(pb->pb_buf + pb->pb_len, s, len);
	pb->pb_len += len;
}

/*
 * printf_vformat -- format into a buffer; returns the whole text's length
 *
 * Context: any.
 */
size_t
printf_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct printf_buf pb = { { printf_buf_put }, buf, 0, 0 };
	size_t len;

	pb.pb_size = size == 0 ? 0 : size - 1;
	len = printf_sink(&pb.pb_sink, fmt, ap);
	if (size != 0)
		buf[pb.pb_len] = '\0';
	return len;
}

/* printf_format -- printf_vformat() with the arguments as they come */
size_t
printf_format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = printf_vformat(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static void
printf_early_put(struct printf_sink *ps, const char *s, size_t len)
{
	(void)ps;
	arch_early_write(s, len);
}

/*
 * printf_early -- straight to the machine's polled output
 *
 * Context: any, panic too.
 */
void
printf_early(const char *fmt, ...)
{
	struct printf_sink ps = { printf_early_put };
	va_list ap;

	va_start(ap, fmt);
	printf_sink(&ps, fmt, ap);
	va_end(ap);
}
