/* Uses the first GPU: 64 MiB of it are filled, and read back. Exit code 0: all is right. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE (64u << 20)

static void *cuda;

static void *symbol(const char *name) {
	void *s = dlsym(cuda, name);
	if (!s) {
		printf("libcuda has no %s\n", name);
		exit(2);
	}
	return s;
}

static void must(const char *what, int rc) {
	if (rc != 0) {
		printf("%s: CUDA error %d\n", what, rc);
		exit(3);
	}
}

int main(void) {
	cuda = dlopen("libcuda.so.1", RTLD_NOW);
	if (!cuda) {
		printf("%s\n", dlerror());
		return 1;
	}
	int count = 0, device = 0;
	void *context = 0;
	unsigned long long memory = 0;
	char name[128] = "";
	must("cuInit", ((int (*)(unsigned))symbol("cuInit"))(0));
	must("cuDeviceGetCount", ((int (*)(int *))symbol("cuDeviceGetCount"))(&count));
	must("cuDeviceGet", ((int (*)(int *, int))symbol("cuDeviceGet"))(&device, 0));
	must("cuDeviceGetName", ((int (*)(char *, int, int))symbol("cuDeviceGetName"))(name, sizeof name, device));
	must("cuCtxCreate", ((int (*)(void **, unsigned, int))symbol("cuCtxCreate_v2"))(&context, 0, device));
	must("cuMemAlloc", ((int (*)(unsigned long long *, size_t))symbol("cuMemAlloc_v2"))(&memory, SIZE));
	must("cuMemsetD32", ((int (*)(unsigned long long, unsigned, size_t))symbol("cuMemsetD32_v2"))(memory, 0xa27e1, SIZE / 4));
	unsigned *back = malloc(SIZE);
	must("cuMemcpyDtoH", ((int (*)(void *, unsigned long long, size_t))symbol("cuMemcpyDtoH_v2"))(back, memory, SIZE));
	for (unsigned i = 0; i < SIZE / 4; i++)
		if (back[i] != 0xa27e1) {
			printf("word %u is %x\n", i, back[i]);
			return 4;
		}
	printf("%d devices, the first is %s\n", count, name);
	return 0;
}
