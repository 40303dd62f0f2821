package history

import (
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/publish"
)

// Tables that the sink fills.
const (
	tableEvents      = "events"
	tableDetections  = "detections"
	tableScores      = "scores"
	tableDeadLetters = "dead_letters"
)

// tables lists them.
func tables() []string {
	return []string{tableEvents, tableDetections, tableScores, tableDeadLetters}
}

// tablesByTopic says which table takes the records of which topic.
func tablesByTopic(topics publish.Topics) map[string]string {
	return map[string]string{
		topics.Events: tableEvents, topics.Detections: tableDetections, topics.Scores: tableScores, topics.DeadLetter: tableDeadLetters,
	}
}

// daysOf is for how many days a table keeps its rows; 0 is for ever.
func daysOf(table string, days config.HistoryDays) int {
	switch table {
	case tableDetections:
		return days.Detections
	case tableScores:
		return days.Scores
	case tableDeadLetters:
		return days.DeadLetters
	}
	return days.Events
}
