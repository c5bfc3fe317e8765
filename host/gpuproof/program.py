# Answers questions about the GPU that this box has: see package gpuproof. It reads a line of JSON for each
# and writes lines of JSON; nothing is needed but Python 3.6 and the driver's libcuda.so.1.
import array, base64, ctypes, hashlib, json, struct, sys

PTX = """@PTX@"""

COLS, ROWS, WIDTH = 4096, 256, 32
GROUP = COLS * ROWS
SLICE = 4096  # groups of a launch: what a display's watchdog bears


class Failed(Exception):
    pass


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Device:
    def __init__(self, number):
        try:
            self.lib = ctypes.CDLL("libcuda.so.1")
        except OSError as e:
            raise Failed("load libcuda.so.1: %s" % e)
        self.call("cuInit", 0)
        count, device, context, module = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuDeviceGetCount", ctypes.byref(count))
        self.call("cuDeviceGet", ctypes.byref(device), number)
        name, total, version = ctypes.create_string_buffer(128), ctypes.c_size_t(), ctypes.c_int()
        self.call("cuDeviceGetName", name, 128, device)
        self.call("cuDeviceTotalMem_v2", ctypes.byref(total), device)
        self.call("cuDriverGetVersion", ctypes.byref(version))
        self.call("cuCtxCreate_v2", ctypes.byref(context), 0, device)
        self.call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(PTX.encode()))
        self.fill, self.product = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(self.fill), module, b"fill")
        self.call("cuModuleGetFunction", ctypes.byref(self.product), module, b"product")
        free, all_ = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(all_))
        self.about = dict(name=name.value.decode("ascii", "replace"), devices=count.value, memory=total.value, free=free.value, cuda=version.value)

    def call(self, name, *args):
        try:
            f = getattr(self.lib, name)
        except AttributeError:
            raise Failed("libcuda.so.1 has no %s" % name)
        rc = f(*args)
        if rc != 0:
            text = ctypes.c_char_p()
            try:
                self.lib.cuGetErrorName(rc, ctypes.byref(text))
            except AttributeError:
                pass
            raise Failed("%s: %s" % (name, text.value.decode("ascii", "replace") if text.value else "CUDA error %d" % rc))

    def alloc(self, size):
        at = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(at), ctypes.c_size_t(size))
        return at

    def launch(self, kernel, groups, params):
        """One block for each group, in slices; params ends with the first group's number."""
        for first in range(0, groups, SLICE):
            values = params(ctypes.c_uint32(first))
            pointers = (ctypes.c_void_p * len(values))(*[ctypes.cast(ctypes.byref(v), ctypes.c_void_p) for v in values])
            self.call("cuLaunchKernel", kernel, min(SLICE, groups - first), 1, 1, ROWS, 1, 1, 0, None, pointers, None)
            self.call("cuCtxSynchronize")

    def answer(self, seed, groups, passes):
        held = []
        try:
            for size in (groups * GROUP, COLS * WIDTH * 4, groups * 8):
                held.append(self.alloc(size))
            memory, vector, sums = held
            keys = [ctypes.c_uint32(k) for k in struct.unpack("<8I", hashlib.sha256(b"artel gpu 1 keys\0\0" + seed).digest())]
            self.launch(self.fill, groups, lambda first: [memory, first] + keys)
            digest = hashlib.sha256(b"artel gpu 1 start\0" + seed + struct.pack("<II", groups, passes)).digest()
            six = bytes(i & 63 for i in range(256))
            found = []
            for _ in range(passes):
                text = b"".join(hashlib.sha256(b"artel gpu 1 vector" + digest + struct.pack("<I", i)).digest() for i in range(COLS * WIDTH // 32))
                v = array.array("f", list(text.translate(six)))
                self.call("cuMemcpyHtoD_v2", vector, ctypes.c_void_p(v.buffer_info()[0]), ctypes.c_size_t(COLS * WIDTH * 4))
                self.call("cuMemsetD32_v2", sums, 0, ctypes.c_size_t(groups * 2))
                self.launch(self.product, groups, lambda first: [memory, vector, sums, first])
                back = ctypes.create_string_buffer(groups * 8)
                self.call("cuMemcpyDtoH_v2", back, sums, ctypes.c_size_t(groups * 8))
                found.append(back.raw)
                digest = hashlib.sha256(b"artel gpu 1 pass\0\0" + digest + back.raw).digest()
            say(digest=digest.hex())
            for raw in found:
                say(sums=base64.b64encode(raw).decode())
        finally:
            for at in held:
                self.lib.cuMemFree_v2(at)


def main():
    try:
        device = Device(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
        say(ready=device.about)
        for line in iter(sys.stdin.readline, ""):
            q = json.loads(line)
            device.answer(bytes.fromhex(q["seed"]), q["groups"], q["passes"])
    except Failed as e:
        say(error=str(e))
        return 1
    return 0


sys.exit(main())
