package servicetest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// StartUpload is Start for a server that saves files, into the folder that it
// returns.
func StartUpload(t testing.TB, address string) (s *Service, folder string) {
	t.Helper()
	folder = t.TempDir()
	return Start(t, address, "TMPDIR="+folder), folder
}

// WantUpload uploads a file of so many bytes with the real client, and ends the
// test unless the server has the same.
func (s *Service) WantUpload(folder, name string, size int) {
	s.t.Helper()
	path, saved := filepath.Join(s.t.TempDir(), name), filepath.Join(folder, name)
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.WantClient("upload success. save path "+saved+"\n", path)
	if got, err := os.ReadFile(saved); err != nil || !bytes.Equal(got, data) {
		s.t.Fatalf("%s: %d bytes, %v, not the %d that were sent", saved, len(got), err, size)
	}
}

// WantTooLarge ends the test unless a file above the limit is refused and the
// client says so.
func (s *Service) WantTooLarge() {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, 11<<20), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.WantClient("upload failed: file too large\n", path)
}

// WantUsage ends the test unless the client says how it is used, and what is
// wrong with a file that is not there.
func (s *Service) WantUsage() {
	s.t.Helper()
	if out, err := s.Client(); err == nil || out != "use client FILE_PATH\n" {
		s.t.Fatalf("client without a file: %v, %q", err, out)
	}
	path := filepath.Join(s.t.TempDir(), "none.png")
	if out, err := s.Client(path); err == nil || out != path+" not exist\n" {
		s.t.Fatalf("client without such a file: %v, %q", err, out)
	}
}

// WantFiles ends the test unless these files are in folder, and no others.
func WantFiles(t testing.TB, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(entries))
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s has %q, want %q", folder, got, want)
	}
}
