package wmtest

import (
	"errors"
	"sync"
	"time"
)

// What there is instead of a message.
var (
	errSilence = errors.New("nothing came in time")
	errEnded   = errors.New("the connection ended")
)

// inbox keeps what has come until the test looks at it. Safe for concurrent
// use.
type inbox struct {
	mu    sync.Mutex // guards the fields below
	texts []string
	ended bool
	news  chan struct{} // closed at the next change
}

// put adds a text. Any goroutine.
func (b *inbox) put(text string) { b.change(func() { b.texts = append(b.texts, text) }) }

// end says that nothing will follow. Any goroutine.
func (b *inbox) end() { b.change(func() { b.ended = true }) }

func (b *inbox) change(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fn()
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// next takes the first text, which may yet have to come.
func (b *inbox) next(until time.Time) (string, error) {
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	for {
		text, news, err := b.first()
		if news == nil {
			return text, err
		}
		select {
		case <-news:
		case <-late.C:
			return "", errSilence
		}
	}
}

// first takes the first text; without one, news says when to look again.
func (b *inbox) first() (text string, news <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.texts) > 0:
		text = b.texts[0]
		b.texts = b.texts[1:]
		return text, nil, nil
	case b.ended:
		return "", nil, errEnded
	case b.news == nil:
		b.news = make(chan struct{})
	}
	return "", b.news, nil
}
