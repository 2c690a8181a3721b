package ipc

import "testing"

func TestPlanSummary(t *testing.T) {
	worker := func(actions ...string) PlanWorker {
		w := PlanWorker{Key: "a/A"}
		for n, action := range actions {
			w.Steps = append(w.Steps, PlanStep{Slot: n, Action: action})
		}
		return w
	}
	moved := worker(PlanReplace, PlanStart, PlanStart)
	moved.Opens, moved.Closes = []string{"tcp://:1", "tcp://:2"}, []string{"tcp://:3"}
	for _, c := range []struct {
		plan Plan
		want string
	}{
		{Plan{}, "nothing to do"},
		{Plan{Workers: []PlanWorker{worker(PlanReplace)}}, "1 replace"},
		{Plan{Workers: []PlanWorker{moved, worker(PlanDrain, PlanKeep)}},
			"2 start, 1 replace, 1 drain, 1 keep, 2 addresses open, 1 address closes"},
		{Plan{Version: "0.1.0", NextVersion: "0.2.0", Workers: []PlanWorker{worker(PlanReplace)}},
			"master 0.1.0 -> 0.2.0, 1 replace"},
	} {
		if got := c.plan.Summary(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.plan, got, c.want)
		}
	}
}
