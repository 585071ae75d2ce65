package journal

// LevelsSkipped are concurrencies that are not measured, since two lower ones are outside the SLO.
type LevelsSkipped struct {
	Topology    string `json:"topology"`
	Round       int    `json:"round"`
	Concurrency []int  `json:"concurrency"`
	SLO         string `json:"slo"`
}

// Kind is the name of the event in the file.
func (LevelsSkipped) Kind() string { return "levels-skipped" }
