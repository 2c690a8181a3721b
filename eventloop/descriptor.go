package eventloop

// descriptor is the Source behind OnReadable and OnWritable.
type descriptor struct {
	loop        *Loop
	fd          int
	read, write func() // nil: not wanted
}

// OnReadable calls fn on the loop goroutine, guarded, whenever fd can be read
// or is at its end; a second call replaces fn. The author keeps fd open and
// calls OffReadable before closing it. Called on the loop goroutine.
func (l *Loop) OnReadable(fd int, fn func(fd int)) error {
	l.check("OnReadable")
	d := l.descriptor(fd)
	d.read = func() { fn(fd) }
	return d.apply()
}

// OnWritable calls fn on the loop goroutine, guarded, whenever fd can take
// bytes or has failed; a second call replaces fn. A descriptor that can be
// written most of the time keeps the loop busy: call OffWritable when there is
// nothing to write. Called on the loop goroutine.
func (l *Loop) OnWritable(fd int, fn func(fd int)) error {
	l.check("OnWritable")
	d := l.descriptor(fd)
	d.write = func() { fn(fd) }
	return d.apply()
}

// OffReadable ends OnReadable and reports whether there was one. Called on the
// loop goroutine.
func (l *Loop) OffReadable(fd int) bool {
	l.check("OffReadable")
	d := l.descriptor(fd)
	had := d.read != nil
	d.read = nil
	return had && d.apply() == nil
}

// OffWritable ends OnWritable and reports whether there was one. Called on the
// loop goroutine.
func (l *Loop) OffWritable(fd int) bool {
	l.check("OffWritable")
	d := l.descriptor(fd)
	had := d.write != nil
	d.write = nil
	return had && d.apply() == nil
}

// descriptor returns the one that watches fd, or one that does not yet.
func (l *Loop) descriptor(fd int) *descriptor {
	if s, err := l.watched(fd); err == nil {
		if d, ok := s.source.(*descriptor); ok {
			return d
		}
	}
	return &descriptor{loop: l, fd: fd}
}

func (d *descriptor) watching() bool {
	s, err := d.loop.watched(d.fd)
	return err == nil && s.source == Source(d)
}

// apply tells the loop what is wanted now.
func (d *descriptor) apply() error {
	var want Events
	if d.read != nil {
		want |= Readable
	}
	if d.write != nil {
		want |= Writable
	}
	switch {
	case !d.watching():
		return d.loop.Watch(d.fd, want, d)
	case want == 0:
		return d.loop.Unwatch(d.fd)
	}
	return d.loop.Rewatch(d.fd, want)
}

// OnEvents gives trouble to both callbacks, as select does: the system call
// they make tells them what it is.
func (d *descriptor) OnEvents(ev Events) {
	const trouble = Hangup | Failed
	if d.read != nil && ev&(Readable|trouble) != 0 {
		d.loop.guard(d.read)
	}
	if d.write != nil && ev&(Writable|trouble) != 0 {
		d.loop.guard(d.write)
	}
}
