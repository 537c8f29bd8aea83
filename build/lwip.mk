# SPDX-License-Identifier: BSD-2-Clause
# lwIP for the guest, unpatched; LWIP_DIR= names a copy that is already there.

LWIP_DIR ?= $(OUT)/deps/src/lwip-2.1.3
LWIP_SRC := $(LWIP_DIR)/src

lwip-srcs := \
	core/init.c core/def.c core/dns.c core/inet_chksum.c core/ip.c \
	core/mem.c core/memp.c core/netif.c core/pbuf.c core/raw.c \
	core/stats.c core/sys.c core/tcp.c core/tcp_in.c core/tcp_out.c \
	core/timeouts.c core/udp.c \
	core/ipv4/dhcp.c core/ipv4/etharp.c core/ipv4/icmp.c \
	core/ipv4/ip4.c core/ipv4/ip4_addr.c core/ipv4/ip4_frag.c \
	core/ipv6/ethip6.c core/ipv6/icmp6.c core/ipv6/inet6.c \
	core/ipv6/ip6.c core/ipv6/ip6_addr.c core/ipv6/ip6_frag.c \
	core/ipv6/mld6.c core/ipv6/nd6.c \
	api/api_lib.c api/api_msg.c api/netbuf.c api/tcpip.c \
	netif/ethernet.c
lwip-objs := $(lwip-srcs:%.c=$(GOUT)/guest/lwip/%.o)
guest-objs += $(lwip-objs)

# lwIP's headers are a system's to our warnings; lwipopts.h is ours.
LWIP_INC := -isystem $(LWIP_SRC)/include -Ikernel/net
lwip-users := $(wildcard kernel/net/*.c) apps/httpd.c apps/httpd_io.c \
	apps/cmd_net.c apps/cmd_perf.c
$(foreach f,$(lwip-users),$(eval cflags-$(f) := $(LWIP_INC)))

$(LWIP_SRC)/core/init.c:
	@tools/fetch source lwip >/dev/null
$(filter-out %/init.c,$(lwip-srcs:%=$(LWIP_SRC)/%)): | $(LWIP_SRC)/core/init.c
$(lwip-users:%.c=$(GOUT)/guest/%.o): | $(LWIP_SRC)/core/init.c

$(GOUT)/guest/lwip/%.o: $(LWIP_SRC)/%.c kernel/net/lwipopts.h
	@mkdir -p $(@D)
	$(call say,CC,lwip/$*.c)$(CC) -O2 -g -std=gnu11 -ffreestanding \
	    -fno-common $(GUEST_ARCH) -Wall -Wno-address -Wno-unused \
	    $(GUEST_INC) $(LWIP_INC) -MMD -MP -c $< -o $@
