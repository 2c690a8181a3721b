package rundir

import "testing"

func TestTitles(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"master", MasterTitle("wm", "/opt/wm/bin/wm"),
			"wm: master process  start_file=/opt/wm/bin/wm"},
		{"worker", WorkerTitle("wm", "chat", "text://0.0.0.0:2348"),
			"wm: worker process  chat text://0.0.0.0:2348"},
		{"worker without address", WorkerTitle("shop", "ticker", "none"),
			"shop: worker process  ticker none"},
		{"a name that exec would refuse", WorkerTitle("wm", "a\x00b\nc", "none"),
			`wm: worker process  a\x00b\x0ac none`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("title %q, want %q", tt.got, tt.want)
			}
		})
	}
}
