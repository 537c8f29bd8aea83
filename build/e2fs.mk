# SPDX-License-Identifier: BSD-2-Clause
# libext2fs, unpatched, for the guest and for the host tests of the file-system
# port.  E2FS_DIR= names sources that are there already; otherwise the pinned
# ones are fetched.  Our configuration is kernel/fs/e2.

E2FS_DIR ?= $(OUT)/deps/src/e2fsprogs-1.47.0
E2FS_GEN := $(OUT)/e2fs

e2fs-lib := alloc alloc_sb alloc_stats badblocks bitmaps bitops blkmap64_ba \
	blkmap64_rb blknum block bmap check_desc closefs crc16 crc32c csum \
	dir_iterate dirblock dirhash expanddir ext_attr extent fallocate \
	fileio freefs gen_bitmap gen_bitmap64 get_num_dirs hashmap i_block \
	ind_block inline inline_data inode io_manager link lookup mkdir mmp \
	namei newdir nls_utf8 openfs punch rbtree read_bb rw_bitmaps sha512 \
	symlink unlink valid_blk
e2fs-srcs := $(e2fs-lib:%=lib/ext2fs/%.c) debugfs/journal.c \
	e2fsck/recovery.c e2fsck/revoke.c

# What its configure would generate.
e2fs-gen := $(E2FS_GEN)/ext2fs/ext2_types.h $(E2FS_GEN)/ext2fs/ext2_err.h \
	$(E2FS_GEN)/ext2fs/crc32c_table.h

E2FS_INC := -Ikernel/fs/e2 -isystem $(E2FS_GEN) -isystem $(E2FS_DIR)/lib
# The journal code brings its own kmalloc.
E2FS_CFLAGS := -w -DDEBUGFS -Dkmalloc=e2fs_kmalloc -Dkfree=e2fs_kfree \
	-Wframe-larger-than=4096 -Ikernel/fs/e2 \
	-I$(E2FS_GEN) -I$(E2FS_GEN)/ext2fs -I$(E2FS_DIR)/lib \
	-I$(E2FS_DIR)/lib/ext2fs -I$(E2FS_DIR)/e2fsck -I$(E2FS_DIR)/debugfs

$(E2FS_DIR)/lib/ext2fs/ext2fs.h:
	@tools/fetch source e2fsprogs >/dev/null
# All its sources come with that one.
$(e2fs-srcs:%=$(E2FS_DIR)/%): | $(E2FS_DIR)/lib/ext2fs/ext2fs.h

$(E2FS_GEN)/ext2fs/ext2_types.h: | $(E2FS_DIR)/lib/ext2fs/ext2fs.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's/@ASM_TYPES_HEADER@//' \
	    -e 's/@PUBLIC_CONFIG_HEADER@//' -e 's/@SIZEOF_SHORT@/2/' \
	    -e 's/@SIZEOF_INT@/4/' -e 's/@SIZEOF_LONG@/__SIZEOF_LONG__/' \
	    -e 's/@SIZEOF_LONG_LONG@/8/' \
	    $(E2FS_DIR)/lib/ext2fs/ext2_types.h.in >$@.new
	$(Q)mv $@.new $@
$(E2FS_GEN)/ext2fs/ext2_err.h: | $(E2FS_DIR)/lib/ext2fs/ext2fs.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)awk -f $(E2FS_DIR)/lib/et/et_h.awk outfile=$@.new \
	    outfn=ext2_err.h $(E2FS_DIR)/lib/ext2fs/ext2_err.et.in
	$(Q)mv $@.new $@
$(E2FS_GEN)/ext2fs/crc32c_table.h: | $(E2FS_DIR)/lib/ext2fs/ext2fs.h \
		$(E2FS_GEN)/ext2fs/ext2_types.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)cc -w -Ikernel/fs/e2 -I$(E2FS_GEN) \
	    -I$(E2FS_DIR)/lib/ext2fs -o $(E2FS_GEN)/gen_crc32ctable \
	    $(E2FS_DIR)/lib/ext2fs/gen_crc32ctable.c
	$(Q)$(E2FS_GEN)/gen_crc32ctable >$@.new
	$(Q)mv $@.new $@

# ---- the guest ---------------------------------------------------------------
e2fs-objs := $(e2fs-srcs:%.c=$(GOUT)/guest/e2fs/%.o)
guest-objs += $(e2fs-objs)

$(GOUT)/guest/e2fs/%.o: $(E2FS_DIR)/%.c | $(e2fs-gen)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(GUEST_CFLAGS) $(E2FS_CFLAGS) -MMD -MP -c $< \
	    -o $@

e2fs-users := kernel/file.c $(wildcard kernel/fs/*.c)
$(foreach s,$(e2fs-users),$(eval cflags-$(s) := $(E2FS_INC)))
$(e2fs-users:%.c=$(GOUT)/guest/%.o): | $(e2fs-gen)

# ---- host tests --------------------------------------------------------------
# $(1) variant
define e2fs-host
$(OUT)/host/$(1)/e2fs/%.o: $(E2FS_DIR)/%.c | $(e2fs-gen)
	@mkdir -p $$(@D)
	$$(call say,CC,$$<.$(1))$$(cc-$(1)) -O1 -g -std=gnu11 -D_GNU_SOURCE \
	    $$(SAN) $(E2FS_CFLAGS) -MMD -MP -c $$< -o $$@
$(OUT)/host/$(1)/libext2fs.a: $(e2fs-srcs:%.c=$(OUT)/host/$(1)/e2fs/%.o)
	$$(call say,AR,$$@)rm -f $$@; ar rcsD $$@ $$^
$(OUT)/host/$(1)/t_fs $(OUT)/host/$(1)/t_fs_punch: $(OUT)/host/$(1)/libext2fs.a
$(e2fs-users:%.c=$(OUT)/host/$(1)/%.o): | $(e2fs-gen)
endef
$(foreach v,gcc64 clang64 gcc32 clang32,$(eval $(call e2fs-host,$(v))))
$(foreach s,$(e2fs-users),$(eval hostflags-$(s) := $(E2FS_INC)))
