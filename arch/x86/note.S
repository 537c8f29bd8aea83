/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * note.S -- how loaders recognise the image: Xen's ELF notes (PV domain
 * builder, PVH loaders of Xen, QEMU, Firecracker, Cloud Hypervisor) and the
 * multiboot2 header (GRUB).
 * There is no multiboot 1 header on purpose: QEMU would prefer it to the PVH
 * note.  For loaders that know only Linux there is bzimage.S.
 *
 * An entry that the configuration leaves out has no note: the loader then
 * says that it can not load the image.
 */

#include <xen/elfnote.h>
#include <xen/features.h>
#include "layout.h"

#define NOTE(type, desc)						\
	.pushsection .note.Xen, "a", @note;				\
	.balign	4;							\
	.long	2f - 1f;						\
	.long	4f - 3f;						\
	.long	type;							\
1:	.asciz	"Xen";							\
2:	.balign	4;							\
3:	desc;								\
4:	.balign	4;							\
	.popsection

NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "Domus")
NOTE(XEN_ELFNOTE_GUEST_VERSION, .asciz "0.1")
NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
NOTE(XEN_ELFNOTE_VIRT_BASE, .quad LAYOUT_KERNEL)
NOTE(XEN_ELFNOTE_PADDR_OFFSET, .quad 0)
#ifdef PV_CONFIG_XEN
NOTE(XEN_ELFNOTE_ENTRY, .quad pv_entry)
#endif
#if defined(PV_CONFIG_XENHVM) || defined(PV_CONFIG_NATIVE)
NOTE(XEN_ELFNOTE_PHYS32_ENTRY, .quad pvh_entry - LAYOUT_KERNEL)
#endif
NOTE(XEN_ELFNOTE_PAE_MODE, .asciz "yes")
NOTE(XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb")
NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES,
    .quad (1 << XENFEAT_pae_pgdir_above_4gb) | (1 << XENFEAT_dom0) |
    (1 << XENFEAT_hvm_callback_vector) | (1 << XENFEAT_auto_translated_physmap))
/* A page-table entry holds a frame of ours exactly when it is present. */
NOTE(XEN_ELFNOTE_L1_MFN_VALID, .quad PTE_P; .quad PTE_P)
NOTE(XEN_ELFNOTE_SUSPEND_CANCEL, .long 1)

#if defined(PV_CONFIG_XENHVM) || defined(PV_CONFIG_NATIVE)
#define MB2_MAGIC	0xe85250d6
#define MB2_TAG_INFO	1		/* what the loader must provide */
#define MB2_TAG_ENTRY	3		/* 32-bit entry; e_entry is PV's */
#define MB2_INFO_CMDLINE 1
#define MB2_INFO_MMAP	6

	.section .head, "a"
	.balign	8
.Lmb2_header:
	.long	MB2_MAGIC
	.long	0			/* i386, protected mode */
	.long	.Lmb2_end - .Lmb2_header
	.long	-(MB2_MAGIC + 0 + (.Lmb2_end - .Lmb2_header))
1:	.short	MB2_TAG_INFO, 0
	.long	2f - 1b
	.long	MB2_INFO_CMDLINE
	.long	MB2_INFO_MMAP
2:	.balign	8
	.short	MB2_TAG_ENTRY, 0
	.long	12
	.long	pvh_entry - LAYOUT_KERNEL
	.balign	8
	.short	0, 0
	.long	8
.Lmb2_end:
#endif

	.section .note.GNU-stack, "", @progbits
