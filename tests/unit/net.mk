# SPDX-License-Identifier: BSD-2-Clause
# Tests of HTTP as text, and of the network stack's memory and trains.

unit-tests += t_http t_netmem t_nif_train
t_http-srcs := apps/http.c apps/http_fmt.c lib/str.c
t_http-cflags := -Iapps
hostflags-apps/http.c := -Iapps
hostflags-apps/http_fmt.c := -Iapps
t_netmem-srcs := kernel/net/netmem.c
t_nif_train-srcs := kernel/net/nif_train.c kernel/net/nif_cut.c

# What uses lwIP wants its headers, but no more.
unit-tests += t_httpd_io t_netorphan
t_httpd_io-srcs := apps/httpd_io.c apps/http.c lib/str.c
t_httpd_io-cflags = -Iapps $(LWIP_INC)
hostflags-apps/httpd_io.c = -Iapps $(LWIP_INC)
t_netorphan-srcs := kernel/net/netorphan.c
t_netorphan-cflags = $(LWIP_INC)
hostflags-kernel/net/netorphan.c = $(LWIP_INC)
lwip-hosted := apps/httpd_io kernel/net/netorphan \
	tests/unit/t_httpd_io tests/unit/t_netorphan

f_http-srcs := apps/http.c apps/http_fmt.c lib/str.c
f_http-cflags := -Iapps

# Forwarding between interfaces.
unit-tests += t_fwd t_fwd_parts
fwd-parts := $(wildcard kernel/fwd/fwd*.c) kernel/printf.c lib/str.c \
	tests/unit/fwd_lab.c
t_fwd-srcs := $(fwd-parts)
t_fwd_parts-srcs := $(fwd-parts)

f_fwd-srcs := $(wildcard kernel/fwd/fwd*.c) kernel/printf.c lib/str.c
f_fwd-args := -max_len=8000
