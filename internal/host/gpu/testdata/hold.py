"""hold.py MIB: has that much memory of the first visible GPU until it is killed.
hold.py order: the PCI bus ids of all GPUs, in CUDA's order, one a line.

Only the driver's own library is needed."""
import ctypes
import os
import sys
import time

cuda = ctypes.CDLL("libcuda.so.1")


def call(name, *args):
    code = getattr(cuda, name)(*args)
    if code:
        sys.exit("%s: CUDA error %d" % (name, code))


def device(index):
    handle = ctypes.c_int()
    call("cuDeviceGet", ctypes.byref(handle), ctypes.c_int(index))
    return handle


call("cuInit", ctypes.c_uint(0))
if sys.argv[1] == "order":
    count = ctypes.c_int()
    call("cuDeviceGetCount", ctypes.byref(count))
    for i in range(count.value):
        text = ctypes.create_string_buffer(64)
        call("cuDeviceGetPCIBusId", text, ctypes.c_int(64), device(i))
        print(text.value.decode())
    sys.exit(0)
context, memory = ctypes.c_void_p(), ctypes.c_uint64()
call("cuCtxCreate_v2", ctypes.byref(context), ctypes.c_uint(0), device(0))
call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(int(sys.argv[1]) << 20))
print("holds", os.getpid(), flush=True)
time.sleep(300)
