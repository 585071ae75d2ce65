#!/usr/bin/env python3
"""Makes an OCI archive of one uncompressed layer, without a registry or a daemon.

  mkimage.py OUT.tar CONFIG NAME[,NAME...] SOURCE=PATH...

CONFIG is the config object of the image as JSON. SOURCE is a file of this machine, ->TARGET for a link, text:CONTENT
for a file with that content, or dir.
"""
import hashlib
import io
import json
import os
import sys
import tarfile

OCI = "application/vnd.oci.image."


def add(archive, name, data=b"", kind=tarfile.REGTYPE, mode=0o644, link=""):
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.mode, entry.linkname = len(data), kind, mode, link
    archive.addfile(entry, io.BytesIO(data))


def as_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def write_layer(path, pairs):
    seen = set()
    with tarfile.open(path, "w") as layer:
        for pair in pairs:
            source, target = pair.rsplit("=", 1)
            target = target.strip("/")
            parts = target.split("/")
            for n in range(1, len(parts) + (source == "dir")):
                parent = "/".join(parts[:n])
                if parent not in seen:
                    seen.add(parent)
                    add(layer, parent, kind=tarfile.DIRTYPE, mode=0o1777 if parent == "tmp" else 0o755)
            if source.startswith("->"):
                add(layer, target, kind=tarfile.SYMTYPE, link=source[2:])
            elif source.startswith("text:"):
                add(layer, target, source[5:].encode())
            elif source != "dir":
                layer.add(source, target, filter=as_root)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def main():
    out, config, names, *pairs = sys.argv[1:]
    layer_path = out + ".layer"
    write_layer(layer_path, pairs)
    layer = {"mediaType": OCI + "layer.v1.tar", "digest": file_digest(layer_path),
             "size": os.path.getsize(layer_path)}
    machine = {"architecture": "amd64", "os": "linux"}
    image = json.dumps({**machine, "config": json.loads(config),
                        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "layers": [layer],
                           "config": {"mediaType": OCI + "config.v1+json", "digest": digest(image),
                                      "size": len(image)}}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": OCI + "manifest.v1+json", "digest": digest(manifest), "size": len(manifest),
         "platform": machine, "annotations": {"io.containerd.image.name": name}}
        for name in names.split(",")]}).encode()
    with tarfile.open(out, "w") as archive:
        add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(archive, "index.json", index)
        for blob in (image, manifest):
            add(archive, "blobs/sha256/" + digest(blob)[7:], blob)
        archive.add(layer_path, "blobs/sha256/" + layer["digest"][7:])
    os.unlink(layer_path)


main()
