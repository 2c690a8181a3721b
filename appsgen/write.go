package appsgen

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// write replaces file in one step, so that no reader, build or crash ever
// meets half a list.
func write(file string, src []byte, mode fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(src); err != nil {
		return err
	}
	if err := tmp.Chmod(mode); err != nil {
		return err
	}
	if err := keepOwner(tmp, file); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// keepOwner gives the new file to whom the old one belongs, or its folder when
// there is none: a tree must stay editable for its owner after root ran wm.
func keepOwner(tmp *os.File, file string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Lstat(filepath.Dir(file))
	}
	if err != nil {
		return err
	}
	made, err := tmp.Stat()
	if err != nil {
		return err
	}
	want, have := info.Sys().(*syscall.Stat_t), made.Sys().(*syscall.Stat_t)
	if want.Uid == have.Uid && want.Gid == have.Gid {
		return nil // also when the thread already works as the owner and may not chown
	}
	return tmp.Chown(int(want.Uid), int(want.Gid))
}
