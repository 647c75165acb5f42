/* Rights: one capability, which the kernel takes away again by itself. */

#include "lib.h"
#include "accounts/rights.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

int lazy_expunge_rights_put_down(uid_t uid, const char **error_r)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (geteuid() != uid && seteuid(uid) < 0) {
		*error_r = t_strdup_printf("seteuid(%ld) failed: %m",
					   (long)uid);
		return -1;
	}
	if (uid == 0 || getuid() != 0)
		return 0;
	if (syscall(SYS_capget, &head, data) < 0) {
		*error_r = t_strdup_printf("capget() failed: %m");
		return -1;
	}
	data[CAP_TO_INDEX(CAP_DAC_READ_SEARCH)].effective |=
		CAP_TO_MASK(CAP_DAC_READ_SEARCH);
	if (syscall(SYS_capset, &head, data) < 0) {
		*error_r = t_strdup_printf("capset(CAP_DAC_READ_SEARCH) "
					   "failed: %m");
		return -1;
	}
	return 0;
}
