# SPDX-License-Identifier: BSD-2-Clause
# TPMVSC_HARDENING
#
# Append the hardening flags this compiler and linker know to TPMVSC_CPPFLAGS,
# TPMVSC_CFLAGS, TPMVSC_LDFLAGS, PIE_CFLAGS and PIE_LDFLAGS.  The
# probe has the caller's CPPFLAGS after ours, as make has, so a caller who sets
# _FORTIFY_SOURCE keeps his level; without optimisation glibc warns, the probe
# fails and nothing is fortified.
AC_DEFUN([TPMVSC_HARDENING], [
AX_REQUIRE_DEFINED([AX_APPEND_COMPILE_FLAGS])
AX_REQUIRE_DEFINED([AX_APPEND_LINK_FLAGS])

tpmvsc_fortify=no
tpmvsc_save_CPPFLAGS=$CPPFLAGS
tpmvsc_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS -Werror"
for tpmvsc_level in 3 2; do
	AS_IF([test "x$tpmvsc_fortify" = xno], [
		CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$tpmvsc_level $tpmvsc_save_CPPFLAGS"
		AC_MSG_CHECKING([whether _FORTIFY_SOURCE=$tpmvsc_level works])
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string.h>
#include <stdlib.h>]], [[char *p = calloc(1, 4); return p == NULL || strcpy(p, "a")[0] != 'a';]])],
		    [tpmvsc_fortify=$tpmvsc_level])
		AC_MSG_RESULT([$tpmvsc_fortify])
	])
done
CPPFLAGS=$tpmvsc_save_CPPFLAGS
CFLAGS=$tpmvsc_save_CFLAGS
AS_IF([test "x$tpmvsc_fortify" != xno],
    [AS_VAR_APPEND([TPMVSC_CPPFLAGS], [" -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$tpmvsc_fortify"])])

AX_APPEND_COMPILE_FLAGS([ \
    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
    -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3], [TPMVSC_CFLAGS], [-Werror])
# One of these two, whichever this processor has.
AX_APPEND_COMPILE_FLAGS([-fcf-protection=full -mbranch-protection=standard],
    [TPMVSC_CFLAGS], [-Werror])
AX_APPEND_LINK_FLAGS([ \
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--no-undefined -Wl,--as-needed],
    [TPMVSC_LDFLAGS], [-Werror])
AX_CHECK_COMPILE_FLAG([-fPIE],
    [AX_CHECK_LINK_FLAG([-fPIE -pie], [PIE_CFLAGS=-fPIE PIE_LDFLAGS=-pie])], [], [-Werror])
])
