# The first process of a lab host: prepares its own view of the machine, then adopts what is left behind.
#
#   sh node.sh DIRECTORY NAME UID
#
# Runs in mount, process, network and UTS namespaces of its own. DIRECTORY/home is the account's home and lasts
# from boot to boot; DIRECTORY/etc holds the files of /etc that are its own.
set -eu
directory=$1 name=$2 uid=$3

hostname "$name"
# A private copy of all of /etc: a file that is bound alone is let go when the machine replaces it by renaming.
mkdir -p "$directory/root_etc"
mount -t tmpfs -o mode=755 tmpfs "$directory/root_etc"
cp -a /etc/. "$directory/root_etc/"
for file in passwd group shadow; do cp --preserve=mode "$directory/etc/$file" "$directory/root_etc/$file"; done
mount --bind "$directory/root_etc" /etc
mount -t tmpfs -o mode=755 tmpfs /home
mkdir -p /home/batch
mount --bind "$directory/home" /home/batch
chown "$uid:$uid" /home/batch
mkdir -p /run/sshd
# Every boot has an id of its own, as on a real host.
cat /proc/sys/kernel/random/uuid >"$directory/boot_id"
mount --bind "$directory/boot_id" /proc/sys/kernel/random/boot_id
ip link set lo up
ulimit -c 0
trap : TERM INT HUP
echo up >"$directory/ready"
while :; do
    sleep 3600 &
    wait $! || :
done
