package result

// errorGroup reads one element of error_summary:
// {"error_details": {"code", "type", "message"}, "count"}.
func (e *export) errorGroup() error {
	var g ErrorGroup
	err := e.members(func(key string) (err error) {
		switch key {
		case "count":
			g.Count, err = e.count()
		case "error_details":
			err = e.members(func(key string) error { return e.errorDetail(&g, key) })
		default:
			err = e.skip()
		}
		return err
	})
	e.m.Errors = append(e.m.Errors, g)
	return err
}

// errorDetail reads one key of error_details; a failure without an answer has
// no code, or null.
func (e *export) errorDetail(g *ErrorGroup, key string) (err error) {
	switch key {
	case "code":
		g.Code, err = e.count()
	case "type":
		g.Type, err = e.text()
	case "message":
		g.Message, err = e.text()
	default:
		err = e.skip()
	}
	return err
}

// config reads one key of input_config. Up to aiperf 0.8 the load stands in
// loadgen, from 0.9 in a list of phases.
func (e *export) config(key string) error {
	switch key {
	case "loadgen":
		return e.members(e.loadgen)
	case "phases":
		return e.array(e.phase)
	}
	return e.skip()
}

func (e *export) loadgen(key string) error {
	switch key {
	case "request_count":
		return e.asked(&e.m.Requests)
	case "warmup_request_count":
		return e.asked(&e.m.Warmup)
	case "concurrency":
		return e.asked(&e.m.Concurrency)
	}
	return e.skip()
}

// phase reads one element of phases. Its kind came with 0.13; its name is
// there from 0.9. Further phases of the same name add up.
func (e *export) phase() error {
	var name string
	var requests, concurrency int
	err := e.members(func(key string) (err error) {
		switch key {
		case "name":
			name, err = e.text()
		case "requests":
			err = e.asked(&requests)
		case "concurrency":
			err = e.asked(&concurrency)
		default:
			err = e.skip()
		}
		return err
	})
	switch name {
	case "warmup":
		e.m.Warmup += requests
	case "profiling":
		e.m.Requests += requests
		e.m.Concurrency = concurrency
	}
	return err
}

// asked reads a number of input_config. A list (a sweep) or null stays unknown.
func (e *export) asked(n *int) (err error) {
	if e.dec.PeekKind() != '0' {
		return e.skip()
	}
	*n, err = e.count()
	return err
}
