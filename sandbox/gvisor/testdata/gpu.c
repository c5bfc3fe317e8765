/* What a program sees of a GPU: a line for each device file and library. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void device(const char *path) {
	struct stat st;
	if (stat(path, &st) != 0) {
		printf("%s: none\n", path);
		return;
	}
	int fd = open(path, O_RDWR);
	char buf[72] = {0};
	/* nvidia's "which version are you?" */
	int rc = fd < 0 ? 0 : ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'F', 210, sizeof buf), buf);
	printf("%s: %s %u:%u open %s ioctl %s\n", path, S_ISCHR(st.st_mode) ? "char" : "other", major(st.st_rdev), minor(st.st_rdev),
		fd < 0 ? strerror(errno) : "ok", rc == 0 ? "ok" : strerror(errno));
}

static void library(const char *name) {
	void *l = dlopen(name, RTLD_NOW);
	int (*version)(int *) = l ? (int (*)(int *))dlsym(l, "cuDriverGetVersion") : 0;
	int v = 0;
	if (version)
		version(&v);
	printf("%s: %d\n", name, v);
}

int main(void) {
	device("/dev/nvidiactl");
	device("/dev/nvidia0");
	device("/dev/nvidia1");
	printf("uvm: %d\n", access("/dev/nvidia-uvm", F_OK) == 0);
	library("libcuda.so.1");
	library("libcuda.so");
	const char *path = getenv("LD_LIBRARY_PATH");
	printf("path %s\n", path ? path : "-");
	printf("smi: %d\n", access("/usr/local/nvidia/bin/nvidia-smi", X_OK) == 0);
	/* It is the attempt's own layer that is written. */
	int fd = open("/usr/local/nvidia/bin/nvidia-smi", O_WRONLY | O_TRUNC);
	printf("write: %d\n", fd >= 0 && write(fd, "x", 1) == 1);
	return 0;
}
