package statusfmt

import (
	"testing"
	"time"

	"github.com/workerman-go/wm/ipc"
)

func TestQPS(t *testing.T) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	counted := func(pid int, total int64) ipc.ProcessRow {
		return ipc.ProcessRow{
			PID: pid, Started: start, Answered: true, Figures: ipc.Figures{TotalRequest: total},
		}
	}
	reused, silent := counted(7, 900), counted(7, 900)
	reused.Started = start.Add(time.Minute)
	silent.Answered = false

	tests := []struct {
		name string
		prev []ipc.ProcessRow
		next ipc.ProcessRow
		want float64
	}{
		{"difference over time", []ipc.ProcessRow{counted(3, 5), counted(7, 100)}, counted(7, 900), 400},
		{"nothing new", []ipc.ProcessRow{counted(7, 900)}, counted(7, 900), 0},
		{"new process", []ipc.ProcessRow{counted(3, 5)}, counted(7, 900), 0},
		{"pid used again", []ipc.ProcessRow{counted(7, 100)}, reused, 0},
		{"no answer", []ipc.ProcessRow{counted(7, 100)}, silent, 0},
		{"counter went back", []ipc.ProcessRow{counted(7, 1000)}, counted(7, 900), 0},
		{"slot without process", []ipc.ProcessRow{counted(0, 0)}, counted(0, 900), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.next.QPS = 77 // of an earlier refresh
			prev := &ipc.Snapshot{Taken: start, Processes: tt.prev}
			next := &ipc.Snapshot{
				Taken: start.Add(2 * time.Second), Processes: []ipc.ProcessRow{tt.next},
			}
			QPS(prev, next)
			if got := next.Processes[0].QPS; got != tt.want {
				t.Errorf("QPS = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestQPSWithoutInterval(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	row := ipc.ProcessRow{PID: 7, Answered: true, Figures: ipc.Figures{TotalRequest: 5}, QPS: 77}
	for _, prev := range []*ipc.Snapshot{nil, {Taken: now}, {Taken: now.Add(time.Second)}} {
		next := &ipc.Snapshot{Taken: now, Processes: []ipc.ProcessRow{row}}
		QPS(prev, next)
		if got := next.Processes[0].QPS; got != 0 {
			t.Errorf("QPS after %+v = %v, want 0", prev, got)
		}
	}
}
