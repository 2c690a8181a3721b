package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// newSite starts the app page; dir is where it keeps what it is sent.
func newSite(t *testing.T) (s *service, url, dir string) {
	t.Helper()
	address := freeAddress(t)
	dir = siteDir(t)
	s = newService(t, "E2E_PAGE="+address, "E2E_PAGE_DIR="+dir)
	s.start()
	return s, "http://" + address, dir
}

func siteDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"uploads", "sessions"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBrowserLoadsAPage(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	_, site, _ := newSite(t)
	p.open(site + "/")
	p.wantText("h1", "A page")
	p.wantText("#script", "run")
	got := value[map[string]any](p, `fetch("/echo", {
		method: "POST", headers: {"Content-Type": "application/json"},
		body: JSON.stringify({name: "smörgås", list: [1, null]}),
	}).then((r) => r.json())`)
	if want := "map[got:map[list:[1 <nil>] name:smörgås] method:POST]"; fmt.Sprint(got) != want {
		t.Errorf("fetch says %v, want %s", got, want)
	}
	const cookies = `fetch("/cookies").then((r) => r.json())`
	if got := value[map[string]string](p, cookies); got["seen"] != "" {
		t.Errorf("a new visitor has the cookies %v", got)
	}
	if got := value[map[string]string](p, cookies); got["seen"] != "yes" || got["hidden"] != "yes" {
		t.Errorf("the second request has the cookies %v", got)
	}
	seen := value[string](p, "document.cookie")
	if !strings.Contains(seen, "seen=yes") || strings.Contains(seen, "hidden") {
		t.Errorf("scripts see the cookies %q", seen)
	}
	if got := value[int](p, `fetch("/nowhere").then((r) => r.status)`); got != 404 {
		t.Errorf("a page that is not there: %d", got)
	}
}

// upload is what the app says that it has received.
type upload struct {
	Name, Type, Sum string
	Size            int64
}

// A form with a field, a small file and one that is too large for memory.
func TestBrowserUploads(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	_, site, dir := newSite(t)
	files := t.TempDir()
	want := []upload{
		newUpload(t, filepath.Join(files, "größe.txt"), "text/plain", 5),
		newUpload(t, filepath.Join(files, "large.bin"), "application/octet-stream", 3<<20),
	}
	p.open(site + "/")
	p.do("choose files", chromedp.SetUploadFiles("#files",
		[]string{filepath.Join(files, want[0].Name), filepath.Join(files, want[1].Name)}))
	p.follow("send the form", chromedp.Click("#send"))
	p.wait(`location.pathname === "/upload" && document.readyState === "complete"`)

	var got struct {
		Note  string
		Files []upload
	}
	text := value[string](p, "document.body.innerText")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if got.Note != `smörgås & "tea"` || !slices.Equal(got.Files, want) {
		t.Errorf("received %+v\nwant files %+v", got, want)
	}
	waitFor(t, eventLimit, "the folder of uploads is empty", func() bool {
		left, err := os.ReadDir(filepath.Join(dir, "uploads"))
		return err == nil && len(left) == 0
	})
}

// newUpload writes a file of the given size.
func newUpload(t *testing.T, path, kind string, size int) upload {
	t.Helper()
	body := strings.Repeat("0123456789abcdef\r\n--", size/20+1)[:size]
	write(t, path, body)
	sum := sha256.Sum256([]byte(body))
	return upload{filepath.Base(path), kind, hex.EncodeToString(sum[:]), int64(size)}
}

// An EventSource goes on with the next process, where it has been.
func TestBrowserReceivesEvents(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	s, site, _ := newSite(t)
	p.open(site + "/")
	p.do("listen", chromedp.Evaluate(`listen("/events")`, nil))
	p.wantText("#opened", "1")
	p.wantText("#events", ticks(5))
	s.run("reload").wantCode(0)
	p.wantText("#opened", "2")
	p.wantText("#events", ticks(10))
	s.waitWhole("page", 2)
	before := strings.Count(s.log(), "a listener is gone")
	p.do("leave", chromedp.Evaluate(`source.close()`, nil))
	waitFor(t, eventLimit, "the app knows that the browser has closed the stream", func() bool {
		return strings.Count(s.log(), "a listener is gone") > before
	})
}

// ticks is what the list of events shows after n.
func ticks(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "%d: tick %d", i+1, i+1)
	}
	return all.String()
}

// Two processes share the sessions, and so do those that replace them.
func TestBrowserKeepsASession(t *testing.T) {
	t.Parallel()
	s, site, _ := newSite(t)
	p := newTab(t)
	p.open(site + "/")
	p.wantText("#count", "1")
	for _, want := range []string{"2", "3", "4"} {
		p.open(site + "/")
		p.wantText("#count", want)
	}
	second := p.sibling()
	second.open(site + "/")
	second.wantText("#count", "5")
	stranger := newTab(t)
	stranger.open(site + "/")
	stranger.wantText("#count", "1")
	s.run("reload").wantCode(0)
	p.open(site + "/")
	p.wantText("#count", "6")
	if got := value[string](p, "document.cookie"); strings.Contains(got, "PHPSID") {
		t.Errorf("scripts see the session: %q", got)
	}
	// Many at once are counted one by one.
	const many = `Promise.all(Array.from({length: 12}, () => fetch("/count").then((r) => r.text())))`
	counts := value[[]string](p, many)
	slices.Sort(counts)
	if got := len(slices.Compact(counts)); got != 12 {
		t.Errorf("12 requests at once counted %d", got)
	}
	stranger.open(site + "/")
	stranger.wantText("#count", "2")
}

// The same page over TLS, and messages over wss.
func TestBrowserOverTLS(t *testing.T) {
	t.Parallel()
	p := newTab(t)
	pem := filepath.Join(t.TempDir(), "page.pem")
	cert, key := newPair(t, 1, "localhost")
	write(t, pem, cert+key)
	page, socket := freeAddress(t), freeAddress(t)
	s := newService(t, "E2E_PAGE_TLS="+page+","+socket, "E2E_CERT="+pem, "E2E_PAGE_DIR="+siteDir(t))
	s.start()
	p.open("https://" + page + "/")
	p.wantText("#script", "run")
	p.wantText("#count", "1")
	for _, message := range []string{"smörgås", strings.Repeat("long ", 20_000)} {
		got := value[string](p, fmt.Sprintf("speak(%q, %s)", "wss://"+socket+"/", quoted(message)))
		if got != message {
			t.Errorf("wss echoes %d bytes %.20q of %.20q", len(got), got, message)
		}
	}
}
