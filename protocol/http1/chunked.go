package http1

import (
	"bytes"
	"strconv"
)

const (
	maxSizeDigits    = 16
	maxSizeLineBytes = 4 << 10 // with the extensions, which are ignored
)

// chunks is how far a chunked body has been read. Offsets count from the
// beginning of the request.
type chunks struct {
	next     int // where the next size line, or trailer line, begins
	trailers int // where the trailers begin; 0 until the last chunk was seen
}

// input returns the length of the whole request when its body is complete. It
// goes on where it stopped, and refuses a chunk by its size line before
// waiting for it (trap T45).
func (k *chunks) input(buf []byte, from, limit int) (int, error) {
	k.next = max(k.next, from)
	for k.trailers == 0 {
		size, data, err := k.sizeLine(buf, limit)
		if err != nil || data == 0 {
			return 0, err
		}
		if size == 0 {
			k.next, k.trailers = data, data
			break
		}
		if size > int64(limit-data-2) {
			return 0, tooLarge
		}
		end := data + int(size)
		if len(buf) < end+2 {
			return 0, nil
		}
		if string(buf[end:end+2]) != "\r\n" {
			return 0, badChunk
		}
		k.next = end + 2
	}
	return k.skipTrailers(buf, limit)
}

// sizeLine returns the size of the chunk at next and where its data begin, 0
// when the line is not complete.
func (k *chunks) sizeLine(buf []byte, limit int) (size int64, data int, err error) {
	bound, late := earlier(limit, k.next+maxSizeLineBytes, badChunk)
	data, err = k.line(buf, bound, late)
	if err != nil || data == 0 {
		return 0, 0, err
	}
	size, ok := chunkSize(buf[k.next : data-2])
	if !ok {
		return 0, 0, badChunk
	}
	return size, data, nil
}

// skipTrailers returns the length of the request when the blank line behind the
// trailers is there.
func (k *chunks) skipTrailers(buf []byte, limit int) (int, error) {
	bound, late := earlier(limit, k.trailers+maxHeadBytes, headTooBig)
	for {
		end, err := k.line(buf, bound, late)
		if err != nil || end == 0 {
			return 0, err
		}
		if end == k.next+2 {
			return end, nil
		}
		if !validTrailer(buf[k.next : end-2]) {
			return 0, badTrailer
		}
		k.next = end
	}
}

// validTrailer has the form of a header line. Whatever it says, Host and the
// length of the message are known by now, and only Request.Trailer reads it.
func validTrailer(line []byte) bool {
	colon := tokenLength(line)
	return colon > 0 && colon < len(line) && line[colon] == ':' && printable(line[colon+1:])
}

// line returns where the line at next ends, behind its LF, and 0 when it is not
// complete. A line that cannot end before bound is the error late.
func (k *chunks) line(buf []byte, bound int, late error) (int, error) {
	n := bytes.IndexByte(buf[k.next:], '\n')
	end := k.next + n
	if n < 0 {
		end = len(buf)
	}
	switch {
	case end >= bound:
		return 0, late
	case n < 0:
		return 0, nil
	case n == 0 || buf[end-1] != '\r':
		return 0, badLineEnd
	}
	return end + 1, nil
}

// earlier is the bound that is met first, and the error for it.
func earlier(limit, most int, late error) (int, error) {
	if limit <= most {
		return limit, tooLarge
	}
	return most, late
}

// chunkSize reads hexadecimal digits and ignores an extension behind them.
func chunkSize(line []byte) (int64, bool) {
	number, _, _ := bytes.Cut(line, []byte{';'})
	if len(number) == 0 || len(number) > maxSizeDigits || !printable(line) {
		return 0, false
	}
	for _, c := range number {
		if !isHex(c) {
			return 0, false
		}
	}
	size, err := strconv.ParseInt(string(number), 16, 64)
	return size, err == nil
}

// join moves the chunks of a complete request together, behind its head, and
// returns the body.
func (k *chunks) join(frame []byte, from int) []byte {
	to := from
	for next := from; ; {
		line := bytes.IndexByte(frame[next:], '\n')
		size, _ := chunkSize(frame[next : next+line-1])
		if size == 0 {
			return frame[from:to:to]
		}
		data := next + line + 1
		to += copy(frame[to:], frame[data:data+int(size)])
		next = data + int(size) + 2
	}
}
