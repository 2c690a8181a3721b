package http1

import (
	"bytes"
	"encoding/json"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Post is the text of the field name of the form, or def when there is none; see
// Form and Values.Get.
func (r *Request) Post(name string, def ...string) string { return r.Form().Get(name, def...) }

// Form are the fields that the body has, read at the first call: those of
// application/x-www-form-urlencoded, also without a Content-Type, those of
// multipart/form-data beside its files, and the members of a JSON object or the
// elements of an array when the Content-Type has the word json (features.md
// 26.2). Of a form that is broken it has what came before the fault, of JSON
// nothing, which includes JSON that is not UTF-8, as in PHP. JSON with more commas
// and brackets than 32 times MaxInputVars is not read, because that may take
// seconds; Request.JSON does it. What is read is as large as a request may be and
// takes about 10 ms of the loop for each MiB: where that is too long, lower
// MaxPackageSize. The Values may be kept.
func (r *Request) Form() Values {
	m := r.parsed()
	if m.form == nil {
		m.form = r.readForm()
	}
	return m.form
}

func (r *Request) readForm() Values {
	kind := r.Header("Content-Type")
	switch {
	case hasWord(kind, "json"):
		return jsonValues(r.body)
	case isType(kind, typeMultipart):
		return r.readParts().fields.values
	case kind == "" || isType(kind, "application/x-www-form-urlencoded"):
		return parseValues(string(r.body))
	}
	return Values{}
}

const typeMultipart = "multipart/form-data"

// readParts reads the body as multipart form, once.
func (r *Request) readParts() *parts {
	m := r.parsed()
	if m.parts == nil {
		m.parts = newParts(false)
		if boundary, ok := formBoundary(r.Header("Content-Type")); ok {
			reader := newPartReader(boundary, m.parts)
			if err := reader.feed(r.body); err != nil || reader.finish() != nil {
				m.parts.cut()
			}
		}
	}
	return m.parts
}

// formBoundary is the boundary of a multipart form.
func formBoundary(contentType string) (string, bool) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	return boundary, err == nil && kind == typeMultipart &&
		boundary != "" && len(boundary) <= maxBoundaryBytes
}

// File is the file that was uploaded for the field name, and nil when there is
// none; see Upload.Err. A name with brackets reaches into arrays by PHP's rules:
// the first of photos[] is photos[0]. Of several files of a name it is the last.
func (r *Request) File(name string) *Upload {
	if !r.isMultipart() {
		return nil
	}
	value, _ := r.readParts().files.values.find(name)
	u, _ := value.(*Upload)
	if u != nil {
		u.save(u.content.of(r.body))
	}
	return u
}

// Files are all uploaded files, in the order in which they came, also those that
// File does not find. At most MaxFileUploads parts of a form are looked at.
func (r *Request) Files() []*Upload {
	if !r.isMultipart() {
		return nil
	}
	uploads := r.readParts().uploads
	for _, u := range uploads {
		u.save(u.content.of(r.body))
	}
	return uploads
}

// isMultipart spares other requests the parsing.
func (r *Request) isMultipart() bool { return isType(r.Header("Content-Type"), typeMultipart) }

// isType compares a Content-Type without its parameters.
func isType(contentType, want string) bool {
	base, _, _ := strings.Cut(contentType, ";")
	return fold(strings.TrimSpace(base), want)
}

// JSON decodes the body into v, as json.Unmarshal does, whatever its
// Content-Type is.
func (r *Request) JSON(v any) error { return json.Unmarshal(r.body, v) }

// jsonPerVar bounds the values that JSON may have for a form.
const jsonPerVar = 32

// jsonValues makes Values of an object or array, and none of anything else.
func jsonValues(body []byte) Values {
	most := 0
	for _, sign := range []string{",", "[", "{"} {
		most += bytes.Count(body, []byte(sign))
	}
	if most > jsonPerVar*MaxInputVars || !utf8.Valid(body) {
		return Values{} // repairing each byte of 9 MiB takes 300 ms
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil || decoder.More() {
		return Values{}
	}
	values, _ := arrays(v).(Values)
	if values == nil {
		values = Values{}
	}
	return values
}

// arrays makes Values of objects and arrays in v.
func arrays(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = arrays(value)
		}
		return Values(v)
	case []any:
		values := make(Values, len(v))
		for i, value := range v {
			values[strconv.Itoa(i)] = arrays(value)
		}
		return values
	}
	return v
}

// hasWord looks for word between bytes that are no part of words, in any case.
func hasWord(s, word string) bool {
	for rest := strings.ToLower(s); ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !wordByte(rest[i-1])) && (end == len(rest) || !wordByte(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}
