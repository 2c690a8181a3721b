package binarytransfer

import (
	"path/filepath"
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
	"github.com/workerman-go/wm/examples/upload"
)

const address = "127.0.0.1:8333"

func TestUploadWithTheClient(t *testing.T) {
	s, folder := servicetest.StartUpload(t, address)
	s.WantUpload(folder, "logo.png", 3<<20)
	s.WantUpload(folder, "empty", 0)
	s.WantTooLarge()
	s.WantUsage()
	servicetest.WantFiles(t, folder, "empty", "logo.png")
}

func TestHostileUploads(t *testing.T) {
	s, folder := servicetest.StartUpload(t, address)
	const failed, success = "upload failed: bad file name", "upload success. save path "
	conn := s.Dial()
	for _, tt := range []struct{ name, want string }{
		{"../../etc/passwd", success + filepath.Join(folder, "passwd")},
		{"/passwd", success + filepath.Join(folder, "passwd-2")},
		{"..", failed},
		{"a\x00b", failed},
		{".bashrc", failed},
		{"", failed},
	} {
		frame, err := Protocol{}.Encode(nil, upload.File{Name: tt.name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(frame)
		servicetest.WantReply(t, conn, tt.want)
	}
	for _, lie := range []string{
		"\x00\x00\x00\x00\x00", "\x00\x00\x00\x04\x00", "\x00\x00\x00\x0c\x08",
	} {
		bad := s.Dial()
		bad.Write([]byte(lie))
		servicetest.WantClosed(t, bad)
	}
	servicetest.WantFiles(t, folder, "passwd", "passwd-2")
}
