package texttransfer

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/workerman-go/wm/examples/servicetest"
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
	conn.Write([]byte(`{"file_name":"../../etc/passwd","file_data":"YQ=="}` + "\n" +
		`{"file_name":"..","file_data":"YQ=="}` + "\n" +
		`{"file_name":"a\u0000b","file_data":"YQ=="}` + "\n" +
		`{"file_data":"YQ=="}` + "\n" +
		`{"file_name":"/passwd","file_data":"YQ=="}` + "\n"))
	servicetest.WantReply(t, conn, success+filepath.Join(folder, "passwd")+
		strings.Repeat(failed, 3)+success+filepath.Join(folder, "passwd-2"))

	bad := s.Dial()
	bad.Write([]byte("hello\n"))
	servicetest.WantClosed(t, bad)
	servicetest.WantFiles(t, folder, "passwd", "passwd-2")
}
