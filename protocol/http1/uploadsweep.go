package http1

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A process that is killed leaves the files of its uploads behind, and nobody
// knows them any more. The uploads of later processes clear them away.

const (
	// staleUpload is when a file that nobody has written to has lost its request.
	staleUpload = 24 * time.Hour
	sweepEvery  = time.Hour
)

// swept is when this process has last looked, in seconds.
var swept atomic.Int64

// sweepUploads looks for such files in dir, once in a while and off the loop.
func sweepUploads(dir string, now time.Time) {
	if sweepDue(now) {
		go removeStale(dir, now.Add(-staleUpload)) // ends with the folder
	}
}

// sweepDue is true for one caller in sweepEvery.
func sweepDue(now time.Time) bool {
	last := swept.Load()
	return now.Unix()-last >= int64(sweepEvery/time.Second) &&
		swept.CompareAndSwap(last, now.Unix())
}

// removeStale deletes the files of uploads that are ours and older than before.
// Errors say that another was faster, or that uploads have the same trouble.
func removeStale(dir string, before time.Time) {
	list, err := os.Open(dir)
	if err != nil {
		return
	}
	defer list.Close()
	for err == nil {
		var names []string
		names, err = list.Readdirnames(256)
		for _, name := range names {
			path := filepath.Join(dir, name)
			if strings.HasPrefix(name, tmpPrefix) && isStale(path, before) {
				_ = os.Remove(path)
			}
		}
	}
}

func isStale(path string, before time.Time) bool {
	var info unix.Stat_t
	err := unix.Lstat(path, &info)
	return err == nil && ours(&info, unix.S_IFREG) == nil && expired(&info, before)
}
