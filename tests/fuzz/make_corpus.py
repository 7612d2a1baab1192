#!/usr/bin/env python3
"""Writes the first inputs of tests/data/corpus: well-formed packets as clients send them, and near misses."""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "data" / "corpus"
COOKIE = bytes.fromhex("63825363")
MAC = bytes.fromhex("52540065d542")


def dhcp(options, op=1, ciaddr=0, giaddr=0, sname=b"", file=b"", hlen=6):
    header = struct.pack("!BBBBIHHIIII", op, 1, hlen, 0, 0x3903F326, 4, 0x8000, ciaddr, 0, 0, giaddr)
    return header + MAC.ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + COOKIE + options


def option(code, data):
    return bytes([code, len(data)]) + data


def pxe(kind, arch, more=b""):
    vendor = b"PXEClient:Arch:%05d:UNDI:003016" % arch
    return (option(53, bytes([kind])) + option(57, b"\x05\xc0") + option(93, struct.pack("!H", arch))
            + option(94, b"\x01\x03\x10") + option(97, b"\0" + bytes(range(16))) + option(60, vendor) + more + b"\xff")


def tftp(*packets):
    return b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)


def request(name, **options):
    pairs = b"".join(key.encode() + b"\0" + str(value).encode() + b"\0" for key, value in options.items())
    return b"\0\x01" + name + b"\0octet\0" + pairs


def ack(block):
    return struct.pack("!HH", 4, block)


DHCP = {
    "discover_bios": dhcp(pxe(1, 0)),
    "discover_uefi_7": dhcp(pxe(1, 7)),
    "discover_uefi_9": dhcp(pxe(1, 9)),
    "discover_ipxe": dhcp(pxe(1, 0, option(77, b"iPXE") + option(175, b"\x13\x01\x01"))),
    "discover_ipxe_prefixed": dhcp(pxe(1, 7, option(77, b"\x04iPXE"))),
    "discover_relayed": dhcp(pxe(1, 0, option(82, b"\x01\x04eth7")), giaddr=0x0A010001),
    "request_4011": dhcp(pxe(3, 7), ciaddr=0xC0A80A65),
    "discover_arm64": dhcp(pxe(1, 11)),
    "discover_http": dhcp(option(53, b"\x01") + option(93, b"\0\x10") + option(60, b"HTTPClient:Arch:00016") + b"\xff"),
    "discover_rpi": dhcp(option(53, b"\x01") + option(93, b"\0\0") + option(60, b"PXEClient:Arch:00000:UNDI:002001")
                         + option(97, b"\0RPi4" + bytes(12)) + b"\xff"),
    "discover_weak_ipxe": dhcp(pxe(1, 0, option(77, b"iPXE") + option(175, b"\x18\x01\x01"))),
    "discover_features": dhcp(pxe(1, 7, option(175, b"\x13\x01\x01\x24\x01\x01\x18\x01\x00"))),
    "discover_option150": dhcp(pxe(1, 0, option(55, b"\x01\x03\x42\x43\x96"))),
    "discover_long_circuit": dhcp(pxe(1, 0, option(82, b"x" * 250)), giaddr=0x0A010001),
    "discover_client_id": dhcp(pxe(1, 7, option(61, b"\x01" + MAC)), hlen=16),
    "request_address": dhcp(option(53, b"\x03") + option(50, b"\x0a\0\0\x09") + b"\xff"),
    "reply": dhcp(pxe(2, 7), op=2),
    "overload_both": dhcp(option(53, b"\x01") + option(52, b"\x03") + b"\xff",
                          sname=option(77, b"c") + b"\xff", file=option(77, b"ab") + b"\xff"),
    "overload_in_overload": dhcp(option(52, b"\x01") + b"\xff", file=option(52, b"\x02") + b"\xff"),
    "overload_runs_out": dhcp(option(52, b"\x01") + b"\xff", file=b"\x4d\xc8"),
    "split_option": dhcp(option(67, b"ab") + option(53, b"\x01") + option(67, b"cd") + b"\xff"),
    "long_option": dhcp(option(67, b"x" * 255) * 3 + b"\xff"),
    "full_names": dhcp(b"\xff", sname=b"s" * 64, file=b"f" * 128),
    "guid_as_address": dhcp(pxe(1, 7), hlen=16),
    "empty_option": dhcp(option(80, b"") + b"\xff"),
    "no_end": dhcp(option(53, b"\x01")),
}

TFTP = {
    "read_plain": tftp(request(b"undionly.kpxe"), *(ack(block) for block in range(1, 11))),
    "read_options": tftp(request(b"/ipxe.efi", blksize=1432, tsize=0, timeout=3), *(ack(block) for block in range(5))),
    "size_probe": tftp(request(b"ipxe.efi", tsize=0), b"\0\x05\0\x08aborted\0"),
    "losses": tftp(request(b"ipxe.efi", blksize=1024), ack(0), b"", b"", ack(1), ack(0), b"", ack(1), ack(2)),
    "silence": tftp(request(b"ipxe.efi"), *([b""] * 8)),
    "backslashes": tftp(request(b"\\ramdisk\\..\\..\\etc\\passwd")),
    "dots": tftp(request(b"../../etc/passwd")),
    "trailing_rubbish": tftp(request(b"undionly.kpxe\xff")),
    "write": tftp(b"\0\x02file\0octet\0"),
    "data": b"\0\x03\0\x01hello",
    "oack": b"\0\x06blksize\x001432\0",
    "error": b"\0\x05\0\x01file not found\0",
    "window": tftp(request(b"ipxe.efi", blksize=8, windowsize=4), ack(0), ack(4), ack(1)),
    "window_gap": tftp(request(b"ipxe.efi", blksize=512, windowsize=8), ack(0), ack(3), ack(3), b"", ack(3), ack(10)),
    "window_huge": tftp(request(b"ipxe.efi", blksize=65464, windowsize=65535), ack(0), ack(4)),
    "serial": tftp(request(b"1a2b3c4d/start4.elf")),
    "shim": tftp(request(b"\\EFI\\BOOT\\grubx64.efi")),
}


QUIRK = {
    "all": b"name=a mac=52:54:00 arch=7 vendor=PXEClient machine=RPi delay_ms=2000 option43=bypass loader=a/b.efi nul=yes "
           b"block=512 window=4 answer=no",
    "least": b"name=a arch=0",
    "whole_mac": b"name=a mac=52:54:00:65:d5:42",
    "loader_out": b"name=a arch=7 loader=../x",
    "nothing": b"",
}


ANSWERS = {
    "plain": tftp(b"de_DE.UTF-8", b"Europe/Berlin", b"kvm-libvirt", b"secret", b"ssh-ed25519 AAAA me", b"WD-1", b"joiner",
                  b"secret", b"OU=Branch", b"echo hello"),
    "lines": tftp(*([b"a\r\nb"] * 10)),
    "quotes": tftp(*([b"'\"`$(id)${x}%PATH%^!"] * 10)),
    "markup": tftp(*([b"]]></a><!--&lt;&#0;<?x?>"] * 10)),
    "empty": tftp(*([b""] * 10)),
    "octets": tftp(*([b"\0\1\x08\x0b\x1f\x7f\x80\xc3\xe2\x80\xff\xfe"] * 10)),
}


def main():
    for target, inputs in {"answers": ANSWERS, "dhcp": DHCP, "tftp": TFTP, "quirk": QUIRK}.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


main()
