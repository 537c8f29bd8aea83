# SPDX-License-Identifier: BSD-2-Clause
# The configuration of the guest: `make CONF=XENHVM` builds what conf/XENHVM
# says as out/conf/XENHVM/domus-x86_64.elf.  GENERIC, with everything, is built
# when no other is named, in out itself.  CONF may be a path.
#
# KOUT has what belongs to one configuration.  Objects that are the same in
# all of them are in GOUT, unless makeoptions make them differ.

CONF ?= GENERIC
KOUT := $(if $(filter GENERIC,$(CONF)),$(OUT),$(OUT)/conf/$(notdir $(CONF)))
conf-file := $(firstword $(wildcard conf/$(CONF)) $(CONF))

ifneq ($(or $(filter-out clean help,$(MAKECMDGOALS)),$(if $(MAKECMDGOALS),,y)),)
conf-said := $(shell tools/config --out $(KOUT) $(conf-file))
ifneq ($(.SHELLSTATUS),0)
$(error $(conf-file) can not be built)
endif
include $(KOUT)/conf.mk
endif

GOUT := $(if $(conf-make),$(KOUT),$(OUT))
COPTFLAGS ?= -O2
DEBUG ?= -g
CONF_CFLAGS ?=

# The sources that see PV_CONFIG_NAME.
conf-users := core/conf.c kernel/conf.c arch/x86/note.S
$(foreach s,$(conf-users),$(eval cflags-$(s) += -include $(KOUT)/conf.h))

# $(1) sources: their objects in the guest
guest-obj = $(foreach s,$(1),$(call guest-out,$(s))/guest/$(basename $(s)).o)
guest-out = $(if $(filter $(1),$(conf-users)),$(KOUT),$(GOUT))
