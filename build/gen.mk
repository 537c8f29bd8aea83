# SPDX-License-Identifier: BSD-2-Clause
# One guest test; included at the end of tests/guest/<name>/Makefile.  Reads
#
#	NAME		the directory's name
#	CATEGORY	functional, utility
#	TEST-ENVS	where it runs, of $(ALL_ENVS)
#	obj-y		its objects; tests/guest/test.o comes by itself
#	VCPUS		numbers of CPUs to run it with, too; 1 by itself
#	EXPECT		extended regular expressions, each of which must match
#			a line of the console; for tests that end in a crash.
#			Separated by |, so there can be no | in one
#
# and forgets them again.

guest-tests += $(NAME)
$(NAME)-envs := $(foreach e,$(filter $(ALL_ENVS),$(TEST-ENVS)),\
	$(e) $(VCPUS:%=$(e)-%cpu))
$(NAME)-expect := $(EXPECT)
$(NAME)-objs := $(addprefix $(GOUT)/guest/tests/guest/$(NAME)/,$(obj-y)) \
	$(GOUT)/guest/tests/guest/test.o
$(eval $(call guest-link,$(KOUT)/tests/test-$(NAME).elf,$($(NAME)-objs)))
-include $($(NAME)-objs:.o=.d)
NAME :=
TEST-ENVS :=
VCPUS :=
obj-y :=
EXPECT :=
