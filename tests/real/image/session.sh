#!/bin/bash
# session.sh BASE FOLDER: a machine with systemd, logind and Python, for what survives a logout; kernel from BASE (build.sh).
# Needs root. A finished folder holds `ready`.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")"); BASE=$1; LAB=$2; mkdir -p "$LAB"; cd "$LAB"; rm -f ready
WORK=/dev/shm; [ "$(df -Pk $WORK 2>/dev/null | awk 'END{print $4+0}')" -gt 900000 ] && [ -w $WORK ] || WORK=/tmp
R=; trap 'rm -rf ${R:+"$R"}' EXIT; trap 'exit 143' TERM INT
P="systemd-sysv,libpam-systemd,dbus,dbus-user-session,openssh-server,python3,tmux,iproute2,kmod,busybox-static,procps"
USERS="left killed lingers norun unit muxed plain"

if [ ! -f root.tar ]; then
  rm -f root.part.tar
  # shellcheck disable=SC2046 # a list of files
  TMPDIR=$WORK mmdebstrap --quiet --mode=root --variant=apt --include="$P" --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Retries "1"' \
    --aptopt='Acquire::http::Timeout "20"' --aptopt='Acquire::https::Timeout "20"' bookworm root.part.tar \
    $(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null)
  mv root.part.tar root.tar
fi

R=$(mktemp -d $WORK/root.XXXX)
tar -C "$R" -xpf root.tar; rm -rf "$R"/usr/lib/udev/hwdb.{bin,d} "$R"/var/cache/apt/* "$R"/var/lib/apt/lists/*
KV=$(ls "$BASE/k/lib/modules")
for module in virtio_net virtio_rng; do modprobe -d "$BASE/k" -S "$KV" --show-depends $module; done | awk '/^insmod/{print $2}' | sort -u |
  while read -r file; do install -D -m644 "$file" "$R/${file#"$BASE/k/"}"; done
cp "$BASE"/k/lib/modules/"$KV"/modules.{order,builtin,builtin.modinfo} "$R/lib/modules/$KV/"; depmod -b "$R" "$KV"

# who may come in, and how: the login goes through PAM, so that logind sees a session
rm -f "$R"/etc/ssh/ssh_host_*; cp "$BASE/id" "$BASE/id.pub" .
install -d -m700 "$R/root/.ssh"; cp id.pub "$R/root/.ssh/authorized_keys"; chmod 700 "$R/root"
chroot "$R" groupadd runners
for user in $USERS; do
  chroot "$R" useradd -m -s /bin/bash "$user"
  install -d -m700 "$R/home/$user/.ssh"; cp id.pub "$R/home/$user/.ssh/authorized_keys"
  chroot "$R" chown -R "$user:$user" "/home/$user/.ssh"
  [ "$user" = norun ] || chroot "$R" usermod -aG runners "$user"
done
chroot "$R" sh -c 'chgrp runners /usr/bin/systemd-run && chmod 750 /usr/bin/systemd-run'  # for norun it is not there
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin prohibit-password\nUsePAM yes\nUseDNS no\nMaxStartups 50\n' > "$R/etc/ssh/sshd_config"
rm -f "$R/etc/resolv.conf"; : > "$R/etc/resolv.conf"; : > "$R/etc/fstab"; echo '127.0.0.1 localhost' > "$R/etc/hosts"

# systemd is started where build.sh's initramfs looks for its own small init
install -m755 "$HERE/labnet" "$R/sbin/"; ln -sfn /lib/systemd/systemd "$R/sbin/labinit"
S=$R/etc/systemd/system; mkdir -p "$S"/{sysinit,multi-user}.target.wants
printf '[Unit]\nDefaultDependencies=no\nBefore=network.target ssh.service sysinit.target\nAfter=systemd-remount-fs.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/sbin/labnet\n' > "$S/labnet.service"
ln -sf ../labnet.service "$S/sysinit.target.wants/"; ln -sfn /lib/systemd/system/multi-user.target "$S/default.target"
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer logrotate.timer \
  dpkg-db-backup.timer getty@tty1.service serial-getty@ttyS0.service systemd-pcrphase.service systemd-timesyncd.service; do ln -sf /dev/null "$S/$unit"; done
for place in system user; do
  mkdir -p "$R/etc/systemd/$place.conf.d"; printf '[Manager]\nDefaultTimeoutStopSec=5s\n' > "$R/etc/systemd/$place.conf.d/quick.conf"
done
mkdir -p "$R/etc/systemd/logind.conf.d"
printf '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root left\nUserStopDelaySec=1\n' > "$R/etc/systemd/logind.conf.d/test.conf"

mkdir -p "$R/etc/systemd/journald.conf.d"; printf '[Journal]\nStorage=none\n' > "$R/etc/systemd/journald.conf.d/quick.conf"

rm -f base.raw; mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit -d "$R" base.raw $(( $(du -sm "$R" | cut -f1) + 192 ))M
ln -sfn "$BASE/vmlinux" vmlinux; ln -sfn "$BASE/initrd.cpio" initrd.cpio
touch ready
