/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bzimage.S -- a cover around the image for loaders that know nothing but
 * Linux's boot protocol.  There is one that matters: kernel= of a Xen HVM
 * guest, whose device model is a 32-bit QEMU with PVH disabled.
 *
 * Linked on its own to a flat file:
 *
 *	0x0000	"zero page": header at 0x1f1, memory map filled in at run time
 *	0x0d00	setup code, 16 bits: asks the BIOS for the memory map
 *	0x1000	loaded at 1 MiB, 32 bits: moves the image to its place
 *
 * A loader with a 32-bit entry (GRUB's linux command) has filled in the zero
 * page itself and starts at 1 MiB.  The kernel gets the zero page either
 * way; hvm/memmap.c reads it.
 *
 * KERN_IMAGE, KERN_LOAD_END, KERN_END, KERN_ENTRY (physical) and the file
 * IMAGE come from build/image.mk.
 *
 * Source: Linux, Documentation/x86/boot.rst.
 */

#define SETUP_SIZE	0x1000
#define PM_BASE		0x100000
#define ZP_NE820	0x1e8
#define ZP_E820		0x2d0
#define ZP_E820_MAX	128
#define E820_SIZE	20
#define SMAP		0x534d4150
#define HDRS		0x53726448	/* also tells the kernel: zero page */
#define SEL_CS		0x10		/* as the 32-bit protocol has them */
#define SEL_DS		0x18
#define PM(x)		((x) - pm_start + PM_BASE)

	.text
	.code16
	.globl	_start
_start:
	.org	0x1f1
	.byte	SETUP_SIZE / 512 - 1	/* setup_sects */
	.word	0			/* root_flags */
	.long	(pm_end - pm_start + 15) / 16	/* syssize */
	.word	0, 0xffff, 0		/* ram_size vid_mode root_dev */
	.word	0xaa55			/* boot_flag */
	jmp	1f			/* 0x200 */
	.ascii	"HdrS"
	.word	0x0206			/* version */
	.long	0			/* realmode_swtch */
	.word	0, 0			/* start_sys_seg kernel_version */
	.byte	0			/* type_of_loader */
	.byte	1			/* loadflags: LOADED_HIGH */
	.word	0			/* setup_move_size */
	.long	PM_BASE			/* code32_start */
	.long	0, 0, 0			/* ramdisk, bootsect_kludge */
	.word	0xfe00			/* heap_end_ptr */
	.byte	0, 0			/* ext_loader_ver _type */
	.long	0			/* cmd_line_ptr, 0x228 */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x1000			/* kernel_alignment */
	.byte	0, 0			/* relocatable_kernel min_alignment */
	.word	0			/* xloadflags */
	.long	1023			/* cmdline_size */
	.org	0x270
1:	jmp	setup

	.org	0xd00
setup:
	cli
	cld
	movw	%cs, %ax
	subw	$0x20, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	$0x2401, %ax		/* address line 20 */
	int	$0x15
	movw	$ZP_E820, %di
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
1:	movl	$0xe820, %eax
	movl	$E820_SIZE, %ecx
	movl	$SMAP, %edx
	int	$0x15
	jc	2f
	cmpl	$SMAP, %eax
	jne	2f
	addw	$E820_SIZE, %di
	incl	%ebp
	cmpl	$ZP_E820_MAX, %ebp
	je	2f
	testl	%ebx, %ebx
	jnz	1b
2:	movl	%ebp, %eax
	movb	%al, ZP_NE820
	cli
	xorl	%esi, %esi
	movw	%ds, %si
	shll	$4, %esi		/* where the zero page is */
	leal	setup_gdt(%esi), %eax
	movl	%eax, setup_gdtr + 2
	lgdtl	setup_gdtr
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CS, $PM_BASE

	.balign	8
setup_gdt:
	.quad	0, 0
	.quad	0x00cf9b000000ffff	/* SEL_CS */
	.quad	0x00cf93000000ffff	/* SEL_DS */
setup_gdtr:
	.word	. - setup_gdt - 1
	.long	0

	.org	SETUP_SIZE
	.code32
pm_start:
	cld
	cli
	movl	$SEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%esi, %ebx
	movl	$PM(pm_image), %esi
	movl	$KERN_IMAGE, %edi
	movl	$(KERN_LOAD_END - KERN_IMAGE), %ecx
	rep movsb
	movl	$(KERN_END - KERN_LOAD_END), %ecx
	xorl	%eax, %eax
	rep stosb
	movl	$HDRS, %eax
	movl	$KERN_ENTRY, %ecx
	jmpl	*%ecx

	.balign	16
pm_image:				/* image.mk looks at the size */
	.incbin	IMAGE
pm_end:
