#!/bin/bash
# build.sh FOLDER: kernel, Xen, disk image and initramfs of the test machines, from Debian packages alone.
# Needs root. A finished folder holds `ready`; what is there already is kept.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")"); LAB=$1; mkdir -p "$LAB"; cd "$LAB"; rm -f ready
WORK=/dev/shm; [ "$(df -Pk $WORK 2>/dev/null | awk 'END{print $4+0}')" -gt 1500000 ] && [ -w $WORK ] || WORK=/tmp
NET='-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20'  # a mirror that hangs is none
D=; R=; I=; trap 'rm -rf ${D:+"$D"} ${R:+"$R"} ${I:+"$I"}' EXIT; trap 'exit 143' TERM INT
P="openssh-server,ocfs2-tools,iproute2,nfs-common,nfs-kernel-server,kmod,iputils-arping,iputils-ping,busybox-static,util-linux,mount,udev,e2fsprogs,procps,multipath-tools,iptables,dmidecode,lvm2,ntpsec,ntpsec-ntpdate,netcat-openbsd,xen-utils-4.17,xenstore-utils"

# 1. kernel and hypervisor; vmlinux is taken out of the bzImage: QEMU starts it through PVH, 3 s less a boot
kernel() { apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-[0-9]/{print $2; exit}'; }
IMG=$(kernel)
# shellcheck disable=SC2086 # NET is a list of words
[ -n "$IMG" ] || { apt-get update -qq $NET; IMG=$(kernel); }
[ -n "$IMG" ] || { echo "apt knows no linux-image-amd64" >&2; exit 1; }
KV=${IMG#linux-image-}
if [ ! -f "k/lib/modules/$KV/modules.dep" ]; then
  D=$(mktemp -d $WORK/debs.XXXX); chmod 755 "$D"
  # shellcheck disable=SC2086
  (cd "$D" && apt-get download -q $NET "$IMG" xen-hypervisor-4.17-amd64 >/dev/null)
  dpkg-deb -x "$D/${IMG}"_*.deb "$LAB/k"; dpkg-deb -x "$D"/xen-hypervisor-*.deb "$D/x"; gzip -dc "$D/x/boot/xen-4.17-amd64.gz" > "$LAB/xen"
  depmod -b k "$KV"
fi
python3 - "k/boot/vmlinuz-$KV" vmlinux <<'PY'
import lzma, pathlib, sys
data = pathlib.Path(sys.argv[1]).read_bytes()
at = data.find(b'\xfd7zXZ\0')
while at >= 0:
    try:
        out = lzma.LZMADecompressor().decompress(data[at:])
        if out[:4] == b'\x7fELF':
            pathlib.Path(sys.argv[2]).write_bytes(out)
            break
    except lzma.LZMAError:
        pass
    at = data.find(b'\xfd7zXZ\0', at + 1)
else:
    sys.exit("no XZ-compressed kernel found")
PY
cp "k/boot/vmlinuz-$KV" vmlinuz

# 2. root file system, from the package sources that this machine itself uses
if [ ! -f root.tar ]; then
  rm -f root.part.tar
  TMPDIR=$WORK mmdebstrap --quiet --mode=root --variant=apt --include="$P" --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Retries "1"' \
    --aptopt='Acquire::http::Timeout "20"' --aptopt='Acquire::https::Timeout "20"' bookworm root.part.tar \
    $(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null)
  mv root.part.tar root.tar
fi

# 3. disk image
R=$(mktemp -d $WORK/root.XXXX); I=$(mktemp -d $WORK/init.XXXX)
tar -C "$R" -xpf root.tar; rm -rf "$R"/usr/lib/udev/hwdb.{bin,d} "$R"/var/cache/apt/* "$R"/var/lib/apt/lists/*
mods() { for m in "$@"; do modprobe -d k -S "$KV" --show-depends "$m" 2>/dev/null | awk '/^insmod/{print $2}'; done | awk '!s[$0]++'; }
MODS="virtio_blk virtio_scsi sd_mod sg virtio_net virtio_pci virtio_rng ext4 loop ocfs2 ocfs2_stack_o2cb ocfs2_dlmfs nfs
 nfsd nfsv3 nfsv4 bridge dm_mod dm_multipath dm_service_time fuse nf_tables nft_compat nft_chain_nat xt_conntrack crc32c_generic
 xen-gntdev xen-evtchn xenfs xen-privcmd xen-gntalloc xen-netback xen-blkback"
for f in $(mods $MODS); do f=$(realpath --relative-to=k "$f"); install -D -m644 "k/$f" "$R/$f"; done
cp k/lib/modules/"$KV"/modules.{order,builtin,builtin.modinfo} "$R/lib/modules/$KV/"; depmod -b "$R" "$KV"
rm -f "$R"/etc/ssh/ssh_host_*; [ -f id ] || ssh-keygen -q -t ed25519 -N '' -f id
install -d -m700 "$R/root/.ssh"; cp id.pub "$R/root/.ssh/authorized_keys"; chmod 700 "$R/root"
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nUsePAM no\nUseDNS no\nSubsystem sftp internal-sftp\n' > "$R/etc/ssh/sshd_config"
ln -sfn /proc/self/mounts "$R/etc/mtab"; : > "$R/etc/fstab"; : > "$R/etc/resolv.conf"
{ echo 127.0.0.1 localhost; for i in $(seq 1 9); do echo "10.77.0.$i vm$i"; done; } > "$R/etc/hosts"
install -m755 "$HERE/labinit" "$HERE/labnet" "$R/sbin/"
printf '::respawn:/usr/sbin/sshd -D -e\n::ctrlaltdel:/bin/busybox reboot -f\n' > "$R/etc/inittab"
rm -f base.raw; mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit -d "$R" base.raw $(( $(du -sm "$R" | cut -f1) + 192 ))M

# 4. initramfs: static busybox and the modules that mount /dev/vda
mkdir -p "$I"/{bin,proc,dev,mnt,m}; cp /bin/busybox "$I/bin/"; L=$(mods virtio_pci virtio_blk ext4 crc32c_generic); cp $L "$I/m/"
cat > "$I/init" <<INIT
#!/bin/busybox sh
B=/bin/busybox
\$B mount -t devtmpfs d /dev; \$B mount -t proc p /proc
for m in $(for f in $L; do basename "$f"; done | tr '\n' ' '); do \$B insmod /m/\$m; done
until \$B mount -t ext4 -o rw,noatime /dev/vda /mnt 2>/dev/null; do \$B usleep 20000; done
\$B mount --move /dev /mnt/dev; \$B umount /proc; exec \$B switch_root /mnt /sbin/labinit
INIT
chmod 755 "$I/init"; (cd "$I"; find . | cpio -o -H newc --quiet) > initrd.cpio
touch ready
