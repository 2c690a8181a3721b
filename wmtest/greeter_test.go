package wmtest_test

import "testing"

func TestExample(t *testing.T) { greets(t) }
