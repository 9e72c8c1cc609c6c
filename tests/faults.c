/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/faults.h"

#include <elf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/ptrace.h declares this and more that sys/ptrace.h does as well. */
struct syscall_info {
	uint8_t op; /* 1 entry, 2 exit */
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer;
	uint64_t stack_pointer;
	uint64_t number;
	uint64_t more[8];
};
#define GET_SYSCALL_INFO ((enum __ptrace_request)0x420e)

/* The descriptor fault_point() makes its call on. */
#define POINT_FD 0x7ac

static const struct {
	long number;
	const char *name;
} calls[] = {
	{ SYS_openat, "openat" },
	{ SYS_write, "write" },
	{ SYS_read, "read" },
	{ SYS_fsync, "fsync" },
	{ SYS_renameat, "renameat" },
	{ SYS_renameat2, "renameat2" },
	{ SYS_unlinkat, "unlinkat" },
	{ SYS_mkdirat, "mkdirat" },
	{ SYS_fchmod, "fchmod" },
	{ SYS_fchown, "fchown" },
	{ SYS_getdents64, "getdents64" },
	{ SYS_getrandom, "getrandom" },
};

static const char *
call_name(uint64_t number)
{
	size_t i;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if ((uint64_t)calls[i].number == number)
			return calls[i].name;
	}
	return NULL;
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
	abort();
}

unsigned
fault_stride(void)
{
	const char *text = getenv("FAULT_STRIDE");
	int stride = text != NULL ? atoi(text) : 1;

	return stride > 1 ? (unsigned)stride : 1;
}

bool
fault_point(void)
{
	/* Never a valid descriptor: EBADF unless somebody interferes. */
	return fsync(POINT_FD) != 0 && errno == EBADF;
}

void
fault_refuse_exchange(void)
{
	/* The one use of renameat2() with flags, its fifth argument, that there is. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		 prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
	    "refuse to exchange names");
}

/* In the child, stopped at a call's entry: have the kernel skip it. */
static void
skip_call(pid_t pid)
{
#if defined(__x86_64__)
	must(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L) == 0,
	    "skip a call");
#elif defined(__aarch64__)
	int none = -1;
	struct iovec io = { .iov_base = &none, .iov_len = sizeof none };

	must(ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &io) == 0, "skip a call");
#else
#error "teach faults.c to skip a system call on this machine"
#endif
}

/* In the child, stopped at a call's exit: set what it returns. */
static void
set_result(pid_t pid, long value)
{
	struct user_regs_struct regs = { 0 };
	struct iovec io = { .iov_base = &regs, .iov_len = sizeof regs };

	must(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io) == 0, "read registers");
#if defined(__x86_64__)
	regs.rax = (unsigned long long)value;
#elif defined(__aarch64__)
	regs.regs[0] = (unsigned long long)value;
#endif
	must(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io) == 0, "set registers");
}

/* A tracer below the program, as valgrind is, reads and writes on descriptors the program cannot
 * have. */
static bool
is_foreign(const struct syscall_info *info)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "get the limit of descriptors");
	return (info->number == SYS_read || info->number == SYS_write) &&
	       info->more[0] >= limit.rlim_cur;
}

/* Whether the call now entered is the one. */
static bool
is_struck(const struct fault *fault, const struct syscall_info *info, struct fault_outcome *out)
{
	const char *name = call_name(info->number);
	size_t at;

	if (name == NULL || is_foreign(info))
		return false;
	out->calls++;
	at = strlen(out->trace);
	(void)snprintf(out->trace + at, sizeof out->trace - at, "%s ", name);
	if (fault->nth == 0 || out->calls < fault->nth ||
	    (out->calls > fault->nth && fault->kind != FAULT_CUT))
		return false;
	if (!out->reached)
		(void)snprintf(out->call, sizeof out->call, "%s", name);
	out->reached = true;
	return true;
}

/* Follow the child to its end. */
static void
trace(pid_t pid, const struct fault *fault, struct fault_outcome *out)
{
	struct syscall_info info = { .op = 0 }; /* valgrind does not know who fills it in */
	bool pending = false;
	int status, sig;

	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "start the child");
	must(ptrace(PTRACE_SETOPTIONS, pid, 0L,
		 (long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) == 0,
	    "trace the child");
	for (sig = 0;;) {
		/* A child killed just now is on its way out. */
		must(ptrace(PTRACE_SYSCALL, pid, 0L, (long)sig) == 0 || errno == ESRCH, "go on");
		must(waitpid(pid, &status, 0) == pid, "wait");
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		sig = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			sig = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
			continue;
		}
		must(ptrace(GET_SYSCALL_INFO, pid, sizeof info, &info) > 0, "look at a call");
		if (info.op == 1 && is_struck(fault, &info, out)) {
			if (fault->kind == FAULT_KILL)
				must(kill(pid, SIGKILL) == 0, "kill");
			else
				skip_call(pid);
			pending = fault->kind != FAULT_KILL;
		} else if (info.op == 2 && pending) {
			set_result(pid, -(long)fault->error);
			pending = false;
		}
	}
	out->killed = WIFSIGNALED(status);
	out->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct fault_outcome
fault_run(const struct fault *fault, int (*body)(void *), void *context)
{
	struct fault_outcome out = { .status = -1 };
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0L, 0L) != 0)
			_exit(255);
		(void)raise(SIGSTOP);
		_exit(body(context));
	}
	trace(pid, fault, &out);
	return out;
}
