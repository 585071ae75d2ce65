# Downloads the files of a model that an engine loads: ID REVISION WEIGHTS_DIR LOAD_FORMAT, each but ID may be empty.
# A fifth argument "look" ends before the first byte: the hub lists the model, and its files fit on the disk.
import fnmatch, glob, os, shutil, sys
import huggingface_hub as hub

name, revision, weights_dir, load_format = sys.argv[1:5]
revision = revision or None
listed = hub.HfApi().model_info(name, revision=revision, files_metadata=True).siblings
# Engines load no directory of a repository: original/, metal/ and onnx/ have the weights once more.
sizes = {f.rfilename: f.size or 0 for f in listed if "/" not in f.rfilename}

# As vLLM: the first kind that is there, and no weights for the format dummy.
kinds = {"": ["*.safetensors", "*.bin", "*.pt"], "auto": ["*.safetensors", "*.bin", "*.pt"],
         "safetensors": ["*.safetensors"], "pt": ["*.pt", "*.bin"], "mistral": ["consolidated*.safetensors"], "dummy": []}
found = [fnmatch.filter(sizes, kind) for kind in kinds.get(load_format, ["*"])]
weights = next(filter(None, found), [])
other = ["*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.tflite"]
rest = [f for f in sizes if not any(fnmatch.fnmatch(f, kind) for kind in other)]


def fetch(files, cache):
    missing = sum(sizes[f] for f in files
                  if not isinstance(hub.try_to_load_from_cache(name, f, cache_dir=cache, revision=revision), str))
    place = os.path.abspath(cache or hub.constants.HF_HUB_CACHE)
    while not os.path.exists(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free
    if missing > free:
        sys.exit(f"{missing / 2**30:.1f} GiB have to be downloaded, and {place} has {free / 2**30:.1f} GiB free: "
                 "free some space, or set HF_HOME to a directory on another disk")
    if files and sys.argv[5:] != ["look"]:
        hub.snapshot_download(name, revision=revision, cache_dir=cache, allow_patterns=[glob.escape(f) for f in files])


if weights_dir:
    fetch(rest, None)
    fetch(weights, weights_dir)
else:
    fetch(list(dict.fromkeys(rest + weights)), None)
