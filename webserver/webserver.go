package webserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// WebServer is a Worker that answers requests with the files of its roots. Count,
// Transport, TLS, Limits and so on are those of every Worker; OnRequest is taken,
// OnWorkerStart and OnWorkerStop are free. All fields are set in Start and only
// read once it serves.
type WebServer struct {
	*worker.Worker

	// Index are the files that answer for their directory, in the order they are
	// looked for. New sets index.html.
	Index []string
	// Fallback answers a path that no file has, and that has no extension, with
	// the index of the root and status 200: for pages that make up paths in the
	// browser. An entry comes before it.
	Fallback bool
	// NotFound is the file, of each root, whose content is the page of a 404.
	// Empty, or missing in a root: a short page.
	NotFound string
	// Header is added to every answer, also to 304 and to errors; an entry that
	// sets a header of the same name itself keeps its own. What it says of a
	// content, Cache-Control for example, is left out of a 416.
	Header http.Header
	// Compress sends text by gzip to clients that accept it; see
	// http1.Response.Compress.
	Compress bool
	// Dotfiles lets clients have files and directories whose name begins with a
	// dot: .git, .env, .htaccess. Without it they answer 404, as if they were not
	// there, but for /.well-known/ (RFC 8615).
	Dotfiles bool

	sites    []*site // the roots, in the order they were added
	entries  map[string]entry
	mistakes []error

	hosts   map[string]*site // by host, once it serves
	pages   pages
	serving bool
	broken  bool // a file could not be opened, and that was logged
}

// New declares a WebServer: worker.New with protocol http, whatever the scheme of
// the address, the name WebServer and the defaults above. Port 80 needs root, or
// CAP_NET_BIND_SERVICE (features.md 35.20). Like worker.New it never fails: start
// and check say what is wrong.
func New(address string) *WebServer {
	s := &WebServer{
		Worker:  worker.New(address),
		Index:   []string{"index.html"},
		entries: make(map[string]entry),
	}
	s.Worker.Name = "WebServer"
	s.Worker.Protocol = http1.Protocol
	s.Worker.Require(s.check)
	s.Worker.Extend(s.prepare)
	return s
}

// AddRoot has the directory dir answer for host: a name or an IP address, whose
// case does not count and whose port is left out. The first root also answers for
// hosts that have none (trap T118), so host may be empty where there is one root
// only. A relative dir is below the folder of the app (worker.AppDir), and in a
// main program of your own below the working directory. A directory that is not
// there refuses the start, and so does a second root for one host. The directory
// is opened when a process begins; where it is a link that is turned to another
// directory later, a reload follows it. Called in Start.
func (s *WebServer) AddRoot(host, dir string) {
	what := fmt.Sprintf("AddRoot(%q, %q)", host, dir)
	if dir == "" {
		s.mistakes = append(s.mistakes, errors.New(what+": no directory"))
		return
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(worker.AppDir(), dir)
		if absolute, err := filepath.Abs(dir); err == nil {
			dir = absolute
		}
	}
	s.add(&site{host: hostName(host), what: what, dir: dir})
}

// AddFS is AddRoot for other file systems, most of all for an embed.FS, with which
// the binary stands alone; fs.Sub makes a root of one of its directories. Files are
// opened and read on the loop goroutine, so files has to be quick. A file without a
// time of change gets its ETag from its content: one above 64 KiB is read for that
// on another goroutine when it is asked for, one at a time, and has none until then.
// At most 10,000 ETags are kept. An os.DirFS follows links to anywhere: AddRoot does
// not. Called in Start.
func (s *WebServer) AddFS(host string, files fs.FS) {
	what := fmt.Sprintf("AddFS(%q)", host)
	if files == nil {
		s.mistakes = append(s.mistakes, errors.New(what+": no files"))
		return
	}
	s.add(&site{host: hostName(host), what: what, files: files})
}

// AddEntry has h answer the requests for host that no file answers, which is what
// index.php was (features.md 35.6, 35.7): missing files, directories without an
// index, and all methods but GET and HEAD. An empty host is every host without an
// entry of its own; one without a root has only the entry. Called in Start.
//
// h runs on a goroutine of its own, through worker.Go and within its bound of
// 1,024, and may block. What it writes is sent as a whole when h returns, or in
// parts where it calls Flush or writes more than 32 KiB: in chunks, unless h has set
// a Content-Length. Write then waits for a client that reads slowly. One that takes
// nothing for Limits.RequestTimeout is cut off. The context of the request ends with
// the connection and when h returns.
//
// A panic is logged, counted, and answered with 500, or ends the connection when a
// part was sent; that of http.ErrAbortHandler only ends the connection. An answer
// shorter than the Content-Length that h has set ends as by a panic. The body of a
// request is in memory, within MaxPackageSize; a multipart form above
// http1.MaxUploadMemory is refused with 413: raise that, or use AddEntryFunc. There
// is no Hijack.
func (s *WebServer) AddEntry(host string, h http.Handler) {
	s.addEntry("AddEntry", host, func(a ask) { a.handle(h) })
}

