// Package torture does to running riskstream processes what happens to them in
// the end: it kills and stops them, cuts them off, restarts and crashes their
// brokers, fills their disk, damages their snapshots, sets their clock wrong
// and feeds them poison, on a real Apache Kafka and under load. It belongs to
// "make torture-short" and "make torture".
//
// A Bed has the brokers, a Scenario says what is done when, and a Run does it:
// it starts two engines, loads them with the raw events of a simulated company,
// watches how far their groups get in each partition, and strikes. Test rules
// make nearly every event cause a detection and a score, so that nothing can be
// lost or doubled unseen. Everything that is drawn follows from a seed; what
// the processes make of it does not, so that a failure may need several runs.
//
// Then an oracle judges what is in the topics, read as a careful consumer does:
//   - every raw position is in risk.events, as the lane takes it, or a dead
//     letter;
//   - risk.detections is what a replay of risk.events gives, each as often and
//     in the order of its subject;
//   - risk.scores has each version of a user once, in order, and ends with the
//     replay's record;
//   - the state in the changelog is the replay's;
//   - nothing was evicted, and partitions went on in time.
//
// TestNegativeControl runs a binary that commits too early, which the oracle
// must not let pass.
package torture
