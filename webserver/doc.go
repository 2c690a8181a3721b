// Package webserver serves the files of a directory, or of the binary itself, over
// HTTP: the pages that belong to an app. It is Workerman's WebServer (features.md
// group 35).
//
//	// PHP                                         // Go
//	$web = new WebServer('http://0.0.0.0:80');     web := webserver.New("http://0.0.0.0:80")
//	$web->addRoot('www.example.com', '/srv/web');  web.AddRoot("www.example.com", "/srv/web")
//	$web->count = 4;                               web.Count = 4
//	$web->onWorkerStart = function ($w) { ... };   web.OnWorkerStart = connect
//
// A WebServer is a Worker in all but OnRequest, which it takes. A request goes the
// way of nginx:
//
//   - The Host header chooses a root; the first one is for all other hosts.
//   - The path is decoded once and cleaned. What leads out of the root, by dots or by
//     a link, is answered with 400, names that begin with a dot with 404. Files whose
//     name ends with .php are not there either: nobody runs them, and nobody may read
//     them.
//   - A file is sent with its type, ETag and Last-Modified, ranges and 304, from the
//     page cache to the socket by the kernel. A directory is answered with its index,
//     behind its slash (301). There are no listings.
//   - What no file answers goes to the entry of the host, if there is one; else to
//     the index of the root, with Fallback; else it is a 404, with a page of your own
//     if NotFound names it. Without an entry other methods than GET and HEAD are 405.
//
// With AddFS the files are in the binary:
//
//	//go:embed public
//	var public embed.FS
//
//	func Start() {
//		web := webserver.New("http://0.0.0.0:8080")
//		files, _ := fs.Sub(public, "public")
//		web.AddFS("", files)
//	}
//
// # What index.php was
//
// An entry is code that answers where no file does: AddEntryFunc takes a callback on
// the loop, as OnRequest is, and AddEntry any http.Handler, a router for example,
// which runs on goroutines and may block. In PHP the page had superglobals and
// replacements for functions (features.md 26.17-26.19, 27.15-27.17):
//
//	PHP                       AddEntryFunc                  AddEntry
//	$_GET['a']                r.Get("a")                    r.URL.Query().Get("a")
//	$_POST['a']               r.Post("a")                   r.PostFormValue("a")
//	$_COOKIE['a']             r.Cookie("a")                 r.Cookie("a")
//	$_FILES                   r.Files()                     r.FormFile("a")
//	$_SESSION                 r.Session()                   a library
//	$_SERVER['REMOTE_ADDR']   r.RemoteIP()                  r.RemoteAddr
//	$_SERVER['HTTP_...']      r.Header("...")               r.Header.Get("...")
//	raw post data             r.RawBody()                   r.Body
//	echo                      c.Send(body)                  fmt.Fprint(w, ...)
//	Http::header('A: b')      Response.Header               w.Header().Set("A", "b")
//	Http::header('HTTP/1.1')  Response.Status               w.WriteHeader(status)
//	Http::header('Location')  http1.Redirect(to)            http.Redirect(w, r, to, 302)
//	Http::setcookie           Response.SetCookie            http.SetCookie(w, cookie)
//	Http::end($msg), exit     c.Send(msg); return           fmt.Fprint(w, msg); return
//
// The process stays in memory between two requests, as in PHP under Workerman: what
// is made once, a pool of database connections for example, is made in
// OnWorkerStart. os.Exit ends the process with all its connections.
package webserver
