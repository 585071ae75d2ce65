//go:build !race

package report

const campaignCount = 4000
