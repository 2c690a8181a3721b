package http1

import (
	"strconv"
	"strings"
	"testing"

	"github.com/workerman-go/wm/protocol"
)

// crowd is a form of many files, of which the last is cut when it is broken.
func crowd(broken bool) string {
	var form strings.Builder
	for i := range 2 * fewFiles {
		form.WriteString(file("f[]", strconv.Itoa(i), "content "+strconv.Itoa(i)))
	}
	if broken {
		return form.String()
	}
	return form.String() + endOfForm
}

// A thousand small files took the loop 400 ms on a busy disk.
func TestManyFilesAreWrittenAndDeletedOffTheLoop(t *testing.T) {
	for name, wire := range map[string]string{
		"whole":   post(formType, crowd(false)),
		"chunked": chunkedForm(crowd(false), 100),
		"broken":  post(formType, crowd(true)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := uploadsTo(t)
			c := &awaiting{conn: *newConn()}
			n, err := http1{}.Input([]byte(wire), c)
			if err != nil || n != len(wire) {
				t.Fatalf("length %d, %v", n, err)
			}
			frame := []byte(wire)
			if _, err := (http1{}).Decode(frame, c); err != protocol.Wait || c.work == nil {
				t.Fatalf("%v before the files are written", err)
			}
			if files(t, dir) != nil {
				t.Error("files were written on the loop")
			}
			c.work()
			c.work = nil
			v, err := http1{}.Decode(frame, c)
			if err != nil {
				t.Fatal(err)
			}
			r := v.(*Request)
			if got := len(files(t, dir)); got < 2*fewFiles-1 || len(r.Files()) != 2*fewFiles {
				t.Errorf("%d files, %d uploads", got, len(r.Files()))
			}
			if got := content(t, r.File("f[3]")); got != "content 3" || string(r.RawBody()) == "" {
				t.Errorf("content %q, %d bytes of body", got, len(r.RawBody()))
			}
			c.send(t, "thanks")
			http1{}.Released(c)
			if c.work == nil {
				t.Fatal("files were deleted on the loop")
			}
			c.work()
			if left := files(t, dir); left != nil {
				t.Errorf("files %q are left", left)
			}
		})
	}
}

func TestManyFilesOfOneWhoLeaves(t *testing.T) {
	dir := uploadsTo(t)
	c := &awaiting{conn: *newConn()}
	wire := []byte(post(formType, crowd(false)))
	if _, err := c.decode(t, wire); err != protocol.Wait {
		t.Fatal(err)
	}
	http1{}.OnClose(c)
	c.work()
	if left := files(t, dir); left != nil {
		t.Errorf("files %q are left", left)
	}
}
