# SPDX-License-Identifier: BSD-2-Clause
# What surrounds the driver: pcscd's entry for it, the configuration, the state
# directory, a drop-in for pcscd's systemd unit; and the tool: a second name,
# completion for bash.
BUILT += etc/libifdtpmvsc etc/tpmvsc.conf etc/pcscd-tpmvsc.conf etc/tpmvscmgr.bash-completion
EXTRA_DIST += etc/libifdtpmvsc.in etc/tpmvsc.conf.in etc/pcscd-tpmvsc.conf.in \
	etc/tpmvscmgr.bash-completion.in

dropindir = $(systemdsystemunitdir)/pcscd.service.d
entry = $(DESTDIR)$(serialconfdir)/libifdtpmvsc
conf = $(DESTDIR)$(sysconfdir)/tpmvsc.conf
dropin = $(DESTDIR)$(dropindir)/50-tpmvsc.conf
completion = $(DESTDIR)$(bashcompletiondir)/tpmvscmgr

all-local: $(BUILT)

etc/libifdtpmvsc: $(srcdir)/etc/libifdtpmvsc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SUBST) $(srcdir)/etc/libifdtpmvsc.in >$@.tmp && mv $@.tmp $@

etc/tpmvsc.conf: $(srcdir)/etc/tpmvsc.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SUBST) $(srcdir)/etc/tpmvsc.conf.in >$@.tmp && mv $@.tmp $@

etc/tpmvscmgr.bash-completion: $(srcdir)/etc/tpmvscmgr.bash-completion.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SUBST) $(srcdir)/etc/tpmvscmgr.bash-completion.in >$@.tmp && mv $@.tmp $@

# systemd's StateDirectory is always below /var/lib.
etc/pcscd-tpmvsc.conf: $(srcdir)/etc/pcscd-tpmvsc.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SUBST) $(srcdir)/etc/pcscd-tpmvsc.conf.in >$@.tmp
	$(AM_V_at)test '$(statedir)' = /var/lib/tpmvsc || { \
		$(SED) -e 's|^StateDirectory=.*|ReadWritePaths=$(statedir)|' \
			-e '/^StateDirectoryMode=/d' $@.tmp >$@.tmp2 && mv $@.tmp2 $@.tmp; }
	$(AM_V_at)mv $@.tmp $@

# The entry comes last and goes first: pcscd refuses to start, for the cards of
# every reader, when an entry names a driver that is not there.  It is put in
# place by rename, and under a name pcscd skips until then.
install-data-hook:
	rm -f '$(DESTDIR)$(ifddir)/libifdtpmvsc.la'
	test -d '$(DESTDIR)$(statedir)' || { \
		$(MKDIR_P) '$(DESTDIR)$(statedir)' && chmod 0700 '$(DESTDIR)$(statedir)'; }
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)' '$(DESTDIR)$(serialconfdir)'
	if test -e '$(conf)'; then echo 'keeping $(conf)'; \
	else $(INSTALL_DATA) etc/tpmvsc.conf '$(conf)'; fi
if HAVE_SYSTEMD
	$(MKDIR_P) '$(DESTDIR)$(dropindir)'
	$(INSTALL_DATA) etc/pcscd-tpmvsc.conf '$(dropin)'
	if test -z '$(DESTDIR)' && ! getent group '$(tpm_group)' >/dev/null; then \
		echo 'warning: no group $(tpm_group) here; $(dropin) does not name it' >&2; \
		$(SED) '/^SupplementaryGroups=/d' etc/pcscd-tpmvsc.conf >'$(dropin)'; fi
endif
if HAVE_BASH_COMPLETION
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)'
	$(INSTALL_DATA) etc/tpmvscmgr.bash-completion '$(completion)'
endif
	$(INSTALL_DATA) etc/libifdtpmvsc '$(DESTDIR)$(serialconfdir)/.libifdtpmvsc.new'
	mv '$(DESTDIR)$(serialconfdir)/.libifdtpmvsc.new' '$(entry)'

# What was written for Windows calls the tool so.
install-exec-hook:
	cd '$(DESTDIR)$(sbindir)' && rm -f tpmvscmgr.exe && $(LN_S) tpmvscmgr$(EXEEXT) tpmvscmgr.exe

uninstall-entry:
	rm -f '$(entry)'

# A variable, since automake takes a rule that names its own target for a
# replacement of it.
before_driver = uninstall-ifdLTLIBRARIES
$(before_driver): uninstall-entry

# Cards stay, and so does a configuration somebody has changed.
uninstall-hook: uninstall-entry
	rm -f '$(DESTDIR)$(ifddir)/libifdtpmvsc.so'
	if cmp -s etc/tpmvsc.conf '$(conf)'; then rm -f '$(conf)'; \
	elif test -e '$(conf)'; then echo 'keeping $(conf), it was changed'; fi
if HAVE_SYSTEMD
	rm -f '$(dropin)'
	-rmdir '$(DESTDIR)$(dropindir)' 2>/dev/null || :
endif
	rm -f '$(DESTDIR)$(sbindir)/tpmvscmgr.exe'
if HAVE_BASH_COMPLETION
	rm -f '$(completion)'
endif
	-rmdir '$(DESTDIR)$(statedir)' 2>/dev/null || \
		echo 'keeping $(DESTDIR)$(statedir), it holds cards'

.PHONY: uninstall-entry
