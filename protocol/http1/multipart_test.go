package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const formType = "multipart/form-data; boundary=b"

// part is a part of a form with the boundary b.
func part(header, content string) string {
	return "--b\r\n" + header + "\r\n\r\n" + content + "\r\n"
}

func field(name, value string) string {
	return part(`Content-Disposition: form-data; name="`+name+`"`, value)
}

func file(name, path, content string) string {
	return part(`Content-Disposition: form-data; name="`+name+`"; filename="`+path+
		"\"\r\nContent-Type: text/x", content)
}

const endOfForm = "--b--\r\n"

// uploadsTo makes dir of the test the place of uploads.
func uploadsTo(t testing.TB) string {
	t.Helper()
	dir, before := t.TempDir(), UploadTmpDir
	UploadTmpDir = dir
	t.Cleanup(func() { UploadTmpDir = before })
	return dir
}

// streamAbove makes larger forms go to files.
func streamAbove(t testing.TB, size int) {
	t.Helper()
	before := MaxUploadMemory
	MaxUploadMemory = size
	t.Cleanup(func() { MaxUploadMemory = before })
}

// files are the names in dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func content(t testing.TB, u *Upload) string {
	t.Helper()
	f, err := u.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || int64(len(b)) != u.Size {
		t.Errorf("%d bytes, %v, want %d", len(b), err, u.Size)
	}
	return string(b)
}

// answerAll is the end of the request of c.
func answerAll(t testing.TB, c *conn) {
	t.Helper()
	http1{}.Released(c)
	c.send(t, "answer")
}

// overMemoryAndDisk runs fn with forms that are held in memory, and with such
// that go to files while they come.
func overMemoryAndDisk(t *testing.T, fn func(t *testing.T)) {
	t.Run("memory", fn)
	t.Run("disk", func(t *testing.T) {
		streamAbove(t, 64)
		fn(t)
	})
}

func TestMultipartForm(t *testing.T) {
	overMemoryAndDisk(t, func(t *testing.T) {
		dir := uploadsTo(t)
		body := "preamble\r\n" + field("a", "1") + field("l[]", "x") + field("l[]", "y\r\nz") +
			file("f", `C:\dir\..\f.txt`, "hello") + file("g[k][]", "../../etc/passwd", "\r\n--bx\r\n") +
			file("g[k][]", "..", "") + field("", "no name") + part("X: y", "no name") +
			file("none", "", "") + field("a", "2") + field("empty", "") + endOfForm + "epilogue"
		c := newConn()
		err := c.receive(func(r *Request) {
			want := Values{"a": "2", "l": Values{"0": "x", "1": "y\r\nz"}, "empty": ""}
			if got := r.Form(); !reflect.DeepEqual(got, want) {
				t.Errorf("form %q, want %q", got, want)
			}
			f := r.File("f")
			if f == nil || f.Name != "f.txt" || f.FullPath != `C:\dir\..\f.txt` || f.Type != "text/x" ||
				content(t, f) != "hello" {
				t.Errorf("file %+v", f)
			}
			first, second := r.File("g[k][0]"), r.File("g[k][1]")
			if first.Name != "passwd" || content(t, first) != "\r\n--bx\r\n" || first.Field != "g[k][0]" {
				t.Errorf("file %+v", first)
			}
			if second.Name != "" || content(t, second) != "" {
				t.Errorf("file %+v", second)
			}
			none := r.File("none")
			if _, err := none.Open(); none.Err != ErrNoUpload || err != ErrNoUpload || none.TmpName != "" {
				t.Errorf("no file: %+v, %v", none, err)
			}
			if r.File("g") != nil || r.File("a") != nil || r.File("x") != nil {
				t.Error("a file that was not sent")
			}
			if got := len(r.Files()); got != 4 || len(files(t, dir)) != 3 {
				t.Errorf("%d files, %q", got, files(t, dir))
			}
			if r.Header("Content-Type") != formType || r.Path() != "/p" {
				t.Errorf("head of %s", summary(r))
			}
		}, []byte(post(formType, body)))
		if err != nil {
			t.Fatal(err)
		}
		answerAll(t, c)
		if left := files(t, dir); left != nil {
			t.Errorf("files %q are left", left)
		}
	})
}

