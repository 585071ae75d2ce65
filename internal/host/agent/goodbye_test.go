package agent_test

import "testing"

// The client closes the agent's input as soon as it has the answer to its goodbye: that is no loss, whichever of the
// two the agent notices first.
func TestAGoodbyeIsNoLoss(t *testing.T) {
	for range 3000 {
		s, _, _ := scripted()
		c, w := connect(t, s)
		if left, err := c.Close(t.Context()); err != nil || len(left) > 0 {
			t.Fatalf("%q, %v", left, err)
		}
		if err := <-w.served; err != nil {
			t.Fatal(err)
		}
	}
}
