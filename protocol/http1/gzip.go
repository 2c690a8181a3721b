package http1

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

var (
	// MinCompress is the shortest body in bytes that Response.Compress
	// compresses: below it the headers cost more than is saved. Set it before
	// the Workers start.
	MinCompress int64 = 1 << 10
	// MaxCompress is the longest file in bytes that Response.Compress
	// compresses. It is held in memory, and the loop does nothing else
	// meanwhile: 1 MiB of text takes about 6 ms. Longer files are sent as they are.
	// Set it before the Workers start.
	MaxCompress int64 = 1 << 20
)

// packers hold 1 to 2 MB each; as many are kept as loops compress at once.
var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, packLevel)
	if err != nil {
		panic(err) // the level is wrong
	}
	return w
}}

// packLevel is the last one that is fast: 5 takes several times as long for 2 per
// cent.
const packLevel = 4

// pack decides whether a file goes out compressed.
func (f *fileAnswer) pack(request *Request, found conditions) {
	r := f.response
	if !r.Compress || r.file.piece() || f.size < MinCompress || f.size > MaxCompress ||
		!r.mayPack(f.kind) {
		return
	}
	f.varies = true
	f.packed = found&acceptEncoding != 0 && acceptsGzip(request.Header("Accept-Encoding"))
}

// mayPack says that a body of this type is worth it, and not encoded already.
func (r *Response) mayPack(kind string) bool {
	_, encoded := r.header("Content-Encoding")
	return !encoded && compressible(kind)
}

// compress decides it for a Body, and does it.
func (e *exchange) compress(w *responseWriter) {
	kind, given := w.response.header("Content-Type")
	if !given {
		kind = typeHTML
	}
	request := e.asking()
	if request == nil || int64(len(w.body)) < MinCompress || bodiless(w.status) ||
		w.status == http.StatusPartialContent || !w.response.mayPack(kind) {
		return
	}
	w.fields = append(w.fields, headerField{"Vary", "Accept-Encoding"})
	if acceptsGzip(request.Header("Accept-Encoding")) {
		w.fields = append(w.fields, headerField{"Content-Encoding", "gzip"})
		w.body, w.weak, w.framed = packed(w.body), true, true
	}
}

// encodePacked appends a file, compressed.
func (e *exchange) encodePacked(dst []byte, f *fileAnswer, a answer) ([]byte, error) {
	if a&noBody != 0 || bodiless(f.status) {
		return e.encodeHead(dst, f, a), nil
	}
	content, err := appendPiece(nil, f.file, 0, f.size)
	if err != nil {
		return dst, err
	}
	body := packed(content)
	f.length = int64(len(body))
	return append(e.encodeHead(dst, f, a), body...), nil
}

// packed is p, compressed.
func packed(p []byte) []byte {
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	to := sink{make([]byte, 0, len(p)/2)}
	w.Reset(&to)
	// A sink takes everything.
	_, _ = w.Write(p)
	_ = w.Close()
	w.Reset(nil)
	return to.b
}

// sink collects what is written to it.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// acceptsGzip reads Accept-Encoding, RFC 9110 section 12.5.3: gzip by name, or
// all that is not named, with a weight above 0.
func acceptsGzip(list string) bool {
	star := false
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		name, parameters, _ := strings.Cut(item, ";")
		name = strings.TrimSpace(name)
		switch {
		case fold(name, "gzip"), fold(name, "x-gzip"):
			return weight(parameters) > 0
		case name == "*":
			star = weight(parameters) > 0
		}
	}
	return star
}

// weight is the q of an item, 1 without one and 0 for nonsense.
func weight(parameters string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !fold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}
