package aiperf

// The files that aiperf writes into its --artifact-dir.
const (
	ExportName  = "profile_export_aiperf.json" // the cell's metrics
	RecordsName = "profile_export.jsonl"       // a line for each request (0.2 and newer)
)
