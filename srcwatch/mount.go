package srcwatch

import "golang.org/x/sys/unix"

// silentMounts are the file systems whose files others change without this
// kernel: over the network, or below a container or a virtual machine. Magic
// numbers are those of linux/magic.h and statfs(2).
var silentMounts = map[int64]string{
	unix.NFS_SUPER_MAGIC:       "NFS",
	unix.SMB_SUPER_MAGIC:       "SMB",
	unix.SMB2_SUPER_MAGIC:      "SMB",
	unix.CIFS_SUPER_MAGIC:      "CIFS",
	unix.V9FS_MAGIC:            "9p",
	unix.FUSE_SUPER_MAGIC:      "FUSE", // virtiofs, sshfs, Docker Desktop's shares
	unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
	unix.AFS_SUPER_MAGIC:       "AFS",
	unix.CEPH_SUPER_MAGIC:      "Ceph",
	0x786f4256:                 "vboxsf",
	0xbacbacbc:                 "vmhgfs",
}

// silentMount names the kind of the mount that path lies on when it reports no
// changes; else it is empty.
func silentMount(path string) string {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return ""
	}
	return silentMounts[int64(st.Type)&0xffffffff]
}
