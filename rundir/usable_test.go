package rundir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the checks say is what opening says, and they make nothing.
func TestChecksAgreeWithOpening(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	folder := filepath.Join(dir, "folder")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		filepath.Join(dir, "new"), file, link, folder, filepath.Join(dir, "none", "file"), os.DevNull,
	} {
		_, before := os.Lstat(path)
		checks := map[string]error{"pid": CheckPidFile(path), "stdout": CheckStdoutFile(path)}
		_, checks["log"] = CheckLogFile(path)
		if _, after := os.Lstat(path); (before == nil) != (after == nil) {
			t.Errorf("the checks changed %s", path)
		}
		for what, opened := range map[string]error{
			"pid": WritePidFile(path, 1), "log": openedLog(path), "stdout": openedStdout(path),
		} {
			if (checks[what] == nil) != (opened == nil) {
				t.Errorf("%s file %s: the check says %v, opening %v", what, path, checks[what], opened)
			}
		}
		os.Remove(filepath.Join(dir, "new"))
	}
}

func openedLog(path string) error {
	log, err := OpenLog(LogConfig{Path: path})
	if err == nil {
		err = log.Close()
	}
	return err
}

func openedStdout(path string) error {
	file, err := OpenStdout(path)
	if err == nil {
		err = file.Close()
	}
	return err
}

func TestUsableMakesNoDirectory(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "run")
	if err := (Dir{Path: missing}).Usable(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(missing); err == nil {
		t.Error("it was made")
	}
	err := Dir{Path: filepath.Join(missing, "deeper")}.Usable()
	if err == nil || !strings.Contains(err.Error(), "nor does its parent") {
		t.Errorf("without a parent: %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	err = Dir{Path: dir}.Usable()
	if err == nil || !strings.Contains(err.Error(), "--run-dir") {
		t.Errorf("open to others: %v", err)
	}
}