// A header of 16 KiB may be folded thousands of times. Copying it each time took
// 300 ms for a form of 700 KB.
func TestFoldedHeadersAreCopiedOnce(t *testing.T) {
	lines := []byte("Content-Disposition: form-data;" + strings.Repeat("\r\n x=1", 2500) + "\r\n")
	var value string
	allocs := testing.AllocsPerRun(5, func() {
		value = partHeader(lines, "content-disposition")
	})
	if want := "form-data;" + strings.Repeat(" x=1", 2500); value != want {
		t.Errorf("%d bytes, want %d", len(value), len(want))
	}
	if allocs > 20 {
		t.Errorf("%v allocations", allocs)
	}
}

// A part that is a multipart body itself is content.
func TestNestedMultipartIsContent(t *testing.T) {
	uploadsTo(t)
	inner := "--bc\r\nContent-Disposition: form-data; name=\"in\"\r\n\r\nx\r\n--bc--"
	r := decoded(t, post(formType, part("Content-Disposition: form-data; name=\"o\"\r\n"+
		"Content-Type: multipart/mixed; boundary=bc", inner)+endOfForm))
	if want := (Values{"o": inner}); !reflect.DeepEqual(r.Form(), want) {
		t.Errorf("form %q, want %q", r.Form(), want)
	}
}

// What is held in memory is delivered with what came before the fault, what goes
// to files is refused.
func TestBrokenForms(t *testing.T) {
	long := strings.Repeat("x", maxPartHeaderBytes)
	tests := []struct{ name, contentType, body string }{
		{"no boundary ever", formType, strings.Repeat("x", 100_000)},
		{"nothing behind the last part", formType, field("a", "1")},
		{"a part that is cut", formType, field("a", "1") + "--b\r\nContent-Disposition: form-data; " +
			"name=f; filename=f\r\n\r\nhal"},
		{"a header that is cut", formType, field("a", "1") + "--b\r\nContent-Disp"},
		{"a header that is too long", formType, field("a", "1") + part("X: "+long, "") + endOfForm},
		{"words behind a boundary", formType, field("a", "1") + "--b x\r\n\r\n\r\n--b--"},
		{"lines that end with LF", formType, strings.ReplaceAll(field("a", "1")+endOfForm, "\r\n", "\n")},
		{"blanks without end", formType, field("a", "1") + "--b" + strings.Repeat(" ", 5000) + "\r\n"},
	}
	for _, tt := range tests {
		dir := uploadsTo(t)
		r := decoded(t, post(tt.contentType, tt.body))
		if got := r.Post("a"); got != "" && got != "1" {
			t.Errorf("%s: a = %q", tt.name, got)
		}
		for _, u := range r.Files() {
			if !errors.Is(u.Err, ErrUploadPartial) || u.TmpName != "" || u.Size != 0 {
				t.Errorf("%s: %+v", tt.name, u)
			}
		}
		t.Run(tt.name, func(t *testing.T) {
			streamAbove(t, 30)
			c := newConn()
			requests, err := c.summaries([]byte(post(tt.contentType, tt.body)))
			if err == nil || err.Error() != badForm.Error() || requests != nil {
				t.Errorf("streamed: %q, %v", requests, err)
			}
			if left := files(t, dir); left != nil {
				t.Errorf("files %q are left", left)
			}
		})
	}
}

func TestBoundaries(t *testing.T) {
	for contentType, want := range map[string]string{
		"multipart/form-data; boundary=" + strings.Repeat("x", 70): strings.Repeat("x", 70),
		"multipart/form-data; boundary=" + strings.Repeat("x", 71): "",
		`Multipart/Form-Data;charset=utf-8; Boundary="a b"`:        "a b",
		"multipart/form-data":            "",
		"multipart/form-data; boundary=": "",
		"multipart/mixed; boundary=a":    "",
		"":                               "",
	} {
		if got, ok := formBoundary(contentType); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", contentType, got, ok, want)
		}
	}
}

func TestPartsAreBounded(t *testing.T) {
	overMemoryAndDisk(t, func(t *testing.T) {
		dir := uploadsTo(t)
		body := strings.Repeat(file("f[]", "f", "x"), MaxFileUploads+10) + endOfForm
		c := newConn()
		err := c.receive(func(r *Request) {
			if got := len(r.Files()); got != MaxFileUploads || len(files(t, dir)) != got {
				t.Errorf("%d files, want %d", got, MaxFileUploads)
			}
		}, []byte(post(formType, body)))
		if err != nil {
			t.Error(err)
		}
		answerAll(t, c)
		if left := files(t, dir); left != nil {
			t.Errorf("%d files are left", len(left))
		}
	})
}