// AddEntryFunc is AddEntry for a function that is called as Worker.OnRequest is: it
// has sessions, uploads and event streams, and answers with c.Send, once, now or
// later. Its answers have Header only where it sets it. Called in Start; fn runs in
// the worker process, on the loop goroutine, and must not block.
func (s *WebServer) AddEntryFunc(
	host string, fn func(c *worker.Connection, r *http1.Request),
) {
	s.addEntry("AddEntryFunc", host, func(a ask) { fn(a.c, a.r) })
}

func (s *WebServer) addEntry(what, host string, e entry) {
	name := hostName(host)
	s.mustDeclare(what)
	if s.entries[name] != nil {
		s.mistakes = append(s.mistakes,
			fmt.Errorf("%s(%q): the host has an entry already", what, host))
		return
	}
	s.entries[name] = e
}

func (s *WebServer) add(site *site) {
	s.mustDeclare("AddRoot or AddFS")
	for _, other := range s.sites {
		if other.host == site.host {
			s.mistakes = append(s.mistakes,
				fmt.Errorf("%s: the host has %s already", site.what, other.what))
			return
		}
	}
	s.sites = append(s.sites, site)
}

// mustDeclare catches what would have no effect.
func (s *WebServer) mustDeclare(what string) {
	if s.serving {
		panic("webserver: " + what + " was called in a process that serves, it is for Start")
	}
}

// check is what start and check refuse, in the probe and again in each process.
func (s *WebServer) check() error {
	if err := s.taken(); err != nil {
		return err
	}
	if s.Protocol != http1.Protocol {
		return errors.New("Protocol is set, but a WebServer speaks http")
	}
	if len(s.mistakes) > 0 {
		return errors.Join(s.mistakes...)
	}
	if len(s.sites) == 0 {
		return errors.New("no root: call AddRoot or AddFS")
	}
	for _, name := range append([]string{s.notFound()}, s.Index...) {
		if name != "" && (!fs.ValidPath(name) || name == ".") {
			return fmt.Errorf("Index and NotFound are files below the root, and %q is not", name)
		}
	}
	for _, site := range s.sites {
		if site.files != nil {
			continue
		}
		if info, err := os.Stat(site.dir); err != nil {
			return fmt.Errorf("%s: %w", site.what, err)
		} else if !info.IsDir() {
			return fmt.Errorf("%s: %s is no directory", site.what, site.dir)
		}
	}
	return nil
}

// taken names a callback that would never be called.
func (s *WebServer) taken() error {
	name := ""
	switch {
	case s.OnRequest != nil && !s.serving:
		name = "OnRequest"
	case s.OnMessage != nil:
		name = "OnMessage"
	case s.OnValue != nil:
		name = "OnValue"
	case s.Handler != nil:
		name = "Handler"
	default:
		return nil
	}
	return fmt.Errorf("%s is set, but a WebServer answers requests itself: "+
		"AddEntryFunc takes a callback and AddEntry a handler for what is no file", name)
}

// notFound is NotFound as it is opened.
func (s *WebServer) notFound() string { return strings.TrimPrefix(s.NotFound, "/") }

// prepare opens the roots in a worker process and begins to answer.
func (s *WebServer) prepare(w *worker.Worker) {
	s.serving = true
	w.OnRequest = s.serve
	s.pages.make(s.Header)
	s.hosts = make(map[string]*site)
	for _, site := range s.sites {
		if err := site.open(); err != nil {
			panic(fmt.Errorf("webserver: %s: %w", site.what, err))
		}
		s.hosts[site.host] = site
	}
	s.joinEntries()
}

// joinEntries gives each host its entry.
func (s *WebServer) joinEntries() {
	for host, e := range s.entries {
		if host != "" && s.hosts[host] == nil {
			s.hosts[host] = &site{host: host, source: nothing{}}
		}
		if site := s.hosts[host]; site != nil {
			site.entry = e
		}
	}
	for _, site := range s.hosts {
		if site.entry == nil {
			site.entry = s.entries[""]
		}
	}
}
