package http1

import (
	"net/http"
	"os"
	"testing"
	"time"
)

func TestRangesOfNothing(t *testing.T) {
	empty := File(written(t, "a", ""))
	for value, want := range map[string]int{
		"bytes=0-": 200, "bytes=0-0": 200, "bytes=-1": 200, "bytes=-0": 416, "bytes=1-": 416,
	} {
		if got, _ := answerTo(t, empty, "GET", "Range: "+value); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", value, got.StatusCode, want)
		}
	}
}

func TestAFileFromTheFutureWasChangedNow(t *testing.T) {
	path := written(t, "a.txt", "0123456789")
	before, future := time.Now().Truncate(time.Second), time.Now().Add(time.Hour)
	if err := os.Chtimes(path, future, future); err != nil {
		t.Fatal(err)
	}
	got, _ := answerTo(t, File(path), "GET")
	told, err := http.ParseTime(got.Header.Get("Last-Modified"))
	if err != nil || told.Before(before) || told.After(time.Now()) {
		t.Errorf("Last-Modified %v, %v", told, err)
	}
	tag := got.Header.Get("Etag")
	if got, _ := answerTo(t, File(path), "GET", "If-None-Match: "+tag); got.StatusCode != 304 {
		t.Errorf("If-None-Match: %d", got.StatusCode)
	}
}