// parsedParts is what the parser finds, one line for each part, or the error.
func parsedParts(boundary string, pieces ...[]byte) (lines []string, err error) {
	p := newParts(false)
	m := newPartReader(boundary, p)
	for _, piece := range pieces {
		if err := m.feed(bytes.Clone(piece)); err != nil {
			return nil, err
		}
	}
	if err := m.finish(); err != nil {
		return nil, err
	}
	body := bytes.Join(pieces, nil)
	for _, u := range p.uploads {
		lines = append(lines, fmt.Sprintf("file %q %q %q", u.Field, u.FullPath, u.content.of(body)))
	}
	for key, value := range p.fields.values {
		lines = append(lines, fmt.Sprintf("field %q %q", key, value))
	}
	slices.Sort(lines)
	return lines, nil
}

// stdParts is what mime/multipart finds, by the rules of this package.
func stdParts(boundary string, body []byte) (lines []string, err error) {
	p := newParts(false)
	var contents [][]byte
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		std, err := reader.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(std)
		if err != nil {
			return nil, err
		}
		header := "Content-Disposition: " + std.Header.Get("Content-Disposition") + "\r\n"
		before := len(p.uploads)
		_ = p.begin([]byte(header))
		_ = p.add(content, 0)
		p.end()
		if len(p.uploads) > before {
			contents = append(contents, content)
		}
	}
	for i, u := range p.uploads {
		if u.Err != nil {
			contents[i] = nil
		}
		lines = append(lines, fmt.Sprintf("file %q %q %q", u.Field, u.FullPath, contents[i]))
	}
	for key, value := range p.fields.values {
		lines = append(lines, fmt.Sprintf("field %q %q", key, value))
	}
	slices.Sort(lines)
	return lines, nil
}

// FuzzMultipart demands the same parts however a body is cut, and those of
// mime/multipart where both accept it.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte("x\r\n"+field("a", "1")+file("f", "g", "h\r\n--bc\r-")+endOfForm), "b", 3)
	f.Add([]byte("--b--"), "b", 1)
	f.Add([]byte("--b \t\r\n\r\n\r\n--b--x"), "b", 2)
	f.Add([]byte("--b\r\nA: b\n\nc\r\n--b--"), "b", 5)
	f.Add([]byte("--b\r\n\r\n--b\r\n"+field("a[]", "\r\n--")+"--b-\r\n--b--\r\n"), "b", 4)
	f.Add([]byte("--\r\n\r\n\r\n\r\n--\r\n----"), "", 1)
	f.Fuzz(func(t *testing.T, body []byte, boundary string, size int) {
		if boundary == "" || len(boundary) > maxBoundaryBytes ||
			strings.ContainsAny(boundary, "\r\n") || strings.HasSuffix(boundary, " ") {
			return
		}
		whole, wholeErr := parsedParts(boundary, body)
		cut, cutErr := parsedParts(boundary, slices.Collect(slices.Chunk(body, max(size, 1)))...)
		if wholeErr != cutErr || !slices.Equal(whole, cut) {
			t.Errorf("cut by %d: %q, %v; whole: %q, %v", size, cut, cutErr, whole, wholeErr)
		}
		std, err := stdParts(boundary, body)
		if err == nil && wholeErr == nil && !slices.Equal(std, whole) {
			t.Errorf("parts %q, mime/multipart has %q", whole, std)
		}
	})
}

func TestUploadDirIsMissing(t *testing.T) {
	overMemoryAndDisk(t, func(t *testing.T) {
		dir := uploadsTo(t)
		UploadTmpDir = filepath.Join(dir, "none")
		err := newConn().receive(func(r *Request) {
			u := r.File("f")
			if !errors.Is(u.Err, ErrNoUploadDir) || u.TmpName != "" || r.Post("a") != "1" {
				t.Errorf("%+v, a = %q", u, r.Post("a"))
			}
			if err := u.Move(filepath.Join(dir, "x")); !errors.Is(err, ErrNoUploadDir) {
				t.Errorf("Move: %v", err)
			}
		}, []byte(post(formType, file("f", "f", "x")+field("a", "1")+endOfForm)))
		if err != nil {
			t.Error(err)
		}
	})
}
