/* A libcuda.so.1 of one device, which is the processor: what program.py calls of a driver, and the two kernels
 * written once more, from the description in gpuproof.go. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COLS 4096
#define ROWS 256
#define WIDTH 32
#define MIX 256
#define WORDS (COLS / 4)

static size_t used;
static const size_t total = 64u << 20;

int cuInit(unsigned flags) { return flags; }
int cuDeviceGetCount(int *n) { return *n = 1, 0; }
int cuDeviceGet(int *device, int number) { return *device = 7, number == 0 ? 0 : 101; }
int cuDeviceGetName(char *name, int len, int device) { return strncpy(name, "Processor", len), device == 7 ? 0 : 101; }
int cuDeviceTotalMem_v2(size_t *size, int device) { return *size = total, device == 7 ? 0 : 101; }
int cuDriverGetVersion(int *v) { return *v = 12080, 0; }
int cuCtxCreate_v2(void **context, unsigned flags, int device) { return *context = &used, flags == 0 && device == 7 ? 0 : 1; }
int cuCtxSynchronize(void) { return 0; }
int cuModuleLoadData(void **module, const char *ptx) { return *module = &used, strncmp(ptx, ".version", 8) != 0; }
int cuMemGetInfo_v2(size_t *free, size_t *all) { return *free = total - used, *all = total, 0; }
int cuGetErrorName(int rc, const char **name) { return *name = rc == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_A_TEST", 0; }

int cuModuleGetFunction(void **function, void *module, const char *name) {
	static char fill, product;
	*function = strcmp(name, "fill") == 0 ? &fill : &product;
	if (*function == &product && strcmp(name, "product") != 0)
		return 500;
	/* The kernel's name is kept where the pointer leads. */
	*(char *)*function = name[0];
	return module == &used ? 0 : 400;
}

int cuMemAlloc_v2(uint64_t *at, size_t size) {
	size_t *block;
	if (size > total - used || !(block = malloc(size + 64)))
		return 2;
	*block = size;
	used += size;
	*at = (uint64_t)(uintptr_t)block + 64;
	return 0;
}

int cuMemFree_v2(uint64_t at) {
	size_t *block = (size_t *)(uintptr_t)(at - 64);
	used -= *block;
	free(block);
	return 0;
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t size) { return memcpy((void *)(uintptr_t)to, from, size), 0; }
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size) { return memcpy(to, (void *)(uintptr_t)from, size), 0; }

int cuMemsetD32_v2(uint64_t at, unsigned value, size_t n) {
	for (size_t i = 0; i < n; i++)
		((uint32_t *)(uintptr_t)at)[i] = value;
	return 0;
}

static void step(uint32_t *a, uint32_t *b, uint32_t k) {
	*a = (*a ^ *a >> 16) * 0x85ebca6bu + *b + k;
	*b = (*b ^ *b >> 13) * 0xc2b2ae35u + *a;
}

static void fill(uint32_t *memory, uint32_t group, const uint32_t *k) {
	for (uint64_t w = 0; w < (uint64_t)WORDS * ROWS; w++) {
		uint64_t i = (uint64_t)group * WORDS * ROWS + w;
		uint32_t a = (uint32_t)i ^ k[0], b = (uint32_t)(i >> 32) ^ k[1];
		for (int t = 0; t < MIX; t++)
			step(&a, &b, k[t % 8]);
		memory[i] = a;
	}
}

static void product(const uint32_t *memory, const float *v, uint64_t *sums, uint32_t group) {
	for (uint32_t r = 0; r < ROWS; r++) {
		double c[WIDTH] = {0};
		for (int n = 0; n < COLS; n++) {
			uint32_t word = memory[((uint64_t)group * WORDS + n / 4) * ROWS + r];
			for (int p = 0; p < WIDTH; p++)
				c[p] += (double)(word >> 8 * (n % 4) & 63) * v[n * WIDTH + p];
		}
		uint32_t a = group, b = r;
		for (int p = 0; p < WIDTH; p++)
			step(&a, &b, (uint32_t)c[p]);
		step(&a, &b, 0);
		step(&a, &b, 0);
		sums[group] += (uint64_t)a << 32 | b;
	}
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream,
	void **params, void **extra) {
	if (gy != 1 || gz != 1 || bx != ROWS || by != 1 || bz != 1 || shared != 0 || stream || extra || gx == 0)
		return 1;
	for (unsigned block = 0; block < gx; block++) {
		if (*(char *)function == 'f') {
			uint32_t k[8];
			for (int i = 0; i < 8; i++)
				k[i] = *(uint32_t *)params[2 + i];
			fill(*(uint32_t **)params[0], *(uint32_t *)params[1] + block, k);
		} else {
			product(*(uint32_t **)params[0], *(float **)params[1], *(uint64_t **)params[2], *(uint32_t *)params[3] + block);
		}
	}
	return 0;
}
