package supervisor

import "testing"

func TestTraceOfAStartEndsWithTheAuthorsCode(t *testing.T) {
	own := "panic: no database\n\ngoroutine 1 [running]:\n" +
		"github.com/workerman-go/wm/worker.New(...)\n\t/wm/worker/new.go:7 +0x1\n" +
		"example.com/shop/apps/talk.setup(...)\n\t/shop/apps/talk/start.go:13\n" +
		"example.com/shop/apps/talk.Start()\n\t/shop/apps/talk/start.go:16 +0x2d\n"
	below := declareFrame + "{{0xb77b08, 0x4}})\n\t/wm/worker/app.go:58 +0x1d2\n" +
		"main.main()\n\t/shop/main.go:12 +0x79"
	others := "\n\ngoroutine 7 [select]:\nexample.com/shop/apps/talk.poll()"
	for _, c := range []struct{ words, want string }{
		{own + below, own + "... 4 lines of wm below"},
		{own + below + others, own + "... 4 lines of wm below" + others},
		{own + "main.main()", own + "main.main()"}, // not called by Declare
		{"no database", "no database"},
		{"", ""},
	} {
		if got := ownFrames(c.words); got != c.want {
			t.Errorf("%q\nbecame %q\nwant   %q", c.words, got, c.want)
		}
	}
}
