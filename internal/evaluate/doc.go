// Package evaluate measures how well riskstream tells attackers from the people
// whose accounts they use: labelled events go through the real lanes, beside
// simpler methods that see the same events, and what each made of them is
// counted.
//
// Everything is prequential: an event is judged by what was known before it,
// then learned from. The log is cut in three by time. In the first part methods
// only learn; in the second the thresholds are fixed that meet a budget of
// challenges; on the last they are tested. Nothing is fitted on the last part.
//
// A rate stands with the number that it is of and a 95 % interval, which comes
// from resampling users: events of one user are not independent.
package evaluate
